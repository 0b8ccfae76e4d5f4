/*
 * The line that is typed. Read edit.h first.
 */
#include "edit.h"

#include "expand.h"
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void prompt(void)
{
    const char *text = var_get(prompt_now);

    if (text == NULL)
        text = prompt_now[2] == '1' ? "$ " : "> ";
    else if (strpbrk(text, "$`\\") != NULL)
        text = expand_here(text);
    write(STDERR_FILENO, text, strlen(text));
    prompt_now = "PS2";
}

bool edit_more(struct source *source)
{
    char buffer[256];
    ssize_t n;

    prompt();
    while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
        source_append(source, buffer, n);
        if (buffer[n - 1] == '\n')
            return true;
    }
    return false;
}

void edit_begin(void)
{
}

void edit_end(void)
{
}

bool edit_at_end(void)
{
    fputc('\n', stderr);
    return true;
}

int builtin_history(int argc, char **argv)
{
    return 0;
}
