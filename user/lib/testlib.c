/*
 * testlib: runs a test program's cases and reports them to the grading log. Read user/include/testlib.h
 * first, and grade/README.md for the lines written here.
 */
#include <testlib.h>

#include <mach/host_priv.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/traps.h>
#include <servers/bootstrap.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 1024      /* of host_grade_log's array */
#define BOOT_INFO_SIZE 2048 /* of host_get_boot_info's string */
#define EXIT_MAX 100

/* The linker makes these at the ends of the section that TEST fills. */
extern const struct test_case __start_test_cases[] __attribute__((weak));
extern const struct test_case __stop_test_cases[] __attribute__((weak));

static mach_port_t grade_port;
static int first_task; /* there is no server: nobody but us can end the run */

/* The case that runs: only its first failure is kept. */
static char failure[LINE_SIZE / 2];
static int failed; /* atomic: threads of a test may fail at once */
static const char *skipped;

int test_open(void)
{
    mach_port_t bootstrap;

    if (grade_port != MACH_PORT_NULL)
        return 0;
    if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS)
        return -1;
    if (bootstrap == MACH_PORT_NULL) { /* the first task's host port is the privileged one */
        first_task = 1;
        grade_port = mach_host_self();
        return 0;
    }
    if (bootstrap_look_up(bootstrap, TEST_PORT_NAME, &grade_port) != KERN_SUCCESS)
        grade_port = MACH_PORT_NULL;
    mach_port_deallocate(mach_task_self(), bootstrap);
    return grade_port == MACH_PORT_NULL ? -1 : 0;
}

mach_port_t test_host_priv(void)
{
    return grade_port;
}

void test_report(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list ap;
    size_t length;

    va_start(ap, format);
    vsnprintf(line, sizeof line - 1, format, ap);
    va_end(ap);
    for (char *p = line; *p != '\0'; p++) /* one report is one line, whatever is in it */
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    length = strlen(line);
    line[length++] = '\n';
    if (grade_port != MACH_PORT_NULL)
        host_grade_log(grade_port, line, length);
    debug_print(line, length);
}

int test_boot_arg(const char *name, char *value, unsigned long size)
{
    char info[BOOT_INFO_SIZE];
    mach_port_t host = mach_host_self();
    kern_return_t kr = host_get_boot_info(host, info);
    size_t name_length = strlen(name);

    mach_port_deallocate(mach_task_self(), host);
    if (kr != KERN_SUCCESS)
        return -1;
    for (const char *p = info; *p != '\0';) {
        size_t length = strcspn(p, " ");

        if (length > name_length && memcmp(p, name, name_length) == 0 && p[name_length] == '=') {
            length -= name_length + 1;
            if (length >= size)
                return -1;
            memcpy(value, p + name_length + 1, length);
            value[length] = '\0';
            return length;
        }
        p += length;
        p += strspn(p, " ");
    }
    return -1;
}

int test_time_is_counted(void)
{
    uint64_t count;

    __asm__ volatile("isb; mrs %0, pmevcntr0_el0" : "=r"(count));
    return count != 0; /* retired instructions, which QEMU counts with -icount alone */
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list ap;
    const char *slash = strrchr(file, '/');
    int n;

    if (__atomic_exchange_n(&failed, 1, __ATOMIC_ACQ_REL))
        return;
    n = snprintf(failure, sizeof failure, "%s:%d: ", slash ? slash + 1 : file, line);
    va_start(ap, format);
    vsnprintf(failure + n, sizeof failure - n, format, ap);
    va_end(ap);
}

int test_check(int met, const char *file, int line, const char *text)
{
    if (!met)
        test_fail(file, line, "%s", text);
    return met;
}

int test_equal(long actual, long expected, const char *file, int line, const char *actual_text,
               const char *expected_text)
{
    if (actual != expected)
        test_fail(file, line, "%s: expected %s = %ld (0x%lx), got %ld (0x%lx)", actual_text,
                  expected_text, expected, (unsigned long)expected, actual, (unsigned long)actual);
    return actual == expected;
}

