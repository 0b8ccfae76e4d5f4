/*
 * Processes that crash: each ends with its signal, whatever it has made of its registers and its memory,
 * and the proc server goes on. (grade/test_crash.py looks at what the console is told.) `posix_core KIND`
 * crashes so.
 */
#include "posix_test.h"

#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/memory_object_control.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

TEST_LIMIT(100);

#define PATIENCE 5000 /* ms: crash.c's REPORT_TIME */
#define HOLES 500 /* mappings of a process with a large map */

/* Faults with that frame pointer. */
static void fault_with_frame(const void *frame)
{
    __asm__ volatile("mov x29, %0\n"
                     "mov x0, #8\n"
                     "ldr x0, [x0]" : : "r"(frame) : "x0", "memory");
}

static int by_address(void)
{
    volatile int *volatile nothing = (int *)8;

    *nothing = 1;
    return 1;
}

static int by_instruction(void)
{
    __asm__ volatile("udf #1");
    return 1;
}

static int by_breakpoint(void)
{
    __asm__ volatile("brk #7");
    return 1;
}

static int by_abort(void)
{
    abort();
}

static int by_jump(void)
{
    void (*volatile nowhere)(void) = NULL;

    nowhere();
    return 1;
}

static int by_stack(void)
{
    int (*volatile again)(void) = by_stack;
    volatile char room[65536];

    room[0] = 0;
    return again() + room[0];
}

static int with_wild_frame(void)
{
    fault_with_frame((void *)0x123456789ab8);
    return 1;
}

static int with_odd_frame(void)
{
    fault_with_frame((void *)7);
    return 1;
}

static int with_kernel_frame(void)
{
    fault_with_frame((void *)0xffff000040200000);
    return 1;
}

static int with_frames_in_a_circle(void)
{
    uint64_t frames[4];

    frames[0] = (uint64_t)&frames[2];
    frames[2] = (uint64_t)&frames[0];
    frames[1] = frames[3] = (uint64_t)by_address;
    fault_with_frame(frames);
    return 1;
}

static int with_many_frames(void)
{
    static uint64_t frames[10000][2];

    for (int i = 0; i < 9999; i++) {
        frames[i][0] = (uint64_t)frames[i + 1];
        frames[i][1] = (uint64_t)by_address;
    }
    fault_with_frame(frames);
    return 1;
}

static int with_a_large_map(void)
{
    char *all = mmap(NULL, 2 * HOLES * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (int i = 0; i < HOLES; i++)
        munmap(all + 2 * i * PAGE_SIZE, PAGE_SIZE);
    return by_address();
}

static mach_port_t object;

/* Says that the object is there. */
static void *begin_object(void *arg)
{
    union {
        struct {
            mach_msg_header_t header;
            mach_msg_body_t body;
            mach_msg_port_descriptor_t control;
        } init; /* memory_object_init */
        char room[256];
    } m;

    if (mach_msg(&m.init.header, MACH_RCV_MSG, 0, sizeof(m), object, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL)
        == MACH_MSG_SUCCESS)
        memory_object_ready(m.init.control.name, TRUE, MEMORY_OBJECT_COPY_NONE);
    return arg;
}

/* A frame in memory whose pager never answers: the process itself. */
static int with_a_silent_pager(void)
{
    vm_address_t address = 0;
    pthread_t thread;

    if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object) != KERN_SUCCESS
        || mach_port_insert_right(mach_task_self(), object, object, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS
        || pthread_create(&thread, NULL, begin_object, NULL) != 0
        || vm_map(mach_task_self(), &address, 16 * PAGE_SIZE, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT,
                  VM_PROT_DEFAULT, VM_INHERIT_NONE) != KERN_SUCCESS)
        return 2;
    fault_with_frame((void *)address);
    return 1;
}

