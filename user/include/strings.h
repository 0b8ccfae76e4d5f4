/* Comparing without regard to case (POSIX locale), and bits. */
#ifndef _STRINGS_H_
#define _STRINGS_H_

#include <stddef.h>

int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t size);
int ffs(int value);

#endif
