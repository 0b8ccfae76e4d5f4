/* Output to streams, but printf. */
#include "stdio_file.h"

#include <string.h>

int fputc(int c, FILE *f)
{
    char byte = (char)c;

    return __stdio_write(f, &byte, 1) == 1 ? (unsigned char)c : EOF;
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

    return __stdio_write(f, s, length) == length ? 0 : EOF;
}

int puts(const char *s)
{
    if (fputs(s, stdout) == EOF)
        return EOF;
    return fputc('\n', stdout) == EOF ? EOF : 0;
}

size_t fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f)
{
    size_t total;

    if (size == 0 || __builtin_mul_overflow(size, count, &total))
        return 0;
    return __stdio_write(f, p, total) / size;
}
