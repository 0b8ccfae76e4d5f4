/* mkstemp: a file of a name nobody has. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX   6   /* X's at the end of a template */
#define ATTEMPTS 100

int mkstemp(char *template)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(template);
    char *suffix = template + length - SUFFIX;
    struct timespec now;
    uint64_t value;

    if (length < SUFFIX || strcmp(suffix, "XXXXXX") != 0) {
        errno = EINVAL;
        return -1;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    value = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec + (uint64_t)getpid() * 7919;
    for (int i = 0; i < ATTEMPTS; i++, value = value * 6364136223846793005ULL + 1) {
        uint64_t v = value >> 16;
        int fd;

        for (int j = 0; j < SUFFIX; j++, v /= sizeof(letters) - 1)
            suffix[j] = letters[v % (sizeof(letters) - 1)];
        fd = open(template, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}
