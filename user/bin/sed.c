/*
 * sed: edits lines as a script says. [POSIX XCU sed; -E, -s and the flag I are GNU's]
 *
 * The script becomes an array of commands; { holds the place of its }, a branch that of its label. Each
 * cycle reads a line into the pattern space and runs the commands that are for it.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: sed [-Ens] script [file...]\n"
    "       sed [-Ens] [-e script]... [-f file]... [file...]\n"
    "Prints the lines of files as the script changes them.\n"
    "  -n     prints only what p says\n"
    "  -E     extended regular expressions\n"
    "  -e -f  scripts, and files of them, one behind the other\n"
    "  -s     each file begins anew with line 1, and has a last line\n"
    "A script is commands, each behind no address, one (number, $, /regex/), or two with a comma; and a !.\n"
    "  s/regex/with/[gpiN] [w file], y/from/to/  replaces; translates\n"
    "  d D, p P, n N, g G h H x                  deletes, prints, reads on, holds\n"
    "  a i c text, r file, w file, =, l, q       adds, replaces; reads, writes; number; shows; ends\n"
    "  { }, : label, b t label, #                groups, jumps (t: if s did something), comment\n";

#define GROUPS 10

struct address {
    enum { NONE, LINE, LAST, REGEX } kind;
    unsigned long line;
    regex_t *regex; /* NULL: the last one used */
};

struct command {
    struct address from, to;
    bool not, in_range;
    char name;
    char *text;         /* a c i: text; r w: file; b t :: label; s: replacement; y: 256 bytes */
    size_t text_length; /* s: of the replacement */
    size_t target;      /* { b t: the command to go on with */
    regex_t *regex;     /* s */
    bool global, print; /* s */
    unsigned long which; /* s */
    FILE *file;         /* w, s with w */
};

struct buffer {
    char *at;
    size_t length, room;
};

static struct command *commands;
static size_t command_count;
static bool quiet, extended, separate;
static regex_t *last_regex;
static struct buffer space, hold, result;
static unsigned long line_number;
static struct buffer appended; /* for the cycle's end: 'a' text, or 'r' file, each with its NUL */
static char **inputs;
static FILE *input;
static int ahead = EOF; /* a character of the next line, so that $ is known */

/* ---- buffers ---- */

static void append(struct buffer *b, const char *text, size_t length)
{
    if (b->length + length + 1 > b->room) {
        b->room = 2 * (b->length + length + 1);
        b->at = must(realloc(b->at, b->room));
    }
    memcpy(b->at + b->length, text, length);
    b->length += length;
    b->at[b->length] = '\0';
}

static void set(struct buffer *b, const char *text, size_t length)
{
    b->length = 0;
    append(b, text, length);
}

/* ---- the script ---- */

static const char *script; /* where we are in it */

static _Noreturn void wrong(const char *why)
{
    die_of("script", why);
}

static void skip_blanks(void)
{
    while (isblank((unsigned char)*script))
        script++;
}

/* What is up to the delimiter, \ and delimiter being the delimiter itself, unless within [] of a regular
 * expression; \n a newline there. */
static char *delimited(char delimiter, bool is_regex)
{
    struct buffer b = {0};
    bool in_set = false;

    append(&b, "", 0);
    for (; *script != delimiter || in_set; script++) {
        if (*script == '\0' || (*script == '\n' && is_regex))
            wrong("a / is missing");
        if (is_regex && *script == '[' && !in_set) {
            in_set = true;
            append(&b, script, 1);
            if (script[1] == '^')
                append(&b, ++script, 1);
            if (script[1] == ']')
                append(&b, ++script, 1);
            continue;
        }
        if (in_set && *script == '[' && script[1] != '\0' && strchr(":.=", script[1]) != NULL) {
            const char *begin = script, kind = script[1];

            for (script += 2; *script != '\0' && !(script[0] == kind && script[1] == ']'); script++)
                ;
            if (*script == '\0')
                wrong("a ] is missing");
            append(&b, begin, (size_t)(script - begin) + 1);
            continue;
        }
        if (*script == ']')
            in_set = false;
        if (*script == '\\' && script[1] != '\0') {
            script++;
            if (*script == 'n' && is_regex) {
                append(&b, "\n", 1);
            } else {
                if (*script != delimiter)
                    append(&b, "\\", 1);
                append(&b, script, 1);
            }
            if (in_set && *script == ']')
                in_set = false;
            continue;
        }
        append(&b, script, 1);
    }
    script++;
    return b.at;
}

