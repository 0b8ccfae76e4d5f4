/*
 * What may the word before the cursor become: a command's name, a file's, a variable's. Read edit.h
 * first.
 */
#include "edit.h"
#include "run.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SPECIAL " \t\n\\'\"`$&|;()<>*?[]#~=%!{}" /* what a file's name needs a backslash before */

struct names {
    char **list; /* temporary memory */
    size_t count, room;
    const char *prefix;
};

static void add(struct names *names, const char *name)
{
    if (strncmp(name, names->prefix, strlen(names->prefix)) != 0)
        return;
    if (names->count == names->room) {
        size_t room = 2 * names->room + 32;
        char **list = temp_alloc(room * sizeof(*list));

        if (names->count > 0)
            memcpy(list, names->list, names->count * sizeof(*list));
        names->list = list;
        names->room = room;
    }
    names->list[names->count++] = temp_copy(name, strlen(name));
}

static void add_visit(const char *name, void *arg)
{
    add(arg, name);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct names *names)
{
    size_t kept = 0;

    if (names->count == 0)
        return;
    qsort(names->list, names->count, sizeof(*names->list), compare);
    for (size_t i = 0; i < names->count; i++)
        if (kept == 0 || strcmp(names->list[kept - 1], names->list[i]) != 0)
            names->list[kept++] = names->list[i];
    names->count = kept;
}

/* The entries of a folder, those that are folders with a slash; programs: only what can be run. */
static void add_folder(struct names *names, const char *folder, bool programs)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        struct stat st;

        if (strncmp(name, names->prefix, strlen(names->prefix)) != 0
            || (name[0] == '.' && names->prefix[0] != '.'))
            continue;
        if (stat(temp_print("%s/%s", folder, name), &st) < 0)
            st.st_mode = 0;
        if (programs && (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0))
            continue;
        add(names, S_ISDIR(st.st_mode) ? temp_print("%s/", name) : name);
    }
    closedir(dir);
}

static void add_commands(struct names *names)
{
    const char *path = var_get("PATH");
    size_t count;
    const struct builtin *builtins = builtin_all(&count);

    for (size_t i = 0; i < count; i++)
        add(names, builtins[i].name);
    function_each(add_visit, names);
    alias_each(add_visit, names);
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");

        add_folder(names, length > 0 ? temp_copy(path, length) : ".", true);
        path += length;
        path += *path == ':';
    }
}

static void add_variables(struct names *names)
{
    for (struct variable **v = var_sorted(); *v != NULL; v++)
        if ((*v)->value != NULL)
            add(names, (*v)->name);
}

/* Where the word that ends at the cursor begins. *quote: the quote that is open in it, or 0. */
static size_t word_start(const struct line *line, char *quote)
{
    size_t start = 0;

    *quote = 0;
    for (size_t i = 0; i < line->cursor; i++) {
        char c = line->text[i];

        if (*quote != 0) {
            if (c == *quote)
                *quote = 0;
            else if (c == '\\' && *quote == '"')
                i++;
        } else if (c == '\'' || c == '"') {
            *quote = c;
        } else if (c == '\\') {
            i++;
        } else if (strchr(" \t;|&()<>=`", c) != NULL) {
            start = i + 1;
        }
    }
    return start;
}

/* Is the word that begins there a command's name? */
static bool is_command(const struct line *line, size_t start)
{
    static const char *const before[] = {"do", "then", "else", "elif", "if", "while", "until", "!",
                                         "{", "command", "exec", "type"};
    size_t end = start, begin;

    while (end > 0 && (line->text[end - 1] == ' ' || line->text[end - 1] == '\t'))
        end--;
    if (end == 0 || strchr(";|&(`", line->text[end - 1]) != NULL)
        return true;
    for (begin = end; begin > 0 && strchr(" \t;|&()", line->text[begin - 1]) == NULL; begin--)
        ;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        if (strlen(before[i]) == end - begin
            && strncmp(before[i], line->text + begin, end - begin) == 0)
            return true;
    return false;
}

/* The word without quotes and backslashes. */
static char *unquoted(const struct line *line, size_t start)
{
    struct text text = {0};

    for (size_t i = start; i < line->cursor; i++) {
        char c = line->text[i];

        if (c == '\\' && i + 1 < line->cursor)
            text_add(&text, line->text[++i]);
        else if (c != '\'' && c != '"' && c != '\\')
            text_add(&text, c);
    }
    return temp_copy(text_string(&text), text.length);
}

/* Adds to the line what the word gets: with backslashes where quotes do not do it. */
static void insert(struct line *line, const char *s, size_t length, char quote)
{
    for (size_t i = 0; i < length; i++) {
        if (s[i] == '\n' && quote == 0) { /* behind a backslash it would be nothing */
            line_insert(line, "'\n'", 3);
            continue;
        }
        if (s[i] == '\'' && quote == '\'')
            line_insert(line, "'\\'", 3); /* out, the character, and in again */
        else if (strchr(quote == 0 ? SPECIAL : quote == '"' ? "$`\"\\" : "", s[i]) != NULL)
            line_insert(line, "\\", 1);
        line_insert(line, s + i, 1);
    }
}

/* So many characters all names have in common. */
static size_t common(const struct names *names)
{
    size_t length = strlen(names->list[0]);

    for (size_t i = 1; i < names->count; i++) {
        size_t same = 0;

        while (same < length && names->list[i][same] == names->list[0][same])
            same++;
        length = same;
    }
    return length;
}

/* In columns, from top to bottom, as ls. */
static void show(const struct names *names)
{
    struct text text = {0};
    size_t width = 0, columns, rows;

    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->list[i]) + 2 > width)
            width = strlen(names->list[i]) + 2;
    columns = screen_columns() / width > 0 ? screen_columns() / width : 1;
    rows = (names->count + columns - 1) / columns;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < names->count; i += rows) {
            size_t length = strlen(names->list[i]);

            text_append(&text, names->list[i], length);
            for (; i + rows < names->count && length < width; length++)
                text_add(&text, ' ');
        }
        text_add(&text, '\n');
    }
    screen_below(text_string(&text));
}

void complete(struct line *line, bool again)
{
    struct names names = {0};
    char quote;
    size_t start = word_start(line, &quote), length;
    char *word = unquoted(line, start), *slash = strrchr(word, '/');
    const char *home = var_get("HOME");

    if (word[0] == '$') {
        names.prefix = word + 1;
        add_variables(&names);
    } else if (slash != NULL) {
        const char *folder = temp_copy(word, slash + 1 - word);

        if (folder[0] == '~' && folder[1] == '/' && home != NULL)
            folder = temp_print("%s%s", home, folder + 1);
        names.prefix = slash + 1;
        add_folder(&names, folder, false);
    } else {
        names.prefix = word;
        if (is_command(line, start))
            add_commands(&names);
        else
            add_folder(&names, ".", false);
    }
    sort(&names);
    if (names.count == 0) {
        screen_bell();
        return;
    }
    length = common(&names);
    if (names.count > 1 && length == strlen(names.prefix)) {
        if (again)
            show(&names);
        else
            screen_bell();
        return;
    }
    insert(line, names.list[0] + strlen(names.prefix), length - strlen(names.prefix), quote);
    if (names.count == 1 && names.list[0][length - 1] != '/') {
        if (quote != 0)
            line_insert(line, &quote, 1);
        line_insert(line, " ", 1);
    }
}
