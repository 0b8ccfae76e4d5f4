/* read, pread. A message carries IO_DATA_MAX bytes at most. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <server_types.h>
#include <servers/io.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_regular(struct fd *f)
{
    io_stat_t st;

    if (f->kind == FD_UNKNOWN)
        f->kind = io_stat(f->port, &st) == KERN_SUCCESS && S_ISREG(st.st_mode) ? FD_REGULAR
                                                                               : FD_OTHER;
    return f->kind == FD_REGULAR;
}

static struct fd *get_readable(int fd)
{
    struct fd *f = __fd_get(fd);

    if (f != NULL && (f->flags & O_ACCMODE) == O_WRONLY) {
        errno = EBADF;
        return NULL;
    }
    return f;
}

/*
 * Only of a regular file is more asked for when a whole message has come: a pipe or terminal that
 * has no more would make the caller wait for what it has already.
 */
ssize_t read(int fd, void *buffer, size_t size)
{
    struct fd *f = get_readable(fd);
    char *to = buffer;
    size_t done = 0;
    int tries = 0;

    if (f == NULL)
        return -1;
    if (f->flags & O_NONBLOCK && !__fd_ready(f, IO_POLL_IN))
        return __fail(EAGAIN);
    while (done < size) {
        uint32_t want = size - done < IO_DATA_MAX ? size - done : IO_DATA_MAX;
        mach_msg_type_number_t count = want;
        kern_return_t kr;
        ssize_t copied;

        if (f->window != NULL && (copied = __window_read(f, to + done, size - done)) >= 0)
            return (ssize_t)done + copied;
        do {
            __wait_begin(f->port);
            count = want;
            kr = io_read(f->port, want, to + done, &count);
        } while (__wait_again(kr));
        if (__window_retry(f, kr, &tries))
            continue;
        if (kr != KERN_SUCCESS)
            return done > 0 ? (ssize_t)done : __error(kr);
        done += count;
        if (count < IO_DATA_MAX || (done < size && !is_regular(f)))
            break;
    }
    if (f->own && done != 0)
        __window_consider(f);
    return done;
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    struct fd *f = get_readable(fd);
    char *to = buffer;
    size_t done = 0;

    if (f == NULL)
        return -1;
    while (done < size) {
        uint32_t want = size - done < IO_DATA_MAX ? size - done : IO_DATA_MAX;
        mach_msg_type_number_t count = want;
        kern_return_t kr = io_pread(f->port, offset + (off_t)done, want, to + done, &count);

        if (kr == MIG_BAD_ID)
            return __fail(ESPIPE);
        if (kr != KERN_SUCCESS)
            return done > 0 ? (ssize_t)done : __error(kr);
        done += count;
        if (count < IO_DATA_MAX)
            break;
    }
    return done;
}
