/*
 * dirbuild.c: writes a directory's B+-tree in one go. Read the drawing of directories in ostiafs.h.
 *
 * All names are known, so the tree is built from the bottom: sort by key, fill leaf after leaf,
 * then an index over the leaves, an index over that, until one block is left: the root, in file
 * block 0. Blocks are filled to three quarters, so that the first names added later split nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "image.h"

struct entry {
    uint32_t hash;
    uint16_t seq;
    const struct node *node;
};

/* A block of the level being built: its file block and its first key. */
struct piece {
    uint32_t hash;
    uint16_t seq;
    uint32_t block;
};

static int by_hash_then_name(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return strcmp(x->node->name, y->node->name);
}

static struct ostiafs_dirblk *new_block(struct image *im, struct ostiafs_inode *ip, uint32_t owner,
                                        uint32_t index, int level)
{
    struct ostiafs_dirblk *b = image_file_block(im, ip, index);

    if (ip->size < ((uint64_t)index + 1) * OSTIAFS_BLOCK_SIZE)
        ip->size = ((uint64_t)index + 1) * OSTIAFS_BLOCK_SIZE;
    b->magic = OSTIAFS_DIR_MAGIC;
    b->owner = owner;
    b->level = (uint8_t)level;
    b->heap = OSTIAFS_BLOCK_SIZE;
    return b;
}

static void leaf_append(struct ostiafs_dirblk *b, const struct entry *e)
{
    struct ostiafs_leaf_slot *slot = (struct ostiafs_leaf_slot *)(b + 1) + b->nslots++;
    const struct node *n = e->node;
    size_t len = strlen(n->name);
    struct ostiafs_dirent *d;

    b->heap -= (uint16_t)OSTIAFS_DIRENT_SIZE(len);
    d = (struct ostiafs_dirent *)((uint8_t *)b + b->heap);
    d->ino = n->ino;
    d->type = (uint8_t)(n->mode >> 12);
    d->namelen = (uint8_t)len;
    memcpy(d->name, n->name, len);
    slot->hash = e->hash;
    slot->seq = e->seq;
    slot->off = b->heap;
}

static void index_append(struct ostiafs_dirblk *b, const struct piece *p)
{
    struct ostiafs_index_slot *slot = (struct ostiafs_index_slot *)(b + 1) + b->nslots++;

    slot->hash = p->hash;
    slot->seq = p->seq;
    slot->child = p->block;
}

static size_t leaf_bytes(const struct entry *e)
{
    return OSTIAFS_DIRENT_SIZE(strlen(e->node->name)) + sizeof(struct ostiafs_leaf_slot);
}

/* The entries of dir, sorted by key. */
static struct entry *sorted_entries(struct image *im, const struct node *dir)
{
    struct entry *e = xalloc(dir->nchildren * sizeof *e);

    for (size_t i = 0; i < dir->nchildren; i++) {
        const char *name = dir->child[i]->name;

        e[i].hash = ostiafs_hash(im->super->hash_seed, name, strlen(name));
        e[i].node = dir->child[i];
    }
    qsort(e, dir->nchildren, sizeof *e, by_hash_then_name);
    for (size_t i = 1; i < dir->nchildren; i++)
        if (e[i].hash == e[i - 1].hash) {
            if (e[i - 1].seq == UINT16_MAX)
                die("%s: too many names of one hash", dir->name);
            e[i].seq = (uint16_t)(e[i - 1].seq + 1);
        }
    return e;
}

void image_write_dir(struct image *im, struct node *dir)
{
    struct ostiafs_inode *ip = image_inode(im, dir->ino);
    struct entry *e = sorted_entries(im, dir);
    size_t n = dir->nchildren;
    size_t bytes = 0;
    struct ostiafs_dirblk *b;
    int level = 0;

    for (size_t i = 0; i < n; i++)
        bytes += leaf_bytes(&e[i]);
    if (bytes <= OSTIAFS_DIR_SPACE) {
        b = new_block(im, ip, dir->ino, 0, 0);
        for (size_t i = 0; i < n; i++)
            leaf_append(b, &e[i]);
    } else {
        struct piece *piece = xalloc(n * sizeof *piece);
        size_t npieces = 0;
        size_t room = 0;
        uint32_t next = 1; /* file block; 0 is for the root */

        (void)image_file_block(im, ip, 0); /* first, to lie before the rest */
        b = NULL;
        for (size_t i = 0; i < n; i++) {
            if (b == NULL || leaf_bytes(&e[i]) > room) {
                if (b != NULL)
                    b->next = next;
                piece[npieces].hash = npieces ? e[i].hash : 0;
                piece[npieces].seq = npieces ? e[i].seq : 0;
                piece[npieces++].block = next;
                b = new_block(im, ip, dir->ino, next++, 0);
                room = OSTIAFS_DIR_SPACE * 3 / 4;
            }
            leaf_append(b, &e[i]);
            room -= leaf_bytes(&e[i]);
        }
        for (level = 1; npieces > OSTIAFS_INDEX_SLOTS; level++) { /* pieces become their parents */
            size_t nparents = 0;

            b = NULL;
            for (size_t i = 0; i < npieces; i++) {
                struct piece p = piece[i];

                if (b == NULL || b->nslots == OSTIAFS_INDEX_SLOTS * 3 / 4) {
                    piece[nparents++] = (struct piece){p.hash, p.seq, next};
                    b = new_block(im, ip, dir->ino, next++, level);
                }
                index_append(b, &p);
            }
            npieces = nparents;
        }
        b = new_block(im, ip, dir->ino, 0, level);
        for (size_t i = 0; i < npieces; i++)
            index_append(b, &piece[i]);
        free(piece);
    }
    b->parent = dir->parent->ino;
    b->nentries = (uint32_t)n;
    free(e);
}
