/*
 * The table of processes: fork, exit. Read proc.h first.
 */
#include "proc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <mach/task.h>
#include <mach/traps.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256
#define PID_MAX 32768 /* (a pid has 16 bits in credentials.h) */
#define MEMORY_PER_PROCESS (256 * 1024) /* so many processes at most are let in */

static struct process *by_pid[BUCKETS], *by_task[BUCKETS];
static int process_count, next_pid = 1;

static void task_died(void *object, mach_port_name_t name);

static void process_destroy(void *object)
{
    free(object);
}

const struct port_class process_class = {
    .name = "process",
    .destroy = process_destroy,
    .dead_name = task_died,
};

static struct process **pid_bucket(int pid)
{
    return &by_pid[(unsigned)pid % BUCKETS];
}

static struct process **task_bucket(mach_port_name_t task)
{
    return &by_task[MACH_PORT_INDEX(task) % BUCKETS];
}

struct process *process_find(int pid)
{
    struct process *p = *pid_bucket(pid);

    while (p != NULL && p->pid != pid)
        p = p->hash_pid;
    return p;
}

struct process *process_of_task(mach_port_name_t task)
{
    struct process *p = *task_bucket(task);

    while (p != NULL && p->task != task)
        p = p->hash_task;
    return p;
}

void process_each(void (*visit)(struct process *, void *), void *arg)
{
    for (int i = 0; i < BUCKETS; i++)
        for (struct process *p = by_pid[i]; p != NULL; p = p->hash_pid)
            visit(p, arg);
}

struct process *process_caller(mach_port_t proc)
{
    struct process *p = ports_lookup(proc, &process_class);

    if (p != NULL)
        ports_deref(p);
    return p != NULL && !p->ending ? p : NULL;
}

/* How many processes the memory of this machine is for. */
static int process_limit(void)
{
    static int limit;
    host_basic_info_data_t info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

    if (limit == 0) {
        limit = 64;
        if (host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&info, &count) ==
            KERN_SUCCESS)
            limit = (int)(info.memory_size / MEMORY_PER_PROCESS);
    }
    return limit;
}

struct number_query {
    int pid;
    boolean_t found;
};

static void check_number(struct process *p, void *arg)
{
    struct number_query *query = arg;

    if (p->pgid == query->pid || p->sid == query->pid)
        query->found = TRUE;
}

/* A number that no process has, and no group or session either. (They can outlive their leader only
 * once numbers are used again.) */
static int new_pid(void)
{
    static boolean_t used_again;
    struct number_query query;

    do {
        query = (struct number_query){.pid = next_pid++};
        if (next_pid >= PID_MAX) {
            next_pid = 2;
            used_again = TRUE;
        }
        query.found = process_find(query.pid) != NULL;
        if (!query.found && used_again)
            process_each(check_number, &query);
    } while (query.found);
    return query.pid;
}

struct process *process_new(struct process *parent, task_t task, int *error)
{
    struct process *p, **bucket;
    mach_port_t previous;

    /* The last few are kept for those that can clean up. */
    if (process_count >= process_limit() - (parent != NULL && parent->pid > 1 ? 4 : 0)) {
        *error = EAGAIN;
        return NULL;
    }
    *error = ENOMEM;
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    if (ports_create(&p->object, &process_class) != KERN_SUCCESS) {
        free(p);
        return NULL;
    }
    p->task = task;
    p->pid = p->pgid = p->sid = new_pid();
    if (parent != NULL) {
        p->cred = parent->cred;
        p->pgid = parent->pgid;
        p->sid = parent->sid;
    }
    *error = EINVAL; /* nothing of the sort: the kernel says so, in a call on a port of its own */
    if (cred_apply(p) != KERN_SUCCESS) {
        ports_deref(p);
        return NULL;
    }
    if (mach_port_request_notification(mach_task_self(), task, MACH_NOTIFY_DEAD_NAME, 0,
                                       p->object.port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                       &previous) != KERN_SUCCESS) {
        *error = ESRCH; /* dead already */
        ports_deref(p);
        return NULL;
    }
    p->hash_pid = *pid_bucket(p->pid);
    *pid_bucket(p->pid) = p;
    bucket = task_bucket(task);
    p->hash_task = *bucket;
    *bucket = p;
    if (parent != NULL) {
        p->parent = parent;
        p->sibling = parent->children;
        parent->children = p;
        signal_fork(p, parent);
        program_inherit(p, parent);
        strcpy(p->name, parent->name);
    }
    limit_inherit(p, parent);
    process_count++;
    return p;
}

