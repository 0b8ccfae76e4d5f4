/*
 * volume.c: mounting a volume, bringing it to disk, and the door every change goes through.
 *
 * volume_begin and volume_end bracket each change of the tree. What lies between them is what the
 * log (journal.c) makes atomic; and it is where a volume that must not change any more (read-only,
 * damaged, or on a disk that fails) says so, before anything was touched.
 */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Is the superblock one we can work with? NULL, or a sentence. */
static const char *super_complaint(const struct ostiafs_super *s, const struct bdev *dev)
{
    uint64_t at = 1;
    bool ok;

    if (s->magic != OSTIAFS_MAGIC)
        return "the disk holds no Ostia file system (build one with mkfs)";
    if (s->sum != ostiafs_super_sum(s))
        return "the superblock is damaged: wrong checksum (run fsck)";
    if (s->version != OSTIAFS_VERSION || s->block_size != OSTIAFS_BLOCK_SIZE)
        return "the file system is of a version this server does not know";
    if ((s->incompat & ~OSTIAFS_INCOMPAT_KNOWN) != 0)
        return "the file system has features this server does not know";
    if (s->nblocks > dev->nblocks || s->nblocks > OSTIAFS_MAX_BLOCKS)
        return "the file system is larger than the disk (is the image cut short?)";
    ok = s->log_start == at;
    at += s->log_blocks;
    ok = ok && s->ibitmap_start == at;
    at += ostiafs_blocks_for(s->ninodes, OSTIAFS_BITS_PER_BLOCK);
    ok = ok && s->bbitmap_start == at;
    at += ostiafs_blocks_for(s->nblocks, OSTIAFS_BITS_PER_BLOCK);
    ok = ok && s->itable_start == at;
    at += ostiafs_blocks_for(s->ninodes, OSTIAFS_INODES_PER_BLOCK);
    ok = ok && s->data_start == at && at < s->nblocks && s->ninodes > OSTIAFS_ROOT_INO;
    return ok ? NULL : "the superblock is damaged: its areas make no sense (run fsck)";
}

/* The steps of a mount after the cache exists. */
static int mount_steps(struct fs *fs, const char **why)
{
    struct inode *root;
    int err;

    *why = "the disk cannot be read";
    err = buf_read(fs, 0, &fs->super_buf);
    if (err != 0)
        return err;
    fs->super = (struct ostiafs_super *)fs->super_buf->data;
    *why = super_complaint(fs->super, fs->cache.dev);
    if (*why != NULL)
        return EINVAL;
    fs->readonly = fs->cache.dev->readonly ||
                   (fs->super->ro_compat & ~OSTIAFS_RO_COMPAT_KNOWN) != 0;
    *why = "the log cannot be read or emptied, or is damaged (run fsck)";
    err = journal_recover(fs);
    if (err != 0)
        return err;
    *why = super_complaint(fs->super, fs->cache.dev); /* the log may have had a copy of it */
    if (*why != NULL)
        return EINVAL;
    *why = "the bitmaps cannot be read, or are damaged (run fsck)";
    err = balloc_count(fs);
    if (err != 0)
        return err;
    *why = "the root directory is damaged (run fsck)";
    err = inode_get(fs, OSTIAFS_ROOT_INO, &root);
    if (err != 0)
        return err;
    if (inode_type(root) != OSTIAFS_S_IFDIR)
        err = EINVAL;
    inode_put(root);
    if (err == 0 && !fs->readonly) {
        *why = "the list of orphans is damaged (run fsck)";
        err = inode_reclaim_orphans(fs);
    }
    return err;
}

/* Frees everything a mount made. */
static void dismantle(struct fs *fs)
{
    inode_drop_idle(fs);
    free(fs->inodes);
    if (fs->super_buf != NULL)
        buf_put(fs->super_buf);
    journal_destroy(&fs->journal);
    bcache_destroy(&fs->cache);
    free(fs);
}

int volume_mount(struct bdev *dev, uint32_t cache_blocks, void (*now)(int64_t *, uint32_t *),
             void (*say)(const char *, uint32_t), struct fs **out, const char **why)
{
    struct fs *fs = calloc(1, sizeof *fs);
    int err;

    *why = "out of memory";
    if (fs == NULL)
        return ENOMEM;
    fs->now = now;
    fs->say = say;
    err = bcache_init(&fs->cache, dev, cache_blocks);
    if (err != 0) {
        free(fs);
        return err;
    }
    fs->inodes = calloc((size_t)1 << INODE_HASH_BITS, sizeof fs->inodes[0]);
    err = fs->inodes == NULL ? ENOMEM : mount_steps(fs, why);
    if (err != 0) {
        dismantle(fs);
        return err;
    }
    *out = fs;
    return 0;
}

/* What a commit or a checkpoint came to. A volume with a contradiction keeps what it had when that was
 * found: nobody knows what the transaction is worth. */
static int to_disk(struct fs *fs, int (*how)(struct fs *))
{
    int err;

    fs->cache.may_stall = false;
    if (fs->cache.dev->readonly)
        return 0;
    err = fs->damaged ? EIO : how(fs);
    fs->write_failed = err != 0;
    return err;
}

int volume_commit(struct fs *fs)
{
    return to_disk(fs, journal_commit);
}

int volume_sync(struct fs *fs)
{
    int err = to_disk(fs, journal_checkpoint);

    if (err == 0 && fs->doomed != NULL) { /* it could not be freed, and now perhaps can */
        inode_reap(fs);
        err = to_disk(fs, journal_checkpoint);
    }
    return err;
}

int volume_unmount(struct fs *fs)
{
    int err = volume_sync(fs);

    dismantle(fs);
    return err;
}

int volume_begin(struct fs *fs)
{
    fs->cache.may_stall = false; /* what is done halfway cannot be begun again */
    if (fs->readonly)
        return EROFS;
    if (fs->damaged)
        return EIO;
    if (fs->write_failed || !journal_has_room(fs)) {
        int err = journal_make_room(fs);

        if (err != 0)
            return err == ENOMEM ? ENOMEM : EIO;
    }
    fs->changing = true;
    fs->timed = false;
    return 0;
}

void volume_end(struct fs *fs)
{
    fs->changing = false;
    if (fs->doomed != NULL)
        inode_reap(fs);
}

int volume_damaged(struct fs *fs, const char *what, uint32_t number)
{
    if (!fs->damaged)
        fs->say("volume damaged, no more changes are made; run fsck. Found:", 0);
    fs->damaged = true;
    fs->say(what, number);
    return EIO;
}

void volume_super_dirty(struct fs *fs)
{
    fs->super->sum = ostiafs_super_sum(fs->super);
    buf_dirty(fs, fs->super_buf, BUF_META);
}

void volume_counts(const struct fs *fs, uint64_t *blocks, uint64_t *blocks_free, uint64_t *inodes,
                   uint64_t *inodes_free)
{
    *blocks = fs->super->nblocks - fs->super->data_start;
    *blocks_free = fs->free_blocks;
    *inodes = fs->super->ninodes - 1;
    *inodes_free = fs->free_inodes;
}

uint64_t volume_inodes(const struct fs *fs)
{
    return fs->super->ninodes;
}
