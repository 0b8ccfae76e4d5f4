/*
 * Characters to tokens. Read sh.h first. Words keep their quotes: expand.c takes them off.
 */
#include "sh.h"

#include <ctype.h>
#include <string.h>

void lex_init(struct lexer *lexer, const char *text)
{
    memset(lexer, 0, sizeof(*lexer));
    lexer->at = text;
}

/* The end of the word at s, or NULL: a quote is not closed. */
static const char *word_end(const char *s)
{
    while (*s != '\0' && strchr(" \t\n;&|()<>", *s) == NULL) {
        if (*s == '\\' && s[1] != '\0') {
            s += 2;
        } else if (*s == '\'') {
            s = strchr(s + 1, '\'');
            if (s == NULL)
                return NULL;
            s++;
        } else if (*s == '"') {
            for (s++; *s != '"'; s++) {
                if (*s == '\\' && s[1] != '\0')
                    s++;
                if (*s == '\0')
                    return NULL;
            }
            s++;
        } else {
            s++;
        }
    }
    return s;
}

/* `[n]<`, `[n]>`, `[n]>>`, `[n]<>`, `[n]<&`, `[n]>&`. False: s is none of them. */
static bool redirection(struct lexer *lexer, const char *s)
{
    int fd = -1;
    char op;

    if (isdigit((unsigned char)s[0]) && (s[1] == '<' || s[1] == '>'))
        fd = *s++ - '0';
    op = *s;
    if (op != '<' && op != '>')
        return false;
    s++;
    lexer->redirect = op == '<' ? RE_IN : RE_OUT;
    if (op == '>' && *s == '>') {
        lexer->redirect = RE_APPEND;
        s++;
    } else if (op == '<' && *s == '>') {
        lexer->redirect = RE_RDWR;
        s++;
    } else if (*s == '&') {
        lexer->redirect = RE_DUP;
        s++;
    }
    lexer->fd = fd >= 0 ? fd : op == '<' ? 0 : 1;
    lexer->token = TOK_REDIRECT;
    lexer->at = s;
    return true;
}

void lex_next(struct lexer *lexer)
{
    static const struct {
        const char *text;
        enum token token;
    } operators[] = { /* longer ones first */
        {"&&", TOK_AND_IF}, {"||", TOK_OR_IF}, {"\n", TOK_NEWLINE}, {";", TOK_SEMI},
        {"&", TOK_AMP},     {"|", TOK_PIPE},   {"(", TOK_LPAREN},   {")", TOK_RPAREN},
    };
    const char *s = lexer->at, *end;

    for (;;) {
        while (*s == ' ' || *s == '\t')
            s++;
        if (s[0] == '\\' && s[1] == '\n')
            s += 2;
        else
            break;
    }
    if (*s == '#')
        s += strcspn(s, "\n");
    lexer->at = s;
    if (*s == '\0') {
        lexer->token = TOK_EOF;
        return;
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t length = strlen(operators[i].text);

        if (strncmp(s, operators[i].text, length) == 0) {
            lexer->token = operators[i].token;
            lexer->at = s + length;
            return;
        }
    }
    if (redirection(lexer, s))
        return;
    end = word_end(s);
    if (end == NULL) {
        lexer->error = "a quote is not closed";
        lexer->token = TOK_EOF;
        lexer->at = s + strlen(s);
        return;
    }
    lexer->word = arena_strndup(s, end - s);
    lexer->token = TOK_WORD;
    lexer->at = end;
}
