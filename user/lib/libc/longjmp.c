/* longjmp: out of functions, and out of a signal's handler. Read setjmp.S and sigdeliver.c before. */
#include "posix.h"

#include <setjmp.h>
#include <stddef.h>

/* words of a jmp_buf */
enum { JB_SP = 12, JB_HAS_MASK = 21, JB_MASK = 22 };

_Static_assert(offsetof(struct mach_tcb, sig_blocked) == 64, "setjmp.S");

void __longjmp(jmp_buf env, int value) __attribute__((noreturn));
/* If the program has handlers: (sigdeliver.c, sigmask.c) */
void __signal_unwind(uint64_t sp) __attribute__((weak));
void __signal_set_mask(uint64_t mask) __attribute__((weak));

void longjmp(jmp_buf env, int value)
{
    if (mach_tcb()->sig_frames != NULL && __signal_unwind != NULL)
        __signal_unwind(env[JB_SP]);
    if (env[JB_HAS_MASK] != 0 && __signal_set_mask != NULL)
        __signal_set_mask(env[JB_MASK]);
    __longjmp(env, value);
}

void _longjmp(jmp_buf env, int value) __attribute__((alias("longjmp")));
void siglongjmp(sigjmp_buf env, int value) __attribute__((alias("longjmp")));
