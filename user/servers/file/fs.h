/*
 * fs.h: the core of the file server, which turns blocks into files and directories. Read ostiafs.h
 * (the format) before.
 *
 *     names.c           create, link, unlink, rename: one call, one change of the tree (user/lib/fileserver)
 *     dir.c, dirtree.c  a directory: names -> inode numbers
 *     file.c            a file: bytes
 *     bmap.c            a file's block -> a block of the disk
 *     inode.c           inodes in memory, files without names
 *     balloc.c          free blocks and inodes
 *     volume.c          mount, sync, and the door every change goes through
 *     journal.c         the log: changes that reach the disk whole or not at all
 *     recover.c         the log after a crash
 *     bread.c           blocks from the disk, with or without waiting
 *     bcache.c          blocks in memory: the only one that reads and writes the disk
 *
 * Each uses only what is below it. None of it knows of Mach: it is linked into the server, where a
 * block device is a port, and into a test on the host, where it is a file.
 *
 * Functions return 0 or a positive errno (POSIX). Unless said otherwise a function that fails has
 * changed nothing that can be seen.
 *
 * Threads: the core is entered by one thread at a time. It waits for nothing but the disk, and for that in
 * one place, bdev_read, bdev_write and bdev_flush of bcache.c. Who only looks need not wait: struct bread.
 */
#ifndef _FILE_FS_H_
#define _FILE_FS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ostiafs.h>

/* A disk, as the core sees it: blocks of OSTIAFS_BLOCK_SIZE. Each function handles `count`
 * consecutive blocks, blocks its caller until done, and returns 0 or an errno. */
struct bdev {
    uint64_t nblocks;
    bool readonly;
    int (*read)(struct bdev *dev, uint64_t block, uint32_t count, void *data);
    int (*write)(struct bdev *dev, uint64_t block, uint32_t count, const void *data);
    int (*flush)(struct bdev *dev); /* on return, what was written survives a loss of power */
};

/* ---- bcache.c ---- */

enum buf_class {
    BUF_DATA, /* contents of files: written home before what points to them is committed */
    BUF_META, /* all else: written to the log, and home after that */
    BUF_CLASSES
};

#define BREAD_MAX 4 /* blocks in one struct bread: what a message of disk.defs carries */

/*
 * A read that is under way while others are served.
 *
 * A function that finds a block not in memory, and has changed nothing yet, need not wait: while
 * bcache.may_stall is set, the block is asked for (bcache.later), and buf_read fails with FS_STALLED, having
 * set bcache.stalled. That error goes up through all that called it, as any other does. When the blocks have
 * arrived (bread_arrived) the caller begins again from the beginning, and comes as far as the next block that
 * is not there. A change waits for what it reads, since it could not be begun again: volume_begin takes
 * may_stall away.
 */
struct bread {
    uint32_t block;
    uint32_t count;
    void *waiting; /* the server's: who is to begin again */
};

/* A buffer is in up to two lists besides the cache's own. */
enum buf_link_kind {
    LINK_DIRTY,  /* bcache.dirty[class], while `dirty` */
    LINK_LOGGED, /* bcache.logged, while `logged` */
    LINK_KINDS
};

struct buf_link {
    struct buf *prev;
    struct buf *next;
};

struct buf_list {
    struct buf *first;
    uint32_t count;
};

/*
 * The states of a buffer's contents, beside the disk's at its home:
 *
 *     neither     the same, unless !valid: nothing is in it yet
 *     dirty       newer: changed by the running transaction (BUF_META), or not written yet (BUF_DATA)
 *     logged      newer, but in the log, where a recovery would find it
 *     both        the log has what the last commit wrote, and the running transaction changed it again
 */
struct buf {
    uint32_t block;
    uint32_t refs;  /* may not be evicted while > 0 */
    uint8_t *data;  /* OSTIAFS_BLOCK_SIZE bytes */
    uint8_t class;
    bool valid;     /* data is what the disk has, or newer */
    bool dirty;
    bool logged;
    bool checked;   /* a directory block whose structure has been checked */
    uint8_t error;  /* an errno, from bread_arrived to bread_done: it could not be read */
    struct bread *reading; /* will bring the contents; each struct bread has a reference */
    struct buf *hash_next;
    struct buf *older; /* least recently used list */
    struct buf *newer;
    struct buf_link link[LINK_KINDS];
};

