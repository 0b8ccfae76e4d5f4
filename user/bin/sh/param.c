/*
 * Parameters, and the forms of ${...}. Read expand.h first. XCU 2.5, 2.6.2.
 */
#include "builtins.h"
#include "expand.h"
#include "job.h"
#include "run.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* (PPID and PWD are asked for when a script wants them, not at each start of a shell.) */
const char *parameter_value(const char *name)
{
    const char *value;

    if (isdigit((unsigned char)*name)) {
        long n = strtol(name, NULL, 10);

        return n == 0 ? script_name : n <= positional_count ? positional[n - 1] : NULL;
    }
    switch (*name) {
    case '?':
        return temp_print("%d", last_status);
    case '$':
        return temp_print("%d", (int)shell_pid);
    case '!':
        return last_background != 0 ? temp_print("%d", (int)last_background) : NULL;
    case '#':
        return temp_print("%d", positional_count);
    case '-':
        return option_letters();
    }
    value = var_get(name);
    if (strcmp(name, "LINENO") == 0)
        return temp_print("%u", current_line);
    if (value == NULL && strcmp(name, "PPID") == 0)
        return temp_print("%d", (int)getppid());
    if (value == NULL && strcmp(name, "PWD") == 0)
        return current_folder(false);
    return value;
}

/* $@ and $*. In quotes "$@" keeps its fields apart, "$*" joins them with IFS's first character. */
static void put_all(struct pieces *pieces, char which, int how)
{
    const char *ifs = var_get("IFS");
    char joint = ifs == NULL || (which == '@' && (how & EX_SINGLE)) ? ' ' : *ifs;
    bool quoted = how & (EX_QUOTED | EX_HERE);
    bool joined = (how & EX_SINGLE) || (quoted && which == '*');

    for (int i = 0; i < positional_count; i++) {
        if (i > 0 && !joined)
            piece_add(pieces, 0, PIECE_BREAK);
        else if (i > 0 && joint != '\0')
            piece_add(pieces, joint, quoted ? PIECE_QUOTED : PIECE_VALUE);
        if (quoted)
            piece_add(pieces, 0, PIECE_NULL);
        piece_value(pieces, positional[i], how);
    }
}

static void not_set(const char *name) __attribute__((noreturn));
static void not_set(const char *name)
{
    fail("%s: parameter not set", name);
}

static bool is_all(const char *name)
{
    return *name == '@' || *name == '*';
}

void put_parameter(struct pieces *pieces, const char *name, int how)
{
    const char *value;

    if (is_all(name)) {
        put_all(pieces, *name, how);
        return;
    }
    value = parameter_value(name);
    if (value == NULL && options[OPT_NOUNSET])
        not_set(name);
    if (value != NULL)
        piece_value(pieces, value, how);
}

/* The word of a ${...} to a string of its own; the '}' is consumed. */
static char *braces_word(struct source *source, int how)
{
    struct pieces word = {0};

    expand_source(&word, source, EX_BRACES | EX_SINGLE | how);
    return pieces_string(&word);
}

/*
 * What is left of value when the pattern is taken off. Both kinds try lengths from the one that is
 * wanted on: the smallest first, or the largest.
 */
static void put_trimmed(struct pieces *pieces, const char *value, const char *pattern, bool suffix,
                        bool largest, int how)
{
    size_t length = strlen(value);

    for (size_t i = 0; i <= length; i++) {
        size_t n = largest ? length - i : i; /* so many characters go */
        const char *part = suffix ? value + length - n : temp_copy(value, n);

        if (fnmatch(pattern, part, 0) == 0) {
            piece_value(pieces, suffix ? temp_copy(value, length - n) : value + n, how);
            return;
        }
    }
    piece_value(pieces, value, how);
}

static void bad_substitution(struct source *source) __attribute__((noreturn));
static void bad_substitution(struct source *source)
{
    fail("bad substitution: ${%s", source->text);
}

