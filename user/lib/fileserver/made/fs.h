/*
 * fs.h: the core of a file server whose files are not stored, but made when somebody looks: of /proc and
 * /dev. Read user/lib/fileserver/server.h before.
 *
 * The server says what there is, by four functions (made_*, below), and made.c makes of it what a core
 * offers. A number says which file it is; an inode is made of it at a look-up, and goes with its last
 * reference. Two who open the same file have an inode each, and so a text each: as it was when they began to
 * read. Of a directory there is one, as something may be mounted on it.
 *
 * Names are the server's: who would make, remove or rename one gets EROFS.
 */
#ifndef _MADE_FS_H_
#define _MADE_FS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mach/mach_types.h>
#include <ostiafs.h>

#define VOLUME_DEV made_device
extern const uint32_t made_device; /* st_dev; those of file and tmpfs are 1 and 2 */

struct inode;

struct fs {
    bool readonly;              /* always */
    struct inode *directories;  /* those that somebody holds */
};

struct inode {
    struct fs *fs;
    uint32_t ino;
    uint32_t refs;
    struct ostiafs_inode *d; /* &attributes */
    struct ostiafs_inode attributes;
    void *mounted;           /* the server's: what is mounted on the directory; NULL: nothing */
    char *text;              /* malloc'ed: a file's contents, once they were asked for */
    size_t length;
    struct inode *next;      /* in `directories` */
};

static inline uint32_t inode_type(const struct inode *ip)
{
    return ip->d->mode & OSTIAFS_S_IFMT;
}

/* ---- what the server says; `ino` is OSTIAFS_ROOT_INO, or a number that it gave ---- */

/* Type and permissions, owner, links, times and device number of a file. ENOENT: there is none any more. */
int made_attributes(uint32_t ino, struct ostiafs_inode *d);

/* The number of a name in a directory; ".." is one. ENOENT. */
int made_lookup(uint32_t directory, const char *name, size_t len, uint32_t *ino);

/*
 * Calls each for the names in a directory but "." and "..", in an order that stays, from those on whose
 * place in it is `from` or behind (the first has 0), until it returns false or there are no more. next: the
 * place behind this one.
 */
typedef bool (*made_each_t)(void *arg, const char *name, uint32_t ino, uint8_t type, uint64_t next);
int made_names(uint32_t directory, uint64_t from, made_each_t each, void *arg);

/* Writes a regular file's contents, or a symbolic link's target, as the client who asks may see it. ENOENT,
 * EACCES. */
int made_text(uint32_t ino, FILE *out);

/* Keeps attributes that were changed; 0, or EPERM: they are as they are. */
int made_change(uint32_t ino, const struct ostiafs_inode *d);

/* ---- made.c: what a core offers (the file server's fs.h has the contracts) ---- */

static inline int volume_begin(struct fs *fs)
{
    return 0;
}

static inline void volume_end(struct fs *fs)
{
}

static inline int volume_commit(struct fs *fs)
{
    return 0;
}

static inline int volume_sync(struct fs *fs)
{
    return 0;
}

/* There is nothing to run out of. */
static inline void volume_counts(const struct fs *fs, uint64_t *blocks, uint64_t *blocks_free,
                                 uint64_t *inodes, uint64_t *inodes_free)
{
    *blocks = *blocks_free = *inodes = *inodes_free = 0;
}

int inode_get(struct fs *fs, uint32_t ino, struct inode **out);
struct inode *inode_ref(struct inode *ip);
void inode_put(struct inode *ip);

#define TIME_A 1
static inline void inode_touch(struct inode *ip, int which)
{
    /* that somebody looked changes nothing */
}

int file_read(struct inode *ip, uint64_t offset, void *data, size_t *len);
int file_write(struct inode *ip, uint64_t offset, const void *data, size_t *len);
int file_truncate(struct inode *ip, uint64_t size);

typedef bool (*dir_emit_t)(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type,
                           uint64_t next_position);
int dir_read(struct inode *dp, uint64_t *position, dir_emit_t emit, void *arg);

#include "in_memory.h"
#include "names.h"

#endif
