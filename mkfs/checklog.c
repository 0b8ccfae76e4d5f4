/*
 * checklog.c: fsck's look at the log, and its recovery. Read "the log" in ostiafs.h.
 *
 * What a crash left in the log belongs to the file system, so it is put in its places in fsck's own
 * copy of the image before anything else is checked; with -r in the image, too. It is written without a
 * look at the file server's recovery: two that agree are worth more than one that is shared.
 */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The block of the log `n` places after the one at `at`. */
static uint32_t log_block(const struct check *c, uint32_t at, uint32_t n)
{
    uint32_t ring = c->super->log_blocks - 1;

    return c->super->log_start + 1 + (at - 1 + n) % ring;
}

/*
 * If a whole transaction `seq` begins at `at`: the number of its blocks, records included; else 0.
 * `left` are the blocks of the ring that may belong to it.
 */
static uint32_t whole(const struct check *c, uint32_t at, uint64_t seq, uint32_t left)
{
    uint32_t n = 0;
    uint64_t sum = 0;

    while (n < left) {
        const struct ostiafs_log_record *r = check_block(c, log_block(c, at, n));
        struct ostiafs_log_record copy;

        if (r->magic != OSTIAFS_LOG_MAGIC || r->seq != seq || r->count > OSTIAFS_LOG_COUNT ||
            (r->type != OSTIAFS_LOG_WRITE && r->type != OSTIAFS_LOG_REVOKE))
            return 0;
        copy = *r;
        copy.sum = 0;
        sum = ostiafs_sum(&copy, sizeof copy, sum);
        n++;
        for (uint32_t i = 0; r->type == OSTIAFS_LOG_WRITE && i < r->count; i++, n++) {
            if (n >= left)
                return 0;
            sum = ostiafs_sum(check_block(c, log_block(c, at, n)), OSTIAFS_BLOCK_SIZE, sum);
        }
        if (sum != r->sum)
            return 0;
        if (r->flags & OSTIAFS_LOG_LAST)
            return n;
    }
    return 0;
}

/* What recovery knows of a block of the volume. */
struct fate {
    uint64_t revoked; /* by which transaction, last; 0: none */
    bool replayed;
};

/* Goes over the records of `n` blocks from `at` on: notes what they revoke, or (replay) copies to their
 * homes what is not revoked. False: a record names a block that no log may hold. */
static bool go_over(struct check *c, uint32_t at, uint32_t n, struct fate *fate, bool replay)
{
    for (uint32_t i = 0; i < n;) {
        const struct ostiafs_log_record *r = check_block(c, log_block(c, at, i++));

        for (uint32_t k = 0; k < r->count; k++) {
            uint32_t home = r->block[k];

            if (home >= c->super->nblocks || (home != 0 && home < c->super->ibitmap_start)) {
                complain(c, "log: transaction %llu is about block %u, which cannot be",
                         (unsigned long long)r->seq, home);
                return false;
            }
            if (r->type == OSTIAFS_LOG_REVOKE) {
                fate[home].revoked = r->seq;
                continue;
            }
            if (replay && fate[home].revoked <= r->seq) {
                memcpy(c->image + (size_t)home * OSTIAFS_BLOCK_SIZE,
                       check_block(c, log_block(c, at, i)), OSTIAFS_BLOCK_SIZE);
                fate[home].replayed = true;
            }
            i++;
        }
    }
    return true;
}

static bool write_block(const struct check *c, int fd, uint32_t block)
{
    return pwrite(fd, check_block(c, block), OSTIAFS_BLOCK_SIZE,
                  (off_t)block * OSTIAFS_BLOCK_SIZE) == OSTIAFS_BLOCK_SIZE;
}

/* Brings what was replayed to the image: first that, then a header that says the log is empty. */
static bool repair(struct check *c, int fd, const struct fate *fate, uint32_t tail, uint64_t seq)
{
    struct ostiafs_log_header *h =
        (struct ostiafs_log_header *)(c->image + (size_t)c->super->log_start * OSTIAFS_BLOCK_SIZE);

    for (uint32_t b = 0; b < c->super->nblocks; b++)
        if (fate[b].replayed && !write_block(c, fd, b))
            return false;
    if (fsync(fd) != 0)
        return false;
    h->tail = tail;
    h->seq = seq;
    h->sum = ostiafs_log_header_sum(h);
    return write_block(c, fd, c->super->log_start) && fsync(fd) == 0;
}

bool check_log(struct check *c, int repair_fd)
{
    const struct ostiafs_log_header *h = check_block(c, c->super->log_start);
    uint32_t ring = c->super->log_blocks - 1;
    uint32_t used = 0;
    uint64_t seq = h->seq;
    struct fate *fate;
    uint32_t n;
    bool ok = true;

    if (h->magic != OSTIAFS_LOG_MAGIC || h->sum != ostiafs_log_header_sum(h) || h->tail == 0 ||
        h->tail > ring || h->seq == 0) {
        complain(c, "log: its header is damaged");
        return true;
    }
    for (size_t i = sizeof *h; i < OSTIAFS_BLOCK_SIZE; i++)
        if (((const uint8_t *)h)[i] != 0) {
            complain(c, "log: reserved bytes of its header are not zero");
            break;
        }
    while ((n = whole(c, (h->tail - 1 + used) % ring + 1, seq, ring - used)) != 0) {
        used += n;
        seq++;
    }
    if (used == 0)
        return true;
    fate = calloc(c->super->nblocks, sizeof fate[0]);
    if (fate == NULL)
        return false;
    ok = go_over(c, h->tail, used, fate, false) && go_over(c, h->tail, used, fate, true);
    if (ok && repair_fd >= 0) {
        c->recovered = seq - h->seq;
        if (!repair(c, repair_fd, fate, (h->tail - 1 + used) % ring + 1, seq))
            complain(c, "log: recovery failed: %s", strerror(errno));
    } else if (ok) {
        complain(c, "log: transaction %llu has not been recovered, nor have %llu after it; mount the "
                 "volume, or recover with fsck -r. The rest is checked as it will be then",
                 (unsigned long long)h->seq, (unsigned long long)(seq - h->seq - 1));
    }
    free(fate);
    return true;
}
