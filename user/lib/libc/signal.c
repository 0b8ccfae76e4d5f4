/*
 * Signals, as far as they go: sent by the proc server, which also keeps who ignores which. Handlers
 * are not there yet (ENOSYS).
 */
#include "posix.h"

#include <errno.h>
#include <servers/proc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int valid(int signal)
{
    return signal > 0 && signal < NSIG;
}

int kill(pid_t pid, int signal)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_kill(__proc_port, pid, signal);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int killpg(pid_t pgid, int signal)
{
    return pgid > 1 ? kill(-pgid, signal) : __fail(ESRCH);
}

int raise(int signal)
{
    return kill(getpid(), signal);
}

/* Sets the ignored signals to (old & keep) | add, and returns the old ones in *old. */
static int change_ignored(uint64_t keep, uint64_t add, uint64_t *old)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_sigignore(__proc_port, keep, add, old);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int sigaction(int signal, const struct sigaction *restrict action,
              struct sigaction *restrict old)
{
    uint64_t bit;
    uint64_t mask;
    int result;

    if (!valid(signal) || (action != NULL && (signal == SIGKILL || signal == SIGSTOP)))
        return __fail(EINVAL);
    bit = 1ULL << (signal - 1);
    if (action == NULL)
        result = change_ignored(~0ULL, 0, &mask);
    else if (action->sa_handler == SIG_IGN)
        result = change_ignored(~0ULL, bit, &mask);
    else if (action->sa_handler == SIG_DFL)
        result = change_ignored(~bit, 0, &mask);
    else
        return __fail(ENOSYS);
    if (result == 0 && old != NULL)
        *old = (struct sigaction){.sa_handler = mask & bit ? SIG_IGN : SIG_DFL};
    return result;
}

sighandler_t signal(int signal, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler};
    struct sigaction old;

    return sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}
