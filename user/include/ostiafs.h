/*
 * ostiafs.h: the on-disk format of Ostia's file system. Shared by the host tools (mkfs, fsck) and
 * by the file server; the one place where the format is defined. Read docs/14-files.md for the reasons.
 *
 * A volume is an array of 4 KiB blocks, all numbers little-endian:
 *
 *   block 0      log_start      ibitmap_start  bbitmap_start  itable_start   data_start
 *   +------------+--------------+--------------+--------------+--------------+----------- - - --+
 *   | superblock | log          | inode bitmap | block bitmap | inode table  | data blocks      |
 *   +------------+--------------+--------------+--------------+--------------+----------- - - --+
 *                  a header, and  1 = in use     1 = in use     16 inodes a    files, indirect
 *                  records, used                                block          blocks and
 *                  as a ring                                                   directories
 *
 * The inode bitmap has a bit per inode (inode 0 does not exist and is marked in use), the block
 * bitmap a bit per block of the volume (the areas before data_start are marked in use). Bits past
 * the last inode or block are 1, so that a search never finds them.
 *
 * A file's blocks hang from its inode; a pointer that is 0 is a hole, which reads as zeros:
 *
 *   inode.block[0..31]  ---> data                                   the first 128 KiB
 *         .block[32]    ---> [1024 pointers] ---> data              the next 4 MiB
 *         .block[33]    ---> [1024] ---> [1024] ---> data           the next 4 GiB
 *         .block[34]    ---> [1024] ---> [1024] ---> [1024] ---> data    the next 4 TiB
 *
 * A symbolic link of up to 140 bytes is kept in block[] itself; a longer one in one data block.
 *
 * A directory is a B+-tree in the blocks of its file, ordered by a hash of the names. Its root is
 * always the file's block 0: a leaf in a small directory, else an index. When the root is full its
 * contents move to a new block and it becomes an index one level higher. Leaves are chained from
 * left to right.
 *
 *         block 0, level 1    [ key -> 1 | key -> 3 | key -> 2 ]
 *                                  |          |          |
 *         level 0              leaf 1 --->  leaf 3 ---> leaf 2          (next)
 *
 * A key is a name's 32-bit hash and a 16-bit sequence number that tells names of equal hash apart,
 * so every entry has a key of its own, which it keeps for life: a key is a place at which reading
 * the directory can stop and go on, whatever is added or removed meanwhile. Index slot i leads to
 * the keys from its own up to that of slot i + 1; slot 0 of an index begins where its parent's
 * slot does (at 0 on the left edge of the tree).
 *
 * A leaf, and an index, is a slotted page: slots, sorted by key, grow up from the header, and the
 * records (inode number and name) that a leaf's slots point to grow down from the end:
 *
 *   0        32                                   heap                                  4096
 *   +--------+------+------+------+---------------+---------+-------------+---------+----+
 *   | header | slot | slot | slot |  free         | record  | hole (frag) | record  | ...|
 *   +--------+------+------+------+---------------+---------+-------------+---------+----+
 *
 * "." and ".." are not entries: the first is implied, the second is `parent` in the root's header.
 */
#ifndef _OSTIAFS_H_
#define _OSTIAFS_H_

#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is used as it is in memory");

#define OSTIAFS_BLOCK_SHIFT 12
#define OSTIAFS_BLOCK_SIZE  4096U

/* ---- the superblock: the first 512 bytes of block 0; the rest of the block is zero ---- */

#define OSTIAFS_MAGIC   0x315346616974734fULL /* "OstiaFS1", read as bytes */
#define OSTIAFS_VERSION 1

/*
 * Features: a reader that does not know a bit of compat may ignore it, one that does not know a
 * bit of ro_compat may only read, and one that does not know a bit of incompat must refuse the
 * volume.
 */
#define OSTIAFS_COMPAT_KNOWN    0U
#define OSTIAFS_RO_COMPAT_KNOWN 0U
#define OSTIAFS_INCOMPAT_KNOWN  0U

struct ostiafs_super {
    uint64_t magic;
    uint64_t sum; /* ostiafs_sum of these 512 bytes, with this field 0 */
    uint32_t version;
    uint32_t block_size;
    uint32_t compat;
    uint32_t ro_compat;
    uint32_t incompat;
    uint32_t hash_seed; /* of directory hashes */
    uint64_t nblocks;   /* of the volume, all areas included; below 2^32 */
    uint32_t ninodes;   /* inode numbers are 1 .. ninodes - 1 */
    uint32_t log_start; /* where the areas begin, in blocks */
    uint32_t log_blocks;
    uint32_t ibitmap_start;
    uint32_t bbitmap_start;
    uint32_t itable_start;
    uint32_t data_start;
    uint32_t orphan_head; /* first inode with no links that was still open; 0 none */
    int64_t created;      /* seconds since 1970 */
    uint8_t uuid[16];
    char label[32]; /* zero padded */
    uint32_t reserved[94];
};
_Static_assert(sizeof(struct ostiafs_super) == 512, "superblock");

