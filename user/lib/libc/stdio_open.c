/* Opening and closing streams. */
#include "stdio_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __stdio_mode(const char *mode)
{
    int flags;

    switch (*mode) {
    case 'r':
        flags = O_RDONLY;
        break;
    case 'w':
        flags = O_WRONLY | O_CREAT | O_TRUNC;
        break;
    case 'a':
        flags = O_WRONLY | O_CREAT | O_APPEND;
        break;
    default:
        errno = EINVAL;
        return -1;
    }
    while (*++mode != '\0') {
        if (*mode == '+')
            flags = (flags & ~O_ACCMODE) | O_RDWR;
        else if (*mode == 'x')
            flags |= O_EXCL;
        else if (*mode == 'e')
            flags |= O_CLOEXEC;
    }
    return flags;
}

static int stream_flags(int flags)
{
    int access = flags & O_ACCMODE;

    return (access != O_WRONLY ? STREAM_READ : 0) | (access != O_RDONLY ? STREAM_WRITE : 0)
        | (flags & O_APPEND ? STREAM_APPEND : 0);
}

FILE *__stdio_new(int fd, int flags)
{
    FILE *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return NULL;
    f->fd = fd;
    f->flags = stream_flags(flags) | STREAM_ALLOC;
    f->mode = _IOFBF;
    __stdio_lock_list();
    f->next = __stdio_files;
    __stdio_files = f;
    __stdio_unlock_list();
    return f;
}

FILE *fdopen(int fd, const char *mode)
{
    int flags = __stdio_mode(mode);

    if (flags < 0 || fcntl(fd, F_GETFD) < 0)
        return NULL;
    return __stdio_new(fd, flags);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    int flags = __stdio_mode(mode);
    int fd = flags >= 0 ? open(path, flags, 0666) : -1;
    FILE *f = fd >= 0 ? __stdio_new(fd, flags) : NULL;

    if (f == NULL && fd >= 0) {
        close(fd);
        errno = ENOMEM;
    }
    return f;
}

static void drop_buffer(FILE *f)
{
    if (f->flags & STREAM_OWN)
        free(f->buffer);
    f->flags &= ~STREAM_OWN;
    f->buffer = NULL;
    f->at = 0;
    f->end = 0;
}

/* Nobody uses the stream but the caller, so there is nothing to lock but the list. */
int fclose(FILE *f)
{
    int result = fflush(f);

    if ((f->ops != NULL ? f->ops->close(f) : close(f->fd)) < 0)
        result = EOF;
    drop_buffer(f);
    if (f->flags & STREAM_ALLOC) {
        struct FILE **link = &__stdio_files;

        __stdio_lock_list();
        while (*link != f)
            link = &(*link)->next;
        *link = f->next;
        __stdio_unlock_list();
        free(f);
    } else {
        f->fd = -1;
        f->flags = 0;
    }
    return result;
}

FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f)
{
    int flags = __stdio_mode(mode);
    int fd;
    STREAM_LOCK(f);

    __stdio_flush(f);
    if (f->ops != NULL) { /* it becomes a descriptor's */
        f->ops->close(f);
        f->ops = NULL;
        f->fd = -1;
    }
    if (flags < 0 || path == NULL) /* changing the mode alone is not to be had */
        return NULL;
    fd = open(path, flags, 0666);
    if (fd < 0)
        return NULL;
    if (f->fd >= 0 && fd != f->fd) { /* the same descriptor as before: what "> file" relies on */
        dup2(fd, f->fd);
        close(fd);
    } else {
        f->fd = fd;
    }
    drop_buffer(f);
    f->flags = stream_flags(flags) | (f->flags & STREAM_ALLOC);
    f->mode = _IOFBF;
    return f;
}

int setvbuf(FILE *restrict f, char *restrict buffer, int mode, size_t size)
{
    STREAM_LOCK(f);

    if (mode != _IOFBF && mode != _IOLBF && mode != _IONBF)
        return EOF;
    __stdio_flush(f);
    drop_buffer(f);
    f->flags &= ~STREAM_UNKNOWN;
    f->mode = mode;
    if (mode != _IONBF && buffer != NULL && size > 0) {
        f->buffer = buffer;
        f->size = size;
    }
    return 0;
}

void setbuf(FILE *restrict f, char *restrict buffer)
{
    setvbuf(f, buffer, buffer != NULL ? _IOFBF : _IONBF, BUFSIZ);
}

void setlinebuf(FILE *f)
{
    setvbuf(f, NULL, _IOLBF, 0);
}
