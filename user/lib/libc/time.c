/*
 * Clocks and sleeping. One clock is the counter, which began at boot; the other, the time of day, the same
 * and what the page of mach/mapped_time.h adds to it. The program maps that at its first question.
 */
#include "posix.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/mapped_time.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/rtc.h>
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

/* When this system's counter was 0, in ns since 1970. */
static int64_t time_of_boot(void)
{
    static const struct mapped_time *page; /* a fork inherits it, with what it points to */
    const struct mapped_time *mapped = __atomic_load_n(&page, __ATOMIC_RELAXED);
    const struct mapped_time *none = NULL;
    vm_address_t address;
    host_t host;

    if (mapped == NULL) {
        host = mach_host_self();
        if (host_map_time(host, mach_task_self(), &address) != KERN_SUCCESS)
            address = 0; /* no memory: this answer is of 1970, the next may be better */
        mach_port_deallocate(mach_task_self(), host);
        if (address == 0)
            return 0;
        mapped = (const struct mapped_time *)address;
        if (!__atomic_compare_exchange_n(&page, &none, mapped, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            vm_deallocate(mach_task_self(), address, PAGE_SIZE); /* another thread was first */
            mapped = none;
        }
    }
    return __atomic_load_n(&mapped->boot, __ATOMIC_RELAXED);
}

/* time + ns, of which either may be negative: the rest of a second never is. */
static void add_ns(struct timespec *time, int64_t ns)
{
    time->tv_sec += ns / NSEC_PER_SEC;
    time->tv_nsec += ns % NSEC_PER_SEC;
    if (time->tv_nsec >= NSEC_PER_SEC) {
        time->tv_nsec -= NSEC_PER_SEC;
        time->tv_sec++;
    } else if (time->tv_nsec < 0) {
        time->tv_nsec += NSEC_PER_SEC;
        time->tv_sec--;
    }
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
        return __cpu_clock(clock, time);
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return __fail(EINVAL);
    time_since_boot(time);
    if (clock == CLOCK_REALTIME)
        add_ns(time, time_of_boot());
    return 0;
}

int clock_settime(clockid_t clock, const struct timespec *time)
{
    mach_port_t server;
    kern_return_t kr;

    if (clock != CLOCK_REALTIME || time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NSEC_PER_SEC)
        return __fail(EINVAL);
    kr = bootstrap_look_up(bootstrap_port, SERVICE_RTC, &server);
    if (kr == KERN_SUCCESS) {
        kr = rtc_set_time(server, time->tv_sec, time->tv_nsec);
        mach_port_deallocate(mach_task_self(), server);
    }
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
    uint64_t frequency;
    long step = 1000; /* of processor time, which the kernel tells in microseconds */

    if (clock < CLOCK_REALTIME || clock > CLOCK_THREAD_CPUTIME_ID)
        return __fail(EINVAL);
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC)
        step = NSEC_PER_SEC / frequency + 1;
    if (resolution != NULL)
        *resolution = (struct timespec){0, step};
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *tv = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *t)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
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

    if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) || time->tv_nsec < 0
        || time->tv_nsec >= NSEC_PER_SEC || time->tv_sec < 0)
        return EINVAL;
    if (flags & TIMER_ABSTIME) {
        if (clock == CLOCK_REALTIME)
            add_ns(&until, -time_of_boot()); /* (that somebody sets the time meanwhile changes nothing) */
        if (until.tv_sec < 0)
            return 0;
    } else {
        time_since_boot(&now);
        until.tv_sec += now.tv_sec;
        add_ns(&until, now.tv_nsec);
    }
    /* The first time for as long as it says: it may be longer than the clock's end is away. */
    if (flags & TIMER_ABSTIME)
        kr = clock_sleep_trap(TIME_ABSOLUTE, until.tv_sec, until.tv_nsec, &woke);
    else
        kr = clock_sleep_trap(TIME_RELATIVE, time->tv_sec, time->tv_nsec, &woke);
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
