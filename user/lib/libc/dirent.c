/* Reading directories: fs_readdir gives as many records as fit in a message. */
#include "posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <server_types.h>
#include <servers/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 4096 /* fs.defs: dirents_t */

struct DIR {
    int fd;
    uint32_t at;     /* of the next record in entries */
    uint32_t size;   /* of what is there */
    uint64_t cookie; /* of the next record */
    struct dirent entry;
    char entries[ENTRIES_MAX] __attribute__((aligned(8)));
};

DIR *fdopendir(int fd)
{
    struct stat st;
    DIR *dir;

    if (fstat(fd, &st) < 0)
        return NULL;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    dir = malloc(sizeof(*dir));
    if (dir == NULL)
        return NULL;
    dir->fd = fd;
    rewinddir(dir);
    return dir;
}

DIR *opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL && fd >= 0) {
        int error = errno;

        close(fd);
        errno = error;
    }
    return dir;
}

int __dirent_ok(const io_dirent_t *e, size_t room)
{
    return room >= offsetof(io_dirent_t, d_name) && e->d_reclen <= room
           && e->d_reclen >= offsetof(io_dirent_t, d_name) + e->d_namlen + 1;
}

/* Asks for more records. 0: there are none, or an error, which is in errno. */
static int refill(DIR *dir)
{
    struct fd *f = __fd_get(dir->fd);
    mach_msg_type_number_t size = sizeof(dir->entries);
    kern_return_t kr;

    if (f == NULL)
        return 0;
    kr = fs_readdir(f->port, dir->cookie, dir->entries, &size);
    if (kr != KERN_SUCCESS) {
        __fs_error(kr);
        return 0;
    }
    dir->at = 0;
    dir->size = size;
    return size > 0;
}

struct dirent *readdir(DIR *dir)
{
    const io_dirent_t *e;
    size_t length;

    if (dir->at >= dir->size && !refill(dir))
        return NULL;
    e = (const io_dirent_t *)(dir->entries + dir->at);
    if (!__dirent_ok(e, dir->size - dir->at)) {
        errno = EIO;
        return NULL;
    }
    length = e->d_namlen;
    dir->entry.d_ino = e->d_ino;
    dir->entry.d_off = e->d_off;
    dir->entry.d_reclen = e->d_reclen;
    dir->entry.d_type = e->d_type;
    memcpy(dir->entry.d_name, e->d_name, length);
    dir->entry.d_name[length] = '\0';
    dir->at += e->d_reclen;
    dir->cookie = e->d_off;
    return &dir->entry;
}

void seekdir(DIR *dir, long position)
{
    dir->cookie = position;
    dir->at = 0;
    dir->size = 0;
}

void rewinddir(DIR *dir)
{
    seekdir(dir, 0);
}

long telldir(DIR *dir)
{
    return dir->cookie;
}

int dirfd(DIR *dir)
{
    return dir->fd;
}

int closedir(DIR *dir)
{
    int fd = dir->fd;

    free(dir);
    return close(fd);
}
