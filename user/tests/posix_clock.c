/*
 * The time of day: the real-time clock's, read without a message (mach/mapped_time.h). The harness boots with
 * a clock that begins at RTC_BASE and goes with guest time.
 */
#include "posix_test.h"

#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/mapped_time.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <sys/time.h>
#include <time.h>

#define RTC_BASE     1767323045 /* 2026-01-02 03:04:05 UTC: harness.py */
#define RUN_MAX      3600       /* s: no run is longer */
#define NSEC_PER_SEC 1000000000LL
#define STEP         2 /* s by which the tests set it; the harness reads the device for its limits, too */

static int64_t now(clockid_t clock)
{
    struct timespec t = {0, 0};

    clock_gettime(clock, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

/* What the time of day is ahead of the time since boot, at most `slack` ns wrong. */
static int64_t ahead(int64_t *slack)
{
    int64_t before = now(CLOCK_MONOTONIC);
    int64_t real = now(CLOCK_REALTIME);

    *slack = now(CLOCK_MONOTONIC) - before;
    return real - before;
}

static int set(int64_t time)
{
    return clock_settime(CLOCK_REALTIME, &(struct timespec){time / NSEC_PER_SEC, time % NSEC_PER_SEC});
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* time, gettimeofday and clock_gettime tell the device's time, which is not that since boot. */
TEST(the_time_is_the_clocks)
{
    struct timeval tv;
    struct tm tm;
    time_t t = time(NULL);

    EXPECT_TRUE(t >= RTC_BASE && t < RTC_BASE + RUN_MAX);
    EXPECT_EQ(gettimeofday(&tv, NULL), 0);
    EXPECT_TRUE(tv.tv_sec >= t && tv.tv_sec <= t + RUN_MAX && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
    EXPECT_TRUE(now(CLOCK_REALTIME) / NSEC_PER_SEC >= t);
    EXPECT_TRUE(now(CLOCK_MONOTONIC) / NSEC_PER_SEC < RUN_MAX);
    gmtime_r(&t, &tm);
    EXPECT_EQ(tm.tm_year, 126);
    EXPECT_EQ(tm.tm_mon, 0);
    EXPECT_EQ(tm.tm_mday, 2);
}

/* Between the device's seconds the counter tells: both clocks go at one pace, in steps far below that. */
TEST(it_goes_on_by_the_counter)
{
    int64_t slack_first, slack, first = ahead(&slack_first), last = now(CLOCK_REALTIME);

    for (int i = 0; i < 1000; i++) {
        int64_t next = now(CLOCK_REALTIME);
        int64_t more = ahead(&slack);

        EXPECT_TRUE(next >= last);
        EXPECT_TRUE(more >= first - slack_first - slack && more <= first + slack_first + slack);
        last = next;
    }
    last = now(CLOCK_REALTIME);
    pause_ms(3);
    EXPECT_TRUE(now(CLOCK_REALTIME) - last >= 3000000);
}

static boolean_t still_asks_nobody(void)
{
    time_t t;

    task_set_special_port(mach_task_self(), TASK_HOST_PORT, MACH_PORT_NULL);
    task_set_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, MACH_PORT_NULL);
    t = time(NULL);
    return t >= RTC_BASE && t < RTC_BASE + RUN_MAX;
}

static int first_asked(void)
{
    return time(NULL) >= RTC_BASE && still_asks_nobody() ? 0 : 1;
}

static int inherited(void)
{
    return still_asks_nobody() ? 0 : 1;
}

/* The first question maps the page; then no port is needed any more, nor in a child. */
TEST(asking_is_no_call)
{
    EXPECT_EQ(run_child(first_asked), 0);
    time(NULL);
    EXPECT_EQ(run_child(inherited), 0);
}

/* A file's times are the time of day, to the nanosecond. */
TEST(files_have_the_time)
{
    struct stat st;
    int64_t before = now(CLOCK_REALTIME), after, written;
    int fd = open(DIR_NAME "/f", O_CREAT | O_RDWR | O_TRUNC, 0644);

    EXPECT_TRUE(fd >= 0);
    EXPECT_EQ(write(fd, "x", 1), 1);
    EXPECT_EQ(fstat(fd, &st), 0);
    after = now(CLOCK_REALTIME);
    written = st.st_mtim.tv_sec * NSEC_PER_SEC + st.st_mtim.tv_nsec;
    EXPECT_TRUE(written >= before && written <= after);
    written = st.st_ctim.tv_sec * NSEC_PER_SEC + st.st_ctim.tv_nsec;
    EXPECT_TRUE(written >= before && written <= after);
    close(fd);
    unlink(DIR_NAME "/f");
}

static int pipe_ends[2];

/* Says that it has seen the time, waits, and sees another. */
static int sees_it_change(void)
{
    int64_t first = now(CLOCK_REALTIME);

    if (write(pipe_ends[1], "x", 1) != 1)
        return 2;
    for (int i = 0; i < 200; i++) {
        pause_ms(1);
        if (now(CLOCK_REALTIME) - first > NSEC_PER_SEC * STEP)
            return 0;
    }
    return 1;
}

/* Root sets it: all programs see that at once, and the time since boot does not change. */
TEST(root_sets_it)
{
    int64_t slack, before = ahead(&slack), monotonic = now(CLOCK_MONOTONIC), after;
    int status = -1;
    pid_t child;
    char c;

    EXPECT_EQ(pipe(pipe_ends), 0);
    child = fork();
    if (child == 0)
        _exit(sees_it_change());
    EXPECT_EQ(read(pipe_ends[0], &c, 1), 1);
    EXPECT_EQ(set(now(CLOCK_REALTIME) + STEP * NSEC_PER_SEC), 0);
    after = ahead(&slack);
    EXPECT_TRUE(after > before + (STEP - 1) * NSEC_PER_SEC && after < before + (STEP + 1) * NSEC_PER_SEC);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(set(now(CLOCK_MONOTONIC) + before), 0);
    after = ahead(&slack);
    EXPECT_TRUE(after <= before + slack && after > before - NSEC_PER_SEC);
    EXPECT_TRUE(now(CLOCK_MONOTONIC) >= monotonic && now(CLOCK_MONOTONIC) < monotonic + 20 * NSEC_PER_SEC);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static int as_another(void)
{
    if (setuid(1) != 0)
        return 2;
    errno = 0;
    return set(now(CLOCK_REALTIME)) == -1 && errno == EPERM ? 0 : 1;
}

/* Nobody else; and what is no time is refused. */
TEST(nobody_else_sets_it)
{
    struct timespec wrong[] = {{-1, 0}, {0, -1}, {0, NSEC_PER_SEC}, {INT64_MAX, 0}, {INT64_MAX / 2, 0}};
    int64_t slack, before = ahead(&slack), after;

    EXPECT_EQ(run_child(as_another), 0);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        EXPECT_ERRNO(clock_settime(CLOCK_REALTIME, &wrong[i]), EINVAL);
    EXPECT_ERRNO(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}), EINVAL);
    after = ahead(&slack);
    EXPECT_TRUE(after <= before + slack && after >= before - NSEC_PER_SEC / 10);
}

/* A sleep until a time of day lasts until then; until one that is past, no time. */
TEST(a_sleep_until_a_time_of_day)
{
    int64_t until = now(CLOCK_REALTIME) + 5000000;
    struct timespec t = {until / NSEC_PER_SEC, until % NSEC_PER_SEC};

    EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
    EXPECT_TRUE(now(CLOCK_REALTIME) >= until);
    t.tv_sec -= 10;
    EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
    t = (struct timespec){1, 0};
    EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
    EXPECT_EQ(clock_nanosleep(77, 0, &t, NULL), EINVAL);
}

POSIX_TEST_MAIN