#define OSTIAFS_BITS_PER_BLOCK (OSTIAFS_BLOCK_SIZE * 8)
#define OSTIAFS_MAX_BLOCKS     0xffffffffULL /* block numbers are 32 bits: volumes below 16 TiB */

/* ---- inodes ---- */

#define OSTIAFS_ROOT_INO 1U
#define OSTIAFS_NDIRECT  32
#define OSTIAFS_NPTR     1024 /* pointers in an indirect block */
#define OSTIAFS_IND1     32   /* block[] index of the single indirect block, */
#define OSTIAFS_IND2     33   /* the double, */
#define OSTIAFS_IND3     34   /* and the triple */
#define OSTIAFS_NBLOCK   35

/* File types, in the high bits of mode: POSIX's traditional values. */
#define OSTIAFS_S_IFMT  0170000U
#define OSTIAFS_S_IFIFO 0010000U
#define OSTIAFS_S_IFCHR 0020000U
#define OSTIAFS_S_IFDIR 0040000U
#define OSTIAFS_S_IFBLK 0060000U
#define OSTIAFS_S_IFREG 0100000U
#define OSTIAFS_S_IFLNK 0120000U
#define OSTIAFS_S_IFSOCK 0140000U

struct ostiafs_inode {
    uint16_t mode;  /* type and permissions; 0: the inode is free */
    uint16_t flags; /* 0 */
    uint32_t nlink; /* entries that name it; of a directory: 2 + its subdirectories */
    uint32_t uid;
    uint32_t gid;
    uint64_t size;   /* bytes; of a directory a multiple of the block size */
    uint64_t blocks; /* blocks held, indirect ones included */
    int64_t atime;   /* seconds since 1970 */
    int64_t mtime;
    int64_t ctime;
    uint32_t atime_nsec;
    uint32_t mtime_nsec;
    uint32_t ctime_nsec;
    uint32_t generation;  /* counts the files that have had this number; survives freeing */
    uint32_t next_orphan; /* list of inodes without links, from the superblock's orphan_head */
    uint32_t rdev_major;  /* of a device node */
    uint32_t rdev_minor;
    uint32_t reserved[8];
    uint32_t block[OSTIAFS_NBLOCK];
};
_Static_assert(sizeof(struct ostiafs_inode) == 256, "inode");

#define OSTIAFS_INODES_PER_BLOCK (OSTIAFS_BLOCK_SIZE / 256)
#define OSTIAFS_SYMLINK_INLINE   (OSTIAFS_NBLOCK * 4) /* a target up to this long is in block[] */
#define OSTIAFS_SYMLINK_MAX      (OSTIAFS_BLOCK_SIZE - 1)
#define OSTIAFS_MAX_FILE_BLOCKS                                                                    \
    (OSTIAFS_NDIRECT + (uint64_t)OSTIAFS_NPTR + (uint64_t)OSTIAFS_NPTR * OSTIAFS_NPTR +            \
     (uint64_t)OSTIAFS_NPTR * OSTIAFS_NPTR * OSTIAFS_NPTR)
#define OSTIAFS_MAX_FILE_SIZE (OSTIAFS_MAX_FILE_BLOCKS * OSTIAFS_BLOCK_SIZE)

/* ---- directories ---- */

#define OSTIAFS_NAME_MAX   255
#define OSTIAFS_DIR_MAGIC  0x42726944U /* "DirB" */
#define OSTIAFS_DIR_LEVELS 5           /* levels a tree may have: room for over 10^11 entries */

struct ostiafs_dirblk {
    uint32_t magic;
    uint32_t owner;    /* the directory's inode number */
    uint8_t level;     /* 0 leaf, else index */
    uint8_t reserved0;
    uint16_t nslots;
    uint16_t heap;     /* leaf: where the lowest record begins; index: OSTIAFS_BLOCK_SIZE */
    uint16_t frag;     /* leaf: bytes of records removed and not yet squeezed out */
    uint32_t next;     /* leaf: file block of the leaf to the right, 0 if last */
    uint32_t parent;   /* root: the directory this one is in (the root directory: itself); else 0 */
    uint32_t nentries; /* root: names in the directory; else 0 */
    uint32_t reserved1;
};
_Static_assert(sizeof(struct ostiafs_dirblk) == 32, "directory block header");

struct ostiafs_leaf_slot {
    uint32_t hash;
    uint16_t seq;
    uint16_t off; /* of the record, from the block's start; a multiple of 4 */
};
_Static_assert(sizeof(struct ostiafs_leaf_slot) == 8, "leaf slot");

struct ostiafs_index_slot {
    uint32_t hash;
    uint16_t seq;
    uint16_t reserved;
    uint32_t child; /* file block */
};
_Static_assert(sizeof(struct ostiafs_index_slot) == 12, "index slot");

struct ostiafs_dirent {
    uint32_t ino;
    uint8_t type; /* mode >> 12 of the inode */
    uint8_t namelen;
    char name[]; /* not terminated */
};

