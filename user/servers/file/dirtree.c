/*
 * dirtree.c: the B+-tree below a directory. Read dirtree.h, and the drawing in ostiafs.h, before.
 *
 * On the way down to an insertion every full block is split before it is entered, so its parent
 * always has room for the new half, and a failure half way leaves a good tree. Nothing is ever
 * merged: a directory that becomes empty starts anew (dir.c).
 *
 * Blocks are checked as a whole when they come from the disk (check_block), and trusted from then
 * on.
 */
#include "dirtree.h"

#include <errno.h>
#include <string.h>

/* Bytes between the slots and the heap of a leaf. */
static uint32_t gap(struct buf *b)
{
    const struct ostiafs_dirblk *h = head_of(b);

    return h->heap - (uint32_t)sizeof *h - h->nslots * (uint32_t)sizeof(struct ostiafs_leaf_slot);
}

/* Can everything the rest of this file does with the block be done without leaving it? */
static bool check_block(struct inode *dp, struct buf *b)
{
    const struct ostiafs_dirblk *h = head_of(b);
    uint32_t bytes = 0;

    if (h->magic != OSTIAFS_DIR_MAGIC || h->owner != dp->ino || h->level >= OSTIAFS_DIR_LEVELS)
        return false;
    if (h->level > 0) {
        if (h->nslots == 0 || h->nslots > OSTIAFS_INDEX_SLOTS)
            return false;
        for (uint32_t i = 1; i < h->nslots; i++)
            if (index_key(b, i - 1) >= index_key(b, i))
                return false;
        return true;
    }
    if (h->heap > OSTIAFS_BLOCK_SIZE ||
        sizeof *h + h->nslots * sizeof(struct ostiafs_leaf_slot) > h->heap)
        return false;
    for (uint32_t i = 0; i < h->nslots; i++) {
        uint32_t off = leaf_slots(b)[i].off;
        uint32_t size;

        if (off % 4 != 0 || off < h->heap || off + OSTIAFS_DIRENT_SIZE(0) > OSTIAFS_BLOCK_SIZE)
            return false;
        size = OSTIAFS_DIRENT_SIZE(entry_at(b, i)->namelen);
        if (off + size > OSTIAFS_BLOCK_SIZE || (i > 0 && leaf_key(b, i - 1) >= leaf_key(b, i)))
            return false;
        bytes += size;
    }
    return bytes + h->frag == OSTIAFS_BLOCK_SIZE - h->heap; /* squeezing will fit */
}

/* The buffer of a file block of the directory, checked and referenced. */
int dirtree_get(struct inode *dp, uint32_t index, struct buf **out)
{
    uint32_t block;
    int err;

    if ((uint64_t)index * OSTIAFS_BLOCK_SIZE >= dp->d->size)
        return volume_damaged(dp->fs, "directory tree leads past its end: inode", dp->ino);
    err = bmap(dp, index, &block);
    if (err != 0)
        return err;
    if (block == 0)
        return volume_damaged(dp->fs, "directory with a hole: inode", dp->ino);
    err = buf_read(dp->fs, block, out);
    if (err != 0)
        return err;
    if (!(*out)->checked && !check_block(dp, *out)) {
        buf_put(*out);
        return volume_damaged(dp->fs, "damaged directory: inode", dp->ino);
    }
    (*out)->checked = true;
    return 0;
}

void dirtree_dirty(struct inode *dp, struct buf *b)
{
    buf_dirty(dp->fs, b, BUF_META);
}

