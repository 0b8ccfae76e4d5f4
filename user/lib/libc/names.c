/* Making, linking, renaming and removing names. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <servers/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int result_of(kern_return_t kr)
{
    return kr == KERN_SUCCESS ? 0 : __fs_error(kr);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    mach_port_t port = __path_port(fd, path);

    return port != MACH_PORT_NULL ? result_of(fs_mkdir(port, path, mode & ~__umask & 07777)) : -1;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int mknod(const char *path, mode_t mode, dev_t rdev)
{
    mach_port_t port = __path_port(AT_FDCWD, path);

    if ((mode & S_IFMT) == 0)
        mode |= S_IFREG;
    return port != MACH_PORT_NULL ? result_of(fs_mknod(port, path, mode & ~__umask, rdev)) : -1;
}

int mkfifo(const char *path, mode_t mode)
{
    return mknod(path, S_IFIFO | (mode & 07777), 0);
}

int unlinkat(int fd, const char *path, int flags)
{
    mach_port_t port = __path_port(fd, path);

    return port != MACH_PORT_NULL ? result_of(fs_unlink(port, path, (flags & AT_REMOVEDIR) != 0))
                                  : -1;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    if (unlink(path) == 0)
        return 0;
    return errno == EISDIR || errno == EPERM ? rmdir(path) : -1;
}

int linkat(int fd, const char *path, int new_fd, const char *new_path, int flags)
{
    mach_port_t from = __path_port(fd, path);
    mach_port_t to = __path_port(new_fd, new_path);

    (void)flags; /* a symbolic link is linked itself, as POSIX.1-2008 would have it */
    if (from == MACH_PORT_NULL || to == MACH_PORT_NULL)
        return -1;
    return result_of(fs_link(from, path, to, new_path));
}

int link(const char *path, const char *new_path)
{
    return linkat(AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

int renameat(int fd, const char *path, int new_fd, const char *new_path)
{
    mach_port_t from = __path_port(fd, path);
    mach_port_t to = __path_port(new_fd, new_path);

    if (from == MACH_PORT_NULL || to == MACH_PORT_NULL)
        return -1;
    return result_of(fs_rename(from, path, to, new_path));
}

int rename(const char *path, const char *new_path)
{
    return renameat(AT_FDCWD, path, AT_FDCWD, new_path);
}

int symlinkat(const char *target, int fd, const char *path)
{
    mach_port_t port = __path_port(fd, path);

    if (port == MACH_PORT_NULL)
        return -1;
    return *target != '\0' ? result_of(fs_symlink(port, target, path)) : __fail(ENOENT);
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

ssize_t readlinkat(int fd, const char *path, char *buffer, size_t size)
{
    mach_port_t port = __path_port(fd, path);
    char target[PATH_MAX];
    size_t length;
    kern_return_t kr;

    if (port == MACH_PORT_NULL)
        return -1;
    kr = fs_readlink(port, path, target);
    if (kr != KERN_SUCCESS)
        return __fs_error(kr);
    length = strlen(target);
    if (length > size)
        length = size;
    memcpy(buffer, target, length); /* without a NUL: so POSIX */
    return length;
}

ssize_t readlink(const char *path, char *buffer, size_t size)
{
    return readlinkat(AT_FDCWD, path, buffer, size);
}

mode_t umask(mode_t mask)
{
    mode_t old = __umask;

    __umask = mask & 0777;
    return old;
}
