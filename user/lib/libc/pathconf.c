/* What holds of files, and of the system as text. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK_LIMIT INT_MAX /* the file system counts links with 32 bits */
#define SIZE_BITS  33    /* files of 4 GiB */

static long answer(int name)
{
    switch (name) {
    case _PC_LINK_MAX:
        return LINK_LIMIT;
    case _PC_MAX_CANON:
        return MAX_CANON;
    case _PC_MAX_INPUT:
        return MAX_INPUT;
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    case _PC_CHOWN_RESTRICTED:
    case _PC_NO_TRUNC:
    case _PC_2_SYMLINKS:
        return 1;
    case _PC_VDISABLE:
        return _POSIX_VDISABLE;
    case _PC_FILESIZEBITS:
        return SIZE_BITS;
    case _PC_SYMLINK_MAX:
        return PATH_MAX - 1;
    default:
        errno = EINVAL;
        return -1;
    }
}

long pathconf(const char *path, int name)
{
    struct stat st;

    return stat(path, &st) < 0 ? -1 : answer(name);
}

long fpathconf(int fd, int name)
{
    return fcntl(fd, F_GETFD) < 0 ? -1 : answer(name);
}

size_t confstr(int name, char *buffer, size_t size)
{
    if (name != _CS_PATH) {
        errno = EINVAL;
        return 0;
    }
    return strlcpy(buffer, "/bin", buffer != NULL ? size : 0) + 1;
}
