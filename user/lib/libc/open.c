/* Opening files: fs_open gives the port of a new open file description. */
#include "posix.h"

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

static int open_file(int dir, const char *path, int flags, va_list ap)
{
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    mach_port_t file = __path_open(dir, path, flags & ~O_CLOEXEC, mode & ~__umask & 07777);

    if (file == MACH_PORT_NULL)
        return -1;
    if (__opened != NULL && !(flags & O_NOCTTY))
        __opened(file);
    return __fd_install(file, flags & (O_ACCMODE | O_APPEND | O_NONBLOCK),
                        flags & O_CLOEXEC ? FD_CLOEXEC : 0, TRUE, 0);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    int fd;

    va_start(ap, flags);
    fd = open_file(AT_FDCWD, path, flags, ap);
    va_end(ap);
    return fd;
}

int openat(int dir, const char *path, int flags, ...)
{
    va_list ap;
    int fd;

    va_start(ap, flags);
    fd = open_file(dir, path, flags, ap);
    va_end(ap);
    return fd;
}

int creat(const char *path, mode_t mode)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
