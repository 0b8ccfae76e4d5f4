/*
 * Process groups and sessions, and what a terminal driver asks about them. Read proc.h first.
 *
 * A group or session is nothing but a number that its members have; it is that of the process that
 * made it, and is not given to another while a member lives (new_pid).
 */
#include "proc.h"

#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <servers/proc_server.h>
#include <signal.h>

struct group_query {
    int pgid, sid;
    boolean_t found;
};

static void check_member(struct process *p, void *arg)
{
    struct group_query *query = arg;

    if (p->pgid == query->pgid && p->sid == query->sid)
        query->found = TRUE;
}

static boolean_t is_group_of(int pgid, int sid)
{
    struct group_query query = {pgid, sid, FALSE};

    process_each(check_member, &query);
    return query.found;
}

/* ---- orphaned groups ---- */

/* Found: a member has a parent that could continue it: of another group in the same session. */
static void check_parent(struct process *p, void *arg)
{
    struct group_query *query = arg;

    if (p->pgid == query->pgid && p->sid == query->sid && !p->ending && p->parent != NULL
        && !p->parent->ending && p->parent->pgid != p->pgid && p->parent->sid == p->sid)
        query->found = TRUE;
}

boolean_t group_is_orphaned(int pgid, int sid)
{
    struct group_query query = {pgid, sid, FALSE};

    process_each(check_parent, &query);
    return !query.found;
}

static void check_stopped(struct process *p, void *arg)
{
    struct group_query *query = arg;

    if (p->pgid == query->pgid && p->sid == query->sid && p->stopped
        && !p->ending) /* who was killed while it was stopped is not */
        query->found = TRUE;
}

struct group_state group_before(const struct process *p)
{
    return (struct group_state){p->pgid, p->sid, group_is_orphaned(p->pgid, p->sid)};
}

void group_after(struct group_state before)
{
    struct group_query query = {before.pgid, before.sid, FALSE};

    if (before.orphaned || !group_is_orphaned(before.pgid, before.sid))
        return;
    process_each(check_stopped, &query);
    if (query.found) {
        signal_group(before.pgid, before.sid, SIGHUP);
        signal_group(before.pgid, before.sid, SIGCONT);
    }
}

/* Only a group in which somebody is stopped matters, and which p was the last to hold: so that most deaths
 * cost a look at each child. */
static void check_stopped_group(int pgid, int sid)
{
    struct group_query query = {pgid, sid, FALSE};

    process_each(check_stopped, &query);
    if (query.found)
        group_after((struct group_state){pgid, sid, FALSE});
}

void groups_without(struct process *p)
{
    if (p->parent != NULL && p->parent->sid == p->sid && p->parent->pgid != p->pgid)
        check_stopped_group(p->pgid, p->sid);
    for (struct process *c = p->children; c != NULL; c = c->sibling)
        if (c->sid == p->sid && c->pgid != p->pgid)
            check_stopped_group(c->pgid, c->sid);
}

/* p goes to another group, or nothing happens: its task has died, and nobody has noticed yet. */
static kern_return_t move(struct process *p, int pgid, int sid)
{
    struct group_state before = group_before(p);

    p->pgid = pgid;
    p->sid = sid;
    if (cred_apply(p) != KERN_SUCCESS && !p->ending) {
        p->pgid = before.pgid;
        p->sid = before.sid;
        return unix_err(ESRCH);
    }
    group_after(before);
    return KERN_SUCCESS;
}

/* ---- proc.defs ---- */

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

kern_return_t S_proc_getpgid(mach_port_t proc, int pid, int *pgid, int *sid)
{
    struct process *p = process_caller(proc);

    if (p != NULL && pid != 0)
        p = process_find(pid);
    if (p == NULL)
        return unix_err(ESRCH);
    *pgid = p->pgid;
    *sid = p->sid;
    return KERN_SUCCESS;
}

