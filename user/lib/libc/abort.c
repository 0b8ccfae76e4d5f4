/* abort, and what assert calls. */
#include "posix.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void abort(void)
{
    if (__proc_port != MACH_PORT_NULL)
        raise(SIGABRT);
    __builtin_trap(); /* ignored, or no process: EXC_BREAKPOINT ends it */
}

void __assert_fail(const char *condition, const char *file, unsigned line, const char *function)
{
    fprintf(stderr, "%s:%u: %s: assertion failed: %s\n", file, line, function, condition);
    abort();
}
