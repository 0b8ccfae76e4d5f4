/*
 * bcache.c: blocks of the disk in memory. Read struct buf in fs.h before.
 *
 * A buffer is found by its block number, and kept until its memory is wanted for another block, the
 * least recently used first. Writes go to the cache only (write-back): volume_sync, or a cache
 * full of dirty blocks, brings them to disk, by class, so that a pointer is never on disk before
 * what it points to. That keeps a crash from exposing garbage; making a whole operation atomic is
 * the log's business.
 *
 * The only waits of the core are here, in disk_read and disk_write.
 */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_FACTOR 0x9e3779b1U /* 2^32 over the golden ratio [Knuth, vol. 3, 6.4] */

static uint32_t hash(const struct bcache *bc, uint32_t block)
{
    return block * HASH_FACTOR >> (32 - bc->hash_bits);
}

int bcache_init(struct bcache *bc, struct bdev *dev, uint32_t limit)
{
    memset(bc, 0, sizeof *bc);
    bc->dev = dev;
    bc->limit = limit;
    bc->hash_bits = 6;
    while (1U << bc->hash_bits < limit && bc->hash_bits < 20)
        bc->hash_bits++;
    bc->hash = calloc((size_t)1 << bc->hash_bits, sizeof bc->hash[0]);
    bc->run = malloc((size_t)BUF_RUN * OSTIAFS_BLOCK_SIZE);
    if (bc->hash == NULL || bc->run == NULL) {
        bcache_destroy(bc);
        return ENOMEM;
    }
    return 0;
}

static void lru_remove(struct bcache *bc, struct buf *b)
{
    if (b->older != NULL)
        b->older->newer = b->newer;
    else
        bc->oldest = b->newer;
    if (b->newer != NULL)
        b->newer->older = b->older;
    else
        bc->newest = b->older;
}

static void lru_append(struct bcache *bc, struct buf *b)
{
    b->older = bc->newest;
    b->newer = NULL;
    if (bc->newest != NULL)
        bc->newest->newer = b;
    else
        bc->oldest = b;
    bc->newest = b;
}

static void hash_remove(struct bcache *bc, struct buf *b)
{
    struct buf **p = &bc->hash[hash(bc, b->block)];

    while (*p != b)
        p = &(*p)->hash_next;
    *p = b->hash_next;
}

static void hash_insert(struct bcache *bc, struct buf *b)
{
    struct buf **p = &bc->hash[hash(bc, b->block)];

    b->hash_next = *p;
    *p = b;
}

static struct buf *find(struct bcache *bc, uint32_t block)
{
    struct buf *b = bc->hash[hash(bc, block)];

    while (b != NULL && b->block != block)
        b = b->hash_next;
    return b;
}

static void clean(struct bcache *bc, struct buf *b)
{
    if (b->dirty)
        bc->dirty--;
    b->dirty = false;
}

void bcache_destroy(struct bcache *bc)
{
    while (bc->oldest != NULL) {
        struct buf *b = bc->oldest;

        lru_remove(bc, b);
        free(b->data);
        free(b);
    }
    free(bc->hash);
    free(bc->run);
    memset(bc, 0, sizeof *bc);
}

/* The oldest buffer that nobody uses and that is not dirty. */
static struct buf *find_victim(struct bcache *bc)
{
    for (struct buf *b = bc->oldest; b != NULL; b = b->newer)
        if (b->refs == 0 && !b->dirty)
            return b;
    return NULL;
}

/*
 * A buffer with memory, in no list: a victim's if the cache is full, else a new one. If all is
 * dirty, all is written; if that fails, or everything is in use, the cache grows over its limit,
 * for a change that has begun must be able to end (volume_begin lets no new one in after a failed
 * write).
 */
static struct buf *take_buffer(struct fs *fs)
{
    struct bcache *bc = &fs->cache;
    struct buf *b = NULL;

    if (bc->count >= bc->limit) {
        b = find_victim(bc);
        if (b == NULL && bc->dirty != 0 && !fs->write_failed) {
            fs->write_failed = bcache_sync(bc) != 0;
            b = find_victim(bc);
        }
    }
    if (b == NULL) {
        b = calloc(1, sizeof *b);
        if (b != NULL)
            b->data = malloc(OSTIAFS_BLOCK_SIZE);
        if (b != NULL && b->data != NULL) {
            bc->count++;
            return b;
        }
        free(b);
        b = find_victim(bc);
        if (b == NULL)
            return NULL;
    }
    hash_remove(bc, b);
    lru_remove(bc, b);
    return b;
}

