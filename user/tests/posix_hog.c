/*
 * A greedy process: as many waits, reads, names, processes, descriptors, pages and blocks as it can get. What
 * it gets is bounded, it is told so by an error, and everybody else goes on.
 */
#include "hostile_test.h"

#include <mach/error.h>
#include <mach/task.h>
#include <poll.h>
#include <servers/bootstrap.h>
#include <servers/io.h>

TEST_LIMIT(120);
TEST_ARGS("swap=4096"); /* pages: the hog has to fill them */

/* Sends a request of two words, and takes what answers have come: with wait, until this one's has. Returns
 * how many of them say EAGAIN. */
static int ask(mach_port_t reply, mach_port_t port, mach_msg_id_t id, uint32_t first, uint32_t second,
               boolean_t wait)
{
    static union {
        mach_msg_header_t header;
        mig_reply_error_t error;
        char room[IO_DATA_MAX + 512];
    } answer;
    const mach_msg_option_t option = MACH_RCV_MSG | (wait ? 0 : MACH_RCV_TIMEOUT);
    int refused = 0;
    struct {
        mach_msg_header_t header;
        uint32_t word[2];
    } m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
                      .msgh_remote_port = port, .msgh_local_port = reply, .msgh_id = id},
           .word = {first, second}};

    mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
    while (mach_msg(&answer.header, option, 0, sizeof answer, reply, 0, MACH_PORT_NULL)
           == MACH_MSG_SUCCESS) {
        refused += answer.error.RetCode == unix_err(EAGAIN);
        if (wait && answer.error.RetCode == MIG_BAD_ID)
            break;
    }
    return refused;
}

/* Sends requests that wait; how many of them were refused. */
static int refusals_at(mach_port_t reply, mach_port_t port, mach_msg_id_t id, uint32_t first,
                       uint32_t second, int requests)
{
    int refused = 0;

    for (int i = 0; i < requests; i++)
        refused += ask(reply, port, id, first, second, FALSE);
    /* A server answers in order: behind its answer to what it does not know there are no more. */
    return refused + ask(reply, port, 1, 0, 0, TRUE);
}

static int refusals(mach_port_t port, mach_msg_id_t id, uint32_t first, uint32_t second, int requests)
{
    return refusals_at(mach_reply_port(), port, id, first, second, requests);
}

static int polled = -1; /* a descriptor with nothing to read */

static int hog_waits(void)
{
    pid_t child = fork();
    int refused;

    if (child == 0) {
        sleep(100000);
        _exit(0);
    }
    refused = refusals(__proc_port, 5303, (uint32_t)-1, 0, 1000);
    kill(child, SIGKILL);
    return refused > 900 && refused < 1000 ? 0 : 1;
}

static int forgotten_waits(void)
{
    pid_t child = fork();
    int refused = 0;

    if (child == 0) {
        sleep(100000);
        _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        mach_port_t reply = mach_reply_port();

        refused += refusals_at(reply, __proc_port, 5303, (uint32_t)-1, 0, 60);
        mach_port_mod_refs(mach_task_self(), reply, MACH_PORT_RIGHT_RECEIVE, -1);
    }
    kill(child, SIGKILL);
    return refused == 0 ? 0 : 1;
}

TEST(waits_that_nobody_waits_for_any_more_do_not_count)
{
    EXPECT_EQ(run_child(forgotten_waits), 0);
}

TEST(a_process_has_only_so_many_waits)
{
    EXPECT_EQ(run_child(hog_waits), 0);
    expect_all_well();
}

static int read_one(void)
{
    return refusals(port_of(polled), 5100, 1, 1, 1);
}

static int hog_reads(void)
{
    int refused = refusals(port_of(polled), 5100, 1, 1, 1000);

    if (refused <= 900 || refused >= 1000)
        return 1;
    return run_child(read_one); /* others may still */
}

/* The same in a child, until it gives 0: what an earlier child had dies some time after it. */
static int come_right(int (*hog)(void))
{
    int status = -1;

    for (useconds_t i = 0; i < 30 && status != 0; i++) {
        usleep(20000 * i);
        status = run_child(hog);
    }
    return status;
}

TEST(a_process_has_only_so_many_reads_of_a_terminal)
{
    polled = open("/dev/console", O_RDWR);
    REQUIRE_TRUE(polled >= 0);
    EXPECT_EQ(come_right(hog_reads), 0);
    EXPECT_EQ(come_right(hog_reads), 0); /* the dead do not count */
    close(polled);
    expect_all_well();
}

