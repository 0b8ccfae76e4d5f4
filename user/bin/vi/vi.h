/*
 * vi, a small one: what its files share. [POSIX XCU vi, ex; what is missing is listed in docs/utilities.md]
 *
 *     text.c     the lines, and undoing what was done to them
 *     motion.c   where a key moves the cursor to, and so what an operator (d, c, y) is about
 *     command.c  the keys of command mode, and typing text
 *     ex.c       the lines behind :
 *     main.c     the screen, keys, files
 */
#ifndef VI_H
#define VI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* ---- text.c ---- */

/* A line never changes: others take its place, so that what was before is a list of lines as well. */
struct line_text {
    unsigned refs;
    size_t length;
    char at[]; /* and a NUL */
};

struct place {
    size_t row, col;
};

extern struct line_text **lines; /* line_count of them, one at least */
extern size_t line_count;
extern struct place cursor;
extern bool changed; /* since it was written */

size_t length_of(size_t row);
int char_at(struct place p); /* '\n' at a line's end */
/* To be called before a change: what is there now can be come back to. */
void text_mark(void);
bool text_undo(void);
bool text_redo(void);
void text_clear(void);
void set_line(size_t row, const char *text, size_t length);
void insert_line(size_t row, const char *text, size_t length); /* the others move down */
void delete_lines(size_t row, size_t count);
/* Characters from one place up to another, lines in between; and text with newlines in it. */
void delete_range(struct place from, struct place to);
struct place insert_text(struct place at, const char *text, size_t length);
char *copy_range(struct place from, struct place to, size_t *length);
/* Reads a file's lines behind a row; the number read, -1 with errno. And writes lines [from, to). */
long read_file(const char *name, size_t row);
long write_file(const char *name, size_t from, size_t to, bool append);

/* ---- motion.c ---- */

struct motion {
    struct place to;
    bool lines;     /* it is about whole lines */
    bool inclusive; /* the character there belongs to it */
};

/* Where the key leads; more keys are read if it needs them. false: it is no motion, or leads nowhere
 * (*failed). count 0: none was typed. */
bool find_motion(int key, long count, struct motion *m, bool *failed);
/* The next match of the last pattern, or of a new one (not NULL, not ""). */
bool search(const char *pattern, bool backwards, struct place *to);
bool search_again(bool other_way, struct place *to);
size_t first_nonblank(size_t row);

/* ---- command.c ---- */

/* Reads and obeys one command. */
void obey_command(void);
extern struct place insert_begin; /* where typing began: not to be erased beyond */

/* ---- ex.c ---- */

void obey_line(const char *text);

/* ---- main.c ---- */

extern const char *file_name; /* NULL: none yet */
extern bool ended;
extern bool typing;           /* text, for the screen's last row */
int next_key(void);           /* typed, or repeated by . */
void begin_recording(void);   /* the keys from here on are a change's */
void end_recording(bool is_change);
void repeat_change(void);
char *ask_line(char prompt);  /* malloc'ed; NULL: given up */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
size_t screen_height(void);   /* of the text */
extern size_t top;            /* the row at the top */

#endif
