/*
 * Simple commands: assignments, then a builtin, a function or a program. Read run.h first.
 * XCU 2.9.1.
 */
#include "expand.h"
#include "job.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin" /* of command -p, and if PATH is unset */

const char *current_builtin;

/* ---- programs ---- */

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Calls try for each place of path where name could be, until it says true. */
static const char *search(const char *name, const char *path, bool (*try)(const char *file))
{
    int error = ENOENT;

    for (;; path++) {
        size_t length = strcspn(path, ":");
        const char *file = length == 0 ? temp_print("./%s", name)
                                       : temp_print("%.*s/%s", (int)length, path, name);

        errno = 0;
        if (try(file))
            return file;
        if (errno == EACCES)
            error = EACCES;
        path += length;
        if (*path == '\0')
            break;
    }
    errno = error;
    return NULL;
}

static const char *search_path(void)
{
    const char *path = var_get("PATH");

    return path != NULL ? path : DEFAULT_PATH;
}

const char *find_program(const char *name, const char *path)
{
    if (strchr(name, '/') != NULL)
        return is_program(name) ? name : NULL;
    return search(name, path != NULL ? path : search_path(), is_program);
}

static char **exec_argv, **exec_environment;

/* execve; a file that is in no format known is a script. Returns false if it fails. */
static bool try_exec(const char *file)
{
    execve(file, exec_argv, exec_environment);
    if (errno == ENOEXEC) {
        int count = 0;
        char **argv;

        while (exec_argv[count] != NULL)
            count++;
        argv = temp_alloc((count + 2) * sizeof(*argv));
        argv[0] = "sh";
        memcpy(argv + 1, exec_argv, (count + 1) * sizeof(*argv));
        argv[1] = (char *)file;
        execve("/bin/sh", argv, exec_environment);
    }
    return false;
}

