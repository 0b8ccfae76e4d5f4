/*
 * The tree to processes. Read sh.h first.
 *
 * An interactive shell makes each pipeline a process group of its own, and gives it the terminal
 * while it runs in the foreground: ^C then reaches the pipeline and not the shell.
 */
#include "sh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int last_status;
bool interactive;
pid_t last_background;

struct job {
    struct job *next;
    int number;
    pid_t pid;  /* of its last process; its group too, if interactive */
    int others; /* processes of it beside that one */
};
static struct job *jobs;

static void give_terminal(pid_t pgid)
{
    if (interactive)
        tcsetpgrp(STDIN_FILENO, pgid);
}

/* The child's first steps: into group pgid (0: one of its own). */
static void child_begins(pid_t pgid, bool foreground)
{
    if (interactive) {
        setpgid(0, pgid);
        if (foreground)
            give_terminal(pgid != 0 ? pgid : getpid());
        signal(SIGINT, SIG_DFL);
        signal(SIGQUIT, SIG_DFL);
        signal(SIGTSTP, SIG_DFL);
        interactive = false;
    }
    jobs = NULL;
}

static pid_t fork_or_say(void)
{
    pid_t pid = fork();

    if (pid < 0)
        fprintf(stderr, "sh: cannot fork: %s\n", strerror(errno));
    return pid;
}

static int status_of(int status)
{
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    if (WIFSTOPPED(status))
        return 128 + WSTOPSIG(status);
    return WEXITSTATUS(status);
}

static struct job *add_job(pid_t pid, int others)
{
    struct job *job = calloc(1, sizeof(*job)), **link;
    int number = 1;

    if (job == NULL)
        return NULL;
    for (link = &jobs; *link != NULL; link = &(*link)->next)
        number = (*link)->number + 1;
    *job = (struct job){NULL, number, pid, others};
    *link = job;
    return job;
}

/* Waits for the foreground process pid, which may be stopped. */
static int wait_foreground(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, interactive ? WUNTRACED : 0) < 0)
        if (errno != EINTR)
            return 127;
    if (WIFSTOPPED(status)) {
        struct job *job = add_job(pid, 0);

        fprintf(stderr, "[%d] stopped %d\n", job != NULL ? job->number : 0, (int)pid);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGINT && WTERMSIG(status) != SIGPIPE) {
        fprintf(stderr, "%d: %s\n", (int)pid, strsignal(WTERMSIG(status)));
    }
    return status_of(status);
}

void reap_jobs(void)
{
    struct job **link = &jobs, *job;

    while ((job = *link) != NULL) {
        int status;

        if (waitpid(job->pid, &status, WNOHANG) == 0) {
            link = &job->next;
            continue;
        }
        if (interactive)
            fprintf(stderr, "[%d] done %d\n", job->number, (int)job->pid);
        *link = job->next;
        free(job);
    }
    if (jobs == NULL) /* the other processes of pipelines */
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
}

int wait_for_jobs(pid_t pid)
{
    int status = 0, result = 0;

    if (pid != 0) {
        if (waitpid(pid, &status, 0) < 0)
            return 127;
        result = status_of(status);
    } else {
        while (waitpid(-1, NULL, 0) > 0)
            ;
    }
    for (struct job **link = &jobs, *job; (job = *link) != NULL;) {
        if (pid == 0 || job->pid == pid) {
            *link = job->next;
            free(job);
        } else {
            link = &job->next;
        }
    }
    return result;
}

void list_jobs(void)
{
    for (struct job *job = jobs; job != NULL; job = job->next)
        printf("[%d] %d\n", job->number, (int)job->pid);
}

/* ---- redirection ---- */

