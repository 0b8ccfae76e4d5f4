/*
 * Tokens to a tree: lists, pipelines, redirections; syntax errors. Read syntax.h first. XCU 2.10.
 *
 *   list     = and_or { (";" | "&" | newline) and_or }
 *   and_or   = pipeline { ("&&" | "||") pipeline }
 *   pipeline = ["!"] command { "|" command }        (command.c)
 *
 * The token that is looked at has been read, and none behind it: so a command ends at its newline,
 * and runs before the next line is asked for.
 */
#include "syntax.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is wrong ---- */

void syntax_error(const struct source *source, unsigned line, const char *format, ...)
{
    const char *name = source->name != NULL ? source->name : script_name;
    va_list ap;

    fflush(stdout);
    fprintf(stderr, "%s: line %u: syntax error: ", name, line);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    throw(2);
}

void unexpected(struct parser *parser, const char *expected, const char *opened, unsigned line)
{
    if (opened != NULL)
        syntax_error(parser->source, parser->line, "%s; expected %s (for the \"%s\" of line %u)",
                     token_text(parser), expected, opened, line);
    syntax_error(parser->source, parser->line, "%s; expected %s", token_text(parser), expected);
}

/* ---- pieces ---- */

struct node *new_node(struct parser *parser, enum node_kind kind)
{
    struct node *node = arena_alloc(parser->arena, sizeof(*node));

    *node = (struct node){.kind = kind, .line = parser->line};
    return node;
}

/* The word that the token is. The token is not consumed. */
struct word *new_word(struct parser *parser)
{
    struct word *word = arena_alloc(parser->arena, sizeof(*word));

    *word = (struct word){NULL, parser->word};
    return word;
}

bool at_word(const struct parser *parser, const char *word)
{
    return parser->token == TOK_WORD && strcmp(parser->word, word) == 0;
}

void skip_newlines(struct parser *parser)
{
    while (parser->token == TOK_NEWLINE)
        lex_next(parser);
}

/* The token is a redirection's operator. */
struct redirect *parse_redirect(struct parser *parser)
{
    struct redirect *r = arena_alloc(parser->arena, sizeof(*r));
    bool input = parser->redirect == RE_IN || parser->redirect == RE_RDWR
                 || parser->redirect == RE_DUP_IN || parser->redirect == RE_HERE
                 || parser->redirect == RE_HERE_STRIP;

    *r = (struct redirect){.kind = parser->redirect, .fd = parser->fd >= 0 ? parser->fd : !input};
    lex_next(parser);
    if (parser->token != TOK_WORD)
        unexpected(parser, r->kind == RE_HERE || r->kind == RE_HERE_STRIP
                               ? "the word that ends the here-document" : "a file name", NULL, 0);
    r->word = parser->word;
    if (r->kind == RE_HERE || r->kind == RE_HERE_STRIP)
        lex_here(parser, r);
    lex_next(parser);
    return r;
}

struct redirect *parse_redirects(struct parser *parser)
{
    struct redirect *list = NULL, **end = &list;

    while (parser->token == TOK_REDIRECT) {
        *end = parse_redirect(parser);
        end = &(*end)->next;
    }
    return list;
}

/* ---- pipelines and lists ---- */

bool begins_command(const struct parser *parser)
{
    static const char *const inner[] = {"then", "else", "elif", "fi", "do", "done", "esac", "}"};

    if (parser->token != TOK_WORD)
        return parser->token == TOK_LPAREN || parser->token == TOK_REDIRECT;
    for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
        if (at_word(parser, inner[i]))
            return false;
    return true;
}

static struct node *parse_pipeline(struct parser *parser)
{
    struct node *first, *node, **link = &first, *not = NULL;
    size_t start = parser->start;

    if (at_word(parser, "!")) {
        not = new_node(parser, ND_NOT);
        lex_next(parser);
        while (expand_alias(parser))
            ;
        if (!begins_command(parser))
            unexpected(parser, "a command", "!", not->line);
    }
    for (;;) {
        *link = parse_command(parser);
        if (parser->token != TOK_PIPE)
            break;
        node = new_node(parser, ND_PIPE);
        lex_next(parser);
        skip_newlines(parser);
        while (expand_alias(parser))
            ;
        if (!begins_command(parser))
            unexpected(parser, "a command", "|", node->line);
        node->left = *link;
        *link = node;
        link = &node->right;
    }
    if (options[OPT_MONITOR] && parser->program != NULL)
        first->text = arena_copy(parser->arena, parser->source->text + start,
                                 parser->last_end - start);
    if (not == NULL)
        return first;
    not->left = first;
    return not;
}

