/*
 * inode.c: inodes in memory. Read struct inode in fs.h before.
 *
 * An inode in memory is a name for a place in the inode table: it pins the table's buffer and
 * points into it, so there is no second copy that could differ. At most one exists per number.
 * Without references it stays for a while on the idle list, since names are looked up again and
 * again.
 *
 * A file lives while it has a name or somebody has it open. One that has lost its last name while
 * open is an orphan: it is put on a list that starts in the superblock and is freed by the last
 * inode_put, or after a crash by the next mount. So is a file with more blocks than one change may
 * free, when it loses its name: it goes in several changes, and a crash between two finds the rest.
 */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct inode **head(struct fs *fs, uint32_t ino)
{
    return &fs->inodes[ino & ((1U << INODE_HASH_BITS) - 1)];
}

static struct inode *find(struct fs *fs, uint32_t ino)
{
    struct inode *ip = *head(fs, ino);

    while (ip != NULL && ip->ino != ino)
        ip = ip->hash_next;
    return ip;
}

static void idle_remove(struct fs *fs, struct inode *ip)
{
    if (ip->older != NULL)
        ip->older->newer = ip->newer;
    else
        fs->idle_oldest = ip->newer;
    if (ip->newer != NULL)
        ip->newer->older = ip->older;
    else
        fs->idle_newest = ip->older;
    fs->idle_count--;
}

static void idle_append(struct fs *fs, struct inode *ip)
{
    ip->older = fs->idle_newest;
    ip->newer = NULL;
    if (fs->idle_newest != NULL)
        fs->idle_newest->newer = ip;
    else
        fs->idle_oldest = ip;
    fs->idle_newest = ip;
    fs->idle_count++;
}

/* Out of memory with an inode that is in no list but the hash. */
static void destroy(struct inode *ip)
{
    struct inode **p = head(ip->fs, ip->ino);

    while (*p != ip)
        p = &(*p)->hash_next;
    *p = ip->hash_next;
    buf_put(ip->buf);
    free(ip);
}

void inode_drop_idle(struct fs *fs)
{
    while (fs->doomed != NULL) { /* still on the list of orphans, for the next mount */
        struct inode *ip = fs->doomed;

        fs->doomed = ip->newer;
        destroy(ip);
    }
    while (fs->idle_oldest != NULL) {
        struct inode *ip = fs->idle_oldest;

        idle_remove(fs, ip);
        destroy(ip);
    }
}

/* The inode, whatever its mode. */
static int load(struct fs *fs, uint32_t ino, struct inode **out)
{
    struct inode *ip;
    int err;

    if (ino == 0 || ino >= fs->super->ninodes)
        return volume_damaged(fs, "does not exist: inode", ino);
    ip = find(fs, ino);
    if (ip != NULL) {
        if (ip->refs++ == 0)
            idle_remove(fs, ip);
        *out = ip;
        return 0;
    }
    ip = calloc(1, sizeof *ip);
    if (ip == NULL)
        return ENOMEM;
    err = buf_read(fs, fs->super->itable_start + ino / OSTIAFS_INODES_PER_BLOCK, &ip->buf);
    if (err != 0) {
        free(ip);
        return err;
    }
    ip->fs = fs;
    ip->ino = ino;
    ip->refs = 1;
    ip->d = (struct ostiafs_inode *)ip->buf->data + ino % OSTIAFS_INODES_PER_BLOCK;
    ip->hash_next = *head(fs, ino);
    *head(fs, ino) = ip;
    *out = ip;
    return 0;
}

/* Is what a loaded inode says possible? Things later code relies on; fsck checks the rest. */
static bool plausible(const struct inode *ip)
{
    const struct ostiafs_inode *d = ip->d;

    switch (d->mode & OSTIAFS_S_IFMT) {
    case OSTIAFS_S_IFDIR:
        return d->size != 0 && d->size % OSTIAFS_BLOCK_SIZE == 0 &&
               d->size <= OSTIAFS_MAX_FILE_SIZE;
    case OSTIAFS_S_IFLNK:
        return d->size != 0 && d->size <= OSTIAFS_SYMLINK_MAX;
    case OSTIAFS_S_IFREG:
        return d->size <= OSTIAFS_MAX_FILE_SIZE;
    case OSTIAFS_S_IFCHR:
    case OSTIAFS_S_IFBLK:
    case OSTIAFS_S_IFIFO:
    case OSTIAFS_S_IFSOCK:
        return true;
    }
    return false;
}

int inode_get(struct fs *fs, uint32_t ino, struct inode **out)
{
    struct inode *ip = find(fs, ino);
    int err;

    if (ip != NULL && ip->checked) {
        if (ip->refs++ == 0)
            idle_remove(fs, ip);
        *out = ip;
        return 0;
    }
    err = load(fs, ino, &ip);
    if (err != 0)
        return err;
    if (!plausible(ip)) {
        if (--ip->refs == 0)
            destroy(ip);
        return volume_damaged(fs, "is free or damaged: inode", ino);
    }
    ip->checked = true;
    *out = ip;
    return 0;
}

struct inode *inode_ref(struct inode *ip)
{
    ip->refs++;
    return ip;
}

void inode_dirty(struct inode *ip)
{
    buf_dirty(ip->fs, ip->buf, BUF_META);
}

void inode_touch(struct inode *ip, int which)
{
    struct fs *fs = ip->fs;

    if (!fs->timed)
        fs->now(&fs->seconds, &fs->nanoseconds);
    fs->timed = true;
    if (which & TIME_A) {
        ip->d->atime = fs->seconds;
        ip->d->atime_nsec = fs->nanoseconds;
    }
    if (which & TIME_M) {
        ip->d->mtime = fs->seconds;
        ip->d->mtime_nsec = fs->nanoseconds;
    }
    if (which & TIME_C) {
        ip->d->ctime = fs->seconds;
        ip->d->ctime_nsec = fs->nanoseconds;
    }
    inode_dirty(ip);
}

