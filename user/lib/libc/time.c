/*
 * Clocks and sleeping. The clock is the kernel's time since boot; the calendar begins there, too
 * (1970), until a driver knows better.
 */
#include "posix.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC  1000000000L
#define USEC_PER_SEC  1000000L

/* Time since boot, from the counter that the kernel's clock is made of: no call is needed. */
static void time_since_boot(struct timespec *time)
{
    uint64_t count;
    uint64_t frequency;

    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count));
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    time->tv_sec = count / frequency;
    time->tv_nsec = count % frequency * NSEC_PER_SEC / frequency;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_PROCESS_CPUTIME_ID)
        return __fail(EINVAL);
    time_since_boot(time);
    return 0;
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
    uint64_t frequency;

    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return __fail(EINVAL);
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    if (resolution != NULL)
        *resolution = (struct timespec){0, NSEC_PER_SEC / frequency + 1};
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    time_since_boot(&now);
    *tv = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *t)
{
    struct timespec now;

    time_since_boot(&now);
    if (t != NULL)
        *t = now.tv_sec;
    return now.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    struct timespec until = *time;
    struct timespec now;
    const uint32_t handled = mach_tcb()->sig_handled;
    time_value64_t woke;
    kern_return_t kr;

    (void)clock;
    if (time->tv_nsec < 0 || time->tv_nsec >= NSEC_PER_SEC || time->tv_sec < 0)
        return EINVAL;
    if (!(flags & TIMER_ABSTIME)) {
        time_since_boot(&now);
        until.tv_sec += now.tv_sec;
        until.tv_nsec += now.tv_nsec;
        if (until.tv_nsec >= NSEC_PER_SEC) {
            until.tv_nsec -= NSEC_PER_SEC;
            until.tv_sec++;
        }
    }
    /* The first time for as long as it says: it may be longer than the clock's end is away. */
    kr = clock_sleep_trap(flags & TIMER_ABSTIME ? TIME_ABSOLUTE : TIME_RELATIVE, time->tv_sec,
                          time->tv_nsec, &woke);
    while (kr == KERN_ABORTED && mach_tcb()->sig_handled == handled) /* by a signal without handler */
        kr = clock_sleep_trap(TIME_ABSOLUTE, until.tv_sec, until.tv_nsec, &woke);
    if (kr == KERN_SUCCESS)
        return 0;
    if (kr != KERN_ABORTED)
        return EINVAL;
    if (left != NULL && !(flags & TIMER_ABSTIME)) {
        time_since_boot(&now);
        left->tv_sec = until.tv_sec - now.tv_sec;
        left->tv_nsec = until.tv_nsec - now.tv_nsec;
        if (left->tv_nsec < 0) {
            left->tv_nsec += NSEC_PER_SEC;
            left->tv_sec--;
        }
        if (left->tv_sec < 0)
            *left = (struct timespec){0, 0};
    }
    return EINTR;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);

    return error == 0 ? 0 : __fail(error);
}

unsigned sleep(unsigned seconds)
{
    struct timespec time = {seconds, 0};
    struct timespec left = {0, 0};

    if (nanosleep(&time, &left) == 0)
        return 0;
    return left.tv_sec + (left.tv_nsec > 0);
}

int usleep(useconds_t microseconds)
{
    struct timespec time = {microseconds / USEC_PER_SEC, microseconds % USEC_PER_SEC * 1000};

    return nanosleep(&time, NULL);
}
