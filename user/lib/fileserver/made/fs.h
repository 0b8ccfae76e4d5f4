/*
 * fs.h: the core of a file server whose files are not stored, but made when somebody looks: of /proc and
 * /dev. Read user/lib/fileserver/server.h before.
 *
 * The server says what there is, by a few functions (made_*, below), and made.c makes of it what a core
 * offers. A number says which file it is; an inode is made of it at a look-up, and goes with its last
 * reference. Two who open the same file have an inode each, and so a text each: as it was when they began to
 * read. Of a directory or a device there is one: something may be mounted on it, or have it open for all.
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

#define FIRST_DEV 3 /* st_dev of the tree with the root OSTIAFS_ROOT_INO; file and tmpfs have 1 and 2 */

struct inode;

struct fs {
    bool readonly;              /* always */
    struct inode *shared;       /* directories and devices that somebody holds */
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
    struct inode *next;      /* in `shared` */
};

static inline uint32_t inode_type(const struct inode *ip)
{
    return ip->d->mode & OSTIAFS_S_IFMT;
}

/* ---- what the server says; `ino` is a root's, or a number that it gave ---- */

/* The number of the root of the tree that a file is in. There may be several. */
uint32_t made_root(uint32_t ino);

/* Type and permissions, owner, links, times and device number of a file; what is 0 need not be set. ENOENT:
 * there is none any more. */
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

/* Opens a device: a port, and how the reply gives it to the client. ENXIO. */
int made_open(struct inode *ip, mach_port_t *port, mach_msg_type_name_t *how);

/* Of an open file that made_open gave: as file_read and file_write. */
int made_read(const struct inode *ip, void *data, size_t *len);
int made_write(const struct inode *ip, const void *data, size_t *len);

/* Keeps attributes that were changed; 0, or EPERM: they are as they are. */
int made_change(uint32_t ino, const struct ostiafs_inode *d);

/* ---- made.c: what a core offers (the file server's fs.h has the contracts) ---- */

static inline uint32_t inode_root(const struct inode *ip)
{
    return made_root(ip->ino);
}

static inline uint32_t inode_dev(const struct inode *ip)
{
    return FIRST_DEV + (inode_root(ip) != OSTIAFS_ROOT_INO);
}

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
