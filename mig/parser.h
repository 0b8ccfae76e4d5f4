/*
 * Between the files of the parser: scan.c (tokens), parse_type.c (types), parser.c (statements).
 */
#ifndef _MIG_PARSER_H_
#define _MIG_PARSER_H_

#include <setjmp.h>

#include "mig.h"

/* ---- scan.c ---- */
extern struct token token;      /* the one being looked at */
extern int depth;               /* of parentheses */
extern jmp_buf next_statement;  /* where a syntax error goes */

void advance(void);
/* Reports `expected ..., found ...` at the token being looked at, and goes on after the statement.
 * */
void syntax_error(const char *expected) __attribute__((noreturn));
bool looking_at(const char *punct);
bool looking_at_word(const char *word);
bool accept(const char *punct); /* is it this: then past it */
bool accept_word(const char *word);
void expect(const char *punct); /* a syntax error if it is not */
const char *expect_name(const char *what);
uint64_t constant_expression(void);

/* A word of the classic language, or of one of its dialects, that has no meaning here, and why. */
struct refused {
    const char *word;
    const char *reason;
};
/* If the token being looked at is one of a null-ended list: a syntax error that says why. */
void refuse_words(const struct refused *list);

/* ---- parse_type.c ---- */
struct type *type_spec(void);
void type_options(struct type *type); /* ctype: ... destructor: ... */
/* `= spec options`, for a type called name. */
struct type *type_definition(const char *name, struct place place);

#endif