/* Bytes a record takes: header and name, to the next multiple of 4. */
#define OSTIAFS_DIRENT_SIZE(namelen) ((6U + (namelen) + 3U) & ~3U)
#define OSTIAFS_DIR_SPACE            (OSTIAFS_BLOCK_SIZE - (uint32_t)sizeof(struct ostiafs_dirblk))
#define OSTIAFS_INDEX_SLOTS          (OSTIAFS_DIR_SPACE / sizeof(struct ostiafs_index_slot))

/* The key as one number, for comparing and for a directory position. */
#define OSTIAFS_KEY(hash, seq) ((uint64_t)(hash) << 16 | (seq))

/*
 * The hash of a name: FNV-1a over its bytes from a seeded start, then a final mix, since a B+-tree
 * compares high bits first. [Fowler, Noll, Vo; the mix is MurmurHash3's]
 */
static inline uint32_t ostiafs_hash(uint32_t seed, const char *name, size_t len)
{
    uint32_t h = 2166136261U ^ seed;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * 16777619U;
    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;
    h *= 0xc2b2ae35U;
    h ^= h >> 16;
    return h;
}

/* ---- the log ----
 *
 * A change to the file system touches several blocks (a directory, an inode, a bitmap); the log
 * makes them appear on disk all or none. The changed blocks are first written to the log as one
 * transaction, and only when it is complete there, to their homes. After a crash the complete
 * transactions are written home again, which does no harm if it had been done already.
 *
 *   log block 0        1 ...
 *   +--------+---------------------------------------------------------------------+
 *   | header |  ... [record | b | b | b ][record | b ] (free) ...   ring, wraps     |
 *   +--------+---------------------------------------------------------------------+
 *                  ^ tail        one transaction
 *
 * A transaction is one or more records of equal `seq`, the last flagged LAST. A record is one block
 * that names `count` home blocks, followed by their contents (LOG_WRITE), or names blocks of which
 * no earlier copy in the log may be written home, since they were freed (LOG_REVOKE, no contents).
 * Recovery starts at the header's tail with the header's seq and goes on, seq + 1 each time, while
 * records are whole: magic, seq and checksum right, up to one with LAST. The checksum covers the
 * record, the blocks behind it, and the records of the transaction before it, so a transaction needs
 * one flush of the disk's cache, not two: torn writes are seen, and so is a record that an earlier
 * attempt at the same transaction left. Logged blocks need no escaping, since nothing searches for
 * records. A revocation is for copies of transactions before its own.
 */
#define OSTIAFS_LOG_MAGIC  0x676f4c46U /* "FLog" */
#define OSTIAFS_LOG_WRITE  1
#define OSTIAFS_LOG_REVOKE 2
#define OSTIAFS_LOG_LAST   1U /* flag */
#define OSTIAFS_LOG_MIN    64 /* blocks a log has at least */

struct ostiafs_log_header { /* the rest of its block is zero */
    uint32_t magic;
    uint32_t tail; /* where the oldest transaction not known to be home begins, from log_start */
    uint64_t seq;  /* its number. If no whole record is there, the log is empty */
    uint64_t sum;  /* ostiafs_sum of these 24 bytes, with this field 0 */
};
_Static_assert(sizeof(struct ostiafs_log_header) == 24, "log header");

#define OSTIAFS_LOG_COUNT ((OSTIAFS_BLOCK_SIZE - 32) / 4)

struct ostiafs_log_record {
    uint32_t magic;
    uint16_t type;
    uint16_t flags;
    uint64_t seq;
    uint64_t sum; /* of this block with this field 0, continued over the blocks behind it; starting from
                   * the sum of the transaction's record before it, 0 for the first */
    uint32_t count;
    uint32_t reserved;
    uint32_t block[OSTIAFS_LOG_COUNT];
};
_Static_assert(sizeof(struct ostiafs_log_record) == OSTIAFS_BLOCK_SIZE, "log record");

/*
 * The checksum: against torn and stray writes, not against malice. Each 64-bit word is mixed in by
 * steps that can be undone (xor, rotate, multiply by an odd number), so any change of one word
 * changes the sum. len is a multiple of 8; start is 0, or the sum of what comes before.
 */
static inline uint64_t ostiafs_sum(const void *data, size_t len, uint64_t start)
{
    const unsigned char *p = data;
    uint64_t h = start ^ 0x9e3779b97f4a7c15ULL;

    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t w;

        __builtin_memcpy(&w, p + i, 8);
        h ^= w;
        h = (h << 29 | h >> 35) * 0xff51afd7ed558ccdULL;
    }
    return h ^ h >> 32;
}

/* The sum a superblock should carry. */
static inline uint64_t ostiafs_super_sum(const struct ostiafs_super *s)
{
    struct ostiafs_super copy = *s;

    copy.sum = 0;
    return ostiafs_sum(&copy, sizeof copy, 0);
}

/* The sum a log header should carry. */
static inline uint64_t ostiafs_log_header_sum(const struct ostiafs_log_header *h)
{
    struct ostiafs_log_header copy = *h;

    copy.sum = 0;
    return ostiafs_sum(&copy, sizeof copy, 0);
}

/* Blocks that hold n things of which `per` fit in one. */
static inline uint64_t ostiafs_blocks_for(uint64_t n, uint64_t per)
{
    return n / per + (n % per != 0);
}

#endif
