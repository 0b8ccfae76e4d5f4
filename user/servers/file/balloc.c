/*
 * balloc.c: free blocks and inodes, as two bitmaps on disk. Read the areas of the volume in
 * ostiafs.h.
 *
 * A search starts at a goal (after the file's last block, in the directory's neighbourhood) and
 * takes the next free bit, 64 at a time; from the end it goes on at the beginning. Bits past the
 * end are 1 on disk, so the search needs no special case for them.
 */
#include "fs.h"

#include <errno.h>
#include <string.h>

#define WORDS (OSTIAFS_BLOCK_SIZE / 8)

/* One of the two bitmaps. */
struct bitmap {
    uint32_t start; /* disk block */
    uint32_t bits;
};

static struct bitmap block_bitmap(const struct fs *fs)
{
    return (struct bitmap){fs->super->bbitmap_start, (uint32_t)fs->super->nblocks};
}

static struct bitmap inode_bitmap(const struct fs *fs)
{
    return (struct bitmap){fs->super->ibitmap_start, fs->super->ninodes};
}

bool block_is_data(const struct fs *fs, uint32_t block)
{
    return block >= fs->super->data_start && block < fs->super->nblocks;
}

/* Number of 0 bits. */
static int count_free(struct fs *fs, struct bitmap map, uint64_t *count)
{
    uint32_t blocks = (uint32_t)ostiafs_blocks_for(map.bits, OSTIAFS_BITS_PER_BLOCK);

    *count = 0;
    for (uint32_t i = 0; i < blocks; i++) {
        struct buf *b;
        int err = buf_read(fs, map.start + i, &b);

        if (err != 0)
            return err;
        const uint64_t *word = (const uint64_t *)b->data;
        for (uint32_t w = 0; w < WORDS; w++)
            *count += 64 - (uint32_t)__builtin_popcountll(word[w]);
        buf_put(b);
    }
    if (*count > map.bits)
        return volume_damaged(fs, "bitmap with free bits past its end, at block", map.start);
    return 0;
}

int balloc_count(struct fs *fs)
{
    uint64_t inodes;
    int err = count_free(fs, block_bitmap(fs), &fs->free_blocks);

    if (err == 0)
        err = count_free(fs, inode_bitmap(fs), &inodes);
    if (err == 0)
        fs->free_inodes = (uint32_t)inodes;
    return err;
}

/* Finds a 0 bit at or after goal, wrapping around once, and sets it. */
static int take_bit(struct fs *fs, struct bitmap map, uint32_t goal, uint32_t *bit)
{
    uint32_t blocks = (uint32_t)ostiafs_blocks_for(map.bits, OSTIAFS_BITS_PER_BLOCK);

    if (goal >= map.bits)
        goal = 0;
    /* The goal's block comes twice: from the goal on, and at the end from its start. */
    for (uint32_t i = 0; i <= blocks; i++) {
        uint32_t at = (goal / OSTIAFS_BITS_PER_BLOCK + i) % blocks;
        uint32_t w = i == 0 ? goal % OSTIAFS_BITS_PER_BLOCK / 64 : 0;
        uint64_t skip = i == 0 ? ((uint64_t)1 << goal % 64) - 1 : 0; /* bits before the goal */
        struct buf *b;
        int err = buf_read(fs, map.start + at, &b);

        if (err != 0)
            return err;
        uint64_t *word = (uint64_t *)b->data;
        for (; w < WORDS; w++, skip = 0) {
            uint64_t taken = word[w] | skip;

            if (taken == UINT64_MAX)
                continue;
            uint32_t n = (uint32_t)__builtin_ctzll(~taken);
            *bit = at * OSTIAFS_BITS_PER_BLOCK + w * 64 + n;
            if (*bit >= map.bits)
                break; /* a damaged bitmap: free bits past the end */
            word[w] |= (uint64_t)1 << n;
            buf_dirty(fs, b, BUF_META);
            buf_put(b);
            return 0;
        }
        buf_put(b);
    }
    return ENOSPC;
}

/* Clears a bit. EIO if the bitmap cannot be read. */
static int clear_bit(struct fs *fs, struct bitmap map, uint32_t bit)
{
    struct buf *b;
    int err = buf_read(fs, map.start + bit / OSTIAFS_BITS_PER_BLOCK, &b);

    if (err != 0)
        return err;
    uint64_t *word = (uint64_t *)b->data + bit % OSTIAFS_BITS_PER_BLOCK / 64;
    uint64_t mask = (uint64_t)1 << bit % 64;
    if (*word & mask) {
        *word &= ~mask;
        buf_dirty(fs, b, BUF_META);
    } else {
        volume_damaged(fs, "freed what is free already: number", bit);
    }
    buf_put(b);
    return 0;
}

int balloc(struct fs *fs, uint32_t goal, uint32_t *block)
{
    int err;

    if (fs->free_blocks == 0)
        return ENOSPC;
    err = take_bit(fs, block_bitmap(fs), block_is_data(fs, goal) ? goal : fs->block_hint, block);
    if (err != 0)
        return err;
    fs->free_blocks--;
    if (!block_is_data(fs, *block))
        return volume_damaged(fs, "bitmap: marked free, but not a data block: block", *block);
    fs->block_hint = *block + 1;
    return 0;
}

void bfree(struct fs *fs, uint32_t block)
{
    journal_freed(fs, block, buf_forget(fs, block));
    fs->free_blocks++;
}

int bfree_now(struct fs *fs, uint32_t block)
{
    return clear_bit(fs, block_bitmap(fs), block);
}

void bgive_back(struct fs *fs, uint32_t block)
{
    buf_forget(fs, block);
    if (bfree_now(fs, block) == 0)
        fs->free_blocks++;
    else
        fs->say("cannot read a bitmap: lost until the next fsck: block", block);
}

int ialloc(struct fs *fs, uint32_t goal, uint32_t *ino)
{
    int err;

    if (fs->free_inodes == 0)
        return ENOSPC;
    err = take_bit(fs, inode_bitmap(fs), goal < fs->inode_hint ? fs->inode_hint : goal, ino);
    if (err != 0)
        return err;
    fs->free_inodes--;
    if (*ino == 0)
        return volume_damaged(fs, "bitmap: marked free, but does not exist: inode", 0);
    fs->inode_hint = *ino + 1;
    return 0;
}

void ifree(struct fs *fs, uint32_t ino)
{
    if (clear_bit(fs, inode_bitmap(fs), ino) == 0)
        fs->free_inodes++;
    else
        fs->say("cannot read a bitmap: lost until the next fsck: inode", ino);
    if (ino < fs->inode_hint)
        fs->inode_hint = ino;
}
