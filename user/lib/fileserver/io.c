/*
 * io.c: the routines of io.defs, on open files. Read io.defs, open.c and file.c before.
 *
 * Contents of files never make a client wait for another one, only for the disk (aside.c).
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/error.h>
#include <string.h>
#include <unistd.h>

#include <servers/io_server.h>

#define ATIME_MAX_AGE (24 * 60 * 60) /* seconds after which atime is brought up to date */
#define STAT_UNIT     512            /* st_blocks counts these, by tradition */

kern_return_t reply_code(int err)
{
    if (err == 0)
        return KERN_SUCCESS;
    return err == FS_STALLED ? aside_request() : unix_err(err);
}

static bool may_read(const struct open_file *f)
{
    return (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH);
}

static bool may_write(const struct open_file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH);
}

/* Notes a read, but only if atime says less than mtime or is a day old: else every read of a file
 * would cause a write of its inode. */
static void touch_atime(struct inode *ip)
{
    const struct ostiafs_inode *d = ip->d;
    int64_t seconds;
    uint32_t nanoseconds;
    bool unread = d->atime < d->mtime || (d->atime == d->mtime && d->atime_nsec <= d->mtime_nsec);

    if (!unread) {
        clock_now(&seconds, &nanoseconds);
        if (seconds < d->atime + ATIME_MAX_AGE)
            return;
    }
    if (volume_begin(ip->fs) != 0)
        return;
    inode_touch(ip, TIME_A);
    volume_end(ip->fs);
}

/* Reads at *offset, which advances. */
static int read_at(struct open_file *f, uint64_t *offset, uint32_t amount, char *data,
                   mach_msg_type_number_t *count)
{
    size_t len = amount < *count ? amount : *count;
    int err;

    *count = 0;
    if (!may_read(f))
        return EBADF;
    if (inode_type(f->ip) == OSTIAFS_S_IFDIR)
        return EISDIR;
    err = file_read(f->ip, *offset, data, &len);
    if (err != 0)
        return err;
    if (len > 0)
        touch_atime(f->ip);
    *offset += len;
    *count = (mach_msg_type_number_t)len;
    return 0;
}

/* Writes at *offset, which advances. */
static int write_at(struct open_file *f, uint64_t *offset, const char *data,
                    mach_msg_type_number_t count, uint32_t *amount)
{
    uint64_t old_size = f->ip->d->size;
    size_t len = count;
    int err;

    if (!may_write(f))
        return EBADF;
    if (f->flags & O_APPEND)
        *offset = old_size;
    if (count > 0) {
        uint64_t from = *offset < old_size ? *offset : old_size; /* growing shows what lies between */

        err = pager_settle(f->ip, from, *offset + count - from);
        if (err != 0)
            return err;
    }
    if ((f->ip->d->mode & (MODE_SETUID | MODE_SETGID)) && client_uid() != SUPERUSER) {
        /* What others have written shall not run as its owner. */
        struct attr a = {.which = ATTR_MODE, .mode = f->ip->d->mode & ~(MODE_SETUID | MODE_SETGID)};

        err = name_setattr(f->ip, &a);
        if (err != 0)
            return err;
    }
    err = file_write(f->ip, *offset, data, &len);
    if (err != 0)
        return err;
    /* Growing shows bytes between the old end and here that mapped pages may hold something else
     * in. */
    pager_changed(f->ip, *offset > old_size ? old_size : *offset,
                  len + (*offset > old_size ? *offset - old_size : 0));
    *offset += len;
    *amount = (uint32_t)len;
    return 0;
}

kern_return_t S_io_read(mach_port_t io, mach_port_t reply, uint32_t amount, char *data,
                        mach_msg_type_number_t *count)
{
    struct open_file *f = open_get(io);
    int err;

    (void)reply;
    if (f == NULL) {
        *count = 0;
        return unix_err(EBADF);
    }
    err = f->away ? EBUSY : read_at(f, &f->offset, amount, data, count);
    ports_deref(f);
    return reply_code(err);
}

kern_return_t S_io_write(mach_port_t io, mach_port_t reply, char *data,
                         mach_msg_type_number_t count, uint32_t *amount)
{
    struct open_file *f = open_get(io);
    int err;

    (void)reply;
    if (f == NULL)
        return unix_err(EBADF);
    err = f->away ? EBUSY : write_at(f, &f->offset, data, count, amount);
    ports_deref(f);
    return reply_code(err);
}

kern_return_t S_io_pread(mach_port_t io, int64_t offset, uint32_t amount, char *data,
                         mach_msg_type_number_t *count)
{
    struct open_file *f = open_get(io);
    uint64_t at = (uint64_t)offset;
    int err;

    if (f == NULL) {
        *count = 0;
        return unix_err(EBADF);
    }
    err = offset < 0 ? EINVAL : read_at(f, &at, amount, data, count);
    ports_deref(f);
    return reply_code(err);
}

