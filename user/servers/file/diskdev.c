/*
 * diskdev.c: a block device for the core, by messages to the disk server. Read disk.defs before.
 *
 * This is where the file server waits for the disk: one request at a time, since there is one
 * thread. (For reads that it does not wait for, see diskread.c.) A disk server that dies is started again
 * by the bootstrap task and gets the same port, so a request that was lost with it is sent once more;
 * reading and writing blocks twice does no harm.
 */
#include "diskdev.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <partition.h>
#include <servers/bootstrap.h>
#include <servers/disk.h>

#define REQUEST_BLOCKS 4 /* most that one message carries, see disk.defs */
#define ATTEMPTS       8 /* while the disk server is restarted */
#define PAUSE          50 /* ms between them */

struct disk {
    struct bdev dev; /* first */
    uint64_t first;  /* block of the disk where the file system begins */
    mach_port_t port;
};

/* True if a request that failed with kr should be sent again. */
static bool again(kern_return_t kr, int *attempts)
{
    if (kr == KERN_SUCCESS || is_unix_err(kr) || ++*attempts >= ATTEMPTS)
        return false;
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, PAUSE);
    return true;
}

static int to_errno(kern_return_t kr)
{
    if (kr == KERN_SUCCESS)
        return 0;
    return is_unix_err(kr) ? (int)err_get_code(kr) : EIO;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

mach_port_t diskdev_place(const struct bdev *dev, uint64_t block, uint64_t *there)
{
    const struct disk *disk = (const struct disk *)dev;

    *there = disk->first + block;
    return disk->port;
}

static int read_blocks(struct bdev *dev, uint64_t block, uint32_t count, void *data)
{
    struct disk *disk = (struct disk *)dev;
    char *at = data;

    while (count > 0) {
        uint32_t n = smaller(count, REQUEST_BLOCKS);
        mach_msg_type_number_t bytes;
        int attempts = 0;
        kern_return_t kr;

        do {
            bytes = n * OSTIAFS_BLOCK_SIZE;
            kr = disk_read(disk->port, disk->first + block, n, at, &bytes);
        } while (again(kr, &attempts));
        if (kr != KERN_SUCCESS)
            return to_errno(kr);
        if (bytes != n * OSTIAFS_BLOCK_SIZE)
            return EIO;
        block += n;
        count -= n;
        at += bytes;
    }
    return 0;
}

static int write_blocks(struct bdev *dev, uint64_t block, uint32_t count, const void *data)
{
    struct disk *disk = (struct disk *)dev;
    char *at = (char *)data; /* the stub only reads it */

    while (count > 0) {
        uint32_t n = smaller(count, REQUEST_BLOCKS);
        int attempts = 0;
        kern_return_t kr;

        do
            kr = disk_write(disk->port, disk->first + block, at, n * OSTIAFS_BLOCK_SIZE);
        while (again(kr, &attempts));
        if (kr != KERN_SUCCESS)
            return to_errno(kr);
        block += n;
        count -= n;
        at += n * OSTIAFS_BLOCK_SIZE;
    }
    return 0;
}

static int flush(struct bdev *dev)
{
    struct disk *disk = (struct disk *)dev;
    int attempts = 0;
    kern_return_t kr;

    do
        kr = disk_flush(disk->port);
    while (again(kr, &attempts));
    return to_errno(kr);
}

static struct disk the_disk = {
    .dev = {.read = read_blocks, .write = write_blocks, .flush = flush},
};

int diskdev_open(struct bdev **dev, const char **why)
{
    struct partition part;
    uint32_t block_size;
    boolean_t read_only;
    int attempts = 0;
    kern_return_t kr = bootstrap_look_up(bootstrap_port, SERVICE_DISK, &the_disk.port);

    *why = "there is no disk server";
    if (kr != KERN_SUCCESS)
        return ENODEV;
    do
        kr = disk_info(the_disk.port, &the_disk.dev.nblocks, &block_size, &read_only);
    while (again(kr, &attempts));
    *why = "there is no usable disk (QEMU wants -drive and -device virtio-blk-device)";
    if (kr != KERN_SUCCESS)
        return to_errno(kr);
    *why = "the disk has blocks of a size this server does not know";
    if (block_size != OSTIAFS_BLOCK_SIZE)
        return EINVAL;
    do
        kr = partition_find(the_disk.port, PARTITION_OSTIAFS, &part);
    while (again(kr, &attempts));
    *why = "the disk has partitions, but none with a file system of this kind";
    if (kr != KERN_SUCCESS && to_errno(kr) != EINVAL) /* EINVAL: a disk without partitions */
        return to_errno(kr);
    the_disk.first = part.first;
    the_disk.dev.nblocks = part.blocks;
    the_disk.dev.readonly = read_only;
    *dev = &the_disk.dev;
    return 0;
}
