/*
 * Waiting for signals. Read sigdeliver.c before.
 *
 * While a thread waits it has all signals blocked, as far as this program knows: the server answers
 * it with the signal, and sends nobody elsewhere to take it.
 */
#include "siginternal.h"

#include <servers/proc.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000L

/* Waits for a signal that is not in `blocked`. 0, or -1 with errno. */
static int wait_for(uint64_t blocked, int64_t timeout, sig_info_t *info)
{
    sig_context_t none;
    uint64_t pending;
    kern_return_t kr;

    do {
        mach_tcb()->never_restarts = 1;
        __wait_begin(__proc_port);
        kr = proc_sigtake(__proc_port, 0, blocked, timeout, info, &none, &pending);
        mach_tcb()->never_restarts = 0;
    } while (__wait_again(kr));
    if (kr != KERN_SUCCESS)
        return __error(kr);
    __signals.pending |= pending;
    return 0;
}

int sigsuspend(const sigset_t *mask)
{
    struct mach_tcb *tcb = mach_tcb();
    const uint64_t blocked = *mask & ~UNBLOCKABLE;
    const uint32_t handled = tcb->sig_handled;
    uint64_t saved;
    sig_info_t info;
    int result = 0;

    if (__signal_register() < 0)
        return -1;
    saved = tcb->sig_blocked;
    tcb->sig_blocked = ~0ULL;
    while (result == 0 && tcb->sig_handled == handled) {
        result = wait_for(blocked, -1, &info);
        if (result == 0) {
            tcb->sig_blocked = blocked;
            __signal_call(&info);
            tcb->sig_blocked = ~0ULL;
        }
    }
    __signals_release(saved);
    return result == 0 ? __fail(EINTR) : -1;
}

int pause(void)
{
    sigset_t mask = mach_tcb()->sig_blocked;

    return sigsuspend(&mask);
}

static int wait_in(const sigset_t *set, siginfo_t *info, int64_t timeout)
{
    sig_info_t taken;

    if (__signal_register() < 0 || wait_for(~(*set & ~UNBLOCKABLE), timeout, &taken) < 0)
        return -1;
    if (taken.signo == 0) /* it was asked with timeout 0 */
        return __fail(EAGAIN);
    if (info != NULL)
        *info = __signal_info(&taken);
    return taken.signo;
}

int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
    return wait_in(set, info, -1);
}

int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                 const struct timespec *restrict timeout)
{
    int64_t time = -1;

    if (timeout != NULL) {
        if (timeout->tv_nsec < 0 || timeout->tv_nsec >= NSEC_PER_SEC || timeout->tv_sec < 0)
            return __fail(EINVAL);
        if (timeout->tv_sec < INT64_MAX / NSEC_PER_SEC - 1)
            time = timeout->tv_sec * NSEC_PER_SEC + timeout->tv_nsec;
    }
    return wait_in(set, info, time);
}

int sigwait(const sigset_t *restrict set, int *restrict signal)
{
    const int error = errno;
    int taken;

    do
        taken = sigwaitinfo(set, NULL);
    while (taken < 0 && errno == EINTR);
    if (taken < 0)
        return errno;
    errno = error;
    *signal = taken;
    return 0;
}
