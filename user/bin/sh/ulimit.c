/*
 * ulimit: what this shell, and what it starts, may use. Read sh.h first. XCU ulimit; the letters are dash's.
 */
#include "builtins.h"
#include "sh.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BLOCK 512 /* POSIX's */
#define KIB   1024

static const struct limit {
    char letter;
    int resource;
    rlim_t unit;
    const char *name;
} limits[] = {
    {'t', RLIMIT_CPU, 1, "time(seconds)"},
    {'f', RLIMIT_FSIZE, BLOCK, "file(blocks)"},
    {'d', RLIMIT_DATA, KIB, "data(kbytes)"},
    {'s', RLIMIT_STACK, KIB, "stack(kbytes)"},
    {'c', RLIMIT_CORE, BLOCK, "coredump(blocks)"},
    {'p', RLIMIT_NPROC, 1, "process"},
    {'n', RLIMIT_NOFILE, 1, "nofiles"},
    {'v', RLIMIT_AS, KIB, "vmemory(kbytes)"},
};
#define LIMITS (sizeof(limits) / sizeof(limits[0]))

static void print(const struct limit *l, bool hard)
{
    struct rlimit value;
    rlim_t n;

    if (getrlimit(l->resource, &value) < 0)
        return;
    n = hard ? value.rlim_max : value.rlim_cur;
    if (n == RLIM_INFINITY)
        printf("unlimited\n");
    else
        printf("%llu\n", (unsigned long long)(n / l->unit));
}

/* The number, in bytes or what it counts. */
static bool parse(const char *text, rlim_t unit, rlim_t *value)
{
    char *end;
    unsigned long long n;

    *value = RLIM_INFINITY;
    if (strcmp(text, "unlimited") == 0)
        return true;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    n = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && !__builtin_mul_overflow((rlim_t)n, unit, value);
}

static int set(const struct limit *l, const char *text, bool hard, bool soft)
{
    struct rlimit value;
    rlim_t n;

    if (!parse(text, l->unit, &n))
        return builtin_error("bad number: %s", text) + 1;
    if (getrlimit(l->resource, &value) < 0)
        return builtin_error("%s", strerror(errno));
    if (hard)
        value.rlim_max = n;
    if (soft)
        value.rlim_cur = n;
    return setrlimit(l->resource, &value) == 0 ? 0 : builtin_error("%s", strerror(errno));
}

int builtin_ulimit(int argc, char **argv)
{
    const struct limit *l = &limits[1]; /* -f */
    bool hard = false, soft = false, all = false;
    int at = 1;

    for (; at < argc && argv[at][0] == '-' && argv[at][1] != '\0'; at++) {
        for (const char *c = argv[at] + 1; *c != '\0'; c++) {
            size_t i = 0;

            while (i < LIMITS && limits[i].letter != *c)
                i++;
            if (i < LIMITS)
                l = &limits[i];
            else if (*c == 'H')
                hard = true;
            else if (*c == 'S')
                soft = true;
            else if (*c == 'a')
                all = true;
            else
                return builtin_error("bad option: -%c", *c) + 1;
        }
    }
    if (argc - at > 1 || (all && at < argc))
        return builtin_error("too many arguments") + 1;
    if (at < argc)
        return set(l, argv[at], hard || !soft, soft || !hard);
    for (size_t i = 0; all && i < LIMITS; i++) {
        printf("%-20s ", limits[i].name);
        print(&limits[i], hard);
    }
    if (!all)
        print(l, hard);
    return 0;
}
