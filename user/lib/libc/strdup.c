/* Copies of strings in memory of their own. */
#include <stdlib.h>
#include <string.h>

char *strndup(const char *s, size_t size)
{
    size_t length = strnlen(s, size);
    char *copy = malloc(length + 1);

    if (copy != NULL) {
        memcpy(copy, s, length);
        copy[length] = '\0';
    }
    return copy;
}

char *strdup(const char *s)
{
    return strndup(s, (size_t)-1);
}
