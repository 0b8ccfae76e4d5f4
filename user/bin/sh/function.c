/*
 * Functions, and what else runs text or leaves it: eval, the dot, break, return, exit. Read run.h
 * first. XCU 2.9.5, 2.14.
 */
#include "job.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct function {
    struct function *next;
    struct program *program;  /* keeps the tree; NULL: the process does not outlive it */
    const struct node *body;
    int references;           /* of the table, and of those that run it */
    char name[];
};
static struct function *functions;

struct call { /* a function that runs */
    struct unwind unwind;
    struct call *outer;
    struct function *function;
    char **positional;        /* the caller's */
    int positional_count;
    int loops;
    struct saved_variable *locals;
};
static struct call *calls;
static int dots; /* files that the dot runs */

static void function_unref(struct function *function)
{
    if (--function->references > 0)
        return;
    if (function->program != NULL)
        program_unref(function->program);
    free(function);
}

struct function *function_find(const char *name)
{
    struct function *f = functions;

    while (f != NULL && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

void function_unset(const char *name)
{
    for (struct function **link = &functions, *f; (f = *link) != NULL; link = &f->next) {
        if (strcmp(f->name, name) == 0) {
            *link = f->next;
            function_unref(f);
            return;
        }
    }
}

void function_define(const struct node *node)
{
    struct function *f = need(malloc(sizeof(*f) + strlen(node->name) + 1));

    function_unset(node->name);
    *f = (struct function){functions, node->program, node->left, 1};
    strcpy(f->name, node->name);
    if (f->program != NULL)
        program_ref(f->program);
    functions = f;
}

void function_each(void (*visit)(const char *name, void *arg), void *arg)
{
    for (struct function *f = functions; f != NULL; f = f->next)
        visit(f->name, arg);
}

static void end_call(struct unwind *unwind)
{
    struct call *call = (struct call *)unwind;

    calls = call->outer;
    loops = call->loops;
    var_restore(&call->locals);
    for (int i = 0; i < positional_count; i++)
        free(positional[i]);
    free(positional);
    positional = call->positional;
    positional_count = call->positional_count;
    function_unref(call->function);
}

int function_run(struct function *function, int argc, char **argv)
{
    struct call call = {
        .outer = calls, .function = function, .positional = positional,
        .positional_count = positional_count, .loops = loops,
    };
    int status;

    positional = NULL;
    positional_count = 0;
    function->references++;
    unwind_push(&call.unwind, end_call);
    calls = &call;
    loops = 0;
    set_positional(argc - 1, argv + 1);
    status = run(function->body, false);
    if (flow == FLOW_RETURN) {
        flow = FLOW_NONE;
        status = last_status;
    }
    unwind_pop();
    return status;
}

int builtin_local(int argc, char **argv)
{
    if (calls == NULL)
        return builtin_error("not in a function");
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        const char *name = equals != NULL ? temp_copy(argv[i], equals - argv[i]) : argv[i];

        if (!is_name(name, strlen(name)))
            fail("local: %s: not a name", name);
        var_save(&calls->locals, name);
        if (equals != NULL)
            var_set(name, equals + 1);
    }
    return 0;
}

/* ---- text that is run ---- */

int builtin_eval(int argc, char **argv)
{
    struct text text = {0};

    for (int i = 1; i < argc; i++) {
        if (i > 1)
            text_add(&text, ' ');
        text_append(&text, argv[i], strlen(argv[i]));
    }
    return run_string(text_string(&text), NULL);
}

int builtin_dot(int argc, char **argv)
{
    const char *file = argc > 1 ? argv[1] : NULL, *path = var_get("PATH");
    int status;

    if (file == NULL)
        fail(".: no file is named");
    if (strchr(file, '/') == NULL && path != NULL) {
        for (;; path++) {
            size_t length = strcspn(path, ":");
            const char *name = length == 0 ? temp_print("./%s", file)
                                           : temp_print("%.*s/%s", (int)length, path, file);

            path += length;
            if (access(name, R_OK) == 0) {
                file = name;
                break;
            }
            if (*path == '\0')
                fail(".: %s: not found", file);
        }
    }
    dots++;
    status = run_file(file);
    dots--;
    if (flow == FLOW_RETURN) {
        flow = FLOW_NONE;
        status = last_status;
    }
    return status;
}

/* ---- leaving ---- */

/* The number in argv[1], or the default if there is none. Throws if it is none, or too small. */
static int number_argument(int argc, char **argv, int otherwise, int least)
{
    char *end;
    long n;

    if (argc < 2)
        return otherwise;
    n = strtol(argv[1], &end, 10);
    if (*argv[1] == '\0' || *end != '\0' || n < least || n > 0x7fffffff)
        fail("%s: bad number: %s", argv[0], argv[1]);
    return (int)n;
}

int builtin_break(int argc, char **argv)
{
    int count = number_argument(argc, argv, 1, 1);

    if (loops == 0)
        return 0;
    flow = argv[0][0] == 'b' ? FLOW_BREAK : FLOW_CONTINUE;
    flow_count = count < loops ? count : loops;
    return 0;
}

int builtin_return(int argc, char **argv)
{
    int status = number_argument(argc, argv, last_status, 0);

    if (calls == NULL && dots == 0)
        exit_shell(status & 0xff);
    flow = FLOW_RETURN;
    return status & 0xff;
}

int builtin_exit(int argc, char **argv)
{
    if (interactive && job_keeps())
        return 1;
    exit_shell(number_argument(argc, argv, last_status, 0) & 0xff);
}

int builtin_shift(int argc, char **argv)
{
    int n = number_argument(argc, argv, 1, 0);

    if (n > positional_count)
        fail("shift: can't shift that many");
    for (int i = 0; i < n; i++)
        free(positional[i]);
    memmove(positional, positional + n, (positional_count - n + 1) * sizeof(*positional));
    positional_count -= n;
    return 0;
}
