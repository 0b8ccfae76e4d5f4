/*
 * disk.h: what the disk server's front (main.c: messages) and its two backs (virtio_blk.c: a real
 * disk, ram.c: an image in memory) say to each other.
 */
#ifndef _DISK_SERVER_H_
#define _DISK_SERVER_H_

#include <mach/mach_types.h>
#include <stdbool.h>

#define DISK_BLOCK_SIZE 4096
#define DISK_BLOCKS_MAX 4 /* in one request */

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH };

struct disk_request {
    enum disk_op op;
    mach_port_t reply; /* a send-once right, used by whoever answers */
    uint64_t block;    /* checked: the blocks exist */
    uint32_t count;
    const char *data;  /* of a write: only good during the call */
};

struct disk {
    uint64_t blocks;
    bool read_only;
    /*
     * Does a request. Returns KERN_SUCCESS when it is done, with a read's blocks in `data`;
     * MIG_NO_REPLY when it has taken the reply right, and will answer with one of
     * S_disk_read_reply, S_disk_write_reply and S_disk_flush_reply; or an error.
     */
    kern_return_t (*start)(const struct disk_request *request, char *data);
};

/* The virtio disk; NULL: there is none. `why` is set when there is one that cannot be used. */
const struct disk *virtio_blk_open(const char **why);
/* A demultiplexer: the disk's interrupts. */
boolean_t virtio_blk_intr_server(mach_msg_header_t *in, mach_msg_header_t *out);

/* A disk in memory, from the boot archive's file disk.img; NULL: there is no such file. */
const struct disk *ram_open(const char **why);

#endif
