/*
 * The builtins, and those of them that are small. Read sh.h and run.h first. XCU 1.6, 2.14.
 */
#include "job.h"
#include "edit.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtins.h"

static int builtin_true(int argc, char **argv)
{
    return 0;
}

static int builtin_false(int argc, char **argv)
{
    return 1;
}

/* export and readonly, which differ in the flag. */
static int set_flags(int argc, char **argv, int flag)
{
    int i = 1;

    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i == argc || strcmp(argv[i], "-p") == 0) {
        for (struct variable **v = var_sorted(); *v != NULL; v++)
            if (((*v)->flags & flag) && (*v)->value != NULL)
                printf("%s %s=%s\n", argv[0], (*v)->name, quote_value((*v)->value));
            else if ((*v)->flags & flag)
                printf("%s %s\n", argv[0], (*v)->name);
        return 0;
    }
    for (; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        const char *name = equals != NULL ? temp_copy(argv[i], equals - argv[i]) : argv[i];

        if (!is_name(name, strlen(name)))
            fail("%s: %s: not a name", argv[0], name);
        if (equals != NULL)
            var_set(name, equals + 1);
        var_set_flags(name, flag);
    }
    return 0;
}

static int builtin_export(int argc, char **argv)
{
    return set_flags(argc, argv, VAR_EXPORT);
}

static int builtin_readonly(int argc, char **argv)
{
    return set_flags(argc, argv, VAR_READONLY);
}

static int builtin_unset(int argc, char **argv)
{
    bool functions = false;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-f") == 0)
            functions = true;
        else if (strcmp(argv[i], "-v") != 0 && strcmp(argv[i], "--") != 0)
            fail("unset: %s: no such option", argv[i]);
    }
    for (; i < argc; i++) {
        if (functions)
            function_unset(argv[i]);
        else
            var_unset(argv[i]);
    }
    return 0;
}

/* The octal or symbolic mask that the text stands for: what it takes away from 0777. -1: wrong. */
static int parse_mask(const char *s, int mask)
{
    char *end;
    long octal = strtol(s, &end, 8);

    if (*s >= '0' && *s <= '7')
        return *end == '\0' && octal <= 0777 ? (int)octal : -1;
    mask = ~mask & 0777; /* what is allowed */
    while (*s != '\0') {
        int who = 0, bits = 0;
        char op;

        for (; *s != '\0' && strchr("ugoa", *s) != NULL; s++)
            who |= *s == 'u' ? 0700 : *s == 'g' ? 0070 : *s == 'o' ? 0007 : 0777;
        who = who == 0 ? 0777 : who;
        op = *s++;
        if (op == '\0' || strchr("+-=", op) == NULL)
            return -1;
        for (; *s != '\0' && strchr("rwx", *s) != NULL; s++)
            bits |= *s == 'r' ? 0444 : *s == 'w' ? 0222 : 0111;
        bits &= who;
        mask = op == '+' ? mask | bits : op == '-' ? mask & ~bits : (mask & ~who) | bits;
        if (*s == ',')
            s++;
        else if (*s != '\0')
            return -1;
    }
    return ~mask & 0777;
}

static int builtin_umask(int argc, char **argv)
{
    bool symbolic = argc > 1 && strcmp(argv[1], "-S") == 0;
    int mask = (int)umask(0), new;

    umask(mask);
    if (argc == 1) {
        printf("%04o\n", mask);
    } else if (symbolic && argc == 2) {
        for (int i = 0; i < 3; i++) {
            int bits = ~mask >> (6 - 3 * i) & 7;

            printf("%c=%s%s%s%s", "ugo"[i], bits & 4 ? "r" : "", bits & 2 ? "w" : "",
                   bits & 1 ? "x" : "", i < 2 ? "," : "\n");
        }
    } else {
        new = parse_mask(argv[1 + symbolic], mask);
        if (new < 0)
            return builtin_error("%s: not a mask", argv[1 + symbolic]) + 1;
        umask(new);
    }
    return 0;
}

static const struct builtin builtins[] = { /* sorted */
    {".", builtin_dot, true},
    {":", builtin_true, true},
    {"[", builtin_test, false},
    {"alias", builtin_alias, false},
    {"bg", builtin_bg, false},
    {"break", builtin_break, true},
    {"cd", builtin_cd, false},
    {"command", builtin_command, false},
    {"continue", builtin_break, true},
    {"echo", builtin_echo, false},
    {"eval", builtin_eval, true},
    {"exec", builtin_exec, true},
    {"exit", builtin_exit, true},
    {"export", builtin_export, true},
    {"false", builtin_false, false},
    {"fg", builtin_fg, false},
    {"getopts", builtin_getopts, false},
    {"history", builtin_history, false},
    {"jobs", builtin_jobs, false},
    {"kill", builtin_kill, false},
    {"local", builtin_local, false},
    {"ports", builtin_ports, false},
    {"printf", builtin_printf, false},
    {"pwd", builtin_pwd, false},
    {"read", builtin_read, false},
    {"readonly", builtin_readonly, true},
    {"return", builtin_return, true},
    {"set", builtin_set, true},
    {"shift", builtin_shift, true},
    {"test", builtin_test, false},
    {"times", builtin_times, true},
    {"trap", builtin_trap, true},
    {"true", builtin_true, false},
    {"type", builtin_type, false},
    {"ulimit", builtin_ulimit, false},
    {"umask", builtin_umask, false},
    {"unalias", builtin_unalias, false},
    {"unset", builtin_unset, true},
    {"wait", builtin_wait, false},
};

const struct builtin *builtin_all(size_t *count)
{
    *count = sizeof(builtins) / sizeof(builtins[0]);
    return builtins;
}

static int compare(const void *name, const void *builtin)
{
    return strcmp(name, ((const struct builtin *)builtin)->name);
}

const struct builtin *builtin_find(const char *name)
{
    return bsearch(name, builtins, sizeof(builtins) / sizeof(builtins[0]), sizeof(builtins[0]),
                   compare);
}
