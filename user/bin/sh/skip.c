/*
 * Where what is quoted or nested in a word ends. Read syntax.h first. XCU 2.2, 2.6.
 *
 * A "$(" holds commands: only the parser can say where they end, since a ')' may be part of a case,
 * a comment or a here-document. What it makes of them here is thrown away.
 */
#include "syntax.h"

#include <ctype.h>
#include <string.h>

static void missing(struct source *source, const char *closing, unsigned line)
    __attribute__((noreturn));
static void missing(struct source *source, const char *closing, unsigned line)
{
    syntax_error(source, source->line, "end of file; expected the closing %s of line %u", closing, line);
}

void skip_single(struct source *source)
{
    unsigned line = source->line;
    int c;

    while ((c = next_raw(source)) != '\'')
        if (c == END)
            missing(source, "'", line);
}

void skip_double(struct source *source)
{
    unsigned line = source->line;
    int c;

    while ((c = next(source)) != '"') {
        if (c == '\\')
            c = next_raw(source);
        else if (c == '$')
            skip_dollar(source, true);
        else if (c == '`')
            skip_backquote(source);
        if (c == END)
            missing(source, "\"", line);
    }
}

void skip_backquote(struct source *source)
{
    unsigned line = source->line;
    int c;

    while ((c = next(source)) != '`') {
        if (c == '\\')
            c = next_raw(source);
        if (c == END)
            missing(source, "`", line);
    }
}

/*
 * Behind "${", and what may follow it up to the word: the '}' that closes. In double quotes a single
 * quote is an ordinary character, but not in a pattern.
 */
void skip_braces(struct source *source, bool quoted)
{
    unsigned line = source->line;
    int c;

    while ((c = next(source)) != '}') {
        if (c == '\\')
            c = next_raw(source);
        else if (c == '$')
            skip_dollar(source, quoted);
        else if (c == '`')
            skip_backquote(source);
        else if (c == '"')
            skip_double(source);
        else if (c == '\'' && !quoted)
            skip_single(source);
        if (c == END)
            missing(source, "}", line);
    }
}

bool skip_arithmetic(struct source *source)
{
    size_t at = source->at;
    unsigned line = source->line;
    int depth = 0, c;

    while ((c = next(source)) != END) {
        if (c == '\\') {
            next_raw(source);
        } else if (c == '$') {
            skip_dollar(source, true);
        } else if (c == '`') {
            skip_backquote(source);
        } else if (c == '(') {
            depth++;
        } else if (c == ')') {
            if (depth == 0 && peek(source) == ')') {
                next(source);
                return true;
            }
            if (depth-- == 0)
                break;
        }
    }
    source->at = at;
    source->line = line;
    return false;
}

void skip_dollar(struct source *source, bool quoted)
{
    struct mark mark = temp_mark();
    int c = peek(source);

    if (c == '{') {
        next(source);
        if (peek(source) == '#') /* a length, or $#: not a pattern */
            next(source);
        while ((c = peek(source)) != END && (isalnum(c) || strchr("_@*#?$!-", c) != NULL)) {
            if (c == '#' || c == '-' || c == '?') /* the operator, unless it is the name */
                break;
            next(source);
        }
        skip_braces(source, quoted && c != '#' && c != '%');
    } else if (c == '(') {
        next(source);
        if (peek(source) == '(') {
            next(source);
            if (skip_arithmetic(source))
                return;
            do /* back to the first one's inside (a joined line may be in between) */
                source->at--;
            while (source->text[source->at] != '(');
        }
        parse_substitution(source, &temp);
    }
    temp_release(mark);
}
