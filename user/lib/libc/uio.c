/*
 * readv and writev. What is small is gathered in one buffer, so that it is one message, and whole where a
 * write of that size is (a pipe's PIPE_BUF).
 */
#include "posix.h"

#include <errno.h>
#include <limits.h>
#include <server_types.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* The bytes of all parts; -1 with EINVAL. */
static ssize_t total(const struct iovec *parts, int count)
{
    size_t sum = 0;

    if (count <= 0 || count > IOV_MAX)
        return __fail(EINVAL);
    for (int i = 0; i < count; i++)
        if (__builtin_add_overflow(sum, parts[i].iov_len, &sum) || sum > SSIZE_MAX)
            return __fail(EINVAL);
    return (ssize_t)sum;
}

static ssize_t write_gathered(int fd, const struct iovec *parts, int count)
{
    char buffer[IO_DATA_MAX];
    size_t size = 0;

    for (int i = 0; i < count; i++) {
        memcpy(buffer + size, parts[i].iov_base, parts[i].iov_len);
        size += parts[i].iov_len;
    }
    return write(fd, buffer, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t size = total(parts, count);
    ssize_t done = 0;

    if (size < 0)
        return -1;
    if (size <= IO_DATA_MAX)
        return write_gathered(fd, parts, count);
    for (int i = 0; i < count; i++) {
        ssize_t n = write(fd, parts[i].iov_base, parts[i].iov_len);

        if (n < 0)
            return done > 0 ? done : -1;
        done += n;
        if ((size_t)n < parts[i].iov_len)
            break;
    }
    return done;
}

static ssize_t read_scattered(int fd, const struct iovec *parts, int count, size_t size)
{
    char buffer[IO_DATA_MAX];
    ssize_t n = read(fd, buffer, size);
    size_t at = 0;

    for (int i = 0; i < count && (ssize_t)at < n; i++) {
        size_t piece = parts[i].iov_len;

        if (piece > (size_t)n - at)
            piece = (size_t)n - at;
        memcpy(parts[i].iov_base, buffer + at, piece);
        at += piece;
    }
    return n;
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    ssize_t size = total(parts, count);
    ssize_t done = 0;

    if (size < 0)
        return -1;
    if (size <= IO_DATA_MAX)
        return read_scattered(fd, parts, count, (size_t)size);
    for (int i = 0; i < count; i++) {
        ssize_t n = read(fd, parts[i].iov_base, parts[i].iov_len);

        if (n < 0)
            return done > 0 ? done : -1;
        done += n;
        if ((size_t)n < parts[i].iov_len)
            break; /* a pipe that has no more now: what has come is the answer */
    }
    return done;
}