void process_forget(struct process *p)
{
    struct process **link;

    for (link = pid_bucket(p->pid); *link != p; link = &(*link)->hash_pid)
        ;
    *link = p->hash_pid;
    if (p->parent != NULL) {
        for (link = &p->parent->children; *link != p; link = &(*link)->sibling)
            ;
        *link = p->sibling;
    }
    process_count--;
    ports_deref(p);
}

/* ---- death ---- */

/* The children of a dead process are init's; init itself leaves them to nobody. */
static void orphan_children(struct process *p)
{
    struct process *init = process_find(1), *c;
    boolean_t moved = FALSE;

    while ((c = p->children) != NULL) {
        p->children = c->sibling;
        c->sibling = NULL;
        c->parent = NULL;
        if (init != NULL && init != p && !init->ending) {
            c->parent = init;
            c->sibling = init->children;
            init->children = c;
            moved = TRUE;
        } else if (c->zombie) {
            process_forget(c);
        }
    }
    if (moved && init != p->parent) /* who is told anyway, and may forget p then */
        wait_answer(init);
}

void process_end(struct process *p, int status, int exit_code)
{
    if (p->ending)
        return;
    if (p->times_asked)
        limit_times(p, &p->used_user, &p->used_system);
    p->ending = TRUE;
    p->status = status;
    p->exit_code = exit_code;
    timer_drop(p);
    task_terminate(p->task);
}

/* The task is dead. */
static void process_zombie(struct process *p)
{
    struct process **link;

    for (link = task_bucket(p->task); *link != p; link = &(*link)->hash_task)
        ;
    *link = p->hash_task;
    mach_port_deallocate(mach_task_self(), p->task);
    p->task = MACH_PORT_NULL;
    p->ending = p->zombie = TRUE;
    timer_drop(p);
    program_forget(p);
    arguments_forget(p);
    signal_drop(p);
    wait_drop(p);
    session_ended(p);
    groups_without(p);
    orphan_children(p);
    wait_news(p, (p->status & 0x7f) == 0 ? CLD_EXITED : CLD_KILLED);
}

static void task_died(void *object, mach_port_name_t name)
{
    struct process *p = object;

    mach_port_deallocate(mach_task_self(), name); /* the notification's reference */
    if (p->zombie || p->task != name)
        return;
    if (!p->ending) { /* terminated by somebody else */
        p->status = SIGKILL;
        p->exit_code = -1;
    }
    process_zombie(p);
}

void process_name(struct process *p, const char *name)
{
    strlcpy(p->name, name, sizeof(p->name));
    for (unsigned char *c = (unsigned char *)p->name; *c != '\0'; c++)
        if (*c < ' ' || *c == 0x7f)
            *c = '?';
}

void process_stop(struct process *p, int signal)
{
    if (p->ending || p->stopped || task_suspend(p->task) != KERN_SUCCESS)
        return;
    p->stopped = p->news = TRUE;
    p->stop_signal = signal;
    wait_news(p, CLD_STOPPED);
}

void process_continue(struct process *p)
{
    if (!p->stopped)
        return;
    p->stopped = FALSE;
    p->news = TRUE;
    task_resume(p->task);
    wait_news(p, CLD_CONTINUED);
    deliver(p);
}

/* ---- the rest of proc.defs that is about the tree ---- */

kern_return_t S_proc_fork(mach_port_t proc, mach_port_t child_task, int *pid,
                          mach_port_t *child_proc)
{
    struct process *p = process_caller(proc), *child;
    int error;

    if (p == NULL)
        return unix_err(ESRCH);
    if (child_task == MACH_PORT_NULL || child_task == MACH_PORT_DEAD)
        return unix_err(EINVAL);
    if (process_of_task(child_task) != NULL || child_task == mach_task_self())
        return unix_err(EINVAL); /* a process already, or us */
    if (!limit_allows_fork(p))
        return unix_err(EAGAIN);
    child = process_new(p, child_task, &error);
    if (child == NULL)
        return unix_err(error);
    *child_proc = ports_make_send(&child->object);
    if (*child_proc == MACH_PORT_NULL) {
        /* The right is the stub's to release on failure: keep one for process_end's. */
        mach_port_mod_refs(mach_task_self(), child_task, MACH_PORT_RIGHT_SEND, 1);
        child->parent = NULL;
        p->children = child->sibling;
        process_end(child, 0, 0);
        return unix_err(ENOMEM);
    }
    *pid = child->pid;
    return KERN_SUCCESS;
}

kern_return_t S_proc_exit(mach_port_t proc, int status)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    process_end(p, (status & 0xff) << 8, status);
    return KERN_SUCCESS;
}