/* NULL for an empty expression: the last one used. */
static regex_t *compile(const char *text, bool fold)
{
    regex_t *regex;
    char words[128];
    int error;

    if (*text == '\0')
        return NULL;
    regex = must(calloc(1, sizeof(*regex)));
    error = regcomp(regex, text, (extended ? REG_EXTENDED : 0) | (fold ? REG_ICASE : 0));
    if (error != 0) {
        regerror(error, regex, words, sizeof(words));
        die_of(text, words);
    }
    return regex;
}

static bool parse_address(struct address *a)
{
    if (isdigit((unsigned char)*script)) {
        a->kind = LINE;
        a->line = strtoul(script, (char **)&script, 10);
    } else if (*script == '$') {
        a->kind = LAST;
        script++;
    } else if (*script == '/' || (*script == '\\' && script[1] != '\0')) {
        char delimiter, *text;
        bool fold;

        script += *script == '\\';
        delimiter = *script++;
        text = delimited(delimiter, true);
        fold = *script == 'I';
        script += fold;
        a->kind = REGEX;
        a->regex = compile(text, fold);
        free(text);
    } else {
        return false;
    }
    return true;
}

/* The text of a, i and c: behind \ and a newline, or in the same line; \ keeps a newline in it. */
static char *parse_text(void)
{
    struct buffer b = {0};

    skip_blanks();
    if (*script == '\\') {
        script++;
        skip_blanks();
        if (*script == '\n')
            script++;
    }
    for (; *script != '\0' && *script != '\n'; script++) {
        if (*script == '\\' && script[1] != '\0')
            script++;
        append(&b, script, 1);
    }
    append(&b, "\n", 1);
    return b.at;
}

/* To the line's end (a file's name), or to a ; or } as well (a label). */
static char *parse_word(bool label)
{
    const char *begin;
    size_t length;
    char *word;

    skip_blanks();
    begin = script;
    length = strcspn(begin, label ? ";\n" : "\n");
    script += length;
    while (label && length > 0 && isblank((unsigned char)begin[length - 1]))
        length--;
    word = must(strndup(begin, length));
    return word;
}

static FILE *open_output(const char *name)
{
    static struct {
        char *name;
        FILE *file;
    } *open_files;
    static size_t count;

    if (*name == '\0')
        wrong("a file's name is missing");
    if (strcmp(name, "/dev/stdout") == 0)
        return stdout;
    for (size_t i = 0; i < count; i++)
        if (strcmp(open_files[i].name, name) == 0)
            return open_files[i].file;
    open_files = must(realloc(open_files, (count + 1) * sizeof(*open_files)));
    open_files[count].name = must(strdup(name));
    open_files[count].file = fopen(name, "w");
    if (open_files[count].file == NULL)
        die(name);
    return open_files[count++].file;
}

static void parse_substitute(struct command *c)
{
    char delimiter = *script++, *text;
    bool fold = false;

    if (delimiter == '\0' || delimiter == '\n' || delimiter == '\\')
        wrong("s wants /regex/with/");
    text = delimited(delimiter, true);
    c->text = delimited(delimiter, false);
    c->text_length = strlen(c->text);
    for (;; script++) {
        if (*script == 'g')
            c->global = true;
        else if (*script == 'p')
            c->print = true;
        else if (*script == 'i' || *script == 'I')
            fold = true;
        else if (isdigit((unsigned char)*script))
            c->which = c->which * 10 + (unsigned long)(*script - '0');
        else
            break;
    }
    c->regex = compile(text, fold);
    for (const char *p = c->text; *p != '\0'; p++)
        if (*p == '\\' && *++p >= '1' && *p <= '9' && c->regex != NULL
            && (size_t)(*p - '0') > c->regex->re_nsub)
            wrong("there is no such group");
    free(text);
    if (*script == 'w') {
        script++;
        text = parse_word(false);
        c->file = open_output(text);
        free(text);
    }
}

