/*
 * bmap.c: from a block of a file to a block of the disk. Read the drawing of an inode in ostiafs.h.
 *
 * A file block's place is a path: an index into inode.block[], then one into each indirect block
 * on the way. path_to computes it; bmap follows it; bmap_buf also makes what is missing on it, all
 * or nothing; bmap_truncate walks the tree from the file's end down to a block and frees it.
 */
#include "fs.h"

#include <errno.h>
#include <string.h>

#define MAX_DEPTH 3 /* indirect blocks on a path */

struct path {
    int depth;                      /* indirect blocks on the way */
    uint32_t index[MAX_DEPTH + 1];  /* [0] in inode.block[], then in each indirect block */
};

/* False if no file has such a block. */
static bool path_to(uint64_t index, struct path *p)
{
    uint64_t span = 1; /* file blocks below one pointer at the depth looked at */

    if (index < OSTIAFS_NDIRECT) {
        p->depth = 0;
        p->index[0] = (uint32_t)index;
        return true;
    }
    index -= OSTIAFS_NDIRECT;
    for (p->depth = 1; p->depth <= MAX_DEPTH; p->depth++) {
        span *= OSTIAFS_NPTR;
        if (index < span)
            break;
        index -= span;
    }
    if (p->depth > MAX_DEPTH)
        return false;
    p->index[0] = (uint32_t)(OSTIAFS_IND1 + p->depth - 1);
    for (int i = 1; i <= p->depth; i++) {
        span /= OSTIAFS_NPTR;
        p->index[i] = (uint32_t)(index / span % OSTIAFS_NPTR);
    }
    return true;
}

/*
 * Follows the path down to the first missing pointer. *level is its depth (0: in the inode,
 * p->depth: the data block's own pointer) and *holder the buffer of the indirect block it is in,
 * referenced (NULL: the inode). *block is the data block if nothing is missing, else 0.
 */
static int follow(struct inode *ip, const struct path *p, int *level, struct buf **holder,
                  uint32_t *block)
{
    struct fs *fs = ip->fs;
    uint32_t at = ip->d->block[p->index[0]];
    struct buf *b = NULL;
    int i = 0;

    while (at != 0) {
        struct buf *next;
        int err =
            block_is_data(fs, at) ? 0 : volume_damaged(fs, "bad block pointer in inode", ip->ino);

        if (err == 0 && i < p->depth)
            err = buf_read(fs, at, &next);
        if (err != 0 || i == p->depth) {
            if (err != 0 && b != NULL)
                buf_put(b);
            if (err != 0)
                return err;
            break;
        }
        if (b != NULL)
            buf_put(b);
        b = next;
        i++;
        at = ((const uint32_t *)b->data)[p->index[i]];
    }
    *level = i;
    *holder = b;
    *block = at;
    return 0;
}

int bmap(struct inode *ip, uint64_t index, uint32_t *block)
{
    struct path p;
    struct buf *holder;
    int level;
    int err;

    if (index < OSTIAFS_NDIRECT) { /* the common case */
        *block = ip->d->block[index];
        if (*block != 0 && !block_is_data(ip->fs, *block))
            return volume_damaged(ip->fs, "bad block pointer in inode", ip->ino);
        return 0;
    }
    if (!path_to(index, &p))
        return EFBIG;
    err = follow(ip, &p, &level, &holder, block);
    if (err == 0 && holder != NULL)
        buf_put(holder);
    return err;
}

/* Where a new block of the file would best be: after the one before it. */
static uint32_t goal_for(struct inode *ip, uint64_t index)
{
    uint32_t before = 0;

    if (index > 0 && bmap(ip, index - 1, &before) == 0 && before != 0)
        return before + 1;
    return 0;
}