kern_return_t S_io_pwrite(mach_port_t io, int64_t offset, char *data, mach_msg_type_number_t count,
                          uint32_t *amount)
{
    struct open_file *f = open_get(io);
    uint64_t at = (uint64_t)offset;
    int err;

    if (f == NULL)
        return unix_err(EBADF);
    err = offset < 0 ? EINVAL : write_at(f, &at, data, count, amount);
    ports_deref(f);
    return reply_code(err);
}

/* Where a seek goes. */
static int seek_target(const struct open_file *f, int64_t offset, int whence, int64_t *target)
{
    int64_t base;

    switch (whence) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = (int64_t)f->offset;
        break;
    case SEEK_END:
        base = (int64_t)f->ip->d->size;
        break;
    default:
        return EINVAL;
    }
    if (__builtin_add_overflow(base, offset, target))
        return EOVERFLOW;
    return *target < 0 ? EINVAL : 0;
}

kern_return_t S_io_seek(mach_port_t io, int64_t offset, int whence, int64_t *new_offset)
{
    struct open_file *f = open_get(io);
    int err;

    if (f == NULL)
        return unix_err(ESPIPE);
    if (f->away != (whence == IO_SEEK_BACK))
        err = f->away ? EBUSY : EINVAL;
    else
        err = seek_target(f, offset, f->away ? SEEK_SET : whence, new_offset);
    if (err == 0) {
        f->away = false;
        f->offset = (uint64_t)*new_offset;
    }
    ports_deref(f);
    return reply_code(err);
}

void stat_fill(const struct inode *ip, io_stat_t *stat)
{
    const struct ostiafs_inode *d = ip->d;

    *stat = (io_stat_t){
        .st_ino = ip->ino,
        .st_size = d->size,
        .st_blocks = d->blocks * (OSTIAFS_BLOCK_SIZE / STAT_UNIT),
        .st_dev = inode_dev(ip),
        .st_mode = d->mode,
        .st_nlink = d->nlink,
        .st_uid = d->uid,
        .st_gid = d->gid,
        .st_rdev = d->rdev_major << 8 | d->rdev_minor,
        .st_blksize = OSTIAFS_BLOCK_SIZE,
        .st_atime_sec = d->atime,
        .st_atime_nsec = d->atime_nsec,
        .st_mtime_sec = d->mtime,
        .st_mtime_nsec = d->mtime_nsec,
        .st_ctime_sec = d->ctime,
        .st_ctime_nsec = d->ctime_nsec,
        .st_fsid = inode_dev(ip),
    };
}

kern_return_t S_io_stat(mach_port_t io, io_stat_t *stat)
{
    struct open_file *f = open_get(io);

    if (f == NULL)
        return unix_err(EBADF);
    stat_fill(f->ip, stat);
    ports_deref(f);
    return KERN_SUCCESS;
}

kern_return_t S_io_truncate(mach_port_t io, int64_t length)
{
    struct open_file *f = open_get(io);
    uint64_t old_size;
    int err = 0;

    if (f == NULL)
        return unix_err(EINVAL);
    old_size = f->ip->d->size;
    if (length < 0 || !may_write(f) || inode_type(f->ip) != OSTIAFS_S_IFREG)
        err = EINVAL;
    else if ((uint64_t)length > old_size) /* what lies between is shown: the page of the old end, too */
        err = pager_settle(f->ip, old_size, (uint64_t)length - old_size);
    else if (length % PAGE_SIZE != 0) /* of this page a part stays */
        err = pager_settle(f->ip, (uint64_t)length, 1);
    if (err == 0)
        err = file_truncate(f->ip, (uint64_t)length);
    if (err == 0 && f->ip->d->size > old_size)
        pager_changed(f->ip, old_size, f->ip->d->size - old_size);
    else if (err == 0)
        pager_cut(f->ip, old_size);
    ports_deref(f);
    return reply_code(err);
}

kern_return_t S_io_sync(mach_port_t io)
{
    struct open_file *f = open_get(io);
    int err;

    if (f == NULL)
        return unix_err(EINVAL);
    pager_collect(f->ip);
    err = volume_commit(f->ip->fs);
    ports_deref(f);
    return reply_code(err);
}

/* A memory object of the contents, and what else there is to know. */
static int map_object(struct open_file *f, enum pager_kind kind, mach_port_t *memory_object, int64_t *size)
{
    int err;

    if (inode_type(f->ip) != OSTIAFS_S_IFREG)
        return ENODEV;
    if (!may_read(f))
        return EACCES;
    err = pager_port(f->ip, kind, memory_object);
    if (err == 0) {
        *size = (int64_t)f->ip->d->size;
        touch_atime(f->ip);
    }
    return err;
}

