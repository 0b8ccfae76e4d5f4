/* The commands behind a colon: those of ex that files and many lines need. Read vi.h first. */
#include "vi.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

#define GROUPS 10

static const char *at; /* where we are in the line */

static void skip_blanks(void)
{
    while (isblank((unsigned char)*at))
        at++;
}

/* A line's address, from 0, in *row. false: there is none here. */
static bool parse_address(size_t *row)
{
    long value;
    struct place found;
    char *end;
    bool any = true;

    skip_blanks();
    if (isdigit((unsigned char)*at)) {
        value = strtol(at, &end, 10) - 1;
        at = end;
    } else if (*at == '.') {
        value = (long)cursor.row;
        at++;
    } else if (*at == '$') {
        value = (long)line_count - 1;
        at++;
    } else if (*at == '/' || *at == '?') {
        char delimiter = *at++, *text = must(strndup(at, strcspn(at, (char[]){delimiter, '\0'})));

        at += strlen(text);
        at += *at == delimiter;
        any = search(text, delimiter == '?', &found);
        free(text);
        value = any ? (long)found.row : -1;
    } else {
        any = *at == '+' || *at == '-';
        value = (long)cursor.row;
    }
    while (any && (*at == '+' || *at == '-')) {
        long sign = *at++ == '+' ? 1 : -1,
             by = isdigit((unsigned char)*at) ? strtol(at, &end, 10) : 1;

        if (isdigit((unsigned char)*at))
            at = end;
        value += sign * by;
    }
    *row = value < 0 ? 0 : value < (long)line_count ? (size_t)value : line_count - 1;
    return any;
}

/* ---- files ---- */

static void write_lines(const char *name, size_t from, size_t to, bool force)
{
    bool append = strncmp(name, ">>", 2) == 0, whole = from == 0 && to == line_count;
    long bytes;

    name += append ? 2 + strspn(name + 2, " ") : 0;
    if (*name == '\0')
        name = file_name;
    if (name == NULL) {
        tell("the file has no name: :w NAME");
        return;
    }
    if (!force && !append && (file_name == NULL || strcmp(name, file_name) != 0)
        && access(name, F_OK) == 0) {
        tell("%s is there already: :w! writes over it", name);
        return;
    }
    bytes = write_file(name, from, to, append);
    if (bytes < 0) {
        tell("%s: %s", name, strerror(errno));
        return;
    }
    if (file_name == NULL && whole)
        file_name = must(strdup(name));
    if (whole && !append && strcmp(name, file_name) == 0)
        changed = false;
    tell("%s: %zu line%s, %ld bytes", name, to - from, to - from == 1 ? "" : "s", bytes);
}

static void edit(const char *name, bool force)
{
    long count;

    if (changed && !force) {
        tell("what was changed is not written: :e! forgets it");
        return;
    }
    if (*name != '\0')
        file_name = must(strdup(name));
    if (file_name == NULL) {
        tell("which file?");
        return;
    }
    text_clear();
    count = read_file(file_name, 0);
    if (count > 0)
        delete_lines(0, 1); /* the empty one of no file */
    if (count < 0 && errno != ENOENT)
        tell("%s: %s", file_name, strerror(errno));
    else
        tell("%s: %s", file_name, count < 0 ? "new file" : count == 0 ? "empty" : "read");
    changed = false;
}

static void read_into(const char *name, size_t row)
{
    long count;

    text_mark();
    count = read_file(*name != '\0' || file_name == NULL ? name : file_name, row);
    if (count < 0)
        tell("%s: %s", name, strerror(errno));
    else
        cursor.row = row + (count > 0);
}

static void quit(bool force)
{
    if (changed && !force)
        tell("what was changed is not written: :q! forgets it");
    else
        ended = true;
}

/* ---- s/regex/with/ ---- */

struct result {
    char *text;
    size_t length;
};

static void append(struct result *r, const char *text, size_t length)
{
    r->text = must(realloc(r->text, r->length + length + 1));
    memcpy(r->text + r->length, text, length);
    r->length += length;
}

