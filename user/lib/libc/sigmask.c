/* Which signals are blocked: of each thread, and in its control block. The proc server does not know. */
#include "siginternal.h"

#include <servers/proc.h>

/* What does nothing by default, and is not kept unless somebody may wait for it. */
#define DOES_NOTHING \
    (SIG_BIT(SIGCHLD) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH) | SIG_BIT(SIGCONT))

/* The server is to know before signals are blocked that they are to be kept. 0 or -1 with errno. */
static int announce(uint64_t blocked)
{
    const uint64_t wanted = __signals.wanted;
    const uint32_t flags = __signals.flags;

    if ((blocked & DOES_NOTHING & ~wanted) == 0 && (flags & (SIG_TTIN_BLOCKED | SIG_TTOU_BLOCKED)) == 0)
        return __signal_register();
    __signals.wanted |= blocked & DOES_NOTHING;
    if (!(blocked & SIG_BIT(SIGTTIN)))
        __signals.flags &= ~SIG_TTIN_BLOCKED;
    if (!(blocked & SIG_BIT(SIGTTOU)))
        __signals.flags &= ~SIG_TTOU_BLOCKED;
    if (__signals.wanted == wanted && __signals.flags == flags && __signals.entry != 0)
        return 0;
    if (__signals.entry == 0 ? __signal_register() == 0 : __signal_configure() == 0)
        return 0;
    __signals.wanted = wanted;
    __signals.flags = flags;
    return -1;
}

void __signal_tell_blocked(void)
{
    const uint64_t blocked = mach_tcb()->sig_blocked;
    const uint32_t flags = __signals.flags
                           | (blocked & SIG_BIT(SIGTTIN) ? SIG_TTIN_BLOCKED : 0)
                           | (blocked & SIG_BIT(SIGTTOU) ? SIG_TTOU_BLOCKED : 0);

    if (flags == __signals.flags)
        return;
    __signals.flags = flags;
    __signal_configure();
}

int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    uint64_t blocked = mach_tcb()->sig_blocked;
    const uint64_t was = blocked;
    const int error = errno;

    if (set != NULL) {
        switch (how) {
        case SIG_BLOCK:
            blocked |= *set;
            break;
        case SIG_UNBLOCK:
            blocked &= ~*set;
            break;
        case SIG_SETMASK:
            blocked = *set;
            break;
        default:
            return EINVAL;
        }
        blocked &= ~UNBLOCKABLE;
    }
    if (old != NULL)
        *old = was;
    if (blocked == was)
        return 0;
    if (announce(blocked) < 0) {
        const int failed = errno;

        errno = error;
        return failed;
    }
    __signals_release(blocked);
    return 0;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    int error = pthread_sigmask(how, set, old);

    return error == 0 ? 0 : __fail(error);
}

void __signal_set_mask(uint64_t mask)
{
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

int sigpending(sigset_t *set)
{
    uint64_t pending;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_sigpending(__proc_port, &pending);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    *set = pending & mach_tcb()->sig_blocked;
    return 0;
}
