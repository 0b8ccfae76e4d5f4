/*
 * The shell's options: on its command line, and by set. Read sh.h first. XCU sh, set.
 */
#include "job.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

bool options[OPTIONS];

static const struct {
    const char *name;
    char letter; /* 0: it has none */
} names[OPTIONS] = {
    [OPT_ALLEXPORT] = {"allexport", 'a'}, [OPT_NOTIFY] = {"notify", 'b'},
    [OPT_NOCLOBBER] = {"noclobber", 'C'}, [OPT_ERREXIT] = {"errexit", 'e'},
    [OPT_NOGLOB] = {"noglob", 'f'},       [OPT_INTERACTIVE] = {"interactive", 'i'},
    [OPT_MONITOR] = {"monitor", 'm'},     [OPT_NOEXEC] = {"noexec", 'n'},
    [OPT_STDIN] = {"stdin", 's'},         [OPT_NOUNSET] = {"nounset", 'u'},
    [OPT_VERBOSE] = {"verbose", 'v'},     [OPT_XTRACE] = {"xtrace", 'x'},
    [OPT_IGNOREEOF] = {"ignoreeof", 'I'}, [OPT_EMACS] = {"emacs", 'E'},
};

const char *option_letters(void)
{
    struct text text = {0};

    for (int i = 0; i < OPTIONS; i++)
        if (options[i])
            text_add(&text, names[i].letter);
    return text_string(&text);
}

static void set_option(int option, bool on)
{
    if (option == OPT_MONITOR && options[OPT_MONITOR] != on)
        job_control(on);
    options[option] = on;
}

static void set_by_name(const char *name, bool on)
{
    for (int i = 0; i < OPTIONS; i++) {
        if (strcmp(names[i].name, name) == 0) {
            set_option(i, on);
            return;
        }
    }
    fail("-o %s: no such option", name);
}

static void set_by_letter(char letter, bool on)
{
    for (int i = 0; i < OPTIONS; i++) {
        if (names[i].letter == letter) {
            set_option(i, on);
            return;
        }
    }
    fail("-%c: no such option", letter);
}

/* `set -o`: a table; `set +o`: commands. */
static void print_options(bool table)
{
    for (int i = 0; i < OPTIONS; i++) {
        if (table)
            printf("%-15s %s\n", names[i].name, options[i] ? "on" : "off");
        else
            printf("set %so %s\n", options[i] ? "-" : "+", names[i].name);
    }
}

int option_parse(int argc, char **argv, bool *minus_c)
{
    int i;

    for (i = 1; i < argc && (argv[i][0] == '-' || argv[i][0] == '+'); i++) {
        bool on = argv[i][0] == '-';

        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        if (argv[i][1] == '\0') {
            if (on && minus_c == NULL) /* `set -`: an old way to switch these off */
                options[OPT_VERBOSE] = options[OPT_XTRACE] = false;
            return i + on;
        }
        for (const char *s = argv[i] + 1; *s != '\0'; s++) {
            if (*s == 'c' && on && minus_c != NULL) {
                *minus_c = true;
            } else if (*s != 'o') {
                set_by_letter(*s, on);
            } else if (i + 1 < argc) {
                set_by_name(argv[++i], on);
                break;
            } else {
                print_options(on);
            }
        }
    }
    return i;
}

int builtin_set(int argc, char **argv)
{
    int i;

    if (argc == 1) {
        for (struct variable **v = var_sorted(); *v != NULL; v++)
            if ((*v)->value != NULL)
                printf("%s=%s\n", (*v)->name, quote_value((*v)->value));
        return 0;
    }
    i = option_parse(argc, argv, NULL);
    if (i < argc || strcmp(argv[argc - 1], "--") == 0)
        set_positional(argc - i, argv + i);
    return 0;
}
