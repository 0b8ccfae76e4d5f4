/*
 * The proc server is killed, under load, again and again, and what docs/servers.md promises is so: the table
 * of processes is lost; tasks go on, and so does what needs no process; a task that ends does so by itself.
 */
#include "posix_test.h"
#include "server_test.h"

#include <sys/mman.h>
#include <sys/resource.h>

TEST_LIMIT(60);

#define DEATHS  4 /* of the server */
#define WORKERS 3
#define BLOCK   4096

static char data[BLOCK], back[BLOCK];
static volatile int *stop;
static int alive[2]; /* a pipe that the children hold open: its end is their end */

/* Files, pipes and time, until told to stop. 0, or the errno of what failed. */
static int work(int number)
{
    char name[32];
    int fds[2], fd;

    snprintf(name, sizeof name, "load.%d", number);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || pipe(fds) != 0)
        return errno;
    while (!*stop) {
        if (pwrite(fd, data, BLOCK, 0) != BLOCK || pread(fd, back, BLOCK, 0) != BLOCK || fsync(fd) != 0)
            return errno;
        if (write(fds[1], data, BLOCK) != BLOCK || read(fds[0], back, BLOCK) != BLOCK)
            return errno;
        pause_ms(1);
    }
    return unlink(name) == 0 ? 0 : errno;
}

/* Makes processes until that is an error; tells which. */
static int forks(int number)
{
    (void)number;
    for (;;) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            return errno;
    }
}

/* Has an exception when it is told to stop. */
static int faults(int number)
{
    (void)number;
    while (!*stop)
        pause_ms(5);
    __builtin_trap();
}

static void start(int (*function)(int), int number, int results)
{
    pid_t pid = fork();

    if (pid == 0) {
        int result;

        close(alive[0]);
        result = function(number);
        write(results, &result, sizeof result);
        _exit(result);
    }
    EXPECT_TRUE(pid > 0);
}

TEST(what_needs_no_process_goes_on)
{
    int results[2], result, ended = 0;
    char c;

    stop = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE_EQ(pipe(alive), 0);
    REQUIRE_EQ(pipe(results), 0);
    for (int i = 0; i < WORKERS; i++)
        start(work, i, results[1]);
    start(forks, 0, results[1]);
    start(faults, 0, results[1]);
    close(alive[1]);
    close(results[1]);
    pause_ms(50);
    for (int i = 0; i < DEATHS; i++) {
        REQUIRE_TRUE(kill_server("proc"));
        pause_ms(50);
    }
    *stop = 1;
    while (read(results[0], &result, sizeof result) == sizeof result) {
        EXPECT_TRUE(result == 0 || result == EIO); /* who forked has EIO */
        ended += result == 0 ? 1 : 10;
    }
    EXPECT_EQ(ended, WORKERS + 10);
    EXPECT_EQ(read(alive[0], &c, 1), 0); /* exit, and a fault, have ended all of them */
    close(alive[0]);
    close(results[0]);
}

TEST(what_needs_a_process_is_an_error)
{
    int status;
    struct rlimit r;

    EXPECT_TRUE(fork() < 0 && errno == EIO);
    EXPECT_ERRNO(waitpid(-1, &status, 0), EIO);
    EXPECT_ERRNO(kill(1, 0), EIO);
    EXPECT_ERRNO(setsid(), EIO);
    EXPECT_ERRNO(execl("/bin/true", "true", NULL), EIO);
    EXPECT_ERRNO(getrlimit(RLIMIT_NOFILE, &r), EIO);
}

TEST(files_pipes_and_the_terminal_work)
{
    int fds[2], tty = open("/dev/console", O_RDWR | O_NOCTTY);
    char c = 0;

    EXPECT_TRUE(tty >= 0);
    EXPECT_EQ(write(tty, "still here\n", 11), 11);
    EXPECT_EQ(close(tty), 0);
    EXPECT_EQ(make_file("after", "still here"), 0);
    EXPECT_STREQ(file_text("after", back, sizeof back), "still here");
    EXPECT_EQ(unlink("after"), 0);
    EXPECT_EQ(pipe(fds), 0);
    EXPECT_EQ(write(fds[1], "p", 1), 1);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(close(fds[0]), 0);
    EXPECT_EQ(close(fds[1]), 0);
}

POSIX_TEST_MAIN
