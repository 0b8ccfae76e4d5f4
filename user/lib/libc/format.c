/*
 * The engine behind the printf family: everything of C11 but %n, which is a hole in every program
 * that formats what others wrote, and wide characters. Floating point is in format_float.c.
 */
#include "format.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

enum length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LONG_DOUBLE };

static void put(struct sink *sink, const char *bytes, size_t size)
{
    if (size > 0)
        sink->put(sink, bytes, size);
    sink->total += size;
}

static void put_many(struct sink *sink, char c, size_t count)
{
    char block[32];

    memset(block, c, sizeof(block));
    for (; count > sizeof(block); count -= sizeof(block))
        put(sink, block, sizeof(block));
    put(sink, block, count);
}

void __format_padded(struct sink *sink, const struct conversion *c, const char *prefix,
                   size_t prefix_size, const char *body, size_t body_size, bool zero)
{
    size_t size = prefix_size + body_size;
    size_t pad = (size_t)c->width > size ? c->width - size : 0;

    if (!c->left && !zero)
        put_many(sink, ' ', pad);
    put(sink, prefix, prefix_size);
    if (!c->left && zero)
        put_many(sink, '0', pad);
    put(sink, body, body_size);
    if (c->left)
        put_many(sink, ' ', pad);
}

static void format_integer(struct sink *sink, const struct conversion *c, uint64_t value,
                           bool negative)
{
    char digits[24]; /* 64 bits in octal are 22 */
    char *p = digits + sizeof(digits);
    char prefix[2];
    size_t prefix_size = 0;
    size_t size;
    unsigned base = 10;
    const char *letters = c->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    bool nonzero = value != 0;

    if (c->letter == 'x' || c->letter == 'X' || c->letter == 'p')
        base = 16;
    else if (c->letter == 'o')
        base = 8;
    for (; value != 0; value /= base)
        *--p = letters[value % base];
    size = digits + sizeof(digits) - p;
    if (c->letter == 'd') {
        if (negative)
            prefix[prefix_size++] = '-';
        else if (c->plus)
            prefix[prefix_size++] = '+';
        else if (c->space)
            prefix[prefix_size++] = ' ';
    } else if (base == 16 && (c->letter == 'p' || (c->alternate && nonzero))) {
        prefix[prefix_size++] = '0';
        prefix[prefix_size++] = c->letter == 'X' ? 'X' : 'x';
    }

    /* A precision says how many digits at least, and switches padding with zeros off. */
    if (c->precision < 0 && size == 0) {
        *--p = '0';
        size = 1;
    } else if (base == 8 && c->alternate && (int)size >= c->precision && (size == 0 || *p != '0')) {
        *--p = '0';
        size++;
    }
    if (c->precision > (int)size) {
        size_t zeros = c->precision - size;
        size_t all = prefix_size + zeros + size;
        size_t pad = (size_t)c->width > all ? c->width - all : 0;

        if (!c->left)
            put_many(sink, ' ', pad);
        put(sink, prefix, prefix_size);
        put_many(sink, '0', zeros);
        put(sink, p, size);
        if (c->left)
            put_many(sink, ' ', pad);
        return;
    }
    __format_padded(sink, c, prefix, prefix_size, p, size, c->zero && c->precision < 0);
}

static int64_t signed_argument(va_list *ap, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)va_arg(*ap, int);
    case LENGTH_SHORT:
        return (short)va_arg(*ap, int);
    case LENGTH_LONG:
        return va_arg(*ap, long);
    default:
        return va_arg(*ap, int);
    }
}

static uint64_t unsigned_argument(va_list *ap, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)va_arg(*ap, int);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(*ap, int);
    case LENGTH_LONG:
        return va_arg(*ap, unsigned long);
    default:
        return va_arg(*ap, unsigned);
    }
}