void exec_program(char **argv, const char *path)
{
    int error;

    exec_argv = argv;
    exec_environment = var_environment();
    if (strchr(argv[0], '/') != NULL)
        try_exec(argv[0]);
    else
        search(argv[0], path != NULL ? path : search_path(), try_exec);
    error = errno;
    if (error == ENOENT || error == ENOTDIR)
        complain("%s: not found", argv[0]);
    else
        complain("%s: %s", argv[0], strerror(error));
    exit_shell(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/* ---- assignments ---- */

/* Assigns, and remembers the old values in *saved (NULL: for good). What was assigned, for a trace, is
 * added to told. */
static void assign(const struct word *list, struct saved_variable **saved, struct text *told)
{
    for (; list != NULL; list = list->next) {
        const char *equals = strchr(list->text, '=');
        const char *name = temp_copy(list->text, equals - list->text);
        const char *value = expand_assigned(equals + 1);

        if (saved != NULL)
            var_save(saved, name);
        var_set(name, value);
        if (saved != NULL)
            var_set_flags(name, VAR_EXPORT);
        text_append(told, list->text, equals + 1 - list->text);
        text_append(told, value, strlen(value));
        text_add(told, ' ');
    }
}

/* The assignments of one command, which are taken back. */
struct assigned {
    struct unwind unwind;
    struct saved_variable *saved;
};

static void undo_assigned(struct unwind *unwind)
{
    var_restore(&((struct assigned *)unwind)->saved);
}

static void trace(char **argv, struct text *told)
{
    const char *ps4 = var_get("PS4");

    for (; *argv != NULL; argv++) {
        text_append(told, *argv, strlen(*argv));
        text_add(told, ' ');
    }
    if (told->length == 0)
        return;
    told->bytes[told->length - 1] = '\n';
    fflush(stdout);
    fprintf(stderr, "%s%s", ps4 != NULL ? expand_here(ps4) : "+ ", told->bytes);
    fflush(stderr);
}

/* ---- builtins and functions ---- */

int run_builtin(const struct builtin *builtin, int argc, char **argv)
{
    const char *outer = current_builtin;
    int status;

    current_builtin = builtin->name;
    status = builtin->run(argc, argv);
    current_builtin = outer;
    if (fflush(stdout) == EOF) {
        clearerr(stdout);
        if (status == 0)
            status = 1;
    }
    return status;
}

/* A special builtin: an error in what goes before it ends the shell. */
static int run_special(const struct node *node, const struct builtin *builtin, int argc, char **argv)
{
    struct redirected redirected;
    int status;

    if (!redirect_begin(&redirected, node->redirects))
        throw(2);
    redirected.keep = builtin->run == builtin_exec;
    status = run_builtin(builtin, argc, argv);
    unwind_pop();
    return status;
}

/* In the shell's process: a function, or (NULL) a builtin. */
static int run_inside(const struct node *node, const struct builtin *builtin,
                      struct function *function, int argc, char **argv)
{
    struct redirected redirected;
    int status = 2;

    if (redirect_begin(&redirected, node->redirects))
        status = function != NULL ? function_run(function, argc, argv)
                                  : run_builtin(builtin, argc, argv);
    unwind_pop();
    return status;
}

/* No command at all: assignments, which have been made, and redirections. */
static int run_nothing(const struct node *node)
{
    struct redirected redirected;
    bool good = redirect_begin(&redirected, node->redirects);

    unwind_pop();
    return !good ? 2 : substitution_status >= 0 ? substitution_status : 0;
}

static int run_program(const struct node *node, char **argv, bool last)
{
    struct job *job = NULL;
    pid_t pid = 0;

    if (!last || trap_any() || options[OPT_MONITOR]) {
        job = job_new(node->text != NULL ? node->text : argv[0]);
        pid = fork_child(job, CHILD_FOREGROUND);
    }
    if (pid == 0) {
        if (!redirect(node->redirects))
            exit_shell(2);
        exec_program(argv, NULL);
    }
    if (pid < 0) {
        job_free(job);
        return 126;
    }
    return job_foreground(job);
}

int run_simple(const struct node *node, bool last)
{
    const struct builtin *builtin;
    struct function *function;
    struct assigned assigned = {.saved = NULL};
    struct text told = {0};
    bool for_good;
    int argc, status;
    char **argv;

    substitution_status = -1;
    argv = expand_words(node->words, &argc);
    builtin = argc > 0 ? builtin_find(argv[0]) : NULL;
    for_good = argc == 0 || (builtin != NULL && builtin->special);
    unwind_push(&assigned.unwind, undo_assigned);
    assign(node->assignments, for_good ? NULL : &assigned.saved, &told);
    if (options[OPT_XTRACE])
        trace(argv, &told);
    if (argc == 0) {
        status = run_nothing(node);
    } else if (for_good) {
        status = run_special(node, builtin, argc, argv);
    } else {
        function = function_find(argv[0]);
        status = function != NULL || builtin != NULL
                     ? run_inside(node, builtin, function, argc, argv)
                     : run_program(node, argv, last);
    }
    unwind_pop();
    return status;
}

int builtin_exec(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--") == 0) {
        argc--;
        argv++;
    }
    if (argc < 2)
        return 0;
    if (interactive && find_program(argv[1], NULL) == NULL)
        return builtin_error("%s: not found", argv[1]) + 126; /* the user keeps the shell */
    trap_job();
    job_ports_release();
    exec_program(argv + 1, NULL);
}

/* ---- command and type: what a name stands for ---- */

/* brief: as `command -v` has it. */
static int describe(const char *name, const char *path, bool brief)
{
    const struct builtin *builtin = builtin_find(name);
    const char *alias = alias_get(name), *file;

    if (is_reserved(name)) {
        printf(brief ? "%s\n" : "%s is a shell keyword\n", name);
    } else if (alias != NULL) {
        if (brief)
            printf("alias %s=%s\n", name, quote_value(alias));
        else
            printf("%s is an alias for %s\n", name, alias);
    } else if (builtin != NULL && builtin->special) {
        printf(brief ? "%s\n" : "%s is a special shell builtin\n", name);
    } else if (function_find(name) != NULL) {
        printf(brief ? "%s\n" : "%s is a shell function\n", name);
    } else if (builtin != NULL) {
        printf(brief ? "%s\n" : "%s is a shell builtin\n", name);
    } else if ((file = find_program(name, path)) != NULL) {
        if (brief)
            puts(file);
        else
            printf("%s is %s\n", name, file);
    } else {
        if (!brief)
            printf("%s: not found\n", name);
        return 127;
    }
    return 0;
}

int builtin_type(int argc, char **argv)
{
    int status = 0;

    for (int i = 1; i < argc; i++)
        status |= describe(argv[i], NULL, false);
    return status;
}

/* The command itself, but no function; and a special builtin's error does not end the shell. */
static int run_plain(int argc, char **argv, const char *path)
{
    const struct builtin *builtin = builtin_find(argv[0]);
    struct catcher catcher;
    struct job *job;
    int status;
    pid_t pid;

    if (builtin != NULL) {
        if (catch(&catcher) == 0)
            status = run_builtin(builtin, argc, argv);
        else
            status = last_status;
        uncatch(&catcher);
        return status;
    }
    fflush(stdout);
    job = job_new(argv[0]);
    pid = fork_child(job, CHILD_FOREGROUND);
    if (pid == 0)
        exec_program(argv, path);
    if (pid < 0) {
        job_free(job);
        return 126;
    }
    return job_foreground(job);
}

int builtin_command(int argc, char **argv)
{
    const char *path = NULL;
    char what = 0;
    int i;

    for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        for (const char *s = argv[i] + 1; *s != '\0'; s++) {
            if (*s == 'p')
                path = DEFAULT_PATH;
            else if (*s == 'v' || *s == 'V')
                what = *s;
            else
                return builtin_error("-%c: no such option", *s) + 1;
        }
    }
    if (i == argc)
        return 0;
    if (what != 0) {
        int status = 0;

        for (; i < argc; i++)
            status |= describe(argv[i], path, what == 'v');
        return status;
    }
    return run_plain(argc - i, argv + i, path);
}
