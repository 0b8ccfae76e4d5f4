/*
 * Where characters come from: a string, a script, standard input, a terminal. Read syntax.h first.
 *
 * The text of a command stays in one piece until the command has run, so a word can be cut out of
 * it, and a reader can go back. More is read when the end of what is there is reached: that is how a
 * terminal's second prompt comes about.
 *
 * Standard input is shared with the commands that are run, and they find what follows them in it:
 * so no more than a line is taken. Of a file a block is read and the offset set back; of a pipe each
 * byte is read by itself.
 */
#include "syntax.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 4096

const char *prompt_now = "PS1";

void source_string(struct source *source, const char *text, unsigned line)
{
    *source = (struct source){
        .text = (char *)text, .length = strlen(text), .line = line, .fd = -1,
    };
}

void source_append(struct source *source, const char *bytes, size_t length)
{
    if (source->length + length + 1 > source->room) {
        size_t room = source->room * 2 + source->length + length + 1;
        char *text;

        if (source->room > 0) {
            text = need(realloc(source->text, room));
        } else {
            text = need(malloc(room)); /* the text was somebody else's, or there was none */
            if (source->length > 0)
                memcpy(text, source->text, source->length);
        }
        source->text = text;
        source->room = room;
    }
    memcpy(source->text + source->length, bytes, length);
    source->length += length;
    source->text[source->length] = '\0';
}

static void echo_verbose(const char *bytes, size_t length)
{
    if (options[OPT_VERBOSE])
        fwrite(bytes, 1, length, stderr);
}

/* read, again if a signal came in between. */
static ssize_t read_some(int fd, char *buffer, size_t size)
{
    ssize_t n;

    do {
        n = read(fd, buffer, size);
        if (n < 0 && errno == EINTR)
            trap_run();
    } while (n < 0 && errno == EINTR);
    return n;
}

static bool more_of_stdin(struct source *source)
{
    char buffer[READ_SIZE];
    bool seekable = lseek(source->fd, 0, SEEK_CUR) >= 0;
    size_t length = 0;

    for (;;) {
        ssize_t n = read_some(source->fd, buffer + length, seekable ? sizeof(buffer) - length : 1);
        char *end;

        if (n <= 0)
            break;
        end = memchr(buffer + length, '\n', n);
        length += n;
        if (end != NULL) {
            size_t line = end + 1 - buffer;

            if (line < length)
                lseek(source->fd, -(off_t)(length - line), SEEK_CUR);
            length = line;
            break;
        }
        if (length == sizeof(buffer)) {
            source_append(source, buffer, length);
            echo_verbose(buffer, length);
            length = 0;
        }
    }
    echo_verbose(buffer, length);
    source_append(source, buffer, length);
    return length > 0;
}

static bool more_of_file(struct source *source)
{
    char buffer[READ_SIZE];
    ssize_t n;

    if (options[OPT_VERBOSE]) /* a line is shown before it runs */
        return more_of_stdin(source);
    n = read_some(source->fd, buffer, sizeof(buffer));
    if (n <= 0)
        return false;
    source_append(source, buffer, n);
    return true;
}

void source_fd(struct source *source, int fd, const char *name)
{
    *source = (struct source){.fd = fd, .line = 1, .more = more_of_file, .name = name};
}

void source_stdin(struct source *source)
{
    *source = (struct source){.fd = STDIN_FILENO, .line = 1, .more = more_of_stdin};
}

void source_close(struct source *source)
{
    if (source->room > 0)
        free(source->text);
    while (source->aliases != NULL) {
        struct alias_use *use = source->aliases;

        source->aliases = use->next;
        free(use->name);
        free(use);
    }
    if (source->fd > STDIN_FILENO)
        close(source->fd);
}

void source_forget(struct source *source)
{
    if (source->room == 0 || source->at == 0)
        return;
    for (struct alias_use *use = source->aliases; use != NULL; use = use->next)
        use->end = use->end > source->at ? use->end - source->at : 0;
    source->length -= source->at;
    memmove(source->text, source->text + source->at, source->length + 1);
    source->at = 0;
}

int peek_raw(struct source *source)
{
    while (source->at == source->length) {
        if (source->more == NULL || !source->more(source)) {
            return END;
        }
    }
    return (unsigned char)source->text[source->at];
}

int next_raw(struct source *source)
{
    int c = peek_raw(source);

    if (c != END) {
        source->at++;
        source->line += c == '\n';
    }
    return c;
}

int peek(struct source *source)
{
    int c;

    while ((c = peek_raw(source)) == '\\') {
        source->at++;
        if (peek_raw(source) != '\n') {
            source->at--;
            break;
        }
        next_raw(source);
    }
    return c;
}

int next(struct source *source)
{
    peek(source);
    return next_raw(source);
}

void source_replace(struct source *source, size_t from, const char *text)
{
    size_t length = strlen(text), tail = source->length - source->at;
    char *rest = temp_copy(source->text + source->at, tail);

    source_append(source, "", 0); /* (makes the text its own) */
    source->length = from;
    source_append(source, text, length);
    source_append(source, rest, tail);
    for (struct alias_use *use = source->aliases; use != NULL; use = use->next)
        use->end = use->end + length - (source->at - from);
    source->at = from;
}
