/*
 * dirtree.h: the B+-tree below a directory: its blocks, and the way to a leaf. For dir.c only.
 * Read the drawing of directories in ostiafs.h before.
 */
#ifndef _FILE_DIRTREE_H_
#define _FILE_DIRTREE_H_

#include "fs.h"

#define ROOT 0U /* file block of the root */

/* ---- what is in a buffer that dirtree_get checked ---- */

static inline struct ostiafs_dirblk *head_of(struct buf *b)
{
    return (struct ostiafs_dirblk *)b->data;
}

static inline struct ostiafs_leaf_slot *leaf_slots(struct buf *b)
{
    return (struct ostiafs_leaf_slot *)(b->data + sizeof(struct ostiafs_dirblk));
}

static inline struct ostiafs_index_slot *index_slots(struct buf *b)
{
    return (struct ostiafs_index_slot *)(b->data + sizeof(struct ostiafs_dirblk));
}

static inline struct ostiafs_dirent *entry_at(struct buf *b, uint32_t slot)
{
    return (struct ostiafs_dirent *)(b->data + leaf_slots(b)[slot].off);
}

static inline uint64_t leaf_key(struct buf *b, uint32_t slot)
{
    return OSTIAFS_KEY(leaf_slots(b)[slot].hash, leaf_slots(b)[slot].seq);
}

static inline uint64_t index_key(struct buf *b, uint32_t slot)
{
    return OSTIAFS_KEY(index_slots(b)[slot].hash, index_slots(b)[slot].seq);
}

/* ---- blocks ---- */

/* The buffer of a file block of the directory, referenced, with its structure checked. EIO. */
int dirtree_get(struct inode *dp, uint32_t index, struct buf **out);

/* Makes the buffer an empty block of that level (0: a leaf). */
void dirtree_init(struct inode *dp, struct buf *b, int level);

void dirtree_dirty(struct inode *dp, struct buf *b);

/* ---- leaves ---- */

/* The first slot whose key is not below `key`; nslots if there is none. */
uint32_t dirleaf_search(struct buf *b, uint64_t key);

/* Puts an entry into a leaf that has room for it. */
void dirleaf_insert(struct inode *dp, struct buf *b, uint64_t key, const char *name, size_t len,
                    uint32_t ino, uint8_t type);

/* Takes the entry of slot `at` out. */
void dirleaf_delete(struct inode *dp, struct buf *b, uint32_t at);

/* ---- the way down ---- */

/* The leaf whose keys `key` is among, referenced. EIO. */
int dirtree_leaf(struct inode *dp, uint64_t key, struct buf **out);

/* The same with room for a name of len bytes: full blocks on the way are split. After a failure
 * the tree holds what it held before. ENOSPC, EIO. */
int dirtree_leaf_with_room(struct inode *dp, uint64_t key, size_t len, struct buf **out);

#endif
