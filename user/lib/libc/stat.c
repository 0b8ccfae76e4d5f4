/* stat and its sisters. */
#include "posix.h"

#include <fcntl.h>
#include <server_types.h>
#include <servers/io.h>
#include <sys/stat.h>

static int convert(struct stat *st, const io_stat_t *io)
{
    *st = (struct stat){
        .st_dev = io->st_dev,
        .st_ino = io->st_ino,
        .st_mode = io->st_mode,
        .st_nlink = io->st_nlink,
        .st_uid = io->st_uid,
        .st_gid = io->st_gid,
        .st_rdev = io->st_rdev,
        .st_size = (off_t)io->st_size,
        .st_blksize = (blksize_t)io->st_blksize,
        .st_blocks = (blkcnt_t)io->st_blocks,
        .st_atim = {io->st_atime_sec, io->st_atime_nsec},
        .st_mtim = {io->st_mtime_sec, io->st_mtime_nsec},
        .st_ctim = {io->st_ctime_sec, io->st_ctime_nsec},
    };
    return 0;
}

int fstatat(int fd, const char *path, struct stat *st, int flags)
{
    io_stat_t io;
    kern_return_t kr = __path_stat(fd, path, !(flags & AT_SYMLINK_NOFOLLOW), &io);

    return kr == KERN_SUCCESS ? convert(st, &io) : __fs_error(kr);
}

int stat(const char *path, struct stat *st)
{
    return fstatat(AT_FDCWD, path, st, 0);
}

int lstat(const char *path, struct stat *st)
{
    return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *st)
{
    struct fd *f = __fd_get(fd);
    io_stat_t io;
    kern_return_t kr;

    if (f == NULL)
        return -1;
    kr = io_stat(f->port, &io);
    return kr == KERN_SUCCESS ? convert(st, &io) : __error(kr);
}
