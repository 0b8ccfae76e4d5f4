/*
 * proc.h: what the parts of the proc server share. Read proc.defs first.
 *
 *   process.c   the table: birth, death, parents
 *   wait.c      wait, and what a parent is told
 *   group.c     process groups and sessions; what a terminal may ask
 *   cred.c      who a process acts for
 *   limit.c     resource limits, time used
 *   signal.c    signals: sent, pending, their default actions
 *   deliver.c   threads sent to take them; who waits for one
 *   exception.c exceptions become signals
 *   crash.c     the end of a process that a fault has ended, or a signal like it
 *   report.c    the report of that, made by a thread of its own
 *   symbols.c   names of functions, in the program's file
 *   timer.c     alarms, and time-outs
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
#include <signal_types.h>
#include <stdint.h>

struct waiter { /* a proc_wait that has not been answered */
    struct waiter *next;
    mach_port_t reply; /* send-once, ours */
    int pid;
    int options;
};

struct credentials {
    uint32_t ruid, euid, suid;
    uint32_t rgid, egid, sgid;
    uint32_t group_count;
    uint32_t groups[PROC_GROUPS_MAX];
};
#define ID_KEEP (~0U) /* in place of an id: as it is */

struct timer { /* in timer.c's list while deadline is not 0 */
    struct timer *next;
    uint64_t deadline; /* ns since boot */
    void (*expired)(struct timer *timer);
};

struct interval_timer { /* of setitimer */
    struct timer timer;
    struct process *process;
    int signal;
    uint64_t interval; /* ns, 0: once */
    uint64_t due;      /* on its own clock: the time, or what the task has used of it, ns */
};
#define INTERVAL_TIMERS 3
/* What a task has used of a processor is not looked at more often: a process that sleeps with a
 * microsecond left would have it looked at for ever. A tick of the systems that count by ticks, at 100 Hz;
 * and a look, some 10 us, is then no more than a thousandth of a processor. */
#define CPU_LOOK_NS 10000000ULL

struct pending_signal {
    struct pending_signal *next;
    sig_info_t info;
};

/* A thread that was sent to the entry, and has not taken its signal yet. */
struct errand {
    struct errand *next;
    mach_port_t thread;    /* a send right, to know it by; it is not called */
    uint32_t cookie;
    sig_context_t context;
    sig_info_t forced;     /* for this thread alone; signo 0: whatever is pending */
};

struct sig_waiter { /* a proc_sigtake that waits */
    struct sig_waiter *next;
    struct timer timer;
    struct process *process;
    mach_port_t reply;
    uint64_t blocked;
};

struct signals {
    uint64_t entry;           /* 0: the program does nothing about signals */
    uint64_t ignored, caught, wanted, onstack; /* proc_sigconfig's */
    uint64_t blocked;         /* while there is no entry; else the program knows */
    uint32_t flags;           /* SIG_NO_CHILD_* */
    boolean_t not_ready;      /* a child that has not done with its fork */
    boolean_t stop_taken;     /* the program has a stop signal from here, and no SIGCONT since */
    uint64_t altstack, altstack_size;
    uint64_t pending;
    struct pending_signal *queue; /* in the order they came */
    unsigned queued;
    struct errand *errands;
    unsigned errand_count;
    uint32_t last_cookie;
    mach_port_t thread;       /* the one that is sent, MACH_PORT_NULL: not known yet */
    struct timer retry;       /* it could not be sent at that moment */
    struct sig_waiter *waiters;
};

#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
#define LIMITS 16 /* RLIMIT_* are below that */
#define PROGRAM_MAX 64 /* a longer path is not kept */

/* The first bytes of a program's argument strings: of all processes that have it from the same exec. */
struct arguments {
    uint32_t refs;
    uint32_t size;
    char bytes[];
};

