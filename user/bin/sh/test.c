/*
 * test and [. Read sh.h first. XCU test: what is meant depends on how many words there are.
 *
 * From four words on it is an expression: -o, -a, !, ( ) and the primaries, in that order of binding.
 */
#include "builtins.h"
#include "sh.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct words {
    char **at, **end;
};

static bool read_or(struct words *w);

static void wrong(const char *what, const char *word) __attribute__((noreturn));
static void wrong(const char *what, const char *word)
{
    builtin_error("%s: %s", word, what);
    throw(2);
}

static bool is_unary(const char *s)
{
    return s[0] == '-' && s[1] != '\0' && s[2] == '\0' && strchr("bcdefghLnprSstuwxz", s[1]) != NULL;
}

static bool is_binary(const char *s)
{
    static const char *const names[] = {"=", "!=", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt",
                                        "-ot", "-ef", "<", ">"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(s, names[i]) == 0)
            return true;
    return false;
}

static intmax_t number(const char *s)
{
    char *end;
    intmax_t n = strtoll(s, &end, 10);

    while (isspace((unsigned char)*end))
        end++;
    if (end == s || *end != '\0')
        wrong("not a number", s);
    return n;
}

static bool unary(char op, const char *word)
{
    struct stat st;

    switch (op) {
    case 'n':
        return *word != '\0';
    case 'z':
        return *word == '\0';
    case 't':
        return isatty((int)number(word));
    case 'r':
        return access(word, R_OK) == 0;
    case 'w':
        return access(word, W_OK) == 0;
    case 'x':
        return access(word, X_OK) == 0;
    }
    if ((op == 'h' || op == 'L' ? lstat(word, &st) : stat(word, &st)) < 0)
        return false;
    switch (op) {
    case 'b':
        return S_ISBLK(st.st_mode);
    case 'c':
        return S_ISCHR(st.st_mode);
    case 'd':
        return S_ISDIR(st.st_mode);
    case 'f':
        return S_ISREG(st.st_mode);
    case 'g':
        return st.st_mode & S_ISGID;
    case 'h':
    case 'L':
        return S_ISLNK(st.st_mode);
    case 'p':
        return S_ISFIFO(st.st_mode);
    case 'S':
        return S_ISSOCK(st.st_mode);
    case 's':
        return st.st_size > 0;
    case 'u':
        return st.st_mode & S_ISUID;
    default: /* e */
        return true;
    }
}

/* Is the first file newer? One that is not there is older than all. */
static bool newer(const char *a, const char *b)
{
    struct stat sa, sb;

    if (stat(a, &sa) < 0)
        return false;
    if (stat(b, &sb) < 0)
        return true;
    return sa.st_mtim.tv_sec != sb.st_mtim.tv_sec ? sa.st_mtim.tv_sec > sb.st_mtim.tv_sec
                                                  : sa.st_mtim.tv_nsec > sb.st_mtim.tv_nsec;
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev
           && sa.st_ino == sb.st_ino;
}

static bool binary(const char *a, const char *op, const char *b)
{
    intmax_t na, nb;

    if (op[0] != '-') {
        int order = strcmp(a, b);

        return op[0] == '=' ? order == 0 : op[0] == '!' ? order != 0
                                         : op[0] == '<' ? order < 0 : order > 0;
    }
    if (strcmp(op, "-nt") == 0)
        return newer(a, b);
    if (strcmp(op, "-ot") == 0)
        return newer(b, a);
    if (strcmp(op, "-ef") == 0)
        return same_file(a, b);
    na = number(a);
    nb = number(b);
    switch (op[1] << 8 | op[2]) {
    case 'e' << 8 | 'q':
        return na == nb;
    case 'n' << 8 | 'e':
        return na != nb;
    case 'g' << 8 | 't':
        return na > nb;
    case 'g' << 8 | 'e':
        return na >= nb;
    case 'l' << 8 | 't':
        return na < nb;
    default:
        return na <= nb;
    }
}

static bool read_primary(struct words *w)
{
    size_t left = w->end - w->at;
    bool value;

    if (left == 0)
        wrong("an argument is missing", "test");
    if (left >= 3 && is_binary(w->at[1])) {
        w->at += 3;
        return binary(w->at[-3], w->at[-2], w->at[-1]);
    }
    if (strcmp(w->at[0], "!") == 0 && left > 1) {
        w->at++;
        return !read_primary(w);
    }
    if (strcmp(w->at[0], "(") == 0 && left > 1) {
        w->at++;
        value = read_or(w);
        if (w->at == w->end || strcmp(w->at[0], ")") != 0)
            wrong("expected )", "test");
        w->at++;
        return value;
    }
    if (is_unary(w->at[0]) && left > 1) {
        w->at += 2;
        return unary(w->at[-2][1], w->at[-1]);
    }
    w->at++;
    return *w->at[-1] != '\0';
}

static bool read_and(struct words *w)
{
    bool value = read_primary(w);

    while (w->at < w->end && strcmp(w->at[0], "-a") == 0) {
        w->at++;
        value &= read_primary(w);
    }
    return value;
}

static bool read_or(struct words *w)
{
    bool value = read_and(w);

    while (w->at < w->end && strcmp(w->at[0], "-o") == 0) {
        w->at++;
        value |= read_and(w);
    }
    return value;
}

static bool evaluate(int count, char **words)
{
    struct words w = {words, words + count};
    bool value;

    if (count == 0)
        return false;
    if (count == 1)
        return *words[0] != '\0';
    if (count == 3 && is_binary(words[1]))
        return binary(words[0], words[1], words[2]);
    if (count <= 4 && strcmp(words[0], "!") == 0)
        return !evaluate(count - 1, words + 1);
    if ((count == 3 || count == 4) && strcmp(words[0], "(") == 0
        && strcmp(words[count - 1], ")") == 0)
        return evaluate(count - 2, words + 1);
    if (count == 2 && !is_unary(words[0]))
        wrong("unknown operator", words[0]);
    value = read_or(&w);
    if (w.at < w.end)
        wrong("unexpected operator", w.at[0]);
    return value;
}

/* With a status of its own for an expression that is wrong. */
static int evaluate_status(int count, char **words)
{
    struct catcher catcher;
    int status;

    if (catch(&catcher) == 0)
        status = evaluate(count, words) ? 0 : 1;
    else
        status = 2;
    uncatch(&catcher);
    return status;
}

int builtin_test(int argc, char **argv)
{
    if (argv[0][0] == '[') {
        if (strcmp(argv[argc - 1], "]") != 0)
            return builtin_error("missing ]") + 1;
        argc--;
    }
    return evaluate_status(argc - 1, argv + 1);
}
