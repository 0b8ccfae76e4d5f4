/*
 * What the utilities of user/bin share. Read this before any of them.
 *
 * A utility keeps to POSIX's rules [XBD 12.2, XCU 1.4]: options before operands, -- between them; - for
 * standard input; a complaint on standard error names the utility, the operand and the reason; the next
 * operand is taken all the same, and the exit status tells at the end. What it can do is in one string,
 * the usage, whose first line is the synopsis and which --help prints; docs/utilities.md says the same.
 */
#ifndef _UTIL_H_
#define _UTIL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- report.c: the usage, complaints, the exit status ---- */

extern const char *util_name; /* the program's, for complaints */
extern int util_status;       /* what it will exit with */
extern int util_failure; /* what a complaint makes util_status: 1, if the utility does not set it */

/* To be called first: usage is "usage: NAME ...\nLine...\n". With --help as the first argument it is
 * printed, and that is all. */
void util_begin(char **argv, const char *usage);
/* A wrong option or operand: shows the synopsis on standard error and exits, with 2 or more. */
_Noreturn void util_usage(void);
/* "NAME: what: reason", the reason errno's or given; sets util_status. */
void complain(const char *what);
void complain_of(const char *what, const char *reason);
/* The same, and exits. */
_Noreturn void die(const char *what);
_Noreturn void die_of(const char *what, const char *reason);
/* memory, which is not NULL: else the program ends with a complaint. */
void *must(void *memory);
/* To be returned from main: util_status, once standard output is written. */
int util_end(void);

/* ---- input.c: operands, numbers, bytes ---- */

/* Calls each() for each file named, opened: NULL-terminated names, or standard input if there are none; its
 * name is - then. A file that cannot be opened or read is complained of, and the next one taken. */
void each_input(char **names, void (*each)(FILE *file, const char *name));
/* The text, all of it, as a decimal number from least to most; else the program ends, naming what. */
long number_of(const char *text, long least, long most, const char *what);
/* Is all of the text a decimal number? */
bool is_number(const char *text, long *value);
/* Copies a descriptor's bytes, to the end or (limit >= 0) so many. The number copied, or -1 with errno;
 * *writing tells which side failed. */
long long copy_bytes(int from, int to, long long limit, bool *writing);
/* The next line without its newline; NULL at the end. *length is its length: it may hold NULs. The buffer is
 * the caller's to begin with NULL and to free. */
struct line {
    char *text;
    size_t room;
    size_t length;
    bool newline; /* the line ended with one: only a file's last may not */
};
bool read_line(FILE *file, struct line *line);

/* ---- tree.c: paths, directories, what is below them ---- */

/* dir/name, malloc'ed; dies when there is no memory. */
char *join_path(const char *dir, const char *name);
/* The last component, malloc'ed; / is its own. */
char *last_component(const char *path);
/* The names in a directory, sorted, without . and .., as a malloc'ed array of malloc'ed strings that ends
 * with NULL; NULL with errno. */
char **names_in(const char *dir);
void free_names(char **names);

enum walk_step {
    WALK_FILE,  /* anything but a directory */
    WALK_ENTER, /* a directory, before what is in it: false leaves that out, and WALK_LEAVE too */
    WALK_LEAVE, /* the directory again, after that */
};
typedef bool walk_visit(const char *path, const struct stat *st, enum walk_step step);
enum walk_links { WALK_PHYSICAL, WALK_OPERANDS, WALK_LOGICAL }; /* links followed: -P, -H, -L */
/* Visits path and all below it. Complains of what cannot be looked at, and goes on. */
void walk(const char *path, enum walk_links links, walk_visit *visit);

/* ---- mode.c ---- */

/* Changes *mode as chmod's operand says: octal digits, or clauses as u+x,go=r; mask is the umask, for clauses
 * without a who. false: the text is no mode. */
bool parse_mode(const char *text, mode_t *mode, mode_t mask);
/* The ten letters of ls -l, and a NUL. */
void mode_letters(mode_t mode, char letters[11]);
/* Names of users and groups, or their numbers as text where there is no name; good until the next call. */
const char *user_name(uid_t uid);
const char *group_name(gid_t gid);
/* Their numbers by name or digits; false: there is none. */
bool user_number(const char *text, uid_t *uid);
bool group_number(const char *text, gid_t *gid);

/* ---- date.c: times as people write them, in UTC; false: it is none ---- */

/* [[CC]YY]MMDDhhmm[.SS], a year that is not there being this one */
bool parse_time(const char *text, time_t *when);
/* A time as text, as strftime does, local; one in a year that no calendar has (a file may be given any), in
 * seconds. Too long: "". */
void time_text(char *text, size_t max, const char *format, time_t when);
/* YYYY-MM-DDThh:mm:SS, or with a blank for the T */
bool parse_date(const char *text, time_t *when);

/* ---- copy.c: what cp and mv share ---- */

struct copy_how {
    bool recursive, preserve, force, ask, follow, verbose;
};
/* Copies the file, or the tree, to the name. false after complaints. */
bool copy_path(const char *from, const char *to, const struct copy_how *how);
/* For cp, mv and ln: calls each(operand, name) for the operands but the last, which is the name, or the
 * directory that the names are in. */
void each_target(int count, char **operands, bool (*each)(const char *from, const char *to));
/* Asks on standard error, and reads the answer: y... is yes. */
bool confirm(const char *question, const char *path);

/* ---- screen.c: the terminal as a screen, for less, vi and top; VT100's sequences [ECMA-48] ---- */

enum { /* keys that are no character */
    KEY_NONE = -1, /* in the time */
    KEY_GONE = -2, /* the terminal */
    KEY_UP = 256, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_PAGE_UP, KEY_PAGE_DOWN,
    KEY_DELETE,
};
#define CTRL_KEY(letter) ((letter) & 0x1f)

extern int screen_rows, screen_columns;

/* Takes the terminal, to be read key by key, until screen_end or exit. -1 with errno: there is none. */
int screen_begin(void);
void screen_end(void);
/* What the functions below show is kept, and written by this, or when a key is waited for. */
void screen_flush(void);
void screen_move(int row, int column); /* from 0 */
/* Shows text, at most a row of it, and nothing else in that row; reverse: dark on light. It must hold
 * characters that print alone. */
void screen_row(int row, const char *text, bool reverse);
/* A line's bytes, as they are seen in so many columns from column `left` on, malloc'ed: a tab as blanks, what
 * does not print as ^X. And how many columns a byte takes that begins in that one. */
char *screen_text(const char *text, size_t length, size_t left, size_t columns);
size_t screen_width(int c, size_t column);
/* The next key, waiting for it at most so many tenths of a second (0: for ever). */
int screen_key(int tenths);

#endif
