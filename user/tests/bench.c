/*
 * The figures of docs/performance.md, in retired instructions: each is the median of its runs, and
 * covers the whole operation as a program sees it. Boot argument bench=GLOB: those whose names match.
 *
 * The counter is the PMU's event 8 (INST_RETIRED), which QEMU has under icount only; without it there is
 * nothing to measure, and this says so. It is 32 bits wide, and two reads count one instruction.
 */
#include "bench_pager.h"
#include "mach_exc.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <mach/semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS  201 /* of what is quick */
#define HEAVY 31  /* of what takes 100,000 instructions and more */

static char glob[128] = "*";
static uint32_t samples[RUNS];

static inline uint32_t instructions(void)
{
    uint64_t value;

    __asm__ volatile("isb\n mrs %0, pmevcntr0_el0" : "=r"(value) : : "memory");
    return (uint32_t)value;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static boolean_t wanted(const char *name)
{
    return fnmatch(glob, name, 0) == 0;
}

static void fail(const char *name, const char *why)
{
    test_report("not ok %s bench.c: %s", name, why);
}

/* Runs operation `runs` times, and some before that to warm up; returns the median. */
static uint32_t median(int runs, void (*prepare)(void), void (*operation)(void))
{
    for (int i = -4; i < runs; i++) {
        uint32_t start;

        if (prepare != NULL)
            prepare();
        start = instructions();
        operation();
        samples[i < 0 ? 0 : i] = instructions() - start - 2;
    }
    qsort(samples, (size_t)runs, sizeof *samples, compare);
    return samples[runs / 2];
}

static void measure(const char *name, int runs, int divide, void (*prepare)(void),
                    void (*operation)(void))
{
    if (wanted(name))
        test_report("bench %s %u", name, median(runs, prepare, operation) / (uint32_t)divide);
}

/* ---- the kernel alone ---- */

static mach_port_t port;

static void null_trap(void)
{
    (void)debug_print(NULL, 0); /* the one that has least to do */
}

static void rpc_kernel(void)
{
    mach_port_type_t type;

    mach_port_type(SELF, port, &type);
}

static vm_address_t page;

static void new_page(void)
{
    if (page != 0)
        vm_deallocate(SELF, page, PAGE_SIZE);
    page = 0;
    vm_allocate(SELF, &page, PAGE_SIZE, TRUE);
}

static void touch_page(void)
{
    *(volatile char *)page = 1;
}

/* A page that another task may want as it is now. */
static task_t copy_holder;

static void new_cow_page(void)
{
    if (copy_holder != MACH_PORT_NULL) {
        task_terminate(copy_holder);
        mach_port_deallocate(SELF, copy_holder);
    }
    new_page();
    touch_page();
    task_create(SELF, TRUE, &copy_holder);
}

/* A page that is in memory, but not in our page table. */
static vm_address_t twin;

static void new_resident_page(void)
{
    vm_prot_t cur, max;

    if (twin != 0)
        vm_deallocate(SELF, twin, PAGE_SIZE);
    new_page();
    touch_page();
    twin = 0;
    vm_remap(SELF, &twin, PAGE_SIZE, 0, TRUE, SELF, page, FALSE, &cur, &max, VM_INHERIT_COPY);
}

static void touch_twin(void)
{
    *(volatile char *)twin = 1;
}

static void vm_alloc_touch_free(void)
{
    vm_address_t a = 0;

    vm_allocate(SELF, &a, PAGE_SIZE, TRUE);
    *(volatile char *)a = 1;
    vm_deallocate(SELF, a, PAGE_SIZE);
}

static void task_create_destroy(void)
{
    task_t task;

    task_create(SELF, TRUE, &task);
    task_terminate(task);
    mach_port_deallocate(SELF, task);
}

static void thread_create_destroy(void)
{
    thread_t thread;

    thread_create(SELF, &thread);
    thread_terminate(thread);
    mach_port_deallocate(SELF, thread);
}

/* ---- a server in an address space of its own ---- */

/* Requests of any size, answered with as many bytes. */
static struct {
    mach_msg_header_t header;
    char body[8192 + 1024];
} message;

enum { ID_ECHO = 500, ID_NULL, ID_RIGHT, ID_OOL };

/* The loop of a server: a reply and the next receive are one trap. */
static void echo_server(uint64_t service)
{
    mach_msg_size_t size = 0;
    mach_msg_option_t option = MACH_RCV_MSG;

    for (;;) {
        mach_msg_return_t mr = mach_msg_trap(&message.header, option, size, sizeof message,
                                             (mach_port_t)service, 0, MACH_PORT_NULL);

        option = MACH_RCV_MSG;
        if (mr != MACH_MSG_SUCCESS)
            continue;
        switch (message.header.msgh_id) {
        case ID_RIGHT: {
            struct carrier *m = (struct carrier *)&message;

            mach_port_deallocate(SELF, m->port.name);
            break;
        }
        case ID_OOL: {
            struct ool *m = (struct ool *)&message;

            vm_deallocate(SELF, m->memory.address, m->memory.size);
            break;
        }
        }
        size = message.header.msgh_id == ID_ECHO ? message.header.msgh_size
                                                  : sizeof(mach_msg_header_t);
        message.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        message.header.msgh_local_port = MACH_PORT_NULL;
        option |= MACH_SEND_MSG;
    }
}

static struct child server;
static mach_port_t service; /* a send right to the server's port */
static mach_msg_size_t echo_size;

/* The task runs main, which is told the name of its port. */
static kern_return_t start_server(void (*main)(uint64_t))
{
    mach_port_name_t inside;
    mach_msg_type_name_t type;
    kern_return_t kr = child_make(&server);

    if (kr == KERN_SUCCESS)
        kr = mach_port_allocate(server.task, MACH_PORT_RIGHT_RECEIVE, &inside);
    if (kr == KERN_SUCCESS)
        kr = mach_port_extract_right(server.task, inside, MACH_MSG_TYPE_MAKE_SEND, &service, &type);
    if (kr == KERN_SUCCESS)
        kr = child_run(&server, main, inside);
    return kr;
}

static inline void call(mach_msg_id_t id, mach_msg_size_t size, mach_msg_bits_t complex)
{
    mach_port_t reply = mig_get_reply_port();

    message.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
                               | complex;
    message.header.msgh_remote_port = service;
    message.header.msgh_local_port = reply;
    message.header.msgh_id = id;
    mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof message, reply, 0,
             MACH_PORT_NULL);
}

