/*
 * Errors: who catches them, and what is undone on the way. Read sh.h first.
 */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct catcher *catcher;
static struct unwind *unwinds;

AT_START void unwind_push(struct unwind *unwind, void (*undo)(struct unwind *))
{
    *unwind = (struct unwind){unwinds, undo};
    unwinds = unwind;
}

void unwind_pop(void)
{
    struct unwind *unwind = unwinds;

    unwinds = unwind->outer;
    unwind->undo(unwind);
}

AT_START void catch_begin(struct catcher *c)
{
    c->outer = catcher;
    c->unwind = unwinds;
    c->mark = temp_mark();
    c->tested = tested;
    c->loops = loops;
    catcher = c;
}

void uncatch(struct catcher *c)
{
    catcher = c->outer;
}

void catch_forget(void)
{
    catcher = NULL;
    unwinds = NULL;
}

/* (The catcher's mark is good: what was temporary before it still is.) */
void throw(int status)
{
    struct catcher *c = catcher;

    last_status = status;
    if (c == NULL)
        exit_shell(status);
    while (unwinds != c->unwind)
        unwind_pop();
    temp_release(c->mark);
    tested = c->tested;
    loops = c->loops;
    flow = FLOW_NONE;
    longjmp(c->env, 1);
}

static void say(const char *who, const char *format, va_list ap)
{
    fflush(stdout);
    if (interactive)
        fprintf(stderr, "%s: ", script_name);
    else
        fprintf(stderr, "%s: %u: ", script_name, current_line);
    if (who != NULL)
        fprintf(stderr, "%s: ", who);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    fflush(stderr);
}

void complain(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say(NULL, format, ap);
    va_end(ap);
}

void fail(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say(NULL, format, ap);
    va_end(ap);
    throw(2);
}

int builtin_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say(current_builtin, format, ap);
    va_end(ap);
    return 1;
}
