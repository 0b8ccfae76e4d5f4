/* Reading /etc/passwd and /etc/group line by line. Read accounts.h before. */
#include "accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first line only: there is no file. */
static int give_root(struct accounts *file, char *buffer, size_t size)
{
    if (file->at_end)
        return 0;
    if (strlcpy(buffer, file->root, size) >= size) {
        errno = ERANGE;
        return -1;
    }
    file->at_end = true;
    return 1;
}

int __accounts_next(struct accounts *file, char *buffer, size_t size)
{
    size_t length = 0;

    if (file->fd < 0 && !file->at_end) {
        file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
        file->used = 0;
        if (file->fd < 0)
            return errno == ENOENT ? give_root(file, buffer, size) : -1;
    }
    while (!file->at_end) {
        char *newline = memchr(file->ahead, '\n', file->used);
        size_t piece = newline != NULL ? (size_t)(newline - file->ahead) : file->used;
        ssize_t n;

        if (length + piece + 1 > size) {
            errno = ERANGE;
            return -1;
        }
        memcpy(buffer + length, file->ahead, piece);
        length += piece;
        buffer[length] = '\0';
        file->used -= piece + (newline != NULL);
        memmove(file->ahead, file->ahead + piece + (newline != NULL), file->used);
        if (newline != NULL)
            return 1;
        n = read(file->fd, file->ahead, sizeof(file->ahead));
        if (n < 0)
            return -1;
        file->used = (size_t)n;
        file->at_end = n == 0;
    }
    return length > 0;
}

void __accounts_close(struct accounts *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file->at_end = false;
}

bool __accounts_split(char *line, char **field, int count)
{
    for (int i = 0; i < count; i++) {
        if (line == NULL)
            return false;
        field[i] = strsep(&line, ":");
    }
    return true;
}

bool __accounts_number(const char *text, uid_t *value)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    *value = (uid_t)n;
    return end != text && *end == '\0' && n == *value;
}
