/*
 * getopt_long, as GNU has it: options after operands are found, too, and the operands are moved behind all
 * options, unless the list of options begins with '+' or POSIXLY_CORRECT is set. Short options are getopt's.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(char *const argv[], const char *what, const char *options)
{
    if (opterr && *options != ':')
        fprintf(stderr, "%s: %s: %s\n", argv[0], what, argv[optind - 1]);
    return '?';
}

/* The option whose name is, or (if it is the only one) begins with, the length bytes at name. -1: none. */
static int find(const struct option *list, const char *name, size_t length)
{
    int found = -1;

    for (int i = 0; list[i].name != NULL; i++) {
        if (strncmp(list[i].name, name, length) != 0)
            continue;
        if (list[i].name[length] == '\0')
            return i;
        if (found >= 0)
            return -1;
        found = i;
    }
    return found;
}

static int long_option(int argc, char *const argv[], const char *options, const struct option *list,
                       int *index, const char *name)
{
    size_t length = strcspn(name, "=");
    int i = find(list, name, length);

    optind++;
    optarg = NULL;
    if (i < 0) {
        optopt = 0;
        return complain(argv, "unknown or ambiguous option", options);
    }
    optopt = list[i].val;
    if (name[length] == '=') {
        if (list[i].has_arg == no_argument)
            return complain(argv, "option takes no argument", options);
        optarg = (char *)name + length + 1;
    } else if (list[i].has_arg == required_argument) {
        if (optind >= argc) {
            complain(argv, "option needs an argument", options);
            return *options == ':' ? ':' : '?';
        }
        optarg = argv[optind++];
    }
    if (index != NULL)
        *index = i;
    if (list[i].flag == NULL)
        return list[i].val;
    *list[i].flag = list[i].val;
    return 0;
}

static int is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* Is this word a long option? Of getopt_long_only, also with one dash, unless it can be a short one. */
static int is_long(const char *word, const char *options, const struct option *list, int only)
{
    if (word[1] == '-')
        return word[2] != '\0';
    return only && (word[2] != '\0' || strchr(options, word[1]) == NULL)
        && find(list, word + 1, strcspn(word + 1, "=")) >= 0;
}

/* How many words the option is: two if its argument is the next. */
static int words_of(const char *word, const char *options, const struct option *list, int only)
{
    if (is_long(word, options, list, only)) {
        const char *name = word + 1 + (word[1] == '-');
        size_t length = strcspn(name, "=");
        int i = find(list, name, length);

        return 1 + (i >= 0 && name[length] == '\0' && list[i].has_arg == required_argument);
    }
    while (*++word != '\0') {
        const char *known = strchr(options, *word);

        if (known != NULL && known[1] == ':')
            return 1 + (word[1] == '\0');
    }
    return 1;
}

/* Moves the option at argv[from], `count` words, to argv[to], before the operands there. */
static void move_forward(char **argv, int from, int count, int to)
{
    for (; count > 0; count--, from++, to++) {
        char *word = argv[from];

        memmove(&argv[to + 1], &argv[to], (size_t)(from - to) * sizeof(*argv));
        argv[to] = word;
    }
}

static int parse(int argc, char *const argv[], const char *options, const struct option *list, int *index,
                 int only)
{
    static int bare; /* a word of short options that was the last: no argument follows it */
    int permute = *options != '+' && getenv("POSIXLY_CORRECT") == NULL;
    int at;

    if (optind == 0) { /* GNU's way to begin anew */
        optind = 1;
        bare = 0;
    }
    options += *options == '+';
    for (at = optind; permute && at < argc && !is_option(argv[at]);)
        at++;
    if (at >= argc || !is_option(argv[at]))
        return -1;
    if (at > optind) {
        int words = words_of(argv[at], options, list, only);

        if (words > argc - at) { /* its argument is missing: no operand is to be taken for it */
            move_forward((char **)argv, at, 1, optind);
            bare = optind;
        } else {
            move_forward((char **)argv, at, words, optind);
        }
    }
    if (bare == optind)
        argc = optind + 1;
    if (is_long(argv[optind], options, list, only))
        return long_option(argc, argv, options, list, index, argv[optind] + 1 + (argv[optind][1] == '-'));
    return getopt(argc, argv, options);
}

int getopt_long(int argc, char *const argv[], const char *options, const struct option *list, int *index)
{
    return parse(argc, argv, options, list, index, 0);
}

int getopt_long_only(int argc, char *const argv[], const char *options, const struct option *list, int *index)
{
    return parse(argc, argv, options, list, index, 1);
}
