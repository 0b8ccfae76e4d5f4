/* write, pwrite. A message carries IO_DATA_MAX bytes at most; a longer write is several. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <server_types.h>
#include <servers/io.h>
#include <signal.h>
#include <unistd.h>

static struct fd *get_writable(int fd)
{
    struct fd *f = __fd_get(fd);

    if (f != NULL && (f->flags & O_ACCMODE) == O_RDONLY) {
        errno = EBADF;
        return NULL;
    }
    return f;
}

ssize_t write(int fd, const void *buffer, size_t size)
{
    struct fd *f = get_writable(fd);
    const char *from = buffer;
    size_t done = 0;
    int tries = 0;

    if (f == NULL)
        return -1;
    while (done < size) {
        uint32_t want = size - done < IO_DATA_MAX ? size - done : IO_DATA_MAX;
        uint32_t count = 0;
        kern_return_t kr;

        __window_end(f);
        do {
            __wait_begin(f->port);
            kr = io_write(f->port, (char *)from + done, want, &count);
        } while (__wait_again(kr));
        if (__window_retry(f, kr, &tries))
            continue;
        if (kr != KERN_SUCCESS) {
            __error(kr);
            if (errno == EPIPE && done == 0) {
                raise(SIGPIPE);
                errno = EPIPE;
            }
            return done > 0 ? (ssize_t)done : -1;
        }
        if (count == 0 || count > want)
            break; /* a server that took nothing and says all is well */
        done += count;
        if (count < want && (f->flags & O_NONBLOCK || mach_tcb()->interrupted))
            break;
    }
    return done;
}

ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    struct fd *f = get_writable(fd);
    const char *from = buffer;
    size_t done = 0;

    if (f == NULL)
        return -1;
    while (done < size) {
        uint32_t want = size - done < IO_DATA_MAX ? size - done : IO_DATA_MAX;
        uint32_t count = 0;
        kern_return_t kr =
            io_pwrite(f->port, offset + (off_t)done, (char *)from + done, want, &count);

        if (kr == MIG_BAD_ID)
            return __fail(ESPIPE);
        if (kr != KERN_SUCCESS)
            return done > 0 ? (ssize_t)done : __error(kr);
        if (count == 0 || count > want)
            break;
        done += count;
    }
    return done;
}
