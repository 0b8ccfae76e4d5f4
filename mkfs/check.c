/*
 * check.c: complaints, and the way into the image, for all parts of fsck.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>

void complain(struct check *c, const char *format, ...)
{
    va_list ap;

    if (++c->errors > COMPLAINTS_SHOWN)
        return;
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
}

const void *check_block(const struct check *c, uint32_t block)
{
    return c->image + (size_t)block * OSTIAFS_BLOCK_SIZE;
}

const struct ostiafs_inode *check_inode(const struct check *c, uint32_t ino)
{
    return (const struct ostiafs_inode *)check_block(c, c->super->itable_start) + ino;
}
