/* grep: lines that match. [POSIX XCU grep; -h -H -o -r -w are GNU's] */
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: grep [-EFchHilnoqrsvwx] [-m count] pattern [file...]\n"
    "       grep [-EFchHilnoqrsvwx] [-m count] [-e pattern]... [-f file]... [file...]\n"
    "Prints the lines that match a pattern. Status 0: there are; 1: there are none; 2: error.\n"
    "  -E -F         patterns are extended regular expressions; are texts; else basic ones\n"
    "  -e -f         patterns, lines each; a file of them\n"
    "  -i -w -x      upper case is lower case; only whole words; only whole lines\n"
    "  -v            the lines that do not match\n"
    "  -c -l -q      only how many; only names of files; only the status\n"
    "  -n -h -H      with the line's number; without the file's name; with it\n"
    "  -o            only what matches, a line each\n"
    "  -m count      ends a file after so many lines\n"
    "  -r            directories, with all that is in them\n"
    "  -s            says nothing of files that cannot be read\n";

#define OPTIONS "EFchHilnoqrsvwxe:f:m:"

struct pattern {
    char *text; /* -F */
    regex_t regex;
};

static struct pattern *patterns;
static size_t pattern_count;
static bool on[128];
static long most = -1;
static bool any, names;

static void add_pattern(char *text)
{
    int flags = (on['E'] ? REG_EXTENDED : 0) | (on['i'] ? REG_ICASE : 0), error;
    struct pattern *p;

    patterns = must(realloc(patterns, (pattern_count + 1) * sizeof(*patterns)));
    p = &patterns[pattern_count++];
    p->text = text;
    if (!on['F'] && (error = regcomp(&p->regex, text, flags)) != 0) {
        char words[128];

        regerror(error, &p->regex, words, sizeof(words));
        die_of(text, words);
    }
}

/* A pattern is as many as it has lines. */
static void add_patterns(char *text)
{
    char *line;

    while ((line = strsep(&text, "\n")) != NULL)
        add_pattern(line);
}

static void add_file(const char *name)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    struct line line = {0};

    if (file == NULL)
        die(name);
    while (read_line(file, &line))
        add_pattern(must(strdup(line.text)));
    if (ferror(file))
        die(name);
    free(line.text);
    if (file != stdin)
        fclose(file);
}

static bool is_word(const struct line *line, regoff_t at)
{
    unsigned char c = at >= 0 && (size_t)at < line->length ? (unsigned char)line->text[at] : ' ';

    return isalnum(c) || c == '_';
}

/* The text's first place in the line, from a place on. */
static bool find_text(const char *text, const struct line *line, size_t from, regmatch_t *m)
{
    size_t length = strlen(text);

    for (size_t at = from; at + length <= line->length; at++)
        if ((on['i'] ? strncasecmp(line->text + at, text, length)
                     : memcmp(line->text + at, text, length)) == 0) {
            *m = (regmatch_t){(regoff_t)at, (regoff_t)(at + length)};
            return true;
        }
    return false;
}

/* Where the pattern matches in the line, from a place on. */
static bool find(const struct pattern *p, const struct line *line, size_t from, regmatch_t *m)
{
    for (; from <= line->length; from = (size_t)m->rm_so + 1) {
        if (on['F']) {
            if (!find_text(p->text, line, from, m))
                return false;
        } else {
            *m = (regmatch_t){(regoff_t)from, (regoff_t)line->length};
            if (regexec(&p->regex, line->text, 1, m, REG_STARTEND | (from > 0 ? REG_NOTBOL : 0)) !=
                0)
                return false;
        }
        if (on['x']) {
            if (m->rm_so == 0 && (size_t)m->rm_eo == line->length)
                return true; /* the longest match is found: if one is the line, this is */
            if (!on['F'])
                return false;
        } else if (!on['w'] || (!is_word(line, m->rm_so - 1) && !is_word(line, m->rm_eo))) {
            return true;
        }
    }
    return false;
}

/* The first match of any pattern; of several there, the longest. */
static bool first_match(const struct line *line, size_t from, regmatch_t *best)
{
    bool found = false;
    regmatch_t m;

    for (size_t i = 0; i < pattern_count; i++)
        if (find(&patterns[i], line, from, &m) &&
            (!found || m.rm_so < best->rm_so ||
             (m.rm_so == best->rm_so && m.rm_eo > best->rm_eo))) {
            *best = m;
            found = true;
        }
    return found;
}

static void show_prefix(const char *name, unsigned long number)
{
    if (names)
        printf("%s:", name);
    if (on['n'])
        printf("%lu:", number);
}

static void show(const struct line *line, const char *name, unsigned long number)
{
    regmatch_t m;

    if (!on['o']) {
        show_prefix(name, number);
        fwrite(line->text, 1, line->length, stdout);
        putchar('\n');
        return;
    }
    for (size_t from = 0; !on['v'] && from <= line->length && first_match(line, from, &m);
         from = (size_t)(m.rm_eo > m.rm_so ? m.rm_eo : m.rm_eo + 1))
        if (m.rm_eo > m.rm_so) {
            show_prefix(name, number);
            printf("%.*s\n", (int)(m.rm_eo - m.rm_so), line->text + m.rm_so);
        }
}

static void search(FILE *file, const char *name)
{
    const char *shown = strcmp(name, "-") == 0 ? "(standard input)" : name;
    struct line line = {0};
    unsigned long number = 0;
    long hits = 0;
    regmatch_t m;

    while (hits != most && read_line(file, &line)) {
        number++;
        if (first_match(&line, 0, &m) == on['v'])
            continue;
        hits++;
        any = true;
        if (on['q'])
            exit(0);
        if (on['l'])
            break;
        if (!on['c'])
            show(&line, shown, number);
    }
    free(line.text);
    if (on['l'] && hits > 0)
        puts(shown);
    else if (on['c'] && !on['l'])
        printf("%s%s%ld\n", names ? shown : "", names ? ":" : "", hits);
}

static bool search_file(const char *path, const struct stat *st, enum walk_step step)
{
    FILE *file;

    if (step != WALK_FILE || (!S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode)))
        return true;
    file = fopen(path, "r");
    if (file == NULL) {
        complain(path);
        return true;
    }
    search(file, path);
    if (ferror(file))
        complain(path);
    fclose(file);
    return true;
}

int main(int argc, char **argv)
{
    static char *here[] = {".", NULL};
    int option;

    util_failure = 2;
    util_begin(argv, usage);
    /* Twice: what a pattern means depends on options behind it, too. */
    while ((option = getopt(argc, argv, OPTIONS)) != -1) {
        if (option == '?')
            util_usage();
        on[option] = true;
        if (option == 'm')
            most = number_of(optarg, 0, INT32_MAX, "a number of lines");
    }
    optind = 1;
    while ((option = getopt(argc, argv, OPTIONS)) != -1) {
        if (option == 'e')
            add_patterns(optarg);
        else if (option == 'f')
            add_file(optarg);
    }
    if (!on['e'] && !on['f']) {
        if (optind == argc)
            util_usage();
        add_patterns(argv[optind++]);
    }
    argv += optind;
    names = !on['h'] && (on['H'] || on['r'] || (argv[0] != NULL && argv[1] != NULL));
    if (on['s'])
        freopen("/dev/null", "w", stderr);
    if (on['r'])
        for (char **path = argv[0] != NULL ? argv : here; *path != NULL; path++)
            walk(*path, WALK_OPERANDS, search_file);
    else
        each_input(argv, search);
    util_end();
    return util_status != 0 ? util_status : !any;
}
