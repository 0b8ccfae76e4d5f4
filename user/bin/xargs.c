/*
 * xargs [-0rt] [-n NUMBER] [-I WORD] [COMMAND [ARGUMENT...]]: runs COMMAND (default: echo) with ARGUMENTs and
 * words from the standard input behind them, as many at a time as fit, at most NUMBER with -n, as often as
 * there are words. Without any word COMMAND is run once, with -r not at all. [POSIX XCU xargs; the statuses,
 * -0 and -r are GNU's]
 *
 * Words are separated by blanks and newlines. 'text' and "text" are literal, but for newlines, which they
 * may not hold; elsewhere \ makes the next character literal. COMMAND reads from /dev/null: the input is
 * ours.
 *
 * Status: 0; 1 an error here; 2 wrong usage; 123 a COMMAND ended with 1 to 125 (the rest is still run).
 * These end xargs at once: 124 COMMAND ended with 255, 125 a signal ended it, 126 it cannot be run,
 * 127 it was not found.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: xargs [-0rt] [-n number | -I word] [command [argument...]]\n"
    "Runs the command (echo) with words from standard input behind its arguments, many at a time.\n"
    "  -n number  at most so many\n"
    "  -I word    a line at a time, in place of that word in the arguments\n"
    "  -r         not at all, if there are no words; -t: shows each command on standard error\n"
    "  -0         words end with NULs, and nothing else is special\n"
    "Status 123: a command failed; 124: with 255; 125: by a signal; 126, 127: cannot be run, is missing.\n";

#define COMMAND_BYTES                                                                              \
    (128 * 1024) /* of one command line; exec takes twice as much, environment included */
#define STATUS_FAILED   123
#define STATUS_255      124
#define STATUS_SIGNAL   125
#define STATUS_CANNOT   126
#define STATUS_NO_FILE  127

/* The command line being gathered. */
static char **words;
static size_t count, room; /* of words, the NULL at their end not counted */
static size_t fixed;       /* words that every command begins with */
static size_t bytes;       /* of all words, with their NULs and pointers */

static int nul_ends, show_commands; /* -0, -t */
static const char *place;           /* -I's WORD */

static void fatal(const char *what)
{
    fprintf(stderr, "xargs: %s\n", what);
    exit(1);
}

static size_t cost(const char *word)
{
    return strlen(word) + 1 + sizeof(char *);
}

/* Takes over word (malloc'ed, or of argv). */
static void add(char *word)
{
    if (count + 1 >= room) {
        room = room > 0 ? 2 * room : 64;
        words = realloc(words, room * sizeof(*words));
        if (words == NULL)
            fatal(strerror(ENOMEM));
    }
    words[count++] = word;
    words[count] = NULL;
    bytes += cost(word);
}

/* In the child: becomes the command. */
static void become(void)
{
    int null = open("/dev/null", O_RDONLY);

    if (null >= 0 && null != STDIN_FILENO) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    execvp(words[0], words);
    fprintf(stderr, "xargs: %s: %s\n", words[0], strerror(errno));
    _exit(errno == ENOENT ? STATUS_NO_FILE : STATUS_CANNOT);
}

/* Runs what was gathered, and empties it. 0 or STATUS_FAILED: go on; what ends xargs, ends it here. */
static int run(void)
{
    pid_t pid;
    int status, code;

    for (size_t i = 0; show_commands && i < count; i++)
        fprintf(stderr, "%s%c", words[i], i + 1 < count ? ' ' : '\n');
    pid = fork();
    if (pid == 0)
        become();
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        fatal(strerror(errno));
    while (count > fixed) {
        bytes -= cost(words[--count]);
        free(words[count]);
    }
    words[count] = NULL;
    if (!WIFEXITED(status)) {
        fprintf(stderr, "xargs: %s: ended by signal %d\n", words[0], WTERMSIG(status));
        exit(STATUS_SIGNAL);
    }
    code = WEXITSTATUS(status);
    if (code == STATUS_CANNOT || code == STATUS_NO_FILE)
        exit(code); /* the child has said why */
    if (code == 255) {
        fprintf(stderr, "xargs: %s: status 255\n", words[0]);
        exit(STATUS_255);
    }
    return code != 0 ? STATUS_FAILED : 0;
}

