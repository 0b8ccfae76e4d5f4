/* strlen, strnlen: a word at a time. */
#include <stdint.h>
#include <string.h>

typedef uint64_t __attribute__((may_alias)) word_t;

#define ONES  0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* An aligned word never crosses a page, so reading past the NUL inside one is safe. */
__attribute__((no_sanitize("address"))) size_t strlen(const char *s)
{
    const char *p = s;
    const word_t *w;

    for (; (uintptr_t)p % sizeof(*w) != 0; p++)
        if (*p == '\0')
            return p - s;
    /* A byte is 0 if taking 1 from it borrows into its high bit, which was not set. */
    for (w = (const word_t *)p; ((*w - ONES) & ~*w & HIGHS) == 0; w++)
        ;
    for (p = (const char *)w; *p != '\0'; p++)
        ;
    return p - s;
}

size_t strnlen(const char *s, size_t size)
{
    const char *end = memchr(s, '\0', size);

    return end != NULL ? (size_t)(end - s) : size;
}
