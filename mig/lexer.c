/*
 * Text to tokens. The input has gone through the C preprocessor: comments are gone, and lines
 * `# 12 "file.defs"` say where the following text came from. Keywords are not known here; the
 * parser tells them from names by where they stand, so an argument may be called `type`.
 * Read mig.h before.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mig.h"

static const char *at; /* the next character */
static struct place here;
static bool line_start;

void lexer_start(const char *text, const char *file)
{
    at = text;
    here = (struct place){file, 1};
    line_start = true;
}

static char *copy_text(const char *from, const char *to)
{
    return format_string("%.*s", (int)(to - from), from);
}

/* A `#` line: a line marker sets the place; anything else (#pragma, #ident) is skipped. */
static void directive(void)
{
    const char *end = at + strcspn(at, "\n");
    const char *p = at + 1;
    char *after;
    long line;

    while (*p == ' ' || *p == '\t')
        p++;
    if (strncmp(p, "line", 4) == 0)
        p += 4;
    line = strtol(p, &after, 10);
    if (after != p) {
        const char *open = after + strspn(after, " \t");
        const char *close = *open == '"' ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;

        if (close != NULL)
            here.file = copy_text(open + 1, close);
        here.line = (int)line - 1; /* the newline that ends the marker counts one */
    }
    at = end;
}

static void skip_space(void)
{
    for (;;) {
        if (*at == '\n') {
            here.line++;
            line_start = true;
            at++;
        } else if (isspace((unsigned char)*at)) {
            at++;
        } else if (*at == '#' && line_start) {
            directive();
        } else if (at[0] == '/' && at[1] == '/') { /* input that was not preprocessed */
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            struct place start = here;

            for (at += 2; *at != '\0' && !(at[0] == '*' && at[1] == '/'); at++)
                here.line += *at == '\n';
            if (*at == '\0')
                error_at(start, "expected '*/' at the end of the comment, found end of file");
            else
                at += 2;
        } else {
            return;
        }
    }
}

static struct token number_token(struct token token)
{
    const char *start = at;
    char *end;

    errno = 0;
    token.number = strtoull(at, &end, 0);
    while (*end == 'u' || *end == 'U' || *end == 'l' || *end == 'L')
        end++;
    while (isalnum((unsigned char)*end) || *end == '_')
        errno = EINVAL, end++;
    at = end;
    token.kind = TOKEN_NUMBER;
    token.text = copy_text(start, end);
    if (errno != 0)
        error_at(token.place, "expected a number, found '%s'", token.text);
    return token;
}

struct token lexer_next(void)
{
    struct token token = {.kind = TOKEN_END, .text = "end of file"};
    const char *start;

    skip_space();
    line_start = false;
    token.place = here;
    start = at;
    if (*at == '\0')
        return token;
    if (isdigit((unsigned char)*at))
        return number_token(token);
    if (isalpha((unsigned char)*at) || *at == '_') {
        while (isalnum((unsigned char)*at) || *at == '_')
            at++;
        token.kind = TOKEN_NAME;
    } else if (*at == '"') {
        at++;
        while (*at != '"' && *at != '\n' && *at != '\0')
            at++;
        if (*at != '"')
            error_at(here, "expected '\"' at the end of the string, found end of line");
        else
            at++;
        token.kind = TOKEN_STRING;
    } else {
        at += (at[0] == '<' || at[0] == '>') && at[1] == at[0] ? 2 : 1;
        token.kind = TOKEN_PUNCT;
    }
    token.text = copy_text(start, at);
    return token;
}

struct token lexer_rest_of_file_name(void)
{
    struct token token = {.kind = TOKEN_END, .text = "end of line", .place = here};
    size_t length = strcspn(at, ">\n");

    if (at[length] != '>')
        return token;
    token.kind = TOKEN_STRING;
    token.text = format_string("<%.*s>", (int)length, at);
    at += length + 1;
    return token;
}
