/* poll and select over pipes, files, the terminal and what is not open: one property a case. */
#include "posix_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

TEST_SEEDS(3)

static int fds[2];

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What one poll of one descriptor says; -1: it timed out. */
static int poll_one(int fd, short events, int ms)
{
    struct pollfd p = {fd, events, 0x7fff};
    int n = poll(&p, 1, ms);

    return n == 0 ? -1 : n == 1 ? p.revents : -2;
}

TEST(a_pipe_is_ready_for_what_it_can_do)
{
    char c;

    REQUIRE_EQ(pipe(fds), 0);
    EXPECT_EQ(poll_one(fds[0], POLLIN, 0), -1);
    EXPECT_EQ(poll_one(fds[1], POLLOUT | POLLIN, 0), POLLOUT);
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    EXPECT_EQ(poll_one(fds[0], POLLIN, -1), POLLIN);
    EXPECT_EQ(poll_one(fds[0], POLLIN | POLLRDNORM, 1000), POLLIN | POLLRDNORM);
    EXPECT_EQ(poll_one(fds[0], POLLOUT, 0), -1);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(poll_one(fds[0], POLLIN, 0), -1);
    close(fds[1]);
    EXPECT_EQ(poll_one(fds[0], 0, -1), POLLHUP);
    close(fds[0]);
    REQUIRE_EQ(pipe(fds), 0);
    close(fds[0]);
    EXPECT_EQ(poll_one(fds[1], POLLOUT, -1), POLLERR);
    close(fds[1]);
}

TEST(a_full_pipe_is_not_writable)
{
    static char block[4096];

    REQUIRE_EQ(pipe(fds), 0);
    while (poll_one(fds[1], POLLOUT, 0) == POLLOUT)
        REQUIRE_EQ(write(fds[1], block, sizeof block), sizeof block);
    EXPECT_EQ(read(fds[0], block, sizeof block), sizeof block);
    EXPECT_EQ(poll_one(fds[1], POLLOUT, 0), POLLOUT);
    close(fds[0]);
    close(fds[1]);
}

TEST(files_are_always_ready_and_others_never_open)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    struct pollfd p[3] = {{fd, POLLIN | POLLOUT, 0}, {-1, POLLIN, 5}, {999, POLLIN, 0}};

    EXPECT_EQ(poll(p, 3, -1), 2);
    EXPECT_EQ(p[0].revents, POLLIN | POLLOUT);
    EXPECT_EQ(p[1].revents, 0);
    EXPECT_EQ(p[2].revents, POLLNVAL);
    EXPECT_EQ(poll_one(open("/dev/null", O_RDWR), POLLOUT, 0), POLLOUT);
    close(fd);
}

TEST(a_timeout_passes)
{
    long begin = now_ms();

    REQUIRE_EQ(pipe(fds), 0);
    EXPECT_EQ(poll_one(fds[0], POLLIN, 30), -1);
    EXPECT_TRUE(now_ms() - begin >= 30);
    begin = now_ms();
    EXPECT_EQ(poll(NULL, 0, 20), 0); /* nothing but time */
    EXPECT_TRUE(now_ms() - begin >= 20);
    close(fds[0]);
    close(fds[1]);
}

static void *write_when_asked(void *arg)
{
    struct timespec t = {0, 5000000};

    nanosleep(&t, NULL);
    return (void *)write((int)(long)arg, "x", 1);
}

TEST(an_event_ends_the_wait)
{
    enum { PIPES = 5 };
    struct pollfd p[PIPES];
    int end[PIPES];
    pthread_t thread;

    for (int i = 0; i < PIPES; i++) {
        REQUIRE_EQ(pipe(fds), 0);
        p[i] = (struct pollfd){fds[0], POLLIN, 0};
        end[i] = fds[1];
    }
    for (int round = 0; round < 20; round++) {
        int i = round * 3 % PIPES;
        char c;

        REQUIRE_EQ(pthread_create(&thread, NULL, write_when_asked, (void *)(long)end[i]), 0);
        EXPECT_EQ(poll(p, PIPES, -1), 1);
        for (int j = 0; j < PIPES; j++)
            EXPECT_EQ(p[j].revents, j == i ? POLLIN : 0);
        pthread_join(thread, NULL);
        EXPECT_EQ(read(p[i].fd, &c, 1), 1);
    }
    for (int i = 0; i < PIPES; i++) {
        close(p[i].fd);
        close(end[i]);
    }
}


