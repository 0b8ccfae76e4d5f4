/* diskdev.h: the disk server as a block device (diskdev.c). Read struct bdev in fs.h before. */
#ifndef _FILE_DISKDEV_H_
#define _FILE_DISKDEV_H_

#include "fs.h"

#include <mach/mach_types.h>

/* Looks up the disk server and asks it for the disk's size. On failure *why is a sentence. */
int diskdev_open(struct bdev **dev, const char **why);

/* The disk server's port, and where a block of the device lies there: for who sends requests himself. */
mach_port_t diskdev_place(const struct bdev *dev, uint64_t block, uint64_t *there);

/* ---- diskread.c ---- */

/* From now on the core need not wait for what it reads. */
void diskread_start(void);
/* The answers. */
boolean_t diskread_server(mach_msg_header_t *in, mach_msg_header_t *out);

#endif
