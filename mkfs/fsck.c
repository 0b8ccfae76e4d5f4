/*
 * fsck: checks a file-system image and says in words what is wrong.
 *
 *   fsck [-v] [-r] IMAGE   exit status: 0 clean, 1 errors found, 2 wrong usage or unreadable
 *
 * It only reads, but with -r recovers from the log what a crash left there. It trusts nothing: a number
 * from the image is compared with its bounds before it is used. The passes, each of which relies on what
 * those before it found in order:
 *
 *   1 superblock   is it one, are the areas where they can be
 *   2 log          is it one, are there transactions to be recovered (checklog.c)
 *   3 inodes       each inode by itself, and its block map (checkmap.c)
 *   4 directories  each directory's tree and entries (checkdir.c)
 *   5 orphans      the list of open files without names
 *   6 links        counts of links, and is everything reachable from the root
 *   7 bitmaps      against what was found in use
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define NSEC_PER_SEC 1000000000U

static bool all_zero(const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Pass 1. False if the rest of the image cannot be made sense of. */
static bool check_super(struct check *c, uint64_t file_size)
{
    const struct ostiafs_super *s = c->super;
    uint64_t at;

    if (s->magic != OSTIAFS_MAGIC) {
        complain(c, "superblock: no Ostia file system here (magic %016llx, not %016llx)",
                 (unsigned long long)s->magic, (unsigned long long)OSTIAFS_MAGIC);
        return false;
    }
    if (s->version != OSTIAFS_VERSION || s->block_size != OSTIAFS_BLOCK_SIZE) {
        complain(c, "superblock: version %u with blocks of %u bytes, which this fsck does not know",
                 s->version, s->block_size);
        return false;
    }
    if ((s->incompat & ~OSTIAFS_INCOMPAT_KNOWN) || (s->ro_compat & ~OSTIAFS_RO_COMPAT_KNOWN) ||
        (s->compat & ~OSTIAFS_COMPAT_KNOWN)) {
        complain(c, "superblock: has features this fsck does not know (%x %x %x)", s->compat,
                 s->ro_compat, s->incompat);
        return false;
    }
    if (s->nblocks > file_size / OSTIAFS_BLOCK_SIZE || s->nblocks > OSTIAFS_MAX_BLOCKS) {
        complain(c, "superblock: says %llu blocks, but the image has %llu",
                 (unsigned long long)s->nblocks,
                 (unsigned long long)(file_size / OSTIAFS_BLOCK_SIZE));
        return false;
    }
    at = 1;
    bool ok = s->log_start == at && s->log_blocks >= OSTIAFS_LOG_MIN;
    at += s->log_blocks;
    ok = ok && s->ibitmap_start == at;
    at += ostiafs_blocks_for(s->ninodes, OSTIAFS_BITS_PER_BLOCK);
    ok = ok && s->bbitmap_start == at;
    at += ostiafs_blocks_for(s->nblocks, OSTIAFS_BITS_PER_BLOCK);
    ok = ok && s->itable_start == at;
    at += ostiafs_blocks_for(s->ninodes, OSTIAFS_INODES_PER_BLOCK);
    ok = ok && s->data_start == at && at < s->nblocks;
    ok = ok && s->ninodes > OSTIAFS_ROOT_INO && s->ninodes % OSTIAFS_INODES_PER_BLOCK == 0;
    if (!ok) {
        complain(c, "superblock: the areas overlap or do not fit (%u inodes, %llu blocks)",
                 s->ninodes, (unsigned long long)s->nblocks);
        return false;
    }
    if (!all_zero(s->reserved, sizeof s->reserved) ||
        !all_zero(s + 1, OSTIAFS_BLOCK_SIZE - sizeof *s))
        complain(c, "superblock: reserved bytes are not zero");
    return true;
}

