/*
 * bcache.c: blocks of the disk in memory. Read struct buf in fs.h before.
 *
 * A buffer is found by its block number, and kept until its memory is wanted for another block, the
 * least recently used first. Writes go to the cache only (write-back). Contents of files may go home
 * whenever that suits: bcache_write_data, at a commit or when all buffers are dirty. Metadata goes
 * home by way of the log, and only the journal (journal.c) says when; until then it stays here.
 *
 * The only waits of the core are here, in bdev_read, bdev_write and bdev_flush. How blocks come here is
 * bread.c's.
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

struct buf *buf_find(struct bcache *bc, uint32_t block)
{
    struct buf *b = bc->hash[hash(bc, block)];

    while (b != NULL && b->block != block)
        b = b->hash_next;
    return b;
}

void buf_list_add(struct buf_list *list, struct buf *b, enum buf_link_kind kind)
{
    struct buf_link *link = &b->link[kind];

    link->prev = NULL;
    link->next = list->first;
    if (list->first != NULL)
        list->first->link[kind].prev = b;
    list->first = b;
    list->count++;
}

void buf_list_remove(struct buf_list *list, struct buf *b, enum buf_link_kind kind)
{
    struct buf_link *link = &b->link[kind];

    if (link->prev != NULL)
        link->prev->link[kind].next = link->next;
    else
        list->first = link->next;
    if (link->next != NULL)
        link->next->link[kind].prev = link->prev;
    list->count--;
}

static void clean(struct bcache *bc, struct buf *b)
{
    if (b->dirty)
        buf_list_remove(&bc->dirty[b->class], b, LINK_DIRTY);
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

/* The oldest buffer that nobody uses and that the disk has at its home, too. */
static struct buf *find_victim(struct bcache *bc)
{
    for (struct buf *b = bc->oldest; b != NULL; b = b->newer)
        if (b->refs == 0 && !b->dirty && !b->logged)
            return b;
    return NULL;
}

/*
 * A buffer with memory, in no list: a victim's if the cache is full, else a new one. If there is
 * none, contents of files are written; if that fails, or everything is in use, the cache grows over
 * its limit, for a change that has begun must be able to end (volume_begin lets no new one in after
 * a failed write, and sees to it that metadata does not fill the cache).
 */
static struct buf *take_buffer(struct fs *fs)
{
    struct bcache *bc = &fs->cache;
    struct buf *b = NULL;

    if (bc->count >= bc->limit) {
        b = find_victim(bc);
        if (b == NULL && bc->dirty[BUF_DATA].count != 0 && !fs->write_failed) {
            fs->write_failed = bcache_write_data(bc) != 0;
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
    struct buf *b = buf_find(bc, block);

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
        b->reading = NULL;
        b->error = 0;
        hash_insert(bc, b);
        lru_append(bc, b);
    }
    b->refs++;
    *out = b;
    return 0;
}

/* Waits for the disk. */
int bdev_read(struct bcache *bc, uint32_t block, uint32_t count, void *data)
{
    bc->reads++;
    if (block >= bc->dev->nblocks || count > bc->dev->nblocks - block)
        return EIO;
    return bc->dev->read(bc->dev, block, count, data);
}

/* Waits for the disk. */
int bdev_write(struct bcache *bc, uint32_t block, uint32_t count, const void *data)
{
    bc->writes++;
    if (bc->dev->readonly)
        return EROFS;
    bc->unflushed = true;
    return bc->dev->write(bc->dev, block, count, data);
}

/* Waits for the disk. */
int bdev_flush(struct bcache *bc)
{
    int err = bc->unflushed ? bc->dev->flush(bc->dev) : 0;

    if (err == 0)
        bc->unflushed = false;
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
    if (b->dirty && b->class == class)
        return;
    clean(&fs->cache, b);
    b->class = (uint8_t)class;
    b->valid = true;
    b->dirty = true;
    buf_list_add(&fs->cache.dirty[class], b, LINK_DIRTY);
}

void buf_logged(struct bcache *bc, struct buf *b)
{
    clean(bc, b);
    if (!b->logged)
        buf_list_add(&bc->logged, b, LINK_LOGGED);
    b->logged = true;
}

void buf_home(struct bcache *bc, struct buf *b)
{
    if (b->logged)
        buf_list_remove(&bc->logged, b, LINK_LOGGED);
    b->logged = false;
}

bool buf_forget(struct fs *fs, uint32_t block)
{
    struct buf *b = buf_find(&fs->cache, block);
    bool logged = b != NULL && b->logged;

    if (b != NULL) {
        clean(&fs->cache, b);
        buf_home(&fs->cache, b);
        b->valid = false;
        b->checked = false;
        b->reading = NULL; /* what comes now is old */
    }
    return logged;
}

static int by_block(const void *a, const void *b)
{
    const struct buf *x = *(struct buf *const *)a;
    const struct buf *y = *(struct buf *const *)b;

    return x->block < y->block ? -1 : x->block > y->block;
}

/* Writes n buffers, sorted by block, neighbours together; marks those as written. */
static int write_sorted(struct bcache *bc, struct buf **list, uint32_t n,
                        void (*written)(struct bcache *, struct buf *))
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
        err = bdev_write(bc, list[i]->block, run, data);
        for (uint32_t j = 0; err == 0 && j < run; j++)
            written(bc, list[i + j]);
        if (first_error == 0)
            first_error = err;
    }
    return first_error;
}

/* Writes all buffers of a list home; `written` takes each off it. */
static int write_list(struct bcache *bc, struct buf_list *from, enum buf_link_kind kind,
                      void (*written)(struct bcache *, struct buf *))
{
    struct buf *few[BUF_RUN]; /* enough to go on with when memory is short */
    uint32_t room = from->count;
    struct buf **list = room > BUF_RUN ? malloc(room * sizeof list[0]) : NULL;
    int err = 0;

    if (list == NULL) {
        list = few;
        room = BUF_RUN;
    }
    while (from->count != 0 && err == 0) {
        uint32_t n = 0;

        for (struct buf *b = from->first; b != NULL && n < room; b = b->link[kind].next)
            list[n++] = b;
        qsort(list, n, sizeof list[0], by_block);
        err = write_sorted(bc, list, n, written);
    }
    if (list != few)
        free(list);
    return err;
}

int bcache_write_data(struct bcache *bc)
{
    return write_list(bc, &bc->dirty[BUF_DATA], LINK_DIRTY, clean);
}

int bcache_write_logged(struct bcache *bc)
{
    return write_list(bc, &bc->logged, LINK_LOGGED, buf_home);
}
