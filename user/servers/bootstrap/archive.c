/*
 * The boot archive: a tar file (POSIX.1-1988 "ustar", pax manual page) in memory. Only regular
 * files matter. The kernel took `bootstrap` out of the same archive (kernel/kern/bootstrap.c).
 */
#include "bootstrap.h"

#include <string.h>

#define BLOCK 512

/* Offsets and sizes of the header fields used. */
#define NAME_SIZE     100
#define SIZE_OFFSET   124
#define SIZE_DIGITS   12
#define TYPE_OFFSET   156
#define MAGIC_OFFSET  257
#define PREFIX_OFFSET 345

static const char *archive_start;
static size_t archive_size;

void archive_init(const char *start, size_t size)
{
    archive_start = start;
    archive_size = size;
}

static size_t octal(const char *digits, int count)
{
    size_t value = 0;

    for (; count > 0 && *digits >= '0' && *digits <= '7'; count--, digits++)
        value = value * 8 + (*digits - '0');
    return value;
}

/* Is this header's name the one sought? "./" in front is ignored. */
static boolean_t has_name(const char *header, const char *name)
{
    size_t length = strlen(name);

    if (header[PREFIX_OFFSET] != '\0')
        return FALSE; /* longer than 100 bytes: none of ours */
    if (header[0] == '.' && header[1] == '/')
        header += 2;
    return length < NAME_SIZE && strncmp(header, name, length + 1) == 0;
}

const char *archive_find(const char *name, size_t *size)
{
    size_t offset = 0;

    while (archive_size - offset >= 2 * BLOCK) {
        const char *header = archive_start + offset;
        size_t length;

        if (memcmp(header + MAGIC_OFFSET, "ustar", 5) != 0)
            break; /* the end: zeros */
        length = octal(header + SIZE_OFFSET, SIZE_DIGITS);
        if (length > archive_size - offset - BLOCK)
            break; /* cut off */
        if ((header[TYPE_OFFSET] == '0' || header[TYPE_OFFSET] == '\0') && has_name(header, name)) {
            *size = length;
            return header + BLOCK;
        }
        offset += BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
        if (offset > archive_size)
            break;
    }
    return NULL;
}