static void parse_translate(struct command *c)
{
    char delimiter = *script++, *texts[2];
    unsigned char *map = must(malloc(256));
    struct buffer plain[2] = {{0}, {0}};

    if (delimiter == '\0' || delimiter == '\n' || delimiter == '\\')
        wrong("y wants /from/to/");
    for (int i = 0; i < 2; i++) {
        texts[i] = delimited(delimiter, false);
        for (const char *p = texts[i]; *p != '\0'; p++) {
            if (*p == '\\' && p[1] != '\0')
                append(&plain[i], *++p == 'n' ? "\n" : p, 1);
            else
                append(&plain[i], p, 1);
        }
        free(texts[i]);
    }
    if (plain[0].length != plain[1].length)
        wrong("y's texts are not of one length");
    for (int i = 0; i < 256; i++)
        map[i] = (unsigned char)i;
    for (size_t i = 0; i < plain[0].length; i++)
        map[(unsigned char)plain[0].at[i]] = (unsigned char)plain[1].at[i];
    free(plain[0].at);
    free(plain[1].at);
    c->text = (char *)map;
}

/* What a command has behind its letter. */
static void parse_arguments(struct command *c)
{
    switch (c->name) {
    case 's': parse_substitute(c); break;
    case 'y': parse_translate(c); break;
    case 'a':
    case 'i':
    case 'c': c->text = parse_text(); break;
    case ':':
        if (c->from.kind != NONE)
            wrong(": takes no address");
        c->text = parse_word(true);
        if (*c->text == '\0')
            wrong("a label is missing");
        break;
    case 'b':
    case 't': c->text = parse_word(true); break;
    case 'r': c->text = parse_word(false); break;
    case 'w':
        c->text = parse_word(false);
        c->file = open_output(c->text);
        break;
    case '}':
        if (c->from.kind != NONE)
            wrong("} takes no address");
        break;
    default:
        if (c->name == '\0' || strchr("{dDgGhHlnNpPqx=", c->name) == NULL)
            wrong("there is no such command");
    }
}

static void parse_script(const char *text)
{
    script = text;
    for (;;) {
        struct command c = {0};

        while (isspace((unsigned char)*script) || *script == ';')
            script++;
        if (*script == '\0')
            return;
        if (*script == '#') {
            script += strcspn(script, "\n");
            continue;
        }
        if (parse_address(&c.from)) {
            skip_blanks();
            if (*script == ',') {
                script++;
                skip_blanks();
                if (!parse_address(&c.to))
                    wrong("an address is missing behind ,");
            }
        }
        skip_blanks();
        while (*script == '!' || isblank((unsigned char)*script))
            c.not |= *script++ == '!';
        c.name = *script;
        script += *script != '\0';
        parse_arguments(&c);
        if (strchr("{aic", c.name) == NULL) {
            skip_blanks();
            if (*script != '\0' && strchr(";\n}#", *script) == NULL)
                wrong("there is something behind a command");
        }
        commands = must(realloc(commands, (command_count + 1) * sizeof(*commands)));
        commands[command_count++] = c;
    }
}

/* { learns where its } is, b and t where their label is. */
static void link_commands(void)
{
    size_t *open_braces = must(calloc(command_count + 1, sizeof(*open_braces))), depth = 0;

    for (size_t i = 0; i < command_count; i++) {
        struct command *c = &commands[i];

        if (c->name == '{') {
            open_braces[depth++] = i;
        } else if (c->name == '}') {
            if (depth == 0)
                wrong("a { is missing");
            commands[open_braces[--depth]].target = i;
        } else if (c->name == 'b' || c->name == 't') {
            for (c->target = 0; c->target < command_count; c->target++)
                if (*c->text != '\0' && commands[c->target].name == ':'
                    && strcmp(commands[c->target].text, c->text) == 0)
                    break;
            if (*c->text != '\0' && c->target == command_count)
                die_of(c->text, "there is no such label");
        }
    }
    if (depth != 0)
        wrong("a } is missing");
    free(open_braces);
}

/* A file of commands; or of -e, where a text of `a\` may go on in the next one. */
static void add_script(struct buffer *all, const char *text)
{
    append(all, text, strlen(text));
    append(all, "\n", 1);
}

static void add_script_file(struct buffer *all, const char *name)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    struct line line = {0};

    if (file == NULL)
        die(name);
    while (read_line(file, &line))
        add_script(all, line.text);
    if (ferror(file))
        die(name);
    free(line.text);
    if (file != stdin)
        fclose(file);
}

/* ---- input ---- */

/* Makes `ahead` a character of the next line, if there is one in any file left. */
static void look_ahead(bool may_leave)
{
    while (ahead == EOF) {
        if (input != NULL) {
            errno = 0;
            ahead = getc(input);
            if (ahead != EOF)
                return;
            if (ferror(input))
                complain(inputs[-1]);
            if (!may_leave)
                return;
            if (input != stdin)
                fclose(input);
            input = NULL;
        }
        if (*inputs == NULL)
            return;
        input = strcmp(*inputs, "-") == 0 ? stdin : fopen(*inputs, "r");
        if (input == NULL)
            complain(*inputs);
        else if (separate)
            line_number = 0;
        inputs++;
    }
}

