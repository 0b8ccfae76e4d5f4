/* Waiting for children. */
#include "posix.h"

#include <errno.h>
#include <servers/proc.h>
#include <sys/wait.h>

pid_t waitpid(pid_t pid, int *status, int options)
{
    int child;
    int child_status;
    int code;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ECHILD);
    kr = proc_wait(__proc_port, pid, options, &child, &child_status, &code);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    if (status != NULL && child > 0)
        *status = child_status;
    return child;
}

pid_t wait(int *status)
{
    return waitpid(-1, status, 0);
}