static int poll_a_little(void)
{
    struct pollfd p = {polled, POLLIN, 0};

    return poll(&p, 1, 50);
}

static int hog_polls(void)
{
    struct pollfd p = {polled, POLLIN, 0};
    int refused = refusals(port_of(polled), IO_POLL_ID, IO_POLL_IN, 0, 1000);

    if (refused < 400 || refused >= 1000)
        return 1;
    if (poll(&p, 1, -1) != -1 || errno != EAGAIN) /* and says so, rather than wait for nothing */
        return 2;
    return run_child(poll_a_little) == 0 ? 0 : 3; /* others may still */
}

TEST(a_process_has_only_so_many_polls_of_a_stream)
{
    int console = open("/dev/console", O_RDWR), fds[2];

    REQUIRE_TRUE(console >= 0);
    REQUIRE_EQ(pipe(fds), 0);
    for (int i = 0; i < 4; i++) {
        polled = i % 2 ? console : fds[0];
        EXPECT_EQ(come_right(hog_polls), 0); /* the dead of the round before do not count */
    }
    close(console);
    close(fds[0]);
    close(fds[1]);
    expect_all_well();
}

static int hog_names(void)
{
    mach_port_t bootstrap, port = silent_port();
    kern_return_t kr = KERN_SUCCESS;
    char name[32];
    int i;

    if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS)
        return 1;
    for (i = 0; i < 2000 && kr == KERN_SUCCESS; i++) {
        snprintf(name, sizeof name, "hog %d", i);
        kr = bootstrap_register(bootstrap, name, port);
    }
    return kr == unix_err(ENOSPC) && i > 100 ? 0 : 2;
}

TEST(only_so_many_names_can_be_registered)
{
    EXPECT_EQ(run_child(hog_names), 0);
    EXPECT_EQ(run_child(hog_names), 0); /* they went with their port */
    expect_all_well();
}

/* Everyone forks until it fails; the first to fail says why. */
static int bomb(int report_fd)
{
    int error;

    setpgid(0, 0);
    while (fork() >= 0)
        ;
    error = errno;
    write(report_fd, &error, sizeof error);
    sleep(100000);
    return 0;
}

TEST(a_fork_bomb_ends_in_eagain)
{
    int fds[2], error = 0;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0)
        _exit(bomb(fds[1]));
    REQUIRE_TRUE(pid > 0);
    EXPECT_EQ(read(fds[0], &error, sizeof error), sizeof error);
    EXPECT_TRUE(error == EAGAIN || error == ENOMEM);
    usleep(100000);
    for (int i = 0; i < 1000; i++) {
        if (kill(-pid, SIGKILL) != 0 && errno == ESRCH)
            break;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        usleep(10000);
    }
    while (waitpid(-1, NULL, 0) > 0)
        ;
    close(fds[0]);
    close(fds[1]);
    expect_all_well();
}

static int hog_memory(void)
{
    for (;;) {
        char *p = malloc(1 << 20);

        if (p == NULL)
            return 0;
        for (int i = 0; i < 1 << 20; i += 4096)
            p[i] = 1;
    }
}

TEST(a_memory_hog_takes_only_itself_down)
{
    int status = run_child(hog_memory);

    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    expect_all_well();
}

static int hog_descriptors(void)
{
    int count = 0;

    while (count < 20000 && open("/dev/null", O_RDONLY) >= 0)
        count++;
    return count > 100 ? 0 : 1;
}

TEST(a_descriptor_hog)
{
    EXPECT_EQ(run_child(hog_descriptors), 0);
    expect_all_well();
}

static int hog_pipes(void)
{
    int fds[2], count = 0;

    while (count < 2000 && pipe(fds) == 0) {
        write(fds[1], output, sizeof output);
        count++;
    }
    return count > 10 ? 0 : 1;
}

TEST(a_pipe_hog)
{
    EXPECT_EQ(run_child(hog_pipes), 0);
    expect_all_well();
}

TEST(a_full_disk_is_an_error)
{
    static char block[8192];
    int fd = open("full", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t n;

    REQUIRE_TRUE(fd >= 0);
    while ((n = write(fd, block, sizeof block)) > 0)
        ;
    EXPECT_EQ(n, -1);
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(unlink("full"), 0);
    expect_all_well();
}

POSIX_TEST_MAIN