/* The name in ${name...}, or NULL if there is none. */
static const char *braces_name(struct source *source)
{
    struct text name = {0};
    int c = peek(source);

    if (c == END)
        return NULL;
    if (isalpha(c) || c == '_') {
        while ((c = peek(source)) != END && (isalnum(c) || c == '_'))
            text_add(&name, (char)next(source));
    } else if (isdigit(c)) {
        while ((c = peek(source)) != END && isdigit(c))
            text_add(&name, (char)next(source));
    } else if (strchr("@*#?$!-", c) != NULL) {
        text_add(&name, (char)next(source));
    } else {
        return NULL;
    }
    return text_string(&name);
}

/* Behind "${": is it "#name}"? Then its value's length is put. */
static bool put_length(struct pieces *pieces, struct source *source, int how)
{
    size_t at = source->at;
    const char *name, *value;

    if (peek(source) != '#')
        return false;
    next(source);
    name = peek(source) == '}' ? NULL : braces_name(source);
    if (name == NULL || peek(source) != '}') {
        source->at = at;
        return false;
    }
    next(source);
    value = is_all(name) ? parameter_value("#") : parameter_value(name);
    if (value == NULL && options[OPT_NOUNSET])
        not_set(name);
    piece_value(pieces, is_all(name) ? value
                                     : temp_print("%zu", value != NULL ? strlen(value) : 0), how);
    return true;
}

/* ${name%pattern} and its likes; op is the first % or #. */
static void put_without(struct pieces *pieces, struct source *source, const char *name, int op,
                        int how)
{
    bool largest = peek(source) == op;
    struct pieces pattern = {0};
    const char *value = is_all(name) ? NULL : parameter_value(name);

    if (largest)
        next(source);
    expand_source(&pattern, source, EX_BRACES | EX_SINGLE);
    if (is_all(name)) {
        struct pieces all = {0};

        put_all(&all, *name, EX_SINGLE);
        value = pieces_string(&all);
    }
    if (value == NULL && options[OPT_NOUNSET])
        not_set(name);
    if (value != NULL)
        put_trimmed(pieces, value, pieces_pattern(&pattern, 0, pattern.length), op == '%', largest,
                    how);
}

/* The parameter is not there (or empty, behind a colon): what op does then. */
static void put_absent(struct pieces *pieces, struct source *source, const char *name, int op, int how)
{
    const char *word;

    switch (op) {
    case '-':
        expand_source(pieces, source, EX_BRACES | how);
        break;
    case '=':
        word = braces_word(source, how & (EX_QUOTED | EX_HERE));
        if (!is_name(name, strlen(name)))
            fail("%s: cannot assign in this way", name);
        var_set(name, word);
        piece_value(pieces, word, how);
        break;
    case '?':
        word = braces_word(source, how & (EX_QUOTED | EX_HERE));
        fail("%s: %s", name, *word != '\0' ? word : "parameter not set");
    case '+':
        skip_braces(source, how & (EX_QUOTED | EX_HERE));
        break;
    }
}

void expand_braces(struct pieces *pieces, struct source *source, int how)
{
    const char *name, *value;
    bool colon, there;
    int op;

    how &= ~(EX_BRACES | EX_ASSIGN);
    if (put_length(pieces, source, how))
        return;
    name = braces_name(source);
    if (name == NULL)
        bad_substitution(source);
    op = next(source);
    if (op == '}') {
        put_parameter(pieces, name, how);
        return;
    }
    if (op == '%' || op == '#') {
        put_without(pieces, source, name, op, how);
        return;
    }
    colon = op == ':';
    if (colon)
        op = next(source);
    if (op == END || strchr("-=?+", op) == NULL)
        bad_substitution(source);
    value = is_all(name) ? (positional_count > 0 ? positional[0] : NULL) : parameter_value(name);
    there = value != NULL && (!colon || *value != '\0' || (is_all(name) && positional_count > 1));
    if (!there) {
        put_absent(pieces, source, name, op, how);
    } else if (op == '+') {
        expand_source(pieces, source, EX_BRACES | how);
    } else {
        skip_braces(source, how & (EX_QUOTED | EX_HERE));
        put_parameter(pieces, name, how);
    }
}