/* One line: how many times. */
static long substitute(size_t row, const regex_t *regex, const char *with, bool all)
{
    const struct line_text *line = lines[row];
    struct result r = {must(strdup("")), 0};
    size_t from = 0, copied = 0;
    regmatch_t m[GROUPS];
    long count = 0;

    while (from <= line->length && (all || count == 0)) {
        m[0] = (regmatch_t){(regoff_t)from, (regoff_t)line->length};
        if (regexec(regex, line->at, GROUPS, m, REG_STARTEND | (from > 0 ? REG_NOTBOL : 0)) != 0)
            break;
        append(&r, line->at + copied, (size_t)m[0].rm_so - copied);
        for (const char *p = with; *p != '\0'; p++) {
            int group = *p == '&' ? 0 : -1;

            if (*p == '\\' && p[1] != '\0')
                group = isdigit((unsigned char)*++p) ? *p - '0' : -1;
            if (group < 0)
                append(&r, p, 1);
            else if (m[group].rm_so >= 0)
                append(&r, line->at + m[group].rm_so, (size_t)(m[group].rm_eo - m[group].rm_so));
        }
        copied = (size_t)m[0].rm_eo;
        from = copied + (m[0].rm_eo == m[0].rm_so);
        count++;
    }
    if (count > 0) {
        append(&r, line->at + copied, line->length - copied);
        set_line(row, r.text, r.length);
    }
    free(r.text);
    return count;
}

/* Up to the delimiter, which \ makes an ordinary character. */
static char *part(char delimiter)
{
    struct result r = {must(strdup("")), 0};

    for (; *at != '\0' && *at != delimiter; at++) {
        if (*at == '\\' && at[1] == delimiter)
            at++;
        else if (*at == '\\' && at[1] != '\0')
            append(&r, at++, 1);
        append(&r, at, 1);
    }
    at += *at == delimiter;
    r.text[r.length] = '\0';
    return r.text;
}

static void substitute_lines(size_t from, size_t to)
{
    char delimiter = *at, *text, *with, words[128];
    regex_t regex;
    long count = 0;
    int error;

    if (delimiter == '\0' || isalnum((unsigned char)delimiter) || delimiter == ' ') {
        tell("s wants /regex/with/");
        return;
    }
    at++;
    text = part(delimiter);
    with = part(delimiter);
    error = regcomp(&regex, text, 0);
    if (error != 0) {
        regerror(error, &regex, words, sizeof(words));
        tell("%s", words);
    } else {
        text_mark();
        for (size_t row = from; row < to; row++) {
            long here = substitute(row, &regex, with, strchr(at, 'g') != NULL);

            if (here > 0)
                cursor = (struct place){row, 0};
            count += here;
        }
        regfree(&regex);
        tell(count > 0 ? "%ld times" : "not found", count);
    }
    free(text);
    free(with);
}

/* ---- all of them ---- */

static const char *word(void)
{
    skip_blanks();
    return at;
}

static void obey(const char *name, bool force, size_t from, size_t to, bool addressed)
{
    size_t whole_from = addressed ? from : 0, whole_to = addressed ? to : line_count;

    if (strcmp(name, "w") == 0) {
        write_lines(word(), whole_from, whole_to, force);
    } else if (strcmp(name, "wq") == 0 || strcmp(name, "x") == 0) {
        if (changed || name[0] == 'w')
            write_lines(word(), whole_from, whole_to, force);
        if (!changed)
            ended = true;
    } else if (strcmp(name, "q") == 0) {
        quit(force);
    } else if (strcmp(name, "e") == 0) {
        edit(word(), force);
    } else if (strcmp(name, "r") == 0) {
        read_into(word(), to - 1);
    } else if (strcmp(name, "s") == 0) {
        substitute_lines(from, to);
    } else if (strcmp(name, "d") == 0) {
        text_mark();
        delete_lines(from, to - from);
        cursor = (struct place){from < line_count ? from : line_count - 1, 0};
    } else if (strcmp(name, "f") == 0) {
        tell("%s: %zu lines%s", file_name != NULL ? file_name : "no name", line_count,
             changed ? ", changed" : "");
    } else if (*name == '\0') {
        cursor.row = to - 1;
        cursor.col = first_nonblank(cursor.row);
    } else {
        tell("%s: there is no such command", name);
    }
}

void obey_line(const char *text)
{
    char name[8] = "";
    size_t from = cursor.row, to = cursor.row, length = 0;
    bool addressed, force;

    at = text + strspn(text, ": ");
    if (*at == '\0')
        return;
    if (*at == '%') {
        at++;
        from = 0;
        to = line_count - 1;
        addressed = true;
    } else {
        addressed = parse_address(&from);
        to = from;
        skip_blanks();
        if (*at == ',') {
            at++;
            if (!parse_address(&to))
                to = cursor.row;
        }
    }
    skip_blanks();
    if (to < from) {
        tell("the lines are backwards");
        return;
    }
    while (isalpha((unsigned char)*at) && length + 1 < sizeof(name) &&
           !(length == 1 && name[0] == 's'))
        name[length++] = *at++;
    force = *at == '!';
    at += force;
    obey(name, force, from, to + 1, addressed);
}