static void null_rpc(void)
{
    call(ID_NULL, sizeof(mach_msg_header_t), 0);
}

static void rpc_echo(void)
{
    call(ID_ECHO, echo_size, 0);
}

static void rpc_send_right(void)
{
    struct carrier *m = (struct carrier *)&message;

    m->body.msgh_descriptor_count = 1;
    m->port = (mach_msg_port_descriptor_t){.name = port, .disposition = MACH_MSG_TYPE_MAKE_SEND,
                                           .type = MACH_MSG_PORT_DESCRIPTOR};
    call(ID_RIGHT, CARRIER_SIZE, MACH_MSGH_BITS_COMPLEX);
}

static vm_address_t ool_memory;
static uint32_t ool_size;

static void rpc_ool(void)
{
    struct ool *m = (struct ool *)&message;

    m->body.msgh_descriptor_count = 1;
    m->memory = (mach_msg_ool_descriptor_t){.address = ool_memory, .size = ool_size,
                                            .copy = MACH_MSG_VIRTUAL_COPY,
                                            .type = MACH_MSG_OOL_DESCRIPTOR};
    call(ID_OOL, OOL_SIZE, MACH_MSGH_BITS_COMPLEX);
}

static void bench_rpc(void)
{
    if (start_server(echo_server) != KERN_SUCCESS) {
        fail("null_rpc", "the server cannot be started");
        return;
    }
    measure("null_rpc", RUNS, 1, NULL, null_rpc);
    echo_size = 128;
    measure("rpc_echo_128", RUNS, 1, NULL, rpc_echo);
    echo_size = 512;
    measure("rpc_echo_512", RUNS, 1, NULL, rpc_echo);
    echo_size = 4096;
    measure("rpc_inline_4k", RUNS, 1, NULL, rpc_echo);
    measure("rpc_send_right", RUNS, 1, NULL, rpc_send_right);
    ool_memory = 0;
    ool_size = 64 * 1024;
    vm_allocate(SELF, &ool_memory, 16 << 20, TRUE);
    memset((void *)ool_memory, 1, 16 << 20);
    measure("rpc_ool_64k", RUNS, 1, NULL, rpc_ool);
    ool_size = 16 << 20;
    measure("rpc_ool_16m", RUNS, 1, NULL, rpc_ool);
    vm_deallocate(SELF, ool_memory, 16 << 20);
    if (wanted("null_rpc_10k_names")) {
        static mach_port_t names[10000];

        for (int i = 0; i < 10000; i++)
            names[i] = new_port();
        measure("null_rpc_10k_names", RUNS, 1, NULL, null_rpc);
        for (int i = 0; i < 10000; i++)
            mach_port_destroy(SELF, names[i]);
    }
    child_end(&server);
    mach_port_deallocate(SELF, service);
}

