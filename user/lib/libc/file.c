/* What is done to an open file beside reading and writing it. */
#include "posix.h"

#include <errno.h>
#include <mach/mach_port.h>
#include <servers/fs.h>
#include <servers/io.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

off_t lseek(int fd, off_t offset, int whence)
{
    struct fd *f = __fd_get(fd);
    int64_t result;
    kern_return_t kr;
    int tries = 0;

    if (f == NULL)
        return -1;
    do {
        if (f->window != NULL && (result = __window_seek(f, offset, whence)) >= 0)
            return result;
        kr = io_seek(f->port, offset, whence, &result);
    } while (__window_retry(f, kr, &tries));
    if (kr == MIG_BAD_ID)
        return __fail(ESPIPE);
    return kr == KERN_SUCCESS ? result : __error(kr);
}

int ftruncate(int fd, off_t length)
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = io_truncate(f->port, length);
    if (kr == MIG_BAD_ID)
        return __fail(EINVAL);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int fsync(int fd)
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = io_sync(f->port);
    if (kr == MIG_BAD_ID)
        return __fail(EINVAL);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int fdatasync(int fd)
{
    return fsync(fd);
}

void sync(void)
{
    fs_sync(__root_port);
}

int fchmod(int fd, mode_t mode)
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = io_chmod(f->port, mode);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int fchown(int fd, uid_t uid, gid_t gid)
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = io_chown(f->port, uid, gid);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

kern_return_t __io_utimes(mach_port_t port, const struct timespec *times)
{
    struct timespec at[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    uint32_t omit = 0; /* io.defs */

    for (int i = 0; i < 2; i++) {
        if (times != NULL)
            at[i] = times[i];
        if (at[i].tv_nsec == UTIME_OMIT)
            omit |= 1U << i;
        else if (at[i].tv_nsec == UTIME_NOW)
            omit |= 4U << i;
    }
    return io_utimes(port, at[0].tv_sec, at[0].tv_nsec, at[1].tv_sec, at[1].tv_nsec, omit);
}

int futimens(int fd, const struct timespec times[2])
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = __io_utimes(f->port, times);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}
