/* diskdev.h: the disk server as a block device (diskdev.c). Read struct bdev in fs.h before. */
#ifndef _FILE_DISKDEV_H_
#define _FILE_DISKDEV_H_

#include "fs.h"

/* Looks up the disk server and asks it for the disk's size. On failure *why is a sentence. */
int diskdev_open(struct bdev **dev, const char **why);

#endif
