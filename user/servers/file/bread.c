/*
 * bread.c: blocks from the disk into buffers, with or without waiting. Read struct bread in fs.h before.
 */
#include "fs.h"

#include <errno.h>
#include <string.h>

/* May a block be left to arrive later? */
static bool can_stall(const struct bcache *bc)
{
    return bc->may_stall && bc->ready != NULL && bc->ready();
}

/* Asks for blocks without waiting. Their buffers are there, and stay until the blocks have arrived. */
static bool ask(struct fs *fs, uint32_t block, uint32_t count)
{
    struct bcache *bc = &fs->cache;
    struct buf *b[BREAD_MAX];
    struct bread *r = NULL;
    uint32_t n = 0;

    if (block >= bc->dev->nblocks || count > bc->dev->nblocks - block)
        return false;
    while (n < count && buf_get(fs, block + n, &b[n]) == 0)
        n++;
    if (n == count)
        r = bc->later(bc->dev, block, count);
    if (r == NULL) {
        while (n > 0)
            buf_put(b[--n]);
        return false;
    }
    bc->reads++;
    while (n > 0)
        b[--n]->reading = r;
    return true;
}

void bread_arrived(struct fs *fs, struct bread *r, const uint8_t *data, int err)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct buf *b = buf_find(&fs->cache, r->block + i);

        if (b->reading != r)
            continue; /* freed meanwhile, and perhaps in use again */
        b->reading = NULL;
        if (b->valid)
            continue; /* a change has waited for it, or written all of it */
        if (err == 0) {
            memcpy(b->data, data + (size_t)i * OSTIAFS_BLOCK_SIZE, OSTIAFS_BLOCK_SIZE);
            b->valid = true;
        } else if (r->count == 1) { /* of several, each is asked for by itself */
            b->error = (uint8_t)err;
        }
    }
}

void bread_done(struct fs *fs, struct bread *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct buf *b = buf_find(&fs->cache, r->block + i);

        b->error = 0; /* who comes later may have more luck */
        buf_put(b);
    }
}

/* Gets the contents of a referenced buffer, or asks for them. */
static int fetch(struct fs *fs, struct buf *b)
{
    struct bcache *bc = &fs->cache;
    int err;

    if (bc->may_stall && b->error != 0)
        return b->error;
    if (can_stall(bc) && (b->reading != NULL || ask(fs, b->block, 1))) {
        bc->stalled = b->reading;
        return FS_STALLED;
    }
    err = bdev_read(bc, b->block, 1, b->data);
    if (err == 0)
        b->valid = true;
    return err;
}

int buf_read(struct fs *fs, uint32_t block, struct buf **out)
{
    struct buf *b;
    int err = buf_get(fs, block, &b);

    if (err == 0 && !b->valid) {
        err = fetch(fs, b);
        if (err != 0)
            buf_put(b);
    }
    if (err == 0)
        *out = b;
    return err;
}

void buf_prefetch(struct fs *fs, uint32_t block, uint32_t count)
{
    struct bcache *bc = &fs->cache;
    uint32_t n = 0;

    while (n < count && n < BUF_RUN && buf_find(bc, block + n) == NULL)
        n++;
    if (n < 2)
        return;
    if (can_stall(bc)) {
        for (uint32_t i = 0, some; i < n; i += some) {
            some = n - i < BREAD_MAX ? n - i : BREAD_MAX;
            if (!ask(fs, block + i, some))
                break;
        }
        return;
    }
    if (bdev_read(bc, block, n, bc->run) != 0)
        return;
    for (uint32_t i = 0; i < n; i++) {
        struct buf *b;

        if (buf_get(fs, block + i, &b) != 0)
            return;
        if (!b->valid) {
            memcpy(b->data, bc->run + (size_t)i * OSTIAFS_BLOCK_SIZE, OSTIAFS_BLOCK_SIZE);
            b->valid = true;
        }
        buf_put(b);
    }
}
