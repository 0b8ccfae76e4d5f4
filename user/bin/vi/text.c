/* The lines, and what they were before. Read vi.h first. */
#include "vi.h"

#include <stdlib.h>
#include <string.h>
#include <util.h>

/* All lines as they were once. */
struct state {
    struct line_text **lines;
    size_t count;
    struct place cursor;
};

struct history {
    struct state *states;
    size_t count, room;
};

struct line_text **lines;
size_t line_count;
struct place cursor;
bool changed;

static size_t room;
static struct history undo, redo;

size_t length_of(size_t row)
{
    return lines[row]->length;
}

int char_at(struct place p)
{
    return p.col < length_of(p.row) ? (unsigned char)lines[p.row]->at[p.col] : '\n';
}

static struct line_text *make_line(const char *text, size_t length)
{
    struct line_text *line = must(malloc(sizeof(*line) + length + 1));

    line->refs = 1;
    line->length = length;
    memcpy(line->at, text, length);
    line->at[length] = '\0';
    return line;
}

static void release(struct line_text *line)
{
    if (--line->refs == 0)
        free(line);
}

/* ---- history ---- */

static void push(struct history *h)
{
    struct state *s;

    if (h->count == h->room) {
        h->room = h->room > 0 ? 2 * h->room : 16;
        h->states = must(realloc(h->states, h->room * sizeof(*h->states)));
    }
    s = &h->states[h->count++];
    *s = (struct state){must(malloc((line_count + 1) * sizeof(*lines))), line_count, cursor};
    for (size_t i = 0; i < line_count; i++) {
        s->lines[i] = lines[i];
        lines[i]->refs++;
    }
}

static void free_lines(struct line_text **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        release(list[i]);
    free(list);
}

static void forget(struct history *h)
{
    while (h->count > 0) {
        struct state *s = &h->states[--h->count];

        free_lines(s->lines, s->count);
    }
}

void text_mark(void)
{
    push(&undo);
    forget(&redo);
}

/* What is there now goes to `to`, and the latest of `from` comes. */
static bool go(struct history *from, struct history *to)
{
    struct state s;

    if (from->count == 0)
        return false;
    push(to);
    s = from->states[--from->count];
    free_lines(lines, line_count);
    lines = s.lines;
    line_count = s.count;
    room = s.count;
    cursor = s.cursor;
    changed = true;
    return true;
}

bool text_undo(void)
{
    return go(&undo, &redo);
}

bool text_redo(void)
{
    return go(&redo, &undo);
}

void text_clear(void)
{
    free_lines(lines, line_count);
    lines = NULL;
    line_count = room = 0;
    insert_line(0, "", 0);
    forget(&undo);
    forget(&redo);
    cursor = (struct place){0, 0};
    changed = false;
}

/* ---- changes ---- */

void set_line(size_t row, const char *text, size_t length)
{
    struct line_text *line = make_line(text, length); /* text may lie in the old one */

    release(lines[row]);
    lines[row] = line;
    changed = true;
}

void insert_line(size_t row, const char *text, size_t length)
{
    struct line_text *line = make_line(text, length);

    if (line_count == room) {
        room = room > 0 ? 2 * room : 64;
        lines = must(realloc(lines, room * sizeof(*lines)));
    }
    memmove(lines + row + 1, lines + row, (line_count - row) * sizeof(*lines));
    lines[row] = line;
    line_count++;
    changed = true;
}

void delete_lines(size_t row, size_t count)
{
    for (size_t i = row; i < row + count; i++)
        release(lines[i]);
    line_count -= count;
    memmove(lines + row, lines + row + count, (line_count - row) * sizeof(*lines));
    changed = true;
    if (line_count == 0)
        insert_line(0, "", 0);
}

/* The bytes of two pieces of lines as one line, at row. */
static void join_pieces(size_t row, const char *a, size_t a_length, const char *b, size_t b_length)
{
    char *text = must(malloc(a_length + b_length + 1));

    memcpy(text, a, a_length);
    memcpy(text + a_length, b, b_length);
    set_line(row, text, a_length + b_length);
    free(text);
}

void delete_range(struct place from, struct place to)
{
    join_pieces(from.row, lines[from.row]->at, from.col, lines[to.row]->at + to.col,
                length_of(to.row) - to.col);
    if (to.row > from.row)
        delete_lines(from.row + 1, to.row - from.row);
}

/* Returns the place behind it. */
struct place insert_text(struct place at, const char *text, size_t length)
{
    const char *newline;

    while ((newline = memchr(text, '\n', length)) != NULL) {
        size_t part = (size_t)(newline - text);

        insert_line(at.row + 1, lines[at.row]->at + at.col, length_of(at.row) - at.col);
        join_pieces(at.row, lines[at.row]->at, at.col, text, part);
        at = (struct place){at.row + 1, 0};
        text += part + 1;
        length -= part + 1;
    }
    if (length > 0) {
        char *tail = must(strndup(lines[at.row]->at + at.col, length_of(at.row) - at.col));
        size_t tail_length = length_of(at.row) - at.col;

        join_pieces(at.row, lines[at.row]->at, at.col, text, length);
        join_pieces(at.row, lines[at.row]->at, length_of(at.row), tail, tail_length);
        free(tail);
        at.col += length;
    }
    return at;
}

char *copy_range(struct place from, struct place to, size_t *length)
{
    char *text = NULL;
    size_t size = 0;

    for (size_t row = from.row; row <= to.row; row++) {
        size_t begin = row == from.row ? from.col : 0,
               end = row == to.row ? to.col : length_of(row);

        text = must(realloc(text, size + (end - begin) + 2));
        memcpy(text + size, lines[row]->at + begin, end - begin);
        size += end - begin;
        if (row < to.row)
            text[size++] = '\n';
    }
    text[size] = '\0';
    *length = size;
    return text;
}

/* ---- files ---- */

long read_file(const char *name, size_t row)
{
    FILE *file = fopen(name, "r");
    struct line line = {0};
    long count = 0;
    bool bad;

    if (file == NULL)
        return -1;
    while (read_line(file, &line)) {
        insert_line(++row, line.text, line.length);
        count++;
    }
    bad = ferror(file);
    free(line.text);
    fclose(file);
    return bad ? -1 : count;
}

long write_file(const char *name, size_t from, size_t to, bool append)
{
    FILE *file = fopen(name, append ? "a" : "w");
    long bytes = 0;

    if (file == NULL)
        return -1;
    for (size_t row = from; row < to; row++) {
        fwrite(lines[row]->at, 1, length_of(row), file);
        putc('\n', file);
        bytes += (long)length_of(row) + 1;
    }
    if (ferror(file)) {
        fclose(file);
        return -1;
    }
    return fclose(file) == 0 ? bytes : -1;
}
