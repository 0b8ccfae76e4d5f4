/*
 * Characters to tokens; here-documents. Read syntax.h first. XCU 2.3.
 */
#include "syntax.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

static const struct operator {
    char text[4];
    enum token token;
    enum redirect_kind redirect;
} operators[] = { /* longer ones first */
    {"<<-", TOK_REDIRECT, RE_HERE_STRIP}, {"<<", TOK_REDIRECT, RE_HERE},
    {"<&", TOK_REDIRECT, RE_DUP_IN},      {"<>", TOK_REDIRECT, RE_RDWR},
    {"<", TOK_REDIRECT, RE_IN},           {">>", TOK_REDIRECT, RE_APPEND},
    {">&", TOK_REDIRECT, RE_DUP_OUT},     {">|", TOK_REDIRECT, RE_CLOBBER},
    {">", TOK_REDIRECT, RE_OUT},          {"&&", TOK_AND_IF, 0},
    {"&", TOK_AMP, 0},                    {"||", TOK_OR_IF, 0},
    {"|", TOK_PIPE, 0},                   {";;", TOK_DSEMI, 0},
    {";", TOK_SEMI, 0},                   {"(", TOK_LPAREN, 0},
    {")", TOK_RPAREN, 0},                 {"\n", TOK_NEWLINE, 0},
};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

const char *token_text(const struct parser *parser)
{
    if (parser->token == TOK_EOF)
        return "end of file";
    if (parser->token == TOK_NEWLINE)
        return "newline";
    if (parser->token == TOK_WORD)
        return temp_print("\"%s\"", parser->word);
    for (size_t i = 0; i < OPERATORS; i++)
        if (operators[i].token == parser->token
            && (parser->token != TOK_REDIRECT || operators[i].redirect == parser->redirect))
            return temp_print("\"%s\"", operators[i].text);
    return "?";
}

/* ---- here-documents: read when the line that asks for them has ended ---- */

void lex_here(struct parser *parser, struct redirect *redirect)
{
    struct source source;
    struct text delimiter = {0};
    int c;

    source_string(&source, redirect->word, parser->line);
    while ((c = next(&source)) != END) {
        redirect->quoted |= strchr("\\'\"", c) != NULL;
        if (c == '\'' || c == '"') {
            for (int quote = c; (c = next_raw(&source)) != END && c != quote;)
                text_add(&delimiter, c);
        } else if (c != '\\' || (c = next_raw(&source)) != END) {
            text_add(&delimiter, c);
        }
    }
    redirect->word = arena_copy(parser->arena, text_string(&delimiter), delimiter.length);
    redirect->next_here = NULL;
    *parser->here_end = redirect;
    parser->here_end = &redirect->next_here;
}

/* The next line; false: there is none. In a document that is expanded, a backslash joins lines. */
static bool here_line(struct source *source, bool quoted, bool strip, struct text *line)
{
    int c;

    line->length = 0;
    while (strip && peek_raw(source) == '\t')
        next_raw(source);
    if (peek_raw(source) == END)
        return false;
    while ((c = next_raw(source)) != END && c != '\n') {
        if (c == '\\' && !quoted && peek_raw(source) == '\n') {
            next_raw(source);
            continue;
        }
        text_add(line, c);
        if (c == '\\' && !quoted && peek_raw(source) != END)
            text_add(line, next_raw(source));
    }
    return true;
}

static void read_here(struct parser *parser, struct redirect *redirect)
{
    struct text body = {0}, line = {0};
    unsigned begin = parser->source->line;

    for (;;) {
        if (!here_line(parser->source, redirect->quoted, redirect->kind == RE_HERE_STRIP, &line))
            syntax_error(parser->source, parser->source->line,
                         "end of file; expected \"%s\", the end of the here-document from line %u",
                         redirect->word, begin);
        if (strcmp(text_string(&line), redirect->word) == 0)
            break;
        text_append(&body, text_string(&line), line.length);
        text_add(&body, '\n');
    }
    redirect->here = arena_copy(parser->arena, text_string(&body), body.length);
}

/* ---- tokens ---- */

static void skip_blanks(struct source *source)
{
    int c;

    while ((c = peek(source)) == ' ' || c == '\t')
        next(source);
    if (c == '#')
        while ((c = peek_raw(source)) != END && c != '\n')
            next_raw(source);
}

static bool ends_word(int c)
{
    return c == END || strchr(" \t\n;&|()<>", c) != NULL;
}

static void skip_word(struct source *source)
{
    for (int c; !ends_word(c = peek(source));) {
        next(source);
        switch (c) {
        case '\\':
            next_raw(source);
            break;
        case '\'':
            skip_single(source);
            break;
        case '"':
            skip_double(source);
            break;
        case '`':
            skip_backquote(source);
            break;
        case '$':
            skip_dollar(source, false);
            break;
        }
    }
}

/* An operator, if there is one. */
static bool lex_operator(struct parser *parser)
{
    struct source *source = parser->source;
    size_t at = source->at;
    unsigned line = source->line;

    for (size_t i = 0; i < OPERATORS; i++) {
        const char *s = operators[i].text;

        for (; *s != '\0' && peek(source) == (unsigned char)*s; s++)
            next(source);
        if (*s == '\0') {
            parser->token = operators[i].token;
            parser->redirect = operators[i].redirect;
            return true;
        }
        source->at = at;
        source->line = line;
    }
    return false;
}

/* A word that is a number, right before < or >: which descriptor is meant. */
static bool lex_number(struct parser *parser, const char *word, size_t length)
{
    int c = peek(parser->source);
    long fd = 0;

    if (c != '<' && c != '>')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)word[i]))
            return false;
        fd = fd * 10 + word[i] - '0';
        if (fd > INT_MAX)
            syntax_error(parser->source, parser->line, "descriptor %.*s is too large", (int)length,
                         word);
    }
    lex_operator(parser);
    parser->fd = (int)fd;
    return true;
}

void lex_next(struct parser *parser)
{
    struct source *source = parser->source;
    struct mark mark;
    size_t length;

    parser->last_end = parser->end;
    skip_blanks(source);
    parser->start = source->at;
    parser->line = source->line;
    parser->fd = -1;
    if (peek(source) == END) {
        parser->token = TOK_EOF;
        if (parser->here != NULL)
            read_here(parser, parser->here); /* says that its end is missing */
    } else if (lex_operator(parser)) {
        if (parser->token == TOK_NEWLINE) {
            mark = temp_mark();
            for (; parser->here != NULL; parser->here = parser->here->next_here)
                read_here(parser, parser->here);
            parser->here_end = &parser->here;
            if (parser->arena != &temp)
                temp_release(mark);
        }
    } else {
        skip_word(source);
        length = source->at - parser->start;
        if (!lex_number(parser, source->text + parser->start, length)) {
            parser->token = TOK_WORD;
            parser->word = arena_copy(parser->arena, source->text + parser->start, length);
        }
    }
    parser->end = source->at;
}
