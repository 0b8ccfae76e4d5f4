/*
 * journal.c: the log that changes go to before they go home. Read "the log" in ostiafs.h, and struct
 * buf and struct journal in fs.h, before.
 *
 * Many changes make one transaction (group commit): buffers of metadata that they touch gather in
 * bcache.dirty[BUF_META], until somebody wants to be sure (fsync), or room gets short. A commit then
 *
 *     1. marks blocks that were freed as free: from now on, and no sooner, may they be used again
 *     2. writes contents of files home, and flushes: nothing that is committed points to old bytes
 *     3. writes the blocks of metadata to the log, with checksums, and flushes
 *
 * and after that the transaction cannot be lost. Blocks stay in the cache, "logged", and go home at a
 * checkpoint, when the log is nearly full: all of them, then a flush, then the header, which says that
 * the log is empty, and a flush, before any of its places are written again.
 *
 * Three rules make it right:
 *
 * - A block of metadata never goes home before its transaction is committed (nobody else writes them).
 * - A block freed by the running transaction is not used again before the commit. Else a crash would
 *   give the old file back with the new one's bytes in it.
 * - If the log has a copy of a freed block, the transaction that frees it revokes that: the block may be
 *   contents of a file by the time of a recovery, which does not know.
 *
 * And one makes it end: a change is let in only if the log has room for it and all that was made since
 * the last commit (journal_has_room). So a commit never waits for room.
 */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_BLOCKS 128 /* free blocks that a change finds, if a commit can make them free */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Records for so many blocks. */
static uint32_t records_for(uint32_t count)
{
    return (uint32_t)ostiafs_blocks_for(count, OSTIAFS_LOG_COUNT);
}

static uint32_t bitmap_blocks(const struct fs *fs)
{
    return fs->super->itable_start - fs->super->bbitmap_start;
}

bool journal_has_room(const struct fs *fs)
{
    const struct journal *j = &fs->journal;
    const struct bcache *bc = &fs->cache;
    uint32_t frees = j->freed.count + j->frees_max;
    uint32_t blocks = bc->dirty[BUF_META].count + CHANGE_BLOCKS + smaller(bitmap_blocks(fs), frees);
    uint32_t log = blocks + records_for(blocks) + records_for(j->revoked.count + j->frees_max);

    if (log > j->size - j->used || frees > j->freed.room || frees > j->revoked.room)
        return false;
    if (j->freed.count != 0 && fs->free_blocks - j->freed.count < SPARE_BLOCKS)
        return false;
    /* Metadata that cannot be evicted must not fill the cache; but a small cache is no reason to
     * commit every change by itself. */
    return blocks + bc->logged.count <= bc->limit / 2 || blocks + bc->logged.count <= 3 * CHANGE_BLOCKS;
}

/* Makes room for `more` blocks in a list. */
static int reserve(struct block_list *list, uint32_t more)
{
    uint32_t room = list->count + more;
    uint32_t *p;

    if (room <= list->room)
        return 0;
    if (room < 2 * list->room)
        room = 2 * list->room;
    p = realloc(list->block, room * sizeof list->block[0]);
    if (p == NULL)
        return ENOMEM;
    list->block = p;
    list->room = room;
    return 0;
}

int journal_make_room(struct fs *fs)
{
    struct journal *j = &fs->journal;
    int err = 0;

    /* What only lacks memory, or a retry of a commit that failed, is no reason to empty the log. */
    if (reserve(&j->freed, j->frees_max) != 0 || reserve(&j->revoked, j->frees_max) != 0 ||
        fs->write_failed || !journal_has_room(fs))
        err = volume_commit(fs);
    if (err == 0)
        err = reserve(&j->freed, j->frees_max);
    if (err == 0)
        err = reserve(&j->revoked, j->frees_max);
    if (err == 0 && !journal_has_room(fs))
        err = journal_checkpoint(fs);
    return err;
}

void journal_freed(struct fs *fs, uint32_t block, bool logged)
{
    struct journal *j = &fs->journal;

    j->freed.block[j->freed.count++] = block;
    if (logged)
        j->revoked.block[j->revoked.count++] = block;
}

/* ---- commit ---- */

/* Blocks on their way to the log: they are gathered, so that a request carries several. */
struct out {
    struct fs *fs;
    uint32_t at;    /* place of the next one */
    uint32_t first; /* place of the first that waits in cache.run */
    uint32_t count; /* that wait */
    int err;
};

static void out_write(struct out *o)
{
    if (o->count != 0 && o->err == 0)
        o->err = bdev_write(&o->fs->cache, o->fs->journal.start + 1 + o->first, o->count,
                            o->fs->cache.run);
    o->count = 0;
}

static void out_put(struct out *o, const void *block)
{
    struct journal *j = &o->fs->journal;

    if (o->count == 0)
        o->first = o->at;
    memcpy(o->fs->cache.run + (size_t)o->count++ * OSTIAFS_BLOCK_SIZE, block, OSTIAFS_BLOCK_SIZE);
    if (++o->at == j->size)
        o->at = 0;
    if (o->count == BUF_RUN || o->at == 0)
        out_write(o);
}

