/* Bracket expressions, [...]: in the POSIX locale each collating element is a byte. Read regex_tree.h
 * before. */
#include "regex_tree.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char *name;
    int (*is)(int);
} classes[] = {
    {"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
    {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
    {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
};

bool __regex_class(const char *name, size_t length, struct set *set)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        if (strncmp(classes[i].name, name, length) != 0 || classes[i].name[length] != '\0')
            continue;
        for (int c = 0; c < 256; c++)
            if (classes[i].is(c))
                set_add(set, (unsigned char)c);
        return true;
    }
    return false;
}

/* [:class:], [=x=] or [.x.] from behind the two characters that open it. A byte goes to *byte, a class into
 * the set, with *byte -1. */
static int named(const char **pattern, char kind, struct set *set, int *byte)
{
    const char close[3] = {kind, ']', '\0'};
    const char *end = strstr(*pattern, close);
    const char *name = *pattern;

    if (end == NULL)
        return REG_EBRACK;
    *pattern = end + 2;
    *byte = -1;
    if (kind == ':')
        return __regex_class(name, (size_t)(end - name), set) ? 0 : REG_ECTYPE;
    if (end == name && name[2] == kind) { /* [.].]: its own sign */
        end++;
        *pattern = end + 2;
    }
    if (end - name != 1)
        return REG_ECOLLATE;
    *byte = (unsigned char)*name;
    return 0;
}

/* One end of a range, or what stands for itself: *byte, or -1 for a class. */
static int element(const char **pattern, struct set *set, int *byte)
{
    const char *p = *pattern;

    if (*p == '\0')
        return REG_EBRACK;
    if (*p == '[' && (p[1] == ':' || p[1] == '=' || p[1] == '.')) {
        *pattern = p + 2;
        return named(pattern, p[1], set, byte);
    }
    *byte = (unsigned char)*p;
    *pattern = p + 1;
    return 0;
}

static void fold(struct set *set)
{
    for (int c = 0; c < 256; c++)
        if (set_has(set, (unsigned char)c)) {
            set_add(set, (unsigned char)tolower(c));
            set_add(set, (unsigned char)toupper(c));
        }
}

int __regex_bracket(const char **pattern, int flags, struct set *set)
{
    const char *p = *pattern;
    bool negated = *p == '^';
    bool first = true;

    p += negated;
    for (; first || *p != ']'; first = false) {
        int low;
        int high;
        int error = element(&p, set, &low);

        if (error != 0)
            return error;
        high = low;
        if (*p == '-' && p[1] != ']' && p[1] != '\0') {
            p++;
            error = element(&p, set, &high);
            if (error != 0)
                return error;
            if (low < 0 || high < low) /* a class has no order, either */
                return REG_ERANGE;
        }
        for (int c = low; c >= 0 && c <= high; c++)
            set_add(set, (unsigned char)c);
    }
    *pattern = p + 1;
    if (flags & REG_ICASE)
        fold(set);
    if (negated) {
        for (int i = 0; i < 8; i++)
            set->bits[i] = ~set->bits[i];
        if (flags & REG_NEWLINE)
            set->bits['\n' / 32] &= ~(1U << '\n' % 32);
    }
    return 0;
}