/* Each page is asked for by itself, since downwards nobody reads ahead. */
static vm_address_t paged, paged_next;

static void pager_fault(void)
{
    paged_next -= PAGE_SIZE;
    if (*(volatile vm_offset_t *)paged_next != paged_next - paged)
        fail("pager_fault", "this is not the pager's data");
}

static void bench_pager(void)
{
    kern_return_t kr;

    if (!wanted("pager_fault"))
        return;
    kr = start_server(pager_task);
    if (kr == KERN_SUCCESS)
        kr = vm_map(SELF, &paged, PAGER_PAGES * PAGE_SIZE, 0, TRUE, service, 0, FALSE, VM_PROT_DEFAULT,
                    VM_PROT_ALL, VM_INHERIT_NONE);
    if (kr != KERN_SUCCESS) {
        fail("pager_fault", "the pager cannot be started");
        return;
    }
    paged_next = paged + PAGER_PAGES * PAGE_SIZE;
    measure("pager_fault", RUNS, 1, NULL, pager_fault);
    vm_deallocate(SELF, paged, PAGER_PAGES * PAGE_SIZE);
    child_end(&server);
    mach_port_deallocate(SELF, service);
}

/* ---- two threads ---- */

static semaphore_t ping, pong;

static void *answer(void *arg)
{
    semaphore_wait(ping);
    while (semaphore_wait_signal(ping, pong) == KERN_SUCCESS)
        ;
    return NULL;
}

static void semaphore_rt(void)
{
    semaphore_wait_signal(pong, ping);
}

static void bench_semaphore(void)
{
    cthread_t thread;

    semaphore_create(SELF, &ping, SYNC_POLICY_FIFO, 0);
    semaphore_create(SELF, &pong, SYNC_POLICY_FIFO, 0);
    thread = cthread_fork(answer, NULL);
    measure("semaphore_rt", RUNS, 1, NULL, semaphore_rt);
    semaphore_destroy(SELF, ping);
    semaphore_destroy(SELF, pong);
    if (thread != NULL)
        cthread_join(thread);
}

/* An exception, from the instruction that causes it to the one after it. */
static void skip_breakpoint(arm_thread_state64_t *state)
{
    state->pc += 4;
}

static void *exception_server(void *arg)
{
    mach_msg_server(exc_server, exc_server_max_request, port, 0);
    return NULL;
}

static void exception_rt(void)
{
    __asm__ volatile("brk #1" : : : "memory");
}

