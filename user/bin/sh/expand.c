/*
 * Words to arguments: parameters, field splitting, patterns, quote removal. Read sh.h first.
 *
 * While a word is expanded each character carries whether it was quoted: a quoted character neither
 * splits nor matches.
 */
#include "sh.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct buffer {
    char *text;
    size_t length, room;
    bool any;       /* something (perhaps an empty quote) is in the field */
    bool pattern;   /* an unquoted * ? [ is in it */
    char *mask;     /* mask[i]: text[i] was quoted */
};

struct fields {
    char **list;
    int count, room;
};

static void put(struct buffer *b, char c, bool quoted)
{
    if (b->length + 1 >= b->room) {
        size_t room = b->room == 0 ? 64 : b->room * 2;
        char *text = arena_alloc(room), *mask = arena_alloc(room);

        memcpy(text, b->text, b->length);
        memcpy(mask, b->mask, b->length);
        b->text = text;
        b->mask = mask;
        b->room = room;
    }
    b->mask[b->length] = quoted;
    b->text[b->length++] = c;
    b->text[b->length] = '\0';
    b->any = true;
    if (!quoted && strchr("*?[", c) != NULL)
        b->pattern = true;
}

static void add_field(struct fields *f, char *text)
{
    if (f->count + 1 >= f->room) {
        int room = f->room == 0 ? 16 : f->room * 2;
        char **list = arena_alloc(room * sizeof(*list));

        memcpy(list, f->list, f->count * sizeof(*list));
        f->list = list;
        f->room = room;
    }
    f->list[f->count++] = text;
    f->list[f->count] = NULL;
}

/* The field is complete: patterns become file names (themselves, if nothing matches). */
static void end_field(struct buffer *b, struct fields *f)
{
    glob_t found;

    if (!b->any)
        return;
    if (b->length == 0)
        put(b, '\0', true), b->length = 0;
    if (b->pattern) {
        char *pattern = arena_alloc(2 * b->length + 1), *p = pattern;

        for (size_t i = 0; i < b->length; i++) {
            if (b->mask[i])
                *p++ = '\\';
            *p++ = b->text[i];
        }
        *p = '\0';
        if (glob(pattern, 0, NULL, &found) == 0) {
            for (size_t i = 0; i < found.gl_pathc; i++)
                add_field(f, arena_strndup(found.gl_pathv[i], strlen(found.gl_pathv[i])));
            globfree(&found);
            memset(b, 0, sizeof(*b));
            return;
        }
    }
    add_field(f, arena_strndup(b->text, b->length));
    memset(b, 0, sizeof(*b));
}

/* A parameter's value; name is not NUL-terminated. NULL: unset. */
static const char *parameter(const char *name, size_t length)
{
    static char number[16];
    char *copy;

    if (length == 1) {
        switch (*name) {
        case '?':
            snprintf(number, sizeof(number), "%d", last_status);
            return number;
        case '$':
            snprintf(number, sizeof(number), "%d", (int)getpid());
            return number;
        case '!':
            snprintf(number, sizeof(number), "%d", (int)last_background);
            return last_background != 0 ? number : NULL;
        case '#':
            snprintf(number, sizeof(number), "%d", positional_count);
            return number;
        case '0':
            return script_name;
        }
    }
    if (isdigit((unsigned char)*name)) {
        int n = atoi(name);

        return n <= positional_count ? positional[n - 1] : NULL;
    }
    copy = arena_strndup(name, length);
    return getenv(copy);
}

/* Puts a value in, split at white space unless quoted (or f is NULL). */
static void put_value(struct buffer *b, struct fields *f, const char *value, bool quoted)
{
    for (; value != NULL && *value != '\0'; value++) {
        if (!quoted && f != NULL && isspace((unsigned char)*value))
            end_field(b, f);
        else
            put(b, *value, quoted);
    }
}

/* "$@" and $*: the positional parameters, each a field of its own. */
static void put_positional(struct buffer *b, struct fields *f, bool quoted)
{
    for (int i = 0; i < positional_count; i++) {
        if (i > 0) {
            if (f != NULL)
                end_field(b, f);
            else
                put(b, ' ', quoted);
        }
        put_value(b, f, positional[i], quoted);
        b->any |= quoted;
    }
}

/* s is behind a '$'. Returns what follows the parameter. */
static const char *dollar(const char *s, struct buffer *b, struct fields *f, bool quoted)
{
    bool braces = *s == '{';
    const char *name = braces ? s + 1 : s, *end = name;

    if (*name != '\0' && strchr("?$!#@*", *name) != NULL)
        end++;
    else if (isdigit((unsigned char)*name))
        while (isdigit((unsigned char)*end) && (braces || end == name))
            end++;
    else
        while (isalnum((unsigned char)*end) || *end == '_')
            end++;
    if (end == name || (braces && *end != '}')) {
        put(b, '$', quoted); /* no parameter: an ordinary dollar */
        return s;
    }
    if (*name == '@' || *name == '*')
        put_positional(b, f, quoted);
    else
        put_value(b, f, parameter(name, end - name), quoted);
    return braces ? end + 1 : end;
}

/* f NULL: one field, no splitting. */
static void expand(const char *s, struct buffer *b, struct fields *f)
{
    const char *home = getenv("HOME");

    if (*s == '~' && (s[1] == '/' || s[1] == '\0') && home != NULL) {
        put_value(b, NULL, home, true);
        s++;
    }
    while (*s != '\0') {
        if (*s == '\\') {
            if (*++s == '\n')
                s++;
            else if (*s != '\0')
                put(b, *s++, true);
        } else if (*s == '\'') {
            b->any = true;
            for (s++; *s != '\''; s++)
                put(b, *s, true);
            s++;
        } else if (*s == '"') {
            /* "$@" without parameters is no field at all; any other quote makes one. */
            b->any |= strncmp(s, "\"$@\"", 4) != 0;
            for (s++; *s != '"';) {
                if (*s == '\\' && s[1] != '\0' && strchr("$`\"\\\n", s[1]) != NULL) {
                    if (s[1] != '\n')
                        put(b, s[1], true);
                    s += 2;
                } else if (*s == '$') {
                    s = dollar(s + 1, b, f, true);
                } else {
                    put(b, *s++, true);
                }
            }
            s++;
        } else if (*s == '$') {
            s = dollar(s + 1, b, f, false);
        } else {
            put(b, *s++, false);
        }
    }
}

char **expand_words(const struct word *words, int *argc)
{
    struct fields fields = {0};

    for (; words != NULL; words = words->next) {
        struct buffer buffer = {0};

        expand(words->text, &buffer, &fields);
        end_field(&buffer, &fields);
    }
    if (fields.list == NULL)
        fields.list = memset(arena_alloc(sizeof(char *)), 0, sizeof(char *));
    *argc = fields.count;
    return fields.list;
}

char *expand_one(const char *text)
{
    struct buffer buffer = {0};

    expand(text, &buffer, NULL);
    return arena_strndup(buffer.text, buffer.length);
}
