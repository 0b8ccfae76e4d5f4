/*
 * The line on the terminal. Read edit.h first.
 *
 * What is shown is remembered as cells; a change writes only what differs. It works on a serial line
 * with nothing known of the terminal: the cursor goes left by backspaces, right by writing again what
 * is there, and only a line longer than a row needs a sequence, the one that goes up (ESC [ A, which
 * every terminal since the VT52's successors has). Where TERM is dumb there is not even that: then a
 * part of the line is shown that fits into a row.
 */
#include "edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS 80       /* if the terminal does not say */
#define CELL 8           /* bytes of a cell: a character of UTF-8, and a NUL */
#define SHORT 40         /* cells that fit into a row for sure: the terminal need not be asked */

struct cell {
    char bytes[CELL];
};
struct cells {
    struct cell *list;
    size_t count, room;
};

static struct cells shown, wanted;
static size_t at;        /* the cursor's cell */
static bool pending;     /* in the last column something was written: the cursor is still there */
static int columns;      /* 0: not asked yet */
static struct text out;  /* written in one piece */

int screen_columns(void)
{
    struct winsize size;

    if (columns == 0)
        columns = tcgetwinsize(STDERR_FILENO, &size) == 0 && size.ws_col > 1 ? size.ws_col : COLUMNS;
    return columns;
}

static bool dumb(void)
{
    const char *term = var_get("TERM");

    return term != NULL && strcmp(term, "dumb") == 0;
}

static void flush(void)
{
    const char *s = out.bytes;

    while (out.length > 0) {
        ssize_t n = write(STDERR_FILENO, s, out.length);

        if (n < 0 && errno != EINTR)
            break;
        if (n > 0) {
            s += n;
            out.length -= n;
        }
    }
    out = (struct text){0};
}

static void put(const char *s)
{
    text_append(&out, s, strlen(s));
}

static void add_cell(struct cells *cells, const char *bytes, size_t length)
{
    if (cells->count == cells->room) {
        size_t room = 2 * cells->room + 128;

        cells->list = need(realloc(cells->list, room * sizeof(*cells->list)));
        cells->room = room;
    }
    memset(&cells->list[cells->count], 0, sizeof(struct cell));
    memcpy(cells->list[cells->count++].bytes, bytes, length < CELL ? length : CELL - 1);
}

/* The cells of a text; a control character is shown as ^X, in two. */
static void add_text(struct cells *cells, const char *s, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t n = 1;
        char control = (char)(s[i] ^ 0x40);

        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f) {
            add_cell(cells, "^", 1);
            add_cell(cells, &control, 1);
        } else {
            while (i + n < length && ((unsigned char)s[i + n] & 0xc0) == 0x80)
                n++;
            add_cell(cells, s + i, n);
        }
        i += n;
    }
}

/* Writes cells of what is wanted, from where the cursor is. */
static void write_cells(const struct cells *cells, size_t to)
{
    for (; at < to; at++) {
        if (at < cells->count)
            put(cells->list[at].bytes);
        else
            put(" ");
        pending = true;
    }
    if (pending)
        pending = at >= SHORT && at % screen_columns() == 0;
}

/* Moves the cursor; what is there is shown already. */
static void go(size_t to)
{
    size_t width;

    if (to == at)
        return;
    if (to > at) {
        write_cells(&wanted, to);
        return;
    }
    if (pending) { /* onto the next row in fact, where nothing is yet */
        put(" \b");
        pending = false;
    }
    width = at < SHORT ? SHORT : (size_t)screen_columns();
    if (to / width == at / width) {
        for (; at > to; at--)
            put("\b");
        return;
    }
    for (; to / width < at / width; at -= width)
        put("\033[A");
    go(to);
}

/* Of a line that is too long for a dumb terminal, a part with the cursor in it. */
static void cut(size_t *cursor)
{
    size_t width = screen_columns() - 1, first;

    if (wanted.count < width)
        return;
    first = *cursor < width ? 0 : (*cursor - width / 2) / (width / 2) * (width / 2);
    wanted.count -= first;
    memmove(wanted.list, wanted.list + first, wanted.count * sizeof(*wanted.list));
    if (wanted.count > width)
        wanted.count = width;
    *cursor -= first;
}

void screen_begin(const char *prompt)
{
    const char *last = prompt != NULL ? strrchr(prompt, '\n') : NULL;

    shown.count = 0;
    if (prompt != NULL)
        add_text(&shown, last != NULL ? last + 1 : prompt, strlen(last != NULL ? last + 1 : prompt));
    at = shown.count;
    pending = false;
    columns = 0;
}

void screen_show(const char *prompt, const char *text, size_t cursor)
{
    struct mark mark = temp_mark();
    const char *last = strrchr(prompt, '\n');
    struct cells swap;
    size_t same = 0, end;

    if (last != NULL) { /* a prompt of several lines: only the last is part of ours */
        if (shown.count == 0)
            text_append(&out, prompt, last + 1 - prompt);
        prompt = last + 1;
    }
    wanted.count = 0;
    add_text(&wanted, prompt, strlen(prompt));
    add_text(&wanted, text, cursor);
    end = wanted.count;
    add_text(&wanted, text + cursor, strlen(text + cursor));
    if (wanted.count >= SHORT && dumb())
        cut(&end);
    while (same < wanted.count && same < shown.count
           && memcmp(&wanted.list[same], &shown.list[same], sizeof(struct cell)) == 0)
        same++;
    if (same < wanted.count || same < shown.count) {
        go(same);
        write_cells(&wanted, wanted.count > shown.count ? wanted.count : shown.count);
    }
    go(end);
    flush();
    swap = shown;
    shown = wanted;
    wanted = swap;
    temp_release(mark);
}

void screen_end(void)
{
    struct mark mark = temp_mark();

    wanted.count = 0;
    for (size_t i = 0; i < shown.count; i++)
        add_cell(&wanted, shown.list[i].bytes, strlen(shown.list[i].bytes));
    go(shown.count);
    put("\n");
    flush();
    screen_begin(NULL);
    temp_release(mark);
}

void screen_clear(void)
{
    put("\033[H\033[2J");
    flush();
    screen_begin(NULL);
}

void screen_bell(void)
{
    put("\a");
    flush();
}

void screen_below(const char *text)
{
    screen_end();
    put(text);
    flush();
}
