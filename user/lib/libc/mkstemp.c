/* mkstemp and mkdtemp: a file, a directory, of a name nobody has. */
#include "mktemp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX   6   /* X's at the end of a template */
#define ATTEMPTS 100

int __mktemp(char *template, int suffix_length, int (*make)(char *name, void *argument), void *argument)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(template);
    size_t behind = suffix_length >= 0 ? (size_t)suffix_length : length;
    struct timespec now;
    uint64_t value;
    char *x;

    if (length < SUFFIX + behind || strncmp(template + length - behind - SUFFIX, "XXXXXX", SUFFIX) != 0) {
        errno = EINVAL;
        return -1;
    }
    x = template + length - behind - SUFFIX;
    clock_gettime(CLOCK_MONOTONIC, &now);
    value = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec + (uint64_t)getpid() * 7919;
    for (int i = 0; i < ATTEMPTS; i++, value = value * 6364136223846793005ULL + 1) {
        uint64_t v = value >> 16;
        int result;

        for (int j = 0; j < SUFFIX; j++, v /= sizeof(letters) - 1)
            x[j] = letters[v % (sizeof(letters) - 1)];
        result = make(template, argument);
        if (result >= 0 || errno != EEXIST)
            return result;
    }
    return -1;
}

static int make_file(char *name, void *flags)
{
    return open(name, O_RDWR | O_CREAT | O_EXCL | *(int *)flags, 0600);
}

int mkostemps(char *template, int suffix_length, int flags)
{
    return __mktemp(template, suffix_length, make_file, &flags);
}

int mkostemp(char *template, int flags)
{
    return mkostemps(template, 0, flags);
}

int mkstemps(char *template, int suffix_length)
{
    return mkostemps(template, suffix_length, 0);
}

int mkstemp(char *template)
{
    return mkostemps(template, 0, 0);
}

static int make_directory(char *name, void *unused)
{
    (void)unused;
    return mkdir(name, 0700);
}

char *mkdtemp(char *template)
{
    return __mktemp(template, 0, make_directory, NULL) == 0 ? template : NULL;
}
