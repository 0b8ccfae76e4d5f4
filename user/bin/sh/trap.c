/*
 * Traps: what a signal, or the shell's end, makes the shell run. Read run.h first. XCU trap.
 *
 * A handler only marks the signal; the action runs between two commands, or when a wait was
 * interrupted.
 */
#include "job.h"
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef NSIG
#define NSIG 65
#endif
#define EXIT 0 /* the condition that is no signal */

static const char *const signal_names[] = {
    [EXIT] = "EXIT",       [SIGHUP] = "HUP",       [SIGINT] = "INT",     [SIGQUIT] = "QUIT",
    [SIGILL] = "ILL",      [SIGTRAP] = "TRAP",     [SIGABRT] = "ABRT",   [SIGBUS] = "BUS",
    [SIGFPE] = "FPE",      [SIGKILL] = "KILL",     [SIGUSR1] = "USR1",   [SIGSEGV] = "SEGV",
    [SIGUSR2] = "USR2",    [SIGPIPE] = "PIPE",     [SIGALRM] = "ALRM",   [SIGTERM] = "TERM",
    [SIGCHLD] = "CHLD",    [SIGCONT] = "CONT",     [SIGSTOP] = "STOP",   [SIGTSTP] = "TSTP",
    [SIGTTIN] = "TTIN",    [SIGTTOU] = "TTOU",     [SIGURG] = "URG",     [SIGXCPU] = "XCPU",
    [SIGXFSZ] = "XFSZ",    [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF",   [SIGWINCH] = "WINCH",
    [SIGIO] = "IO",        [SIGSYS] = "SYS",
};
#define NAMES ((int)(sizeof(signal_names) / sizeof(signal_names[0])))

static char *actions[NSIG];      /* NULL: the default; "": ignored */
static bool ignored_first[NSIG]; /* when the shell was started: stays so */
static volatile sig_atomic_t came[NSIG], any_came;
static bool in_exit;

const char *signal_name(int signal)
{
    return signal >= 0 && signal < NAMES ? signal_names[signal] : NULL;
}

int signal_number(const char *name)
{
    char *end;
    long n = strtol(name, &end, 10);

    if (isdigit((unsigned char)*name) && *end == '\0')
        return n < NSIG ? (int)n : -1;
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (int i = 0; i < NAMES; i++)
        if (signal_names[i] != NULL && strcmp(signal_names[i], name) == 0)
            return i;
    return -1;
}

static void handler(int signal)
{
    came[signal] = 1;
    any_came = 1;
}

/* 0, or -1 with errno. */
AT_START static int set_signal(int signal, void (*function)(int))
{
    struct sigaction action = {.sa_handler = function};

    return sigaction(signal, &action, NULL);
}

/* What the shell itself wants of a signal that is not trapped. */
AT_START static void set_default(int signal)
{
    bool stops = signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;

    if (interactive && signal == SIGINT && set_signal(SIGINT, handler) == 0)
        return;
    if (interactive && (signal == SIGINT || signal == SIGQUIT || signal == SIGTERM))
        set_signal(signal, SIG_IGN);
    else if (options[OPT_MONITOR] && stops)
        set_signal(signal, SIG_IGN);
    else
        set_signal(signal, SIG_DFL);
}

static bool was_ignored(int signal)
{
    struct sigaction old;

    return sigaction(signal, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

static bool set_trap(int signal, const char *action)
{
    int result = 0;
    char *copy = action != NULL ? copy_string(action) : NULL;

    if (signal != EXIT && !interactive && actions[signal] == NULL && !ignored_first[signal])
        ignored_first[signal] = was_ignored(signal);
    if (ignored_first[signal] && !interactive) {
        free(copy);
        return true; /* POSIX: without effect, and no error */
    }
    if (signal != EXIT) {
        if (action == NULL)
            set_default(signal);
        else
            result = set_signal(signal, *action == '\0' ? SIG_IGN : handler);
    }
    if (result < 0) {
        builtin_error("%s: %s", signal_name(signal), strerror(errno));
        free(copy);
        return false;
    }
    free(actions[signal]);
    actions[signal] = copy;
    return true;
}

static void print_traps(void)
{
    for (int i = 0; i < NSIG; i++)
        if (actions[i] != NULL && signal_name(i) != NULL)
            printf("trap -- %s %s\n", quote_value(actions[i]), signal_name(i));
}

int builtin_trap(int argc, char **argv)
{
    const char *action;
    int i = 1, status = 0;

    if (argc > 1 && strcmp(argv[1], "--") == 0)
        i++;
    if (i == argc) {
        print_traps();
        return 0;
    }
    action = argv[i];
    if (isdigit((unsigned char)*action) || i + 1 == argc)
        action = NULL; /* all words are conditions: reset them */
    else
        i++;
    if (action != NULL && strcmp(action, "-") == 0)
        action = NULL;
    for (; i < argc; i++) {
        int signal = signal_number(argv[i]);

        if (signal < 0)
            status = builtin_error("%s: no such condition", argv[i]);
        else if (!set_trap(signal, action))
            status = 1;
    }
    return status;
}

bool trap_any(void)
{
    for (int i = 0; i < NSIG; i++)
        if (actions[i] != NULL && *actions[i] != '\0')
            return true;
    return false;
}

bool trap_pending(void)
{
    return any_came;
}

static void run_action(int signal)
{
    int status = last_status;
    enum flow outer = flow;

    flow = FLOW_NONE;
    run_string(temp_copy(actions[signal], strlen(actions[signal])), NULL);
    if (flow == FLOW_NONE) {
        flow = outer;
        last_status = status;
    }
}

void trap_run(void)
{
    if (!any_came)
        return;
    any_came = 0;
    for (int i = 1; i < NSIG; i++) {
        if (!came[i])
            continue;
        if (actions[i] == NULL) { /* SIGINT of an interactive shell: check_interrupt's */
            any_came = 1;
            continue;
        }
        came[i] = 0;
        if (*actions[i] != '\0')
            run_action(i);
    }
}

AT_START void check_interrupt(void)
{
    if (!any_came || !came[SIGINT] || actions[SIGINT] != NULL)
        return;
    came[SIGINT] = 0;
    if (interactive)
        throw(128 + SIGINT);
}

void trap_exit(void)
{
    if (in_exit || actions[EXIT] == NULL)
        return;
    in_exit = true;
    flow = FLOW_NONE;
    run_action(EXIT);
}

void trap_child(void)
{
    for (int i = 0; i < NSIG; i++) {
        came[i] = 0;
        if (actions[i] == NULL || *actions[i] == '\0')
            continue;
        free(actions[i]);
        actions[i] = NULL;
        if (i != EXIT)
            set_signal(i, SIG_DFL);
    }
    any_came = 0;
    in_exit = false;
}

AT_START void trap_interactive(void)
{
    static const int mine[] = {SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

    for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
        if (actions[mine[i]] == NULL)
            set_default(mine[i]);
}

void trap_job(void)
{
    static const int mine[] = {SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

    for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
        if (actions[mine[i]] == NULL && (interactive || options[OPT_MONITOR]))
            set_signal(mine[i], SIG_DFL);
}

int trap_status(void)
{
    for (int i = 1; i < NSIG; i++)
        if (came[i])
            return 128 + i;
    return 128;
}
