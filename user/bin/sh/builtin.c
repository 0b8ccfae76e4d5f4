/*
 * Builtins: what must happen in the shell's own process. Read sh.h first.
 */
#include "sh.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int do_cd(int argc, char **argv)
{
    const char *to = argc > 1 ? argv[1] : getenv("HOME");

    if (chdir(to != NULL ? to : "/") == 0)
        return 0;
    fprintf(stderr, "cd: %s: %s\n", to, strerror(errno));
    return 1;
}

static int do_exit(int argc, char **argv)
{
    fflush(stdout);
    exit(argc > 1 ? atoi(argv[1]) : last_status);
}

static int do_export(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) { /* every variable is exported here; the value may be given */
        char *equals = strchr(argv[i], '=');

        if (equals != NULL)
            setenv(arena_strndup(argv[i], equals - argv[i]), equals + 1, 1);
    }
    return 0;
}

static int do_unset(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        unsetenv(argv[i]);
    return 0;
}

static int do_wait(int argc, char **argv)
{
    return wait_for_jobs(argc > 1 ? atoi(argv[1]) : 0);
}

static int do_jobs(int argc, char **argv)
{
    list_jobs();
    return 0;
}

static int do_exec(int argc, char **argv)
{
    if (argc < 2)
        return 0;
    execvp(argv[1], argv + 1);
    fprintf(stderr, "exec: %s: %s\n", argv[1], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}

static int do_true(int argc, char **argv)
{
    return 0;
}

static int do_false(int argc, char **argv)
{
    return 1;
}

static int do_umask(int argc, char **argv)
{
    if (argc > 1) {
        umask((mode_t)strtol(argv[1], NULL, 8));
    } else {
        mode_t mask = umask(0);

        umask(mask);
        printf("%04o\n", (unsigned)mask);
    }
    return 0;
}

static int do_pwd(int argc, char **argv)
{
    char path[1024];

    if (getcwd(path, sizeof(path)) == NULL) {
        fprintf(stderr, "pwd: %s\n", strerror(errno));
        return 1;
    }
    puts(path);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} builtins[] = {
    {"cd", do_cd},       {"exit", do_exit},   {"export", do_export}, {"unset", do_unset},
    {"wait", do_wait},   {"jobs", do_jobs},   {"exec", do_exec},     {"true", do_true},
    {":", do_true},      {"false", do_false}, {"umask", do_umask},   {"pwd", do_pwd},
};
#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

bool is_builtin(const char *name)
{
    for (size_t i = 0; i < BUILTINS; i++)
        if (strcmp(name, builtins[i].name) == 0)
            return true;
    return false;
}

int run_builtin(int argc, char **argv)
{
    for (size_t i = 0; i < BUILTINS; i++)
        if (strcmp(argv[0], builtins[i].name) == 0)
            return builtins[i].run(argc, argv);
    return -1;
}
