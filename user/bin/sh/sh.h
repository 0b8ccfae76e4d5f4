/*
 * sh.h: what the parts of the shell share.
 *
 *   lex.c      characters -> tokens (words keep their quotes)
 *   parse.c    tokens -> a tree of commands
 *   expand.c   words -> arguments: parameters, quotes, patterns
 *   run.c      the tree -> processes: pipes, redirection, lists, jobs
 *   builtin.c  what must run in the shell itself: cd, exit, ...
 *   main.c     where commands come from: a terminal, a file, -c
 *
 * Grammar (a subset of POSIX XCU 2.10):
 *   list     = and_or { (";" | "&" | newline) and_or } [";" | "&"]
 *   and_or   = pipeline { ("&&" | "||") pipeline }
 *   pipeline = ["!"] command { "|" command }
 *   command  = simple | "(" list ")" { redirection } | "{" list "}" { redirection }
 *   simple   = { NAME=word | redirection } [word { word | redirection }]
 *
 * A command line's memory comes from an arena that is emptied after it has run.
 */
#ifndef SH_H
#define SH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum token {
    TOK_EOF, TOK_NEWLINE, TOK_WORD, TOK_SEMI, TOK_AMP, TOK_AND_IF, TOK_OR_IF, TOK_PIPE, TOK_LPAREN,
    TOK_RPAREN, TOK_REDIRECT,
};

enum redirect_kind { RE_IN, RE_OUT, RE_APPEND, RE_DUP, RE_RDWR };

struct redirect {
    struct redirect *next;
    enum redirect_kind kind;
    int fd;
    char *word;            /* file name, or the descriptor (RE_DUP; "-" closes) */
};

struct word {
    struct word *next;
    char *text;            /* with quotes */
};

enum node_kind { ND_SIMPLE, ND_PIPE, ND_AND, ND_OR, ND_SEQ, ND_BACKGROUND, ND_NOT, ND_SUBSHELL,
                 ND_GROUP };

struct node {
    enum node_kind kind;
    struct node *left, *right;   /* SUBSHELL, GROUP, NOT, BACKGROUND: left only */
    struct word *assignments;    /* SIMPLE: NAME=value */
    struct word *words;
    struct redirect *redirects;  /* SIMPLE, SUBSHELL, GROUP */
};

/* lex.c */
struct lexer {
    const char *at;
    enum token token;
    char *word;                  /* of TOK_WORD */
    enum redirect_kind redirect; /* of TOK_REDIRECT */
    int fd;
    const char *error;           /* set with TOK_EOF: unterminated quote */
};
void lex_init(struct lexer *lexer, const char *text);
void lex_next(struct lexer *lexer);

/* parse.c: one complete list up to a newline or the end; NULL: nothing there, or *error is set. */
struct node *parse_line(struct lexer *lexer, const char **error);

/* expand.c */
/* The arguments that a list of words stands for; *argc of them, NULL-terminated. */
char **expand_words(const struct word *words, int *argc);
/* One word without splitting or patterns: for redirections and assignments. */
char *expand_one(const char *text);

/* run.c */
extern int last_status;   /* $? */
extern bool interactive;
extern pid_t last_background; /* $! */
/* Runs the tree; the status. may_exec: it is the last thing this process does. */
int run(const struct node *node, bool may_exec);
/* Says what became of finished background jobs. */
void reap_jobs(void);
int wait_for_jobs(pid_t pid); /* pid 0: all */
void list_jobs(void);

/* builtin.c: -1: argv[0] is no builtin, else its status. */
int run_builtin(int argc, char **argv);
bool is_builtin(const char *name);

/* main.c */
extern const char *script_name;
extern char **positional;     /* $1.. */
extern int positional_count;
int run_text(const char *text, bool may_exec);
void *arena_alloc(size_t size); /* exits when there is no memory */
char *arena_strndup(const char *s, size_t n);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
