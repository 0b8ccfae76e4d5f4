/*
 * Pipelines, subshells, lists in the background: what runs in children. Read run.h and job.h first.
 */
#include "job.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a child does with its node, which is a pipeline's element or runs in the background. */
static void become(const struct node *node) __attribute__((noreturn));
static void become(const struct node *node)
{
    if (node->kind == ND_SUBSHELL) {
        if (!redirect(node->redirects))
            exit_shell(2);
        node = node->left;
    }
    exit_shell(run(node, true));
}

/* Puts fd in the place of to. */
static void put_fd(int fd, int to)
{
    if (fd >= 0 && fd != to) {
        dup2(fd, to);
        close(fd);
    }
}

/*
 * Starts the elements of a pipeline (which may be a single one). flags as of fork_child. Returns
 * false, and has said why, if not all could be started; those that were are in job.
 */
static bool start(const struct node *node, struct job *job, int flags)
{
    int input = -1;
    bool good = true;

    fflush(stdout);
    for (bool last = false; !last && good; node = node->right) {
        const struct node *element = node->kind == ND_PIPE ? node->left : node;
        int fds[2] = {-1, -1};
        pid_t pid;

        last = node->kind != ND_PIPE;
        if (!last && pipe(fds) < 0) {
            complain("cannot make a pipe: %s", strerror(errno));
            good = false;
            break;
        }
        pid = fork_child(job, flags);
        if (pid == 0) {
            put_fd(input, STDIN_FILENO);
            if (!last)
                close(fds[0]);
            put_fd(fds[1], STDOUT_FILENO);
            become(element);
        }
        good = pid > 0;
        if (input >= 0)
            close(input);
        if (!last)
            close(fds[1]);
        input = fds[0];
    }
    if (input >= 0)
        close(input);
    return good;
}

int run_pipeline(const struct node *node, bool last)
{
    struct job *job;

    if (last && node->kind == ND_SUBSHELL && !trap_any() && !options[OPT_MONITOR])
        become(node);
    job = job_new(node->text != NULL ? node->text : "");
    if (!start(node, job, CHILD_FOREGROUND)) {
        job_foreground(job);
        return 126;
    }
    return job_foreground(job);
}

int run_background(const struct node *node)
{
    struct job *job = job_new(node->text != NULL ? node->text : "");
    bool good;

    job->background = true;
    good = start(node, job, CHILD_BACKGROUND);
    if (job->count == 0) {
        job_free(job);
        return 126;
    }
    last_background = job->processes[job->count - 1].pid;
    if (interactive)
        fprintf(stderr, "[%d] %d\n", job->number, (int)last_background);
    job_ports(job);
    return good ? 0 : 126;
}