/* A number in the format string; too large ones become INT_MAX. */
static int parse_number(const char **text)
{
    int value = 0;

    for (; **text >= '0' && **text <= '9'; ++*text) {
        int digit = **text - '0';

        value = value > (INT_MAX - digit) / 10 ? INT_MAX : value * 10 + digit;
    }
    return value;
}

static bool parse_flag(struct conversion *c, char flag)
{
    switch (flag) {
    case '-':
        return c->left = true;
    case '+':
        return c->plus = true;
    case ' ':
        return c->space = true;
    case '#':
        return c->alternate = true;
    case '0':
        return c->zero = true;
    default:
        return false;
    }
}

static enum length parse_length(const char **text)
{
    switch (**text) {
    case 'h':
        if (*++*text != 'h')
            return LENGTH_SHORT;
        ++*text;
        return LENGTH_CHAR;
    case 'l':
        if (*++*text == 'l')
            ++*text;
        return LENGTH_LONG; /* long and long long are the same here, */
    case 'j':
    case 'z':
    case 't':
        ++*text;
        return LENGTH_LONG; /* and so are these */
    case 'L':
        ++*text;
        return LENGTH_LONG_DOUBLE;
    default:
        return LENGTH_INT;
    }
}

/* From behind the '%' to the letter, which *text then points to. */
static enum length parse_conversion(struct conversion *c, const char **text, va_list *ap)
{
    enum length length;

    memset(c, 0, sizeof(*c));
    c->precision = -1;
    while (parse_flag(c, **text))
        ++*text;
    if (**text == '*') {
        c->width = va_arg(*ap, int);
        if (c->width < 0) {
            c->left = true;
            c->width = c->width == INT_MIN ? INT_MAX : -c->width;
        }
        ++*text;
    } else {
        c->width = parse_number(text);
    }
    if (**text == '.') {
        ++*text;
        if (**text == '*') {
            c->precision = va_arg(*ap, int);
            ++*text;
        } else {
            c->precision = parse_number(text);
        }
    }
    length = parse_length(text);
    c->letter = **text;
    return length;
}

static void convert(struct sink *sink, struct conversion *c, enum length length, va_list *ap)
{
    char character;
    const char *string;
    int64_t value;

    switch (c->letter) {
    case 'd':
    case 'i':
        c->letter = 'd';
        value = signed_argument(ap, length);
        format_integer(sink, c, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
        break;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        format_integer(sink, c, unsigned_argument(ap, length), false);
        break;
    case 'p':
        format_integer(sink, c, (uint64_t)(uintptr_t)va_arg(*ap, void *), false);
        break;
    case 'c':
        character = (char)va_arg(*ap, int);
        __format_padded(sink, c, "", 0, &character, 1, false);
        break;
    case 's':
        string = va_arg(*ap, const char *);
        if (string == NULL)
            string = "(null)";
        __format_padded(sink, c, "", 0, string,
                      c->precision < 0 ? strlen(string) : strnlen(string, c->precision), false);
        break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        __format_float(sink, c,
                     length == LENGTH_LONG_DOUBLE ? (double)va_arg(*ap, long double)
                                                  : va_arg(*ap, double));
        break;
    }
}

int __format(struct sink *sink, const char *text, va_list ap)
{
    va_list arguments;

    sink->total = 0;
    va_copy(arguments, ap); /* so that it has an address, whatever va_list is */
    for (;;) {
        const char *percent = strchrnul(text, '%');
        struct conversion c;
        enum length length;

        put(sink, text, percent - text);
        if (*percent == '\0')
            break;
        text = percent + 1;
        length = parse_conversion(&c, &text, &arguments);
        if (*text == '\0')
            break;
        if (strchr("diouxXpcseEfFgGaA", *text) != NULL)
            convert(sink, &c, length, &arguments);
        else if (*text == '%')
            put(sink, "%", 1);
        else
            put(sink, percent, text + 1 - percent); /* as it stands, so that one sees it */
        text++;
    }
    va_end(arguments);
    if (sink->total > INT_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    return (int)sink->total;
}
