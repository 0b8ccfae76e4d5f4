/* statvfs: how full a file system is. */
#include "posix.h"

#include <fcntl.h>
#include <limits.h>
#include <mach/mach_port.h>
#include <servers/fs.h>
#include <string.h>
#include <sys/statvfs.h>

static int ask(mach_port_t port, struct statvfs *st)
{
    uint32_t block_size;
    uint64_t blocks, blocks_free, inodes, inodes_free;
    kern_return_t kr = fs_statfs(port, &block_size, &blocks, &blocks_free, &inodes, &inodes_free);

    if (kr != KERN_SUCCESS)
        return __fs_error(kr);
    memset(st, 0, sizeof *st);
    st->f_bsize = st->f_frsize = block_size;
    st->f_blocks = blocks;
    st->f_bfree = st->f_bavail = blocks_free;
    st->f_files = inodes;
    st->f_ffree = st->f_favail = inodes_free;
    st->f_namemax = NAME_MAX;
    return 0;
}

int fstatvfs(int fd, struct statvfs *st)
{
    struct fd *f = __fd_get(fd);

    return f != NULL ? ask(f->port, st) : -1;
}

int statvfs(const char *path, struct statvfs *st)
{
    mach_port_t port = __path_open(AT_FDCWD, path, O_PATH, 0);
    int result;

    if (port == MACH_PORT_NULL)
        return -1;
    result = ask(port, st);
    mach_port_deallocate(mach_task_self(), port);
    return result;
}
