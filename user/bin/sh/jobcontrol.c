/*
 * jobs, fg, bg, kill, wait, ports: the builtins about jobs. Read job.h first.
 */
#include "job.h"
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The job that spec (NULL: the current one) names, or NULL after a complaint. */
static struct job *named(const char *spec)
{
    struct job *job = spec != NULL ? job_find(spec) : job_current();

    if (job == NULL)
        builtin_error("%s: no such job", spec != NULL ? spec : "current");
    return job;
}

int builtin_jobs(int argc, char **argv)
{
    bool ports = false, groups = false;
    int i, status = 0;

    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-l") == 0)
            ports = true;
        else if (strcmp(argv[i], "-p") == 0)
            groups = true;
        else
            return builtin_error("%s: no such option", argv[i]) + 1;
    }
    job_poll();
    for (struct job *job = jobs, *next; job != NULL; job = next) {
        bool wanted = i == argc;

        next = job->next;
        for (int j = i; j < argc; j++)
            wanted |= job_find(argv[j]) == job;
        if (!wanted || !job->background)
            continue;
        job_print(stdout, job, ports, groups);
        job->changed = false;
        if (job_state(job) == JOB_DONE && !groups && options[OPT_MONITOR])
            job_free(job);
    }
    for (; i < argc; i++)
        if (job_find(argv[i]) == NULL)
            status = builtin_error("%s: no such job", argv[i]);
    return status;
}

int builtin_fg(int argc, char **argv)
{
    struct job *job;

    if (!options[OPT_MONITOR])
        return builtin_error("no job control");
    job = named(argc > 1 ? argv[1] : NULL);
    if (job == NULL)
        return 1;
    puts(job->text);
    fflush(stdout);
    give_terminal(job->group);
    job_continue(job);
    return job_foreground(job);
}

int builtin_bg(int argc, char **argv)
{
    int status = 0, i = 1;

    if (!options[OPT_MONITOR])
        return builtin_error("no job control");
    do {
        struct job *job = named(i < argc ? argv[i] : NULL);

        if (job == NULL) {
            status = 1;
            continue;
        }
        job_continue(job);
        printf("[%d] %s &\n", job->number, job->text);
    } while (++i < argc);
    return status;
}

/* ---- wait ---- */

/* The status of the job, which is then forgotten; -1: a signal that is trapped came. */
static int wait_and_free(struct job *job)
{
    int status = job_wait(job);

    if (status >= 0)
        job_free(job);
    return status;
}

static struct job *background_job(void)
{
    struct job *job = jobs;

    while (job != NULL && !job->background)
        job = job->next;
    return job;
}

int builtin_wait(int argc, char **argv)
{
    int status = 0;
    struct job *job;

    if (argc > 1 && strcmp(argv[1], "--") == 0) {
        argc--;
        argv++;
    }
    fflush(stdout);
    if (argc == 1) {
        while ((job = background_job()) != NULL)
            if (wait_and_free(job) < 0)
                return trap_status();
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '%' && !isdigit((unsigned char)argv[i][0]))
            return builtin_error("%s: neither a job nor a process", argv[i]) + 1;
        job = job_find(argv[i]);
        status = job != NULL ? wait_and_free(job) : 127;
        if (status < 0)
            return trap_status();
    }
    return status;
}

/* ---- kill ---- */

static int list_signals(int argc, char **argv)
{
    if (argc == 0) {
        for (int i = 1; i < 32; i++)
            if (signal_name(i) != NULL)
                printf("%s%c", signal_name(i), i % 8 == 0 ? '\n' : ' ');
        putchar('\n');
        return 0;
    }
    for (int i = 0; i < argc; i++) {
        int number = atoi(argv[i]);
        const char *name = signal_name(number > 128 ? number - 128 : number);

        if (isdigit((unsigned char)*argv[i]) && name != NULL)
            puts(name);
        else if (!isdigit((unsigned char)*argv[i]) && signal_number(argv[i]) > 0)
            printf("%d\n", signal_number(argv[i]));
        else
            return builtin_error("%s: no such signal", argv[i]);
    }
    return 0;
}

/* Have all its tasks died, as their ports tell? */
static bool job_died(const struct job *job)
{
    for (int i = 0; i < job->count; i++)
        if (job->processes[i].state != JOB_DONE && !job->processes[i].died)
            return false;
    return true;
}

/* To a job: its group, or (without job control) each of its processes. */
static bool kill_job(const struct job *job, int signal)
{
    bool good = true;

    job_deaths();
    if (job_died(job)) { /* its number may be somebody else's by now */
        errno = ESRCH;
        return false;
    }
    if (job->group != 0)
        return kill(-job->group, signal) == 0;
    for (int i = 0; i < job->count; i++)
        if (job->processes[i].state != JOB_DONE)
            good &= kill(job->processes[i].pid, signal) == 0;
    return good;
}

static int kill_one(const char *word, int signal)
{
    struct job *job;
    char *end;
    long pid;

    if (*word == '%') {
        job = named(word);
        if (job == NULL)
            return 1;
        if (!kill_job(job, signal))
            return builtin_error("%s: %s", word, strerror(errno));
        if (job_state(job) == JOB_STOPPED && (signal == SIGTERM || signal == SIGHUP))
            job_continue(job); /* or it would not come to its end */
        return 0;
    }
    pid = strtol(word, &end, 10);
    if (*word == '\0' || *end != '\0')
        return builtin_error("%s: neither a job nor a process", word);
    if (kill((pid_t)pid, signal) < 0)
        return builtin_error("%s: %s", word, strerror(errno));
    return 0;
}

int builtin_kill(int argc, char **argv)
{
    int signal = SIGTERM, status = 0, i = 1;

    if (argc > 1 && strcmp(argv[1], "-l") == 0)
        return list_signals(argc - 2, argv + 2);
    if (argc > 2 && strcmp(argv[1], "-s") == 0) {
        signal = signal_number(argv[2]);
        i = 3;
    } else if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--") != 0) {
        signal = signal_number(argv[1] + 1);
        i = 2;
    }
    if (signal < 0)
        return builtin_error("%s: no such signal", argv[i - 1]) + 1;
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i == argc)
        return builtin_error("usage: kill [-s signal | -signal] job|process...") + 1;
    for (; i < argc; i++)
        status |= kill_one(argv[i], signal);
    return status;
}

/* ---- ports: the program, which is told of jobs by their processes' numbers ---- */

static int run_ports(const char *pid)
{
    char *argv[] = {"ports", (char *)pid, NULL};
    struct job *job = job_new("ports");
    pid_t child = fork_child(job, CHILD_FOREGROUND);

    if (child == 0)
        exec_program(argv, NULL);
    if (child < 0) {
        job_free(job);
        return 126;
    }
    return job_foreground(job);
}

int builtin_ports(int argc, char **argv)
{
    int status = 0;

    if (argc == 1)
        return run_ports(NULL);
    for (int i = 1; i < argc; i++) {
        struct job *job;

        if (argv[i][0] != '%') {
            status = run_ports(argv[i]);
            continue;
        }
        job = named(argv[i]);
        if (job == NULL)
            return 1;
        for (int j = 0; j < job->count; j++) {
            const struct job_process *p = &job->processes[j];

            if (p->state == JOB_DONE)
                continue;
            printf("%s: process %d, task port 0x%x\n", argv[i], (int)p->pid, p->task);
            fflush(stdout);
            status = run_ports(temp_print("%d", (int)p->pid));
        }
    }
    return status;
}
