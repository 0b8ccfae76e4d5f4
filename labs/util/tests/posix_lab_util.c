/*
 * Lab util, exercises 1 to 3: sleep, pingpong, primes. Each program is run as the shell would run it, and
 * judged by what it printed, by its status, and by what it left behind.
 */
#include "lab_util.h"

#include <time.h>

TEST_LIMIT(2);

/* ---- 1: sleep ---- */

/* Milliseconds that /bin/sleep with that argument takes. */
static long sleep_time(const char *argument)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    RUN("/dev/null", "sleep", argument);
    clock_gettime(CLOCK_MONOTONIC, &end);
    EXPECT_RUN(0, "");
    return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

static void expect_sleep(const char *argument, long ms)
{
    long took = sleep_time(argument);

    if (took < ms || took > ms + 200)
        FAIL("sleep %s: took %ld ms, expected %ld", argument, took, ms);
}

TEST(sleep_seconds)
{
    expect_sleep("0", 0);
    expect_sleep("1", 1000);
}

TEST(sleep_fractions)
{
    expect_sleep("0.1", 100);
    expect_sleep("1.05", 1050);
    expect_sleep(".25", 250);
}

TEST(sleep_refuses)
{
    static const char *const wrong[] = {"x", "1x", "-1", "", "1.5.2", "1 "};

    RUN("/dev/null", "sleep");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "sleep", "0", "0");
    EXPECT_REFUSED(2);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RUN("/dev/null", "sleep", wrong[i]);
        EXPECT_REFUSED(2);
    }
}

/* ---- 2: pingpong ---- */

/* Checks r.out against what parent (the program's pid) and child print in so many rounds. The child's pid. */
static int expect_rounds(int parent, int rounds)
{
    static char expected[OUTPUT_SIZE];
    int child = atoi(r.out);
    size_t at = 0;

    if (child <= 0 || child == parent) {
        FAIL("pingpong: the first line is the child's, with its pid; got \"%.100s\" (the parent is %d)",
             r.out, parent);
        return -1;
    }
    for (int i = 0; i < rounds; i++)
        at += (size_t)snprintf(expected + at, sizeof expected - at, "%d: ping %d\n%d: pong %d\n", child,
                               2 * i + 1, parent, 2 * i + 2);
    EXPECT_RUN(0, expected);
    return child;
}

TEST(pingpong_one_round)
{
    int parent;

    BEGIN("/dev/null", "pingpong");
    parent = r.pid;
    finish();
    expect_rounds(parent, 1);
}

TEST(pingpong_rounds)
{
    int parent;

    BEGIN("/dev/null", "pingpong", "500");
    parent = r.pid;
    finish();
    expect_rounds(parent, 500);
}

TEST(pingpong_waits_for_its_child)
{
    for (int i = 0; i < 5; i++) {
        static char none[2];
        int child;

        BEGIN("/dev/null", "pingpong", "2");
        REQUIRE_TRUE(r.pid > 0);
        REQUIRE_TRUE(read_lines(4)); /* the child has ended by the time its parent has, not the pipe */
        child = atoi(r.out);
        REQUIRE_EQ(waitpid(r.pid, NULL, 0), r.pid);
        if (process_exists(child))
            FAIL("pingpong has ended, and its child %d is still there", child);
        EXPECT_EQ(read(r.output, none, 1), 0);
        close(r.output);
    }
}

TEST(pingpong_notices_a_dead_child)
{
    BEGIN("/dev/null", "pingpong", "1000000");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(10));
    kill(atoi(r.out), SIGKILL);
    finish(); /* hangs if the parent waits for an answer that cannot come */
    EXPECT_RUN(1, NULL);
    if (r.errors[0] == '\0')
        FAIL("pingpong: its child was killed, and it said nothing on standard error");
}

TEST(pingpong_notices_a_dead_parent)
{
    BEGIN("/dev/null", "pingpong", "1000000");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(10));
    kill(r.pid, SIGKILL);
    finish(); /* hangs if the child stays: it could still write */
    EXPECT_RUN(SIGNALLED + SIGKILL, NULL);
}

TEST(pingpong_refuses)
{
    static const char *const wrong[] = {"0", "x", "3x", "-1", ""};

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RUN("/dev/null", "pingpong", wrong[i]);
        EXPECT_REFUSED(2);
    }
    RUN("/dev/null", "pingpong", "1", "1");
    EXPECT_REFUSED(2);
}

