/* Waiting for children. */
#include "posix.h"
#include "wait_news.h"

#include <servers/proc.h>
#include <signal.h>
#include <sys/wait.h>

int __wait_for(pid_t pid, int options, struct wait_news *news)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ECHILD);
    do {
        __wait_begin(__proc_port);
        kr = proc_wait(__proc_port, pid, options, &news->child, &news->status, &news->code,
                       &news->uid);
    } while (__wait_again(kr));
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    struct wait_news news;

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED))
        return __fail(EINVAL);
    if (__wait_for(pid, options | WEXITED, &news) < 0)
        return -1;
    if (status != NULL && news.child > 0)
        *status = news.status;
    return news.child;
}

pid_t wait(int *status)
{
    return waitpid(-1, status, 0);
}

/* The pid that waitpid knows the set by; -2 with EINVAL has no process. */
static int pid_of(idtype_t type, id_t id, pid_t *pid)
{
    switch (type) {
    case P_ALL:
        *pid = -1;
        return 0;
    case P_PID:
        *pid = (pid_t)id;
        return *pid > 0 ? 0 : __fail(EINVAL);
    case P_PGID:
        *pid = -(pid_t)id;
        return *pid < -1 || id == 0 ? 0 : __fail(EINVAL);
    default:
        return __fail(EINVAL);
    }
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    struct wait_news news;
    pid_t pid = 0;

    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return __fail(EINVAL);
    if (pid_of(type, id, &pid) < 0 || __wait_for(pid, options, &news) < 0)
        return -1;
    if (info == NULL)
        return 0;
    *info = (siginfo_t){.si_signo = news.child > 0 ? SIGCHLD : 0, .si_pid = news.child};
    if (news.child == 0)
        return 0;
    info->si_uid = news.uid;
    if (WIFEXITED(news.status)) {
        info->si_code = CLD_EXITED;
        info->si_status = news.code; /* all of what exit was given */
    } else if (WIFSTOPPED(news.status)) {
        info->si_code = CLD_STOPPED;
        info->si_status = WSTOPSIG(news.status);
    } else if (WIFCONTINUED(news.status)) {
        info->si_code = CLD_CONTINUED;
        info->si_status = SIGCONT;
    } else {
        info->si_code = CLD_KILLED;
        info->si_status = WTERMSIG(news.status);
    }
    return 0;
}
