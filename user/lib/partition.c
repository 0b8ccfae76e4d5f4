/*
 * Finds a partition. Read partition.h before.
 */
#include <errno.h>
#include <mach/error.h>
#include <partition.h>
#include <server_types.h>
#include <servers/disk.h>
#include <string.h>

/* The record, in the first sector: four entries at 446, the signature at 510. All little-endian. */
#define SECTOR_SIZE     512
#define ENTRIES_AT      446
#define ENTRIES         4
#define SIGNATURE_AT    510
#define SIGNATURE       0xaa55

struct entry {
    uint8_t boot;
    uint8_t first_chs[3]; /* cylinders, heads, sectors: of no use any more */
    uint8_t type;
    uint8_t last_chs[3];
    uint8_t first[4];     /* sector */
    uint8_t count[4];
};

static uint32_t word(const uint8_t *at)
{
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

kern_return_t partition_find(mach_port_t disk, uint8_t type, struct partition *found)
{
    static char block[4096] __attribute__((aligned(8)));
    mach_msg_type_number_t got = sizeof(block);
    struct entry entries[ENTRIES];
    uint32_t block_size, sectors;
    boolean_t read_only;
    kern_return_t kr;

    found->first = 0;
    kr = disk_info(disk, &found->blocks, &block_size, &read_only);
    if (kr == KERN_SUCCESS)
        kr = disk_read(disk, 0, 1, block, &got);
    if (kr != KERN_SUCCESS)
        return kr;
    if (got != sizeof(block) || block_size != sizeof(block))
        return unix_err(EIO);
    if ((uint8_t)block[SIGNATURE_AT] != (SIGNATURE & 0xff)
        || (uint8_t)block[SIGNATURE_AT + 1] != SIGNATURE >> 8)
        return unix_err(EINVAL);
    memcpy(entries, block + ENTRIES_AT, sizeof(entries));
    sectors = block_size / SECTOR_SIZE;
    for (int i = 0; i < ENTRIES; i++) {
        uint64_t first = word(entries[i].first), count = word(entries[i].count);

        if (entries[i].type != type || first == 0 || count == 0 || first % sectors != 0
            || first / sectors + count / sectors > found->blocks)
            continue;
        found->first = first / sectors;
        found->blocks = count / sectors;
        return KERN_SUCCESS;
    }
    return unix_err(ENOENT);
}
