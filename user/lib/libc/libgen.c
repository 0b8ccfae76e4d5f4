/* basename and dirname. [POSIX.1-2017] */
#include <libgen.h>
#include <string.h>

/* path without slashes at its end, but one alone; where they began. */
static char *trim(char *path)
{
    char *end = path + strlen(path);

    while (end > path + 1 && end[-1] == '/')
        *--end = '\0';
    return end;
}

char *basename(char *path)
{
    char *slash;

    if (path == NULL || *path == '\0')
        return ".";
    trim(path);
    slash = strrchr(path, '/');
    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

char *dirname(char *path)
{
    char *slash;

    if (path == NULL || *path == '\0')
        return ".";
    trim(path);
    slash = strrchr(path, '/');
    if (slash == NULL)
        return ".";
    slash[slash == path] = '\0';
    trim(path);
    return path;
}
