/*
 * mkdisk: a disk with partitions: a file system, and a swap space for the default pager.
 *
 *   mkdisk DISK FSIMAGE SWAPSIZE[K|M|G]
 *
 * The table is a PC's master boot record [UEFI 2.10, 5.2.1]. Partitions begin at whole MiB, as is
 * usual. The disk depends on the image and the size alone, and where there is nothing it is a hole of
 * the host's file. Nothing is left at DISK if it fails. user/include/partition.h is who reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR       512
#define MIB          (1ULL << 20)
#define BLOCK        4096
#define ENTRIES_AT   446
#define SIGNATURE_AT 510
#define TYPE_OSTIAFS 0x7f /* partition.h */
#define TYPE_SWAP    0x82
#define CHS_NONE     0xff /* cylinder, head and sector are not used */

static const char *target;
static char temporary[4096];

static void fail(const char *name)
{
    fprintf(stderr, "mkdisk: %s: %s\n", name, strerror(errno));
    if (temporary[0] != '\0')
        unlink(temporary);
    exit(1);
}

static uint64_t number(const char *s)
{
    char *end;
    unsigned long long value;
    int shift;

    errno = 0;
    value = strtoull(s, &end, 10);
    shift = strcmp(end, "K") == 0 ? 10 : strcmp(end, "M") == 0 ? 20 : strcmp(end, "G") == 0 ? 30 : 0;
    if (end == s || s[0] == '-' || errno != 0 || (shift == 0 && *end != '\0')
        || value > (1ULL << 40) >> shift) {
        fprintf(stderr, "mkdisk: %s: not a size, like 64M\n", s);
        exit(2);
    }
    return value << shift;
}

static void put32(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Entry `index` of the table in `sector`; first and size in bytes. */
static void add_entry(uint8_t *sector, int index, uint8_t type, uint64_t first, uint64_t size)
{
    uint8_t *entry = sector + ENTRIES_AT + 16 * index;

    if ((first + size) / SECTOR > UINT32_MAX) {
        fprintf(stderr, "mkdisk: %s: larger than a boot record can say (2 TiB)\n", target);
        exit(1);
    }
    memset(entry + 1, CHS_NONE, 3);
    entry[4] = type;
    memset(entry + 5, CHS_NONE, 3);
    put32(entry + 8, first / SECTOR);
    put32(entry + 12, size / SECTOR);
}

/* Copies the image to `at`, but for blocks of zeros. Returns its size. */
static uint64_t copy(int in, int out, const char *name, uint64_t at)
{
    static uint8_t block[BLOCK], zeros[BLOCK];
    uint64_t size = 0;
    ssize_t n;

    while ((n = read(in, block, BLOCK)) > 0) {
        if (memcmp(block, zeros, (size_t)n) != 0
            && pwrite(out, block, (size_t)n, (off_t)(at + size)) != n)
            fail(temporary);
        size += (uint64_t)n;
    }
    if (n < 0)
        fail(name);
    return size;
}

int main(int argc, char **argv)
{
    uint8_t sector[SECTOR] = {0};
    uint64_t fs_size, swap_at, swap_size;
    int in, out;

    if (argc != 4) {
        fprintf(stderr, "usage: mkdisk DISK FSIMAGE SWAPSIZE[K|M|G]\n");
        return 2;
    }
    target = argv[1];
    swap_size = number(argv[3]) / BLOCK * BLOCK;
    in = open(argv[2], O_RDONLY);
    if (in < 0)
        fail(argv[2]);
    if (snprintf(temporary, sizeof(temporary), "%s.tmp%d", target, (int)getpid())
        >= (int)sizeof(temporary)) {
        temporary[0] = '\0';
        errno = ENAMETOOLONG;
        fail(target);
    }
    out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (out < 0)
        fail(temporary);
    fs_size = copy(in, out, argv[2], MIB);
    if (fs_size == 0 || fs_size % BLOCK != 0) {
        errno = EINVAL; /* no image of mkfs */
        fail(argv[2]);
    }
    swap_at = (MIB + fs_size + MIB - 1) / MIB * MIB;
    add_entry(sector, 0, TYPE_OSTIAFS, MIB, fs_size);
    if (swap_size != 0)
        add_entry(sector, 1, TYPE_SWAP, swap_at, swap_size);
    sector[SIGNATURE_AT] = 0x55;
    sector[SIGNATURE_AT + 1] = 0xaa;
    if (pwrite(out, sector, SECTOR, 0) != SECTOR
        || ftruncate(out, (off_t)(swap_at + swap_size)) != 0 || close(out) != 0
        || rename(temporary, target) != 0)
        fail(temporary);
    return 0;
}