TEST(the_other_ends_death_is_an_event)
{
    pid_t pid;
    int status;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        struct timespec t = {0, 5000000};

        nanosleep(&t, NULL);
        _exit(0);
    }
    close(fds[1]);
    EXPECT_EQ(poll_one(fds[0], POLLIN, -1), POLLHUP);
    waitpid(pid, &status, 0);
    close(fds[0]);
}

TEST(asking_again_and_again_costs_the_server_nothing)
{
    REQUIRE_EQ(pipe(fds), 0);
    for (int i = 0; i < 300; i++)
        EXPECT_EQ(poll_one(fds[0], POLLIN, 1), -1);
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    EXPECT_EQ(poll_one(fds[0], POLLIN, -1), POLLIN);
    close(fds[0]);
    close(fds[1]);
}

static volatile int handled;

static void note(int signal)
{
    handled = signal;
}

/* A signal's handler ends the wait; a signal that does nothing does not. [POSIX poll, select] */
TEST(a_handler_ends_the_wait)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    struct itimerval soon = {.it_value.tv_usec = 20000}, never = {0};
    struct pollfd p = {.events = POLLIN};
    int fds[2];
    fd_set set;

    REQUIRE_EQ(pipe(fds), 0);
    p.fd = fds[0];
    EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
    handled = 0;
    EXPECT_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    EXPECT_ERRNO(poll(&p, 1, -1), EINTR);
    EXPECT_EQ(handled, SIGALRM);
    soon.it_interval.tv_usec = 20000;
    EXPECT_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    EXPECT_ERRNO(poll(NULL, 0, 1000000), EINTR);
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    EXPECT_ERRNO(select(fds[0] + 1, &set, NULL, NULL, NULL), EINTR);
    setitimer(ITIMER_REAL, &never, NULL);
    if (fork() == 0)
        _exit(0);
    EXPECT_EQ(poll(&p, 1, 50), 0); /* SIGCHLD does nothing */
    EXPECT_EQ(wait(NULL) > 0, 1);
    signal(SIGALRM, SIG_DFL);
    close(fds[0]);
    close(fds[1]);
}

TEST(select_by_sets)
{
    struct timeval soon = {0, 20000}, wrong = {0, -1};
    fd_set in, out;

    REQUIRE_EQ(pipe(fds), 0);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fds[0], &in);
    FD_SET(fds[1], &out);
    EXPECT_EQ(select(fds[1] + 1, &in, &out, NULL, NULL), 1);
    EXPECT_TRUE(!FD_ISSET(fds[0], &in) && FD_ISSET(fds[1], &out));
    FD_SET(fds[0], &in);
    EXPECT_EQ(select(fds[1] + 1, &in, NULL, NULL, &soon), 0);
    EXPECT_TRUE(!FD_ISSET(fds[0], &in));
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    FD_SET(fds[0], &in);
    EXPECT_EQ(select(fds[1] + 1, &in, &out, NULL, NULL), 2);
    FD_SET(500, &in);
    EXPECT_ERRNO(select(501, &in, NULL, NULL, NULL), EBADF);
    EXPECT_ERRNO(select(FD_SETSIZE + 1, &in, NULL, NULL, NULL), EINVAL);
    EXPECT_ERRNO(select(1, NULL, NULL, NULL, &wrong), EINVAL);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_descriptor_may_refuse_to_wait)
{
    char c;

    REQUIRE_EQ(pipe(fds), 0);
    EXPECT_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    EXPECT_ERRNO(read(fds[0], &c, 1), EAGAIN);
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    close(fds[1]);
    EXPECT_EQ(read(fds[0], &c, 1), 0); /* the end is no waiting */
    close(fds[0]);
}

TEST(the_terminal_takes_output)
{
    int fd = open("/dev/console", O_RDWR);

    if (fd < 0)
        fd = open("/dev/tty", O_RDWR);
    REQUIRE_TRUE(fd >= 0);
    EXPECT_EQ(poll_one(fd, POLLIN | POLLOUT, -1), POLLOUT);
    EXPECT_EQ(poll_one(fd, POLLIN, 10), -1);
    close(fd);
}

POSIX_TEST_MAIN
