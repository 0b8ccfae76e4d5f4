/*
 * times: the time the shell has used, and the children it has waited for. Read sh.h first. XCU times.
 */
#include "builtins.h"
#include "sh.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static void print(const struct timeval *t, char end)
{
    printf("%ldm%ld.%06lds%c", (long)t->tv_sec / 60, (long)t->tv_sec % 60, (long)t->tv_usec, end);
}

int builtin_times(int argc, char **argv)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    struct rusage usage;

    for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++) {
        if (getrusage(whose[i], &usage) < 0)
            return builtin_error("%s", strerror(errno));
        print(&usage.ru_utime, ' ');
        print(&usage.ru_stime, '\n');
    }
    return 0;
}
