/*
 * xv6's files where they differ from POSIX's: other numbers for flags, a struct stat of its own, no
 * modes, one unlink for files and empty directories, a directory that read() gives as 16-byte
 * records, and no SIGPIPE.
 */
#include "../libc/posix.h"
#include "xv6.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <server_types.h>
#include <servers/io.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define XV6_O_CREATE 0x200
#define XV6_O_TRUNC  0x400

/* A directory being read: by descriptor, in a list. */
struct reading {
    struct reading *next;
    int fd;
    DIR *dir;          /* over a descriptor of its own */
    struct xv6_dirent entry; /* the one being given out, and */
    unsigned left;     /* how many bytes of it are */
};

static struct reading *readings;

int __xv6_open(const char *path, int flags)
{
    int posix = flags & O_ACCMODE;
    char cut[XV6_MAXPATH];
    int fd;

    if (flags & XV6_O_CREATE)
        posix |= O_CREAT;
    if (flags & XV6_O_TRUNC)
        posix |= O_TRUNC;
    path = __xv6_path(path, cut);
    fd = path != NULL ? open(path, posix, 0666) : -1;
    return fd < 0 ? -1 : __xv6_limit_fd(fd);
}

int __xv6_mkdir(const char *path)
{
    char cut[XV6_MAXPATH];

    path = __xv6_path(path, cut);
    return path != NULL ? mkdir(path, 0777) : -1;
}

int __xv6_mknod(const char *path, short major, short minor)
{
    char cut[XV6_MAXPATH];

    path = __xv6_path(path, cut);
    if (path == NULL)
        return -1;
    return mknod(path, S_IFCHR | 0666, makedev((dev_t)(unsigned short)major, (unsigned char)minor));
}

int __xv6_unlink(const char *path)
{
    char cut[XV6_MAXPATH];

    path = __xv6_path(path, cut);
    if (path == NULL)
        return -1;
    if (unlink(path) == 0)
        return 0;
    return errno == EISDIR || errno == EPERM ? rmdir(path) : -1;
}

static int convert(struct xv6_stat *to, const struct stat *from)
{
    to->dev = (int)from->st_dev;
    to->ino = (unsigned)from->st_ino;
    to->type = S_ISDIR(from->st_mode)   ? XV6_T_DIR
               : S_ISREG(from->st_mode) ? XV6_T_FILE
                                        : XV6_T_DEVICE;
    to->nlink = (short)from->st_nlink;
    to->size = (unsigned long)from->st_size;
    return 0;
}

int __xv6_fstat(int fd, struct xv6_stat *st)
{
    struct stat posix;

    return fstat(fd, &posix) == 0 ? convert(st, &posix) : -1;
}

int __xv6_stat(const char *path, struct xv6_stat *st)
{
    char cut[XV6_MAXPATH];
    struct stat posix;

    path = __xv6_path(path, cut);
    if (path == NULL)
        return -1;
    return stat(path, &posix) == 0 ? convert(st, &posix) : -1;
}

static struct reading **find_reading(int fd)
{
    struct reading **link = &readings;

    while (*link != NULL && (*link)->fd != fd)
        link = &(*link)->next;
    return link;
}

int __xv6_close(int fd)
{
    struct reading **link = find_reading(fd);
    struct reading *r = *link;

    if (r != NULL) {
        *link = r->next;
        closedir(r->dir);
        free(r);
    }
    return close(fd);
}

/* The reading of the directory fd, begun if it is not; NULL. */
static struct reading *get_reading(int fd)
{
    struct reading *r = *find_reading(fd);
    int copy;

    if (r != NULL)
        return r;
    r = calloc(1, sizeof(*r));
    copy = r != NULL ? fcntl(fd, F_DUPFD_CLOEXEC, 64) : -1; /* out of the way of its numbers */
    r = copy >= 0 ? r : (free(r), NULL);
    if (r == NULL)
        return NULL;
    r->dir = fdopendir(copy);
    if (r->dir == NULL) {
        close(copy);
        free(r);
        return NULL;
    }
    r->fd = fd;
    r->next = readings;
    readings = r;
    return r;
}

static int read_directory(int fd, char *to, unsigned size)
{
    struct reading *r = get_reading(fd);
    unsigned done = 0;

    if (r == NULL)
        return -1;
    while (done < size) {
        unsigned piece = size - done;

        if (r->left == 0) {
            struct dirent *e = readdir(r->dir);

            if (e == NULL)
                break;
            memset(&r->entry, 0, sizeof(r->entry));
            r->entry.inum = (unsigned short)e->d_ino != 0 ? (unsigned short)e->d_ino : 0xffff;
            memcpy(r->entry.name, e->d_name, strnlen(e->d_name, XV6_DIRSIZ));
            r->left = sizeof(r->entry);
        }
        if (piece > r->left)
            piece = r->left;
        memcpy(to + done, (char *)(&r->entry + 1) - r->left, piece);
        r->left -= piece;
        done += piece;
    }
    return (int)done;
}

int __xv6_read(int fd, void *buffer, int size)
{
    ssize_t n;

    if (size < 0)
        return -1;
    n = read(fd, buffer, size);
    return n < 0 && errno == EISDIR ? read_directory(fd, buffer, size) : (int)n;
}

/* POSIX's write raises SIGPIPE; xv6 has no signals. */
int __xv6_write(int fd, const void *buffer, int size)
{
    struct fd *f = __fd_get(fd);
    int done = 0;

    if (f == NULL || size < 0 || (f->flags & O_ACCMODE) == O_RDONLY)
        return -1;
    while (done < size) {
        uint32_t want = size - done < IO_DATA_MAX ? size - done : IO_DATA_MAX;
        uint32_t count = 0;

        __window_end(f);
        if (io_write(f->port, (char *)buffer + done, want, &count) != KERN_SUCCESS || count == 0
            || count > want)
            return done > 0 ? done : -1;
        done += (int)count;
    }
    return done;
}
