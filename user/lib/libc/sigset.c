/* Sets of signals: bit n - 1 for signal n. */
#include <errno.h>
#include <signal.h>

static int check(int signal)
{
    if (signal > 0 && signal < NSIG)
        return 0;
    errno = EINVAL;
    return -1;
}

int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set)
{
    *set = ~0ULL;
    return 0;
}

int sigaddset(sigset_t *set, int signal)
{
    if (check(signal) < 0)
        return -1;
    *set |= 1ULL << (signal - 1);
    return 0;
}

int sigdelset(sigset_t *set, int signal)
{
    if (check(signal) < 0)
        return -1;
    *set &= ~(1ULL << (signal - 1));
    return 0;
}

int sigismember(const sigset_t *set, int signal)
{
    if (check(signal) < 0)
        return -1;
    return *set >> (signal - 1) & 1;
}
