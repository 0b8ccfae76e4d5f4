/* err and warn. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char *__program_name; /* start.c */

const char *getprogname(void)
{
    const char *slash = strrchr(__program_name, '/');

    return slash != NULL ? slash + 1 : __program_name;
}

static void message(const char *format, va_list ap, const char *words)
{
    fprintf(stderr, "%s: ", getprogname());
    if (format != NULL)
        vfprintf(stderr, format, ap);
    if (words != NULL)
        fprintf(stderr, "%s%s", format != NULL ? ": " : "", words);
    fputc('\n', stderr);
}

void vwarn(const char *format, va_list ap)
{
    message(format, ap, strerror(errno));
}

void vwarnx(const char *format, va_list ap)
{
    message(format, ap, NULL);
}

void warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vwarn(format, ap);
    va_end(ap);
}

void warnx(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vwarnx(format, ap);
    va_end(ap);
}

void err(int status, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vwarn(format, ap);
    va_end(ap);
    exit(status);
}

void errx(int status, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vwarnx(format, ap);
    va_end(ap);
    exit(status);
}
