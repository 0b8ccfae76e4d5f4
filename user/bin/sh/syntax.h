/*
 * syntax.h: from text to a tree. Read sh.h first.
 *
 *   source.c   characters, from a string, a file, standard input, a terminal
 *   lex.c      tokens; here-documents
 *   skip.c     where a quote, a ${...}, a $(...) ends
 *   parse.c    lists, pipelines, and(&&) or(||); redirections
 *   command.c  simple and compound commands
 *
 * A word stays as it was written, with its quotes: expand.c takes them off, with the same reader of
 * characters (struct source) over the word. So what is nested is parsed where it is used.
 */
#ifndef SYNTAX_H
#define SYNTAX_H

#include "sh.h"

/* ---- source.c ---- */
#define END (-1) /* behind the last character */

struct alias_use { /* text that an alias put there ends at `end` */
    struct alias_use *next;
    char *name;
    size_t end;
    bool blank;              /* it ends with a blank: the word behind it is looked up, too */
};

struct source {
    char *text;           /* what was read of the command so far, and perhaps more */
    size_t length, room;  /* room 0: somebody else's text */
    size_t at;
    unsigned line;
    int fd;               /* -1: text is all there is */
    bool (*more)(struct source *source); /* NULL, or appends to the text; false: the end */
    const char *name;     /* for messages */
    struct alias_use *aliases;
};
void source_string(struct source *source, const char *text, unsigned line);
void source_fd(struct source *source, int fd, const char *name);
void source_stdin(struct source *source);
void source_close(struct source *source);
void source_forget(struct source *source); /* what has been used of the text */
/* More text for `more` to give. */
void source_append(struct source *source, const char *bytes, size_t length);
/* The character there, and past it. peek and next leave out a backslash with a newline. */
int peek(struct source *source);
int next(struct source *source);
int peek_raw(struct source *source);
int next_raw(struct source *source);
/* Puts text in the place of what is between `from` and here. */
void source_replace(struct source *source, size_t from, const char *text);
extern const char *prompt_now; /* PS1 or PS2: what a terminal's line is asked for with */

/* ---- lex.c ---- */
enum token {
    TOK_EOF, TOK_NEWLINE, TOK_WORD, TOK_SEMI, TOK_DSEMI, TOK_AMP, TOK_AND_IF, TOK_OR_IF, TOK_PIPE,
    TOK_LPAREN, TOK_RPAREN, TOK_REDIRECT,
};
enum redirect_kind { RE_IN, RE_OUT, RE_CLOBBER, RE_APPEND, RE_RDWR, RE_DUP_IN, RE_DUP_OUT, RE_HERE,
                     RE_HERE_STRIP };

struct redirect {
    struct redirect *next;
    struct redirect *next_here; /* the next whose text has not been read */
    enum redirect_kind kind;
    int fd;
    char *word;                 /* RE_HERE: the delimiter */
    char *here;                 /* the document */
    bool quoted;                /* nothing is expanded in it */
};

struct parser {
    struct source *source;
    struct arena *arena;        /* for the tree */
    struct program *program;    /* whose arena it is; NULL: nobody's, the tree is temporary */
    bool aliases;               /* are they replaced? */
    enum token token;
    char *word;                 /* of TOK_WORD */
    enum redirect_kind redirect; /* of TOK_REDIRECT */
    int fd;
    unsigned line;              /* where the token begins */
    size_t start, end;          /* where in the text */
    size_t last_end;            /* where the token before it ended */
    struct redirect *here, **here_end;
};
void lex_next(struct parser *parser);
const char *token_text(const struct parser *parser); /* for messages */
/* word is an operand of <<: its delimiter, without quotes. */
void lex_here(struct parser *parser, struct redirect *redirect);

/* ---- skip.c: the reader stands behind what opens; these go behind what closes. ---- */
void skip_single(struct source *source);
void skip_double(struct source *source);
void skip_backquote(struct source *source);
void skip_dollar(struct source *source, bool quoted);
void skip_braces(struct source *source, bool quoted);
/* Behind "$((": false (and nothing is skipped) if it is no arithmetic but $( (...) ...). */
bool skip_arithmetic(struct source *source);

/* ---- parse.c ---- */
enum node_kind { ND_SIMPLE, ND_PIPE, ND_AND, ND_OR, ND_SEQ, ND_BACKGROUND, ND_NOT, ND_SUBSHELL,
                 ND_GROUP, ND_IF, ND_WHILE, ND_UNTIL, ND_FOR, ND_CASE, ND_FUNCTION };

struct word {
    struct word *next;
    char *text;
};

struct case_item {
    struct case_item *next;
    struct word *patterns;
    struct node *body;
};

struct node {
    enum node_kind kind;
    unsigned line;
    struct node *left;   /* the condition, the body of a group or function, the first command */
    struct node *right;  /* then, do; the second command */
    struct node *other;  /* else */
    struct word *assignments;
    struct word *words;  /* of FOR: behind "in"; of CASE: the subject */
    struct case_item *items;
    struct redirect *redirects; /* of SIMPLE and of compound commands */
    char *name;          /* FOR's variable, FUNCTION's name */
    bool has_in;         /* FOR NAME in */
    const char *text;    /* as it was typed; NULL unless jobs are controlled */
    struct program *program; /* FUNCTION: what keeps the tree */
};

/* A complete command and the memory of its tree. Functions defined in it keep it. */
struct program {
    struct arena arena;
    int references;
    struct node *node; /* NULL: an empty line */
};
enum parsed { PARSED, PARSED_END };
/* One complete command: up to a newline or the end. Throws on a syntax error. */
enum parsed parse_program(struct source *source, struct program **program);
void program_ref(struct program *program);
void program_unref(struct program *program);
/* Behind "$(": the commands up to the ')', which is consumed. NULL: none. */
struct node *parse_substitution(struct source *source, struct arena *arena);

/* ---- what parse.c and command.c share ---- */
struct node *new_node(struct parser *parser, enum node_kind kind);
/* Commands up to a token or reserved word that cannot begin one. NULL: none. */
struct node *parse_list(struct parser *parser);
/* The same; there must be one. after: what it follows, for the message. */
struct node *parse_commands(struct parser *parser, const char *after);
struct node *parse_command(struct parser *parser);
/* Can the token begin a command? Reserved words that go on or end one cannot. */
bool begins_command(const struct parser *parser);
struct redirect *parse_redirects(struct parser *parser);
struct redirect *parse_redirect(struct parser *parser);
struct word *new_word(struct parser *parser);
void skip_newlines(struct parser *parser);
/* Is the token this reserved word? */
bool at_word(const struct parser *parser, const char *word);
bool is_reserved(const char *word);
/* An alias in the place of the word, if there is one. */
bool expand_alias(struct parser *parser);
/* The token cannot stand here. opened (may be NULL) began on line. */
void unexpected(struct parser *parser, const char *expected, const char *opened, unsigned line)
    __attribute__((noreturn));
void syntax_error(const struct source *source, unsigned line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

#endif
