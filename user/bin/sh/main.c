/*
 * sh: the shell. sh [-c COMMAND [NAME ARGUMENT...]] [SCRIPT ARGUMENT...]
 *
 * Reads commands from -c's argument, a script, or standard input; with a prompt if that is a
 * terminal. Read sh.h first.
 */
#include "sh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *script_name = "sh";
char **positional;
int positional_count;

void die(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    fprintf(stderr, "sh: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

/* ---- the arena ---- */

struct block {
    struct block *next;
    size_t used, size;
    char bytes[];
};
static struct block *arena;

void *arena_alloc(size_t size)
{
    struct block *block = arena;

    size = (size + 15) & ~(size_t)15;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > 4000 ? size : 4000;

        block = malloc(sizeof(*block) + room);
        if (block == NULL)
            die("out of memory");
        *block = (struct block){arena, 0, room};
        arena = block;
    }
    block->used += size;
    return block->bytes + block->used - size;
}

char *arena_strndup(const char *s, size_t n)
{
    char *copy = arena_alloc(n + 1);

    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

static void arena_reset(struct block *keep)
{
    while (arena != keep) {
        struct block *next = arena->next;

        free(arena);
        arena = next;
    }
}

/* ---- input ---- */

int run_text(const char *text, bool may_exec)
{
    struct lexer lexer;

    lex_init(&lexer, text);
    do {
        struct block *before = arena;
        const char *error;
        struct node *node = parse_line(&lexer, &error);

        if (error != NULL) {
            fprintf(stderr, "sh: %s\n", error);
            last_status = 2;
        } else if (node != NULL) {
            run(node, may_exec && *lexer.at == '\0');
        }
        arena_reset(before);
    } while (lexer.token != TOK_EOF);
    return last_status;
}

/* Is the text, which ends with a newline, a whole command: no open quote, no backslash at the
 * end? */
static bool complete(const char *text)
{
    struct lexer lexer;
    struct block *before = arena;
    bool result;

    lex_init(&lexer, text);
    do
        lex_next(&lexer);
    while (lexer.token != TOK_EOF);
    result = lexer.error == NULL;
    arena_reset(before);
    return result && !(strlen(text) >= 2 && strcmp(text + strlen(text) - 2, "\\\n") == 0);
}

static int run_stdin(void)
{
    char *text = NULL, *line = NULL;
    size_t room = 0, length = 0;
    ssize_t n;

    for (;;) {
        if (length == 0)
            reap_jobs();
        if (interactive) {
            fputs(length == 0 ? "$ " : "> ", stderr);
            fflush(stderr);
        }
        n = getline(&line, &room, stdin);
        if (n <= 0)
            break;
        text = realloc(text, length + n + 1);
        if (text == NULL)
            die("out of memory");
        memcpy(text + length, line, n + 1);
        length += n;
        if (!complete(text))
            continue;
        run_text(text, false);
        length = 0;
    }
    if (length > 0)
        run_text(text, false); /* says what is not closed */
    if (interactive)
        fputs("\n", stderr);
    return last_status;
}

static int run_file(const char *name)
{
    FILE *file = fopen(name, "r");
    char *text = NULL;
    size_t length = 0, n;

    if (file == NULL)
        die("%s: %s", name, strerror(errno));
    do {
        text = realloc(text, length + 4097);
        if (text == NULL)
            die("out of memory");
        n = fread(text + length, 1, 4096, file);
        length += n;
    } while (n > 0);
    fclose(file);
    text[length] = '\0';
    return run_text(text, false);
}

int main(int argc, char **argv)
{
    if (getenv("PATH") == NULL)
        setenv("PATH", "/bin", 1);
    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        if (argc > 3)
            script_name = argv[3];
        positional = argv + 4;
        positional_count = argc > 4 ? argc - 4 : 0;
        exit(run_text(argv[2], true));
    }
    if (argc > 1 && argv[1][0] == '-')
        die("usage: sh [-c command [name argument...]] [script argument...]");
    if (argc > 1) {
        script_name = argv[1];
        positional = argv + 2;
        positional_count = argc - 2;
        exit(run_file(argv[1]));
    }
    interactive = isatty(STDIN_FILENO);
    if (interactive) {
        signal(SIGINT, SIG_IGN);
        signal(SIGQUIT, SIG_IGN);
        signal(SIGTSTP, SIG_IGN);
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpgrp());
    }
    exit(run_stdin());
}
