/*
 * xv6's limits, which its programs count on: 64 processes, 16 open files a process, 32 arguments, names of 14
 * bytes, of which what is longer is cut off, and paths of 128. Read user/include/xv6/user/user.h before.
 */
#include "../libc/posix.h"
#include "xv6.h"

#include <mach/vm_map.h>
#include <proc_info.h>
#include <servers/proc.h>
#include <string.h>
#include <unistd.h>

#define NPROC   64
#define NOFILE  16
#define MAXARG  32

int __xv6_fork(void);
int __xv6_dup(int fd);
int __xv6_pipe(int *fds);
int __xv6_link(const char *path, const char *new_path);
int __xv6_chdir(const char *path);

/* A descriptor, if it is one that xv6 has; closed else. */
int __xv6_limit_fd(int fd)
{
    if (fd < NOFILE)
        return fd;
    close(fd);
    return -1;
}

/* path with each name cut to 14 bytes. NULL: it is too long. */
const char *__xv6_path(const char *path, char cut[XV6_MAXPATH])
{
    size_t length = 0;
    int in_name = 0;

    if (strlen(path) >= XV6_MAXPATH)
        return NULL;
    for (; *path != '\0'; path++) {
        in_name = *path == '/' ? 0 : in_name + 1;
        if (in_name <= XV6_DIRSIZ)
            cut[length++] = *path;
    }
    cut[length] = '\0';
    return cut;
}

/* Does argv have more arguments than there may be? */
int __xv6_too_many(char **argv)
{
    for (int i = 0; i < MAXARG; i++)
        if (argv[i] == NULL)
            return 0;
    return 1;
}

/* The processes of the whole system count, as in xv6. */
int __xv6_fork(void)
{
    proc_info_array_t list;
    mach_msg_type_number_t count;

    if (__proc_port == MACH_PORT_NULL || proc_list(__proc_port, &list, &count) != KERN_SUCCESS)
        return -1;
    vm_deallocate(mach_task_self(), (vm_address_t)list, count * sizeof(*list));
    return count < NPROC ? fork() : -1;
}

int __xv6_dup(int fd)
{
    int copy = dup(fd);

    return copy < 0 ? -1 : __xv6_limit_fd(copy);
}

int __xv6_pipe(int *fds)
{
    if (pipe(fds) < 0)
        return -1;
    if (fds[0] < NOFILE && fds[1] < NOFILE)
        return 0;
    close(fds[0]);
    close(fds[1]);
    return -1;
}

int __xv6_link(const char *path, const char *new_path)
{
    char from[XV6_MAXPATH];
    char to[XV6_MAXPATH];

    path = __xv6_path(path, from);
    new_path = __xv6_path(new_path, to);
    return path != NULL && new_path != NULL ? link(path, new_path) : -1;
}

int __xv6_chdir(const char *path)
{
    char cut[XV6_MAXPATH];

    path = __xv6_path(path, cut);
    return path != NULL ? chdir(path) : -1;
}
