/*
 * printf and echo. Read sh.h first. XCU printf; echo as XSI has it: backslashes mean something.
 */
#include "builtins.h"
#include "sh.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The arguments that are left, and what became of them. */
struct arguments {
    char **at, **end;
    int status;
    bool stop; /* \c was there */
};

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/*
 * Behind a backslash: the character that is meant goes to out; returns what follows. in_b: in the
 * argument of %b or echo, where an octal number may have a 0 before it and \c ends all.
 */
static const char *escape(const char *s, bool in_b, struct text *out, bool *stop)
{
    static const char letters[] = "abfnrtv\\", codes[] = "\a\b\f\n\r\t\v\\";
    const char *letter = *s != '\0' ? strchr(letters, *s) : NULL;

    if (letter != NULL) {
        text_add(out, codes[letter - letters]);
        return s + 1;
    }
    if (in_b && *s == 'c') {
        *stop = true;
        return s + strlen(s);
    }
    if (is_octal(*s)) {
        int value = 0;

        s += in_b && *s == '0';
        for (int digits = 0; digits < 3 && is_octal(*s); digits++)
            value = value * 8 + *s++ - '0';
        text_add(out, (char)value);
        return s;
    }
    text_add(out, '\\');
    return s;
}

/* A text with its escapes replaced (it may hold NULs). */
static struct text unescape(const char *s, bool *stop)
{
    struct text out = {0};

    while (*s != '\0' && !*stop) {
        if (*s == '\\')
            s = escape(s + 1, true, &out, stop);
        else
            text_add(&out, *s++);
    }
    return out;
}

int builtin_echo(int argc, char **argv)
{
    bool newline = true, stop = false;
    int i = 1;

    if (argc > 1 && strcmp(argv[1], "-n") == 0) {
        newline = false;
        i++;
    }
    for (; i < argc && !stop; i++) {
        struct text text = unescape(argv[i], &stop);

        fwrite(text_string(&text), 1, text.length, stdout);
        if (i + 1 < argc && !stop)
            putchar(' ');
    }
    if (newline && !stop)
        putchar('\n');
    return 0;
}

static const char *next_argument(struct arguments *a)
{
    return a->at < a->end ? *a->at++ : NULL;
}

static void check_number(struct arguments *a, const char *s, const char *end)
{
    if (end == s)
        builtin_error("%s: expected a number", s);
    else if (*end != '\0')
        builtin_error("%s: not completely converted", s);
    else if (errno == ERANGE)
        builtin_error("%s: out of range", s);
    else
        return;
    a->status = 1;
}

/* A number; a quote and a character is the character's. */
static intmax_t integer_argument(struct arguments *a, bool is_signed)
{
    const char *s = next_argument(a);
    char *end;
    intmax_t n;

    if (s == NULL)
        return 0;
    if (*s == '\'' || *s == '"')
        return (unsigned char)s[1];
    errno = 0;
    n = is_signed ? strtoll(s, &end, 0) : (intmax_t)strtoull(s, &end, 0);
    check_number(a, s, end);
    return n;
}

/* The text of %b with the conversion's width and precision, which count NULs as characters. */
static void print_b(const char *flags, int width, int precision, struct text text)
{
    size_t length = precision >= 0 && (size_t)precision < text.length ? (size_t)precision
                                                                      : text.length;
    int padding = width > (int)length ? width - (int)length : 0;
    bool left = strchr(flags, '-') != NULL;

    for (int i = 0; !left && i < padding; i++)
        putchar(' ');
    fwrite(text_string(&text), 1, length, stdout);
    for (int i = 0; left && i < padding; i++)
        putchar(' ');
}

/* A width or precision at *s: digits, or * for the next argument. -1: there is none. */
static int read_count(const char **s, struct arguments *a)
{
    int n = -1;

    if (**s == '*') {
        ++*s;
        return (int)integer_argument(a, true);
    }
    while (isdigit((unsigned char)**s))
        n = (n < 0 ? 0 : n * 10) + *(*s)++ - '0';
    return n;
}

/* Behind a '%'. Returns what follows the conversion. */
static const char *convert(const char *s, struct arguments *a)
{
    size_t flag_count = strspn(s, "+- #0");
    const char *flags = temp_copy(s, flag_count), *text, *format;
    int width, precision = -1;
    struct text b;

    s += flag_count;
    width = read_count(&s, a);
    if (width < 0 && s[-1] != '%' && s[-1] == '*') { /* a negative width: to the left */
        flags = temp_print("%s-", flags);
        width = -width;
    }
    if (*s == '.') {
        s++;
        precision = read_count(&s, a);
        if (precision < 0 && s[-1] == '.')
            precision = 0;
    }
    format = width >= 0 ? temp_print("%%%s%d", flags, width) : temp_print("%%%s", flags);
    if (precision >= 0)
        format = temp_print("%s.%d", format, precision);
    switch (*s) {
    case 'd':
    case 'i':
        printf(temp_print("%sjd", format), integer_argument(a, true));
        break;
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        printf(temp_print("%sj%c", format, *s), integer_argument(a, false));
        break;
    case 'c':
        text = next_argument(a);
        printf(temp_print("%ss", format), text != NULL && *text != '\0' ? temp_copy(text, 1) : "");
        break;
    case 's':
        text = next_argument(a);
        printf(temp_print("%ss", format), text != NULL ? text : "");
        break;
    case 'b':
        text = next_argument(a);
        b = unescape(text != NULL ? text : "", &a->stop);
        print_b(flags, width, precision, b);
        break;
    default:
        builtin_error("%%%c: no such conversion", *s);
        a->status = 1;
        a->stop = true;
        return s;
    }
    return s + 1;
}

static void print_format(const char *s, struct arguments *a)
{
    while (*s != '\0' && !a->stop) {
        struct text out = {0};

        if (*s == '\\') {
            s = escape(s + 1, false, &out, &a->stop);
            fwrite(text_string(&out), 1, out.length, stdout);
        } else if (*s == '%' && s[1] == '%') {
            putchar('%');
            s += 2;
        } else if (*s == '%') {
            s = convert(s + 1, a);
        } else {
            putchar(*s++);
        }
    }
}

int builtin_printf(int argc, char **argv)
{
    struct arguments a = {argv + 2, argv + argc, 0, false};
    char **before;
    int i = 1;

    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i >= argc)
        return builtin_error("usage: printf format [argument...]") + 1;
    a.at = argv + i + 1;
    do { /* again, as long as there are arguments and the format takes some */
        before = a.at;
        print_format(argv[i], &a);
    } while (a.at < a.end && a.at > before && !a.stop);
    return a.status;
}
