/*
 * Command substitution: a child runs the commands, and what it prints is the value. Read expand.h
 * first. XCU 2.6.3.
 */
#include "expand.h"
#include "job.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int substitution_status = -1;

/* All that comes out of fd. */
static void collect(int fd, struct text *output)
{
    char buffer[4096];
    ssize_t n;

    while ((n = read(fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i] != '\0') /* no value can hold one */
                text_add(output, buffer[i]);
    while (output->length > 0 && output->bytes[output->length - 1] == '\n')
        output->bytes[--output->length] = '\0';
}

static void substitute(struct pieces *pieces, const struct node *node, int how)
{
    struct text output = {0};
    int fds[2];
    pid_t pid;

    if (node == NULL) {
        substitution_status = 0;
        return;
    }
    if (pipe(fds) < 0)
        fail("cannot make a pipe: %s", strerror(errno));
    pid = fork_child(NULL, 0);
    if (pid == 0) {
        close(fds[0]);
        if (fds[1] != STDOUT_FILENO) {
            dup2(fds[1], STDOUT_FILENO);
            close(fds[1]);
        }
        exit_shell(run(node, true));
    }
    close(fds[1]);
    if (pid > 0)
        collect(fds[0], &output);
    close(fds[0]);
    if (pid < 0)
        throw(2);
    substitution_status = wait_child(pid);
    piece_value(pieces, text_string(&output), how);
}

void expand_command(struct pieces *pieces, struct source *source, int how)
{
    substitute(pieces, parse_substitution(source, &temp), how);
}

/* In backquotes a backslash quotes ` \ $ (in double quotes also "): those go before it is parsed. */
void expand_backquote(struct pieces *pieces, struct source *source, int how)
{
    const char *special = (how & EX_QUOTED) && !(how & EX_HERE) ? "`\\$\"" : "`\\$";
    struct text text = {0};
    struct source inner;
    int c;

    while ((c = next(source)) != '`' && c != END) {
        if (c == '\\' && peek_raw(source) != END && strchr(special, peek_raw(source)) != NULL)
            c = next_raw(source);
        text_add(&text, (char)c);
    }
    text_add(&text, ')');
    source_string(&inner, text_string(&text), source->line);
    expand_command(pieces, &inner, how);
}
