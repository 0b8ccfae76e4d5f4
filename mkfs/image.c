/*
 * image.c: builds a volume in memory. Read ostiafs.h (the format) and image.h before.
 *
 * A builder has it easy: it never frees, so the next free block is a number that grows, files lie
 * contiguously, and the bitmaps are filled in at the end.
 */
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *image_block(struct image *im, uint32_t block)
{
    return im->bytes + (size_t)block * OSTIAFS_BLOCK_SIZE;
}

uint32_t image_alloc(struct image *im)
{
    if (im->next_free >= im->nblocks)
        die("the contents do not fit on a volume of %llu KiB; give a larger -s",
            (unsigned long long)im->nblocks * (OSTIAFS_BLOCK_SIZE / 1024));
    return im->next_free++;
}

struct ostiafs_inode *image_inode(struct image *im, uint32_t ino)
{
    struct ostiafs_inode *table = image_block(im, im->super->itable_start);

    return &table[ino];
}

void image_init(struct image *im, uint64_t nblocks, uint32_t ninodes, uint32_t log_blocks,
                int64_t now, uint32_t hash_seed, const char *label)
{
    uint64_t at = 1;
    struct ostiafs_super *s;

    if (nblocks > OSTIAFS_MAX_BLOCKS)
        die("a volume has at most %llu blocks", (unsigned long long)OSTIAFS_MAX_BLOCKS);
    im->bytes = mmap(NULL, nblocks * OSTIAFS_BLOCK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (im->bytes == MAP_FAILED)
        die("no memory for an image of %llu blocks", (unsigned long long)nblocks);
    im->nblocks = nblocks;
    im->now = now;
    im->super = s = (struct ostiafs_super *)im->bytes;

    uint64_t itable = ostiafs_blocks_for(ninodes, OSTIAFS_INODES_PER_BLOCK);
    uint64_t ibitmap = ostiafs_blocks_for(ninodes, OSTIAFS_BITS_PER_BLOCK);
    uint64_t bbitmap = ostiafs_blocks_for(nblocks, OSTIAFS_BITS_PER_BLOCK);
    if (at + log_blocks + ibitmap + bbitmap + itable >= nblocks)
        die("a volume of %llu blocks has no room for its log and %u inodes",
            (unsigned long long)nblocks, ninodes);

    s->magic = OSTIAFS_MAGIC;
    s->version = OSTIAFS_VERSION;
    s->block_size = OSTIAFS_BLOCK_SIZE;
    s->hash_seed = hash_seed;
    s->nblocks = nblocks;
    s->ninodes = ninodes;
    s->log_start = (uint32_t)at;
    s->log_blocks = log_blocks;
    s->ibitmap_start = (uint32_t)(at += log_blocks);
    s->bbitmap_start = (uint32_t)(at += ibitmap);
    s->itable_start = (uint32_t)(at += bbitmap);
    s->data_start = (uint32_t)(at += itable);
    s->created = now;
    memcpy(s->label, label, strnlen(label, sizeof s->label));
    im->next_free = s->data_start;

    struct ostiafs_log_header *log = image_block(im, s->log_start);
    log->magic = OSTIAFS_LOG_MAGIC;
    log->tail = 1;
    log->seq = 1;
    log->sum = ostiafs_log_header_sum(log);
}

/* Follows (and makes) the pointer *p; a new block counts as the file's. */
static uint32_t *follow(struct image *im, struct ostiafs_inode *ip, uint32_t *p)
{
    if (*p == 0) {
        *p = image_alloc(im);
        ip->blocks++;
    }
    return image_block(im, *p);
}

void *image_file_block(struct image *im, struct ostiafs_inode *ip, uint64_t index)
{
    const uint64_t n = OSTIAFS_NPTR;

    if (index < OSTIAFS_NDIRECT)
        return follow(im, ip, &ip->block[index]);
    index -= OSTIAFS_NDIRECT;
    if (index < n) {
        uint32_t *one = follow(im, ip, &ip->block[OSTIAFS_IND1]);
        return follow(im, ip, &one[index]);
    }
    index -= n;
    if (index < n * n) {
        uint32_t *two = follow(im, ip, &ip->block[OSTIAFS_IND2]);
        uint32_t *one = follow(im, ip, &two[index / n]);
        return follow(im, ip, &one[index % n]);
    }
    index -= n * n;
    uint32_t *three = follow(im, ip, &ip->block[OSTIAFS_IND3]);
    uint32_t *two = follow(im, ip, &three[index / (n * n)]);
    uint32_t *one = follow(im, ip, &two[index / n % n]);
    return follow(im, ip, &one[index % n]);
}

/* Copies a host file. Blocks of zeros become holes: the bytes read are the same. */
static void write_file(struct image *im, struct ostiafs_inode *ip, const struct node *n)
{
    static const uint8_t zeros[OSTIAFS_BLOCK_SIZE];
    uint8_t buf[OSTIAFS_BLOCK_SIZE];
    FILE *f = fopen(n->host_path, "rb");
    uint64_t left = n->size;

    if (f == NULL)
        die("%s: %s", n->host_path, strerror(errno));
    for (uint64_t i = 0; left > 0; i++) {
        size_t want = left < sizeof buf ? (size_t)left : sizeof buf;

        if (fread(buf, 1, want, f) != want)
            die("%s: cannot be read, or has changed its size", n->host_path);
        if (memcmp(buf, zeros, want) != 0)
            memcpy(image_file_block(im, ip, i), buf, want);
        left -= want;
    }
    fclose(f);
}

static void write_node(struct image *im, struct node *n)
{
    struct ostiafs_inode *ip = image_inode(im, n->ino);

    if (n->same != NULL)
        return;
    ip->mode = (uint16_t)n->mode;
    ip->nlink = n->nlink;
    ip->size = n->size;
    ip->atime = ip->mtime = ip->ctime = im->now;
    ip->generation = 1;
    ip->rdev_major = n->major;
    ip->rdev_minor = n->minor;
    switch (n->mode & OSTIAFS_S_IFMT) {
    case OSTIAFS_S_IFREG:
        write_file(im, ip, n);
        break;
    case OSTIAFS_S_IFLNK:
        if (n->size <= OSTIAFS_SYMLINK_INLINE)
            memcpy(ip->block, n->target, n->size);
        else
            memcpy(image_file_block(im, ip, 0), n->target, n->size);
        break;
    case OSTIAFS_S_IFDIR:
        image_write_dir(im, n);
        for (size_t i = 0; i < n->nchildren; i++)
            write_node(im, n->child[i]);
        break;
    }
}

/* Sets bits [from, to) of the bitmap that starts at `block`. */
static void set_bits(struct image *im, uint32_t block, uint64_t from, uint64_t to)
{
    uint8_t *map = image_block(im, block);

    for (uint64_t i = from; i < to; i++)
        map[i / 8] |= (uint8_t)(1U << i % 8);
}

void image_write_tree(struct image *im, struct node *root, uint32_t inodes_used)
{
    struct ostiafs_super *s = im->super;
    uint64_t ibits = (uint64_t)(s->bbitmap_start - s->ibitmap_start) * OSTIAFS_BITS_PER_BLOCK;
    uint64_t bbits = (uint64_t)(s->itable_start - s->bbitmap_start) * OSTIAFS_BITS_PER_BLOCK;
    uint64_t id;

    write_node(im, root);
    set_bits(im, s->ibitmap_start, 0, OSTIAFS_ROOT_INO + inodes_used);
    set_bits(im, s->ibitmap_start, s->ninodes, ibits);
    set_bits(im, s->bbitmap_start, 0, im->next_free);
    set_bits(im, s->bbitmap_start, s->nblocks, bbits);

    /* The volume's identity is a sum of what is on it: the same contents, the same bytes. */
    id = ostiafs_sum(image_block(im, s->itable_start),
                     (size_t)(im->next_free - s->itable_start) * OSTIAFS_BLOCK_SIZE, s->nblocks);
    memcpy(s->uuid, &id, 8);
    id = ostiafs_sum(s, sizeof *s, id);
    memcpy(s->uuid + 8, &id, 8);
    s->sum = ostiafs_super_sum(s);
}
