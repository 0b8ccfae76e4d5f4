/*
 * A hostile process: random and forged messages to every server's port it can reach. Nothing is expected of
 * the answers; but everything works afterwards. What it can take for itself is in posix_hog.c.
 */
#include "hostile_test.h"

#include "fuzz.h"

#include <mach/error.h>
#include <mach/exc.h>
#include <mach/mach_port.h>
#include <mach/memory_object.h>
#include <mach/notify_ids.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <servers/bootstrap.h>
#include <servers/io.h>
#include <servers/proc.h>
#include <sys/mman.h>

TEST_LIMIT(120);

#define ROUNDS   400 /* messages to a port */
#define NEARLY_RIGHT 3000 /* and those of fuzz.h, each child */
#define REPLY_MS 20  /* how long an answer is waited for: a read of nothing has none */

/* ---- random messages to servers ---- */

static const mach_msg_id_t bases[] = {5000, 5100, 5200, 5300, 5400, 5500, 5600, 5700, 64, 2200, 2401};

/*
 * Excluded, since they are rightly obeyed and would end the test or spoil the disk or the console:
 *   proc_exit, proc_kill (the whole group), proc_signal_group, proc_terminal; proc_sigdefault and
 *   proc_sigthread (which may stop it);
 *   io_write, io_pwrite (junk on the console), io_chmod, io_chown (of the root directory).
 */
static boolean_t obeyed(mach_msg_id_t id)
{
    return id == 5302 || id == 5304 || id == 5311 || id == 5314 || id == 5328 || id == 5329
           || id == 5101 || id == 5103 || id == 5109 || id == 5110;
}

/* In a child. */
static int shower(mach_port_t port, uint64_t with_seed)
{
    mach_port_t reply = mach_reply_port();

    fuzz_begin(with_seed);
    ports[port_count++] = port;
    ports[port_count++] = mach_task_self();
    ports[port_count++] = __proc_port;
    in_child = TRUE;
    for (int i = 0; i < ROUNDS; i++) {
        mach_msg_id_t id = bases[below(sizeof bases / sizeof *bases)] + (mach_msg_id_t)below(20);
        mach_msg_size_t size;

        if (below(20) == 0)
            id = (mach_msg_id_t)wild();
        if (obeyed(id))
            continue;
        size = random_message(port, id);
        if (message.header.msgh_local_port == mig_get_reply_port())
            message.header.msgh_local_port = reply;
        if (below(4) == 0) /* a short one */
            size = sizeof(mach_msg_header_t) + 4 * (mach_msg_size_t)below(4);
        if (mach_msg_trap(&message.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT
                          | MACH_RCV_TIMEOUT, size, sizeof message, reply, REPLY_MS, MACH_PORT_NULL)
            == MACH_MSG_SUCCESS) {
            message.header.msgh_remote_port = MACH_PORT_NULL;
            mach_msg_destroy(&message.header);
        }
    }
    for (int i = 0; i < NEARLY_RIGHT; i++) {
        uint32_t size = fuzz_message(port, 5000, 5999);

        if (obeyed(fuzz.header.msgh_id) || fuzz.header.msgh_remote_port != port)
            continue;
        if (i % 100 == 0)
            fuzz_names_again();
        if (mach_msg_trap(&fuzz.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT,
                          size, sizeof(fuzz), fuzz_reply, 1, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
            mach_msg_destroy(&fuzz.header);
    }
    return 0;
}

static void shower_from_child(mach_port_t port, uint64_t with_seed)
{
    REQUIRE_TRUE(port != MACH_PORT_NULL);
    for (uint64_t i = 0; i < 3; i++) { /* a child may well ruin itself */
        pid_t pid = fork();

        if (pid == 0)
            _exit(shower(port, with_seed * 10 + i));
        REQUIRE_TRUE(pid > 0);
        EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    }
    expect_all_well();
}

TEST(random_messages_to_the_root_directory)
{
    shower_from_child(__root_port, 1);
}

TEST(random_messages_to_a_file)
{
    int fd = open("victim", O_RDWR | O_CREAT, 0644);

    REQUIRE_TRUE(fd >= 0);
    shower_from_child(port_of(fd), 2);
    close(fd);
    unlink("victim");
}

TEST(random_messages_to_ones_own_process_port)
{
    /* fork gives the child its own under the same name */
    shower_from_child(__proc_port, 3);
}

TEST(random_messages_to_a_pipe)
{
    int fds[2];

    REQUIRE_EQ(pipe(fds), 0);
    shower_from_child(port_of(fds[0]), 4);
    shower_from_child(port_of(fds[1]), 5);
    close(fds[0]);
    close(fds[1]);
}

TEST(random_messages_to_the_terminal)
{
    int fd = open("/dev/console", O_RDWR);

    REQUIRE_TRUE(fd >= 0);
    shower_from_child(port_of(fd), 6);
    close(fd);
}

TEST(random_messages_to_a_device)
{
    int fd = open("/dev/null", O_RDWR);

    REQUIRE_TRUE(fd >= 0);
    shower_from_child(port_of(fd), 7);
    close(fd);
}

/* Its name is the child's own, so it is asked for there. */
static int shower_bootstrap(void)
{
    mach_port_t bootstrap;

    if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS)
        return 1;
    return shower(bootstrap, 80);
}

TEST(random_messages_to_the_name_server)
{
    run_child(shower_bootstrap);
    expect_all_well();
}

static const char *service_name;

static int shower_service(void)
{
    mach_port_t bootstrap, service;

    if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS)
        return 1;
    if (bootstrap_look_up(bootstrap, (char *)service_name, &service) != KERN_SUCCESS)
        return 0; /* not for us: right so */
    return shower(service, 90);
}