static void bench_exception(void)
{
    cthread_t thread;

    if (!wanted("exception_rt"))
        return;
    on_state = skip_breakpoint;
    thread = cthread_fork(exception_server, NULL);
    thread_set_exception_ports(mach_thread_self_cached(), EXC_MASK(EXC_BREAKPOINT), port,
                               EXCEPTION_STATE, ARM_THREAD_STATE64);
    measure("exception_rt", RUNS, 1, NULL, exception_rt);
    thread_set_exception_ports(mach_thread_self_cached(), EXC_MASK(EXC_BREAKPOINT), MACH_PORT_NULL,
                               EXCEPTION_STATE, ARM_THREAD_STATE64);
    mach_port_destroy(SELF, port);
    if (thread != NULL)
        cthread_join(thread);
    port = new_port_send();
}

/* ---- processes and files ---- */

static void fork_exit_wait(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
}

/* The same, of a task that has so much more memory, and has written to all of it since the last. */
static vm_address_t resident;
static vm_size_t resident_size;

static void write_resident(void)
{
    for (vm_size_t at = 0; at < resident_size; at += PAGE_SIZE)
        *(volatile char *)(resident + at) = 1;
}

static uint32_t fork_with(vm_size_t size)
{
    uint32_t result;

    resident_size = size;
    if (vm_allocate(SELF, &resident, size, TRUE) != KERN_SUCCESS) {
        fail("fork_64m_over_1m", "no memory");
        return 0;
    }
    result = median(HEAVY, write_resident, fork_exit_wait);
    vm_deallocate(SELF, resident, size);
    return result;
}

static void bench_fork(void)
{
    uint32_t small, large;

    measure("fork_exit_wait", HEAVY, 1, NULL, fork_exit_wait);
    if (!wanted("fork_64m_over_1m") || (small = fork_with(1 << 20)) == 0)
        return;
    large = fork_with(64 << 20) / (small / 100);
    test_report("bench fork_64m_over_1m %u.%02u", large / 100, large % 100);
}

/* The program started is this one, told by its argument to end at once. */
static void fork_exec_wait(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/tests/bench", "bench", "end", NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

static int there[2], back[2];

static void pipe_rt(void)
{
    char byte = 1;

    write(there[1], &byte, 1);
    read(back[0], &byte, 1);
}

static void bench_pipe(void)
{
    char byte;
    pid_t pid;

    if (!wanted("pipe_rt"))
        return;
    if (pipe(there) != 0 || pipe(back) != 0 || (pid = fork()) < 0) {
        fail("pipe_rt", "no pipes");
        return;
    }
    if (pid == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            write(back[1], &byte, 1);
        _exit(0);
    }
    close(there[0]);
    measure("pipe_rt", RUNS, 1, NULL, pipe_rt);
    close(there[1]);
    close(back[0]);
    close(back[1]);
    waitpid(pid, NULL, 0);
}

#define FILE_NAME   "/var/bench.file"
#define FILE_BLOCKS 64 /* of 4 KiB */

static char block[4096];
static int file_fd;

static void rewind_at_end(size_t size)
{
    static size_t at;

    at += size;
    if (at >= FILE_BLOCKS * sizeof block) {
        at = 0;
        lseek(file_fd, 0, SEEK_SET);
    }
}

static void next_4k(void)
{
    rewind_at_end(4096);
}

static void next_1k(void)
{
    rewind_at_end(1024);
}

static void file_write_4k(void)
{
    write(file_fd, block, 4096);
}

static void file_read_4k(void)
{
    read(file_fd, block, 4096);
}

static void file_read_1k(void)
{
    read(file_fd, block, 1024);
}

static void open_close(void)
{
    close(open(FILE_NAME, O_RDONLY));
}

static void open_close_null(void)
{
    close(open("/dev/null", O_RDWR));
}

static void stat_file(void)
{
    struct stat st;

    stat(FILE_NAME, &st);
}

static void create_unlink(void)
{
    close(open("/var/bench.new", O_CREAT | O_WRONLY, 0644));
    unlink("/var/bench.new");
}

/* A directory of that many names; they are all one file's. */
#define MANY     10000
#define MANY_DIR "/var/many"

static void create_unlink_many(void)
{
    close(open(MANY_DIR "/bench.new", O_CREAT | O_WRONLY, 0644));
    unlink(MANY_DIR "/bench.new");
}

static void bench_many_files(void)
{
    char name[32];
    int made;

    if (!wanted("create_unlink_10k"))
        return;
    mkdir(MANY_DIR, 0755);
    for (made = 0; made < MANY; made++) {
        snprintf(name, sizeof name, MANY_DIR "/%d", made);
        if (link(FILE_NAME, name) != 0)
            break;
    }
    if (made == MANY)
        measure("create_unlink_10k", RUNS, 1, NULL, create_unlink_many);
    else
        fail("create_unlink_10k", "not so many names can be made");
    while (made-- > 0) {
        snprintf(name, sizeof name, MANY_DIR "/%d", made);
        unlink(name);
    }
    rmdir(MANY_DIR);
}

static void bench_files(void)
{
    mkdir("/var", 0755);
    file_fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file_fd < 0) {
        fail("file_read_4k_per_kib", "no file can be made");
        return;
    }
    for (int i = 0; i < FILE_BLOCKS; i++)
        write(file_fd, block, sizeof block);
    lseek(file_fd, 0, SEEK_SET);
    measure("file_write_4k_per_kib", RUNS, 4, next_4k, file_write_4k);
    lseek(file_fd, 0, SEEK_SET);
    measure("file_read_4k_per_kib", RUNS, 4, next_4k, file_read_4k);
    lseek(file_fd, 0, SEEK_SET);
    measure("file_read_1k_per_kib", RUNS, 1, next_1k, file_read_1k);
    close(file_fd);
    measure("open_close", RUNS, 1, NULL, open_close);
    measure("open_close_null", RUNS, 1, NULL, open_close_null);
    measure("stat", RUNS, 1, NULL, stat_file);
    measure("create_unlink", RUNS, 1, NULL, create_unlink);
    bench_many_files();
    unlink(FILE_NAME);
}

