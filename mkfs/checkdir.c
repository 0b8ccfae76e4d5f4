/*
 * checkdir.c: fsck's look at one directory. Read the drawing of directories in ostiafs.h.
 *
 * The tree is walked from its root in file block 0 with the range of keys each block may hold. That
 * finds blocks out of order; a mark per block finds a block reached twice (so the walk ends even if
 * the tree is tied in a knot) or never. Leaves must be chained in the order in which the walk
 * meets them.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

struct dirwalk {
    uint32_t ino;
    uint32_t nblocks;
    uint8_t *seen;      /* by file block */
    uint32_t next_leaf; /* what the last leaf met says is to its right */
    bool any_leaf;
    uint64_t entries;
    uint64_t last_key; /* + 1; keys must grow */
    uint32_t run_hash; /* names of the current hash, to find one twice */
    const struct ostiafs_dirent **run;
    uint32_t run_count;
    uint32_t run_room;
};

/* A name as text that can be printed. */
static const char *show(const struct ostiafs_dirent *d)
{
    static char text[OSTIAFS_NAME_MAX + 1];

    for (uint32_t i = 0; i < d->namelen; i++)
        text[i] = d->name[i] >= ' ' && d->name[i] < 127 ? d->name[i] : '?';
    text[d->namelen] = '\0';
    return text;
}

static void check_name(struct check *c, struct dirwalk *w, const struct ostiafs_dirent *d,
                       const struct ostiafs_leaf_slot *slot)
{
    bool dots = (d->namelen == 1 && d->name[0] == '.') ||
                (d->namelen == 2 && d->name[0] == '.' && d->name[1] == '.');

    if (d->namelen == 0 || dots || memchr(d->name, '/', d->namelen) != NULL ||
        memchr(d->name, '\0', d->namelen) != NULL)
        complain(c, "directory %u: \"%s\" is not a name", w->ino, show(d));
    if (ostiafs_hash(c->super->hash_seed, d->name, d->namelen) != slot->hash)
        complain(c, "directory %u: \"%s\" is filed under the wrong hash", w->ino, show(d));

    if (slot->hash != w->run_hash)
        w->run_count = 0;
    w->run_hash = slot->hash;
    for (uint32_t i = 0; i < w->run_count; i++)
        if (w->run[i]->namelen == d->namelen && memcmp(w->run[i]->name, d->name, d->namelen) == 0)
            complain(c, "directory %u: \"%s\" is in it twice", w->ino, show(d));
    if (w->run_count == w->run_room) {
        uint32_t room = w->run_room ? w->run_room * 2 : 16;
        void *grown = realloc(w->run, room * sizeof w->run[0]);

        if (grown == NULL)
            return; /* one check less */
        w->run = grown;
        w->run_room = room;
    }
    w->run[w->run_count++] = d;
}

/* The inode an entry names. */
static void check_target(struct check *c, struct dirwalk *w, const struct ostiafs_dirent *d)
{
    const struct ostiafs_inode *ip;
    struct known *k;

    if (d->ino == 0 || d->ino >= c->super->ninodes) {
        complain(c, "directory %u: \"%s\" names inode %u, which does not exist", w->ino, show(d),
                 d->ino);
        return;
    }
    ip = check_inode(c, d->ino);
    k = &c->known[d->ino];
    if (!k->used) {
        complain(c, "directory %u: \"%s\" names inode %u, which is free", w->ino, show(d), d->ino);
        return;
    }
    if (d->type != ip->mode >> 12)
        complain(c, "directory %u: \"%s\" says type %o, but inode %u is of type %o", w->ino,
                 show(d), d->type, d->ino, ip->mode >> 12);
    k->links++;
    if ((ip->mode & OSTIAFS_S_IFMT) != OSTIAFS_S_IFDIR)
        return;
    c->known[w->ino].subdirs++;
    if (d->ino == OSTIAFS_ROOT_INO)
        complain(c, "directory %u: \"%s\" names the root directory", w->ino, show(d));
    else if (k->parent != 0)
        complain(c, "directory %u: is in directory %u and, as \"%s\", in %u", d->ino, k->parent,
                 show(d), w->ino);
    else
        k->parent = w->ino;
}

