/* fnmatch: shell patterns, with one place to come back to (the last star). */
#include <ctype.h>
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

/* [:name:] at *p (behind "[:")? Then *p moves behind it, and whether c is of that class is told. */
static int match_class(const char **p, int c)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {
        {"alnum:]", isalnum}, {"alpha:]", isalpha}, {"blank:]", isblank}, {"cntrl:]", iscntrl},
        {"digit:]", isdigit}, {"graph:]", isgraph}, {"lower:]", islower}, {"print:]", isprint},
        {"punct:]", ispunct}, {"space:]", isspace}, {"upper:]", isupper}, {"xdigit:]", isxdigit},
    };

    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        size_t length = strlen(classes[i].name);

        if (strncmp(*p, classes[i].name, length) == 0) {
            *p += length;
            return classes[i].is(c) != 0;
        }
    }
    return 0;
}

/* A bracket expression at p (behind the '['). Its end behind the ']', or NULL if there is none. */
static const char *match_bracket(const char *p, unsigned char c, int flags, int *matched)
{
    int negated = *p == '!' || *p == '^';
    int found = 0;
    const char *first;

    if (negated)
        p++;
    for (first = p; *p != ']' || p == first;) {
        unsigned char low;
        unsigned char high;

        if (p[0] == '[' && p[1] == ':') {
            p += 2;
            found |= match_class(&p, c);
            continue;
        }
        if (*p == '\\' && !(flags & FNM_NOESCAPE) && p[1] != '\0')
            p++;
        if (*p == '\0')
            return NULL;
        low = high = *p++;
        if (p[0] == '-' && p[1] != ']' && p[1] != '\0') {
            p++;
            if (*p == '\\' && !(flags & FNM_NOESCAPE) && p[1] != '\0')
                p++;
            high = *p++;
        }
        found |= low <= c && c <= high;
    }
    *matched = found != negated;
    return p + 1;
}

/* One element of the pattern against *s. Returns the pattern behind it, or NULL: no match. */
static const char *match_one(const char *p, const char *s, int flags)
{
    const char *end;
    int matched;

    if (*s == '\0')
        return NULL;
    if (*p == '?')
        return *s == '/' && flags & FNM_PATHNAME ? NULL : p + 1;
    if (*p == '[') {
        end = match_bracket(p + 1, *s, flags, &matched);
        if (end != NULL)
            return matched && !(*s == '/' && flags & FNM_PATHNAME) ? end : NULL;
        /* not closed: an ordinary character */
    } else if (*p == '\\' && !(flags & FNM_NOESCAPE) && p[1] != '\0') {
        p++;
    }
    return *p == *s ? p + 1 : NULL;
}

int fnmatch(const char *pattern, const char *string, int flags)
{
    const char *p = pattern;
    const char *s = string;
    const char *star = NULL; /* behind the last one, */
    const char *star_at = NULL; /* and what it has not yet taken */

    for (;;) {
        int leading = *s == '.' && flags & FNM_PERIOD
            && (s == string || (s[-1] == '/' && flags & FNM_PATHNAME));
        const char *next;

        if (*p == '*' && !leading) {
            star = ++p;
            star_at = s;
            continue;
        }
        if (*p == '\0' && *s == '\0')
            return 0;
        next = *p != '\0' && !(leading && (*p == '?' || *p == '[' || *p == '*'))
            ? match_one(p, s, flags)
            : NULL;
        if (next != NULL) {
            p = next;
            s++;
            continue;
        }
        /* The last star takes one more. */
        if (star == NULL || *star_at == '\0' || (*star_at == '/' && flags & FNM_PATHNAME))
            return FNM_NOMATCH;
        s = ++star_at;
        p = star;
    }
}
