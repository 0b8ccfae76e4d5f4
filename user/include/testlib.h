/*
 * testlib: how an in-guest test program is written. (user/lib/testlib.c; grade/README.md says how the
 * harness runs them.)
 *
 *     #include <testlib.h>
 *
 *     TEST(allocate_gives_a_name)
 *     {
 *         mach_port_name_t name;
 *         REQUIRE_KR(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &name), KERN_SUCCESS);
 *         EXPECT_KR(mach_port_destroy(mach_task_self(), name), KERN_SUCCESS);
 *     }
 *
 *     TEST_MAIN
 *
 * A program is one file, user/tests/NAME.c, and its cases run in the order of the file. EXPECT_* notes a
 * failure and goes on; REQUIRE_* also leaves the function it stands in, which must return void. A case
 * fails by its first unmet expectation. The harness finds TEST(name) at the start of a line by reading
 * the source, so write it there, and not by another macro.
 *
 * Programs named mach_* are Mach tasks from the boot archive: they need the kernel and bootstrap alone,
 * and may not use files or processes. All others are POSIX processes from /tests on the disk.
 *
 * What the boot must do for them (bootstrap's contract):
 *   - Boot argument test=NAME[,NAME..]: after the servers are up, instead of init, run each program by
 *     itself, in order: tests/NAME of the boot archive as a plain task if it is there, else /tests/NAME
 *     as a process. When the last has ended, however it ended, host_reboot(host_priv, 0).
 *   - Boot argument bench=GLOB means test=bench; the program reads GLOB from the boot arguments.
 *   - The name server has "grade" (TEST_PORT_NAME), a send right to the privileged host port, in such a
 *     boot alone, and gives it out once a program: registered anew before each is started, withdrawn by
 *     the first look-up. testlib takes it before any other code of the program runs, so that nothing a
 *     test starts can write a verdict.
 *
 * A program that is itself the first task (the boot archive's `bootstrap`, with no server behind it) has
 * the privileged host port from the kernel; testlib notices that, and switches the machine off at the end.
 */
#ifndef TESTLIB_H
#define TESTLIB_H

#include <mach/mach_types.h>

#define TEST_PORT_NAME "grade"

struct test_case {
    const char *name;
    void (*run)(void);
    int line;
};

#define TEST(case_name) \
    static void test_##case_name(void); \
    static const struct test_case test_case_##case_name \
        __attribute__((section("test_cases"), used)) = {#case_name, test_##case_name, __LINE__}; \
    static void test_##case_name(void)

/* Ends the file. */
#define TEST_MAIN \
    int main(void) { return test_main(__FILE__); }

/* Guest seconds a case may take (the harness's default is 20). At most once in a file, at its top. */
#define TEST_LIMIT(seconds) _Static_assert((seconds) > 0, "TEST_LIMIT")

/*
 * The program is also run on four CPUs under icount, once for each of the seeds 1..count of random timer
 * intervals: for races. At most once in a file, at the start of a line.
 */
#define TEST_SEEDS(count) _Static_assert((count) > 0, "TEST_SEEDS");
/* MiB of memory of the machine it runs on (128). At most once in a file, at the start of a line. */
#define TEST_MEMORY(mib) _Static_assert((mib) > 0, "TEST_MEMORY")

/* Boot arguments that the program needs besides test=. At most once in a file, at the start of a line. */
#define TEST_ARGS(arguments) _Static_assert(sizeof(arguments) > 1, "TEST_ARGS")

#define EXPECT_TRUE(condition) \
    ((void)test_check(!!(condition), __FILE__, __LINE__, "expected " #condition))
#define EXPECT_EQ(actual, expected) \
    ((void)test_equal((long)(actual), (long)(expected), __FILE__, __LINE__, #actual, #expected))
#define EXPECT_STREQ(actual, expected) \
    ((void)test_equal_string((actual), (expected), __FILE__, __LINE__, #actual))
/* A kern_return_t or mach_msg_return_t against the one expected. */
#define EXPECT_KR(actual, expected) \
    ((void)test_equal((unsigned)(actual), (unsigned)(expected), __FILE__, __LINE__, #actual, #expected))

#define REQUIRE_TRUE(condition) \
    do { \
        if (!test_check(!!(condition), __FILE__, __LINE__, "expected " #condition)) \
            return; \
    } while (0)
#define REQUIRE_EQ(actual, expected) \
    do { \
        if (!test_equal((long)(actual), (long)(expected), __FILE__, __LINE__, #actual, #expected)) \
            return; \
    } while (0)
#define REQUIRE_KR(actual, expected) \
    do { \
        if (!test_equal((unsigned)(actual), (unsigned)(expected), __FILE__, __LINE__, #actual, \
                        #expected)) \
            return; \
    } while (0)

/* Fails the case with a message of one's own. */
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* Marks the case as not applicable here and leaves it. */
#define SKIP(reason) \
    do { \
        test_skip(reason); \
        return; \
    } while (0)

/*
 * The rest is for the macros and for benchmark programs. Any thread of the program may call them.
 */

/* Takes the grading port, runs the cases, reports each. Returns the number that failed (at most 100). */
int test_main(const char *file);
/* The same; but if the program is named mach_* and has no case nothing_leaked, `before` is called first, and
 * `last` is that case, at the end. (user/tests/mach_test.h's TEST_MAIN) */
int test_main_between(void (*before)(void), const char *file, void (*last)(void));

/* Each returns whether the expectation was met, and notes the failure if not. */
int test_check(int met, const char *file, int line, const char *text);
int test_equal(long actual, long expected, const char *file, int line, const char *actual_text,
               const char *expected_text);
int test_equal_string(const char *actual, const char *expected, const char *file, int line,
                      const char *text);
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void test_skip(const char *reason);

/* Takes the grading port for a program with a main of its own. Returns 0, or -1 if there is none. */
int test_open(void);

/* Writes one line to the grading log and the console. At most 1000 characters; blocks for the RPC. */
void test_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The privileged host port, MACH_PORT_NULL without one. The right stays testlib's. */
mach_port_t test_host_priv(void);

/*
 * Copies the value of boot argument `name` ("bench" for bench=VALUE) to `value`. Returns its length, or
 * -1 if there is no such argument or it does not fit.
 */
int test_boot_arg(const char *name, char *value, unsigned long size);

/* Is guest time counted in instructions (-icount)? If not it is the host's, which may be busy: then what
 * something took says nothing. */
int test_time_is_counted(void);

/* The system counter, CNTVCT_EL0: ticks of CNTFRQ_EL0 Hz (62.5 million a second on this board). */
uint64_t test_ticks(void);

#endif
