/* perror: errno in words, on standard error. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

void perror(const char *s)
{
    int error = errno;
    int named = s != NULL && *s != '\0';

    fprintf(stderr, "%s%s%s\n", named ? s : "", named ? ": " : "", strerror(error));
}
