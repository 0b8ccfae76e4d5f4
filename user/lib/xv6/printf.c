/*
 * xv6's printf: to a descriptor, unbuffered, one message a call where it fits..
 */
#include "../libc/format.h"

#include <string.h>

int __xv6_write(int fd, const void *buffer, int size);
void __xv6_fprintf(int fd, const char *text, ...);
void __xv6_printf(const char *text, ...);

struct fd_sink {
    struct sink sink;
    int fd;
    int waiting;
    char buffer[512];
};

static void flush(struct fd_sink *s)
{
    if (s->waiting > 0)
        __xv6_write(s->fd, s->buffer, s->waiting);
    s->waiting = 0;
}

static void put_fd(struct sink *sink, const char *bytes, size_t size)
{
    struct fd_sink *s = (struct fd_sink *)sink;

    while (size > 0) {
        size_t piece = sizeof(s->buffer) - s->waiting;

        if (piece > size)
            piece = size;
        memcpy(s->buffer + s->waiting, bytes, piece);
        s->waiting += (int)piece;
        bytes += piece;
        size -= piece;
        if (s->waiting == sizeof(s->buffer))
            flush(s);
    }
}

static void print(int fd, const char *text, va_list ap)
{
    struct fd_sink s;

    s.sink.put = put_fd;
    s.fd = fd;
    s.waiting = 0;
    __format(&s.sink, text, ap);
    flush(&s);
}

void __xv6_fprintf(int fd, const char *text, ...)
{
    va_list ap;

    va_start(ap, text);
    print(fd, text, ap);
    va_end(ap);
}

void __xv6_printf(const char *text, ...)
{
    va_list ap;

    va_start(ap, text);
    print(1, text, ap);
    va_end(ap);
}