/* The last slot of an index whose key is not above `key`. */
static uint32_t index_search(struct buf *b, uint64_t key)
{
    uint32_t lo = 0;
    uint32_t hi = head_of(b)->nslots;

    while (hi - lo > 1) {
        uint32_t mid = (lo + hi) / 2;

        if (index_key(b, mid) <= key)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* The first slot of a leaf whose key is not below `key`; nslots if there is none. */
uint32_t dirleaf_search(struct buf *b, uint64_t key)
{
    uint32_t lo = 0;
    uint32_t hi = head_of(b)->nslots;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (leaf_key(b, mid) < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The leaf for `key`, referenced. */
int dirtree_leaf(struct inode *dp, uint64_t key, struct buf **out)
{
    struct buf *b;
    int err = dirtree_get(dp, ROOT, &b);

    while (err == 0 && head_of(b)->level > 0) {
        uint32_t child = index_slots(b)[index_search(b, key)].child;
        uint8_t level = head_of(b)->level;

        buf_put(b);
        err = dirtree_get(dp, child, &b);
        if (err == 0 && head_of(b)->level != level - 1) {
            buf_put(b);
            err = volume_damaged(dp->fs, "directory tree out of shape: inode", dp->ino);
        }
    }
    if (err == 0)
        *out = b;
    return err;
}

/* Writes the header of an empty block. */
void dirtree_init(struct inode *dp, struct buf *b, int level)
{
    memset(b->data, 0, OSTIAFS_BLOCK_SIZE);
    head_of(b)->magic = OSTIAFS_DIR_MAGIC;
    head_of(b)->owner = dp->ino;
    head_of(b)->level = (uint8_t)level;
    head_of(b)->heap = OSTIAFS_BLOCK_SIZE;
    b->checked = true;
    dirtree_dirty(dp, b);
}

/* Adds a block at the directory's end. The buffer is referenced and empty. */
static int add_block(struct inode *dp, int level, uint32_t *index, struct buf **out)
{
    uint64_t n = dp->d->size / OSTIAFS_BLOCK_SIZE;
    int err;

    if (n >= UINT32_MAX)
        return ENOSPC;
    err = bmap_buf(dp, n, BUF_META, true, out);
    if (err != 0)
        return err;
    dirtree_init(dp, *out, level);
    dp->d->size += OSTIAFS_BLOCK_SIZE;
    inode_dirty(dp);
    *index = (uint32_t)n;
    return 0;
}

/* Moves the records of a leaf together at its end. */
static void squeeze(struct inode *dp, struct buf *b)
{
    uint8_t *copy = dp->fs->scratch;
    uint32_t at = OSTIAFS_BLOCK_SIZE;

    memcpy(copy, b->data, OSTIAFS_BLOCK_SIZE);
    for (uint32_t i = 0; i < head_of(b)->nslots; i++) {
        struct ostiafs_leaf_slot *slot = &leaf_slots(b)[i];
        const struct ostiafs_dirent *d = (const struct ostiafs_dirent *)(copy + slot->off);
        uint32_t size = OSTIAFS_DIRENT_SIZE(d->namelen);

        at -= size;
        memcpy(b->data + at, d, size);
        slot->off = (uint16_t)at;
    }
    head_of(b)->heap = (uint16_t)at;
    head_of(b)->frag = 0;
}

/* Puts a record and its slot into a leaf that has room for it. */
void dirleaf_insert(struct inode *dp, struct buf *b, uint64_t key, const char *name, size_t len,
                        uint32_t ino, uint8_t type)
{
    struct ostiafs_dirblk *h = head_of(b);
    uint32_t size = OSTIAFS_DIRENT_SIZE((uint32_t)len);
    uint32_t at = dirleaf_search(b, key);
    struct ostiafs_leaf_slot *slot = &leaf_slots(b)[at];
    struct ostiafs_dirent *d;

    if (gap(b) < size + sizeof *slot)
        squeeze(dp, b);
    h->heap -= (uint16_t)size;
    d = (struct ostiafs_dirent *)(b->data + h->heap);
    memset(d, 0, size);
    d->ino = ino;
    d->type = type;
    d->namelen = (uint8_t)len;
    memcpy(d->name, name, len);
    memmove(slot + 1, slot, (h->nslots - at) * sizeof *slot);
    slot->hash = (uint32_t)(key >> 16);
    slot->seq = (uint16_t)key;
    slot->off = h->heap;
    h->nslots++;
    dirtree_dirty(dp, b);
}

/* Takes slot `at` out of a leaf; its record becomes a hole. */
void dirleaf_delete(struct inode *dp, struct buf *b, uint32_t at)
{
    struct ostiafs_dirblk *h = head_of(b);
    struct ostiafs_leaf_slot *slot = &leaf_slots(b)[at];

    h->frag += (uint16_t)OSTIAFS_DIRENT_SIZE(entry_at(b, at)->namelen);
    memmove(slot, slot + 1, (h->nslots - at - 1U) * sizeof *slot);
    if (--h->nslots == 0) {
        h->heap = OSTIAFS_BLOCK_SIZE;
        h->frag = 0;
    }
    dirtree_dirty(dp, b);
}

/* Room for one more entry of any length (leaf) or one more slot (index)? */
static bool has_room(struct buf *b, size_t len)
{
    if (head_of(b)->level > 0)
        return head_of(b)->nslots < OSTIAFS_INDEX_SLOTS;
    return gap(b) + head_of(b)->frag >=
           OSTIAFS_DIRENT_SIZE((uint32_t)len) + sizeof(struct ostiafs_leaf_slot);
}

/* Moves the upper half of a full leaf, by bytes, to an empty one to its right. */
static void split_leaf(struct inode *dp, struct buf *left, struct buf *right, uint32_t right_index)
{
    uint32_t half = OSTIAFS_DIR_SPACE / 2;
    uint32_t bytes = 0;
    uint32_t at = 0;
    uint32_t n = head_of(left)->nslots;

    while (at < n - 1 && bytes < half)
        bytes += OSTIAFS_DIRENT_SIZE(entry_at(left, at++)->namelen) +
                 (uint32_t)sizeof(struct ostiafs_leaf_slot);
    for (uint32_t i = at; i < n; i++) {
        const struct ostiafs_dirent *d = entry_at(left, i);

        dirleaf_insert(dp, right, leaf_key(left, i), d->name, d->namelen, d->ino, d->type);
    }
    head_of(left)->nslots = (uint16_t)at;
    squeeze(dp, left);
    head_of(right)->next = head_of(left)->next;
    head_of(left)->next = right_index;
    dirtree_dirty(dp, left);
}

static void split_index(struct inode *dp, struct buf *left, struct buf *right)
{
    uint32_t n = head_of(left)->nslots;
    uint32_t at = n / 2;

    memcpy(index_slots(right), &index_slots(left)[at],
           (n - at) * sizeof(struct ostiafs_index_slot));
    head_of(right)->nslots = (uint16_t)(n - at);
    head_of(left)->nslots = (uint16_t)at;
    dirtree_dirty(dp, left);
}

/* Splits the full child in slot `at` of a parent that has room. */
static int split_child(struct inode *dp, struct buf *parent, uint32_t at, struct buf *child)
{
    struct ostiafs_index_slot *slot = &index_slots(parent)[at + 1];
    struct buf *right;
    uint32_t index;
    uint64_t key;
    int err = add_block(dp, head_of(child)->level, &index, &right);

    if (err != 0)
        return err;
    if (head_of(child)->level > 0) {
        split_index(dp, child, right);
        key = index_key(right, 0);
    } else {
        split_leaf(dp, child, right, index);
        key = leaf_key(right, 0);
    }
    memmove(slot + 1, slot, (head_of(parent)->nslots - at - 1U) * sizeof *slot);
    *slot = (struct ostiafs_index_slot){
        .hash = (uint32_t)(key >> 16), .seq = (uint16_t)key, .child = index};
    head_of(parent)->nslots++;
    dirtree_dirty(dp, parent);
    buf_put(right);
    return 0;
}

/* Moves what the root holds to a new block below it: the tree becomes a level higher. */
static int raise_root(struct inode *dp, struct buf *root)
{
    struct ostiafs_dirblk *h = head_of(root);
    struct buf *below;
    uint32_t index;
    int err;

    if (h->level + 1 >= OSTIAFS_DIR_LEVELS)
        return ENOSPC;
    err = add_block(dp, h->level, &index, &below);
    if (err != 0)
        return err;
    memcpy(below->data, root->data, OSTIAFS_BLOCK_SIZE);
    head_of(below)->parent = 0;
    head_of(below)->nentries = 0;
    memset(root->data + sizeof *h, 0, OSTIAFS_DIR_SPACE);
    h->level++;
    h->nslots = 1;
    h->heap = OSTIAFS_BLOCK_SIZE;
    h->frag = 0;
    h->next = 0;
    index_slots(root)[0].child = index;
    dirtree_dirty(dp, root);
    buf_put(below);
    return 0;
}

/* The leaf for `key`, with room for a name of len bytes: full blocks on the way are split. */
int dirtree_leaf_with_room(struct inode *dp, uint64_t key, size_t len, struct buf **out)
{
    struct buf *b;
    int err = dirtree_get(dp, ROOT, &b);

    if (err == 0 && !has_room(b, len)) {
        err = raise_root(dp, b);
        if (err != 0)
            buf_put(b);
    }
    while (err == 0 && head_of(b)->level > 0) {
        uint32_t at = index_search(b, key);
        struct buf *child;

        err = dirtree_get(dp, index_slots(b)[at].child, &child);
        if (err == 0 && head_of(child)->level != head_of(b)->level - 1) {
            buf_put(child);
            err = volume_damaged(dp->fs, "directory tree out of shape: inode", dp->ino);
        }
        if (err == 0 && !has_room(child, len)) {
            err = split_child(dp, b, at, child);
            buf_put(child);
            if (err == 0)
                continue; /* look again which half it is */
        } else if (err == 0) {
            buf_put(b);
            b = child;
            continue;
        }
        buf_put(b);
    }
    if (err == 0)
        *out = b;
    return err;
}
