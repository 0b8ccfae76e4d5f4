/*
 * proc.h: what the parts of the proc server share. Read proc.defs first.
 *
 *   process.c   the table: birth, death, parents, wait
 *   signal.c    signals by default action; exceptions become signals
 *   exec.c      a new program in the same task
 *   info.c      ps and friends
 *   main.c      start-up; the first process
 *
 * A process is a task that this server knows. Its port object is the process's own proc port. It is
 *     ALIVE    the task runs (or is stopped)
 *     ENDING   the task has been terminated, but the kernel has not cleared it away yet
 *     ZOMBIE   the task is dead (its port's dead-name notification came): the parent can be told
 * and gone when waited for. One thread serves: no locks. So it may wait for nobody but the kernel and
 * the file server: a port that a client names is not called before one of them has said what it is.
 */
#ifndef PROC_H
#define PROC_H

#include <mach/mach_types.h>
#include <ports.h>
#include <proc_info.h>
#include <server_types.h>
#include <stdint.h>

struct waiter { /* a proc_wait that has not been answered */
    struct waiter *next;
    mach_port_t reply; /* send-once, ours */
    int pid;
    int options;
};

struct process {
    struct port_object object;
    int pid, pgid, sid;
    struct process *parent;     /* NULL: none but the server */
    struct process *children;
    struct process *sibling;
    struct process *hash_pid;   /* chains of the two tables */
    struct process *hash_task;
    task_t task;                /* MACH_PORT_NULL: zombie */
    boolean_t ending;           /* ENDING or ZOMBIE */
    boolean_t zombie;
    boolean_t stopped;
    boolean_t stop_reported;    /* to a wait with WUNTRACED */
    int stop_signal;
    uint64_t ignored;           /* signals, bit n-1 */
    int status;                 /* as wait gives it */
    int exit_code;
    struct waiter *waiters;     /* for children */
    unsigned waiter_count;      /* while it is no zombie */
    char name[32];
};

extern const struct port_class process_class;
extern mach_port_t root_directory; /* of the file server; MACH_PORT_NULL until it answers */
extern mach_port_t proc_bootstrap; /* the unprivileged bootstrap port processes get */
extern mach_port_t exception_port; /* ours, for all processes; a receive right in the port set */
extern host_priv_t host_priv;
extern semaphore_t idle_semaphore; /* that no thread waits for */

/* process.c */
/* A process for task (a send right, consumed on success); parent may be NULL. One reference is the
 * table's. errno in *error on NULL. */
struct process *process_new(struct process *parent, task_t task, int *error);
struct process *process_find(int pid);
struct process *process_of_task(mach_port_name_t task);
/* Terminates the task. When it is dead the process becomes a zombie, and the parent learns of it. */
void process_end(struct process *process, int status, int exit_code);
void process_stop(struct process *process, int signal);
void process_continue(struct process *process);
/* Calls visit for every process; it must not change the table. */
void process_each(void (*visit)(struct process *process, void *arg), void *arg);
/* The caller of a request, without a reference (the table's keeps it); NULL: no process's port. */
struct process *process_caller(mach_port_t proc);
/* The root directory, opened anew if the file server came back. MACH_PORT_NULL: it cannot be
 * had. */
mach_port_t get_root(void);

/* signal.c */
void process_signal(struct process *process, int signal);

/* exec.c */
struct exec_args {
    mach_port_t file;       /* io port, not consumed */
    const char *path;
    unsigned argc, envc;
    const char *strings;
    size_t string_size;
    const void *startup;
    size_t startup_size;
};
/*
 * Replaces the program of task. thread: its thread that goes on, which waits in a message to us, or
 * has never run (fresh). On an errno > 0 nothing was changed; -1: it was too late, the task must
 * end.
 */
int exec_program(task_t task, thread_t thread, boolean_t fresh, const struct exec_args *args);

#endif
