/* scanf's engine. Read scan.h before. [POSIX.1-2017, fscanf] Not here: %n$. */
#include "scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1024 /* characters of a number that are looked at: more than any digit's influence */

enum length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LONG_DOUBLE };

struct conversion {
    bool suppress; /* '*' */
    bool allocate; /* 'm' */
    int width;     /* 0: none given */
    enum length length;
    char letter;
};

struct scan {
    struct source *source;
    long count; /* characters read */
    bool ended; /* the input ended, at a conversion or before it */
};

static int get(struct scan *s)
{
    int c = s->source->get(s->source);

    if (c != EOF)
        s->count++;
    return c;
}

static void unget(struct scan *s, int c)
{
    if (c == EOF)
        return;
    s->count--;
    s->source->unget(s->source, c);
}

static void skip_space(struct scan *s)
{
    int c;

    do
        c = get(s);
    while (isspace(c));
    unget(s, c);
}

/* What a %s, %c or %[ puts its characters into. */
struct target {
    char *text;
    size_t used;
    size_t room;
    bool grows;
    bool failed;
};

static void put(struct target *t, int c)
{
    if (t->text == NULL)
        return;
    if (t->grows && t->used == t->room) {
        char *more = realloc(t->text, t->room * 2);

        if (more == NULL) {
            t->failed = true;
            return;
        }
        t->text = more;
        t->room *= 2;
    }
    t->text[t->used++] = (char)c;
}

static bool wanted(const struct conversion *c, const uint8_t *set, int character)
{
    if (c->letter == 's')
        return !isspace(character);
    return c->letter == 'c' || set[character];
}

/* %s %c %[. TRUE if there was something. */
static bool scan_text(struct scan *s, const struct conversion *c, const uint8_t *set, va_list *ap)
{
    struct target t = {.grows = c->allocate};
    char **place = NULL;
    int width = c->width != 0 ? c->width : c->letter == 'c' ? 1 : INT_MAX;
    int n;

    if (!c->suppress && c->allocate) {
        place = va_arg(*ap, char **);
        t.room = 32;
        t.text = malloc(t.room);
        t.failed = t.text == NULL;
    } else if (!c->suppress) {
        t.text = va_arg(*ap, char *);
    }
    for (n = 0; n < width && !t.failed; n++) {
        int character = get(s);

        if (character == EOF || !wanted(c, set, character)) {
            s->ended |= character == EOF && n == 0;
            unget(s, character);
            break;
        }
        put(&t, character);
    }
    if (c->letter != 'c' && n > 0)
        put(&t, '\0');
    if (t.failed || n == 0) {
        s->ended |= t.failed;
        if (c->allocate)
            free(t.text);
        return false;
    }
    if (place != NULL)
        *place = t.text;
    return true;
}

/* A number's characters, as far as they can belong to one, in text. Returns how many. */
struct number {
    char text[NUMBER_MAX + 1];
    int length;
    int left; /* characters that may still be read */
};

static bool take(struct scan *s, struct number *n, const char *accept)
{
    int c;

    if (n->left == 0)
        return false;
    c = get(s);
    if (c == EOF || strchr(accept, c) == NULL || c == '\0') {
        unget(s, c);
        return false;
    }
    n->left--;
    if (n->length < NUMBER_MAX)
        n->text[n->length++] = (char)c;
    return true;
}

static int take_all(struct scan *s, struct number *n, const char *accept)
{
    int taken = 0;

    while (take(s, n, accept))
        taken++;
    return taken;
}

/* The digits of an integer in base 0, 8, 10 or 16. */
static bool take_integer(struct scan *s, struct number *n, int *base)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char accept[sizeof(digits)];
    int taken = 0;

    take(s, n, "+-");
    if ((*base == 0 || *base == 16) && take(s, n, "0")) {
        taken = 1;
        if (take(s, n, "xX")) {
            *base = 16;
            taken = 0; /* "0x" alone is no number */
        } else if (*base == 0) {
            *base = 8;
        }
    } else if (*base == 0) {
        *base = 10;
    }
    strcpy(accept, digits);
    if (*base != 16)
        accept[*base] = '\0';
    return taken + take_all(s, n, accept) > 0;
}

/* The characters of word, in either case; the first is there already. */
static bool take_word(struct scan *s, struct number *n, const char *word)
{
    for (; *word != '\0'; word++) {
        const char both[] = {*word, (char)toupper((unsigned char)*word), '\0'};

        if (!take(s, n, both))
            return false;
    }
    return true;
}

static bool take_float(struct scan *s, struct number *n)
{
    const char *digits = "0123456789";
    const char *exponent = "eE";
    int taken = 0;

    take(s, n, "+-");
    if (take(s, n, "iI"))
        return take_word(s, n, "nf") && (!take(s, n, "iI") || take_word(s, n, "nity"));
    if (take(s, n, "nN"))
        return take_word(s, n, "an");
    if (take(s, n, "0")) {
        taken = 1;
        if (take(s, n, "xX")) {
            taken = 0;
            digits = "0123456789abcdefABCDEF";
            exponent = "pP";
        }
    }
    taken += take_all(s, n, digits);
    if (take(s, n, "."))
        taken += take_all(s, n, digits);
    if (taken > 0 && take(s, n, exponent)) {
        take(s, n, "+-");
        return take_all(s, n, "0123456789") > 0; /* an "e" without digits cannot be put back */
    }
    return taken > 0;
}

