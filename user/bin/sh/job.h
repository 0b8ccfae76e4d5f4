/*
 * job.h: jobs. Read sh.h first.
 *
 *   job.c         children, and waiting for them
 *   jobname.c     which one is meant by %1, and what is said of it
 *   jobport.c     the ports of their tasks; deaths that are told
 *   jobcontrol.c  jobs, fg, bg, kill, wait: the builtins
 *
 * A job is a pipeline. With job control (set -m; an interactive shell has it) each is a process group
 * of its own, and has the terminal while it runs in the foreground. For each of its processes the
 * shell then holds the task port, and has asked the kernel to be told of its death: so it need not
 * ask the proc server at each prompt. What became of the process is then waited for.
 */
#ifndef JOB_H
#define JOB_H

#include "sh.h"

#include <stdio.h>

struct node;

enum job_state { JOB_RUNNING, JOB_STOPPED, JOB_DONE };

struct job_process {
    pid_t pid;
    int status;           /* as waitpid gives it, when it is stopped or done */
    enum job_state state;
    unsigned task;        /* its port, 0: not held */
    bool died;            /* the port has died: waitpid will not wait long */
};

struct job {
    struct job *next;
    int number;           /* %1.. */
    pid_t group;          /* 0: the shell's own */
    unsigned used;        /* the larger, the later it was current */
    bool background;      /* stays in the list when it is done, until that was told */
    bool changed;         /* a change of its state is to be told */
    char *text;
    int count;
    struct job_process *processes;
};
extern struct job *jobs;
extern pid_t last_background; /* $! */

/* A child for job (NULL: of no job). flags of the child: */
enum { CHILD_FOREGROUND = 1, CHILD_BACKGROUND = 2, CHILD_FAILED = -1 };
pid_t fork_child(struct job *job, int flags);
struct job *job_new(const char *text);
void job_free(struct job *job);
/* Waits until job has stopped or ended; the status of its last process. Frees it if it has ended. */
int job_foreground(struct job *job);
enum job_state job_state(const struct job *job);
int job_status(const struct job *job); /* as $? has it */
/* A child of no job: its status. */
int wait_child(pid_t pid);
/* Waits for job in the background; -1: a signal that is trapped came. */
int job_wait(struct job *job);
/* What has happened since, without waiting. */
void job_poll(void);
/* Tells of it, and forgets what has ended. */
void job_notify(void);
/* Are there stopped jobs that the user has not been told of when leaving? Tells. */
bool job_keeps(void);
/* By %1, %%, %+, %-, %text, %?text or a pid; NULL. */
struct job *job_find(const char *spec);
struct job *job_current(void);
/* The one after that: for %-. */
struct job *job_previous(void);
const char *job_describe(const struct job *job); /* "Running", "Done(2)" */
void job_print(FILE *to, const struct job *job, bool ports, bool only_group);
void job_forget_all(void);
void job_continue(struct job *job);
/* Helper that nobody waits for: its end is collected some time. */
void child_forget(pid_t pid);
/* Gives the terminal to a group. */
void give_terminal(pid_t group);
/* Takes up, or leaves, job control. */
void job_control(bool on);

/* jobport.c */
extern bool job_deaths_open;         /* a job's port was taken once: deaths are told */
void job_ports(struct job *job);     /* takes its tasks' ports */
void job_ports_drop(struct job_process *process);
void job_deaths(void);               /* marks those that died, without waiting */
void job_ports_forget(void);         /* in a child, which has none of the names */
void job_ports_release(void);        /* gives all back: a program takes the shell's place */

/* jobcontrol.c */
int builtin_jobs(int argc, char **argv);
int builtin_fg(int argc, char **argv);
int builtin_bg(int argc, char **argv);
int builtin_kill(int argc, char **argv);
int builtin_wait(int argc, char **argv);
int builtin_ports(int argc, char **argv);

#endif
