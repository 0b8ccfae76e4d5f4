/*
 * file.c: the bytes of a file. Read fs.h before.
 *
 * Bytes of the last block beyond the file's size may be anything on disk (a crash can leave them),
 * so they are zeroed when the file grows over them, and by who shows whole pages to others.
 */
#include "fs.h"

#include <errno.h>
#include <string.h>

static size_t smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/*
 * The reader goes from block to block: fetch the next ones of the file that lie together on the
 * disk, in one request.
 */
static void read_ahead(struct inode *ip, uint64_t index, uint32_t block)
{
    uint64_t end = ostiafs_blocks_for(ip->d->size, OSTIAFS_BLOCK_SIZE);
    uint32_t count = 1;

    while (count < BUF_RUN && index + count < end) {
        uint32_t next;

        if (bmap(ip, index + count, &next) != 0 || next != block + count)
            break;
        count++;
    }
    buf_prefetch(ip->fs, block, count);
}

int file_read(struct inode *ip, uint64_t offset, void *data, size_t *len)
{
    size_t want = *len;
    size_t done = 0;
    int err = 0;

    if (offset >= ip->d->size)
        want = 0;
    else
        want = smaller(want, ip->d->size - offset);
    while (done < want) {
        uint64_t index = (offset + done) / OSTIAFS_BLOCK_SIZE;
        size_t at = (size_t)((offset + done) % OSTIAFS_BLOCK_SIZE);
        size_t n = smaller(OSTIAFS_BLOCK_SIZE - at, want - done);
        uint32_t block;
        struct buf *b;

        err = bmap(ip, index, &block);
        if (err != 0)
            break;
        if (block == 0) {
            memset((char *)data + done, 0, n);
        } else {
            if (index == ip->ahead && index > 0 && at == 0)
                read_ahead(ip, index, block);
            err = buf_read(ip->fs, block, &b);
            if (err != 0)
                break;
            memcpy((char *)data + done, b->data + at, n);
            buf_put(b);
        }
        ip->ahead = index + 1;
        done += n;
    }
    *len = done;
    return done > 0 && err != FS_STALLED ? 0 : err;
}

/* Copies into one block of the file; the block is made if it is a hole. */
static int write_block(struct inode *ip, uint64_t index, size_t at, const void *data, size_t n)
{
    struct fs *fs = ip->fs;
    struct buf *b;
    int err = bmap_buf(ip, index, BUF_DATA, n == OSTIAFS_BLOCK_SIZE, &b);

    if (err != 0)
        return err;
    memcpy(b->data + at, data, n);
    buf_dirty(fs, b, BUF_DATA);
    buf_put(b);
    return 0;
}

/* Zeroes the last block's bytes from `size` on, before the file grows over them. */
static int zero_tail(struct inode *ip)
{
    size_t at = (size_t)(ip->d->size % OSTIAFS_BLOCK_SIZE);
    uint32_t block;
    struct buf *b;
    int err;

    if (at == 0)
        return 0;
    err = bmap(ip, ip->d->size / OSTIAFS_BLOCK_SIZE, &block);
    if (err != 0 || block == 0)
        return err;
    err = buf_read(ip->fs, block, &b);
    if (err != 0)
        return err;
    memset(b->data + at, 0, OSTIAFS_BLOCK_SIZE - at);
    buf_dirty(ip->fs, b, BUF_DATA);
    buf_put(b);
    return 0;
}

/* One change of a write: as much as a transaction surely holds. *len becomes what was written. */
static int write_some(struct inode *ip, uint64_t offset, const void *data, size_t *len)
{
    size_t want = *len;
    size_t done = 0;
    int err;

    *len = 0;
    err = volume_begin(ip->fs);
    if (err != 0)
        return err;
    if (offset + want > ip->d->size)
        err = zero_tail(ip);
    while (err == 0 && done < want) {
        uint64_t index = (offset + done) / OSTIAFS_BLOCK_SIZE;
        size_t at = (size_t)((offset + done) % OSTIAFS_BLOCK_SIZE);
        size_t n = smaller(OSTIAFS_BLOCK_SIZE - at, want - done);

        err = write_block(ip, index, at, (const char *)data + done, n);
        if (err == 0)
            done += n;
    }
    if (done > 0) {
        if (offset + done > ip->d->size)
            ip->d->size = offset + done;
        inode_touch(ip, TIME_M | TIME_C);
    }
    volume_end(ip->fs);
    *len = done;
    return err;
}

int file_write(struct inode *ip, uint64_t offset, const void *data, size_t *len)
{
    size_t want = *len;
    size_t done = 0;
    int err = 0;

    *len = 0;
    if (want == 0)
        return 0;
    if (offset >= OSTIAFS_MAX_FILE_SIZE)
        return EFBIG;
    want = smaller(want, OSTIAFS_MAX_FILE_SIZE - offset);
    while (err == 0 && done < want) {
        size_t n = smaller(CHANGE_DATA * OSTIAFS_BLOCK_SIZE - (offset + done) % OSTIAFS_BLOCK_SIZE,
                           want - done);

        err = write_some(ip, offset + done, (const char *)data + done, &n);
        done += n;
    }
    *len = done;
    return done > 0 ? 0 : err;
}

/* Frees what lies past `size`, from the end on, in as many changes as it takes. */
static int shrink(struct inode *ip, uint64_t size)
{
    uint64_t end = ostiafs_blocks_for(size, OSTIAFS_BLOCK_SIZE);
    uint64_t reached;
    int err;

    do {
        err = volume_begin(ip->fs);
        if (err != 0)
            break;
        err = bmap_truncate(ip, end, &reached);
        if (reached == end)
            ip->d->size = size;
        else if (ip->d->size > reached * OSTIAFS_BLOCK_SIZE)
            ip->d->size = reached * OSTIAFS_BLOCK_SIZE;
        inode_touch(ip, TIME_M | TIME_C);
        volume_end(ip->fs);
    } while (err == 0 && reached != end);
    return err;
}

int file_truncate(struct inode *ip, uint64_t size)
{
    int err;

    if (size > OSTIAFS_MAX_FILE_SIZE)
        return EFBIG;
    if (size < ip->d->size)
        return shrink(ip, size);
    err = volume_begin(ip->fs);
    if (err != 0)
        return err;
    if (size > ip->d->size)
        err = zero_tail(ip);
    if (err == 0) {
        ip->d->size = size;
        inode_touch(ip, TIME_M | TIME_C);
    }
    volume_end(ip->fs);
    return err;
}

int file_set_target(struct inode *ip, const char *target, size_t len)
{
    struct buf *b;
    int err = bmap_buf(ip, 0, BUF_META, false, &b);

    if (err != 0)
        return err;
    memcpy(b->data, target, len);
    buf_dirty(ip->fs, b, BUF_META);
    buf_put(b);
    return 0;
}