kern_return_t S_io_map(mach_port_t io, mach_port_t *memory_object, int64_t *size)
{
    struct open_file *f = open_get(io);
    bool may;
    int err;

    if (f == NULL)
        return unix_err(ENODEV);
    /* Whoever holds a memory object can map it for writing. (Opened for reading or not: to map privately is
     * a usual thing to do with a file one may write.) */
    may = may_write(f) || access_may(f->ip, ACCESS_W);
    err = map_object(f, may ? PAGER_WRITE : PAGER_READ, memory_object, size);
    ports_deref(f);
    return reply_code(err);
}

kern_return_t S_io_window(mach_port_t io, mach_port_t *memory_object, int64_t *size, int64_t *offset)
{
    struct open_file *f = open_get(io);
    int err;

    if (f == NULL)
        return unix_err(ENODEV);
    err = f->away ? EBUSY : map_object(f, PAGER_WINDOW, memory_object, size);
    if (err == 0) {
        f->away = true;
        *offset = (int64_t)f->offset;
    }
    ports_deref(f);
    return reply_code(err);
}

/* Applies `a` to an open file, if the client may; `now`: who may write it may set its times to now. */
static kern_return_t set_attributes(mach_port_t io, struct attr *a, bool now)
{
    struct open_file *f = open_get(io);
    int err = 0;

    if (f == NULL)
        return unix_err(EINVAL);
    if (a->which == 0) { /* nothing is to change: not the time of change, either */
        ports_deref(f);
        return KERN_SUCCESS;
    }
    if (a->which & (ATTR_ATIME | ATTR_MTIME) && !access_is_owner(f->ip) &&
        !(now && (may_write(f) || access_may(f->ip, ACCESS_W))))
        err = now ? EACCES : EPERM;
    if (a->which & ATTR_MODE && inode_type(f->ip) == OSTIAFS_S_IFLNK)
        err = EOPNOTSUPP; /* a link's permissions mean nothing [POSIX fchmodat] */
    if (err == 0)
        err = access_attributes(f->ip, a);
    if (err == 0)
        err = name_setattr(f->ip, a);
    ports_deref(f);
    return reply_code(err);
}

kern_return_t S_io_chmod(mach_port_t io, uint32_t mode)
{
    struct attr a = {.which = ATTR_MODE, .mode = mode};

    return set_attributes(io, &a, false);
}

kern_return_t S_io_chown(mach_port_t io, uint32_t uid, uint32_t gid)
{
    struct attr a = {.uid = uid, .gid = gid};

    if (uid != UINT32_MAX) /* (uid_t)-1: leave it [POSIX chown] */
        a.which |= ATTR_UID;
    if (gid != UINT32_MAX)
        a.which |= ATTR_GID;
    return set_attributes(io, &a, false);
}

#define NSEC_PER_SEC 1000000000
#define OMIT_ATIME   1 /* io_utimes' `omit` */
#define OMIT_MTIME   2
#define NOW_ATIME    4
#define NOW_MTIME    8

/* One of two times: as given, or now, or not at all. */
static int set_time(struct attr *a, uint32_t which, int64_t *seconds, uint32_t *nanoseconds, int64_t sec,
                    int64_t nsec, bool omit, bool now)
{
    if (omit)
        return 0;
    if (now) {
        clock_now(seconds, nanoseconds);
    } else {
        if (nsec < 0 || nsec >= NSEC_PER_SEC)
            return EINVAL;
        *seconds = sec;
        *nanoseconds = (uint32_t)nsec;
    }
    a->which |= which;
    return 0;
}

kern_return_t S_io_utimes(mach_port_t io, int64_t atime_sec, int64_t atime_nsec, int64_t mtime_sec,
                          int64_t mtime_nsec, uint32_t omit)
{
    struct attr a = {.which = 0};
    bool now = (omit & (NOW_ATIME | NOW_MTIME)) == (NOW_ATIME | NOW_MTIME);
    int err;

    if (volume == NULL)
        return unix_err(EINVAL);
    err = set_time(&a, ATTR_ATIME, &a.atime, &a.atime_nsec, atime_sec, atime_nsec, omit & OMIT_ATIME,
                   omit & NOW_ATIME);
    if (err == 0)
        err = set_time(&a, ATTR_MTIME, &a.mtime, &a.mtime_nsec, mtime_sec, mtime_nsec, omit & OMIT_MTIME,
                       omit & NOW_MTIME);
    return err != 0 ? unix_err(err) : set_attributes(io, &a, now);
}
