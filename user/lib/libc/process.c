/* Who a process is: ids. There is one user until credentials come. */
#include "posix.h"

#include <errno.h>
#include <mach/vm_map.h>
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

/* What proc_list says of another process. 0 with *info; -1 with errno. */
static int find_process(pid_t pid, proc_info_t *info)
{
    proc_info_array_t list;
    mach_msg_type_number_t count;
    kern_return_t kr;
    int result;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_list(__proc_port, &list, &count);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    result = __fail(ESRCH);
    for (mach_msg_type_number_t i = 0; i < count && result < 0; i++) {
        if (list[i].pid == pid) {
            *info = list[i];
            result = 0;
        }
    }
    vm_deallocate(mach_task_self(), (vm_address_t)list, count * sizeof(*list));
    return result;
}

pid_t getpgid(pid_t pid)
{
    struct ids ids;
    proc_info_t info;

    if (pid == 0 || pid == getpid())
        return get_ids(&ids) == 0 ? ids.pgid : -1;
    return find_process(pid, &info) == 0 ? info.pgid : -1;
}

pid_t getsid(pid_t pid)
{
    struct ids ids;
    proc_info_t info;

    if (pid == 0 || pid == getpid())
        return get_ids(&ids) == 0 ? ids.sid : -1;
    return find_process(pid, &info) == 0 ? info.sid : -1;
}

int setpgid(pid_t pid, pid_t pgid)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_setpgid(__proc_port, pid, pgid);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

pid_t setsid(void)
{
    int sid;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_setsid(__proc_port, &sid);
    return kr == KERN_SUCCESS ? sid : __error(kr);
}

uid_t getuid(void)
{
    return 0;
}

uid_t geteuid(void)
{
    return 0;
}

gid_t getgid(void)
{
    return 0;
}

gid_t getegid(void)
{
    return 0;
}
