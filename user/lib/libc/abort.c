/* abort, and what assert calls. */
#include "posix.h"

#include <assert.h>
#include <servers/proc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void abort(void)
{
    static const sig_info_t info = {.signo = SIGABRT, .code = SI_TKILL};

    if (__proc_port != MACH_PORT_NULL) {
        mach_tcb()->sig_blocked &= ~(1ULL << (SIGABRT - 1));
        if (__signals.caught & 1ULL << (SIGABRT - 1))
            raise(SIGABRT);
        proc_sigdefault(__proc_port, info); /* its handler has returned, or it was ignored */
    }
    __builtin_trap(); /* no process: EXC_BREAKPOINT ends it */
}

void __assert_fail(const char *condition, const char *file, unsigned line, const char *function)
{
    fprintf(stderr, "%s:%u: %s: assertion failed: %s\n", file, line, function, condition);
    abort();
}
