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
    struct path p;
    kern_return_t kr;

    if (!__path_begin(&p, fd, path))
        return -1;
    do
        kr = fs_mkdir(p.port, p.rest, mode & ~__umask & 07777);
    while (__path_again(&p, &kr, FOLLOW_NEVER));
    return result_of(kr);
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int mknod(const char *path, mode_t mode, dev_t rdev)
{
    struct path p;
    kern_return_t kr;

    if ((mode & S_IFMT) == 0)
        mode |= S_IFREG;
    if (!__path_begin(&p, AT_FDCWD, path))
        return -1;
    do
        kr = fs_mknod(p.port, p.rest, mode & ~__umask, rdev);
    while (__path_again(&p, &kr, FOLLOW_NEVER));
    return result_of(kr);
}

int mkfifo(const char *path, mode_t mode)
{
    return mknod(path, S_IFIFO | (mode & 07777), 0);
}

int unlinkat(int fd, const char *path, int flags)
{
    struct path p;
    kern_return_t kr;

    if (!__path_begin(&p, fd, path))
        return -1;
    do
        kr = fs_unlink(p.port, p.rest, (flags & AT_REMOVEDIR) != 0);
    while (__path_again(&p, &kr, FOLLOW_NEVER));
    return result_of(kr);
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
    int follow = (flags & AT_SYMLINK_FOLLOW) != 0;
    struct path from;
    struct path to;
    kern_return_t kr;

    if (flags & ~AT_SYMLINK_FOLLOW) {
        errno = EINVAL;
        return -1;
    }
    if (!__path_begin(&from, fd, path) || !__path_begin(&to, new_fd, new_path))
        return -1;
    do
        kr = fs_link(from.port, from.rest, to.port, to.rest, follow);
    while (__path_again_two(&from, follow ? FOLLOW : FOLLOW_SLASH, &to, &kr));
    return result_of(kr);
}

int link(const char *path, const char *new_path)
{
    return linkat(AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

int renameat(int fd, const char *path, int new_fd, const char *new_path)
{
    struct path from;
    struct path to;
    kern_return_t kr;

    if (!__path_begin(&from, fd, path) || !__path_begin(&to, new_fd, new_path))
        return -1;
    do
        kr = fs_rename(from.port, from.rest, to.port, to.rest);
    while (__path_again_two(&from, FOLLOW_NEVER, &to, &kr));
    return result_of(kr);
}

int rename(const char *path, const char *new_path)
{
    return renameat(AT_FDCWD, path, AT_FDCWD, new_path);
}

int symlinkat(const char *target, int fd, const char *path)
{
    struct path p;
    kern_return_t kr;

    if (!__path_begin(&p, fd, path))
        return -1;
    if (*target == '\0')
        return __fail(ENOENT);
    do
        kr = fs_symlink(p.port, target, p.rest);
    while (__path_again(&p, &kr, FOLLOW_NEVER));
    return result_of(kr);
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

ssize_t readlinkat(int fd, const char *path, char *buffer, size_t size)
{
    char target[PATH_MAX];
    struct path p;
    size_t length;
    kern_return_t kr;

    if (!__path_begin(&p, fd, path))
        return -1;
    do
        kr = fs_readlink(p.port, p.rest, target);
    while (__path_again(&p, &kr, FOLLOW_SLASH));
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