/* ---- 3: primes ---- */

static const char *primes_up_to(int limit)
{
    static char text[4096];
    size_t at = 0;

    text[0] = '\0';
    for (int n = 2; n <= limit; n++) {
        int d = 2;

        while (d * d <= n && n % d != 0)
            d++;
        if (d * d > n)
            at += (size_t)snprintf(text + at, sizeof text - at, "%d\n", n);
    }
    return text;
}

TEST(primes_small)
{
    static const int limits[] = {0, 1, 2, 3, 4, 9, 28, 29, 35};

    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        char argument[16];

        snprintf(argument, sizeof argument, "%d", limits[i]);
        RUN("/dev/null", "primes", argument);
        EXPECT_RUN(0, primes_up_to(limits[i]));
    }
}

TEST(primes_large)
{
    int limit = 300 + (int)(seed() % 100);
    char argument[16];

    snprintf(argument, sizeof argument, "%d", limit);
    RUN("/dev/null", "primes", argument);
    EXPECT_RUN(0, primes_up_to(limit));
}

/* pids are given out in turn: what two forks of ours get tells how many there were in between. */
static int next_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}

TEST(primes_a_process_each)
{
    int before = next_pid(), made;

    RUN("/dev/null", "primes", "100");
    EXPECT_RUN(0, primes_up_to(100));
    made = next_pid() - before - 1;
    if (made < 25 || made > 27)
        FAIL("primes 100 ran as %d processes; there are 25 primes, so it should be 26", made);
}

struct most {
    int since, rights, pid;
};

static int look_at_rights(const proc_info_t *p, void *arg)
{
    struct most *m = arg;
    int rights = p->pid >= m->since ? count_rights(p->pid, NULL) : 0;

    if (rights > m->rights) {
        m->rights = rights;
        m->pid = p->pid;
    }
    return 0;
}

TEST(primes_close_what_they_do_not_use)
{
    struct most early, late;

    BEGIN("/dev/null", "primes", "1200");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(5));
    early = (struct most){r.pid, 0, 0};
    each_process(look_at_rights, &early);
    REQUIRE_TRUE(read_lines(60));
    late = (struct most){r.pid, 0, 0};
    each_process(look_at_rights, &late);
    put_away();
    if (early.rights == 0 || late.rights > early.rights + 12)
        FAIL("after 60 primes process %d holds %d port names, where after 5 none had more than %d: "
             "descriptors it has inherited and does not need", late.pid, late.rights, early.rights);
}

struct chain {
    int parent, child;
};

static int child_of(const proc_info_t *p, void *arg)
{
    struct chain *c = arg;

    c->child = p->pid;
    return p->ppid == c->parent && p->state != 'Z';
}

TEST(primes_a_break_ends_the_line)
{
    struct chain c = {0, 0};

    BEGIN("/dev/null", "primes", "600");
    REQUIRE_TRUE(r.pid > 0);
    REQUIRE_TRUE(read_lines(20));
    c.parent = r.pid;
    for (int i = 0; i < 10; i++) {
        REQUIRE_TRUE(each_process(child_of, &c)); /* each process has started the next */
        c.parent = c.child;
    }
    kill(c.parent, SIGKILL);
    finish();
    if (r.code == 0)
        FAIL("primes: one of its processes was killed, and its status is 0");
}

TEST(primes_wait_for_each_other)
{
    int first = next_pid(), last;

    for (int i = 0; i < 3; i++) {
        int status;

        BEGIN("/dev/null", "primes", "40");
        REQUIRE_TRUE(r.pid > 0);
        REQUIRE_EQ(waitpid(r.pid, &status, 0), r.pid);
        for (int pid = first + 1; pid <= r.pid + 14; pid++)
            if (process_exists(pid))
                FAIL("primes has ended, and its process %d is still there", pid);
        read_all(r.output, r.out, sizeof r.out);
        close(r.output);
    }
    last = next_pid();
    EXPECT_TRUE(last > first);
}

TEST(primes_refuse)
{
    static const char *const wrong[] = {"x", "3x", "-5", "", "99999999999999999999"};

    RUN("/dev/null", "primes");
    EXPECT_REFUSED(2);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        RUN("/dev/null", "primes", wrong[i]);
        EXPECT_REFUSED(2);
    }
}

LAB_MAIN(no_command)