static int open_redirect(const struct redirect *r)
{
    static const int flags[] = {
        [RE_IN] = O_RDONLY,
        [RE_OUT] = O_WRONLY | O_CREAT | O_TRUNC,
        [RE_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
        [RE_RDWR] = O_RDWR | O_CREAT,
    };
    const char *name = expand_one(r->word);
    int fd;

    if (r->kind == RE_DUP) {
        if (strcmp(name, "-") == 0)
            return close(r->fd), 0;
        fd = atoi(name);
        if (name[0] < '0' || name[0] > '9' || dup2(fd, r->fd) < 0) {
            fprintf(stderr, "sh: %s: no such descriptor\n", name);
            return -1;
        }
        return 0;
    }
    fd = open(name, flags[r->kind], 0666);
    if (fd < 0) {
        fprintf(stderr, "sh: %s: %s\n", name, strerror(errno));
        return -1;
    }
    if (fd != r->fd) {
        dup2(fd, r->fd);
        close(fd);
    }
    return 0;
}

/* In order; false: one failed, and was told. */
static bool redirect(const struct redirect *list)
{
    for (; list != NULL; list = list->next)
        if (open_redirect(list) < 0)
            return false;
    return true;
}

#define SAVED_MAX 10 /* descriptors 0..9 can be named in a redirection */

/* Runs a builtin or group with redirections that are undone afterwards. */
struct saved {
    int fd[SAVED_MAX]; /* where the descriptor is kept, -1: was closed, -2: not touched */
};

static void save(const struct redirect *list, struct saved *saved)
{
    fflush(stdout);
    for (int i = 0; i < SAVED_MAX; i++)
        saved->fd[i] = -2;
    for (; list != NULL; list = list->next)
        if (saved->fd[list->fd] == -2)
            saved->fd[list->fd] = fcntl(list->fd, F_DUPFD, SAVED_MAX);
}

static void restore(const struct saved *saved)
{
    fflush(stdout);
    for (int i = 0; i < SAVED_MAX; i++) {
        if (saved->fd[i] == -2)
            continue;
        if (saved->fd[i] >= 0) {
            dup2(saved->fd[i], i);
            close(saved->fd[i]);
        } else {
            close(i);
        }
    }
}

/* ---- commands ---- */

static void assign(const struct word *list)
{
    for (; list != NULL; list = list->next) {
        char *equals = strchr(list->text, '=');

        setenv(arena_strndup(list->text, equals - list->text), expand_one(equals + 1), 1);
    }
}

/* In the process that becomes the command. Does not return. */
static void exec_simple(const struct node *node, char **argv)
{
    assign(node->assignments);
    if (!redirect(node->redirects))
        _exit(1);
    execvp(argv[0], argv);
    if (errno == ENOENT)
        fprintf(stderr, "sh: %s: not found\n", argv[0]);
    else
        fprintf(stderr, "sh: %s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static int run_in_shell(const struct node *node, int argc, char **argv)
{
    struct saved saved;
    int status = 1;

    save(node->redirects, &saved);
    if (redirect(node->redirects))
        status = node->kind == ND_GROUP ? run(node->left, false) : run_builtin(argc, argv);
    restore(&saved);
    return status;
}

static int run_simple(const struct node *node, bool may_exec)
{
    int argc;
    char **argv = expand_words(node->words, &argc);
    pid_t pid;

    if (argc == 0) {
        struct saved saved;
        bool good;

        assign(node->assignments);
        save(node->redirects, &saved); /* `> file` makes the file */
        good = redirect(node->redirects);
        restore(&saved);
        return good ? 0 : 1;
    }
    if (is_builtin(argv[0])) {
        assign(node->assignments);
        return run_in_shell(node, argc, argv);
    }
    fflush(stdout);
    if (may_exec)
        exec_simple(node, argv);
    pid = fork_or_say();
    if (pid < 0)
        return 126;
    if (pid == 0) {
        child_begins(0, true);
        exec_simple(node, argv);
    }
    if (interactive)
        setpgid(pid, pid);
    give_terminal(pid);
    last_status = wait_foreground(pid);
    give_terminal(getpgrp());
    return last_status;
}

/* A child that runs node and exits. Does not return. */
static void become(const struct node *node)
{
    int status;

    if (node->kind == ND_SUBSHELL || node->kind == ND_GROUP) {
        if (!redirect(node->redirects))
            _exit(1);
        node = node->left;
    }
    status = run(node, true);
    fflush(stdout);
    _exit(status);
}

/*
 * Starts the commands of a pipeline (a single command is one too). Returns the last one's pid, and
 * the number of the others; -1: not all could be started.
 */
static pid_t start_pipeline(const struct node *node, bool foreground, int *others)
{
    pid_t pid = -1, group = 0;
    int input = -1;

    *others = 0;
    fflush(stdout);
    for (bool last = false; !last; node = node->right) {
        const struct node *command = node->kind == ND_PIPE ? node->left : node;
        int fds[2] = {-1, -1};

        last = node->kind != ND_PIPE;
        if (!last && pipe(fds) < 0) {
            fprintf(stderr, "sh: cannot make a pipe: %s\n", strerror(errno));
            pid = -1;
            break;
        }
        pid = fork_or_say();
        if (pid == 0) {
            child_begins(group, foreground);
            if (input >= 0) {
                dup2(input, STDIN_FILENO);
                close(input);
            }
            if (!last) {
                close(fds[0]);
                dup2(fds[1], STDOUT_FILENO);
                close(fds[1]);
            }
            become(command);
        }
        if (pid > 0 && group == 0)
            group = pid;
        if (interactive && pid > 0)
            setpgid(pid, group);
        if (input >= 0)
            close(input);
        if (!last)
            close(fds[1]);
        input = fds[0];
        if (pid < 0)
            break;
        if (!last)
            ++*others;
    }
    if (input >= 0)
        close(input);
    if (foreground && group != 0)
        give_terminal(group);
    return pid;
}

static int run_pipeline(const struct node *node)
{
    int others;
    pid_t pid = start_pipeline(node, true, &others);
    int status = pid > 0 ? wait_foreground(pid) : 126;

    while (others > 0 && waitpid(-1, NULL, jobs != NULL ? WNOHANG : 0) > 0)
        others--;
    give_terminal(getpgrp());
    return status;
}

static int run_background(const struct node *node)
{
    struct job *job;
    int others;
    pid_t pid = start_pipeline(node, false, &others);

    if (pid < 0)
        return 126;
    last_background = pid;
    job = add_job(pid, others);
    if (interactive)
        fprintf(stderr, "[%d] %d\n", job != NULL ? job->number : 0, (int)pid);
    return 0;
}

int run(const struct node *node, bool may_exec)
{
    int status = 0;

    switch (node->kind) {
    case ND_SIMPLE:
        status = run_simple(node, may_exec);
        break;
    case ND_PIPE:
    case ND_SUBSHELL:
        status = run_pipeline(node);
        break;
    case ND_GROUP:
        status = run_in_shell(node, 0, NULL);
        break;
    case ND_NOT:
        status = !run(node->left, false);
        break;
    case ND_AND:
        status = run(node->left, false);
        if (status == 0)
            status = run(node->right, may_exec);
        break;
    case ND_OR:
        status = run(node->left, false);
        if (status != 0)
            status = run(node->right, may_exec);
        break;
    case ND_SEQ:
        run(node->left, false);
        status = run(node->right, may_exec);
        break;
    case ND_BACKGROUND:
        status = run_background(node->left);
        break;
    }
    return last_status = status;
}
