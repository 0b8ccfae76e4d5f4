/*
 * Limits, and what was used. Read sys/resource.h before.
 *
 * The proc server asks the kernel for a task's times at its end only if somebody may ask: it, or who made it.
 * So a program in which this file is asks once before it forks (fork.c).
 */
#include "posix.h"
#include "rusage.h"

#include <servers/proc.h>
#include <sys/times.h>
#include <time.h>

#define TICKS_PER_SEC 100 /* sysconf(_SC_CLK_TCK) */
#define NSEC_PER_TICK (NSEC_PER_SEC / TICKS_PER_SEC)

static int limit(int resource, int set, const struct rlimit *new, struct rlimit *old)
{
    proc_limit_t wire = {0, 0};
    proc_limit_t was;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    if (set)
        wire = (proc_limit_t){new->rlim_cur, new->rlim_max};
    kr = proc_limit(__proc_port, resource, set, wire, &was);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    if (old != NULL)
        *old = (struct rlimit){was.soft, was.hard};
    return 0;
}

int getrlimit(int resource, struct rlimit *old)
{
    return limit(resource, 0, NULL, old);
}

int setrlimit(int resource, const struct rlimit *new)
{
    struct rlimit now = {0, 0};

    if (limit(resource, 1, new, NULL) < 0)
        return -1;
    if (resource == RLIMIT_NOFILE && getrlimit(resource, &now) == 0)
        __fd_limit = now.rlim_cur; /* (the server has made it one that there can be) */
    return 0;
}

/* What proc_times tells; 0, or -1 with errno. */
static int used_times(proc_times_t *times)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_times(__proc_port, times);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

/* A program that can ask has asked before its first child could end. */
void __times_wanted(void)
{
    static int asked;
    proc_times_t times;

    if (!asked)
        asked = used_times(&times) == 0;
}

int getrusage(int who, struct rusage *usage)
{
    proc_times_t times;

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN)
        return __fail(EINVAL);
    if (used_times(&times) < 0)
        return -1;
    *usage = who == RUSAGE_SELF ? rusage_of(times.user, times.system)
                                : rusage_of(times.child_user, times.child_system);
    return 0;
}

clock_t times(struct tms *tms)
{
    proc_times_t used;
    struct timespec now;

    if (used_times(&used) < 0)
        return (clock_t)-1;
    *tms = (struct tms){used.user / NSEC_PER_TICK, used.system / NSEC_PER_TICK,
                        used.child_user / NSEC_PER_TICK, used.child_system / NSEC_PER_TICK};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * TICKS_PER_SEC + now.tv_nsec / (long)NSEC_PER_TICK;
}
