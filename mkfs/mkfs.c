/*
 * mkfs: builds a file-system image from a folder of the host.
 *
 *   mkfs IMAGE [-d FOLDER] [-s SIZE] [-i INODES] [-l LOGBLOCKS] [-L LABEL] [-S SEED]
 *        [-D "PATH c MAJOR MINOR [MODE]"]... [-D "PATH d [MODE]"]... [-D @FILE]...
 *
 * The image depends on the arguments and the folder alone: names are sorted, owners are 0,
 * permissions are 644 or 755 by the executable bit, and times are 1970 unless SOURCE_DATE_EPOCH
 * says otherwise. Nothing is left at IMAGE if it fails. Read ostiafs.h before; tree.c reads the
 * folder, image.c and dirbuild.c write the volume.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>

#include "image.h"

#define MIN_INODES    64
#define SPARE_BLOCKS  1024 /* without -s: 4 MiB free, and a quarter of the contents */
#define BLOCKS_A_FILE 4    /* without -i: an inode for every 16 KiB */
#define LOG_SHARE     32   /* without -l: a log of 1/32 of the volume, */
#define LOG_MAX       8192 /* but at most 32 MiB */
#define DEFAULT_SEED  0x6f737469U

static void usage(void)
{
    fprintf(stderr, "usage: mkfs IMAGE [-d FOLDER] [-s SIZE[K|M|G]] [-i INODES] [-l LOGBLOCKS]\n"
                    "            [-L LABEL] [-S HASHSEED] [-D \"PATH c|b MAJOR MINOR [MODE]\"]\n"
                    "            [-D \"PATH d [MODE]\"] [-D @FILE]\n");
    exit(2);
}

/* A number with an optional K, M or G. */
static uint64_t number(const char *s, uint64_t max)
{
    char *end;
    unsigned long long v;
    int shift = 0;

    errno = 0;
    v = strtoull(s, &end, 0);
    switch (*end) {
    case 'K': case 'k': shift = 10; end++; break;
    case 'M': case 'm': shift = 20; end++; break;
    case 'G': case 'g': shift = 30; end++; break;
    }
    if (end == s || *end != '\0' || s[0] == '-' || errno != 0 || v > max >> shift)
        die("%s: not a number in range", s);
    return (uint64_t)v << shift;
}

/* Writes the image beside its name and renames it when whole. */
static void save(const struct image *im, const char *path)
{
    size_t len = strlen(path) + 16;
    char *tmp = xalloc(len);
    uint64_t size = (uint64_t)im->next_free * OSTIAFS_BLOCK_SIZE;
    uint64_t at = 0;
    int fd;

    snprintf(tmp, len, "%s.tmp%d", path, (int)getpid());
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        die("%s: %s", tmp, strerror(errno));
    while (at < size) {
        static const uint8_t zeros[OSTIAFS_BLOCK_SIZE];
        uint64_t n = 0;
        ssize_t done;

        while (at < size && memcmp(im->bytes + at, zeros, sizeof zeros) == 0)
            at += sizeof zeros; /* stays a hole of the host's file */
        while (at + n < size && n < (1U << 20) &&
               memcmp(im->bytes + at + n, zeros, sizeof zeros) != 0)
            n += sizeof zeros;
        if (n == 0)
            break;
        done = pwrite(fd, im->bytes + at, n, (off_t)at);
        if (done <= 0)
            goto fail;
        at += (uint64_t)done;
    }
    if (ftruncate(fd, (off_t)(im->nblocks * OSTIAFS_BLOCK_SIZE)) != 0)
        goto fail;
    if (close(fd) != 0 || rename(tmp, path) != 0)
        goto fail;
    free(tmp);
    return;
fail:
    fprintf(stderr, "mkfs: %s: %s\n", path, strerror(errno));
    unlink(tmp);
    exit(1);
}

int main(int argc, char **argv)
{
    const char *image_path = NULL;
    const char *label = "ostia";
    uint64_t size = 0;
    uint64_t inodes = 0;
    uint64_t log_blocks = 0;
    uint64_t seed = DEFAULT_SEED;
    int64_t now = 0;
    struct node *root = tree_new();
    struct image im = {0};

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (argv[i][0] != '-') {
            if (image_path != NULL)
                usage();
            image_path = argv[i];
            continue;
        }
        if (argv[i][1] == '\0' || argv[i][2] != '\0' || value == NULL)
            usage();
        switch (argv[i++][1]) {
        case 'd': tree_add_folder(root, value); break;
        case 's': size = number(value, OSTIAFS_MAX_BLOCKS * OSTIAFS_BLOCK_SIZE); break;
        case 'i': inodes = number(value, UINT32_MAX); break;
        case 'l': log_blocks = number(value, 1U << 20); break;
        case 'L': label = value; break;
        case 'S': seed = number(value, UINT32_MAX); break;
        case 'D':
            if (value[0] == '@')
                tree_add_spec_file(root, value + 1);
            else
                tree_add_spec(root, value);
            break;
        default: usage();
        }
    }
    if (image_path == NULL)
        usage();
    if (getenv("SOURCE_DATE_EPOCH") != NULL)
        now = (int64_t)number(getenv("SOURCE_DATE_EPOCH"), INT64_MAX);

    uint64_t need = 0;
    uint32_t used = tree_number(root, &need);
    uint64_t nblocks = size / OSTIAFS_BLOCK_SIZE;
    if (size == 0)
        nblocks = (need + used / OSTIAFS_INODES_PER_BLOCK) * 5 / 4 + SPARE_BLOCKS;
    if (inodes == 0) {
        inodes = nblocks / BLOCKS_A_FILE;
        if (inodes < used + used / 4 + MIN_INODES)
            inodes = used + used / 4 + MIN_INODES;
    }
    if (inodes <= used)
        die("%u files need more than %llu inodes", used, (unsigned long long)inodes);
    /* The last block of the inode table is used whole, and inode 0 is none. */
    inodes = ostiafs_blocks_for(inodes + 1, OSTIAFS_INODES_PER_BLOCK) * OSTIAFS_INODES_PER_BLOCK;
    if (inodes > UINT32_MAX)
        die("too many inodes");
    if (log_blocks == 0) {
        log_blocks = nblocks / LOG_SHARE;
        log_blocks = log_blocks < OSTIAFS_LOG_MIN ? OSTIAFS_LOG_MIN : log_blocks;
        log_blocks = log_blocks > LOG_MAX ? LOG_MAX : log_blocks;
    }
    if (log_blocks < OSTIAFS_LOG_MIN)
        die("a log has at least %d blocks", OSTIAFS_LOG_MIN);

    image_init(&im, nblocks, (uint32_t)inodes, (uint32_t)log_blocks, now, (uint32_t)seed, label);
    image_write_tree(&im, root, used);
    save(&im, image_path);
    return 0;
}
