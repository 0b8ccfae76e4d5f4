/*
 * xv6's string functions and malloc: the same as C's, but with int for sizes, so that the upper
 * half of the register is not to be looked at.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__xv6_memmove(void *to, const void *from, int size)
{
    return size > 0 ? memmove(to, from, size) : to;
}

void *__xv6_memcpy(void *to, const void *from, unsigned size)
{
    return memmove(to, from, size); /* xv6's may overlap */
}

void *__xv6_memset(void *to, int byte, unsigned size)
{
    return memset(to, byte, size);
}

int __xv6_memcmp(const void *a, const void *b, unsigned size)
{
    return memcmp(a, b, size);
}

/* The NUL does not count as a character of the string. */
char *__xv6_strchr(const char *s, char c)
{
    return c != '\0' ? strchr(s, c) : NULL;
}

unsigned __xv6_strlen(const char *s)
{
    return (unsigned)strlen(s);
}

/* Digits only: no spaces, no sign. */
int __xv6_atoi(const char *s)
{
    unsigned n = 0;

    for (; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (unsigned)(*s - '0');
    return (int)n;
}

/* A line with its newline, from descriptor 0, a byte at a time: nothing is read ahead of a
 * child. */
char *__xv6_gets(char *buffer, int max)
{
    int i = 0;

    while (i + 1 < max) {
        char c;

        if (read(STDIN_FILENO, &c, 1) < 1)
            break;
        buffer[i++] = c;
        if (c == '\n' || c == '\r')
            break;
    }
    buffer[i] = '\0';
    return buffer;
}

void *__xv6_malloc(unsigned size)
{
    return malloc(size);
}
