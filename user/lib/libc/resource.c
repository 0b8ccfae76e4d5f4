/* Limits, and what was used. Read sys/resource.h before. */
#include "posix.h"

#include <servers/proc.h>
#include <sys/resource.h>

static struct timeval time_of(uint64_t ns)
{
    return (struct timeval){ns / 1000000000, ns % 1000000000 / 1000};
}

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

int getrusage(int who, struct rusage *usage)
{
    proc_times_t times;
    kern_return_t kr;

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN)
        return __fail(EINVAL);
    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_times(__proc_port, &times);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    *usage = (struct rusage){
        .ru_utime = time_of(who == RUSAGE_SELF ? times.user : times.child_user),
        .ru_stime = time_of(who == RUSAGE_SELF ? times.system : times.child_system),
    };
    return 0;
}
