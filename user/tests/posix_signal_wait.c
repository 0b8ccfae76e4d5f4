/* Signals and waiting: calls that they end or do not, waiting for them, and timers that send them. */
#include "signal_test.h"

#include <sys/time.h>

TEST_LIMIT(60);

/* ---- calls that are interrupted ---- */

/* A child that sends signal to us, when it sees that we wait: by time, so more often than once; then
 * does what is to be done. */
static pid_t interrupter(int signal, int times, void (*then)(void))
{
    pid_t pid = fork(), parent = getppid();

    if (pid != 0)
        return pid;
    parent = getppid();
    for (int i = 0; i < times; i++) {
        usleep(20000);
        kill(parent, signal);
    }
    usleep(20000);
    if (then != NULL)
        then();
    _exit(0);
}

static int fds[2];

static void write_x(void)
{
    (void)!write(fds[1], "x", 1);
}

TEST(a_read_is_interrupted)
{
    char c;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, 0);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(read(fds[0], &c, 1), EINTR);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(write(fds[1], "y", 1), 1);
    EXPECT_EQ(read(fds[0], &c, 1), 1); /* what it left is not lost */
    EXPECT_EQ(c, 'y');
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_read_is_restarted)
{
    char c = 0;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 3, write_x);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(c, 'x');
    EXPECT_EQ(count, 3);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    close(fds[0]);
    close(fds[1]);
}

TEST(a_read_does_not_notice_what_has_no_handler)
{
    sigset_t set = set_of(SIGUSR1, 0);
    char c = 0;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = interrupter(SIGUSR1, 3, write_x);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
    close(fds[0]);
    close(fds[1]);
}

static void drain(void)
{
    static char buffer[65536];

    close(fds[1]);
    while (read(fds[0], buffer, sizeof buffer) > 0)
        ;
}

TEST(a_write_tells_how_much_it_has_done)
{
    static char buffer[65536];
    ssize_t n;
    pid_t pid;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, 0);
    pid = interrupter(SIGUSR1, 1, drain);
    n = write(fds[1], buffer, sizeof buffer);
    EXPECT_EQ(count, 1);
    EXPECT_TRUE(n > 0 && n < (ssize_t)sizeof buffer);
    close(fds[1]);
    close(fds[0]);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(a_restarted_write_loses_nothing)
{
    static char buffer[65536];
    pid_t pid;
    int status;

    reset();
    REQUIRE_EQ(pipe(fds), 0);
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 3, drain);
    EXPECT_EQ(write(fds[1], buffer, sizeof buffer), sizeof buffer);
    close(fds[1]);
    close(fds[0]);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(count, 3);
}

TEST(wait_is_interrupted_and_restarted)
{
    int status;
    pid_t pid;

    reset();
    handle(SIGUSR1, note, 0);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(waitpid(pid, &status, 0), EINTR);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 2, NULL);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(count, 3);
}

TEST(sleep_is_interrupted_and_tells_the_rest)
{
    struct timespec time = {100, 0}, left = {0, 0};
    pid_t pid;

    reset();
    handle(SIGUSR1, note, SA_RESTART); /* (it does not matter) */
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(nanosleep(&time, &left), EINTR);
    EXPECT_TRUE(left.tv_sec >= 90 && left.tv_sec < 100);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_TRUE(sleep(100) > 90);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    EXPECT_EQ(count, 2);
}