static const struct kind {
    const char *name;
    int (*crash)(void);
    int signal;
} kinds[] = {
    {"address", by_address, SIGSEGV},
    {"instruction", by_instruction, SIGILL},
    {"breakpoint", by_breakpoint, SIGTRAP},
    {"abort", by_abort, SIGABRT},
    {"jump", by_jump, SIGSEGV},
    {"stack", by_stack, SIGSEGV},
    {"wild", with_wild_frame, SIGSEGV},
    {"odd", with_odd_frame, SIGSEGV},
    {"kernel", with_kernel_frame, SIGSEGV},
    {"circle", with_frames_in_a_circle, SIGSEGV},
    {"many", with_many_frames, SIGSEGV},
    {"map", with_a_large_map, SIGSEGV},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Every kind ends with its own signal. */
TEST(each_ends_with_its_signal)
{
    for (unsigned i = 0; i < KINDS; i++)
        EXPECT_EQ(run_child(kinds[i].crash), kinds[i].signal);
}

static int briefly(void)
{
    struct rlimit none = {0, RLIM_INFINITY};

    return setrlimit(RLIMIT_CORE, &none) == 0 ? by_address() : 1;
}

/* A limit of 0 asks for no report. The limit of a first process is none. */
TEST(the_limit_says_whether)
{
    struct rlimit limit = {0, 0};

    EXPECT_EQ(getrlimit(RLIMIT_CORE, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, RLIM_INFINITY);
    EXPECT_EQ(run_child(briefly), SIGSEGV);
}

static int64_t ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A pager that does not answer holds up the report, not the server: others are served meanwhile, and crash,
 * and the process ends after some seconds. */
TEST(a_silent_pager_delays_only_its_own)
{
    int status = -1;
    pid_t silent = fork();

    if (silent == 0)
        _exit(with_a_silent_pager());
    for (int i = 0; i < 5 && waitpid(silent, &status, WNOHANG) == 0; i++)
        EXPECT_EQ(run_child(by_address), SIGSEGV);
    if (status == -1)
        EXPECT_EQ(waitpid(silent, &status, 0), silent);
    EXPECT_EQ(status, SIGSEGV);
}

/* SIGKILL ends it at once, and other signals do nothing any more. (As long as the last case's report is being
 * given up there is no other: the process ends by its fault then, and the next one is tried.) */
TEST(a_kill_ends_it_at_once)
{
    struct timespec while_it_crashes = {0, 500000000};
    int64_t took = 0;
    int status = SIGSEGV;

    for (int i = 0; i < 20 && status == SIGSEGV && took < PATIENCE; i++) {
        int64_t begin = ms();
        pid_t silent = fork();

        if (silent == 0)
            _exit(with_a_silent_pager());
        nanosleep(&while_it_crashes, NULL);
        kill(silent, SIGSTOP);
        kill(silent, SIGCONT);
        kill(silent, SIGTERM);
        kill(silent, SIGKILL);
        EXPECT_EQ(waitpid(silent, &status, WUNTRACED), silent);
        took = ms() - begin;
    }
    if (took < PATIENCE) /* else the host was too busy, and it had ended by itself */
        EXPECT_EQ(status, SIGKILL);
}

/* One that is stopped is told to have been stopped, and then to have crashed. */
TEST(a_stopped_one_crashes)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        for (;;)
            pause();
    EXPECT_EQ(kill(child, SIGSTOP), 0);
    EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT_EQ(kill(child, SIGSEGV), 0);
    EXPECT_EQ(kill(child, SIGCONT), 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, SIGSEGV);
}

/* Many at once: one is reported, all end. */
TEST(many_at_once)
{
    pid_t pids[16];
    int status;

    for (int i = 0; i < 16; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(kinds[i % 3].crash());
    }
    for (int i = 0; i < 16; i++) {
        EXPECT_EQ(waitpid(pids[i], &status, 0), pids[i]);
        EXPECT_EQ(status, kinds[i % 3].signal);
    }
}

/* How many names the proc server has. */
static unsigned names_of_proc(void)
{
    mach_port_t *tasks;
    mach_msg_type_number_t count, names = 0;
    char name[32];

    if (host_tasks(test_host_priv(), &tasks, &count) != KERN_SUCCESS)
        return 0;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        ipc_info_name_t *list;

        if (task_get_name(tasks[i], name) == KERN_SUCCESS && strcmp(name, "proc") == 0
            && mach_port_space_info(tasks[i], &list, &names) == KERN_SUCCESS)
            vm_deallocate(mach_task_self(), (vm_address_t)list, names * sizeof(*list));
        mach_port_deallocate(mach_task_self(), tasks[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)tasks, count * sizeof(*tasks));
    return names;
}

/* Twenty crashes later the server has what it had. */
TEST(the_server_keeps_nothing)
{
    unsigned before;

    EXPECT_EQ(run_child(by_address), SIGSEGV);
    before = names_of_proc();
    EXPECT_TRUE(before > 0);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(run_child(i % 2 ? briefly : by_abort), i % 2 ? SIGSEGV : SIGABRT);
    EXPECT_TRUE(names_of_proc() <= before + 2);
}

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < KINDS && argc > 1; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            return kinds[i].crash();
    return posix_test_main(__FILE__);
}
