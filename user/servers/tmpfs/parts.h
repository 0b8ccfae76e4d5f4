/* parts.h: how the parts of an inode end. */
#ifndef _TMPFS_PARTS_H_
#define _TMPFS_PARTS_H_

#include "fs.h"

/* Frees the contents of what is no directory (file.c). */
void tree_free(struct inode *ip);

/* Frees an empty directory's tables (dir.c). */
void dir_free(struct inode *dp);

#endif