#define BUF_RUN 16 /* blocks moved by one request at most */

struct bcache {
    struct bdev *dev;
    struct buf **hash; /* 1 << hash_bits heads */
    uint32_t hash_bits;
    struct buf *oldest;
    struct buf *newest;
    uint32_t count;
    uint32_t limit; /* buffers kept; more only while nothing can be evicted */
    struct buf_list dirty[BUF_CLASSES];
    struct buf_list logged;
    bool may_stall; /* the server: the request being served may be begun again */
    struct bread *stalled;
    bool (*ready)(void); /* the server's: can it be put aside? NULL: no */
    /* The server's, if there is `ready`. Asks for blocks; NULL: they must be waited for. */
    struct bread *(*later)(struct bdev *dev, uint32_t block, uint32_t count);
    bool unflushed; /* something was written that the next flush brings to safety */
    uint8_t *run;   /* BUF_RUN blocks: requests of several blocks pass through here */
    uint64_t reads; /* requests and hits, for statistics */
    uint64_t writes;
    uint64_t hits;
};

struct fs;

int bcache_init(struct bcache *bc, struct bdev *dev, uint32_t limit);

/* Frees all memory; dirty blocks are lost, no buffer may be referenced. */
void bcache_destroy(struct bcache *bc);

/* The buffer of a block with its contents, referenced; release with buf_put. May wait for the disk.
 * EIO, ENOMEM, FS_STALLED. */
int buf_read(struct fs *fs, uint32_t block, struct buf **out);

/* The same without reading: the caller overwrites all of it. Contents are undefined. ENOMEM. */
int buf_get(struct fs *fs, uint32_t block, struct buf **out);

/* The same, zeroed and dirty. */
int buf_get_zeroed(struct fs *fs, uint32_t block, enum buf_class class, struct buf **out);

void buf_put(struct buf *b);

/* The block has been changed and is to be written some time. */
void buf_dirty(struct fs *fs, struct buf *b, enum buf_class class);

/* The block has been freed: what the cache holds of it need not be written. True if the log holds a
 * copy, which nobody must write home any more. */
bool buf_forget(struct fs *fs, uint32_t block);

/* For the journal: what the buffer holds is in the log now; or at home. */
void buf_logged(struct bcache *bc, struct buf *b);
void buf_home(struct bcache *bc, struct buf *b);

/* The buffer of a block if there is one, without a reference. */
struct buf *buf_find(struct bcache *bc, uint32_t block);

/* What `later` was asked for has arrived, or not: err. Who waits is to begin again now, and then comes
 * bread_done, after which the core knows the read no more. */
void bread_arrived(struct fs *fs, struct bread *r, const uint8_t *data, int err);
void bread_done(struct fs *fs, struct bread *r);

/* Reads `count` (at most BUF_RUN) blocks from `block` on that are not in the cache with one
 * request. A hint: errors show when the blocks are read in earnest. */
void buf_prefetch(struct fs *fs, uint32_t block, uint32_t count);

/* Writes all dirty contents of files home; all that is logged home. The first error is returned; what
 * could not be written stays as it was. Neither flushes. */
int bcache_write_data(struct bcache *bc);
int bcache_write_logged(struct bcache *bc);

void buf_list_add(struct buf_list *list, struct buf *b, enum buf_link_kind kind);
void buf_list_remove(struct buf_list *list, struct buf *b, enum buf_link_kind kind);

/* The disk itself, for who keeps no buffers of it: the log. They may wait. EIO, EROFS. */
int bdev_read(struct bcache *bc, uint32_t block, uint32_t count, void *data);
int bdev_write(struct bcache *bc, uint32_t block, uint32_t count, const void *data);
int bdev_flush(struct bcache *bc);

/* ---- journal.c, recover.c ---- */

