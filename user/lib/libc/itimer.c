/* Timers that signal: alarm, setitimer. The proc server has them. */
#include "posix.h"

#include <limits.h>
#include <servers/proc.h>
#include <sys/time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000L
#define USEC_PER_SEC 1000000L

static int is_time(const struct timeval *t)
{
    return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < USEC_PER_SEC;
}

static int64_t nanoseconds(const struct timeval *t)
{
    if (t->tv_sec > INT64_MAX / 2 / NSEC_PER_SEC) /* 146 years */
        return INT64_MAX / 2;
    return t->tv_sec * NSEC_PER_SEC + t->tv_usec * 1000;
}

/* Rounded up: what is left of a timer that runs is not 0. */
static struct timeval time_of(int64_t ns)
{
    int64_t usec = (ns + 999) / 1000;

    return (struct timeval){usec / USEC_PER_SEC, usec % USEC_PER_SEC};
}

static int set(int which, int64_t value, int64_t interval, struct itimerval *old)
{
    int64_t old_value;
    int64_t old_interval;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_setitimer(__proc_port, which, value, interval, &old_value, &old_interval);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    if (old != NULL)
        *old = (struct itimerval){time_of(old_interval), time_of(old_value)};
    return 0;
}

int setitimer(int which, const struct itimerval *restrict new, struct itimerval *restrict old)
{
    if (!is_time(&new->it_value) || !is_time(&new->it_interval))
        return __fail(EINVAL);
    return set(which, nanoseconds(&new->it_value), nanoseconds(&new->it_interval), old);
}

int getitimer(int which, struct itimerval *old)
{
    return set(which, -1, 0, old);
}

unsigned alarm(unsigned seconds)
{
    struct itimerval old = {{0, 0}, {0, 0}};

    if (set(ITIMER_REAL, seconds * NSEC_PER_SEC, 0, &old) < 0)
        return 0;
    return old.it_value.tv_sec + (old.it_value.tv_usec != 0);
}

useconds_t ualarm(useconds_t value, useconds_t interval)
{
    struct itimerval old = {{0, 0}, {0, 0}};

    if (set(ITIMER_REAL, value * 1000L, interval * 1000L, &old) < 0)
        return 0;
    return old.it_value.tv_sec * USEC_PER_SEC + old.it_value.tv_usec;
}