int buf_get(struct fs *fs, uint32_t block, struct buf **out)
{
    struct bcache *bc = &fs->cache;
    struct buf *b = find(bc, block);

    if (b != NULL) {
        bc->hits++;
        if (b != bc->newest) {
            lru_remove(bc, b);
            lru_append(bc, b);
        }
    } else {
        b = take_buffer(fs);
        if (b == NULL)
            return ENOMEM;
        b->block = block;
        b->refs = 0;
        b->class = BUF_DATA;
        b->valid = false;
        b->checked = false;
        hash_insert(bc, b);
        lru_append(bc, b);
    }
    b->refs++;
    *out = b;
    return 0;
}

/* Waits for the disk. */
static int disk_read(struct bcache *bc, uint32_t block, uint32_t count, void *data)
{
    bc->reads++;
    if (block >= bc->dev->nblocks || count > bc->dev->nblocks - block)
        return EIO;
    return bc->dev->read(bc->dev, block, count, data);
}

/* Waits for the disk. */
static int disk_write(struct bcache *bc, uint32_t block, uint32_t count, const void *data)
{
    bc->writes++;
    if (bc->dev->readonly)
        return EROFS;
    return bc->dev->write(bc->dev, block, count, data);
}

int buf_read(struct fs *fs, uint32_t block, struct buf **out)
{
    struct buf *b;
    int err = buf_get(fs, block, &b);

    if (err == 0 && !b->valid) {
        err = disk_read(&fs->cache, block, 1, b->data);
        if (err != 0)
            buf_put(b);
        else
            b->valid = true;
    }
    if (err == 0)
        *out = b;
    return err;
}

int buf_get_zeroed(struct fs *fs, uint32_t block, enum buf_class class, struct buf **out)
{
    int err = buf_get(fs, block, out);

    if (err == 0) {
        memset((*out)->data, 0, OSTIAFS_BLOCK_SIZE);
        (*out)->checked = false;
        buf_dirty(fs, *out, class);
    }
    return err;
}

void buf_put(struct buf *b)
{
    b->refs--;
}

void buf_dirty(struct fs *fs, struct buf *b, enum buf_class class)
{
    b->class = (uint8_t)class;
    b->valid = true;
    if (!b->dirty)
        fs->cache.dirty++;
    b->dirty = true;
}

void buf_forget(struct fs *fs, uint32_t block)
{
    struct buf *b = find(&fs->cache, block);

    if (b != NULL) {
        clean(&fs->cache, b);
        b->valid = false;
        b->checked = false;
    }
}

void buf_prefetch(struct fs *fs, uint32_t block, uint32_t count)
{
    struct bcache *bc = &fs->cache;
    uint32_t n = 0;

    while (n < count && n < BUF_RUN && find(bc, block + n) == NULL)
        n++;
    if (n < 2 || disk_read(bc, block, n, bc->run) != 0)
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

static int by_block(const void *a, const void *b)
{
    const struct buf *x = *(struct buf *const *)a;
    const struct buf *y = *(struct buf *const *)b;

    return x->block < y->block ? -1 : x->block > y->block;
}

/* Writes n buffers, sorted by block, neighbours together. */
static int write_sorted(struct bcache *bc, struct buf **list, uint32_t n)
{
    int first_error = 0;

    for (uint32_t i = 0, run; i < n; i += run) {
        const void *data = list[i]->data;
        int err;

        for (run = 1; run < BUF_RUN && i + run < n; run++)
            if (list[i + run]->block != list[i]->block + run)
                break;
        for (uint32_t j = 0; run > 1 && j < run; j++) {
            memcpy(bc->run + (size_t)j * OSTIAFS_BLOCK_SIZE, list[i + j]->data, OSTIAFS_BLOCK_SIZE);
            data = bc->run;
        }
        err = disk_write(bc, list[i]->block, run, data);
        for (uint32_t j = 0; err == 0 && j < run; j++)
            clean(bc, list[i + j]);
        if (first_error == 0)
            first_error = err;
    }
    return first_error;
}

int bcache_sync(struct bcache *bc)
{
    struct buf *few[BUF_RUN]; /* enough to go on with when memory is short */
    uint32_t room = bc->dirty;
    struct buf **list = few;
    int err = 0;

    if (bc->dirty == 0)
        return 0;
    if (room > BUF_RUN)
        list = malloc(room * sizeof list[0]);
    if (list == NULL || list == few) {
        list = few;
        room = BUF_RUN;
    }
    for (int class = 0; class < BUF_CLASSES && err == 0; class++) {
        uint32_t n;
        bool any = false;

        do {
            n = 0;
            for (struct buf *b = bc->oldest; b != NULL && n < room; b = b->newer)
                if (b->dirty && b->class == class)
                    list[n++] = b;
            qsort(list, n, sizeof list[0], by_block);
            err = write_sorted(bc, list, n);
            any = any || n != 0;
        } while (n == room && err == 0);
        if (any && err == 0)
            err = bc->dev->flush(bc->dev);
    }
    if (list != few)
        free(list);
    return err;
}