int main(int argc, char **argv)
{
    uint32_t start;

    if (argc > 1 && strcmp(argv[1], "end") == 0)
        return 0;
    test_open();
    while ((file_fd = open("/dev/null", O_RDWR)) >= 0 && file_fd < 2)
        ;
    close(file_fd);
    test_boot_arg("bench", glob, sizeof glob);
    test_report("run bench");
    start = instructions();
    if (instructions() == start) {
        fail("counter", "there is no event INST_RETIRED here: QEMU has it with -icount shift=0 alone");
        test_report("end bench");
        return 1;
    }
    port = new_port_send();
    measure("null_trap", RUNS, 1, NULL, null_trap);
    measure("rpc_kernel", RUNS, 1, NULL, rpc_kernel);
    measure("zero_fill_fault", RUNS, 1, new_page, touch_page);
    measure("cow_fault", RUNS, 1, new_cow_page, touch_page);
    if (copy_holder != MACH_PORT_NULL) {
        task_terminate(copy_holder);
        mach_port_deallocate(SELF, copy_holder);
    }
    measure("resident_fault", RUNS, 1, new_resident_page, touch_twin);
    if (twin != 0)
        vm_deallocate(SELF, twin, PAGE_SIZE); /* shared memory: each copy of it would be made at once */
    if (page != 0)
        vm_deallocate(SELF, page, PAGE_SIZE);
    measure("vm_alloc_touch_free", RUNS, 1, NULL, vm_alloc_touch_free);
    measure("task_create_destroy", RUNS, 1, NULL, task_create_destroy);
    measure("thread_create_destroy", RUNS, 1, NULL, thread_create_destroy);
    bench_semaphore();
    bench_exception();
    bench_rpc();
    bench_pager();
    bench_pipe();
    bench_files();
    bench_fork();
    measure("fork_exec_wait", HEAVY, 1, NULL, fork_exec_wait);
    test_report("end bench");
    return 0;
}
