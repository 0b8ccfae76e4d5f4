/* Who a process is: its number, group and session. */
#include "posix.h"

#include <errno.h>
#include <servers/proc.h>
#include <unistd.h>

struct ids {
    int pid;
    int ppid;
    int pgid;
    int sid;
};

static int get_ids(struct ids *ids)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_getids(__proc_port, &ids->pid, &ids->ppid, &ids->pgid, &ids->sid);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

pid_t getpid(void)
{
    static pid_t pid; /* never changes, but in the child of a fork */
    static unsigned generation;
    struct ids ids;

    if (pid == 0 || generation != mach_fork_generation) {
        if (get_ids(&ids) < 0)
            return 0;
        pid = ids.pid;
        generation = mach_fork_generation;
    }
    return pid;
}

pid_t getppid(void)
{
    struct ids ids;

    return get_ids(&ids) == 0 ? ids.ppid : 0;
}

pid_t getpgrp(void)
{
    struct ids ids;

    return get_ids(&ids) == 0 ? ids.pgid : 0;
}

static int get_group(pid_t pid, int *pgid, int *sid)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_getpgid(__proc_port, pid, pgid, sid);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

pid_t getpgid(pid_t pid)
{
    int pgid;
    int sid;

    return get_group(pid, &pgid, &sid) == 0 ? pgid : -1;
}

pid_t getsid(pid_t pid)
{
    int pgid;
    int sid;

    return get_group(pid, &pgid, &sid) == 0 ? sid : -1;
}

int setpgid(pid_t pid, pid_t pgid)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_setpgid(__proc_port, pid, pgid);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}
