/*
 * The table of processes: fork, exit, wait. Read proc.h first.
 */
#include "proc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/host_priv.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <mach/task.h>
#include <mach/traps.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define BUCKETS 256
#define PID_MAX 32768
#define MEMORY_PER_PROCESS (256 * 1024) /* so many processes at most are let in */
#define WAITERS_MAX 64 /* calls of wait by one process: each takes a name and memory of ours */

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

static int new_pid(void)
{
    int pid;

    do {
        pid = next_pid++;
        if (next_pid >= PID_MAX)
            next_pid = 2;
    } while (process_find(pid) != NULL);
    return pid;
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
    if (mach_port_request_notification(mach_task_self(), task, MACH_NOTIFY_DEAD_NAME, 0,
                                       p->object.port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                       &previous) != KERN_SUCCESS) {
        *error = ESRCH; /* dead already */
        ports_deref(p);
        return NULL;
    }
    p->task = task;
    p->pid = p->pgid = p->sid = new_pid();
    p->hash_pid = *pid_bucket(p->pid);
    *pid_bucket(p->pid) = p;
    bucket = task_bucket(task);
    p->hash_task = *bucket;
    *bucket = p;
    if (parent != NULL) {
        p->parent = parent;
        p->sibling = parent->children;
        parent->children = p;
        p->pgid = parent->pgid;
        p->sid = parent->sid;
        p->ignored = parent->ignored;
        strcpy(p->name, parent->name);
    }
    process_count++;
    return p;
}

/* Waited for, or nobody will: forgets the process. */
static void process_forget(struct process *p)
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

/* ---- wait ---- */

static boolean_t wanted(const struct process *parent, const struct process *child, int pid)
{
    return pid == -1 || (pid > 0 && child->pid == pid) ||
           (pid == 0 && child->pgid == parent->pgid) || (pid < -1 && child->pgid == -pid);
}

/* Is there news of a child that pid asks for? 1: yes, in *child; 0: not yet; -1: no such child. */
static int find_news(struct process *parent, int pid, int options, struct process **child)
{
    int result = -1;

    for (struct process *c = parent->children; c != NULL; c = c->sibling) {
        if (!wanted(parent, c, pid))
            continue;
        result = 0;
        if (c->zombie || (c->stopped && !c->stop_reported && (options & WUNTRACED))) {
            *child = c;
            return 1;
        }
    }
    return result;
}

/* What wait says of child. */
static void describe(const struct process *child, int *pid, int *status, int *exit_code)
{
    *pid = child->pid;
    *exit_code = child->exit_code;
    *status = child->zombie ? child->status : child->stop_signal << 8 | 0x7f;
}

/* The parent has been told: a zombie is gone afterwards. */
static void reported(struct process *child)
{
    if (child->zombie)
        process_forget(child);
    else
        child->stop_reported = TRUE;
}

/* Answers those waits of the parent that can be. */
static void answer_waiters(struct process *parent)
{
    struct waiter **link = &parent->waiters, *w;

    while ((w = *link) != NULL) {
        struct process *child;
        int pid = 0, status = 0, code = 0;
        int news = find_news(parent, w->pid, w->options, &child);

        if (news == 0) {
            link = &w->next;
            continue;
        }
        if (news > 0)
            describe(child, &pid, &status, &code);
        /* (If the thread that waited is no more, the news is for the next who waits.) */
        if (S_proc_wait_reply(w->reply, news > 0 ? KERN_SUCCESS : unix_err(ECHILD), pid, status, code)
            == KERN_SUCCESS && news > 0)
            reported(child);
        *link = w->next;
        free(w);
        parent->waiter_count--;
    }
}

kern_return_t S_proc_wait(mach_port_t proc, mach_port_t reply, int pid, int options, int *child,
                          int *status, int *exit_code)
{
    struct process *p = process_caller(proc), *c;
    struct waiter *w;

    if (p == NULL)
        return unix_err(ESRCH);
    if (options & ~(WNOHANG | WUNTRACED))
        return unix_err(EINVAL);
    *child = *status = *exit_code = 0;
    switch (find_news(p, pid, options, &c)) {
    case 1:
        describe(c, child, status, exit_code);
        reported(c);
        return KERN_SUCCESS;
    case -1:
        return unix_err(ECHILD);
    }
    if (options & WNOHANG)
        return KERN_SUCCESS;
    if (p->waiter_count >= WAITERS_MAX)
        return unix_err(EAGAIN);
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return unix_err(ENOMEM);
    *w = (struct waiter){p->waiters, reply, pid, options};
    p->waiters = w;
    p->waiter_count++;
    return MIG_NO_REPLY;
}

/* ---- death ---- */

