/*
 * names.c: the operations on the tree of names; each is one transaction, where the core has such. Read
 * names.h, and dir.c's contracts in the file server's fs.h.
 *
 * The pattern: look at everything that can forbid the operation; volume_begin; do what can run out
 * of space (a new inode, a new entry); then what cannot fail.
 */
#include "fs.h" /* the server's own */

#include <errno.h>
#include <string.h>

static bool is_dot(const char *name, size_t len)
{
    return len == 1 && name[0] == '.';
}

static bool is_dotdot(const char *name, size_t len)
{
    return len == 2 && name[0] == '.' && name[1] == '.';
}

/* Can this be the name of something new? */
static int check_name(struct inode *dp, const char *name, size_t len)
{
    if (inode_type(dp) != OSTIAFS_S_IFDIR)
        return ENOTDIR;
    if (len == 0)
        return EINVAL;
    for (size_t i = 0; i < len; i++)
        if (name[i] == '\0' || name[i] == '/')
            return EINVAL;
    if (len > OSTIAFS_NAME_MAX)
        return ENAMETOOLONG;
    if (is_dot(name, len) || is_dotdot(name, len))
        return EEXIST;
    if (dp->d->nlink == 0)
        return ENOENT; /* a directory that was removed while open stays empty */
    return 0;
}

int name_lookup(struct inode *dp, const char *name, size_t len, struct inode **out)
{
    uint32_t ino;
    int err;

    if (inode_type(dp) != OSTIAFS_S_IFDIR)
        return ENOTDIR;
    if (len > OSTIAFS_NAME_MAX)
        return ENAMETOOLONG;
    if (is_dot(name, len)) {
        *out = inode_ref(dp);
        return 0;
    }
    if (is_dotdot(name, len)) /* of a removed directory's parent nobody knows whether it exists */
        err = dp->d->nlink == 0 ? ENOENT : dir_parent(dp, &ino);
    else
        err = dir_lookup(dp, name, len, &ino);
    return err != 0 ? err : inode_get(dp->fs, ino, out);
}

/* Enters ip, which is new, and drops it if that fails. */
static int enter(struct inode *dp, const char *name, size_t len, struct inode *ip)
{
    bool directory = inode_type(ip) == OSTIAFS_S_IFDIR;
    int err = dir_insert(dp, name, len, ip->ino, (uint8_t)(ip->d->mode >> 12));

    if (err != 0)
        return err;
    ip->d->nlink = directory ? 2 : 1;
    inode_dirty(ip);
    if (directory) {
        dp->d->nlink++;
        inode_dirty(dp);
    }
    return 0;
}

int name_create(struct inode *dp, const char *name, size_t len, uint32_t mode, uint32_t uid,
                uint32_t gid, uint32_t rdev_major, uint32_t rdev_minor, struct inode **out)
{
    uint32_t type = mode & OSTIAFS_S_IFMT;
    bool device = type == OSTIAFS_S_IFCHR || type == OSTIAFS_S_IFBLK;
    struct inode *ip;
    int err = check_name(dp, name, len);

    if (err == 0 && type != OSTIAFS_S_IFREG && type != OSTIAFS_S_IFDIR && !device &&
        type != OSTIAFS_S_IFIFO && type != OSTIAFS_S_IFSOCK)
        err = EINVAL;
    if (err == 0)
        err = volume_begin(dp->fs);
    if (err != 0)
        return err;
    err = inode_new(dp->fs, dp->ino, mode & (OSTIAFS_S_IFMT | 07777U), uid, gid, &ip);
    if (err != 0)
        goto out;
    if (device) {
        ip->d->rdev_major = rdev_major;
        ip->d->rdev_minor = rdev_minor;
    }
    if (type == OSTIAFS_S_IFDIR)
        err = dir_init(ip, dp->ino);
    if (err == 0)
        err = enter(dp, name, len, ip);
    if (err == 0 && out != NULL)
        *out = ip;
    else
        inode_put(ip);
out:
    volume_end(dp->fs);
    return err;
}

