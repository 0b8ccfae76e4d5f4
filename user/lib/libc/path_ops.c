/* Functions of a path that are those of an open file: open, do it, close. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_port.h>
#include <servers/io.h>
#include <sys/stat.h>
#include <unistd.h>

/* A port for the file's attributes alone, which asks for no permission; `flags` are of AT_*. */
static mach_port_t open_path(int fd, const char *path, int flags)
{
    if (flags & ~AT_SYMLINK_NOFOLLOW) {
        errno = EINVAL;
        return MACH_PORT_NULL;
    }
    return __path_open(fd, path, O_PATH | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0);
}

static int finish(mach_port_t port, kern_return_t kr)
{
    mach_port_deallocate(mach_task_self(), port); /* the reference that came with it */
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int truncate(const char *path, off_t length)
{
    mach_port_t port = __path_open(AT_FDCWD, path, O_WRONLY, 0);

    return port != MACH_PORT_NULL ? finish(port, io_truncate(port, length)) : -1;
}

int fchmodat(int fd, const char *path, mode_t mode, int flags)
{
    mach_port_t port = open_path(fd, path, flags);

    return port != MACH_PORT_NULL ? finish(port, io_chmod(port, mode)) : -1;
}

int chmod(const char *path, mode_t mode)
{
    return fchmodat(AT_FDCWD, path, mode, 0);
}

int fchownat(int fd, const char *path, uid_t uid, gid_t gid, int flags)
{
    mach_port_t port = open_path(fd, path, flags);

    return port != MACH_PORT_NULL ? finish(port, io_chown(port, uid, gid)) : -1;
}

int chown(const char *path, uid_t uid, gid_t gid)
{
    return fchownat(AT_FDCWD, path, uid, gid, 0);
}

int lchown(const char *path, uid_t uid, gid_t gid)
{
    return fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int utimensat(int fd, const char *path, const struct timespec times[2], int flags)
{
    mach_port_t port = open_path(fd, path, flags);

    return port != MACH_PORT_NULL ? finish(port, __io_utimes(port, times)) : -1;
}
