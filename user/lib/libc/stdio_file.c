/*
 * stdio's middle: buffers between the calls of a program and the messages they become. A terminal's
 * output is sent a line at a time, a line of output being one message; other output when the
 * buffer is full. Read stdio_file.h before.
 */
#include "posix.h"
#include "stdio_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char in_buffer[BUFSIZ];
static char out_buffer[BUFSIZ];

static struct FILE files[3] = {
    {.fd = 0, .flags = STREAM_READ, .mode = _IOFBF, .buffer = in_buffer, .size = BUFSIZ},
    {.fd = 1, .flags = STREAM_WRITE | STREAM_UNKNOWN, .mode = _IOLBF, .buffer = out_buffer,
     .size = BUFSIZ},
    {.fd = 2, .flags = STREAM_WRITE, .mode = _IONBF},
};
FILE *const stdin = &files[0];
FILE *const stdout = &files[1];
FILE *const stderr = &files[2];
struct FILE *__stdio_files;

/* A program without a proc server has no descriptors: its output goes to the console. */
static ssize_t write_out(int fd, const char *bytes, size_t size)
{
    if (__proc_port == MACH_PORT_NULL && (fd == STDOUT_FILENO || fd == STDERR_FILENO))
        return debug_print(bytes, size) == KERN_SUCCESS ? (ssize_t)size : -1;
    return write(fd, bytes, size);
}

off_t __stdio_lseek(FILE *f, off_t offset, int whence)
{
    return f->ops != NULL ? f->ops->seek(f, offset, whence) : lseek(f->fd, offset, whence);
}

static int write_all(FILE *f, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = f->ops != NULL ? f->ops->write(f, bytes, size) : write_out(f->fd, bytes, size);

        if (n <= 0) {
            f->flags |= STREAM_ERROR;
            return EOF;
        }
        bytes += n;
        size -= n;
    }
    return 0;
}

static int get_buffer(FILE *f)
{
    if (f->buffer != NULL)
        return 0;
    if (f->mode != _IONBF)
        f->buffer = malloc(BUFSIZ);
    if (f->buffer != NULL) {
        f->size = BUFSIZ;
        f->flags |= STREAM_OWN;
    } else { /* unbuffered, or no memory for more */
        f->buffer = f->single;
        f->size = sizeof(f->single);
    }
    return 0;
}

static int refuse(FILE *f)
{
    f->flags |= STREAM_ERROR;
    errno = EBADF;
    return EOF;
}

int __stdio_flush(FILE *f)
{
    size_t waiting = f->at;

    if (!(f->flags & STREAM_PENDING))
        return 0;
    f->flags &= ~STREAM_PENDING;
    f->at = 0;
    return write_all(f, f->buffer, waiting);
}

int __stdio_to_read(FILE *f)
{
    if (!(f->flags & STREAM_READ))
        return refuse(f);
    if (f->flags & STREAM_PENDING && __stdio_flush(f) == EOF)
        return EOF;
    return get_buffer(f);
}

int __stdio_to_write(FILE *f)
{
    if (!(f->flags & STREAM_WRITE))
        return refuse(f);
    if (f->flags & STREAM_UNKNOWN) {
        int error = errno;

        f->flags &= ~STREAM_UNKNOWN;
        if (__proc_port != MACH_PORT_NULL && !isatty(f->fd))
            f->mode = _IOFBF;
        errno = error;
    }
    if (f->flags & STREAM_PENDING)
        return 0;
    __stdio_unread(f);
    return get_buffer(f);
}

void __stdio_unread(FILE *f)
{
    if (f->flags & STREAM_PENDING)
        return;
    if (f->at < f->end)
        __stdio_lseek(f, -(off_t)(f->end - f->at), SEEK_CUR);
    f->at = 0;
    f->end = 0;
}

size_t __stdio_fill(FILE *f)
{
    size_t size = f->mode == _IONBF ? 1 : f->size;
    ssize_t n;

    if (f->flags & STREAM_EOF)
        return 0; /* until clearerr */
    if (f == stdin && stdout->flags & STREAM_PENDING && stdout->mode == _IOLBF)
        __stdio_flush(stdout); /* a prompt is seen before its answer is waited for */
    n = f->ops != NULL ? f->ops->read(f, f->buffer, size) : read(f->fd, f->buffer, size);
    f->at = 0;
    f->end = n > 0 ? n : 0;
    if (n <= 0)
        f->flags |= n == 0 ? STREAM_EOF : STREAM_ERROR;
    return f->end;
}

/* Puts bytes in the buffer; writes it out whenever it is full. */
static size_t write_buffered(FILE *f, const char *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        size_t piece = size - done;

        if (f->at == 0 && piece >= f->size) { /* more than a buffer: not through it */
            if (write_all(f, bytes + done, piece) == EOF)
                return done;
            return size;
        }
        if (piece > f->size - f->at)
            piece = f->size - f->at;
        memcpy(f->buffer + f->at, bytes + done, piece);
        f->at += piece;
        f->flags |= STREAM_PENDING;
        done += piece;
        if (f->at == f->size && __stdio_flush(f) == EOF)
            return done;
    }
    return done;
}

size_t __stdio_write(FILE *f, const char *bytes, size_t size)
{
    const char *newline;
    size_t done;

    if (__stdio_to_write(f) == EOF)
        return 0;
    if (f->mode == _IONBF)
        return write_all(f, bytes, size) == 0 ? size : 0;
    done = write_buffered(f, bytes, size);
    newline = f->mode == _IOLBF ? memrchr(bytes, '\n', size) : NULL;
    if (newline != NULL && __stdio_flush(f) == EOF)
        return 0;
    return done;
}

int fflush(FILE *f)
{
    int result = 0;

    if (f != NULL) {
        STREAM_LOCK(f);

        result = __stdio_flush(f);
        __stdio_unread(f);
        return result;
    }
    for (int i = 0; i < 3; i++) {
        STREAM_LOCK(&files[i]);

        result |= __stdio_flush(&files[i]);
    }
    __stdio_lock_list();
    for (f = __stdio_files; f != NULL; f = f->next) {
        STREAM_LOCK(f);

        result |= __stdio_flush(f);
    }
    __stdio_unlock_list();
    return result;
}

void __stdio_exit(void)
{
    fflush(NULL);
}

int fileno(FILE *f)
{
    if (f->fd < 0)
        errno = EBADF;
    return f->fd;
}

int feof(FILE *f)
{
    return (f->flags & STREAM_EOF) != 0;
}

int ferror(FILE *f)
{
    return (f->flags & STREAM_ERROR) != 0;
}

void clearerr(FILE *f)
{
    f->flags &= ~(STREAM_EOF | STREAM_ERROR);
}
