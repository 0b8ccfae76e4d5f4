/* Waiting for a word of memory: gsync, with POSIX's deadlines. Read wait_word.h and mach/gsync.defs
 * before. */
#include "wait_word.h"

#include <errno.h>
#include <mach/gsync.h>
#include <mach/mach.h>

#define MS_PER_SEC  1000
#define NSEC_PER_MS 1000000L
#define NSEC_PER_SEC 1000000000L
#define STEP_MAX    1000000 /* ms: a longer wait is several */

/* Milliseconds until the deadline, rounded up, so that none is too short; 0: it is past. */
static natural_t until(clockid_t clock, const struct timespec *deadline)
{
    struct timespec now;
    int64_t seconds;
    int64_t ns;

    clock_gettime(clock, &now);
    seconds = deadline->tv_sec - now.tv_sec;
    if (seconds > STEP_MAX / MS_PER_SEC)
        return STEP_MAX;
    if (seconds < -1)
        return 0;
    ns = seconds * NSEC_PER_SEC + deadline->tv_nsec - now.tv_nsec;
    return ns <= 0 ? 0 : (natural_t)((ns + NSEC_PER_MS - 1) / NSEC_PER_MS);
}

int __wait_word(uint32_t *word, uint32_t value, int shared, clockid_t clock, const struct timespec *deadline)
{
    int flags = shared ? GSYNC_SHARED : 0;
    natural_t ms = 0;

    if (deadline != NULL) {
        if (deadline->tv_nsec < 0 || deadline->tv_nsec >= NSEC_PER_SEC)
            return EINVAL;
        ms = until(clock, deadline);
        if (ms == 0)
            return ETIMEDOUT;
        flags |= GSYNC_TIMED;
    }
    if (gsync_wait(mach_task_self(), (vm_address_t)word, value, 0, ms, flags) == KERN_OPERATION_TIMED_OUT
        && until(clock, deadline) == 0)
        return ETIMEDOUT;
    return 0;
}

void __wake_word(uint32_t *word, int shared, int all)
{
    gsync_wake(mach_task_self(), (vm_address_t)word, 0,
               (shared ? GSYNC_SHARED : 0) | (all ? GSYNC_BROADCAST : 0));
}
