/*
 * in_memory.h: for the fs.h of a file server that has all its files in memory, so that no request waits for a
 * disk (aside.c).
 */
#ifndef _FILESERVER_IN_MEMORY_H_
#define _FILESERVER_IN_MEMORY_H_

static inline void volume_may_stall(struct fs *fs, bool may)
{
    (void)fs, (void)may;
}

static inline void **volume_waiting(struct fs *fs)
{
    (void)fs;
    return NULL;
}

#endif
