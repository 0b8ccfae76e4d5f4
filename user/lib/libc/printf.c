/* printf to streams and descriptors. */
#include "format.h"
#include "stdio_file.h"

#include <string.h>

/*
 * What one call prints is put together here first, so that an unbuffered stream gets it in one
 * message where it fits.
 */
struct stream_sink {
    struct sink sink;
    FILE *f;
    size_t waiting;
    int failed;
    char buffer[256];
};

static void flush_sink(struct stream_sink *s)
{
    if (s->waiting > 0 && __stdio_write(s->f, s->buffer, s->waiting) != s->waiting)
        s->failed = 1;
    s->waiting = 0;
}

static void put_stream(struct sink *sink, const char *bytes, size_t size)
{
    struct stream_sink *s = (struct stream_sink *)sink;

    if (size > sizeof(s->buffer) - s->waiting)
        flush_sink(s);
    if (size > sizeof(s->buffer)) {
        if (__stdio_write(s->f, bytes, size) != size)
            s->failed = 1;
        return;
    }
    memcpy(s->buffer + s->waiting, bytes, size);
    s->waiting += size;
}

int vfprintf(FILE *restrict f, const char *restrict text, va_list ap)
{
    struct stream_sink s;
    int length;
    STREAM_LOCK(f);

    s.sink.put = put_stream;
    s.f = f;
    s.waiting = 0;
    s.failed = 0;
    length = __format(&s.sink, text, ap);
    flush_sink(&s);
    return s.failed ? -1 : length;
}

int vprintf(const char *restrict text, va_list ap)
{
    return vfprintf(stdout, text, ap);
}

int fprintf(FILE *restrict f, const char *restrict text, ...)
{
    va_list ap;
    int length;

    va_start(ap, text);
    length = vfprintf(f, text, ap);
    va_end(ap);
    return length;
}

int printf(const char *restrict text, ...)
{
    va_list ap;
    int length;

    va_start(ap, text);
    length = vfprintf(stdout, text, ap);
    va_end(ap);
    return length;
}

int vdprintf(int fd, const char *restrict text, va_list ap)
{
    struct FILE f = {.fd = fd, .flags = STREAM_WRITE, .mode = _IONBF};

    return vfprintf(&f, text, ap);
}

int dprintf(int fd, const char *restrict text, ...)
{
    va_list ap;
    int length;

    va_start(ap, text);
    length = vdprintf(fd, text, ap);
    va_end(ap);
    return length;
}
