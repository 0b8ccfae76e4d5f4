/*
 * Processor time: of this process and thread, of children that have ended, of one of them.
 */
#include "posix_test.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

#define USEC_PER_SEC 1000000L
#define BURN         20000 /* us, what a child uses */

static long usec(struct timeval t)
{
    return t.tv_sec * USEC_PER_SEC + t.tv_usec;
}

static long on_clock(clockid_t clock)
{
    struct timespec t = {-1, 0};

    clock_gettime(clock, &t);
    return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    nanosleep(&t, NULL);
}

/* Uses so much on the clock. */
static void burn(clockid_t clock, long us)
{
    long until = on_clock(clock) + us;

    do {
        for (volatile int i = 0; i < 100000; i++)
            ;
    } while (on_clock(clock) < until);
}

static int burn_in_child(void)
{
    burn(CLOCK_PROCESS_CPUTIME_ID, BURN);
    return 3;
}

/* It is run first: a child that ended before the program first asked is counted, too. */
TEST(a_child_is_counted_before_anybody_asked)
{
    struct rusage usage;

    EXPECT_EQ(WEXITSTATUS(run_child(burn_in_child)), 3);
    EXPECT_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
    EXPECT_TRUE(usec(usage.ru_utime) + usec(usage.ru_stime) >= BURN);
}

static int child_that_has_one(void)
{
    return WEXITSTATUS(run_child(burn_in_child));
}

TEST(children_of_children_are_counted)
{
    struct rusage before, after;

    EXPECT_EQ(getrusage(RUSAGE_CHILDREN, &before), 0);
    EXPECT_EQ(WEXITSTATUS(run_child(child_that_has_one)), 3);
    EXPECT_EQ(getrusage(RUSAGE_CHILDREN, &after), 0);
    EXPECT_TRUE(usec(after.ru_utime) + usec(after.ru_stime) - usec(before.ru_utime) - usec(before.ru_stime)
                >= BURN);
}

TEST(sleep_is_no_processor_time)
{
    long process = on_clock(CLOCK_PROCESS_CPUTIME_ID), boot = on_clock(CLOCK_MONOTONIC);
    struct timespec resolution = {1, 0};

    pause_ms(100);
    process = on_clock(CLOCK_PROCESS_CPUTIME_ID) - process;
    boot = on_clock(CLOCK_MONOTONIC) - boot;
    EXPECT_TRUE(boot >= 100000 && process >= 0 && process <= boot - 50000);
    EXPECT_EQ(clock_getres(CLOCK_PROCESS_CPUTIME_ID, &resolution), 0);
    EXPECT_TRUE(resolution.tv_sec == 0 && resolution.tv_nsec == 1000);
    EXPECT_ERRNO(clock_getres(4, &resolution), EINVAL);
    EXPECT_ERRNO(clock_gettime(4, &resolution), EINVAL);
}

static void *burn_in_thread(void *arg)
{
    burn(CLOCK_THREAD_CPUTIME_ID, BURN);
    return arg;
}

/* A thread's clock is its own; the process's has all of them, also when they have ended. */
TEST(threads_have_clocks)
{
    long thread = on_clock(CLOCK_THREAD_CPUTIME_ID), process = on_clock(CLOCK_PROCESS_CPUTIME_ID);
    pthread_t other;

    REQUIRE_EQ(pthread_create(&other, NULL, burn_in_thread, NULL), 0);
    pthread_join(other, NULL);
    thread = on_clock(CLOCK_THREAD_CPUTIME_ID) - thread;
    process = on_clock(CLOCK_PROCESS_CPUTIME_ID) - process;
    EXPECT_TRUE(process >= BURN);
    EXPECT_TRUE(thread >= 0 && thread <= process - BURN / 2);
}

/* wait4 tells what that child has used, and takes it once. */
TEST(wait4_is_about_one_child)
{
    struct rusage usage;
    int status = -1;
    pid_t busy = fork(), idle;

    if (busy == 0)
        _exit(burn_in_child());
    idle = fork();
    if (idle == 0)
        _exit(0);
    EXPECT_EQ(wait4(idle, &status, 0, &usage), idle);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(usec(usage.ru_utime) + usec(usage.ru_stime) < BURN);
    EXPECT_EQ(wait4(busy, &status, 0, &usage), busy);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    EXPECT_TRUE(usec(usage.ru_utime) + usec(usage.ru_stime) >= BURN);
    EXPECT_ERRNO(wait4(busy, &status, 0, &usage), ECHILD);
    EXPECT_ERRNO(wait3(&status, WNOHANG, NULL), ECHILD);
    EXPECT_ERRNO(wait4(-1, &status, WNOWAIT, NULL), EINVAL);
}

TEST(times_counts_ticks)
{
    struct tms before, after;
    long hz = sysconf(_SC_CLK_TCK);
    clock_t begin = times(&before), end;

    EXPECT_EQ(hz, 100);
    burn(CLOCK_PROCESS_CPUTIME_ID, 2 * USEC_PER_SEC / hz);
    EXPECT_EQ(WEXITSTATUS(run_child(burn_in_child)), 3);
    end = times(&after);
    EXPECT_TRUE(end >= begin + 3);
    EXPECT_TRUE(after.tms_utime + after.tms_stime >= before.tms_utime + before.tms_stime + 1);
    EXPECT_TRUE(after.tms_cutime + after.tms_cstime >= before.tms_cutime + before.tms_cstime);
}

/* time tells what a command took, and ends as it does. */
TEST(time_tells_what_a_command_took)
{
    char output[256];

    double real = 0, user = -1, sys = -1;
    int status = 0;

    EXPECT_EQ(shell("time sh -c 'sleep 0.1; exit 3' 2>&1; echo $?", output, sizeof(output)), 0);
    EXPECT_EQ(sscanf(output, "real %lf\nuser %lf\nsys %lf\n%d", &real, &user, &sys, &status), 4);
    EXPECT_TRUE(real >= 0.1 && user >= 0 && sys >= 0);
    EXPECT_EQ(status, 3);
    EXPECT_EQ(shell("time nosuch 2> /dev/null; echo $?; time /tmp 2> /dev/null; echo $?; "
                    "time sh -c 'kill -9 $$' 2> /dev/null; echo $?", output, sizeof(output)), 0);
    EXPECT_TRUE(strcmp(output, "127\n126\n137\n") == 0);
}

POSIX_TEST_MAIN