/* Appends c to *text, of *length bytes. */
static void append(char **text, size_t *length, size_t *size, int c)
{
    if (*length + 1 >= *size) {
        *size = *size > 0 ? 2 * *size : 64;
        *text = realloc(*text, *size);
        if (*text == NULL)
            fatal(strerror(ENOMEM));
    }
    (*text)[(*length)++] = (char)c;
    (*text)[*length] = '\0';
}

static int ends_word(int c)
{
    return place != NULL ? c == '\n' : isspace(c);
}

/* With -0: all up to a NUL. */
static char *read_to_nul(void)
{
    char *text = NULL;
    size_t size = 0;

    if (getdelim(&text, &size, '\0', stdin) > 0)
        return text;
    if (ferror(stdin))
        fatal(strerror(errno));
    free(text);
    return NULL;
}

/* The next word of the input, malloc'ed; NULL at its end. '' is a word, too. */
static char *read_word(void)
{
    char *text = NULL;
    size_t length = 0, size = 0;
    int c, quote = 0;

    if (nul_ends)
        return read_to_nul();

    do
        c = getchar();
    while (c != EOF && isspace(c));
    for (; c != EOF && (quote != 0 || !ends_word(c)); c = getchar()) {
        if (text == NULL) { /* even if nothing will be in it */
            append(&text, &length, &size, '\0');
            length = 0;
        }
        if (quote != 0 && c == '\n')
            break;
        if (quote != 0 && c == quote)
            quote = 0;
        else if (quote == 0 && (c == '\'' || c == '"'))
            quote = c;
        else if (quote == 0 && c == '\\' && (c = getchar()) == EOF)
            break;
        else
            append(&text, &length, &size, c);
    }
    if (ferror(stdin))
        fatal(strerror(errno));
    if (quote != 0)
        fatal("a quote is not closed");
    return text;
}

/* The word with `with` for each of -I's in it, malloc'ed. */
static char *fill_in(const char *word, const char *with)
{
    char *text = NULL;
    size_t length = 0, size = 0, skip = strlen(place);

    append(&text, &length, &size, '\0');
    length = 0;
    while (*word != '\0') {
        if (strncmp(word, place, skip) != 0) {
            append(&text, &length, &size, *word++);
            continue;
        }
        for (const char *p = with; *p != '\0'; p++)
            append(&text, &length, &size, *p);
        word += skip;
    }
    return text;
}

/* -I: the command for each line. */
static int run_for_lines(char **command)
{
    int status = 0;
    char *line;

    fixed = 1;
    while ((line = read_word()) != NULL) {
        count = bytes = 0;
        add(command[0]);
        for (char **word = command + 1; *word != NULL; word++)
            add(fill_in(*word, line));
        status |= run();
        free(line);
    }
    return status;
}

int main(int argc, char **argv)
{
    unsigned long most = 0; /* 0: as many as fit */
    int option, status = 0, only_if_any = 0, ran = 0;
    char *word, *end;

    util_begin(argv, usage);
    /* getopt stops at the first word that is no option: those of COMMAND are its own. */
    while ((option = getopt(argc, argv, "0I:n:rt")) != -1) {
        only_if_any |= option == 'r';
        nul_ends |= option == '0';
        show_commands |= option == 't';
        if (option == 'I')
            place = optarg;
        if (option == 'n') {
            most = strtoul(optarg, &end, 10);
            if (!isdigit((unsigned char)optarg[0]) || *end != '\0' || most == 0)
                option = '?';
        }
        if (option == '?' || (place != NULL && *place == '\0'))
            util_usage();
    }
    if (place != NULL && optind < argc)
        return run_for_lines(argv + optind);
    if (optind == argc)
        add("echo");
    for (int i = optind; i < argc; i++)
        add(argv[i]);
    fixed = count;

    while ((word = read_word()) != NULL) {
        if (count > fixed && ((most != 0 && count - fixed == most)
                              || bytes + cost(word) > COMMAND_BYTES)) {
            status |= run();
            ran = 1;
        }
        add(word);
    }
    if (count > fixed || (!ran && !only_if_any))
        status |= run();
    return status;
}
