/* What may be asked of clocks besides the time. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

int timespec_get(struct timespec *time, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

int clock_getcpuclockid(pid_t pid, clockid_t *clock)
{
    if (pid != 0 && pid != getpid())
        return EPERM;
    *clock = CLOCK_PROCESS_CPUTIME_ID;
    return 0;
}
