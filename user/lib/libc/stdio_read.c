/* Input from streams. */
#include "stdio_file.h"

#include <stdlib.h>
#include <string.h>

/* Is there a byte to be had at f->at? */
static int ready(FILE *f)
{
    if (f->at < f->end && !(f->flags & STREAM_PENDING))
        return 1;
    return __stdio_to_read(f) == 0 && __stdio_fill(f) > 0;
}

int getc_unlocked(FILE *f)
{
    return ready(f) ? (unsigned char)f->buffer[f->at++] : EOF;
}

int getchar_unlocked(void)
{
    return getc_unlocked(stdin);
}

int fgetc(FILE *f)
{
    STREAM_LOCK(f);

    return getc_unlocked(f);
}

int getc(FILE *f)
{
    return fgetc(f);
}

int getchar(void)
{
    return fgetc(stdin);
}

int ungetc(int c, FILE *f)
{
    STREAM_LOCK(f);

    if (c == EOF || __stdio_to_read(f) == EOF)
        return EOF;
    if (f->at == 0) { /* nothing was read yet: room is made at the front */
        if (f->end == f->size)
            return EOF;
        memmove(f->buffer + 1, f->buffer, f->end);
        f->at = 1;
        f->end++;
    }
    f->buffer[--f->at] = (char)c;
    f->flags &= ~STREAM_EOF;
    return (unsigned char)c;
}

size_t fread(void *restrict p, size_t size, size_t count, FILE *restrict f)
{
    char *to = p;
    size_t total;
    size_t done = 0;
    STREAM_LOCK(f);

    if (size == 0 || __builtin_mul_overflow(size, count, &total))
        return 0;
    while (done < total && ready(f)) {
        size_t piece = f->end - f->at;

        if (piece > total - done)
            piece = total - done;
        memcpy(to + done, f->buffer + f->at, piece);
        f->at += piece;
        done += piece;
    }
    return done / size;
}

/* What is in the buffer, up to and with delimiter if it is there (*found). */
static size_t span(FILE *f, int delimiter, int *found)
{
    const char *start = f->buffer + f->at;
    const char *end = memchr(start, delimiter, f->end - f->at);

    *found = end != NULL;
    return end != NULL ? (size_t)(end + 1 - start) : f->end - f->at;
}

char *fgets(char *restrict s, int size, FILE *restrict f)
{
    size_t room = size > 0 ? (size_t)size - 1 : 0;
    size_t done = 0;
    int found = 0;
    STREAM_LOCK(f);

    if (size <= 0)
        return NULL;
    while (done < room && !found && ready(f)) {
        size_t piece = span(f, '\n', &found);

        if (piece > room - done) {
            piece = room - done;
            found = 0;
        }
        memcpy(s + done, f->buffer + f->at, piece);
        f->at += piece;
        done += piece;
    }
    if ((done == 0 && room > 0) || f->flags & STREAM_ERROR)
        return NULL;
    s[done] = '\0';
    return s;
}

ssize_t getdelim(char **restrict line, size_t *restrict size, int delimiter, FILE *restrict f)
{
    size_t done = 0;
    int found = 0;
    STREAM_LOCK(f);

    if (*line == NULL)
        *size = 0;
    while (!found && ready(f)) {
        size_t piece = span(f, delimiter, &found);

        if (done + piece + 1 > *size) {
            size_t new_size = *size * 2 > done + piece + 1 ? *size * 2 : done + piece + 1;
            char *new = realloc(*line, new_size);

            if (new == NULL) {
                f->flags |= STREAM_ERROR;
                return -1;
            }
            *line = new;
            *size = new_size;
        }
        memcpy(*line + done, f->buffer + f->at, piece);
        f->at += piece;
        done += piece;
    }
    if (done == 0 || f->flags & STREAM_ERROR)
        return -1;
    (*line)[done] = '\0';
    return done;
}

ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict f)
{
    return getdelim(line, size, '\n', f);
}