int inode_new(struct fs *fs, uint32_t near, uint32_t mode, uint32_t uid, uint32_t gid,
              struct inode **out)
{
    struct inode *ip;
    uint32_t ino;
    int err = ialloc(fs, near, &ino);

    if (err != 0)
        return err;
    err = load(fs, ino, &ip);
    if (err != 0) {
        ifree(fs, ino);
        return err;
    }
    if (ip->d->mode != 0 || ip->refs != 1) { /* in use after all: its bit must stay set */
        err = volume_damaged(fs, "marked free, but in use: inode", ino);
        inode_put(ip);
        return err;
    }
    *ip->d = (struct ostiafs_inode){
        .mode = (uint16_t)mode,
        .uid = uid,
        .gid = gid,
        .generation = ip->d->generation + 1,
    };
    inode_touch(ip, TIME_A | TIME_M | TIME_C);
    *out = ip;
    return 0;
}

static void orphan_add(struct inode *ip)
{
    struct fs *fs = ip->fs;
    struct inode *next = find(fs, fs->super->orphan_head);

    ip->d->next_orphan = fs->super->orphan_head;
    ip->prev_orphan = 0;
    ip->orphan = true;
    if (next != NULL)
        next->prev_orphan = ip->ino;
    fs->super->orphan_head = ip->ino;
    inode_dirty(ip);
    volume_super_dirty(fs);
}

/* Neighbours on the list are in memory: each orphan is open, that is what makes it one. */
static void orphan_remove(struct inode *ip)
{
    struct fs *fs = ip->fs;
    struct inode *next = find(fs, ip->d->next_orphan);
    struct inode *prev = find(fs, ip->prev_orphan);

    if (next != NULL)
        next->prev_orphan = ip->prev_orphan;
    if (prev != NULL) {
        prev->d->next_orphan = ip->d->next_orphan;
        inode_dirty(prev);
    } else {
        fs->super->orphan_head = ip->d->next_orphan;
        volume_super_dirty(fs);
    }
    ip->d->next_orphan = 0;
    ip->orphan = false;
}

/* May have more blocks than the current change can free. */
static bool is_large(const struct inode *ip)
{
    return ip->d->blocks > ip->fs->journal.frees_max / 2;
}

void inode_unnamed(struct inode *ip)
{
    if (ip->d->nlink == 0 && (ip->refs > 1 || is_large(ip)) && !ip->orphan)
        orphan_add(ip);
}

/* Frees an inode nobody refers to and no name leads to, whose blocks are gone. */
static void release(struct inode *ip)
{
    struct fs *fs = ip->fs;
    uint32_t generation = ip->d->generation;

    if (ip->orphan)
        orphan_remove(ip);
    memset(ip->d, 0, sizeof *ip->d);
    ip->d->generation = generation;
    inode_dirty(ip);
    ifree(fs, ip->ino);
    destroy(ip);
}

/* Frees as many blocks as the current change may. True: none is left. */
static bool free_blocks(struct inode *ip, int *err)
{
    uint64_t reached = 0;

    if (inode_type(ip) == OSTIAFS_S_IFLNK && ip->d->size <= OSTIAFS_SYMLINK_INLINE)
        return true;
    *err = bmap_truncate(ip, 0, &reached);
    if (ip->d->size > reached * OSTIAFS_BLOCK_SIZE)
        ip->d->size = reached * OSTIAFS_BLOCK_SIZE;
    return reached == 0;
}

void inode_reap(struct fs *fs)
{
    int err = 0;

    while (fs->doomed != NULL && err == 0) {
        struct inode *ip = fs->doomed;

        err = volume_begin(fs);
        if (err != 0)
            break;
        if (free_blocks(ip, &err)) {
            fs->doomed = ip->newer;
            release(ip);
        }
        fs->changing = false;
    }
}

/* The last reference to an inode without names is gone. */
static void doom(struct inode *ip)
{
    struct fs *fs = ip->fs;
    int err = 0;

    /* What is in no list must go with the current change, if the disk lets it. */
    if (fs->changing && !ip->orphan) {
        if (!is_large(ip) && free_blocks(ip, &err)) {
            release(ip);
            return;
        }
        orphan_add(ip);
    }
    ip->newer = fs->doomed;
    fs->doomed = ip;
    if (!fs->changing)
        inode_reap(fs);
}

void inode_put(struct inode *ip)
{
    struct fs *fs;

    if (ip == NULL || --ip->refs > 0)
        return;
    fs = ip->fs;
    /* A volume that may not be changed keeps it: it is on the list of orphans. */
    if (ip->d->nlink == 0 && ip->d->mode != 0 && !fs->readonly && !fs->damaged) {
        doom(ip);
        return;
    }
    idle_append(fs, ip);
    if (fs->idle_count > INODES_IDLE) {
        struct inode *victim = fs->idle_oldest;

        idle_remove(fs, victim);
        destroy(victim);
    }
}

int inode_reclaim_orphans(struct fs *fs)
{
    uint32_t count = 0;

    while (fs->super->orphan_head != 0) {
        struct inode *ip;
        int err = inode_get(fs, fs->super->orphan_head, &ip);

        if (err != 0)
            return err;
        if (ip->d->nlink != 0 || ++count > fs->super->ninodes) {
            err = volume_damaged(fs, "orphan list leads to a file with names: inode", ip->ino);
            inode_put(ip);
            return err;
        }
        ip->orphan = true; /* and the first, with no other in memory */
        inode_put(ip);
        if (fs->doomed != NULL)
            return EIO;
    }
    return 0;
}
