/* printf into memory. */
#include "format.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct string_sink {
    struct sink sink;
    char *to;
    size_t room; /* bytes left, without the NUL's */
};

static void put_string(struct sink *sink, const char *bytes, size_t size)
{
    struct string_sink *s = (struct string_sink *)sink;

    if (size > s->room)
        size = s->room;
    memcpy(s->to, bytes, size);
    s->to += size;
    s->room -= size;
}

int vsnprintf(char *restrict to, size_t size, const char *restrict text, va_list ap)
{
    char nothing;
    struct string_sink s = {
        .sink.put = put_string,
        .to = size > 0 ? to : &nothing,
        .room = size > 0 ? size - 1 : 0,
    };
    int length = __format(&s.sink, text, ap);

    *s.to = '\0';
    return length;
}

int vsprintf(char *restrict to, const char *restrict text, va_list ap)
{
    return vsnprintf(to, INT_MAX, text, ap);
}

int snprintf(char *restrict to, size_t size, const char *restrict text, ...)
{
    va_list ap;
    int length;

    va_start(ap, text);
    length = vsnprintf(to, size, text, ap);
    va_end(ap);
    return length;
}

int sprintf(char *restrict to, const char *restrict text, ...)
{
    va_list ap;
    int length;

    va_start(ap, text);
    length = vsnprintf(to, INT_MAX, text, ap);
    va_end(ap);
    return length;
}
