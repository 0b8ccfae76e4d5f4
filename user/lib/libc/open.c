/* Opening files: fs_open gives the port of a new open file description. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <servers/fs.h>
#include <stdarg.h>
#include <unistd.h>

mach_port_t __path_port(int fd, const char *path)
{
    struct fd *f;

    if (*path == '\0') {
        errno = ENOENT;
        return MACH_PORT_NULL;
    }
    if (*path == '/')
        f = NULL;
    else if (fd == AT_FDCWD)
        return __cwd_port;
    else if ((f = __fd_get(fd)) == NULL)
        return MACH_PORT_NULL;
    return f != NULL ? f->port : __root_port;
}

static int open_file(int dir, const char *path, int flags, va_list ap)
{
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    mach_port_t port = __path_port(dir, path);
    mach_port_t file;
    mach_msg_type_name_t how;
    kern_return_t kr;

    if (port == MACH_PORT_NULL)
        return -1;
    kr = fs_open(port, path, flags & ~O_CLOEXEC, mode & ~__umask & 07777, &file, &how);
    if (kr != KERN_SUCCESS)
        return __fs_error(kr);
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
