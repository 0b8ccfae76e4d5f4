/*
 * edit.h: the line that is typed. Read sh.h first.
 *
 *   edit.c      a line: prompt, keys, what they do
 *   line.c      the line's text, and changing it
 *   screen.c    the line on the terminal
 *   history.c   lines that were typed before; ^R
 *   complete.c  the names that what is typed may become
 *
 * While a line is typed the terminal is in raw mode, and is put back for the command that runs. On a
 * standard input that cannot do that, and with `set +o emacs`, lines are read as they come.
 */
#ifndef EDIT_H
#define EDIT_H

#include "syntax.h"

/* ---- edit.c ---- */
/* source.more of a terminal: one line. */
bool edit_more(struct source *source);
/* The terminal as it was before the last line was typed: what ran since may have left it otherwise. */
void edit_restore(void);
/* End of file was typed: does the shell end? */
bool edit_at_end(void);

/* ---- line.c ---- */
struct line {
    char *text;           /* malloc'ed, with a NUL */
    size_t length, room;
    size_t cursor;        /* a byte's index: that of a character's first byte, or length */
    char *killed;         /* for ^Y; NULL: nothing yet */
};
void line_insert(struct line *line, const char *s, size_t length); /* at the cursor */
void line_set(struct line *line, const char *s);                   /* all of it; the cursor behind */
void line_delete(struct line *line, size_t from, size_t to);
void line_kill(struct line *line, size_t from, size_t to);         /* delete, and keep for ^Y */
void line_transpose(struct line *line);
/* The character before or behind that index, the word's begin or end. */
size_t line_left(const struct line *line, size_t at);
size_t line_right(const struct line *line, size_t at);
size_t line_word_left(const struct line *line, size_t at, bool blanks_only);
size_t line_word_right(const struct line *line, size_t at);

/* ---- screen.c ---- */
void screen_begin(const char *prompt);  /* that is shown, and nothing else; NULL: nothing */
/* Makes the terminal show prompt and text with the cursor at that byte of text. */
void screen_show(const char *prompt, const char *text, size_t cursor);
void screen_end(void);                  /* the cursor goes to the next line */
void screen_clear(void);
void screen_bell(void);
int screen_columns(void);
/* Writes below the line, which is shown anew afterwards. */
void screen_below(const char *text);

/* ---- history.c ---- */
void history_add(const char *line);
size_t history_count(void);
const char *history_line(size_t index); /* 0: the oldest */
/* The latest line before index that holds text; -1: none. */
long history_search(size_t index, const char *text);
int builtin_history(int argc, char **argv);

/* ---- complete.c ---- */
/* Completes what is before the cursor; again: the key before was a tab, too, so names are listed. */
void complete(struct line *line, bool again);

#endif