TEST(random_messages_to_the_services)
{
    static const char *const names[] = {SERVICE_FILE, SERVICE_PROC, SERVICE_PIPE, SERVICE_TTY,
                                        SERVICE_DISK, SERVICE_DEVICE};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        service_name = names[i];
        run_child(shower_service);
        expect_all_well();
    }
}

static int look_up_what_is_not_given(void)
{
    mach_port_t bootstrap, port;

    if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS)
        return 1;
    if (bootstrap_look_up(bootstrap, TEST_PORT_NAME, &port) == KERN_SUCCESS)
        return 2;
    if (bootstrap_look_up(bootstrap, SERVICE_DEVICE, &port) != unix_err(EPERM)
        || bootstrap_look_up(bootstrap, SERVICE_DISK, &port) != unix_err(EPERM))
        return 6;
    if (bootstrap_privileged_port(bootstrap, "host", &port) == KERN_SUCCESS)
        return 3;
    if (bootstrap_privileged_port(bootstrap, "device", &port) == KERN_SUCCESS)
        return 4;
    if (bootstrap_check_in(bootstrap, SERVICE_FILE, &port) == KERN_SUCCESS)
        return 5;
    return 0;
}

TEST(privileges_are_not_for_the_asking)
{
    EXPECT_EQ(WEXITSTATUS(run_child(look_up_what_is_not_given)), 0);
}

/* ---- forgeries ---- */

/* A port of one's own, from which no answer ever comes: given to a server, who may not wait for it. */
static int fork_no_task(void)
{
    mach_port_t wrong[] = {silent_port(), __proc_port, __root_port, mach_thread_self_cached(),
                           mach_task_self()};
    mach_port_t child = MACH_PORT_NULL;
    int pid;

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (proc_fork(__proc_port, wrong[i], &pid, &child) != unix_err(EINVAL))
            return 1 + (int)i;
    return 0;
}

TEST(what_is_no_task_does_not_become_a_process)
{
    EXPECT_EQ(WEXITSTATUS(run_child(fork_no_task)), 0);
    EXPECT_EQ(shell("ps | grep -c fork", output, sizeof output) >= 0, 1); /* asks about every task */
    expect_all_well();
}

static int exec_no_file(void)
{
    mach_port_t wrong[] = {silent_port(), __proc_port, mach_task_self(), MACH_PORT_NULL};
    char strings[] = "name";

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (proc_exec(__proc_port, mach_thread_self_cached(), wrong[i], "/bin/sh", 1, 0,
                      (vm_offset_t)strings, sizeof strings, (vm_offset_t)strings, sizeof strings,
                      0)
            != unix_err(EACCES))
            return 1 + (int)i;
    return 0;
}

TEST(what_is_no_file_is_not_executed)
{
    EXPECT_EQ(WEXITSTATUS(run_child(exec_no_file)), 0);
    expect_all_well();
}

