/*
 * Lines that were typed before. Read edit.h first.
 *
 * HISTSIZE says how many are kept (500 if it is unset). If HISTFILE is set, they come from that file,
 * and each new one is added to it.
 */
#include "edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SIZE 500

static char **lines;
static size_t count, room, dropped; /* dropped: so many before them are gone */
static bool loaded;

static void append(const char *line)
{
    const char *size = var_get("HISTSIZE");
    size_t limit = size != NULL && atoi(size) > 0 ? (size_t)atoi(size) : DEFAULT_SIZE;

    if (count == room) {
        room = 2 * room + 64;
        lines = need(realloc(lines, room * sizeof(*lines)));
    }
    lines[count] = copy_string(line);
    count++;
    while (count > limit) {
        free(lines[0]);
        memmove(lines, lines + 1, --count * sizeof(*lines));
        dropped++;
    }
}

/* The file's lines, the first time history is wanted. */
static void load(void)
{
    const char *name = var_get("HISTFILE");
    FILE *file;
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    if (loaded)
        return;
    loaded = true;
    file = name != NULL ? fopen(name, "r") : NULL;
    if (file == NULL)
        return;
    while ((n = getline(&line, &size, file)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        append(line);
    }
    free(line);
    fclose(file);
}

void history_add(const char *line)
{
    const char *name = var_get("HISTFILE");
    int fd;

    load();
    if (line[strspn(line, " \t")] == '\0' || (count > 0 && strcmp(lines[count - 1], line) == 0))
        return;
    append(line);
    fd = name != NULL ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        dprintf(fd, "%s\n", line);
        close(fd);
    }
}

size_t history_count(void)
{
    load();
    return count;
}

const char *history_line(size_t index)
{
    return lines[index];
}

long history_search(size_t index, const char *text)
{
    load();
    if (index > count)
        index = count;
    while (index-- > 0)
        if (strstr(lines[index], text) != NULL)
            return (long)index;
    return -1;
}

int builtin_history(int argc, char **argv)
{
    load();
    if (argc == 2 && strcmp(argv[1], "-c") == 0) {
        while (count > 0)
            free(lines[--count]);
        return 0;
    }
    if (argc > 1)
        return builtin_error("usage: history [-c]") + 1;
    for (size_t i = 0; i < count; i++)
        printf("%5zu  %s\n", dropped + i + 1, lines[i]);
    return 0;
}