kern_return_t S_proc_setpgid(mach_port_t proc, int pid, int pgid)
{
    struct process *caller = process_caller(proc), *p;

    if (caller == NULL)
        return unix_err(ESRCH);
    if (pgid < 0)
        return unix_err(EINVAL);
    p = pid == 0 ? caller : process_find(pid);
    if (p == NULL || (p != caller && p->parent != caller))
        return unix_err(ESRCH);
    if (p != caller && p->execed)
        return unix_err(EACCES);
    if (pgid == 0)
        pgid = p->pid;
    if (p->sid == p->pid || p->sid != caller->sid)
        return unix_err(EPERM);
    if (pgid != p->pid && !is_group_of(pgid, p->sid))
        return unix_err(EPERM);
    return pgid == p->pgid ? KERN_SUCCESS : move(p, pgid, p->sid);
}

static void check_group_number(struct process *p, void *arg)
{
    struct group_query *query = arg;

    if (p->pgid == query->pgid)
        query->found = TRUE;
}

kern_return_t S_proc_setsid(mach_port_t proc, int *sid)
{
    struct process *p = process_caller(proc);
    struct group_query query;

    if (p == NULL)
        return unix_err(ESRCH);
    query = (struct group_query){p->pid, 0, FALSE};
    process_each(check_group_number, &query);
    if (query.found)
        return unix_err(EPERM); /* it leads a group, or others are in the one that it would make */
    *sid = p->pid;
    return move(p, p->pid, p->pid);
}

/* ---- for terminal drivers ---- */

/* Is the request from a program that was there before processes, or root's? */
static boolean_t is_system(void)
{
    return credentials_uid(ports_sender()) == 0;
}

kern_return_t S_proc_signal_group(mach_port_t server, int pgid, int terminal_sid, int signal)
{
    if (is_system() && pgid > 0 && signal > 0 && signal <= SIGNALS)
        signal_group(pgid, terminal_sid, signal);
    return KERN_SUCCESS;
}

kern_return_t S_proc_terminal(mach_port_t server, int pid, int terminal_sid, int foreground,
                              int signal, int *pgid, int *sid, int *answer)
{
    struct process *p = process_find(pid);

    if (!is_system())
        return unix_err(EPERM);
    if (p == NULL || p->ending)
        return unix_err(ESRCH);
    *pgid = p->pgid;
    *sid = p->sid;
    *answer = TERMINAL_FREE;
    if (p->sid != terminal_sid || p->pgid == foreground || terminal_sid == 0 || signal == 0)
        return KERN_SUCCESS;
    if ((p->signals.ignored & SIG_BIT(signal))
        || (p->signals.flags & (signal == SIGTTIN ? SIG_TTIN_BLOCKED : SIG_TTOU_BLOCKED))
        || (p->signals.entry == 0 && (p->signals.blocked & SIG_BIT(signal)))) {
        *answer = TERMINAL_IGNORED;
    } else if (group_is_orphaned(p->pgid, p->sid)) {
        *answer = TERMINAL_ORPHANED;
    } else {
        *answer = TERMINAL_SIGNALLED;
        signal_group(p->pgid, p->sid, signal);
    }
    return KERN_SUCCESS;
}

void session_ended(struct process *p)
{
    if (p->session_watch != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), p->session_watch);
    p->session_watch = MACH_PORT_NULL;
}

kern_return_t S_proc_watch_session(mach_port_t server, int sid, mach_port_t ended)
{
    struct process *p = process_find(sid);

    if (!is_system() || p == NULL || p->zombie || p->sid != p->pid)
        return unix_err(ESRCH); /* (the stub gives the right up) */
    session_ended(p);
    p->session_watch = ended;
    return KERN_SUCCESS;
}

kern_return_t S_proc_check_group(mach_port_t server, int pgid, int sid)
{
    return is_group_of(pgid, sid) ? KERN_SUCCESS : unix_err(ESRCH);
}