static bool is_last(void)
{
    look_ahead(!separate);
    return ahead == EOF;
}

/* The next line into the pattern space, or behind it and a newline. */
static bool next_line(bool add)
{
    static struct line line;

    look_ahead(true);
    if (ahead == EOF)
        return false;
    ungetc(ahead, input);
    ahead = EOF;
    if (!read_line(input, &line))
        return false;
    if (add)
        append(&space, "\n", 1);
    else
        space.length = 0;
    append(&space, line.text, line.length);
    line_number++;
    return true;
}

/* ---- running ---- */

static void put_line(const char *text, size_t length, FILE *out)
{
    fwrite(text, 1, length, out);
    putc('\n', out);
    if (out != stdout)
        fflush(out);
}

static bool matches(regex_t *regex, size_t from, regmatch_t *m)
{
    if (regex == NULL)
        regex = last_regex;
    if (regex == NULL)
        wrong("there is no last regular expression");
    last_regex = regex;
    m[0] = (regmatch_t){(regoff_t)from, (regoff_t)space.length};
    return regexec(regex, space.at, GROUPS, m, REG_STARTEND | (from > 0 ? REG_NOTBOL : 0)) == 0;
}

static bool is_at(const struct address *a)
{
    regmatch_t m[GROUPS];

    return a->kind == LINE   ? a->line == line_number
           : a->kind == LAST ? is_last()
                             : matches(a->regex, 0, m);
}

static bool is_selected(struct command *c)
{
    if (c->from.kind == NONE)
        return true;
    if (c->to.kind == NONE)
        return is_at(&c->from);
    if (!c->in_range) {
        if (!is_at(&c->from))
            return false;
        c->in_range =
            c->to.kind == LINE ? c->to.line > line_number : c->to.kind != LAST || !is_last();
        return true;
    }
    if (c->to.kind == LINE) {
        c->in_range = line_number < c->to.line;
        return line_number <= c->to.line;
    }
    c->in_range = !is_at(&c->to);
    return true;
}

/* The replacement of one match, to the end of the result. */
static void replace(const struct command *c, const regmatch_t *m)
{
    for (const char *p = c->text; p < c->text + c->text_length; p++) {
        int group = -1;

        if (*p == '&')
            group = 0;
        else if (*p == '\\' && p[1] >= '0' && p[1] <= '9')
            group = *++p - '0';
        if (group >= 0) {
            if (m[group].rm_so >= 0)
                append(&result, space.at + m[group].rm_so,
                       (size_t)(m[group].rm_eo - m[group].rm_so));
            continue;
        }
        if (*p == '\\' && p[1] != '\0')
            append(&result, *++p == 'n' ? "\n" : *p == 't' ? "\t" : p, 1);
        else
            append(&result, p, 1);
    }
}

static bool substitute(struct command *c)
{
    size_t from = 0, copied = 0;
    unsigned long count = 0;
    bool done = false;
    regmatch_t m[GROUPS];

    result.length = 0;
    while (from <= space.length && matches(c->regex, from, m)) {
        size_t begin = (size_t)m[0].rm_so, end = (size_t)m[0].rm_eo;

        /* Nothing matches nothing right behind a match. */
        if (end > begin || begin == 0 || begin > copied || count == 0) {
            count++;
            if (count >= c->which && (!done || c->global)) {
                append(&result, space.at + copied, begin - copied);
                replace(c, m);
                copied = end;
                done = true;
                if (!c->global)
                    break;
            }
        }
        from = end > begin ? end : end + 1;
    }
    if (!done)
        return false;
    append(&result, space.at + copied, space.length - copied);
    set(&space, result.at, result.length);
    if (c->print)
        put_line(space.at, space.length, stdout);
    if (c->file != NULL)
        put_line(space.at, space.length, c->file);
    return true;
}

/* l: so that every character can be told. */
static void show_space(void)
{
    static const char specials[] = "\\\a\b\f\r\t\v\n", names[] = "\\abfrtvn";
    size_t column = 0;
    char text[8];

    for (size_t i = 0; i < space.length; i++) {
        unsigned char c = (unsigned char)space.at[i];
        const char *special = c != '\0' ? strchr(specials, c) : NULL;

        if (special != NULL)
            snprintf(text, sizeof(text), "\\%c", names[special - specials]);
        else
            snprintf(text, sizeof(text), isprint(c) ? "%c" : "\\%03o", c);
        if (column + strlen(text) > 69) {
            printf("\\\n");
            column = 0;
        }
        printf("%s", text);
        column += strlen(text);
    }
    printf("$\n");
}

