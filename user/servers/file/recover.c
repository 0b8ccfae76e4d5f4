/*
 * recover.c: what a mount does with the log. Read "the log" in ostiafs.h and journal.c before.
 *
 * The log is read twice: first to see how far its transactions are whole, and which blocks they revoke;
 * then the blocks go to the cache, each later copy over an earlier one, as "logged". That is the state
 * they had when the power went. From there a checkpoint brings them home; a disk that cannot be
 * written is served from the cache as it is.
 */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct revoke {
    uint64_t seq; /* of the transaction that says it */
    uint32_t block;
};

/* The reading of the log. */
struct scan {
    struct fs *fs;
    uint32_t at;    /* place of the record to be read */
    uint32_t left;  /* places until it would be read again */
    uint64_t seq;   /* of the transaction it should belong to */
    uint64_t sum;   /* of the transaction so far */
    struct revoke *revokes;
    uint32_t count;
    uint32_t room;
};

static void advance(struct scan *s, uint32_t n)
{
    s->at = (s->at + n) % s->fs->journal.size;
    s->left -= n;
}

/* Reads n blocks from the next place on into the run, as many as lie together; *n becomes their
 * number. */
static int read_places(struct scan *s, uint32_t *n)
{
    const struct journal *j = &s->fs->journal;
    int err;

    if (*n > BUF_RUN)
        *n = BUF_RUN;
    if (*n > j->size - s->at)
        *n = j->size - s->at;
    err = bdev_read(&s->fs->cache, j->start + 1 + s->at, *n, s->fs->cache.run);
    advance(s, *n);
    return err;
}

/* Reads the next record; *whole: it is one of transaction s->seq, as far as can be seen by itself. */
static int read_record(struct scan *s, bool *whole)
{
    struct ostiafs_log_record *r = s->fs->journal.record;
    uint32_t one = 1;
    int err;

    *whole = false;
    if (s->left == 0)
        return 0;
    err = read_places(s, &one);
    if (err != 0)
        return err;
    memcpy(r, s->fs->cache.run, sizeof *r);
    *whole = r->magic == OSTIAFS_LOG_MAGIC && r->seq == s->seq && r->count <= OSTIAFS_LOG_COUNT &&
             (r->type == OSTIAFS_LOG_REVOKE ||
              (r->type == OSTIAFS_LOG_WRITE && r->count <= s->left));
    return 0;
}

/* Compares the record's checksum, and moves past the blocks behind it. */
static int check_record(struct scan *s, bool *whole)
{
    struct ostiafs_log_record *r = s->fs->journal.record;
    uint64_t sum = r->sum;

    r->sum = 0;
    s->sum = ostiafs_sum(r, sizeof *r, s->sum);
    r->sum = sum;
    for (uint32_t left = r->type == OSTIAFS_LOG_WRITE ? r->count : 0; left > 0;) {
        uint32_t n = left;
        int err = read_places(s, &n);

        if (err != 0)
            return err;
        for (uint32_t i = 0; i < n; i++)
            s->sum = ostiafs_sum(s->fs->cache.run + (size_t)i * OSTIAFS_BLOCK_SIZE, OSTIAFS_BLOCK_SIZE,
                                 s->sum);
        left -= n;
    }
    *whole = s->sum == sum;
    return 0;
}

static int note_revokes(struct scan *s)
{
    const struct ostiafs_log_record *r = s->fs->journal.record;

    if (s->count + r->count > s->room) {
        uint32_t room = 2 * (s->count + r->count);
        struct revoke *p = realloc(s->revokes, room * sizeof *p);

        if (p == NULL)
            return ENOMEM;
        s->revokes = p;
        s->room = room;
    }
    for (uint32_t i = 0; i < r->count; i++)
        s->revokes[s->count++] = (struct revoke){.seq = s->seq, .block = r->block[i]};
    return 0;
}

/*
 * First reading: *end is the place after the last whole transaction, s->seq becomes the number after its
 * own, and the revocations are noted.
 */
static int find_end(struct scan *s, uint32_t *end)
{
    const struct ostiafs_log_record *r = s->fs->journal.record;
    uint32_t known = 0; /* revocations that a whole transaction says */
    bool whole;
    int err;

    *end = s->at;
    s->sum = 0;
    for (;;) {
        err = read_record(s, &whole);
        if (err == 0 && whole)
            err = check_record(s, &whole);
        if (err == 0 && whole && r->type == OSTIAFS_LOG_REVOKE)
            err = note_revokes(s);
        if (err != 0 || !whole)
            break;
        if (r->flags & OSTIAFS_LOG_LAST) {
            *end = s->at;
            s->seq++;
            s->sum = 0;
            known = s->count;
        }
    }
    s->count = known;
    return err;
}