static int raise_no_exception(void)
{
    mach_port_t port;
    exception_behavior_t behavior;
    thread_state_flavor_t flavor;
    int64_t code[2] = {0, 0};

    if (task_get_exception_port(mach_task_self(), EXC_BAD_ACCESS, &port, &behavior, &flavor)
        != KERN_SUCCESS)
        return 1;
    if (exception_raise(port, silent_port(), mach_task_self(), EXC_BAD_ACCESS, code, 2)
        != KERN_FAILURE)
        return 2;
    return 0;
}

/* Who touched them would wait for the pager, which may be anybody's and never answer. */
#define STRINGS (32 * PAGE_SIZE) /* a little would be copied when it is sent */

static int exec_strings(void)
{
    int fd = open("strings", O_RDWR), program = open("/bin/true", O_RDONLY);
    char *map = mmap(NULL, STRINGS, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    if (program < 0 || map == MAP_FAILED)
        return 1;
    for (int written = 0; written <= 1; written++) {
        if (written)
            map[0] = 'x'; /* a page is anonymous now, the other is not */
        if (proc_exec(__proc_port, mach_thread_self_cached(), port_of(program), "/bin/true", 1, 0,
                      (vm_address_t)map, STRINGS, (vm_address_t)map, STRINGS, 0)
            != unix_err(EFAULT))
            return 2 + written;
    }
    return 7;
}

TEST(strings_that_belong_to_a_pager_are_refused)
{
    int fd = open("strings", O_RDWR | O_CREAT | O_TRUNC, 0600);

    REQUIRE_EQ(ftruncate(fd, STRINGS), 0);
    close(fd);
    EXPECT_EQ(WEXITSTATUS(run_child(exec_strings)), 7);
    unlink("strings");
    expect_all_well();
}

TEST(an_exception_of_no_thread_is_not_believed)
{
    EXPECT_EQ(WEXITSTATUS(run_child(raise_no_exception)), 0);
    expect_all_well();
}

static void forge(mach_port_t port, mach_msg_id_t id, uint32_t word)
{
    struct {
        mach_msg_header_t header;
        uint32_t word[4];
    } m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                      .msgh_remote_port = port, .msgh_id = id},
           .word = {word, word, word, word}};

    for (mach_msg_size_t size = sizeof m.header; size <= sizeof m; size += 4)
        mach_msg(&m.header, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

TEST(forged_notifications_are_not_believed)
{
    int fd = open("forged", O_RDWR | O_CREAT | O_TRUNC, 0644);
    int fds[2];

    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(pipe(fds), 0);
    for (mach_msg_id_t id = MACH_NOTIFY_PORT_DELETED; id <= MACH_NOTIFY_DEAD_NAME; id++) {
        for (uint32_t name = 0; name < 0x2000; name += 0x100) {
            forge(__proc_port, id, name);
            forge(port_of(fd), id, name);
            forge(port_of(fds[0]), id, name);
            forge(port_of(fds[1]), id, name);
        }
    }
    EXPECT_EQ(write(fd, "kept", 4), 4); /* not closed, as no-senders would have done */
    EXPECT_EQ(write(fds[1], "kept", 4), 4);
    EXPECT_EQ(read(fds[0], output, 10), 4);
    EXPECT_EQ(getppid() >= 0, 1);
    close(fd);
    close(fds[0]);
    close(fds[1]);
    unlink("forged");
    expect_all_well();
}

TEST(the_pager_takes_pages_from_the_kernel_alone)
{
    mach_port_t memory = MACH_PORT_NULL, control = MACH_PORT_NULL;
    int64_t size = 0;
    int fd;

    REQUIRE_EQ(make_file("paged", "the true text"), 0);
    fd = open("paged", O_RDONLY);
    REQUIRE_TRUE(fd >= 0);
    REQUIRE_EQ(io_map(port_of(fd), &memory, &size), KERN_SUCCESS);
    mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &control);
    memset(output, 'X', sizeof output);
    memory_object_init(memory, control, PAGE_SIZE);
    memory_object_data_return(memory, control, 0, (vm_offset_t)output, sizeof output, TRUE, FALSE);
    memory_object_data_request(memory, control, 0, PAGE_SIZE, VM_PROT_READ);
    memory_object_terminate(memory, MACH_PORT_NULL);
    mach_port_destroy(mach_task_self(), control);
    mach_port_deallocate(mach_task_self(), memory);
    close(fd);
    EXPECT_STREQ(file_text("paged", output, sizeof output), "the true text");
    unlink("paged");
    expect_all_well();
}

POSIX_TEST_MAIN
