/*
 * checkmap.c: fsck's look at the blocks of one file. Read the drawing of an inode in ostiafs.h.
 *
 * Every pointer must lead into the data area, to a block nobody else has; a block must not lie past
 * the end of the file; and their number must be the one the inode tells.
 */
#include "check.h"

/* Blocks one pointer stands for, by the levels of indirect blocks below it. */
static const uint64_t span[] = {
    1,
    OSTIAFS_NPTR,
    (uint64_t)OSTIAFS_NPTR *OSTIAFS_NPTR,
    (uint64_t)OSTIAFS_NPTR *OSTIAFS_NPTR *OSTIAFS_NPTR,
};

struct walk {
    uint32_t ino;
    uint64_t end;     /* file blocks the size allows */
    uint64_t blocks;  /* found */
    uint64_t data;    /* of them, data */
    bool past_end;    /* said already */
    bool bad;
};

/* Takes the pointer `block`, at depth `level` (0: data), that stands for file blocks from `first`.
 * */
static void walk_pointer(struct check *c, struct walk *w, uint32_t block, int level, uint64_t first)
{
    const uint32_t *p;

    if (block == 0)
        return;
    if (block < c->super->data_start || block >= c->super->nblocks) {
        complain(c,
                 "inode %u: file block %llu: pointer to block %u, which is outside the data area",
                 w->ino, (unsigned long long)first, block);
        w->bad = true;
        return;
    }
    if (c->claimed[block] != 0) {
        if (c->claimed[block] == w->ino)
            complain(c, "inode %u: block %u is in it twice", w->ino, block);
        else
            complain(c, "inode %u: block %u also belongs to inode %u", w->ino, block,
                     c->claimed[block]);
        w->bad = true;
        return; /* an indirect block that leads to itself ends here */
    }
    c->claimed[block] = w->ino;
    c->blocks_used++;
    w->blocks++;
    if (first >= w->end && !w->past_end) {
        complain(c, "inode %u: has blocks past the end of the file (file block %llu)", w->ino,
                 (unsigned long long)first);
        w->past_end = true;
    }
    if (level == 0) {
        w->data++;
        return;
    }
    p = check_block(c, block);
    for (uint64_t i = 0; i < OSTIAFS_NPTR; i++)
        walk_pointer(c, w, p[i], level - 1, first + i * span[level - 1]);
}

void check_map(struct check *c, uint32_t ino)
{
    const struct ostiafs_inode *ip = check_inode(c, ino);
    uint32_t type = ip->mode & OSTIAFS_S_IFMT;
    struct walk w = {.ino = ino};
    uint64_t first = OSTIAFS_NDIRECT;

    w.end = ostiafs_blocks_for(ip->size, OSTIAFS_BLOCK_SIZE);
    if (type == OSTIAFS_S_IFLNK && ip->size <= OSTIAFS_SYMLINK_INLINE) {
        if (ip->blocks != 0)
            complain(c, "inode %u: a short symbolic link that claims %llu blocks", ino,
                     (unsigned long long)ip->blocks);
        return;
    }
    for (uint32_t i = 0; i < OSTIAFS_NDIRECT; i++)
        walk_pointer(c, &w, ip->block[i], 0, i);
    for (int level = 1; level <= 3; level++) {
        walk_pointer(c, &w, ip->block[OSTIAFS_IND1 + level - 1], level, first);
        first += span[level];
    }
    if (w.blocks != ip->blocks) {
        complain(c, "inode %u: says it has %llu blocks, but has %llu", ino,
                 (unsigned long long)ip->blocks, (unsigned long long)w.blocks);
    }
    if (type == OSTIAFS_S_IFDIR && w.data != w.end && !w.bad) {
        complain(c, "inode %u: a directory of %llu blocks that has %llu", ino,
                 (unsigned long long)w.end, (unsigned long long)w.data);
        w.bad = true;
    }
    if (type == OSTIAFS_S_IFLNK && w.data != 1) {
        complain(c, "inode %u: a long symbolic link without its block", ino);
        w.bad = true;
    }
    c->known[ino].broken = w.bad || w.past_end;
}

uint32_t check_bmap(const struct check *c, const struct ostiafs_inode *ip, uint64_t index)
{
    uint32_t block;
    int level;

    if (index < OSTIAFS_NDIRECT)
        return ip->block[index];
    index -= OSTIAFS_NDIRECT;
    for (level = 1; index >= span[level]; level++)
        index -= span[level];
    block = ip->block[OSTIAFS_IND1 + level - 1];
    while (level > 0 && block != 0) {
        const uint32_t *p = check_block(c, block);

        level--;
        block = p[index / span[level]];
        index %= span[level];
    }
    return block;
}
