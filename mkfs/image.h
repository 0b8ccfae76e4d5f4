/*
 * image.h: a volume being built in memory: areas, block allocation, contents of files.
 */
#ifndef _MKFS_IMAGE_H_
#define _MKFS_IMAGE_H_

#include <stdint.h>

#include "../user/include/ostiafs.h"
#include "tree.h"

struct image {
    uint8_t *bytes; /* nblocks blocks; touched only as far as used */
    struct ostiafs_super *super; /* in it */
    uint64_t nblocks;
    uint32_t next_free; /* blocks below are taken: a builder never frees */
    int64_t now;        /* the time every inode gets */
};

/* Sets up an empty volume of nblocks blocks with room for ninodes - 1 files and a log of
 * log_blocks. Ends the program if they do not fit. */
void image_init(struct image *im, uint64_t nblocks, uint32_t ninodes, uint32_t log_blocks,
                int64_t now, uint32_t hash_seed, const char *label);

/* Writes the numbered tree into the volume, then bitmaps and checksums. */
void image_write_tree(struct image *im, struct node *root, uint32_t inodes_used);

/* A zeroed block, and its memory. Ends the program if the volume is full. */
uint32_t image_alloc(struct image *im);
void *image_block(struct image *im, uint32_t block);

/* The inode's place in the table. */
struct ostiafs_inode *image_inode(struct image *im, uint32_t ino);

/* The memory of block `index` of a file, which it gets if it had none. */
void *image_file_block(struct image *im, struct ostiafs_inode *ip, uint64_t index);

/* The contents of a directory (dirbuild.c). */
void image_write_dir(struct image *im, struct node *dir);

#endif