/* Starts a record of the transaction. */
static struct ostiafs_log_record *new_record(struct journal *j, uint16_t type, uint32_t count,
                                             bool last)
{
    struct ostiafs_log_record *r = j->record;

    memset(r, 0, sizeof *r);
    r->magic = OSTIAFS_LOG_MAGIC;
    r->type = type;
    r->flags = last ? OSTIAFS_LOG_LAST : 0;
    r->seq = j->seq;
    r->count = count;
    return r;
}

/* Writes the running transaction's records at the head. `sum` goes from record to record, so that a
 * record of an attempt that failed does not fit to those of the next. */
static int write_records(struct fs *fs, uint32_t *places)
{
    struct journal *j = &fs->journal;
    struct out o = {.fs = fs, .at = j->head};
    struct buf *b = fs->cache.dirty[BUF_META].first;
    uint32_t blocks = fs->cache.dirty[BUF_META].count;
    uint64_t sum = 0;

    *places = 0;
    for (uint32_t done = 0; done < j->revoked.count;) {
        uint32_t n = smaller(j->revoked.count - done, OSTIAFS_LOG_COUNT);
        struct ostiafs_log_record *r = new_record(j, OSTIAFS_LOG_REVOKE, n, false);

        memcpy(r->block, j->revoked.block + done, n * sizeof r->block[0]);
        sum = ostiafs_sum(r, sizeof *r, sum);
        r->sum = sum;
        out_put(&o, r);
        done += n;
        *places += 1;
    }
    /* Something was changed, or nothing would be freed: so there is a last record. */
    while (blocks != 0) {
        uint32_t n = smaller(blocks, OSTIAFS_LOG_COUNT);
        struct ostiafs_log_record *r = new_record(j, OSTIAFS_LOG_WRITE, n, n == blocks);
        struct buf *first = b;

        for (uint32_t i = 0; i < n; i++, b = b->link[LINK_DIRTY].next)
            r->block[i] = b->block;
        sum = ostiafs_sum(r, sizeof *r, sum);
        b = first;
        for (uint32_t i = 0; i < n; i++, b = b->link[LINK_DIRTY].next)
            sum = ostiafs_sum(b->data, OSTIAFS_BLOCK_SIZE, sum);
        r->sum = sum;
        out_put(&o, r);
        b = first;
        for (uint32_t i = 0; i < n; i++, b = b->link[LINK_DIRTY].next)
            out_put(&o, b->data);
        blocks -= n;
        *places += n + 1;
    }
    out_write(&o);
    return o.err;
}

/* The bitmaps get what was freed. What cannot be done stays to be done. */
static int apply_frees(struct fs *fs)
{
    struct block_list *freed = &fs->journal.freed;
    int err = 0;

    while (freed->count != 0 && err == 0) {
        err = bfree_now(fs, freed->block[freed->count - 1]);
        if (err == 0)
            freed->count--;
    }
    return err;
}

int journal_commit(struct fs *fs)
{
    struct journal *j = &fs->journal;
    struct bcache *bc = &fs->cache;
    uint32_t places;
    int err = apply_frees(fs);

    if (err == 0)
        err = bcache_write_data(bc);
    if (err == 0)
        err = bdev_flush(bc);
    if (err != 0 || bc->dirty[BUF_META].count == 0)
        return err;
    err = write_records(fs, &places);
    if (err == 0)
        err = bdev_flush(bc);
    if (err != 0)
        return err;
    j->head = (j->head + places) % j->size;
    j->used += places;
    j->seq++;
    j->revoked.count = 0;
    while (bc->dirty[BUF_META].first != NULL)
        buf_logged(bc, bc->dirty[BUF_META].first);
    return 0;
}

/* ---- checkpoint ---- */

/* Says in the header that the log is empty. */
static int write_header(struct fs *fs)
{
    struct journal *j = &fs->journal;
    struct ostiafs_log_header *h = (struct ostiafs_log_header *)j->record;

    memset(j->record, 0, sizeof *j->record);
    h->magic = OSTIAFS_LOG_MAGIC;
    h->tail = j->head + 1;
    h->seq = j->seq;
    h->sum = ostiafs_log_header_sum(h);
    return bdev_write(&fs->cache, j->start, 1, h);
}

int journal_checkpoint(struct fs *fs)
{
    struct bcache *bc = &fs->cache;
    int err = journal_commit(fs);

    if (err != 0 || fs->journal.used == 0)
        return err;
    err = bcache_write_logged(bc);
    if (err == 0)
        err = bdev_flush(bc);
    if (err == 0)
        err = write_header(fs);
    if (err == 0)
        err = bdev_flush(bc);
    if (err == 0)
        fs->journal.used = 0;
    return err;
}

void journal_destroy(struct journal *j)
{
    free(j->freed.block);
    free(j->revoked.block);
    free(j->record);
}
