/*
 * xv6's processes where they differ from POSIX's: an exit status is a whole int, a child that was
 * killed has -1, kill takes no signal, time is in ticks of 100 ms. Read
 * user/include/xv6/user/user.h before.
 */
#include "../libc/posix.h"
#include "xv6.h"

#include <servers/proc.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void __xv6_exit(int status) __attribute__((noreturn));

void __xv6_exit(int status)
{
    _exit(status);
}

int __xv6_wait(int *status)
{
    int child;
    int posix_status;
    int code;
    uint32_t uid;

    if (__proc_port == MACH_PORT_NULL
        || proc_wait(__proc_port, -1, WEXITED, &child, &posix_status, &code, &uid)
               != KERN_SUCCESS)
        return -1;
    if (status != NULL)
        *status = WIFEXITED(posix_status) ? code : -1;
    return child;
}

int __xv6_kill(int pid)
{
    return pid > 0 ? kill(pid, SIGKILL) : -1; /* it has no groups */
}

int __xv6_exec(const char *path, char **argv)
{
    char cut[XV6_MAXPATH];

    path = __xv6_path(path, cut);
    return path != NULL && !__xv6_too_many(argv) ? execve(path, argv, environ) : -1;
}

char *__xv6_sbrk(int increment)
{
    return sbrk(increment);
}

int __xv6_sleep(int ticks)
{
    struct timespec time = {ticks / (1000 / XV6_TICK_MS),
                            ticks % (1000 / XV6_TICK_MS) * (XV6_TICK_MS * 1000000L)};

    return ticks <= 0 ? 0 : nanosleep(&time, NULL);
}

int __xv6_uptime(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)(now.tv_sec * (1000 / XV6_TICK_MS) + now.tv_nsec / (XV6_TICK_MS * 1000000L));
}
