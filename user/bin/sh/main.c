/*
 * sh: the shell. sh [options] [-c commands [name [argument...]] | script [argument...]]
 *
 * Where commands come from: -c's argument, a script, standard input; a terminal, with a prompt. Read
 * sh.h first.
 */
#include "edit.h"
#include "expand.h"
#include "job.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool interactive;
pid_t shell_pid;
int last_status;

void exit_shell(int status)
{
    last_status = status;
    trap_exit();
    fflush(stdout);
    _exit(last_status & 0xff);
}

/* ---- text that is run ---- */

/* A program while it runs: given back when something is thrown, too. */
struct running {
    struct unwind unwind;
    struct program *program;
};

static void end_program(struct unwind *unwind)
{
    program_unref(((struct running *)unwind)->program);
}

static void run_program(struct program *program)
{
    struct running running = {.program = program};

    unwind_push(&running.unwind, end_program);
    if (program->node != NULL && !(options[OPT_NOEXEC] && !interactive))
        run(program->node, false);
    unwind_pop();
}

/* A source while it is read. */
struct reading {
    struct unwind unwind;
    struct source source;
    unsigned line;
};

static void end_reading(struct unwind *unwind)
{
    struct reading *reading = (struct reading *)unwind;

    current_line = reading->line;
    source_close(&reading->source);
}

static int run_reading(struct reading *reading)
{
    struct program *program;

    bool any = false;

    reading->line = current_line;
    unwind_push(&reading->unwind, end_reading);
    while (flow == FLOW_NONE && parse_program(&reading->source, &program) == PARSED) {
        any |= program->node != NULL;
        run_program(program);
        source_forget(&reading->source);
    }
    unwind_pop();
    return any ? last_status : 0;
}

int run_string(const char *text, const char *name)
{
    struct reading reading;
    struct mark mark = temp_mark();
    int status;

    source_string(&reading.source, text, name != NULL ? 1 : current_line);
    reading.source.name = name;
    status = run_reading(&reading);
    temp_release(mark);
    return status;
}

int run_file(const char *path)
{
    struct reading reading;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        fail("cannot open %s: %s", path, strerror(errno));
    source_fd(&reading.source, move_fd(fd), temp_copy(path, strlen(path)));
    return run_reading(&reading);
}

/* ---- the main loops ---- */

/* Commands of the terminal: what goes wrong with one, ends that one. */
AT_START static void run_terminal(void)
{
    struct source source;
    struct catcher catcher;
    struct program *program;

    source = (struct source){.fd = STDIN_FILENO, .line = 1, .more = edit_more};
    if (catch(&catcher) != 0) { /* the rest of the line is dropped */
        source.at = source.length;
        source.line = 1;
        flow = FLOW_NONE;
    }
    for (;;) {
        if (source.at > 0)
            source_forget(&source);
        source.line = 1;
        check_interrupt();
        if (jobs != NULL || job_deaths_open)
            job_notify();
        prompt_now = "PS1";
        if (source.length == 0 && !edit_more(&source)) { /* (the parser is not needed for a prompt) */
            if (edit_at_end())
                break;
            continue;
        }
        if (parse_program(&source, &program) == PARSED_END) {
            if (edit_at_end())
                break;
            continue;
        }
        run_program(program);
        flow = FLOW_NONE;
    }
    uncatch(&catcher);
    source_close(&source);
}

static void run_stdin(void)
{
    struct reading reading;

    source_stdin(&reading.source);
    run_reading(&reading);
}

/* ENV's file, for an interactive shell. */
AT_START static void run_environment_file(void)
{
    const char *env = var_get("ENV");
    struct catcher catcher;

    if (env == NULL || *env == '\0')
        return;
    if (catch(&catcher) == 0) {
        const char *path = expand_here(env);

        if (access(path, R_OK) == 0)
            run_file(path);
    }
    uncatch(&catcher);
}

AT_START static void start_interactive(void)
{
    interactive = options[OPT_INTERACTIVE] = true;
    options[OPT_EMACS] = true;
    job_control(true);
    run_environment_file();
}

AT_START int main(int argc, char **argv, char **envp)
{
    bool minus_c = false;
    int at;

    shell_pid = getpid();
    var_init(envp);
    if (var_get("PATH") == NULL)
        var_set("PATH", "/bin");
    var_set("OPTIND", "1");
    at = argc > 1 ? option_parse(argc, argv, &minus_c) : 1;
    if (minus_c && at == argc)
        fail("-c: no commands are given");
    if (minus_c) {
        const char *commands = argv[at++];

        if (at < argc)
            script_name = argv[at++];
        set_positional(argc - at, argv + at);
        run_string(commands, script_name);
    } else if (at < argc && !options[OPT_STDIN]) {
        script_name = argv[at++];
        set_positional(argc - at, argv + at);
        run_file(script_name);
    } else {
        if (at < argc)
            set_positional(argc - at, argv + at);
        options[OPT_STDIN] = true;
        if (options[OPT_INTERACTIVE] || (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)))
            start_interactive();
        if (interactive)
            run_terminal();
        else
            run_stdin();
    }
    exit_shell(last_status);
}
