/*
 * dir.c: directories: names to inode numbers. Read the drawing in ostiafs.h, and dirtree.h, before.
 *
 * Finding a name: hash it, go down to the leaf of the key (hash, 0), and look at the run of
 * entries with that hash, which may go on in the next leaf. Adding: the key is the hash and the
 * lowest sequence number free in that run. Removing: the entry goes, blocks stay, until the
 * directory is empty and shrinks back to one block.
 */
#include "dirtree.h"

#include <errno.h>
#include <string.h>

/* A place among the entries, in key order. b is referenced; NULL past the last entry. */
struct cursor {
    struct buf *b;
    uint32_t slot;
    uint64_t leaves; /* visited: a chain that goes round in a circle is found out */
};

/* If the cursor is past its leaf's last slot, moves it to the next leaf that has one. */
static int settle(struct inode *dp, struct cursor *c)
{
    while (c->slot >= head_of(c->b)->nslots) {
        uint32_t next = head_of(c->b)->next;
        int err;

        buf_put(c->b);
        c->b = NULL;
        c->slot = 0;
        if (next == 0)
            return 0;
        if (++c->leaves > dp->d->size / OSTIAFS_BLOCK_SIZE)
            return volume_damaged(dp->fs, "directory leaves go round in a circle: inode", dp->ino);
        err = dirtree_get(dp, next, &c->b);
        if (err == 0 && head_of(c->b)->level != 0) {
            buf_put(c->b);
            err = volume_damaged(dp->fs, "directory tree out of shape: inode", dp->ino);
        }
        if (err != 0) {
            c->b = NULL;
            return err;
        }
    }
    return 0;
}

/* Sets the cursor to the first entry whose key is not below `key`. */
static int seek(struct inode *dp, uint64_t key, struct cursor *c)
{
    int err = dirtree_leaf(dp, key, &c->b);

    c->leaves = 0;
    if (err != 0) {
        c->b = NULL;
        return err;
    }
    c->slot = dirleaf_search(c->b, key);
    return settle(dp, c);
}

static int advance(struct inode *dp, struct cursor *c)
{
    c->slot++;
    return settle(dp, c);
}

/*
 * Finds a name of that hash. 0: the cursor is at it (put its buffer). ENOENT: *seq is the lowest
 * sequence number free for it. In any other case than 0 the cursor holds nothing.
 */
static int find_name(struct inode *dp, const char *name, size_t len, uint32_t hash,
                     struct cursor *c, uint32_t *seq)
{
    int err = seek(dp, OSTIAFS_KEY(hash, 0), c);

    *seq = 0;
    while (err == 0 && c->b != NULL && leaf_slots(c->b)[c->slot].hash == hash) {
        const struct ostiafs_dirent *d = entry_at(c->b, c->slot);

        if (d->namelen == len && memcmp(d->name, name, len) == 0)
            return 0;
        if (leaf_slots(c->b)[c->slot].seq == *seq)
            ++*seq;
        err = advance(dp, c);
    }
    if (err == 0 && c->b != NULL)
        buf_put(c->b);
    c->b = NULL;
    return err != 0 ? err : ENOENT;
}

static uint32_t hash_of(const struct inode *dp, const char *name, size_t len)
{
    return ostiafs_hash(dp->fs->super->hash_seed, name, len);
}

int dir_lookup(struct inode *dp, const char *name, size_t len, uint32_t *ino)
{
    uint32_t hash = hash_of(dp, name, len);
    const struct cached_name *known = names_find(dp, name, len, hash);
    struct cursor c;
    uint32_t seq;
    int err;

    if (known != NULL) {
        *ino = known->ino;
        return *ino != 0 ? 0 : ENOENT;
    }
    err = find_name(dp, name, len, hash, &c, &seq);
    if (err == ENOENT)
        names_keep(dp, name, len, hash, 0);
    if (err != 0)
        return err;
    *ino = entry_at(c.b, c.slot)->ino;
    names_keep(dp, name, len, hash, *ino);
    buf_put(c.b);
    return 0;
}

int dir_init(struct inode *dp, uint32_t parent)
{
    struct buf *b;
    int err = bmap_buf(dp, ROOT, BUF_META, true, &b);

    if (err != 0)
        return err;
    dirtree_init(dp, b, 0);
    head_of(b)->parent = parent;
    dp->d->size = OSTIAFS_BLOCK_SIZE;
    inode_dirty(dp);
    buf_put(b);
    return 0;
}

int dir_insert(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type)
{
    uint32_t hash = hash_of(dp, name, len);
    struct cursor c;
    struct buf *leaf;
    struct buf *root;
    uint32_t seq;
    int err = find_name(dp, name, len, hash, &c, &seq);

    if (err == 0) {
        buf_put(c.b);
        return EEXIST;
    }
    if (err != ENOENT)
        return err;
    if (seq > UINT16_MAX)
        return ENOSPC; /* 65,536 names of one hash */
    err = dirtree_get(dp, ROOT, &root);
    if (err != 0)
        return err;
    err = dirtree_leaf_with_room(dp, OSTIAFS_KEY(hash, seq), len, &leaf);
    if (err == 0) {
        dirleaf_insert(dp, leaf, OSTIAFS_KEY(hash, seq), name, len, ino, type);
        names_keep(dp, name, len, hash, ino);
        buf_put(leaf);
        head_of(root)->nentries++;
        dirtree_dirty(dp, root);
        inode_touch(dp, TIME_M | TIME_C);
    }
    buf_put(root);
    return err;
}

