/* The current directory is a port. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_port.h>
#include <sys/stat.h>
#include <unistd.h>

int chdir(const char *path)
{
    mach_port_t port = __path_open(AT_FDCWD, path, O_SEARCH | O_DIRECTORY, 0);
    mach_port_t old;

    if (port == MACH_PORT_NULL)
        return -1;
    if (__port_in_use(port)) /* one reference a name */
        mach_port_deallocate(mach_task_self(), port);
    old = __cwd_port;
    __cwd_port = port;
    __port_release(old);
    return 0;
}

int fchdir(int fd)
{
    struct fd *f = __fd_get(fd);
    struct stat st;
    mach_port_t old;

    if (f == NULL || fstat(fd, &st) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode))
        return __fail(ENOTDIR);
    old = __cwd_port;
    __cwd_port = f->port;
    __port_release(old);
    return 0;
}
