/* Messages of programs that fail, with their name in front (BSD's). */
#ifndef _ERR_H_
#define _ERR_H_

#include <stdarg.h>

void warn(const char *format, ...) __attribute__((format(printf, 1, 2))); /* with errno's words */
void warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void err(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void errx(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void vwarn(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));
void vwarnx(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));

/* The name the program was started by, without its directory. */
const char *getprogname(void);

#endif