static void check_leaf(struct check *c, struct dirwalk *w, const struct ostiafs_dirblk *b,
                       uint32_t index, uint64_t from, uint64_t to)
{
    const struct ostiafs_leaf_slot *slot = (const struct ostiafs_leaf_slot *)(b + 1);
    uint8_t taken[OSTIAFS_BLOCK_SIZE / 4] = {0}; /* by unit of 4 bytes */
    uint32_t record_bytes = 0;

    if (w->any_leaf && w->next_leaf != index)
        complain(c, "directory %u: the leaf before file block %u says %u comes after it", w->ino,
                 index, w->next_leaf);
    w->any_leaf = true;
    w->next_leaf = b->next;
    if (sizeof *b + b->nslots * sizeof *slot > b->heap || b->heap > OSTIAFS_BLOCK_SIZE ||
        b->heap % 4 != 0) {
        complain(c, "directory %u: leaf %u: %u slots and records from %u on do not fit", w->ino,
                 index, b->nslots, b->heap);
        return;
    }
    for (uint32_t i = 0; i < b->nslots; i++) {
        uint64_t key = OSTIAFS_KEY(slot[i].hash, slot[i].seq);
        const struct ostiafs_dirent *d;
        uint32_t size;
        bool overlap = false;

        if (key < from || key >= to || key < w->last_key)
            complain(c, "directory %u: leaf %u: slot %u is out of order", w->ino, index, i);
        w->last_key = key + 1;
        d = (const struct ostiafs_dirent *)((const uint8_t *)b + slot[i].off);
        if (slot[i].off % 4 != 0 || slot[i].off < b->heap || slot[i].off > OSTIAFS_BLOCK_SIZE - 8 ||
            slot[i].off + OSTIAFS_DIRENT_SIZE(d->namelen) > OSTIAFS_BLOCK_SIZE) {
            complain(c, "directory %u: leaf %u: slot %u: its record, at %u, is not in the heap",
                     w->ino, index, i, slot[i].off);
            continue;
        }
        size = OSTIAFS_DIRENT_SIZE(d->namelen);
        for (uint32_t unit = slot[i].off / 4; unit < (slot[i].off + size) / 4; unit++) {
            overlap = overlap || taken[unit];
            taken[unit] = 1;
        }
        if (overlap)
            complain(c, "directory %u: leaf %u: slot %u: its record lies over another one", w->ino,
                     index, i);
        record_bytes += size;
        w->entries++;
        check_name(c, w, d, &slot[i]);
        check_target(c, w, d);
    }
    if (OSTIAFS_BLOCK_SIZE - b->heap - record_bytes != b->frag)
        complain(c, "directory %u: leaf %u: %u bytes lie idle among its records, not %u", w->ino,
                 index, OSTIAFS_BLOCK_SIZE - b->heap - record_bytes, b->frag);
}

/* Checks file block `index`, which should be of `level` (-1: any) with keys in [from, to). */
static void check_node(struct check *c, struct dirwalk *w, uint32_t index, int level, uint64_t from,
                       uint64_t to)
{
    const struct ostiafs_inode *ip = check_inode(c, w->ino);
    const struct ostiafs_dirblk *b;
    const struct ostiafs_index_slot *slot;

    if (index >= w->nblocks) {
        complain(c, "directory %u: its tree leads to file block %u, past its end", w->ino, index);
        return;
    }
    if (w->seen[index]) {
        complain(c, "directory %u: its tree leads to file block %u twice", w->ino, index);
        return;
    }
    w->seen[index] = 1;
    b = check_block(c, check_bmap(c, ip, index));
    if (b->magic != OSTIAFS_DIR_MAGIC || b->owner != w->ino) {
        complain(c, "directory %u: file block %u is not a block of this directory", w->ino, index);
        return;
    }
    if (b->level >= OSTIAFS_DIR_LEVELS || (level >= 0 && b->level != level)) {
        complain(c, "directory %u: file block %u has level %u in the tree", w->ino, index,
                 b->level);
        return;
    }
    if (index != 0 && (b->parent != 0 || b->nentries != 0))
        complain(c, "directory %u: file block %u claims to be a root", w->ino, index);
    if (b->level == 0) {
        check_leaf(c, w, b, index, from, to);
        return;
    }
    if (b->nslots == 0 || b->nslots > OSTIAFS_INDEX_SLOTS || b->heap != OSTIAFS_BLOCK_SIZE ||
        b->frag != 0 || b->next != 0) {
        complain(c, "directory %u: index %u: its header makes no sense (%u slots)", w->ino, index,
                 b->nslots);
        return;
    }
    slot = (const struct ostiafs_index_slot *)(b + 1);
    for (uint32_t i = 0; i < b->nslots; i++) {
        uint64_t low = OSTIAFS_KEY(slot[i].hash, slot[i].seq);
        uint64_t high = to;

        if (i + 1U < b->nslots)
            high = OSTIAFS_KEY(slot[i + 1].hash, slot[i + 1].seq);
        if ((i == 0 && low != from) || low < from || low >= high || high > to)
            complain(c, "directory %u: index %u: slot %u is out of order", w->ino, index, i);
        check_node(c, w, slot[i].child, b->level - 1, low, high);
    }
}

void check_dir(struct check *c, uint32_t ino)
{
    const struct ostiafs_inode *ip = check_inode(c, ino);
    struct dirwalk w = {.ino = ino};
    const struct ostiafs_dirblk *root;

    if (ip->size == 0 || ip->size % OSTIAFS_BLOCK_SIZE != 0 ||
        ip->size / OSTIAFS_BLOCK_SIZE > c->super->nblocks) {
        complain(c, "directory %u: %llu bytes is no size for a directory", ino,
                 (unsigned long long)ip->size);
        return;
    }
    w.nblocks = (uint32_t)(ip->size / OSTIAFS_BLOCK_SIZE);
    w.seen = calloc(w.nblocks, 1);
    if (w.seen == NULL) {
        complain(c, "directory %u: not checked, out of memory", ino);
        return;
    }
    check_node(c, &w, 0, -1, 0, (uint64_t)1 << 48);
    if (w.next_leaf != 0)
        complain(c, "directory %u: its last leaf says file block %u comes after it", ino,
                 w.next_leaf);
    for (uint32_t i = 0; i < w.nblocks; i++)
        if (!w.seen[i])
            complain(c, "directory %u: file block %u is not in its tree", ino, i);
    root = check_block(c, check_bmap(c, ip, 0));
    if (root->nentries != w.entries)
        complain(c, "directory %u: says it has %u entries, but has %llu", ino, root->nentries,
                 (unsigned long long)w.entries);
    free(w.run);
    free(w.seen);
}
