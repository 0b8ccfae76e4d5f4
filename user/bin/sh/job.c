/*
 * Children and jobs: starting, waiting, telling. Read job.h first. XCU 2.11.
 */
#include "job.h"

#include "edit.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES_MOST 100 /* to stop until one is in the foreground: it may be that SIGTTIN is ignored */

struct job *jobs;
bool job_deaths_open;
pid_t last_background;

static unsigned use_count;

static struct helper { /* a child nobody waits for */
    struct helper *next;
    pid_t pid;
} *helpers;

/* ---- starting ---- */

void give_terminal(pid_t group)
{
    if (options[OPT_MONITOR] && interactive)
        tcsetpgrp(STDIN_FILENO, group);
}

/* A shell that was started in the background waits there, until it is brought to the foreground. */
AT_START static void await_foreground(void)
{
    pid_t group;

    for (int tries = 0; tries < TRIES_MOST && (group = tcgetpgrp(STDIN_FILENO)) >= 0; tries++) {
        if (group == getpgrp())
            return;
        kill(0, SIGTTIN);
    }
}

AT_START void job_control(bool on)
{
    options[OPT_MONITOR] = on;
    if (interactive) {
        if (on)
            await_foreground();
        trap_interactive();
        if (on) {
            setpgid(0, 0);
            tcsetpgrp(STDIN_FILENO, getpgrp());
        }
    }
}

/* Collects those helpers that have ended. */
static void reap_helpers(void)
{
    for (struct helper **link = &helpers, *helper; (helper = *link) != NULL;) {
        if (waitpid(helper->pid, NULL, WNOHANG) == 0) {
            link = &helper->next;
            continue;
        }
        *link = helper->next;
        free(helper);
    }}

struct job *job_new(const char *text)
{
    struct job *job = need(calloc(1, sizeof(*job))), **link;
    int number = 1;

    reap_helpers();
    for (link = &jobs; *link != NULL && (*link)->number == number; link = &(*link)->next)
        number++;
    job->number = number;
    job->next = *link;
    job->used = ++use_count;
    *link = job;
    job->text = copy_string(text);
    return job;
}

void job_free(struct job *job)
{
    for (struct job **link = &jobs; *link != NULL; link = &(*link)->next) {
        if (*link == job) {
            *link = job->next;
            break;
        }
    }
    for (int i = 0; i < job->count; i++)
        job_ports_drop(&job->processes[i]);
    free(job->processes);
    free(job->text);
    free(job);
}

void job_forget_all(void)
{
    job_ports_forget();
    while (jobs != NULL) {
        struct job *job = jobs;

        jobs = job->next; /* (the ports are the parent's) */
        free(job->processes);
        free(job->text);
        free(job);
    }
    while (helpers != NULL) {
        struct helper *helper = helpers;

        helpers = helper->next;
        free(helper);
    }
}

/* What a child does first. */
static void child_begins(pid_t group, int flags)
{
    bool controlled = options[OPT_MONITOR];

    catch_forget();
    if (controlled && flags != 0) {
        setpgid(0, group);
        /* Here, and not in the parent too: that may come to it late, when the child is a shell that has given
         * the terminal to a job of its own. */
        if (flags & CHILD_FOREGROUND)
            give_terminal(group != 0 ? group : getpid());
    }
    trap_job();
    trap_child();
    options[OPT_MONITOR] = options[OPT_INTERACTIVE] = interactive = false;
    job_forget_all();
    if ((flags & CHILD_BACKGROUND) && !controlled) {
        int fd = open("/dev/null", O_RDONLY);

        signal(SIGINT, SIG_IGN);
        signal(SIGQUIT, SIG_IGN);
        if (fd > STDIN_FILENO) {
            dup2(fd, STDIN_FILENO);
            close(fd);
        }
    }
}

pid_t fork_child(struct job *job, int flags)
{
    pid_t group = job != NULL ? job->group : 0, pid;

    fflush(stdout);
    fflush(stderr);
    if (job != NULL) {
        struct job_process *list = realloc(job->processes, (job->count + 1) * sizeof(*list));

        job->processes = need(list);
    }
    pid = fork();
    if (pid == 0) {
        child_begins(group, flags);
        return 0;
    }
    if (pid < 0) {
        complain("cannot fork: %s", strerror(errno));
        return CHILD_FAILED;
    }
    if (job == NULL)
        return pid;
    job->processes[job->count++] = (struct job_process){.pid = pid, .state = JOB_RUNNING};
    if (options[OPT_MONITOR]) { /* here and in the child: whoever comes first */
        if (job->group == 0)
            job->group = pid;
        setpgid(pid, job->group);
    }
    return pid;
}

void child_forget(pid_t pid)
{
    struct helper *helper = need(malloc(sizeof(*helper)));

    *helper = (struct helper){helpers, pid};
    helpers = helper;
}

/* ---- states ---- */

