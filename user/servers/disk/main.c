/*
 * The disk server: disk.defs, in front of a virtio disk or an image in memory. Read disk.h before.
 *
 * It checks each request, and hands it to the back that was found at the start. Without any disk it
 * answers ENODEV, and whoever wanted one (the file server) says so.
 */
#include "disk.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <ports.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/disk_server.h>
#include <stdio.h>

static const struct disk *disk;
static struct port_object service;
static const struct port_class service_class = {.name = "disk service"};

kern_return_t S_disk_info(mach_port_t port, uint64_t *blocks, uint32_t *block_size,
                          boolean_t *read_only)
{
    (void)port;
    if (disk == NULL)
        return unix_err(ENODEV);
    *blocks = disk->blocks;
    *block_size = DISK_BLOCK_SIZE;
    *read_only = disk->read_only;
    return KERN_SUCCESS;
}

/* Do the blocks exist? */
static kern_return_t check_range(uint64_t block, uint64_t count)
{
    if (disk == NULL)
        return unix_err(ENODEV);
    if (count == 0 || count > DISK_BLOCKS_MAX || block >= disk->blocks ||
        count > disk->blocks - block)
        return unix_err(EINVAL);
    return KERN_SUCCESS;
}

kern_return_t S_disk_read(mach_port_t port, mach_port_t reply, uint64_t block, uint32_t count,
                          char *data, mach_msg_type_number_t *bytes)
{
    struct disk_request request = {DISK_READ, reply, block, count, NULL};
    kern_return_t kr = check_range(block, count);

    (void)port;
    if (kr == KERN_SUCCESS && *bytes < count * DISK_BLOCK_SIZE)
        kr = unix_err(EINVAL); /* the client has no room for it */
    if (kr == KERN_SUCCESS)
        kr = disk->start(&request, data);
    *bytes = count * DISK_BLOCK_SIZE;
    return kr;
}

kern_return_t S_disk_write(mach_port_t port, mach_port_t reply, uint64_t block, char *data,
                           mach_msg_type_number_t bytes)
{
    struct disk_request request = {DISK_WRITE, reply, block, bytes / DISK_BLOCK_SIZE, data};
    kern_return_t kr = check_range(block, request.count);

    (void)port;
    if (kr == KERN_SUCCESS && bytes % DISK_BLOCK_SIZE != 0)
        kr = unix_err(EINVAL);
    if (kr == KERN_SUCCESS && disk->read_only)
        kr = unix_err(EROFS);
    return kr == KERN_SUCCESS ? disk->start(&request, NULL) : kr;
}

kern_return_t S_disk_flush(mach_port_t port, mach_port_t reply)
{
    struct disk_request request = {DISK_FLUSH, reply, 0, 0, NULL};

    (void)port;
    return disk == NULL ? unix_err(ENODEV) : disk->start(&request, NULL);
}

int main(void)
{
    static const mig_demux_t demuxers[] = {disk_server, virtio_blk_intr_server, NULL};
    const char *why = NULL;
    mach_msg_size_t largest = disk_server_max_request;
    mach_port_t receive;
    kern_return_t kr;

    disk = ram_open(&why);
    if (disk == NULL && why == NULL)
        disk = virtio_blk_open(&why);
    if (why != NULL)
        printf("disk: %s\n", why);
    kr = bootstrap_check_in(bootstrap_port, SERVICE_DISK, &receive);
    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&service, &service_class, receive);
    if (kr != KERN_SUCCESS) {
        printf("disk: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    if (largest < disk_server_max_reply)
        largest = disk_server_max_reply;
    ports_serve(demuxers, largest);
}
