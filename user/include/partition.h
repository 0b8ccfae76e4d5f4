/*
 * Parts of a disk: the table in its first block, the PC's master boot record [UEFI 2.10, 5.2.1],
 * which mkfs/mkdisk writes. In blocks of the disk server (4096 bytes).
 */
#ifndef _PARTITION_H_
#define _PARTITION_H_

#include <mach/mach_types.h>
#include <stdint.h>

/* Types of partitions, as Linux's fdisk lists them: 0x82 is what it swaps to, and 0x7f is left for
 * private use: an Ostia file system. */
#define PARTITION_SWAP    0x82
#define PARTITION_OSTIAFS 0x7f

struct partition {
    uint64_t first;  /* block of the disk */
    uint64_t blocks;
};

/*
 * The first partition of `type` of the disk. ENOENT as a unix_err: there is a table, and it is not in
 * it; EINVAL: there is no table, the disk is one whole (*found is all of it); what disk_info and
 * disk_read return. A table with borders outside of the disk, or not on a block, names nothing.
 */
kern_return_t partition_find(mach_port_t disk, uint8_t type, struct partition *found);

#endif
