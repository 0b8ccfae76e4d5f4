/* The engine behind the printf family: formats into a sink. */
#ifndef _FORMAT_H_
#define _FORMAT_H_

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct sink {
    /* Takes size bytes; a sink that cannot remembers so itself. */
    void (*put)(struct sink *sink, const char *bytes, size_t size);
    size_t total; /* bytes put so far, kept by __format() */
};

/* One conversion, as the format string says it. */
struct conversion {
    bool left;     /* '-' */
    bool plus;     /* '+' */
    bool space;    /* ' ' */
    bool alternate; /* '#' */
    bool zero;     /* '0' */
    int width;
    int precision; /* -1: none given */
    char letter;
};

/* Returns the bytes put, or -1 with errno EOVERFLOW when that is more than an int can say. */
int __format(struct sink *sink, const char *text, va_list ap);
/* Puts prefix ("-", "0x", ...) and body padded to the conversion's width: with zeros between them,
 * or with spaces. */
void __format_padded(struct sink *sink, const struct conversion *c, const char *prefix,
                   size_t prefix_size, const char *body, size_t body_size, bool zero);
/* %e %f %g %a and their capitals. (format_float.c) */
void __format_float(struct sink *sink, const struct conversion *c, double value);

#endif
