/* Functions on strings and bits that few programs use. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

void *memccpy(void *restrict to, const void *restrict from, int byte, size_t size)
{
    const unsigned char *end = memchr(from, byte, size);
    size_t length = end != NULL ? (size_t)(end - (const unsigned char *)from) + 1 : size;

    memcpy(to, from, length);
    return end != NULL ? (char *)to + length : NULL;
}

char *strcasestr(const char *haystack, const char *needle)
{
    size_t length = strlen(needle);

    for (;; haystack++) {
        if (strncasecmp(haystack, needle, length) == 0)
            return (char *)haystack;
        if (*haystack == '\0')
            return NULL;
    }
}

int ffsl(long value) { return __builtin_ffsl(value); }
int ffsll(long long value) { return __builtin_ffsll(value); }
int bcmp(const void *a, const void *b, size_t size) { return memcmp(a, b, size); }
void bcopy(const void *from, void *to, size_t size) { memmove(to, from, size); }
void bzero(void *p, size_t size) { memset(p, 0, size); }
char *index(const char *s, int c) { return strchr(s, c); }
char *rindex(const char *s, int c) { return strrchr(s, c); }
int ffs(int value) { return __builtin_ffs(value); }
