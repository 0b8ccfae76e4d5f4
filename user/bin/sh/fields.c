/*
 * Characters to arguments: field splitting, file names by pattern, quote removal. Read expand.h first.
 * XCU 2.6.5 to 2.6.7.
 */
#include "expand.h"

#include <glob.h>
#include <string.h>

#define IFS_DEFAULT " \t\n"

struct fields {
    char **list;
    int count, room;
};

static void add_field(struct fields *f, char *text)
{
    if (f->count + 1 >= f->room) {
        int room = f->room == 0 ? 16 : f->room * 2;
        char **list = temp_alloc(room * sizeof(*list));

        if (f->count > 0)
            memcpy(list, f->list, f->count * sizeof(*list));
        f->list = list;
        f->room = room;
    }
    f->list[f->count++] = text;
    f->list[f->count] = NULL;
}

static bool is_char(const struct pieces *p, size_t i)
{
    return p->kinds[i] != PIECE_NULL && p->kinds[i] != PIECE_BREAK;
}

static char *substring(const struct pieces *p, size_t from, size_t to)
{
    char *s = temp_alloc(to - from + 1), *end = s;

    for (size_t i = from; i < to; i++)
        if (is_char(p, i))
            *end++ = p->chars[i];
    *end = '\0';
    return s;
}

char *pieces_string(const struct pieces *pieces)
{
    return substring(pieces, 0, pieces->length);
}

/* (Only what has a meaning gets a backslash: glob looks into no folder for a name without.) */
char *pieces_pattern(const struct pieces *p, size_t from, size_t to)
{
    char *s = temp_alloc(2 * (to - from) + 1), *end = s;

    for (size_t i = from; i < to; i++) {
        if (p->kinds[i] == PIECE_QUOTED && strchr("*?[]!^-\\", p->chars[i]) != NULL)
            *end++ = '\\';
        if (is_char(p, i))
            *end++ = p->chars[i];
    }
    *end = '\0';
    return s;
}

/* (The command `[` has none: it would have the folder read each time.) */
static bool has_pattern(const struct pieces *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (p->kinds[i] != PIECE_PLAIN && p->kinds[i] != PIECE_VALUE)
            continue;
        if (p->chars[i] == '*' || p->chars[i] == '?'
            || (p->chars[i] == '[' && memchr(p->chars + i, ']', to - i) != NULL))
            return true;
    }
    return false;
}

/* One field: the files that match it, or itself. */
static void end_field(struct fields *f, const struct pieces *p, size_t from, size_t to)
{
    glob_t found;

    if (!options[OPT_NOGLOB] && has_pattern(p, from, to)
        && glob(pieces_pattern(p, from, to), 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            add_field(f, temp_copy(found.gl_pathv[i], strlen(found.gl_pathv[i])));
        globfree(&found);
        return;
    }
    add_field(f, substring(p, from, to));
}

/*
 * Splits at the characters of IFS that came out of expansions. White space of IFS ends a field and
 * is skipped before one; each other character of it ends one, be it empty.
 */
static void split(struct fields *f, const struct pieces *p)
{
    const char *ifs = var_get("IFS");
    bool open = false;    /* a field has begun */
    bool after_space = false; /* white space ended one: one other delimiter belongs to that */
    size_t begin = 0;

    if (ifs == NULL)
        ifs = IFS_DEFAULT;
    for (size_t i = 0; i < p->length; i++) {
        char c = p->chars[i];
        bool delimiter = p->kinds[i] == PIECE_VALUE && c != '\0' && strchr(ifs, c) != NULL;

        if (!delimiter && p->kinds[i] != PIECE_BREAK) {
            if (!open)
                begin = i;
            open = true;
            after_space = false;
        } else if (delimiter && strchr(IFS_DEFAULT, c) != NULL) {
            if (open) {
                end_field(f, p, begin, i);
                after_space = true;
            }
            open = false;
        } else {
            if (open || (delimiter && !after_space))
                end_field(f, p, open ? begin : i, i);
            open = after_space = false;
        }
    }
    if (open)
        end_field(f, p, begin, p->length);
}

char **expand_words(const struct word *words, int *argc)
{
    struct fields fields = {0};

    for (; words != NULL; words = words->next) {
        struct pieces pieces = {0};
        struct source source;

        source_string(&source, words->text, 0);
        expand_source(&pieces, &source, 0);
        split(&fields, &pieces);
    }
    if (fields.list == NULL) {
        fields.list = temp_alloc(sizeof(char *));
        fields.list[0] = NULL;
    }
    *argc = fields.count;
    return fields.list;
}

static void expand_text(struct pieces *pieces, const char *text, int how)
{
    struct source source;

    source_string(&source, text, 0);
    expand_source(pieces, &source, how | EX_SINGLE);
}

static char *expand_string(const char *text, int how)
{
    struct pieces pieces = {0};

    expand_text(&pieces, text, how);
    return pieces_string(&pieces);
}

char *expand_one(const char *text)
{
    return expand_string(text, 0);
}

char *expand_assigned(const char *text)
{
    return expand_string(text, EX_ASSIGN);
}

char *expand_here(const char *text)
{
    return expand_string(text, EX_HERE);
}

char *expand_pattern(const char *text)
{
    struct pieces pieces = {0};

    expand_text(&pieces, text, 0);
    return pieces_pattern(&pieces, 0, pieces.length);
}