int name_symlink(struct inode *dp, const char *name, size_t len, const char *target,
                 size_t target_len, uint32_t uid, uint32_t gid)
{
    struct inode *ip;
    int err = check_name(dp, name, len);

    if (err == 0 && (target_len == 0 || memchr(target, '\0', target_len) != NULL))
        err = ENOENT;
    if (err == 0 && target_len > OSTIAFS_SYMLINK_MAX)
        err = ENAMETOOLONG;
    if (err == 0)
        err = volume_begin(dp->fs);
    if (err != 0)
        return err;
    err = inode_new(dp->fs, dp->ino, OSTIAFS_S_IFLNK | 0777, uid, gid, &ip);
    if (err != 0)
        goto out;
    ip->d->size = target_len;
    if (target_len <= OSTIAFS_SYMLINK_INLINE)
        memcpy(ip->d->block, target, target_len);
    else
        err = file_set_target(ip, target, target_len);
    if (err == 0)
        err = enter(dp, name, len, ip);
    inode_put(ip);
out:
    volume_end(dp->fs);
    return err;
}

int name_readlink(struct inode *ip, char *target, size_t *len)
{
    if (inode_type(ip) != OSTIAFS_S_IFLNK)
        return EINVAL;
    if (ip->d->size > OSTIAFS_SYMLINK_INLINE)
        return file_read(ip, 0, target, len);
    if (*len > ip->d->size)
        *len = (size_t)ip->d->size;
    memcpy(target, ip->d->block, *len);
    return 0;
}

int name_link(struct inode *dp, const char *name, size_t len, struct inode *ip)
{
    int err = check_name(dp, name, len);

    if (err == 0 && inode_type(ip) == OSTIAFS_S_IFDIR)
        err = EPERM;
    if (err == 0 && ip->d->nlink == 0)
        err = ENOENT; /* open, but without a name: it stays so */
    if (err == 0 && ip->d->nlink == UINT32_MAX)
        err = EMLINK;
    if (err == 0)
        err = volume_begin(dp->fs);
    if (err != 0)
        return err;
    err = dir_insert(dp, name, len, ip->ino, (uint8_t)(ip->d->mode >> 12));
    if (err == 0) {
        ip->d->nlink++;
        inode_touch(ip, TIME_C);
    }
    volume_end(dp->fs);
    return err;
}

/* ip has lost its name in dp. */
static void unlinked(struct inode *dp, struct inode *ip)
{
    if (inode_type(ip) == OSTIAFS_S_IFDIR) {
        ip->d->nlink = 0; /* the name and its own "." */
        if (dp->d->nlink > 0)
            dp->d->nlink--; /* its ".." */
        inode_dirty(dp);
    } else if (ip->d->nlink > 0) {
        ip->d->nlink--;
    }
    inode_touch(ip, TIME_C);
    inode_unnamed(ip);
}

/* May ip be removed, as a directory or as something else? */
static int check_removable(struct inode *ip, bool directory)
{
    bool empty;
    int err;

    if (inode_type(ip) != OSTIAFS_S_IFDIR)
        return directory ? ENOTDIR : 0;
    if (!directory)
        return EISDIR;
    if (ip->ino == OSTIAFS_ROOT_INO)
        return EBUSY;
    err = dir_is_empty(ip, &empty);
    if (err != 0)
        return err;
    return empty ? 0 : ENOTEMPTY;
}

int name_unlink(struct inode *dp, const char *name, size_t len, bool directory)
{
    struct inode *ip;
    int err;

    if (is_dot(name, len))
        return EINVAL;
    if (is_dotdot(name, len))
        return ENOTEMPTY;
    err = volume_begin(dp->fs);
    if (err != 0)
        return err;
    err = name_lookup(dp, name, len, &ip);
    if (err != 0)
        goto out;
    err = check_removable(ip, directory);
    if (err == 0)
        err = dir_remove(dp, name, len);
    if (err == 0)
        unlinked(dp, ip);
    inode_put(ip);
out:
    volume_end(dp->fs);
    return err;
}