/* Blocks and their number, growing. */
struct block_list {
    uint32_t *block;
    uint32_t count;
    uint32_t room;
};

/*
 * The log, and the transaction that is being made. Places in it count from 0, the first block after
 * the header, to size - 1, and then from 0 again.
 */
struct journal {
    uint32_t start;  /* disk block of the header */
    uint32_t size;   /* blocks after it */
    uint32_t head;   /* where the next transaction goes */
    uint32_t used;   /* blocks before the head that a recovery still needs */
    uint64_t seq;    /* the next transaction's number */
    uint32_t frees_max; /* blocks one change may free */
    /* The running transaction, beside the buffers of bcache.dirty[BUF_META]: */
    struct block_list freed;   /* marked in use until the commit: nothing may overwrite them before */
    struct block_list revoked; /* of them, those the log has copies of */
    struct ostiafs_log_record *record; /* one being made or read */
};

/* Can another change be made, as large as they may be, and be committed? */
bool journal_has_room(const struct fs *fs);

/* Makes room: commits, and empties the log if that is needed. EIO, ENOMEM. */
int journal_make_room(struct fs *fs);

/* Writes the running transaction to the log. When this returns 0 all changes made so far survive a
 * crash. Not within a change. EIO; then nothing is committed and the transaction goes on. */
int journal_commit(struct fs *fs);

/* Commits, writes everything home and empties the log. EIO. */
int journal_checkpoint(struct fs *fs);

/* Notes a block as free after the commit; `logged` is buf_forget's answer. A change may do that
 * frees_max times. */
void journal_freed(struct fs *fs, uint32_t block, bool logged);

/* Part of mounting: sets the journal up from the log, whose transactions go to the cache and, if the
 * disk can be written, home. EIO, ENOMEM, EINVAL: the log is damaged. */
int journal_recover(struct fs *fs);

void journal_destroy(struct journal *j);

/* ---- the volume (volume.c) ---- */


struct inode;

/* A name that was looked up (names_cache.c): 48 bytes. */
struct cached_name {
    uint32_t dir; /* inode number; 0: none */
    uint32_t hash;
    uint32_t ino; /* 0: the directory has no such name */
    uint8_t len;
    char name[35];
};
#define NAMES_CACHED 256

struct fs {
    struct bcache cache;
    struct journal journal;
    struct ostiafs_super *super; /* in the pinned buffer of block 0 */
    struct buf *super_buf;
    uint64_t free_blocks;
    uint32_t free_inodes;
    uint32_t block_hint; /* where to look for a free block, if the file has no better idea */
    uint32_t inode_hint;
    bool readonly;
    bool changing;     /* between volume_begin and volume_end */
    bool timed;        /* since volume_begin; all that the change touches has the same time: */
    int64_t seconds;
    uint32_t nanoseconds;
    bool write_failed; /* a write to the disk failed: no changes until a commit succeeds */
    bool damaged;      /* something impossible was met on disk: no more changes */
    struct inode **inodes; /* in memory, by number: 1 << INODE_HASH_BITS heads */
    struct inode *idle_oldest; /* inodes no one refers to */
    struct inode *idle_newest;
    uint32_t idle_count;
    struct inode *doomed; /* inodes no one refers to and no name leads to, to be freed; by `newer` */
    struct cached_name names[NAMES_CACHED];
    uint8_t scratch[OSTIAFS_BLOCK_SIZE]; /* of dir.c, to squeeze a leaf */
    void (*now)(int64_t *seconds, uint32_t *nanoseconds); /* the time of day */
    void (*say)(const char *what, uint32_t number); /* a line for the operator */
};

/* Mounts the volume on dev, and reclaims files that lost their last name while open before a crash.
 * On failure *why is a sentence for the operator. The functions now and say must outlive the
 * mount. */
int volume_mount(struct bdev *dev, uint32_t cache_blocks, void (*now)(int64_t *, uint32_t *),
             void (*say)(const char *, uint32_t), struct fs **out, const char **why);

/* Writes everything and frees the memory. No inode may be referenced. */
int volume_unmount(struct fs *fs);

