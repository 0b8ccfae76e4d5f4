/*
 * How the file server's tools on the host (fsmodel.c, fsnames.c, fscrash.c) say what is wrong, and end.
 */
#ifndef FSFAIL_H
#define FSFAIL_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHECK(cond) \
    do { \
        if (!(cond)) \
            fail("line %d: %s (%s)", __LINE__, #cond, strerror(errno)); \
    } while (0)

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void fail(const char *format, ...)
{
    va_list ap;

    fflush(stdout);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    _exit(1);
}

#endif
