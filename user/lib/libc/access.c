/* access: by the mode bits of who we are; the super-user may all but execute what nobody may. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int faccessat(int fd, const char *path, int mode, int flags)
{
    struct stat st;
    int bits;

    (void)flags; /* real and effective ids are the same */
    if (mode & ~(R_OK | W_OK | X_OK))
        return __fail(EINVAL);
    if (fstatat(fd, path, &st, 0) < 0)
        return -1;
    if (getuid() == 0)
        bits = R_OK | W_OK | (S_ISDIR(st.st_mode) || st.st_mode & 0111 ? X_OK : 0);
    else if (getuid() == st.st_uid)
        bits = st.st_mode >> 6 & 7;
    else if (getgid() == st.st_gid)
        bits = st.st_mode >> 3 & 7;
    else
        bits = st.st_mode & 7;
    return (bits & mode) == mode ? 0 : __fail(EACCES);
}

int access(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, 0);
}