static void end_cycle(bool print)
{
    if (print && !quiet)
        put_line(space.at, space.length, stdout);
    for (size_t i = 0; i < appended.length; i += strlen(appended.at + i) + 1) {
        FILE *file;
        int c;

        if (appended.at[i++] == 'a') {
            fputs(appended.at + i, stdout);
            continue;
        }
        file = fopen(appended.at + i, "r"); /* one that is not there is an empty one */
        while (file != NULL && (c = getc(file)) != EOF)
            putchar(c);
        if (file != NULL)
            fclose(file);
    }
    appended.length = 0;
}

static _Noreturn void quit(bool print)
{
    end_cycle(print);
    exit(util_end());
}

/* Runs the script once. Is the pattern space to be printed? *keep: the next cycle is to take it as it is. */
static bool run(bool *keep)
{
    bool substituted = false;
    struct buffer swap;
    const char *newline;

    for (size_t i = 0; i < command_count; i++) {
        struct command *c = &commands[i];

        if (is_selected(c) == c->not) {
            if (c->name == '{')
                i = c->target;
            continue;
        }
        switch (c->name) {
        case 'a':
        case 'r':
            append(&appended, c->name == 'a' ? "a" : "r", 1);
            append(&appended, c->text, strlen(c->text) + 1);
            break;
        case 'i': fputs(c->text, stdout); break;
        case 'c':
            if (!c->in_range || c->not)
                fputs(c->text, stdout);
            return false;
        case 'b': i = *c->text != '\0' ? c->target : command_count; break;
        case 't':
            if (substituted)
                i = *c->text != '\0' ? c->target : command_count;
            substituted = false;
            break;
        case 'D':
            newline = memchr(space.at, '\n', space.length);
            if (newline != NULL) {
                space.length -= (size_t)(newline + 1 - space.at);
                memmove(space.at, newline + 1, space.length + 1);
                *keep = true;
            }
            return false;
        case 'd': return false;
        case 'g': set(&space, hold.at, hold.length); break;
        case 'G':
            append(&space, "\n", 1);
            append(&space, hold.at, hold.length);
            break;
        case 'h': set(&hold, space.at, space.length); break;
        case 'H':
            append(&hold, "\n", 1);
            append(&hold, space.at, space.length);
            break;
        case 'x':
            swap = space;
            space = hold;
            hold = swap;
            break;
        case 'l': show_space(); break;
        case 'n':
            if (is_last())
                quit(true);
            end_cycle(true);
            next_line(false);
            break;
        case 'N':
            if (is_last())
                quit(false); /* as POSIX has it */
            next_line(true);
            break;
        case 'p': put_line(space.at, space.length, stdout); break;
        case 'P': put_line(space.at, strcspn(space.at, "\n"), stdout); break;
        case 'q': quit(true);
        case 's': substituted |= substitute(c); break;
        case 'w': put_line(space.at, space.length, c->file); break;
        case 'y':
            for (size_t at = 0; at < space.length; at++)
                space.at[at] = c->text[(unsigned char)space.at[at]];
            break;
        case '=': printf("%lu\n", line_number); break;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static char *standard_input[] = {"-", NULL};
    struct buffer all = {0};
    bool keep = false;
    int option;

    util_begin(argv, usage);
    append(&all, "", 0);
    append(&hold, "", 0);
    append(&space, "", 0);
    while ((option = getopt(argc, argv, "Ense:f:")) != -1) {
        switch (option) {
        case 'E': extended = true; break;
        case 'n': quiet = true; break;
        case 's': separate = true; break;
        case 'e': add_script(&all, optarg); break;
        case 'f': add_script_file(&all, optarg); break;
        default: util_usage();
        }
    }
    if (all.length == 0) {
        if (optind == argc)
            util_usage();
        add_script(&all, argv[optind++]);
    }
    if (strncmp(all.at, "#n\n", 3) == 0)
        quiet = true;
    parse_script(all.at);
    link_commands();
    inputs = optind < argc ? argv + optind : standard_input;
    while (keep || next_line(false)) {
        keep = false;
        end_cycle(run(&keep));
    }
    return util_end();
}