static int shell_status(int status)
{
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    if (WIFSTOPPED(status))
        return 128 + WSTOPSIG(status);
    return WEXITSTATUS(status);
}

enum job_state job_state(const struct job *job)
{
    bool stopped = false;

    for (int i = 0; i < job->count; i++) {
        if (job->processes[i].state == JOB_RUNNING)
            return JOB_RUNNING;
        stopped |= job->processes[i].state == JOB_STOPPED;
    }
    return stopped ? JOB_STOPPED : JOB_DONE;
}

int job_status(const struct job *job)
{
    return job->count > 0 ? shell_status(job->processes[job->count - 1].status) : 0;
}

/* Asks for news of one process. false: there was none, or (blocking) a signal came. */
static bool update(struct job *job, struct job_process *process, int flags)
{
    int status = 0;
    pid_t pid;

    if (process->state == JOB_DONE)
        return true;
    pid = waitpid(process->pid, &status, flags | (options[OPT_MONITOR] ? WUNTRACED : 0));
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return false;
    if (pid < 0)
        status = 127 << 8; /* somebody else has waited for it */
    process->status = status;
    process->state = pid > 0 && WIFSTOPPED(status) ? JOB_STOPPED : JOB_DONE;
    if (process->state == JOB_DONE)
        job_ports_drop(process);
    if (job_state(job) != JOB_RUNNING)
        job->changed = true;
    return true;
}

/* ---- waiting ---- */

int wait_child(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return shell_status(status);
}

/* Waits until no process of the job runs. false: a signal that is trapped came. */
static bool wait_all(struct job *job, bool interruptible)
{
    for (int i = 0; i < job->count; i++)
        while (job->processes[i].state == JOB_RUNNING)
            if (!update(job, &job->processes[i], 0) && interruptible && trap_pending())
                return false;
    return true;
}

/* What is said of a foreground job that a signal has ended. */
static void tell_signal(const struct job *job)
{
    int status = job->processes[job->count - 1].status, signal = WTERMSIG(status);

    if (!WIFSIGNALED(status) || signal == SIGPIPE || signal == SIGINT)
        return;
    fprintf(stderr, "%s%s\n", strsignal(signal), WCOREDUMP(status) ? " (core dumped)" : "");
}

/* The shell has the terminal again; as it was before, if the job could not put it back. */
static void take_terminal(const struct job *job)
{
    int status = job->count > 0 ? job->processes[job->count - 1].status : 0;

    give_terminal(getpgrp());
    if (interactive && options[OPT_MONITOR]
        && (job_state(job) == JOB_STOPPED || WIFSIGNALED(status)))
        edit_restore();
}

int job_foreground(struct job *job)
{
    int status;

    wait_all(job, false);
    take_terminal(job);
    status = job_status(job);
    if (job_state(job) == JOB_STOPPED) {
        job->background = true;
        job->used = ++use_count;
        job_ports(job);
        job_print(stderr, job, false, false);
        job->changed = false;
        return status;
    }
    if (job->count > 0 && (!job->background || interactive))
        tell_signal(job);
    job_free(job);
    return status;
}

int job_wait(struct job *job)
{
    for (;;) {
        if (!wait_all(job, true))
            return -1;
        if (job_state(job) == JOB_DONE)
            return job_status(job);
        /* stopped: until it goes on and ends; only a signal for us ends that earlier */
        for (int i = 0; i < job->count; i++)
            if (job->processes[i].state == JOB_STOPPED)
                job->processes[i].state = JOB_RUNNING;
    }
}

void job_continue(struct job *job)
{
    for (int i = 0; i < job->count; i++)
        if (job->processes[i].state == JOB_STOPPED)
            job->processes[i].state = JOB_RUNNING;
    job->changed = false;
    job->used = ++use_count;
    if (job->group != 0)
        kill(-job->group, SIGCONT);
}

/* ---- news ---- */

void job_poll(void)
{
    job_deaths();
    for (struct job *job = jobs; job != NULL; job = job->next)
        for (int i = 0; i < job->count; i++) {
            struct job_process *process = &job->processes[i];

            /* Whose port is held and has not died is alive: it can only have stopped. */
            if (process->died)
                update(job, process, 0);
            else
                update(job, process, WNOHANG);
        }
}

void job_notify(void)
{
    job_poll();
    for (struct job *job = jobs, *next; job != NULL; job = next) {
        enum job_state state = job_state(job);

        next = job->next;
        if (job->changed && interactive)
            job_print(stderr, job, false, false);
        job->changed = false;
        if (state == JOB_DONE && interactive)
            job_free(job);
    }
}

bool job_keeps(void)
{
    static unsigned told; /* the latest use of a job when this was said */

    for (struct job *job = jobs; job != NULL; job = job->next) {
        if (job_state(job) == JOB_STOPPED && told != use_count) {
            told = use_count;
            fputs("There are stopped jobs.\n", stderr);
            return true;
        }
    }
    return false;
}
