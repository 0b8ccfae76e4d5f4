/*
 * check.h: what the parts of fsck share: the image, what has been found of it so far, and
 * complaints.
 */
#ifndef _MKFS_CHECK_H_
#define _MKFS_CHECK_H_

#include <stdbool.h>
#include <stdint.h>

#include "../user/include/ostiafs.h"

/* What is known of an inode, beside what its table entry says. */
struct known {
    uint32_t links;   /* entries that name it */
    uint32_t subdirs; /* directory: entries in it that name directories */
    uint32_t parent;  /* directory: the one that has an entry for it; 0 none found */
    bool used;        /* mode is not 0 */
    bool orphan;      /* on the orphan list */
    bool broken;      /* its map is unusable: contents are not looked at */
};

struct check {
    uint8_t *image; /* a copy of our own: only checklog.c writes in it */
    const struct ostiafs_super *super;
    uint32_t *claimed; /* by block: the inode that has it; CLAIM_META before data_start */
    struct known *known; /* by inode */
    uint64_t errors;
    uint64_t recovered; /* transactions of the log */
    uint32_t files;
    uint32_t dirs;
    uint64_t blocks_used;
};

#define CLAIM_META UINT32_MAX

#define COMPLAINTS_SHOWN 100 /* the rest is only counted */

/* Says what is wrong, as a line on standard output, and counts it. */
void complain(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

const void *check_block(const struct check *c, uint32_t block);
const struct ostiafs_inode *check_inode(const struct check *c, uint32_t ino);

/* The disk block of a file's block, 0 for a hole. The inode's map must have passed check_map. */
uint32_t check_bmap(const struct check *c, const struct ostiafs_inode *ip, uint64_t index);

/*
 * Checks the log, and puts what it holds in its places in our copy; if repair_fd is a file, there too (else
 * that it was not done is an error). False: out of memory. (checklog.c)
 */
bool check_log(struct check *c, int repair_fd);

/* Checks the block map of an inode and claims its blocks (checkmap.c). */
void check_map(struct check *c, uint32_t ino);

/* Checks a directory's tree, and counts the links its entries make (checkdir.c). */
void check_dir(struct check *c, uint32_t ino);

#endif
