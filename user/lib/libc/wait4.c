/*
 * wait3, wait4: wait, and what that child has used. Read wait.c and resource.c first.
 *
 * The child is looked at before it is taken: its number is its own as long as it has not been waited for. If
 * another thread takes it in between, the next one is waited for.
 */
#include "posix.h"
#include "rusage.h"
#include "wait_news.h"

#include <errno.h>
#include <servers/proc.h>
#include <sys/resource.h>
#include <sys/wait.h>

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    struct wait_news news;
    struct wait_news taken;
    proc_times_t times;
    kern_return_t kr;

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED))
        return __fail(EINVAL);
    do {
        if (__wait_for(pid, options | WEXITED | WNOWAIT, &news) < 0)
            return -1;
        if (news.child == 0)
            return 0;
        kr = proc_child_times(__proc_port, news.child, &times);
        if (__wait_for(news.child, options | WEXITED | WNOHANG, &taken) < 0)
            taken.child = 0;
    } while (kr != KERN_SUCCESS || taken.child == 0);
    if (status != NULL)
        *status = taken.status;
    if (usage != NULL)
        *usage = rusage_of(times.user + times.child_user, times.system + times.child_system);
    return taken.child;
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
    return wait4(-1, status, options, usage);
}
