/* Streams in memory: fmemopen reads and writes the caller's, open_memstream makes as much as is written. */
#include "stdio_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct memory {
    char *bytes;
    size_t size;   /* of what is there to be read; where SEEK_END counts from */
    size_t room;   /* of bytes */
    size_t at;
    int append;
    int own;       /* bytes are ours to free */
    char **buffer; /* open_memstream: what the caller is told */
    size_t *told;
};

static ssize_t memory_read(FILE *f, char *to, size_t size)
{
    struct memory *m = f->cookie;
    size_t left = m->at < m->size ? m->size - m->at : 0;
    size_t n = size < left ? size : left;

    memcpy(to, m->bytes + m->at, n);
    m->at += n;
    return (ssize_t)n;
}

/* As much as there is room for; a NUL behind what is written if that fits, too. */
static ssize_t memory_write(FILE *f, const char *from, size_t size)
{
    struct memory *m = f->cookie;
    size_t left;

    if (m->append)
        m->at = m->size;
    left = m->at < m->room ? m->room - m->at : 0;
    if (size > 0 && left == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (size > left)
        size = left;
    memcpy(m->bytes + m->at, from, size);
    m->at += size;
    if (m->at > m->size) {
        m->size = m->at;
        if (m->size < m->room)
            m->bytes[m->size] = '\0';
    }
    return (ssize_t)size;
}

static ssize_t growing_write(FILE *f, const char *from, size_t size)
{
    struct memory *m = f->cookie;
    size_t needed;

    if (__builtin_add_overflow(m->at, size + 1, &needed)) {
        errno = EFBIG;
        return -1;
    }
    if (needed > m->room) {
        size_t room = m->room * 2 > needed ? m->room * 2 : needed;
        char *more = realloc(m->bytes, room);

        if (more == NULL)
            return -1;
        m->bytes = more;
        m->room = room;
    }
    if (m->at > m->size)
        memset(m->bytes + m->size, 0, m->at - m->size);
    memcpy(m->bytes + m->at, from, size);
    m->at += size;
    if (m->at > m->size) {
        m->size = m->at;
        m->bytes[m->size] = '\0';
    }
    *m->buffer = m->bytes;
    *m->told = m->at;
    return (ssize_t)size;
}

static off_t memory_seek(FILE *f, off_t offset, int whence)
{
    struct memory *m = f->cookie;
    off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (off_t)m->at : (off_t)m->size;
    off_t to;

    if (__builtin_add_overflow(base, offset, &to) || to < 0 || (m->buffer == NULL && (size_t)to > m->room)) {
        errno = EINVAL;
        return -1;
    }
    m->at = (size_t)to;
    if (m->buffer != NULL)
        *m->told = m->at < m->size ? m->at : m->size;
    return to;
}

static int memory_close(FILE *f)
{
    struct memory *m = f->cookie;

    if (m->own)
        free(m->bytes);
    free(m);
    return 0;
}

static FILE *new_stream(struct memory *m, const struct stream_ops *ops, int flags)
{
    FILE *f = m != NULL ? __stdio_new(-1, flags) : NULL;

    if (f == NULL)
        return NULL;
    f->cookie = m;
    f->ops = ops;
    return f;
}

FILE *fmemopen(void *restrict buffer, size_t size, const char *restrict mode)
{
    static const struct stream_ops ops = {memory_read, memory_write, memory_seek, memory_close};
    int flags = __stdio_mode(mode);
    struct memory *m;
    FILE *f;

    if (flags < 0)
        return NULL;
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return NULL;
    m->own = buffer == NULL;
    m->bytes = buffer != NULL ? buffer : calloc(1, size + 1);
    m->room = size;
    m->append = (flags & O_APPEND) != 0;
    if (flags & O_TRUNC && size > 0 && m->bytes != NULL)
        m->bytes[0] = '\0';
    else if (buffer != NULL) /* "r": all of it; "a": up to the NUL */
        m->size = m->append ? strnlen(buffer, size) : size;
    m->at = m->append ? m->size : 0;
    f = m->bytes != NULL ? new_stream(m, &ops, flags) : NULL;
    if (f == NULL) {
        if (m->own)
            free(m->bytes);
        free(m);
    }
    return f;
}

FILE *open_memstream(char **buffer, size_t *size)
{
    static const struct stream_ops ops = {memory_read, growing_write, memory_seek, memory_close};
    struct memory *m = calloc(1, sizeof(*m));
    FILE *f;

    if (m == NULL)
        return NULL;
    m->bytes = calloc(1, BUFSIZ);
    m->room = BUFSIZ;
    m->buffer = buffer;
    m->told = size;
    f = m->bytes != NULL ? new_stream(m, &ops, O_WRONLY) : NULL;
    if (f == NULL) {
        free(m->bytes);
        free(m);
        return NULL;
    }
    *buffer = m->bytes;
    *size = 0;
    return f;
}
