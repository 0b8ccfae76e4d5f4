/* The environment: `environ`, which a program may also change itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **made; /* the array we allocated, if environ is still that one */
static size_t made_size;

/* The place of name (length bytes) in environ; NULL. */
static char **find(const char *name, size_t length)
{
    for (char **e = environ; e != NULL && *e != NULL; e++)
        if (strncmp(*e, name, length) == 0 && (*e)[length] == '=')
            return e;
    return NULL;
}

char *getenv(const char *name)
{
    size_t length = strlen(name);
    char **e = find(name, length);

    return e != NULL ? *e + length + 1 : NULL;
}

/* Puts entry in place of what has its name, or behind all. The string becomes the environment's. */
static int put(char *entry, size_t length)
{
    char **e = find(entry, length);
    size_t count = 0;

    if (e != NULL) {
        *e = entry;
        return 0;
    }
    while (environ != NULL && environ[count] != NULL)
        count++;
    if (environ != made || count + 2 > made_size) {
        size_t size = count * 2 + 8;
        char **new = malloc(size * sizeof(*new));

        if (new == NULL)
            return -1;
        if (count > 0)
            memcpy(new, environ, count * sizeof(*new));
        free(made);
        made = new;
        made_size = size;
        environ = new;
    }
    environ[count] = entry;
    environ[count + 1] = NULL;
    return 0;
}

static int check_name(const char *name)
{
    if (name != NULL && *name != '\0' && strchr(name, '=') == NULL)
        return 0;
    errno = EINVAL;
    return -1;
}

/* Strings replaced are not freed: getenv may have given them out. */
int setenv(const char *name, const char *value, int overwrite)
{
    size_t length;
    char *entry;

    if (check_name(name) < 0)
        return -1;
    length = strlen(name);
    if (!overwrite && find(name, length) != NULL)
        return 0;
    entry = malloc(length + strlen(value) + 2);
    if (entry == NULL)
        return -1;
    memcpy(entry, name, length);
    entry[length] = '=';
    strcpy(entry + length + 1, value);
    if (put(entry, length) == 0)
        return 0;
    free(entry);
    return -1;
}

int putenv(char *string)
{
    const char *equals = strchr(string, '=');

    return equals != NULL ? put(string, equals - string) : unsetenv(string);
}

int unsetenv(const char *name)
{
    size_t length;
    char **e;

    if (check_name(name) < 0)
        return -1;
    length = strlen(name);
    while ((e = find(name, length)) != NULL)
        for (; *e != NULL; e++)
            e[0] = e[1];
    return 0;
}

int clearenv(void)
{
    static char *none[1];

    environ = none;
    return 0;
}