/* EINVAL if `inside` is dp or below it. Its way up ends at the root, or is found to be a circle. */
static int check_not_below(struct inode *dp, struct inode *inside)
{
    struct inode *at = inode_ref(inside);
    uint64_t steps = 0;
    int err = 0;

    while (at != dp && at->ino != OSTIAFS_ROOT_INO && err == 0) {
        struct inode *up;

        err = ++steps > volume_inodes(dp->fs)
                  ? volume_damaged(dp->fs, "directories go round in a circle: inode", at->ino)
                  : name_lookup(at, "..", 2, &up);
        if (err == 0) {
            inode_put(at);
            at = up;
        }
    }
    if (err == 0 && at == dp)
        err = EINVAL;
    inode_put(at);
    return err;
}

/* The rename itself: ip moves from `from` to `to`, where old (or NULL) had the new name. */
static int move(struct inode *from, const char *name, size_t len, struct inode *ip,
                struct inode *to, const char *new_name, size_t new_len, struct inode *old)
{
    bool directory = inode_type(ip) == OSTIAFS_S_IFDIR;
    uint8_t type = (uint8_t)(ip->d->mode >> 12);
    int err;

    if (old != NULL)
        err = dir_replace(to, new_name, new_len, ip->ino, type);
    else
        err = dir_insert(to, new_name, new_len, ip->ino, type);
    if (err != 0)
        return err;
    if (directory && from != to)
        err = dir_set_parent(ip, to->ino);
    if (err == 0)
        err = dir_remove(from, name, len);
    if (err != 0) { /* the disk fails: back to how it was, as far as it lets us */
        if (old != NULL)
            (void)dir_replace(to, new_name, new_len, old->ino, (uint8_t)(old->d->mode >> 12));
        else
            (void)dir_remove(to, new_name, new_len);
        return err;
    }
    if (directory && from != to) {
        from->d->nlink--;
        to->d->nlink++;
        inode_dirty(from);
        inode_dirty(to);
    }
    if (old != NULL)
        unlinked(to, old);
    inode_touch(ip, TIME_C);
    return 0;
}

int name_rename(struct inode *from, const char *name, size_t len, struct inode *to,
                const char *new_name, size_t new_len)
{
    struct inode *ip = NULL;
    struct inode *old = NULL;
    int err;

    if (is_dot(name, len) || is_dotdot(name, len) || is_dot(new_name, new_len) ||
        is_dotdot(new_name, new_len))
        return EINVAL;
    err = volume_begin(from->fs);
    if (err != 0)
        return err;
    err = name_lookup(from, name, len, &ip);
    if (err == 0)
        err = check_name(to, new_name, new_len);
    if (err == 0) {
        err = name_lookup(to, new_name, new_len, &old);
        if (err == ENOENT)
            err = 0;
    }
    if (err != 0 || ip == old) /* two names of one file: nothing is done [POSIX] */
        goto out;
    if (old != NULL) {
        bool directory = inode_type(ip) == OSTIAFS_S_IFDIR;

        if (directory && inode_type(old) != OSTIAFS_S_IFDIR)
            err = ENOTDIR;
        else if (!directory && inode_type(old) == OSTIAFS_S_IFDIR)
            err = EISDIR;
        else
            err = check_removable(old, directory);
    }
    if (err == 0 && inode_type(ip) == OSTIAFS_S_IFDIR)
        err = check_not_below(ip, to);
    if (err == 0)
        err = move(from, name, len, ip, to, new_name, new_len, old);
out:
    inode_put(old);
    inode_put(ip);
    volume_end(from->fs);
    return err;
}

int name_setattr(struct inode *ip, const struct attr *a)
{
    int err = volume_begin(ip->fs);

    if (err != 0)
        return err;
    if (a->which & ATTR_MODE)
        ip->d->mode = (uint16_t)((ip->d->mode & OSTIAFS_S_IFMT) | (a->mode & 07777U));
    if (a->which & ATTR_UID)
        ip->d->uid = a->uid;
    if (a->which & ATTR_GID)
        ip->d->gid = a->gid;
    if (a->which & ATTR_ATIME) {
        ip->d->atime = a->atime;
        ip->d->atime_nsec = a->atime_nsec;
    }
    if (a->which & ATTR_MTIME) {
        ip->d->mtime = a->mtime;
        ip->d->mtime_nsec = a->mtime_nsec;
    }
    inode_touch(ip, TIME_C);
    volume_end(ip->fs);
    return 0;
}
