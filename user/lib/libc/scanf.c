/* scanf and fscanf: from streams. */
#include "scan.h"
#include "stdio_file.h"

struct stream_source {
    struct source source;
    FILE *f;
};

static int get(struct source *source)
{
    return getc_unlocked(((struct stream_source *)source)->f);
}

static void unget(struct source *source, int c)
{
    ungetc(c, ((struct stream_source *)source)->f);
}

int vfscanf(FILE *restrict f, const char *restrict format, va_list ap)
{
    struct stream_source s = {{get, unget}, f};
    int result;

    flockfile(f);
    result = __scan(&s.source, format, ap);
    funlockfile(f);
    return result;
}

int vscanf(const char *restrict format, va_list ap)
{
    return vfscanf(stdin, format, ap);
}

int fscanf(FILE *restrict f, const char *restrict format, ...)
{
    va_list ap;
    int result;

    va_start(ap, format);
    result = vfscanf(f, format, ap);
    va_end(ap);
    return result;
}

int scanf(const char *restrict format, ...)
{
    va_list ap;
    int result;

    va_start(ap, format);
    result = vfscanf(stdin, format, ap);
    va_end(ap);
    return result;
}
