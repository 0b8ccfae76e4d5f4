/* inode.c: inodes in memory, which is all they ever are. Read fs.h before. */
#include "server.h"

#include <errno.h>
#include <mach/mach.h>
#include <stdlib.h>

/* tree_free and dir_free: what the last reference leaves to file.c and dir.c. */
#include "parts.h"

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

int inode_get(struct fs *fs, uint32_t ino, struct inode **out)
{
    struct inode *ip = find(fs, ino);

    if (ip == NULL)
        return volume_damaged(fs, "does not exist: inode", ino);
    *out = inode_ref(ip);
    return 0;
}

struct inode *inode_ref(struct inode *ip)
{
    ip->refs++;
    return ip;
}

void inode_put(struct inode *ip)
{
    struct inode **p;

    if (ip == NULL || --ip->refs > 0 || ip->d->nlink > 0)
        return;
    p = head(ip->fs, ip->ino);
    while (*p != ip)
        p = &(*p)->hash_next;
    *p = ip->hash_next;
    if (inode_type(ip) == OSTIAFS_S_IFDIR)
        dir_free(ip);
    else
        tree_free(ip);
    free(ip);
}

void inode_touch(struct inode *ip, int which)
{
    int64_t seconds;
    uint32_t nanoseconds;

    clock_now(&seconds, &nanoseconds);
    if (which & TIME_A) {
        ip->d->atime = seconds;
        ip->d->atime_nsec = nanoseconds;
    }
    if (which & TIME_M) {
        ip->d->mtime = seconds;
        ip->d->mtime_nsec = nanoseconds;
    }
    if (which & TIME_C) {
        ip->d->ctime = seconds;
        ip->d->ctime_nsec = nanoseconds;
    }
}

/* A number that nobody has; they begin anew when there were 2^32. */
static uint32_t new_number(struct fs *fs)
{
    do
        fs->next_ino++;
    while (fs->next_ino == 0 || find(fs, fs->next_ino) != NULL);
    return fs->next_ino;
}

int inode_new(struct fs *fs, uint32_t near, uint32_t mode, uint32_t uid, uint32_t gid, struct inode **out)
{
    struct inode *ip = calloc(1, sizeof *ip);

    (void)near;
    if (ip == NULL)
        return ENOMEM;
    ip->fs = fs;
    ip->ino = new_number(fs);
    ip->refs = 1;
    ip->d = &ip->attributes;
    ip->d->mode = (uint16_t)mode;
    ip->d->uid = uid;
    ip->d->gid = gid;
    inode_touch(ip, TIME_A | TIME_M | TIME_C);
    ip->hash_next = *head(fs, ip->ino);
    *head(fs, ip->ino) = ip;
    *out = ip;
    return 0;
}

int volume_create(struct fs *fs, uint64_t pages)
{
    struct inode *root;
    int err;

    fs->pages_max = pages;
    fs->names_max = pages;
    fs->next_ino = OSTIAFS_ROOT_INO - 1;
    err = inode_new(fs, 0, OSTIAFS_S_IFDIR | MODE_STICKY | 0777, SUPERUSER, 0, &root);
    if (err == 0) {
        root->d->nlink = 2; /* and so it stays */
        err = dir_init(root, OSTIAFS_ROOT_INO);
        inode_put(root);
    }
    return err;
}

int volume_damaged(struct fs *fs, const char *what, uint32_t number)
{
    fs->say(what, number);
    return EIO;
}

void volume_counts(const struct fs *fs, uint64_t *blocks, uint64_t *blocks_free, uint64_t *inodes,
                   uint64_t *inodes_free)
{
    *blocks = fs->pages_max;
    *blocks_free = fs->pages_max - fs->pages;
    *inodes = fs->names_max;
    *inodes_free = fs->names_max - fs->names;
}

uint64_t volume_inodes(const struct fs *fs)
{
    return fs->names_max + 1;
}