/* One inode by itself: the fields, by type. */
static void check_fields(struct check *c, uint32_t ino)
{
    const struct ostiafs_inode *ip = check_inode(c, ino);
    uint32_t type = ip->mode & OSTIAFS_S_IFMT;
    bool device = type == OSTIAFS_S_IFCHR || type == OSTIAFS_S_IFBLK;
    bool contents = type == OSTIAFS_S_IFREG || type == OSTIAFS_S_IFDIR || type == OSTIAFS_S_IFLNK;

    if (!device && !contents && type != OSTIAFS_S_IFIFO && type != OSTIAFS_S_IFSOCK) {
        complain(c, "inode %u: mode %o is of no known type", ino, ip->mode);
        c->known[ino].broken = true;
        return;
    }
    if (ip->flags != 0 || !all_zero(ip->reserved, sizeof ip->reserved))
        complain(c, "inode %u: reserved fields are not zero", ino);
    if (ip->atime_nsec >= NSEC_PER_SEC || ip->mtime_nsec >= NSEC_PER_SEC ||
        ip->ctime_nsec >= NSEC_PER_SEC)
        complain(c, "inode %u: a time has more than a second of nanoseconds", ino);
    if (!device && (ip->rdev_major != 0 || ip->rdev_minor != 0))
        complain(c, "inode %u: not a device, but has device numbers %u, %u", ino, ip->rdev_major,
                 ip->rdev_minor);
    if (!contents && ip->size != 0)
        complain(c, "inode %u: a device or pipe with a size of %llu", ino,
                 (unsigned long long)ip->size);
    if (ip->size > OSTIAFS_MAX_FILE_SIZE)
        complain(c, "inode %u: a size of %llu is more than a file can have", ino,
                 (unsigned long long)ip->size);
    if (type == OSTIAFS_S_IFLNK) {
        if (ip->size == 0 || ip->size > OSTIAFS_SYMLINK_MAX)
            complain(c, "inode %u: a symbolic link of %llu bytes", ino,
                     (unsigned long long)ip->size);
        else if (ip->size <= OSTIAFS_SYMLINK_INLINE && memchr(ip->block, '\0', ip->size) != NULL)
            complain(c, "inode %u: its link target has a zero byte", ino);
    }
}

/* A long symbolic link's target: only once its map is known to be good. */
static void check_long_link(struct check *c, uint32_t ino)
{
    const struct ostiafs_inode *ip = check_inode(c, ino);

    if (ip->size > OSTIAFS_SYMLINK_INLINE && ip->size <= OSTIAFS_SYMLINK_MAX &&
        !c->known[ino].broken && memchr(check_block(c, ip->block[0]), '\0', ip->size) != NULL)
        complain(c, "inode %u: its link target has a zero byte", ino);
}

