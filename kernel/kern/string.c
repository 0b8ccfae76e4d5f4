/*
 * The string functions that the kernel uses and that the compiler may call by itself. Those of C,
 * and strlcpy (BSD). Unaligned 8-byte accesses are cheap on normal memory, so alignment is not
 * cared for.
 */
#include <kern/debug.h>
#include <machine/cpu.h>
#include <stdint.h>

/* The compiler must not see through these loops, and put a call of the very same function there. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

#define WIDE_MIN 512 /* bytes: from here on saving the vector registers pays */

/* 8 bytes at any address, of any type. */
struct word {
    uint64_t value;
} __attribute__((packed, may_alias));
#define WORD(p) (((struct word *)(p))->value)
struct half {
    uint32_t value;
} __attribute__((packed, may_alias));
#define HALF(p) (((struct half *)(p))->value)

/* The pieces of 32 to 1 bytes that are left of n < 64. */
static void copy_tail(char *to, const char *from, size_t n)
{
    if (n & 32) {
        uint64_t a = WORD(from), b = WORD(from + 8), c = WORD(from + 16), d = WORD(from + 24);

        WORD(to) = a, WORD(to + 8) = b, WORD(to + 16) = c, WORD(to + 24) = d;
        to += 32, from += 32;
    }
    if (n & 16) {
        uint64_t a = WORD(from), b = WORD(from + 8);

        WORD(to) = a, WORD(to + 8) = b;
        to += 16, from += 16;
    }
    if (n & 8) {
        WORD(to) = WORD(from);
        to += 8, from += 8;
    }
    if (n & 4) { /* (in one access: vm_map_write_bytes may write a word that another task waits for) */
        HALF(to) = HALF(from);
        to += 4, from += 4;
    }
    for (n &= 3; n > 0; n--)
        *to++ = *from++;
}

void *memcpy(void *dst, const void *src, size_t n)
{
    char *to = dst;
    const char *from = src;

    if (n >= WIDE_MIN) {
        size_t wide = n & ~(size_t)127;

        copy_wide(to, from, wide); /* aarch64/copyio.S */
        n -= wide, to += wide, from += wide;
    }
    for (; n >= 64; n -= 64, to += 64, from += 64) {
        uint64_t a = WORD(from), b = WORD(from + 8), c = WORD(from + 16), d = WORD(from + 24);
        uint64_t e = WORD(from + 32), f = WORD(from + 40), g = WORD(from + 48), h = WORD(from + 56);

        WORD(to) = a, WORD(to + 8) = b, WORD(to + 16) = c, WORD(to + 24) = d;
        WORD(to + 32) = e, WORD(to + 40) = f, WORD(to + 48) = g, WORD(to + 56) = h;
    }
    copy_tail(to, from, n);
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    char *to = dst;
    const char *from = src;

    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(dst, src, n); /* to is before from, or beyond its end: forward is right */
    while (n >= 8) {
        n -= 8;
        WORD(to + n) = WORD(from + n);
    }
    while (n > 0) {
        n--;
        to[n] = from[n];
    }
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    uint64_t value = (uint8_t)c * 0x0101010101010101UL;
    char *to = dst;

    for (; n >= 64; n -= 64, to += 64) {
        WORD(to) = value, WORD(to + 8) = value, WORD(to + 16) = value, WORD(to + 24) = value;
        WORD(to + 32) = value, WORD(to + 40) = value, WORD(to + 48) = value, WORD(to + 56) = value;
    }
    for (; n >= 16; n -= 16, to += 16)
        WORD(to) = value, WORD(to + 8) = value;
    for (; n >= 8; n -= 8, to += 8)
        WORD(to) = value;
    while (n-- > 0)
        *to++ = c;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *p = a;
    const unsigned char *q = b;

    for (; n >= 8 && WORD(p) == WORD(q); n -= 8)
        p += 8, q += 8;
    for (; n > 0; n--, p++, q++) {
        if (*p != *q)
            return *p - *q;
    }
    return 0;
}

size_t strlen(const char *s)
{
    const char *at = s;

    while (*at != 0)
        at++;
    return at - s;
}

int strcmp(const char *a, const char *b)
{
    for (; *a != 0 && *a == *b; a++)
        b++;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0 && *a != 0 && *a == *b; n--, a++)
        b++;
    return n == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

/* At most size - 1 characters, and a 0; returns the length of src. */
size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t length = strlen(src);

    if (size > 0) {
        size_t n = MIN(length, size - 1);

        memcpy(dst, src, n);
        dst[n] = 0;
    }
    return length;
}
