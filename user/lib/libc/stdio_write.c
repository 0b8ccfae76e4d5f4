/* Output to streams, but printf. */
#include "stdio_file.h"

#include <string.h>

int putc_unlocked(int c, FILE *f)
{
    char byte = (char)c;

    return __stdio_write(f, &byte, 1) == 1 ? (unsigned char)c : EOF;
}

int putchar_unlocked(int c)
{
    return putc_unlocked(c, stdout);
}

int fputc(int c, FILE *f)
{
    STREAM_LOCK(f);

    return putc_unlocked(c, f);
}

int putc(int c, FILE *f)
{
    return fputc(c, f);
}

int putchar(int c)
{
    return fputc(c, stdout);
}

int fputs(const char *restrict s, FILE *restrict f)
{
    size_t length = strlen(s);
    STREAM_LOCK(f);

    return __stdio_write(f, s, length) == length ? 0 : EOF;
}

int puts(const char *s)
{
    STREAM_LOCK(stdout);

    if (fputs(s, stdout) == EOF)
        return EOF;
    return fputc('\n', stdout) == EOF ? EOF : 0;
}

size_t fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f)
{
    size_t total;
    STREAM_LOCK(f);

    if (size == 0 || __builtin_mul_overflow(size, count, &total))
        return 0;
    return __stdio_write(f, p, total) / size;
}
