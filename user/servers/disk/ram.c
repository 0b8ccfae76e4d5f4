/*
 * ram.c: a disk in memory, for runs that must be the same to the last instruction: no host thread
 * ends a request at a moment of its own. The image is the file disk.img of the boot archive; what
 * is written to it lives as long as this server.
 */
#include "disk.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <string.h>

#define IMAGE "disk.img"

static char *image;

static kern_return_t start(const struct disk_request *request, char *data)
{
    size_t bytes = (size_t)request->count * DISK_BLOCK_SIZE;
    char *at = image + request->block * DISK_BLOCK_SIZE;

    if (request->op == DISK_READ)
        memcpy(data, at, bytes);
    else if (request->op == DISK_WRITE)
        memcpy(at, request->data, bytes);
    return KERN_SUCCESS;
}

static struct disk disk = {.start = start};

const struct disk *ram_open(const char **why)
{
    mach_msg_type_number_t size;
    vm_offset_t data;

    if (bootstrap_archive_file(bootstrap_port, IMAGE, &data, &size) != KERN_SUCCESS)
        return NULL;
    if (size < DISK_BLOCK_SIZE) {
        *why = "the boot archive's " IMAGE " is shorter than a block";
        return NULL;
    }
    image = (char *)data;
    disk.blocks = size / DISK_BLOCK_SIZE;
    return &disk;
}