struct process {
    struct port_object object;
    int pid, pgid, sid;
    struct credentials cred;
    struct signals signals;
    struct interval_timer *timers; /* INTERVAL_TIMERS of them, or NULL: none was ever set */
    proc_limit_t limits[LIMITS];
    struct timer cpu_limit;
    boolean_t times_asked;      /* by it, or a parent: only then is the kernel asked at its end */
    uint64_t used_user, used_system;   /* ns, when it ended */
    uint64_t child_user, child_system; /* of children that were waited for, and theirs */
    boolean_t execed;           /* since its fork */
    struct arguments *arguments; /* a reference; NULL: not known */
    char program[PROGRAM_MAX];  /* path of the file it runs, from the root, or "" */
    mach_port_t program_file;   /* the file, if it was named otherwise; or MACH_PORT_NULL */
    struct process *parent;     /* NULL: none but the server */
    struct process *children;
    struct process *sibling;
    struct process *hash_pid;   /* chains of the two tables */
    struct process *hash_task;
    task_t task;                /* MACH_PORT_NULL: zombie */
    boolean_t reported;         /* it is suspended for a report, and then it ends: crash.c */
    boolean_t ending;           /* ENDING or ZOMBIE */
    boolean_t zombie;
    boolean_t stopped;
    boolean_t news;             /* that it stopped or went on: not told yet */
    int stop_signal;
    int status;                 /* as wait gives it */
    int exit_code;
    struct waiter *waiters;     /* for children */
    unsigned waiter_count;      /* while it is no zombie */
    mach_port_t session_watch;  /* send-once: its session's terminal wants to know of its end */
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
/* It is called that: on the console, too, and so without line ends and the like. */
void process_name(struct process *process, const char *name);
void process_stop(struct process *process, int signal);
void process_continue(struct process *process);
/* Waited for, or nobody will: forgets the process. */
void process_forget(struct process *process);
/* Calls visit for every process; it must not change the table. */
void process_each(void (*visit)(struct process *process, void *arg), void *arg);
/* Is it the service's port, and no process's? */
boolean_t is_service(mach_port_t port);
/* The caller of a request, without a reference (the table's keeps it); NULL: no process's port. */
struct process *process_caller(mach_port_t proc);
/* The root directory, opened anew if the file server came back. MACH_PORT_NULL: it cannot be
 * had. */
mach_port_t get_root(void);

/* wait.c */
/* Answers those waits of the parent that can be. */
void wait_answer(struct process *parent);
/* The process has no more waits: their reply rights go; or they are told EINTR. */
void wait_drop(struct process *process);
void wait_interrupt(struct process *process);
/* The child ended, stopped or went on: code is CLD_*. SIGCHLD, and its waits. One that ended may be
 * forgotten afterwards: by a wait, or since nobody is to be told. */
void wait_news(struct process *child, int code);

/* group.c */
/* Is the group without a parent in its session that could continue it, were it stopped? */
boolean_t group_is_orphaned(int pgid, int sid);
/* p is no longer in its group, nor a parent for its children's groups: those that are orphaned by
 * that, and in which somebody is stopped, get SIGHUP and SIGCONT. before: asked before the change. */
struct group_state {
    int pgid, sid;
    boolean_t orphaned;
};
struct group_state group_before(const struct process *p);
void group_after(struct group_state before);
/* The same for p, which is a zombie now, and for its children, which are to get another parent. */
void groups_without(struct process *p);
/* p, which led a session, has ended: its terminal is told. */
void session_ended(struct process *p);

/* cred.c */
boolean_t cred_is_root(const struct process *p);
void cred_ids(const struct process *p, proc_ids_t ids);
/* Gives the process's task the token that says who it is. KERN_INVALID_ARGUMENT: it is no task. */
kern_return_t cred_apply(const struct process *p);
/* May p signal target? */
boolean_t cred_may_control(const struct process *p, const struct process *target);
/* May somebody with these effective ids have target's task, and so do anything that target can? */
boolean_t cred_may_own(uint32_t uid, uint32_t gid, const struct process *target);

/* limit.c */
void limit_inherit(struct process *child, const struct process *parent);
/* May p's user have one process more? */
boolean_t limit_allows_fork(const struct process *p);
/* ns that the task has used so far. */
void limit_times(const struct process *p, uint64_t *user, uint64_t *system);

/* signal.c */
#define SIGNALS 64
#define SIGNALS_QUEUED_MAX 256 /* of one process, from SIGRTMIN on: each takes memory of ours */
#define SIG_BIT(signal) (1ULL << ((signal) - 1))
/* An errno: EAGAIN, too many are queued. The process may have ended, or stopped, afterwards. */
int signal_send(struct process *process, const sig_info_t *info);
/* To a group of that session, from the system. */
void signal_group(int pgid, int sid, int signal);
/* The program is given that signal. (Its stop, if it asks for one, is not out of date until SIGCONT.) */
void signal_given(struct process *process, int signal);
/* Takes the first that is pending and not blocked; FALSE: there is none. */
boolean_t signal_take(struct process *process, uint64_t blocked, sig_info_t *info);
/* Those of the set are not pending any more. */
void signal_forget(struct process *process, uint64_t set);
void signal_default(struct process *process, const sig_info_t *info);
/* What the program asks for with a signal that it was given. Nothing, if that would be to stop, and
 * SIGCONT has come since. */
void signal_asked(struct process *process, const sig_info_t *info);
void signal_fork(struct process *child, const struct process *parent);
void signal_exec(struct process *process, uint64_t blocked);
/* The process has ended. */
void signal_drop(struct process *process);

/* deliver.c */
/* Something is pending: a thread is sent to take it. */
void deliver(struct process *process);
/* Sends the thread whose registers are in state to the entry: changes them. FALSE: no memory, or
 * too many are on errands. */
boolean_t errand_new(struct process *process, mach_port_t thread, arm_thread_state64_t *state,
                     const sig_info_t *forced);
struct errand *errand_of(struct process *process, mach_port_t thread);
/* If somebody waits for a signal that came, it is theirs. */
/* Is what the right was for gone? */
boolean_t name_is_dead(mach_port_t name);
boolean_t sig_waiter_takes(struct process *process, const sig_info_t *info);
void sig_waiters_interrupt(struct process *process);
void deliver_drop(struct process *process);

/* crash.c */
/* The console is told why the process ends, then it does: at once, or when a report is made. state may be
 * NULL: nobody knows which thread's it would be. */
void crash(struct process *process, const sig_info_t *info, const arm_thread_state64_t *state);
boolean_t crash_server(mach_msg_header_t *in, mach_msg_header_t *out);
/* Frees what is known of its file. */
void program_forget(struct process *process);
void program_inherit(struct process *child, const struct process *parent);

/* report.c: run by a thread of its own, which may wait for whom the process chose. */
struct report { /* what it may know; the rights are its own */
    task_t task;           /* suspended */
    mach_port_t root;      /* of the file server, or MACH_PORT_NULL */
    mach_port_t file;      /* the program's, or MACH_PORT_NULL: */
    char program[PROGRAM_MAX]; /* its path, or "" */
    int pid;
    boolean_t has_state;
    arm_thread_state64_t state;
};
void report_print(struct report *report);

/* symbols.c */
struct symbol {
    uint64_t address; /* asked for */
    uint64_t value;   /* where the function begins */
    char name[48];    /* "": not known */
};
/* Names the functions that count addresses lie in, by the symbol table of an ELF file on the file server. */
void symbols_find(mach_port_t file, struct symbol *symbols, unsigned count);

/* timer.c */
/* The timer's expired() will be called at or after deadline; 0 takes it out of the list. */
void timer_set(struct timer *timer, uint64_t deadline);
uint64_t timer_now(void);
kern_return_t timer_init(void);
boolean_t timer_server(mach_msg_header_t *in, mach_msg_header_t *out);
void timer_drop(struct process *process);

/* exec.c */
/* The process has ended, or is given others. */
void arguments_forget(struct process *process);
struct exec_args {
    struct process *process; /* who executes it; its `program` is set */
    mach_port_t file;        /* io port, not consumed */
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
