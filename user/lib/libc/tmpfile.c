/* Temporary files and directories, and names for them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mktemp.h"

FILE *tmpfile(void)
{
    char name[] = P_tmpdir "/tmpXXXXXX";
    int fd = mkstemp(name);
    FILE *f;

    if (fd < 0)
        return NULL;
    unlink(name);
    f = fdopen(fd, "w+");
    if (f == NULL)
        close(fd);
    return f;
}

static int is_free(char *name, void *unused)
{
    struct stat st;

    (void)unused;
    if (lstat(name, &st) == 0)
        errno = EEXIST;
    return errno == ENOENT ? 0 : -1;
}

char *tmpnam(char *name)
{
    static char own[L_tmpnam];

    if (name == NULL)
        name = own;
    strcpy(name, P_tmpdir "/tmpXXXXXX");
    return __mktemp(name, 0, is_free, NULL) == 0 ? name : NULL;
}

char *tempnam(const char *directory, const char *prefix)
{
    const char *variable = getenv("TMPDIR");
    char *name;

    if (variable != NULL && access(variable, W_OK) == 0)
        directory = variable;
    else if (directory == NULL || access(directory, W_OK) != 0)
        directory = P_tmpdir;
    if (asprintf(&name, "%s/%.5sXXXXXX", directory, prefix != NULL ? prefix : "") < 0)
        return NULL;
    if (__mktemp(name, 0, is_free, NULL) == 0)
        return name;
    free(name);
    return NULL;
}

char *ctermid(char *name)
{
    static char own[L_ctermid];

    return strcpy(name != NULL ? name : own, "/dev/tty");
}
