/*
 * expand.h: from words to arguments. Read sh.h and syntax.h first. XCU 2.6.
 *
 *   expand.c      quotes, tilde, and what begins with a dollar
 *   param.c       ${...}
 *   substitute.c  $(...) and `...`
 *   arith.c       $((...))
 *   fields.c      splitting at IFS, file names by pattern, quotes off
 *
 * A word is first expanded to characters that carry where they come from (struct piece); splitting
 * and patterns then only look at that.
 */
#ifndef EXPAND_H
#define EXPAND_H

#include "syntax.h"

enum piece_kind {
    PIECE_PLAIN,  /* written without quotes: may be part of a pattern */
    PIECE_VALUE,  /* came out of an expansion without quotes: that, and splits */
    PIECE_QUOTED, /* neither */
    PIECE_NULL,   /* no character: "" was here, so there is a field */
    PIECE_BREAK,  /* no character: a field ends, between the parameters of $@ */
};

struct pieces {
    char *chars, *kinds; /* length of each; temporary memory */
    size_t length, room;
};
void piece_add(struct pieces *pieces, char c, enum piece_kind kind);

/* How a text is expanded. */
enum {
    EX_QUOTED = 1,  /* it is in double quotes */
    EX_HERE = 2,    /* a here-document or a prompt: quoted, but quotes are ordinary characters */
    EX_BRACES = 4,  /* a word in ${...}: up to the '}' */
    EX_SINGLE = 8,  /* the result will be one field: "$@" is joined */
    EX_ASSIGN = 16, /* a value that is assigned: a tilde counts behind ':', too */
};
/* From source on to its end, the '}' or (EX_QUOTED without EX_HERE and EX_BRACES) the '"', which is
 * consumed. */
void expand_source(struct pieces *pieces, struct source *source, int how);
/* Behind a '$'. */
void expand_dollar(struct pieces *pieces, struct source *source, int how);
void piece_value(struct pieces *pieces, const char *value, int how);

/* param.c: behind "${". */
void expand_braces(struct pieces *pieces, struct source *source, int how);
/* A parameter's plain value: name is a variable's, digits, or a special one (not @ and *). */
const char *parameter_value(const char *name);
void put_parameter(struct pieces *pieces, const char *name, int how);

/* substitute.c */
extern int substitution_status; /* of the latest; -1: there was none */
void expand_command(struct pieces *pieces, struct source *source, int how); /* behind "$(" */
void expand_backquote(struct pieces *pieces, struct source *source, int how);

/* arith.c: throws on a wrong expression. */
intmax_t arithmetic(const char *expression);

/* fields.c */
/* The arguments a list of words stands for, in temporary memory, NULL behind them. */
char **expand_words(const struct word *words, int *argc);
/* One word to one field: no splitting, no file names. */
char *expand_one(const char *text);
char *expand_assigned(const char *text);
char *expand_here(const char *text);
/* A pattern for fnmatch: what was quoted has a backslash before it. */
char *expand_pattern(const char *text);
char *pieces_pattern(const struct pieces *pieces, size_t from, size_t to);
char *pieces_string(const struct pieces *pieces);

#endif