int test_equal_string(const char *actual, const char *expected, const char *file, int line,
                      const char *text)
{
    int met = actual != NULL && strcmp(actual, expected) == 0;

    if (!met)
        test_fail(file, line, "%s: expected \"%s\", got \"%s\"", text, expected,
                  actual ? actual : "(null)");
    return met;
}

void test_skip(const char *reason)
{
    skipped = reason;
}

/* The case after line `line` of the file. The compiler may lay the cases out in any order. */
static const struct test_case *next_case(int line)
{
    const struct test_case *next = NULL;

    for (const struct test_case *c = __start_test_cases; c < __stop_test_cases; c++)
        if (c->line > line && (next == NULL || c->line < next->line))
            next = c;
    return next;
}

/* Notes what a case took, in ticks of the counter: the harness judges it (grade/lab). */
static void report_time(const char *name, uint64_t ticks)
{
    char line[LINE_SIZE];
    int length = snprintf(line, sizeof line, "took %s %lu\n", name, ticks);

    if (grade_port != MACH_PORT_NULL && length < (int)sizeof line)
        host_grade_log(grade_port, line, length);
}

uint64_t test_ticks(void)
{
    uint64_t ticks;

    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}

/* Runs one case; returns whether it did not fail. */
static int run_case(const struct test_case *c)
{
    uint64_t begin;

    failed = 0;
    skipped = NULL;
    test_report("at %s", c->name);
    begin = test_ticks();
    c->run();
    report_time(c->name, test_ticks() - begin);
    if (__atomic_load_n(&failed, __ATOMIC_ACQUIRE))
        test_report("not ok %s %s", c->name, failure);
    else if (skipped != NULL)
        test_report("skip %s %s", c->name, skipped);
    else
        test_report("ok %s", c->name);
    return !failed;
}

/* The case that a program's end adds, unless it has one of that name. */
#define LAST_CASE "nothing_leaked"
#define LEAK_CHECKED "mach_" /* programs named so */

static int has_case(const char *name)
{
    for (const struct test_case *c = __start_test_cases; c < __stop_test_cases; c++)
        if (strcmp(c->name, name) == 0)
            return 1;
    return 0;
}

int test_main(const char *file)
{
    return test_main_between(NULL, file, NULL);
}

int test_main_between(void (*before)(void), const char *file, void (*last)(void))
{
    const struct test_case leak = {LAST_CASE, last, 0};
    char only[128] = "";
    char after[128] = "";
    const char *slash = strrchr(file, '/');
    const char *program = slash ? slash + 1 : file;
    int program_length = strcspn(program, ".");
    int bad = 0;

    if (test_open() != 0)
        test_report("no grading port: this boot was not started with test=");
    test_boot_arg("test.only", only, sizeof only);   /* this case alone */
    test_boot_arg("test.after", after, sizeof after); /* those behind this one, which broke the last run */

    test_report("run %.*s", program_length, program);
    if (strncmp(program, LEAK_CHECKED, sizeof(LEAK_CHECKED) - 1) != 0 || has_case(LAST_CASE))
        before = last = NULL;
    if (before != NULL)
        before();
    for (const struct test_case *c = next_case(0); c != NULL; c = next_case(c->line)) {
        if (after[0] != '\0') {
            if (strcmp(after, c->name) == 0)
                after[0] = '\0';
            continue;
        }
        if (only[0] != '\0' && strcmp(only, c->name) != 0)
            continue;
        if (!run_case(c) && bad < EXIT_MAX)
            bad++;
    }
    if (last != NULL && !run_case(&leak) && bad < EXIT_MAX)
        bad++;
    test_report("end %.*s", program_length, program);
    if (first_task)
        host_reboot(grade_port, 0);
    return bad;
}