int bmap_buf(struct inode *ip, uint64_t index, enum buf_class class, bool whole, struct buf **out)
{
    struct fs *fs = ip->fs;
    uint32_t taken[MAX_DEPTH + 1];
    struct buf *made[MAX_DEPTH + 1];
    struct buf *holder;
    struct path p;
    uint32_t block;
    int missing;
    int level;
    int n = 0;
    int bufs = 0;
    int err;

    if (index < OSTIAFS_NDIRECT && block_is_data(fs, ip->d->block[index])) /* the common case */
        return whole ? buf_get(fs, ip->d->block[index], out) : buf_read(fs, ip->d->block[index], out);
    if (!path_to(index, &p))
        return EFBIG;
    err = follow(ip, &p, &level, &holder, &block);
    if (err != 0)
        return err;
    if (block != 0) {
        err = whole ? buf_get(fs, block, out) : buf_read(fs, block, out);
        if (holder != NULL)
            buf_put(holder);
        return err;
    }

    /* All that is missing is taken first; nothing points to it until that has worked. */
    missing = p.depth - level + 1;
    for (n = 0; n < missing; n++) {
        err = balloc(fs, n ? taken[n - 1] + 1 : goal_for(ip, index), &taken[n]);
        if (err != 0)
            goto undo;
    }
    for (bufs = 0; bufs < missing; bufs++) {
        err = buf_get_zeroed(fs, taken[bufs], bufs < missing - 1 ? BUF_META : class, &made[bufs]);
        if (err != 0)
            goto undo;
    }

    for (int i = 0; i < missing - 1; i++) {
        ((uint32_t *)made[i]->data)[p.index[level + i + 1]] = taken[i + 1];
        buf_put(made[i]);
    }
    if (holder != NULL) {
        ((uint32_t *)holder->data)[p.index[level]] = taken[0];
        buf_dirty(fs, holder, BUF_META);
        buf_put(holder);
    } else {
        ip->d->block[p.index[0]] = taken[0];
    }
    ip->d->blocks += (uint64_t)missing;
    inode_dirty(ip);
    *out = made[missing - 1];
    return 0;

undo:
    while (bufs > 0)
        buf_put(made[--bufs]);
    while (n > 0)
        bgive_back(fs, taken[--n]);
    if (holder != NULL)
        buf_put(holder);
    return err;
}

/* Freeing from a file's end. */
struct cut {
    struct inode *ip;
    uint64_t index;   /* file block down to which all is to go */
    uint32_t budget;  /* blocks that may still be freed */
    uint64_t reached; /* when it stopped: nothing is left from this file block on */
    bool stopped;     /* by the budget, or an error */
    int err;
};

static bool stop(struct cut *c, uint64_t first, int err)
{
    c->stopped = true;
    c->reached = first + 1;
    c->err = err;
    return false;
}

/*
 * Frees what hangs from *pointer, which is at the given depth (0: a data block) and stands for `span`
 * file blocks from `first` on; and the block it points to, if nothing is left below. Returns true if
 * *pointer changed, or what hangs from it.
 */
static bool cut_below(struct cut *c, uint32_t *pointer, int depth, uint64_t first, uint64_t span)
{
    struct fs *fs = c->ip->fs;
    uint64_t below = span / OSTIAFS_NPTR; /* file blocks one pointer in it stands for */
    struct buf *b;

    if (*pointer == 0)
        return false;
    if (!block_is_data(fs, *pointer))
        return stop(c, first, volume_damaged(fs, "bad block pointer in inode", c->ip->ino));
    if (depth > 0) {
        int err = buf_read(fs, *pointer, &b);
        bool changed = false;
        uint64_t i = OSTIAFS_NPTR;

        if (err != 0)
            return stop(c, first + span - 1, err); /* what is below is not known */
        while (i > 0 && first + i * below > c->index && !c->stopped) {
            i--;
            changed |= cut_below(c, (uint32_t *)b->data + i, depth - 1, first + i * below, below);
        }
        if (!c->stopped && first >= c->index && c->budget == 0)
            stop(c, first, 0);
        if (c->stopped || first < c->index) {
            if (changed)
                buf_dirty(fs, b, BUF_META);
            buf_put(b);
            return changed;
        }
        buf_put(b);
    }
    if (c->budget == 0)
        return stop(c, first, 0);
    c->budget--;
    bfree(fs, *pointer);
    *pointer = 0;
    if (c->ip->d->blocks > 0)
        c->ip->d->blocks--;
    return true;
}

int bmap_truncate(struct inode *ip, uint64_t index, uint64_t *reached)
{
    struct cut c = {.ip = ip, .index = index, .budget = ip->fs->journal.frees_max};
    uint64_t start = OSTIAFS_MAX_FILE_BLOCKS;
    uint64_t span = (uint64_t)OSTIAFS_NPTR * OSTIAFS_NPTR * OSTIAFS_NPTR;

    for (int depth = MAX_DEPTH; depth > 0 && !c.stopped; depth--, span /= OSTIAFS_NPTR) {
        start -= span;
        if (index < start + span && ip->d->block[OSTIAFS_IND1 + depth - 1] != 0)
            cut_below(&c, &ip->d->block[OSTIAFS_IND1 + depth - 1], depth, start, span);
    }
    for (uint64_t i = OSTIAFS_NDIRECT; i > index && !c.stopped; i--)
        if (ip->d->block[i - 1] != 0)
            cut_below(&c, &ip->d->block[i - 1], 0, i - 1, 1);
    inode_dirty(ip);
    *reached = c.stopped ? c.reached : index;
    return c.err;
}
