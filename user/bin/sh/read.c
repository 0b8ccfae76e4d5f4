/*
 * read: a line to variables. Read sh.h first. XCU read.
 *
 * Byte by byte: what follows the line belongs to whoever reads next.
 */
#include "builtins.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IFS_DEFAULT " \t\n"

/* A line; quoted[i] tells that a backslash was before text[i]. */
struct input {
    struct text text, quoted;
};

static void add(struct input *input, char c, bool quoted)
{
    text_add(&input->text, c);
    text_add(&input->quoted, quoted ? 1 : 2);
}

/* false: the end of the file came before a newline. *interrupted: a signal that is trapped. */
static bool read_line(struct input *input, bool raw, bool *interrupted)
{
    bool escape = false;
    char c;

    for (;;) {
        ssize_t n = read(STDIN_FILENO, &c, 1);

        if (n < 0 && errno == EINTR) {
            check_interrupt();
            if (!trap_pending())
                continue;
            *interrupted = true;
            return false;
        }
        if (n <= 0)
            return false;
        if (c == '\0')
            continue;
        if (escape) {
            escape = false;
            if (c != '\n')
                add(input, c, true);
        } else if (c == '\\' && !raw) {
            escape = true;
        } else if (c == '\n') {
            return true;
        } else {
            add(input, c, false);
        }
    }
}

static bool is_space(const struct input *in, size_t i, const char *ifs)
{
    char c = in->text.bytes[i];

    return in->quoted.bytes[i] == 2 && strchr(ifs, c) != NULL && strchr(IFS_DEFAULT, c) != NULL;
}

static bool is_delimiter(const struct input *in, size_t i, const char *ifs)
{
    return in->quoted.bytes[i] == 2 && strchr(ifs, in->text.bytes[i]) != NULL;
}

/* Gives each name a field, and the last one all that is left. */
static void assign_fields(const struct input *in, int count, char **names)
{
    const char *ifs = var_get("IFS");
    size_t at = 0, length = in->text.length;

    if (ifs == NULL)
        ifs = IFS_DEFAULT;
    while (at < length && is_space(in, at, ifs))
        at++;
    for (int i = 0; i < count; i++) {
        size_t begin = at, end;

        while (at < length && !is_delimiter(in, at, ifs))
            at++;
        end = at;
        while (at < length && is_space(in, at, ifs))
            at++;
        if (at < length && is_delimiter(in, at, ifs))
            at++;
        while (at < length && is_space(in, at, ifs))
            at++;
        if (i == count - 1 && at < length) { /* more than one field is left: all of it */
            end = length;
            while (end > begin && is_space(in, end - 1, ifs))
                end--;
        }
        var_set(names[i], length > 0 ? temp_copy(in->text.bytes + begin, end - begin) : "");
    }
}

int builtin_read(int argc, char **argv)
{
    struct input input = {0};
    bool raw = false, whole, interrupted = false;
    int i;

    for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        for (const char *s = argv[i] + 1; *s != '\0'; s++) {
            if (*s == 'r')
                raw = true;
            else if (*s == 'p' && s[1] == '\0' && i + 1 < argc)
                fputs(argv[++i], stderr);
            else
                return builtin_error("%s: no such option", argv[i]) + 1;
            if (*s == 'p')
                break;
        }
    }
    if (i == argc)
        return builtin_error("no variable is named") + 1;
    for (int j = i; j < argc; j++)
        if (!is_name(argv[j], strlen(argv[j])))
            return builtin_error("%s: not a name", argv[j]) + 1;
    fflush(stdout);
    whole = read_line(&input, raw, &interrupted);
    if (interrupted)
        return 1;
    assign_fields(&input, argc - i, argv + i);
    return whole ? 0 : 1;
}
