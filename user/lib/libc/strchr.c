/* Searching strings, and taking them apart. */
#include <stdint.h>
#include <string.h>

char *strchrnul(const char *s, int c)
{
    while (*s != '\0' && *s != (char)c)
        s++;
    return (char *)s;
}

char *strchr(const char *s, int c)
{
    s = strchrnul(s, c);
    return *s == (char)c ? (char *)s : NULL;
}

char *strrchr(const char *s, int c)
{
    return memrchr(s, c, strlen(s) + 1);
}

char *strstr(const char *haystack, const char *needle)
{
    return memmem(haystack, strlen(haystack), needle, strlen(needle));
}

/* How many characters of s, from its start, are in the set (wanted 1) or are not (wanted 0). */
static size_t span(const char *s, const char *set, unsigned wanted)
{
    uint64_t bits[4] = {0, 0, 0, 0};
    const char *p = s;

    for (; *set != '\0'; set++)
        bits[(unsigned char)*set / 64] |= 1ULL << ((unsigned char)*set % 64);
    while (*p != '\0' && (bits[(unsigned char)*p / 64] >> ((unsigned char)*p % 64) & 1) == wanted)
        p++;
    return p - s;
}

size_t strspn(const char *s, const char *accept)
{
    return span(s, accept, 1);
}

size_t strcspn(const char *s, const char *reject)
{
    return span(s, reject, 0);
}

char *strpbrk(const char *s, const char *accept)
{
    s += strcspn(s, accept);
    return *s != '\0' ? (char *)s : NULL;
}

char *strtok_r(char *restrict s, const char *restrict delimiters, char **restrict state)
{
    char *token;

    if (s == NULL)
        s = *state;
    s += strspn(s, delimiters);
    token = s;
    s += strcspn(s, delimiters);
    *state = s;
    if (s == token)
        return NULL;
    if (*s != '\0') {
        *s = '\0';
        *state = s + 1;
    }
    return token;
}

char *strtok(char *restrict s, const char *restrict delimiters)
{
    static char *state;

    return strtok_r(s, delimiters, &state);
}

char *strsep(char **s, const char *delimiters)
{
    char *token = *s;
    char *end;

    if (token == NULL)
        return NULL;
    end = token + strcspn(token, delimiters);
    *s = *end != '\0' ? end + 1 : NULL;
    *end = '\0';
    return token;
}