static struct node *parse_and_or(struct parser *parser)
{
    struct node *left = parse_pipeline(parser);
    size_t start = parser->start;

    while (parser->token == TOK_AND_IF || parser->token == TOK_OR_IF) {
        struct node *node = new_node(parser, parser->token == TOK_AND_IF ? ND_AND : ND_OR);

        lex_next(parser);
        skip_newlines(parser);
        while (expand_alias(parser))
            ;
        if (!begins_command(parser))
            unexpected(parser, "a command", node->kind == ND_AND ? "&&" : "||", node->line);
        node->left = left;
        node->right = parse_pipeline(parser);
        left = node;
    }
    if (options[OPT_MONITOR] && parser->program != NULL && left->text == NULL)
        left->text = arena_copy(parser->arena, parser->source->text + start,
                                parser->last_end - start);
    return left;
}

/* until_newline: a complete command; else newlines are separators, too. */
static struct node *parse_commands_until(struct parser *parser, bool until_newline)
{
    struct node *first = NULL, **link = &first;

    for (;;) {
        struct node *node;

        if (!until_newline)
            skip_newlines(parser);
        while (expand_alias(parser))
            ;
        if (!begins_command(parser))
            return first;
        if (*link != NULL) { /* there is one before: a sequence of the two */
            struct node *seq = new_node(parser, ND_SEQ);

            seq->left = *link;
            *link = seq;
            link = &seq->right;
        }
        node = parse_and_or(parser);
        if (parser->token == TOK_AMP) {
            struct node *background = new_node(parser, ND_BACKGROUND);

            background->left = node;
            background->text = node->text;
            node = background;
        }
        *link = node;
        if (parser->token != TOK_AMP && parser->token != TOK_SEMI
            && (until_newline || parser->token != TOK_NEWLINE))
            return first;
        lex_next(parser);
    }
}

struct node *parse_list(struct parser *parser)
{
    return parse_commands_until(parser, false);
}

struct node *parse_commands(struct parser *parser, const char *after)
{
    unsigned line = parser->line;
    struct node *node = parse_list(parser);

    if (node == NULL)
        unexpected(parser, "a command", after, line);
    return node;
}

static void parser_init(struct parser *parser, struct source *source, struct arena *arena,
                        struct program *program)
{
    *parser = (struct parser){
        .source = source, .arena = arena, .program = program, .aliases = program != NULL,
    };
    parser->here_end = &parser->here;
}

/* ---- programs ---- */

void program_ref(struct program *program)
{
    program->references++;
}

void program_unref(struct program *program)
{
    if (--program->references == 0) {
        arena_free(&program->arena);
        free(program);
    }
}

/* A program that is being parsed is given back when there is an error in it. */
struct parsing {
    struct unwind unwind;
    struct program *program;
};

static void drop_parsing(struct unwind *unwind)
{
    program_unref(((struct parsing *)unwind)->program);
}

enum parsed parse_program(struct source *source, struct program **result)
{
    struct parsing parsing;
    struct parser parser;

    parsing.program = need(calloc(1, sizeof(*parsing.program)));
    parsing.program->references = 1;
    unwind_push(&parsing.unwind, drop_parsing);
    parser_init(&parser, source, &parsing.program->arena, parsing.program);
    lex_next(&parser);
    if (parser.token == TOK_EOF) {
        unwind_pop();
        return PARSED_END;
    }
    parsing.program->node = parse_commands_until(&parser, true);
    if (parser.token != TOK_NEWLINE && parser.token != TOK_EOF)
        unexpected(&parser, "a command or its end", NULL, 0);
    program_ref(parsing.program);
    unwind_pop();
    *result = parsing.program;
    return PARSED;
}

struct node *parse_substitution(struct source *source, struct arena *arena)
{
    struct parser parser;
    unsigned line = source->line;
    struct node *node;

    parser_init(&parser, source, arena, NULL);
    lex_next(&parser);
    node = parse_list(&parser);
    if (parser.token != TOK_RPAREN)
        unexpected(&parser, "\")\"", "$(", line);
    return node;
}