/* Pass 3. */
static void check_inodes(struct check *c)
{
    if (!all_zero(check_inode(c, 0), sizeof(struct ostiafs_inode)))
        complain(c, "inode 0: is not empty");
    for (uint32_t ino = 1; ino < c->super->ninodes; ino++) {
        const struct ostiafs_inode *ip = check_inode(c, ino);

        if (ip->mode == 0) {
            struct ostiafs_inode free = {.generation = ip->generation};

            if (memcmp(ip, &free, sizeof free) != 0)
                complain(c, "inode %u: is free, but not empty", ino);
            continue;
        }
        c->known[ino].used = true;
        c->files++;
        check_fields(c, ino);
        check_map(c, ino);
        if ((ip->mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFLNK)
            check_long_link(c, ino);
    }
}

static bool is_dir(const struct check *c, uint32_t ino)
{
    return c->known[ino].used && (check_inode(c, ino)->mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFDIR;
}

/* Pass 4. */
static void check_dirs(struct check *c)
{
    if (!is_dir(c, OSTIAFS_ROOT_INO))
        complain(c, "inode %u: should be the root directory, and is no directory",
                 OSTIAFS_ROOT_INO);
    for (uint32_t ino = 1; ino < c->super->ninodes; ino++) {
        if (!is_dir(c, ino))
            continue;
        c->dirs++;
        /* One without links is an orphan, and half of it may be freed already. */
        if (!c->known[ino].broken && check_inode(c, ino)->nlink != 0)
            check_dir(c, ino);
    }
}

/* Pass 5. */
static void check_orphans(struct check *c)
{
    uint32_t ino = c->super->orphan_head;

    while (ino != 0) {
        if (ino >= c->super->ninodes || !c->known[ino].used) {
            complain(c, "orphan list: leads to inode %u, which is not in use", ino);
            return;
        }
        if (c->known[ino].orphan) {
            complain(c, "orphan list: goes round in a circle at inode %u", ino);
            return;
        }
        c->known[ino].orphan = true;
        if (check_inode(c, ino)->nlink != 0)
            complain(c, "orphan list: inode %u has links", ino);
        ino = check_inode(c, ino)->next_orphan;
    }
    for (ino = 1; ino < c->super->ninodes; ino++)
        if (c->known[ino].used && !c->known[ino].orphan && check_inode(c, ino)->next_orphan != 0)
            complain(c, "inode %u: points to an orphan, but is not on their list", ino);
}

/* Does following parents from this directory lead to the root? Each step is an entry that exists.
 * */
static bool reaches_root(const struct check *c, uint32_t ino)
{
    for (uint32_t steps = 0; steps < c->super->ninodes; steps++) {
        if (ino == OSTIAFS_ROOT_INO)
            return true;
        if (ino == 0)
            return false;
        ino = c->known[ino].parent;
    }
    return false;
}

/* A directory's place: the parent it tells, and a way to the root. */
static void check_place(struct check *c, uint32_t ino)
{
    const struct ostiafs_inode *ip = check_inode(c, ino);
    const struct known *k = &c->known[ino];
    uint32_t parent = ino == OSTIAFS_ROOT_INO ? ino : k->parent;
    const struct ostiafs_dirblk *root;

    if (k->broken || check_bmap(c, ip, 0) == 0)
        return;
    root = check_block(c, check_bmap(c, ip, 0));
    if (parent != 0 && root->parent != parent)
        complain(c, "directory %u: its parent is %u, but it says %u", ino, parent, root->parent);
    if (parent != 0 && !reaches_root(c, ino))
        complain(c, "directory %u: cannot be reached from the root", ino);
}

/* Pass 6. */
static void check_links(struct check *c)
{
    for (uint32_t ino = 1; ino < c->super->ninodes; ino++) {
        const struct ostiafs_inode *ip = check_inode(c, ino);
        const struct known *k = &c->known[ino];
        uint32_t links = k->links;

        if (!k->used)
            continue;
        if (is_dir(c, ino)) {
            if (!k->orphan) /* its own "." and, for the root, the place of an entry */
                links += k->subdirs + 1 + (ino == OSTIAFS_ROOT_INO);
            check_place(c, ino);
        }
        if (k->links == 0 && !k->orphan && ino != OSTIAFS_ROOT_INO)
            complain(c, "inode %u: is in use, but no directory names it", ino);
        else if (ip->nlink != links)
            complain(c, "inode %u: says it has %u links, but has %u", ino, ip->nlink, links);
    }
}

/* Compares `count` bits of the bitmap at `block` with what is in use; bits after it must be 1. */
static void check_bitmap(struct check *c, const char *what, uint32_t block, uint64_t count,
                         bool (*in_use)(const struct check *, uint64_t))
{
    const uint8_t *map = check_block(c, block);
    uint64_t bits = ostiafs_blocks_for(count, OSTIAFS_BITS_PER_BLOCK) * OSTIAFS_BITS_PER_BLOCK;

    for (uint64_t i = 0; i < bits; i++) {
        bool marked = map[i / 8] >> i % 8 & 1;

        if (i >= count) {
            if (!marked) {
                complain(c, "%s bitmap: bits past the end are not set", what);
                return;
            }
        } else if (marked && !in_use(c, i)) {
            complain(c, "%s bitmap: %s %llu is marked in use, but nothing uses it", what, what,
                     (unsigned long long)i);
        } else if (!marked && in_use(c, i)) {
            complain(c, "%s bitmap: %s %llu is marked free, but is in use", what, what,
                     (unsigned long long)i);
        }
    }
}

static bool inode_in_use(const struct check *c, uint64_t i)
{
    return i == 0 || c->known[i].used;
}

static bool block_in_use(const struct check *c, uint64_t i)
{
    return c->claimed[i] != 0;
}

/* All passes. False if there was no memory for them. */
static bool check_all(struct check *c, uint64_t file_size, int repair_fd)
{
    const struct ostiafs_super *s = c->super;

    if (!check_super(c, file_size))
        return true;
    c->claimed = calloc(s->nblocks, sizeof c->claimed[0]);
    c->known = calloc(s->ninodes, sizeof c->known[0]);
    if (c->claimed == NULL || c->known == NULL)
        return false;
    for (uint32_t i = 0; i < s->data_start; i++)
        c->claimed[i] = CLAIM_META;
    if (!check_log(c, repair_fd))
        return false;
    if (s->sum != ostiafs_super_sum(s))
        complain(c, "superblock: checksum is wrong");
    check_inodes(c);
    check_dirs(c);
    check_orphans(c);
    check_links(c);
    check_bitmap(c, "inode", s->ibitmap_start, s->ninodes, inode_in_use);
    check_bitmap(c, "block", s->bbitmap_start, s->nblocks, block_in_use);
    return true;
}

int main(int argc, char **argv)
{
    bool verbose = false;
    bool recover = false;
    const char *path = NULL;
    struct check c = {0};
    struct stat st;
    void *map;
    int fd;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            verbose = true;
        } else if (strcmp(argv[i], "-r") == 0) {
            recover = true;
        } else if (argv[i][0] == '-' || path != NULL) {
            path = NULL;
            break;
        } else {
            path = argv[i];
        }
    }
    if (path == NULL) {
        fprintf(stderr, "usage: fsck [-v] [-r] IMAGE\n");
        return 2;
    }
    fd = open(path, recover ? O_RDWR : O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, "fsck: %s: %s\n", path, strerror(errno));
        return 2;
    }
    if (st.st_size < (off_t)OSTIAFS_BLOCK_SIZE) {
        printf("superblock: the image is shorter than a block\n%s: 1 error\n", path);
        return 1;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        fprintf(stderr, "fsck: %s: %s\n", path, strerror(errno));
        return 2;
    }
    c.image = map;
    c.super = map;
    if (!check_all(&c, (uint64_t)st.st_size, recover ? fd : -1)) {
        fprintf(stderr, "fsck: %s: out of memory\n", path);
        return 2;
    }
    if (c.recovered != 0)
        printf("%s: %llu transaction%s recovered from the log\n", path,
               (unsigned long long)c.recovered, c.recovered == 1 ? "" : "s");
    if (c.errors > COMPLAINTS_SHOWN)
        printf("... and %llu more\n", (unsigned long long)(c.errors - COMPLAINTS_SHOWN));
    if (verbose && c.claimed != NULL)
        printf("%u of %u inodes in use (%u directories), %llu of %llu data blocks\n", c.files,
               c.super->ninodes - 1, c.dirs, (unsigned long long)c.blocks_used,
               (unsigned long long)(c.super->nblocks - c.super->data_start));
    if (c.errors != 0)
        printf("%s: %llu error%s\n", path, (unsigned long long)c.errors, c.errors == 1 ? "" : "s");
    else
        printf("%s: clean\n", path);
    free(c.claimed);
    free(c.known);
    munmap(map, (size_t)st.st_size);
    close(fd);
    return c.errors != 0;
}