TEST(sleep_does_not_notice_what_has_no_handler)
{
    struct timespec before, after;
    sigset_t set = set_of(SIGUSR1, 0);
    pid_t pid;

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = interrupter(SIGUSR1, 3, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_EQ(usleep(200000), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 200000000);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    handle(SIGUSR1, SIG_IGN, 0);
    reset();
}

/* Every kind of call, under fire: each must do what it says, whatever it is interrupted by. */
TEST(a_storm_of_signals_loses_no_reply)
{
    enum { FIRE = 100 };
    char text[32];
    pid_t pid, parent = getpid();
    int status, i = 0;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    pid = fork();
    if (pid == 0) {
        for (int j = 0; j < FIRE; j++) {
            kill(parent, SIGUSR1);
            for (volatile int k = 0; k < j % 50 * 20; k++)
                ;
        }
        _exit(0);
    }
    do {
        int p[2];

        snprintf(text, sizeof text, "round %d", ++i);
        REQUIRE_EQ(make_file("storm", text), 0);
        {
            char back[32];

            EXPECT_STREQ(file_text("storm", back, sizeof back), text);
            REQUIRE_EQ(pipe(p), 0);
            EXPECT_EQ(write(p[1], text, sizeof text), sizeof text);
            EXPECT_EQ(read(p[0], back, sizeof back), sizeof back);
            EXPECT_STREQ(back, text);
            close(p[0]);
            close(p[1]);
        }
        EXPECT_EQ(getppid() >= 0, 1);
    } while (waitpid(pid, &status, WNOHANG) == 0);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(count > 0);
    unlink("storm");
    reset();
}

TEST(fork_under_fire)
{
    pid_t pid, parent = getpid();
    int status;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    pid = fork();
    if (pid == 0) {
        for (int j = 0; j < 60; j++) {
            kill(parent, SIGUSR1);
            for (volatile int k = 0; k < j % 50 * 30; k++)
                ;
        }
        _exit(0);
    }
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();

        if (child == 0) {
            kill(getpid(), SIGUSR1);
            _exit(i);
        }
        REQUIRE_TRUE(child > 0);
        if (waitpid(child, &status, 0) != child)
            FAIL("errno %d", errno);
        EXPECT_EQ(status, i << 8);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    reset();
}

/* ---- waiting for signals ---- */

TEST(sigsuspend_waits_with_another_mask)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2), mask, now;
    pid_t pid;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    handle(SIGUSR2, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR2);
    mask = set_of(SIGUSR2, 0);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(sigsuspend(&mask), EINTR);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(last, SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &now);
    EXPECT_EQ(now, set);
    sigemptyset(&mask);
    EXPECT_ERRNO(sigsuspend(&mask), EINTR); /* it is pending: no wait */
    EXPECT_EQ(last, SIGUSR2);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(sigsuspend_never_misses_one)
{
    sigset_t set = set_of(SIGUSR1, 0), none;
    pid_t pid, parent = getpid();
    int status;

    reset();
    sigemptyset(&none);
    handle(SIGUSR1, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = fork();
    if (pid == 0) {
        handle(SIGUSR1, note, 0);
        for (int i = 0; i < 60; i++) {
            kill(parent, SIGUSR1);
            while (count <= i)
                sigsuspend(&none);
        }
        _exit(count == 60 ? 0 : 1);
    }
    for (int i = 0; i < 60; i++) {
        while (count <= i)
            sigsuspend(&none);
        kill(pid, SIGUSR1);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    reset();
}

TEST(pause_returns_after_a_handler)
{
    pid_t pid;

    reset();
    handle(SIGUSR1, note, SA_RESTART);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_ERRNO(pause(), EINTR);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(sigwait_takes_without_a_handler)
{
    sigset_t set = set_of(SIGUSR1, SIGTERM);
    int taken = 0;
    pid_t pid;

    reset();
    handle(SIGUSR1, note, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTERM);
    EXPECT_EQ(sigwait(&set, &taken), 0);
    EXPECT_EQ(taken, SIGTERM);
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_EQ(sigwait(&set, &taken), 0);
    EXPECT_EQ(taken, SIGUSR1);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(sigwait_takes_what_does_nothing_by_default)
{
    sigset_t set = set_of(SIGCHLD, SIGWINCH);
    siginfo_t info;
    pid_t pid;

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = fork();
    if (pid == 0)
        _exit(5);
    EXPECT_EQ(sigwaitinfo(&set, &info), SIGCHLD);
    EXPECT_EQ(info.si_pid, pid);
    EXPECT_EQ(info.si_status, 5);
    EXPECT_EQ(info.si_code, CLD_EXITED);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(sigtimedwait_gives_up)
{
    sigset_t set = set_of(SIGUSR1, 0);
    struct timespec time = {0, 30000000}, before, after;
    pid_t pid;

    reset();
    sigprocmask(SIG_BLOCK, &set, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_ERRNO(sigtimedwait(&set, NULL, &time), EAGAIN);
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 30000000);
    time.tv_nsec = 1000000000;
    EXPECT_ERRNO(sigtimedwait(&set, NULL, &time), EINVAL);
    time = (struct timespec){100, 0};
    pid = interrupter(SIGUSR1, 1, NULL);
    EXPECT_EQ(sigtimedwait(&set, NULL, &time), SIGUSR1);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    handle(SIGUSR2, note, SA_RESTART);
    pid = interrupter(SIGUSR2, 1, NULL);
    EXPECT_ERRNO(sigtimedwait(&set, NULL, &time), EINTR); /* by another one's handler */
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    reset();
}

TEST(a_signal_is_not_lost_on_who_has_left_sigwait)
{
    sigset_t set = set_of(SIGUSR1, 0);
    struct timespec now = {0, 0};
    int taken;
    pid_t pid;

    handle_by_jump(SIGUSR2, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid = interrupter(SIGUSR2, 1, NULL);
    if (sigsetjmp(jump, 1) == 0)
        sigwait(&set, &taken);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ(sigtimedwait(&set, NULL, &now), SIGUSR1);
    reset();
}

/* ---- timers ---- */

TEST(alarm_comes_once)
{
    reset();
    handle(SIGALRM, note, 0);
    EXPECT_EQ(alarm(1), 0);
    EXPECT_ERRNO(pause(), EINTR);
    EXPECT_EQ(last, SIGALRM);
    EXPECT_EQ(alarm(100), 0);
    EXPECT_TRUE(alarm(0) >= 99);
    EXPECT_EQ(alarm(0), 0);
    EXPECT_EQ(count, 1);
}

TEST(an_interval_timer_goes_on)
{
    struct itimerval timer = {{0, 10000}, {0, 20000}}, old;

    reset();
    handle(SIGALRM, note, 0);
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
    while (count < 5)
        pause();
    EXPECT_EQ(getitimer(ITIMER_REAL, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 10000);
    EXPECT_TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 10000);
    timer = (struct itimerval){{0, 0}, {0, 0}};
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 10000);
    timer.it_value.tv_usec = 1000000;
    EXPECT_ERRNO(setitimer(ITIMER_REAL, &timer, NULL), EINVAL);
    EXPECT_ERRNO(setitimer(7, &(struct itimerval){{0, 0}, {0, 0}}, NULL), EINVAL);
}

TEST(a_short_interval_is_made_longer)
{
    struct itimerval timer = {{0, 1}, {0, 1}}, old;
    struct timespec before, after;

    reset();
    handle(SIGALRM, note, SA_RESTART);
    clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
    while (count < 5)
        pause();
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 4000000);
    EXPECT_EQ(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 1000);
    timer.it_value.tv_sec = 1000;
    EXPECT_EQ(setitimer(ITIMER_PROF, &timer, NULL), 0);
    EXPECT_EQ(setitimer(ITIMER_PROF, &(struct itimerval){{0, 0}, {0, 0}}, &old), 0);
    EXPECT_EQ(old.it_interval.tv_usec, 10000);
    reset();
}

TEST(a_timer_of_the_time_used)
{
    struct itimerval timer = {{0, 0}, {0, 30000}};
    struct timespec before, after;

    reset();
    handle(SIGVTALRM, note, 0);
    EXPECT_EQ(setitimer(ITIMER_VIRTUAL, &timer, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    usleep(60000); /* does not count */
    EXPECT_EQ(count, 0);
    while (count == 0)
        ;
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 85000000);
    handle(SIGPROF, note, 0);
    EXPECT_EQ(setitimer(ITIMER_PROF, &timer, NULL), 0);
    while (last != SIGPROF)
        ;
    reset();
}

static int die_of_alarm(void)
{
    struct itimerval timer = {{0, 0}, {0, 5000}};

    setitimer(ITIMER_REAL, &timer, NULL);
    while (pause() < 0)
        ;
    return 0;
}

static int alarm_is_gone_in_a_child(void)
{
    return getitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}) == 0 && alarm(0) == 0 ? 4 : 1;
}

TEST(alarms_by_default_and_over_fork)
{
    EXPECT_EQ(WTERMSIG(run_child(die_of_alarm)), SIGALRM);
    reset();
    alarm(100);
    in_child(alarm_is_gone_in_a_child, 4);
    EXPECT_TRUE(alarm(0) > 0);
}

POSIX_TEST_MAIN