static void store_integer(void *to, enum length length, uint64_t value)
{
    switch (length) {
    case LENGTH_CHAR:
        *(uint8_t *)to = (uint8_t)value;
        break;
    case LENGTH_SHORT:
        *(uint16_t *)to = (uint16_t)value;
        break;
    case LENGTH_INT:
        *(uint32_t *)to = (uint32_t)value;
        break;
    default:
        *(uint64_t *)to = value;
    }
}

static bool scan_integer(struct scan *s, const struct conversion *c, va_list *ap)
{
    struct number n = {.left = c->width != 0 ? c->width : INT_MAX};
    int base = c->letter == 'i' ? 0 : c->letter == 'o' ? 8 : strchr("xXp", c->letter) != NULL ? 16 : 10;
    int error = errno;
    uint64_t value;

    if (!take_integer(s, &n, &base))
        return false;
    n.text[n.length] = '\0';
    value = c->letter == 'd' || c->letter == 'i' ? (uint64_t)strtoll(n.text, NULL, base)
                                                 : strtoull(n.text, NULL, base);
    errno = error;
    if (!c->suppress)
        store_integer(va_arg(*ap, void *), c->letter == 'p' ? LENGTH_LONG : c->length, value);
    return true;
}

static bool scan_float(struct scan *s, const struct conversion *c, va_list *ap)
{
    struct number n = {.left = c->width != 0 ? c->width : INT_MAX};

    if (!take_float(s, &n))
        return false;
    n.text[n.length] = '\0';
    if (c->suppress)
        return true;
    if (c->length == LENGTH_LONG_DOUBLE)
        *va_arg(*ap, long double *) = strtold(n.text, NULL);
    else if (c->length == LENGTH_LONG)
        *va_arg(*ap, double *) = strtod(n.text, NULL);
    else
        *va_arg(*ap, float *) = strtof(n.text, NULL);
    return true;
}

/* A set's characters, from behind the '['. Returns the format behind the ']'. */
static const char *parse_set(const char *p, uint8_t *set)
{
    bool negated = *p == '^';
    const char *first = p += negated;

    memset(set, 0, 256);
    for (; *p != '\0' && (*p != ']' || p == first); p++) {
        unsigned char low = (unsigned char)*p;

        if (p[1] == '-' && p[2] != ']' && p[2] != '\0') {
            for (int c = low; c <= (unsigned char)p[2]; c++)
                set[c] = 1;
            p += 2;
        } else {
            set[low] = 1;
        }
    }
    for (int c = 0; negated && c < 256; c++)
        set[c] = !set[c];
    return *p == ']' ? p + 1 : p;
}

/* From behind the '%' to behind the letter. */
static const char *parse_conversion(const char *p, struct conversion *c)
{
    memset(c, 0, sizeof(*c));
    if (*p == '*') {
        c->suppress = true;
        p++;
    }
    for (; isdigit((unsigned char)*p); p++)
        if (c->width < INT_MAX / 10 - 1)
            c->width = c->width * 10 + (*p - '0');
    if (*p == 'm') {
        c->allocate = true;
        p++;
    }
    if (*p == 'h') {
        c->length = p[1] == 'h' ? LENGTH_CHAR : LENGTH_SHORT;
        p += 1 + (p[1] == 'h');
    } else if (*p == 'l' || *p == 'j' || *p == 'z' || *p == 't') {
        c->length = LENGTH_LONG;
        p += 1 + (p[0] == 'l' && p[1] == 'l');
    } else if (*p == 'L') {
        c->length = LENGTH_LONG_DOUBLE;
        p++;
    }
    c->letter = *p;
    return *p != '\0' ? p + 1 : p;
}

/* One character of the format that is no conversion. */
static bool match_literal(struct scan *s, char expected)
{
    int c = get(s);

    if (c == (unsigned char)expected)
        return true;
    s->ended |= c == EOF;
    unget(s, c);
    return false;
}

/* 1: assigned, or suppressed; 0: it does not match; -1: no such conversion. */
static int convert(struct scan *s, const struct conversion *c, const uint8_t *set, va_list *ap)
{
    int first;

    if (strchr("cn[", c->letter) == NULL) {
        skip_space(s);
        first = get(s);
        if (first == EOF) {
            s->ended = true;
            return 0;
        }
        unget(s, first);
    }
    switch (c->letter) {
    case 'd': case 'i': case 'u': case 'o': case 'x': case 'X': case 'p':
        return scan_integer(s, c, ap);
    case 'a': case 'e': case 'f': case 'g': case 'A': case 'E': case 'F': case 'G':
        return scan_float(s, c, ap);
    case 's': case 'c': case '[':
        return scan_text(s, c, set, ap);
    case 'n':
        if (!c->suppress)
            store_integer(va_arg(*ap, void *), c->length, (uint64_t)s->count);
        return 1;
    case '%':
        return match_literal(s, '%');
    default:
        return -1;
    }
}

int __scan(struct source *source, const char *format, va_list ap)
{
    struct scan s = {.source = source};
    va_list arguments;
    int assigned = 0;

    va_copy(arguments, ap);
    while (*format != '\0') {
        struct conversion c;
        uint8_t set[256];
        int result;

        if (isspace((unsigned char)*format)) {
            skip_space(&s);
            format++;
            continue;
        }
        if (*format != '%') {
            if (!match_literal(&s, *format))
                break;
            format++;
            continue;
        }
        format = parse_conversion(format + 1, &c);
        if (c.letter == '[')
            format = parse_set(format, set);
        result = convert(&s, &c, set, &arguments);
        if (result <= 0)
            break;
        assigned += !c.suppress && strchr("n%", c.letter) == NULL;
    }
    va_end(arguments);
    return assigned == 0 && s.ended ? EOF : assigned; /* as all do: a suppressed one does not count */
}