/* Everything done so far survives a crash when this returns 0: it is in the log. EIO. */
int volume_commit(struct fs *fs);

/* The same, and it is where it belongs: the log is empty. EIO. */
int volume_sync(struct fs *fs);

/*
 * Around every change. volume_begin fails with EROFS on a volume that may not be changed and EIO on
 * one whose disk does not take writes. What lies between is committed whole or not at all, so it must
 * not be more than a transaction holds: CHANGE_BLOCKS blocks of metadata, and frees_max blocks freed.
 */
#define CHANGE_BLOCKS 44 /* a rename between directories whose trees must be split at every level */
#define CHANGE_DATA   16 /* blocks of contents that a write adds */
int volume_begin(struct fs *fs);
void volume_end(struct fs *fs);

/* Before a request is served: may it be begun again (struct bread)? And the list of those that wait for the
 * read that it stalled at. */
static inline void volume_may_stall(struct fs *fs, bool may)
{
    fs->cache.may_stall = may;
}

static inline void **volume_waiting(struct fs *fs)
{
    return &fs->cache.stalled->waiting;
}

/* Something on disk cannot be: tells the operator, stops changes, and returns EIO. */
int volume_damaged(struct fs *fs, const char *what, uint32_t number);

/* Of blocks and inodes: how many there are, how many are free. */
void volume_counts(const struct fs *fs, uint64_t *blocks, uint64_t *blocks_free, uint64_t *inodes,
                   uint64_t *inodes_free);

/* Numbers of inodes there are. */
uint64_t volume_inodes(const struct fs *fs);

/* The superblock was changed. */
void volume_super_dirty(struct fs *fs);

/* ---- balloc.c ---- */

/* Counts free blocks and inodes: part of mounting. */
int balloc_count(struct fs *fs);

/* Takes a free block, at or after `goal` if it can. Contents are as they are. ENOSPC, EIO. */
int balloc(struct fs *fs, uint32_t goal, uint32_t *block);

/* Frees a block from the next commit on, and forgets what the cache has of it. */
void bfree(struct fs *fs, uint32_t block);

/* Gives back a block of balloc's to which nothing points yet. */
void bgive_back(struct fs *fs, uint32_t block);

/* Marks a block as free in the bitmap: the commit's part of bfree. EIO. */
int bfree_now(struct fs *fs, uint32_t block);

/* Takes a free inode number, near `goal`. ENOSPC, EIO. */
int ialloc(struct fs *fs, uint32_t goal, uint32_t *ino);
void ifree(struct fs *fs, uint32_t ino);

/* True if the block may belong to a file. */
bool block_is_data(const struct fs *fs, uint32_t block);

/* ---- inode.c ---- */

struct inode {
    struct fs *fs;
    uint32_t ino;
    uint32_t refs;
    struct ostiafs_inode *d; /* the inode itself, in the pinned buffer of the inode table */
    struct buf *buf;
    uint32_t prev_orphan; /* on the orphan list: the one before, 0 if first */
    bool orphan;          /* on it */
    bool checked;         /* what it says is possible: from then on only this core writes it */
    uint64_t ahead;       /* file block a sequential reader would read next */
    void *pagers[3];      /* the server's: of its contents, if they are mapped (enum pager_kind) */
    void *mounted;        /* the server's: what is mounted on the directory; NULL: nothing */
    struct inode *hash_next;
    struct inode *older; /* idle list, while refs is 0 */
    struct inode *newer;
};

#define INODE_HASH_BITS 8
#define INODES_IDLE     128 /* kept in memory without a reference */

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
    return 1;
}

/* The inode of that number, with a reference for the caller. EIO if there is none. */
int inode_get(struct fs *fs, uint32_t ino, struct inode **out);
struct inode *inode_ref(struct inode *ip);

/* Drops a reference (NULL: nothing). With the last one, an inode without names is freed; within a
 * change that may be with its end. */
void inode_put(struct inode *ip);

/* Frees inodes that await it, as far as the disk lets it: volume_end's part. Not within a change. */
void inode_reap(struct fs *fs);