static int by_block(const void *a, const void *b)
{
    const struct revoke *x = a;
    const struct revoke *y = b;

    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Is there a transaction after s->seq that revokes the block? */
static bool is_revoked(const struct scan *s, uint32_t block)
{
    uint32_t lo = 0; /* the first revocation of a later block */
    uint32_t hi = s->count;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (s->revokes[mid].block <= block)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && s->revokes[lo - 1].block == block && s->revokes[lo - 1].seq > s->seq;
}

/* Second reading, of one record: its blocks go to the cache. */
static int replay_record(struct scan *s)
{
    const struct ostiafs_log_record *r = s->fs->journal.record;
    const struct ostiafs_super *super = s->fs->super;

    for (uint32_t done = 0; done < r->count;) {
        uint32_t n = r->count - done;
        int err = read_places(s, &n);

        for (uint32_t i = 0; i < n && err == 0; i++) {
            uint32_t home = r->block[done + i];
            struct buf *b;

            if (home >= super->nblocks || (home != 0 && home < super->ibitmap_start))
                return EINVAL; /* nobody logs those */
            if (is_revoked(s, home))
                continue;
            err = buf_get(s->fs, home, &b);
            if (err == 0) {
                memcpy(b->data, s->fs->cache.run + (size_t)i * OSTIAFS_BLOCK_SIZE, OSTIAFS_BLOCK_SIZE);
                b->valid = true;
                b->class = BUF_META;
                buf_logged(&s->fs->cache, b);
                buf_put(b);
            }
        }
        if (err != 0)
            return err;
        done += n;
    }
    return 0;
}

/* Second reading, to the end that was found. */
static int replay(struct scan *s, uint64_t end_seq)
{
    const struct ostiafs_log_record *r = s->fs->journal.record;
    bool whole;
    int err = 0;

    while (err == 0 && s->seq != end_seq) {
        err = read_record(s, &whole);
        if (err == 0 && !whole)
            err = EIO; /* it was a moment ago */
        if (err == 0 && r->type == OSTIAFS_LOG_WRITE)
            err = replay_record(s);
        if (r->flags & OSTIAFS_LOG_LAST)
            s->seq++;
    }
    return err;
}

/* The log's areas and header; *tail is the place where it begins. */
static int read_header(struct fs *fs, uint32_t *tail)
{
    struct journal *j = &fs->journal;
    struct ostiafs_log_header h;
    int err;

    j->start = fs->super->log_start;
    if (fs->super->log_blocks < OSTIAFS_LOG_MIN)
        return EINVAL;
    j->size = fs->super->log_blocks - 1;
    j->record = malloc(sizeof *j->record);
    if (j->record == NULL)
        return ENOMEM;
    err = bdev_read(&fs->cache, j->start, 1, j->record);
    if (err != 0)
        return err;
    memcpy(&h, j->record, sizeof h);
    if (h.magic != OSTIAFS_LOG_MAGIC || h.sum != ostiafs_log_header_sum(&h) || h.tail == 0 ||
        h.tail > j->size || h.seq == 0)
        return EINVAL;
    *tail = h.tail - 1;
    j->seq = h.seq;
    return 0;
}

#define FREES_MAX 4096 /* blocks one change may free, if the log lets it */

/* Each block freed may be in another block of the bitmap. */
static uint32_t frees_max(const struct fs *fs)
{
    uint32_t bitmaps = fs->super->itable_start - fs->super->bbitmap_start;
    uint32_t room = fs->journal.size - CHANGE_BLOCKS - 2 * (1 + FREES_MAX / OSTIAFS_LOG_COUNT);

    return bitmaps <= room ? FREES_MAX : room;
}

int journal_recover(struct fs *fs)
{
    struct journal *j = &fs->journal;
    struct scan s = {.fs = fs};
    uint32_t tail = 0;
    uint32_t end;
    int err = read_header(fs, &tail);

    if (err != 0)
        return err;
    s.at = tail;
    s.left = j->size;
    s.seq = j->seq;
    err = find_end(&s, &end);
    if (err == 0 && s.seq != j->seq) {
        uint64_t end_seq = s.seq;

        qsort(s.revokes, s.count, sizeof s.revokes[0], by_block);
        fs->say("recovers from the log; transactions:", (uint32_t)(end_seq - j->seq));
        s.at = tail;
        s.left = j->size;
        s.seq = j->seq;
        err = replay(&s, end_seq);
        j->used = j->size - s.left;
        j->seq = end_seq;
    }
    free(s.revokes);
    j->head = end;
    j->frees_max = frees_max(fs);
    if (err == 0 && !fs->cache.dev->readonly)
        err = journal_checkpoint(fs);
    return err;
}
