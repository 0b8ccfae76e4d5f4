/* Searching and comparing memory. (Copying and filling: mem.S) */
#include <stdint.h>
#include <string.h>

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *p = a;
    const unsigned char *q = b;

    /* Eight at a time as long as they are the same; the place of a difference is found bytewise. */
    while (size >= 8) {
        uint64_t x;
        uint64_t y;

        __builtin_memcpy(&x, p, 8);
        __builtin_memcpy(&y, q, 8);
        if (x != y)
            break;
        p += 8;
        q += 8;
        size -= 8;
    }
    for (; size > 0; size--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void *memchr(const void *p, int byte, size_t size)
{
    const unsigned char *s = p;

    for (; size > 0; size--, s++)
        if (*s == (unsigned char)byte)
            return (void *)s;
    return NULL;
}

void *memrchr(const void *p, int byte, size_t size)
{
    const unsigned char *s = p;

    while (size-- > 0)
        if (s[size] == (unsigned char)byte)
            return (void *)(s + size);
    return NULL;
}

void *memmem(const void *haystack, size_t haystack_size, const void *needle, size_t needle_size)
{
    const char *h = haystack;

    for (; haystack_size >= needle_size; h++, haystack_size--)
        if (memcmp(h, needle, needle_size) == 0)
            return (void *)h;
    return NULL;
}

void *mempcpy(void *restrict to, const void *restrict from, size_t size)
{
    return (char *)memcpy(to, from, size) + size;
}
