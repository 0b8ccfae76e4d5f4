/*
 * fs.h: a file system in memory: the core of the server tmpfs. Read user/lib/fileserver/server.h before.
 *
 *     inode.c     inodes, by number; how much there may be
 *     dir.c       a directory: names -> inode numbers
 *     file.c      a file: a tree of pages
 *
 * It offers what fs.h of the file server does above its directories and files (names.c and all that serves
 * messages is the same code), and is much smaller: nothing has to be in any order on a disk, so a change
 * needs no transaction, and no contradiction can be met. The attributes of an inode have the form they have
 * on disk.
 *
 * Functions return 0 or a positive errno (POSIX). One that fails has changed nothing that can be seen.
 */
#ifndef _TMPFS_FS_H_
#define _TMPFS_FS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ostiafs.h>

#define INODE_HASH_BITS 8

struct inode;

/* What there may be was said at the start: contents in pages, and as many names. What else an inode or a name
 * takes is less than a page. */
struct fs {
    uint64_t pages_max;
    uint64_t pages;     /* taken by contents, and by the trees that lead to them */
    uint64_t names_max;
    uint64_t names;
    uint32_t next_ino;
    bool readonly;      /* never */
    struct inode *inodes[1 << INODE_HASH_BITS]; /* by number */
    void (*say)(const char *what, uint32_t number); /* a line for the operator */
};

#define TREE_BITS  9 /* of a page's number that a level of the tree decides */
#define TREE_SLOTS (1U << TREE_BITS)

/* A regular file's (or a long symbolic link's) contents: as a page table, of pages. */
struct tree {
    void *root;      /* with height 0 the page itself; NULL: nothing but zeros */
    unsigned height; /* levels above the pages: TREE_SLOTS ** height of them have room */
};

struct entry;

/* A directory: an array of its entries, whose index is the position for who reads it, and a hash table. */
struct dir {
    uintptr_t *slot;       /* struct entry *, or free: the next free one << 1 | 1 */
    uint32_t slots;        /* of which there are */
    uint32_t used;         /* the first so many have been in use */
    uint32_t free;         /* the first free one of those, or NO_SLOT */
    uint32_t count;        /* entries */
    struct entry **bucket; /* as many as slots, a power of two */
    uint32_t parent;
};

struct inode {
    struct fs *fs;
    uint32_t ino;
    uint32_t refs;
    struct ostiafs_inode *d; /* &attributes */
    struct ostiafs_inode attributes;
    void *pagers[3]; /* as in the file server's fs.h */
    void *mounted;
    struct inode *hash_next;
    union {
        struct tree tree;
        struct dir dir;
    };
};

static inline uint32_t inode_type(const struct inode *ip)
{
    return ip->d->mode & OSTIAFS_S_IFMT;
}

/* The root of the tree that it is in; st_dev. (A server may have several trees: made/fs.h.) */
static inline uint32_t inode_root(const struct inode *ip)
{
    (void)ip;
    return OSTIAFS_ROOT_INO;
}

static inline uint32_t inode_dev(const struct inode *ip)
{
    (void)ip;
    return 2;
}

/* ---- inode.c ---- */

/* An empty file system of so many pages, with a root directory that is for everybody. ENOMEM. */
int volume_create(struct fs *fs, uint64_t pages);

/* Around every change, where there would be something to do if one could be undone. */
static inline int volume_begin(struct fs *fs)
{
    (void)fs;
    return 0;
}

static inline void volume_end(struct fs *fs)
{
    (void)fs;
}

/* To bring changes to safety: there is none. */
static inline int volume_commit(struct fs *fs)
{
    (void)fs;
    return 0;
}

static inline int volume_sync(struct fs *fs)
{
    (void)fs;
    return 0;
}

/* Something cannot be: tells the operator, and returns EIO. */
int volume_damaged(struct fs *fs, const char *what, uint32_t number);

void volume_counts(const struct fs *fs, uint64_t *blocks, uint64_t *blocks_free, uint64_t *inodes,
                   uint64_t *inodes_free);
uint64_t volume_inodes(const struct fs *fs);

/* The inode of that number, with a reference for the caller. EIO if there is none. */
int inode_get(struct fs *fs, uint32_t ino, struct inode **out);
struct inode *inode_ref(struct inode *ip);
/* Drops a reference (NULL: nothing). With the last one, an inode without names goes. */
void inode_put(struct inode *ip);
/* A new inode with nlink 0 and a reference. ENOMEM. */
int inode_new(struct fs *fs, uint32_t near, uint32_t mode, uint32_t uid, uint32_t gid, struct inode **out);

#define TIME_A 1
#define TIME_M 2
#define TIME_C 4
/* Sets some of the times to now. */
void inode_touch(struct inode *ip, int which);

static inline void inode_dirty(struct inode *ip)
{
    (void)ip;
}

static inline void inode_unnamed(struct inode *ip)
{
    (void)ip; /* whoever has it open keeps it */
}

/* ---- file.c ---- */

int file_read(struct inode *ip, uint64_t offset, void *data, size_t *len);
/* ENOSPC, ENOMEM, EFBIG; if that is met after some bytes, *len tells how many. */
int file_write(struct inode *ip, uint64_t offset, const void *data, size_t *len);
int file_truncate(struct inode *ip, uint64_t size);
/* A long symbolic link's target, of a new inode. */
int file_set_target(struct inode *ip, const char *target, size_t len);

/* ---- dir.c: as in the file server's fs.h ---- */

typedef bool (*dir_emit_t)(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type,
                           uint64_t next_position);
int dir_init(struct inode *dp, uint32_t parent);
int dir_lookup(struct inode *dp, const char *name, size_t len, uint32_t *ino);
int dir_insert(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type);
int dir_remove(struct inode *dp, const char *name, size_t len);
int dir_replace(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type);
int dir_parent(struct inode *dp, uint32_t *ino);
int dir_set_parent(struct inode *dp, uint32_t ino);
int dir_is_empty(struct inode *dp, bool *empty);
int dir_read(struct inode *dp, uint64_t *position, dir_emit_t emit, void *arg);

#include "in_memory.h"
#include "names.h"

#endif
