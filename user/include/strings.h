/* Comparing without regard to case (POSIX locale), and bits. */
#ifndef _STRINGS_H_
#define _STRINGS_H_

#include <stddef.h>

#ifndef _LOCALE_T_
#define _LOCALE_T_
typedef const struct __locale *locale_t;
#endif

int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t size);
int ffs(int value);
int ffsl(long value);
int ffsll(long long value);
int strcasecmp_l(const char *a, const char *b, locale_t locale);
int strncasecmp_l(const char *a, const char *b, size_t size, locale_t locale);
/* Names of before 1989. */
int bcmp(const void *a, const void *b, size_t size);
void bcopy(const void *from, void *to, size_t size);
void bzero(void *p, size_t size);
char *index(const char *s, int c);
char *rindex(const char *s, int c);

#endif