/* A directory has become empty: it starts anew with one block, if one change may free the others, and
 * they can be freed; else it stays as large as it is. */
static void shrink(struct inode *dp, struct buf *root)
{
    uint32_t parent = head_of(root)->parent;
    uint64_t reached;
    uint32_t block;

    if (dp->d->blocks > dp->fs->journal.frees_max / 2)
        return;
    /* What can fail is to read an indirect block: so they are all read before. */
    for (uint64_t i = dp->d->size / OSTIAFS_BLOCK_SIZE; i > 0; i -= i < OSTIAFS_NPTR ? i : OSTIAFS_NPTR)
        if (bmap(dp, i - 1, &block) != 0)
            return;
    if (bmap_truncate(dp, 1, &reached) != 0) {
        volume_damaged(dp->fs, "an empty directory cannot be freed: inode", dp->ino);
        return;
    }
    dirtree_init(dp, root, 0);
    head_of(root)->parent = parent;
    dp->d->size = OSTIAFS_BLOCK_SIZE;
    inode_dirty(dp);
}

int dir_remove(struct inode *dp, const char *name, size_t len)
{
    uint32_t hash = hash_of(dp, name, len);
    struct cursor c;
    struct buf *root;
    uint32_t seq;
    int err = dirtree_get(dp, ROOT, &root);

    if (err != 0)
        return err;
    err = find_name(dp, name, len, hash, &c, &seq);
    if (err != 0) {
        buf_put(root);
        return err;
    }
    names_keep(dp, name, len, hash, 0);
    dirleaf_delete(dp, c.b, c.slot);
    buf_put(c.b);
    if (head_of(root)->nentries > 0)
        head_of(root)->nentries--;
    dirtree_dirty(dp, root);
    if (head_of(root)->nentries == 0 && dp->d->size > OSTIAFS_BLOCK_SIZE)
        shrink(dp, root);
    buf_put(root);
    inode_touch(dp, TIME_M | TIME_C);
    return 0;
}

int dir_replace(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type)
{
    uint32_t hash = hash_of(dp, name, len);
    struct cursor c;
    uint32_t seq;
    int err = find_name(dp, name, len, hash, &c, &seq);

    if (err != 0)
        return err;
    names_keep(dp, name, len, hash, ino);
    entry_at(c.b, c.slot)->ino = ino;
    entry_at(c.b, c.slot)->type = type;
    dirtree_dirty(dp, c.b);
    buf_put(c.b);
    inode_touch(dp, TIME_M | TIME_C);
    return 0;
}

int dir_parent(struct inode *dp, uint32_t *ino)
{
    struct buf *root;
    int err = dirtree_get(dp, ROOT, &root);

    if (err != 0)
        return err;
    *ino = head_of(root)->parent;
    buf_put(root);
    return 0;
}

int dir_set_parent(struct inode *dp, uint32_t ino)
{
    struct buf *root;
    int err = dirtree_get(dp, ROOT, &root);

    if (err != 0)
        return err;
    head_of(root)->parent = ino;
    dirtree_dirty(dp, root);
    buf_put(root);
    return 0;
}

int dir_is_empty(struct inode *dp, bool *empty)
{
    struct buf *root;
    int err = dirtree_get(dp, ROOT, &root);

    if (err != 0)
        return err;
    *empty = head_of(root)->nentries == 0;
    buf_put(root);
    return 0;
}

/* Positions: 0 is ".", 1 is "..", and n + 2 is the first entry whose key is not below n. */
#define POSITION_DOTDOT 1
#define POSITION_NAMES  2

int dir_read(struct inode *dp, uint64_t *position, dir_emit_t emit, void *arg)
{
    const uint8_t type = OSTIAFS_S_IFDIR >> 12;
    struct cursor c;
    uint32_t parent;
    int err = dir_parent(dp, &parent);

    if (err != 0)
        return err;
    if (*position == 0) {
        if (!emit(arg, ".", 1, dp->ino, type, POSITION_DOTDOT))
            return 0;
        *position = POSITION_DOTDOT;
    }
    if (*position == POSITION_DOTDOT) {
        if (!emit(arg, "..", 2, parent, type, POSITION_NAMES))
            return 0;
        *position = POSITION_NAMES;
    }
    if (*position - POSITION_NAMES > OSTIAFS_KEY(UINT32_MAX, UINT16_MAX))
        return 0;
    err = seek(dp, *position - POSITION_NAMES, &c);
    while (err == 0 && c.b != NULL) {
        const struct ostiafs_dirent *d = entry_at(c.b, c.slot);
        uint64_t next = leaf_key(c.b, c.slot) + 1 + POSITION_NAMES;

        if (!emit(arg, d->name, d->namelen, d->ino, d->type, next)) {
            buf_put(c.b);
            return 0;
        }
        *position = next;
        err = advance(dp, &c);
    }
    return err;
}
