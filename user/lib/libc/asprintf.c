/* printf into memory of its own size. */
#include <stdio.h>
#include <stdlib.h>

int vasprintf(char **s, const char *text, va_list ap)
{
    va_list again;
    int length;

    va_copy(again, ap);
    length = vsnprintf(NULL, 0, text, again);
    va_end(again);
    *s = length < 0 ? NULL : malloc((size_t)length + 1);
    if (*s == NULL)
        return -1;
    return vsnprintf(*s, (size_t)length + 1, text, ap);
}

int asprintf(char **s, const char *text, ...)
{
    va_list ap;
    int length;

    va_start(ap, text);
    length = vasprintf(s, text, ap);
    va_end(ap);
    return length;
}
