/*
 * getopts: options of a script or function, one at a call. Read sh.h first. XCU getopts.
 */
#include "sh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_index(int index, int offset)
{
    var_set("OPTIND", temp_print("%d", index));
    getopts_offset = offset; /* (which the assignment has made 0) */
}

/* No option is left. */
static int finish(const char *name, int index)
{
    set_index(index, 0);
    var_set(name, "?");
    return 1;
}

/* An option that is wrong: told, or (optstring begins with ':') given to the script in OPTARG. */
static void wrong(const char *name, bool silent, char letter, const char *kind, const char *what)
{
    if (silent) {
        var_set(name, kind);
        var_set("OPTARG", temp_print("%c", letter));
        return;
    }
    var_set(name, "?");
    var_unset("OPTARG");
    fprintf(stderr, "%s: -%c: %s\n", script_name, letter, what);
}

int builtin_getopts(int argc, char **argv)
{
    const char *options_text, *name, *known, *value = var_get("OPTIND"), *word;
    int count, index = value != NULL ? atoi(value) : 1, offset = getopts_offset;
    char **words, letter;
    bool silent;

    if (argc < 3 || !is_name(argv[2], strlen(argv[2])))
        return builtin_error("usage: getopts letters name [word...]") + 1;
    name = argv[2];
    options_text = argv[1];
    silent = *options_text == ':';
    options_text += silent;
    count = argc > 3 ? argc - 3 : positional_count;
    words = argc > 3 ? argv + 3 : positional;
    if (index < 1)
        index = 1;
    if (offset == 0) {
        if (index > count || words[index - 1][0] != '-' || words[index - 1][1] == '\0')
            return finish(name, index);
        if (strcmp(words[index - 1], "--") == 0)
            return finish(name, index + 1);
        offset = 1;
    }
    if (index > count || offset >= (int)strlen(words[index - 1]))
        return finish(name, index);
    word = words[index - 1];
    letter = word[offset++];
    known = letter != ':' ? strchr(options_text, letter) : NULL;
    if (known != NULL && known[1] == ':') {
        if (word[offset] != '\0') {
            var_set("OPTARG", word + offset);
        } else if (index < count) {
            var_set("OPTARG", words[index++]);
        } else {
            set_index(index + 1, 0);
            wrong(name, silent, letter, ":", "needs an argument");
            return 0;
        }
        offset = 0;
        index++;
    } else if (word[offset] == '\0') {
        offset = 0;
        index++;
    }
    set_index(index, offset);
    if (known == NULL) {
        wrong(name, silent, letter, "?", "no such option");
        return 0;
    }
    if (known[1] != ':')
        var_unset("OPTARG");
    var_set(name, temp_print("%c", letter));
    return 0;
}
