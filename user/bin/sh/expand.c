/*
 * A word to characters that know where they come from: quotes, tilde, '$'. Read expand.h first.
 */
#include "expand.h"

#include <ctype.h>
#include <string.h>

void piece_add(struct pieces *p, char c, enum piece_kind kind)
{
    if (p->length == p->room) {
        size_t room = p->room == 0 ? 64 : p->room * 2;
        char *chars = temp_alloc(2 * room);

        if (p->length > 0) {
            memcpy(chars, p->chars, p->length);
            memcpy(chars + room, p->kinds, p->length);
        }
        *p = (struct pieces){chars, chars + room, p->length, room};
    }
    p->chars[p->length] = c;
    p->kinds[p->length++] = (char)kind;
}

void piece_value(struct pieces *pieces, const char *value, int how)
{
    for (; *value != '\0'; value++)
        piece_add(pieces, *value, how & (EX_QUOTED | EX_HERE) ? PIECE_QUOTED : PIECE_VALUE);
}

/* "~" and "~/": HOME. (There are no other users whose folder could be meant.) */
static void expand_tilde(struct pieces *pieces, struct source *source, int how)
{
    const char *home = var_get("HOME");
    size_t at = source->at;
    int c;

    if (peek(source) != '~')
        return;
    next(source);
    c = peek(source);
    if (home == NULL || !(c == END || c == '/' || ((how & EX_ASSIGN) && c == ':')
                          || ((how & EX_BRACES) && c == '}'))) {
        source->at = at;
        return;
    }
    while (*home != '\0')
        piece_add(pieces, *home++, PIECE_QUOTED);
}

/* A backslash was read: what it makes of the next character. */
static void expand_backslash(struct pieces *pieces, struct source *source, int how)
{
    int c = peek_raw(source);
    const char *special = how & EX_HERE ? "$`\\" : "$`\\\"";

    if (how & (EX_QUOTED | EX_HERE)
        && (c == END || (strchr(special, c) == NULL && !((how & EX_BRACES) && c == '}')))) {
        piece_add(pieces, '\\', PIECE_QUOTED);
        return;
    }
    if (c == END)
        piece_add(pieces, '\\', PIECE_QUOTED);
    else
        piece_add(pieces, (char)next_raw(source), PIECE_QUOTED);
}

/* Behind '"'. "$@" without parameters makes no field; everything else in quotes does. */
static void expand_double(struct pieces *pieces, struct source *source, int how)
{
    size_t before = pieces->length, at = source->at;

    expand_source(pieces, source, EX_QUOTED | (how & EX_SINGLE));
    if (pieces->length == before) {
        size_t length = source->at - at;
        const char *inner = source->text + at;

        if (positional_count == 0 && length >= 3
            && (strncmp(inner, "$@\"", 3) == 0 || strncmp(inner, "${@}\"", 5) == 0))
            return;
    }
    piece_add(pieces, 0, PIECE_NULL);
}

void expand_source(struct pieces *pieces, struct source *source, int how)
{
    bool quoted = how & (EX_QUOTED | EX_HERE), begin = true;
    int c;

    for (;; begin = (how & EX_ASSIGN) && c == ':') {
        if (begin && !quoted)
            expand_tilde(pieces, source, how);
        c = next(source);
        switch (c) {
        case END:
            return;
        case '\\':
            expand_backslash(pieces, source, how);
            continue;
        case '$':
            expand_dollar(pieces, source, how);
            continue;
        case '`':
            expand_backquote(pieces, source, how);
            continue;
        case '\'':
            if (quoted)
                break;
            piece_add(pieces, 0, PIECE_NULL);
            while ((c = next_raw(source)) != '\'' && c != END)
                piece_add(pieces, (char)c, PIECE_QUOTED);
            continue;
        case '"':
            if ((how & EX_HERE) && !(how & EX_BRACES))
                break;
            if (quoted && !(how & EX_BRACES))
                return;
            expand_double(pieces, source, how);
            continue;
        case '}':
            if (how & EX_BRACES)
                return;
            break;
        }
        piece_add(pieces, (char)c, quoted ? PIECE_QUOTED
                                   : how & EX_BRACES ? PIECE_VALUE : PIECE_PLAIN);
    }
}

/* The inside of "$((...))": expanded, then calculated. */
static void expand_arithmetic(struct pieces *pieces, const char *inside, size_t length, int how)
{
    struct source source;
    struct pieces text = {0};

    /* (Quotes have no meaning there; a here-document's rules have that.) */
    source_string(&source, temp_copy(inside, length), 0);
    expand_source(&text, &source, EX_HERE | EX_SINGLE);
    piece_value(pieces, temp_print("%jd", arithmetic(pieces_string(&text))), how);
}

/* Behind "$(". */
static void expand_parenthesis(struct pieces *pieces, struct source *source, int how)
{
    size_t at = source->at, inside, end;

    if (peek(source) == '(') {
        next(source);
        inside = source->at;
        if (skip_arithmetic(source)) {
            end = source->at;
            for (int i = 0; i < 2; i++) /* before the "))" */
                while (source->text[--end] != ')')
                    ;
            expand_arithmetic(pieces, source->text + inside, end - inside, how);
            return;
        }
        source->at = at;
    }
    expand_command(pieces, source, how);
}

void expand_dollar(struct pieces *pieces, struct source *source, int how)
{
    int c = peek(source);
    struct text name = {0};

    if (c == '{') {
        next(source);
        expand_braces(pieces, source, how);
    } else if (c == '(') {
        next(source);
        expand_parenthesis(pieces, source, how);
    } else if (c != END && (isalpha(c) || c == '_')) {
        while ((c = peek(source)) != END && (isalnum(c) || c == '_'))
            text_add(&name, (char)next(source));
        put_parameter(pieces, text_string(&name), how);
    } else if (c != END && (isdigit(c) || strchr("@*#?$!-", c) != NULL)) {
        text_add(&name, (char)next(source));
        put_parameter(pieces, text_string(&name), how);
    } else {
        piece_add(pieces, '$', how & (EX_QUOTED | EX_HERE) ? PIECE_QUOTED : PIECE_PLAIN);
    }
}
