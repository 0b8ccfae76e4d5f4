/* sscanf: from a string. */
#include "scan.h"

#include <stdio.h>

struct string_source {
    struct source source;
    const char *at;
};

static int get(struct source *source)
{
    struct string_source *s = (struct string_source *)source;

    return *s->at != '\0' ? (unsigned char)*s->at++ : EOF;
}

static void unget(struct source *source, int c)
{
    (void)c;
    ((struct string_source *)source)->at--;
}

int vsscanf(const char *restrict text, const char *restrict format, va_list ap)
{
    struct string_source s = {{get, unget}, text};

    return __scan(&s.source, format, ap);
}

int sscanf(const char *restrict text, const char *restrict format, ...)
{
    va_list ap;
    int result;

    va_start(ap, format);
    result = vsscanf(text, format, ap);
    va_end(ap);
    return result;
}
