/*
 * The text of a line that is typed, and changing it. Read edit.h first. Bytes of UTF-8 go together.
 */
#include "edit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A byte that goes on with a character of UTF-8. */
static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

void line_insert(struct line *line, const char *s, size_t length)
{
    if (line->length + length + 1 > line->room) {
        size_t room = 2 * (line->length + length) + 64;

        line->text = need(realloc(line->text, room));
        line->room = room;
    }
    memmove(line->text + line->cursor + length, line->text + line->cursor,
            line->length - line->cursor);
    memcpy(line->text + line->cursor, s, length);
    line->length += length;
    line->cursor += length;
    line->text[line->length] = '\0';
}

void line_set(struct line *line, const char *s)
{
    line->length = line->cursor = 0;
    line_insert(line, s, strlen(s));
}

void line_delete(struct line *line, size_t from, size_t to)
{
    memmove(line->text + from, line->text + to, line->length - to + 1);
    line->length -= to - from;
    if (line->cursor >= to)
        line->cursor -= to - from;
    else if (line->cursor > from)
        line->cursor = from;
}

void line_kill(struct line *line, size_t from, size_t to)
{
    if (from == to)
        return;
    free(line->killed);
    line->killed = need(strndup(line->text + from, to - from));
    line_delete(line, from, to);
}

size_t line_left(const struct line *line, size_t at)
{
    if (at > 0)
        at--;
    while (at > 0 && continues(line->text[at]))
        at--;
    return at;
}

size_t line_right(const struct line *line, size_t at)
{
    if (at < line->length)
        at++;
    while (at < line->length && continues(line->text[at]))
        at++;
    return at;
}

/* blanks_only: a word is what has no blanks in it, as ^W has it. */
size_t line_word_left(const struct line *line, size_t at, bool blanks_only)
{
    while (at > 0 && (blanks_only ? line->text[at - 1] == ' ' : !in_word(line->text[at - 1])))
        at--;
    while (at > 0 && (blanks_only ? line->text[at - 1] != ' ' : in_word(line->text[at - 1])))
        at--;
    return at;
}

size_t line_word_right(const struct line *line, size_t at)
{
    while (at < line->length && !in_word(line->text[at]))
        at++;
    while (at < line->length && in_word(line->text[at]))
        at++;
    return at;
}

/* Exchanges the characters around the cursor, at the end the last two. */
void line_transpose(struct line *line)
{
    size_t middle = line->cursor == line->length ? line_left(line, line->length) : line->cursor;
    size_t from = line_left(line, middle), to = line_right(line, middle);
    char *second;

    if (from == middle || middle == line->length)
        return;
    second = temp_copy(line->text + middle, to - middle);
    memmove(line->text + from + (to - middle), line->text + from, middle - from);
    memcpy(line->text + from, second, to - middle);
    line->cursor = to;
}