/* A new inode with nlink 0 and a reference; freed by inode_put if it gets no name. */
int inode_new(struct fs *fs, uint32_t near, uint32_t mode, uint32_t uid, uint32_t gid,
              struct inode **out);

/* *ip->d was changed. */
void inode_dirty(struct inode *ip);

/* Sets some of the times to now. */
#define TIME_A 1
#define TIME_M 2
#define TIME_C 4
void inode_touch(struct inode *ip, int which);

/* A name is gone: nlink was decremented by the caller. If it is 0 and others than the caller have
 * the inode open, or it has more blocks than one change may free, puts it on the list of orphans,
 * which a mount after a crash frees. */
void inode_unnamed(struct inode *ip);

/* Frees all orphans a crash left. Part of mounting. */
int inode_reclaim_orphans(struct fs *fs);

/* Forgets idle inodes. With the mount's end. */
void inode_drop_idle(struct fs *fs);

/* ---- bmap.c ---- */

/* The disk block of block `index` of a file; 0 if it is a hole. EIO, EFBIG. */
int bmap(struct inode *ip, uint64_t index, uint32_t *block);

/* The buffer of block `index` of a file, for writing, referenced. A hole gets a zeroed block. With
 * `whole` the caller overwrites all of it: it is not read, and its contents are undefined. The
 * caller marks it dirty. ENOSPC, EIO, ENOMEM, EFBIG. */
int bmap_buf(struct inode *ip, uint64_t index, enum buf_class class, bool whole, struct buf **out);

/* Frees the file's blocks from its end down to `index`, but not more than one change may free: on
 * return it has none from *reached on. EIO: with the disk failing it stopped there. */
int bmap_truncate(struct inode *ip, uint64_t index, uint64_t *reached);

/* ---- file.c ---- */

/* Reads up to *len bytes at `offset`; *len becomes what was there before the file's end. A failure
 * after some bytes is told by a smaller *len, not an error. */
int file_read(struct inode *ip, uint64_t offset, void *data, size_t *len);

/* Writes, growing the file. As many as *len tells were written, if that is more than 0. */
int file_write(struct inode *ip, uint64_t offset, const void *data, size_t *len);

/* Sets the size. Bytes a file grows by are zero. */
int file_truncate(struct inode *ip, uint64_t size);

/* A symbolic link's target that has no room in its inode; within a change. ENOSPC, EIO. */
int file_set_target(struct inode *ip, const char *target, size_t len);

/* ---- names_cache.c ---- */

/* hash: dir.c's of the name. NULL: it is not known; ask the directory. Valid until the next call. */
const struct cached_name *names_find(const struct inode *dp, const char *name, size_t len, uint32_t hash);
/* The directory has that name; ino is 0: it has it not. To be told of each change. */
void names_keep(const struct inode *dp, const char *name, size_t len, uint32_t hash, uint32_t ino);

/* ---- dir.c ---- */

/* Makes an inode with no blocks an empty directory in `parent`. */
int dir_init(struct inode *dp, uint32_t parent);

/* Finds a name: its inode number. ENOENT. */
int dir_lookup(struct inode *dp, const char *name, size_t len, uint32_t *ino);

/* Adds a name. EEXIST, ENOSPC. */
int dir_insert(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type);

/* Removes a name. ENOENT. */
int dir_remove(struct inode *dp, const char *name, size_t len);

/* Makes an existing name lead to another inode. ENOENT. */
int dir_replace(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type);

int dir_parent(struct inode *dp, uint32_t *ino);
int dir_set_parent(struct inode *dp, uint32_t ino);
int dir_is_empty(struct inode *dp, bool *empty);

/*
 * Reads the directory from *position on (0: the start), calling `emit` for each entry, "." and ".."
 * among them, until emit returns false (that entry is then the next to be read) or there are no
 * more. *position is moved to where to go on. A position stays good while names come and go: every
 * name that is there all the time is met exactly once.
 */
typedef bool (*dir_emit_t)(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type,
                           uint64_t next_position);
int dir_read(struct inode *dp, uint64_t *position, dir_emit_t emit, void *arg);

#include "names.h"

#endif