/* The children of a dead process are init's; init itself leaves them to nobody. */
static void orphan_children(struct process *p)
{
    struct process *init = process_find(1), *c;

    while ((c = p->children) != NULL) {
        p->children = c->sibling;
        c->sibling = NULL;
        c->parent = NULL;
        if (init != NULL && init != p && !init->ending) {
            c->parent = init;
            c->sibling = init->children;
            init->children = c;
        } else if (c->zombie) {
            process_forget(c);
        }
    }
    if (init != NULL && init != p)
        answer_waiters(init);
}

void process_end(struct process *p, int status, int exit_code)
{
    if (p->ending)
        return;
    p->ending = TRUE;
    p->status = status;
    p->exit_code = exit_code;
    task_terminate(p->task);
}

/* The task is dead. */
static void process_zombie(struct process *p)
{
    struct process **link;
    struct waiter *w;
    struct process *parent = p->parent;

    for (link = task_bucket(p->task); *link != p; link = &(*link)->hash_task)
        ;
    *link = p->hash_task;
    mach_port_deallocate(mach_task_self(), p->task);
    p->task = MACH_PORT_NULL;
    p->ending = p->zombie = TRUE;
    while ((w = p->waiters) != NULL) {
        p->waiters = w->next;
        mach_port_deallocate(mach_task_self(), w->reply);
        free(w);
    }
    orphan_children(p);
    if (parent != NULL && !parent->ending)
        answer_waiters(parent);
    else if (parent == NULL)
        process_forget(p);
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

void process_stop(struct process *p, int signal)
{
    if (p->ending || p->stopped || task_suspend(p->task) != KERN_SUCCESS)
        return;
    p->stopped = TRUE;
    p->stop_reported = FALSE;
    p->stop_signal = signal;
    if (p->parent != NULL)
        answer_waiters(p->parent);
}

void process_continue(struct process *p)
{
    if (!p->stopped)
        return;
    p->stopped = FALSE;
    task_resume(p->task);
}

/* ---- the rest of proc.defs that is about the tree ---- */

/* Asks the kernel, in a call on a port of its own: the address is out of range for a task; for
 * anything else KERN_INVALID_ARGUMENT comes first. */
static boolean_t is_task(mach_port_t port)
{
    return vm_wire(host_priv, port, VM_MAX_ADDRESS, PAGE_SIZE, VM_PROT_NONE) == KERN_INVALID_ADDRESS;
}

kern_return_t S_proc_fork(mach_port_t proc, mach_port_t child_task, int *pid,
                          mach_port_t *child_proc)
{
    struct process *p = process_caller(proc), *child;
    int error;

    if (p == NULL)
        return unix_err(ESRCH);
    if (child_task == MACH_PORT_NULL || child_task == MACH_PORT_DEAD)
        return unix_err(EINVAL);
    if (process_of_task(child_task) != NULL || child_task == mach_task_self()
        || !is_task(child_task))
        return unix_err(EINVAL); /* a process already, or us, or nothing of the sort */
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

kern_return_t S_proc_getids(mach_port_t proc, int *pid, int *ppid, int *pgid, int *sid)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    *pid = p->pid;
    *ppid = p->parent != NULL ? p->parent->pid : 0;
    *pgid = p->pgid;
    *sid = p->sid;
    return KERN_SUCCESS;
}

/* Is pgid a group of session sid? */
struct group_query {
    int pgid, sid;
    boolean_t found;
};

static void check_group(struct process *p, void *arg)
{
    struct group_query *query = arg;

    if (p->pgid == query->pgid && p->sid == query->sid)
        query->found = TRUE;
}

kern_return_t S_proc_setpgid(mach_port_t proc, int pid, int pgid)
{
    struct process *caller = process_caller(proc), *p;
    struct group_query query;

    if (caller == NULL)
        return unix_err(ESRCH);
    if (pgid < 0)
        return unix_err(EINVAL);
    p = pid == 0 ? caller : process_find(pid);
    if (p == NULL || (p != caller && p->parent != caller))
        return unix_err(ESRCH);
    if (pgid == 0)
        pgid = p->pid;
    if (p->sid == p->pid || p->sid != caller->sid)
        return unix_err(EPERM);
    query = (struct group_query){pgid, p->sid, pgid == p->pid};
    if (!query.found)
        process_each(check_group, &query);
    if (!query.found)
        return unix_err(EPERM);
    p->pgid = pgid;
    return KERN_SUCCESS;
}

kern_return_t S_proc_setsid(mach_port_t proc, int *sid)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    if (p->pgid == p->pid)
        return unix_err(EPERM);
    *sid = p->sid = p->pgid = p->pid;
    return KERN_SUCCESS;
}
