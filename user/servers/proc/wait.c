/*
 * wait: what a parent learns of its children. Read proc.h and process.c first.
 *
 * There is news of a child while it is a zombie, or when it has stopped or gone on and nobody was
 * told yet. A wait that finds none stays, by its reply right, until there is.
 */
#include "proc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <mach/traps.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define WAITERS_MAX 64 /* calls of wait by one process: each takes a name and memory of ours */
#define STATUS_CONTINUED 0xffff
#define OPTIONS (WNOHANG | WUNTRACED | WCONTINUED | WEXITED | WNOWAIT)

static boolean_t wanted(const struct process *parent, const struct process *child, int pid)
{
    return pid == -1 || (pid > 0 && child->pid == pid)
           || (pid == 0 && child->pgid == parent->pgid) || (pid < -1 && child->pgid == -pid);
}

/* waitid asks for ends by WEXITED; waitpid, which has only the two others, always does. */
static boolean_t has_news(const struct process *child, int options)
{
    if (child->zombie)
        return (options & WEXITED) != 0;
    return child->news && !child->ending && (options & (child->stopped ? WUNTRACED : WCONTINUED));
}

/* Is there news of a child that pid asks for? 1: yes, in *child; 0: not yet; -1: no such child. */
static int find_news(struct process *parent, int pid, int options, struct process **child)
{
    int result = -1;

    for (struct process *c = parent->children; c != NULL; c = c->sibling) {
        if (!wanted(parent, c, pid))
            continue;
        result = 0;
        if (has_news(c, options)) {
            *child = c;
            return 1;
        }
    }
    return result;
}

struct news {
    int pid, status, code;
    uint32_t uid;
};

static struct news describe(const struct process *child)
{
    return (struct news){
        .pid = child->pid,
        .status = child->zombie    ? child->status
                  : child->stopped ? child->stop_signal << 8 | 0x7f
                                   : STATUS_CONTINUED,
        .code = child->exit_code,
        .uid = child->cred.ruid,
    };
}

/* The parent has been told: a zombie is gone afterwards. */
static void reported(struct process *child, int options)
{
    if (options & WNOWAIT)
        return;
    if (child->zombie) {
        child->parent->child_user += child->used_user + child->child_user;
        child->parent->child_system += child->used_system + child->child_system;
        process_forget(child);
    } else {
        child->news = FALSE;
    }
}

void wait_answer(struct process *parent)
{
    struct waiter **link = &parent->waiters, *w;

    while ((w = *link) != NULL) {
        struct process *child;
        struct news news = {0};
        int found = find_news(parent, w->pid, w->options, &child);

        if (found == 0) {
            link = &w->next;
            continue;
        }
        if (found > 0)
            news = describe(child);
        /* (If the thread that waited is no more, the news is for the next who waits.) */
        if (S_proc_wait_reply(w->reply, found > 0 ? KERN_SUCCESS : unix_err(ECHILD), news.pid,
                              news.status, news.code, news.uid)
                == KERN_SUCCESS
            && found > 0)
            reported(child, w->options);
        *link = w->next;
        free(w);
        parent->waiter_count--;
    }
}

static struct waiter *first_waiter(struct process *p)
{
    struct waiter *w = p->waiters;

    if (w != NULL) {
        p->waiters = w->next;
        p->waiter_count--;
    }
    return w;
}

/* Is there room for one more? When there is none, those go whose threads ended while they waited. */
static boolean_t waiter_room(struct process *p)
{
    if (p->waiter_count < WAITERS_MAX)
        return TRUE;
    for (struct waiter **link = &p->waiters, *w; (w = *link) != NULL;) {
        if (name_is_dead(w->reply)) {
            *link = w->next;
            mach_port_deallocate(mach_task_self(), w->reply);
            free(w);
            p->waiter_count--;
        } else {
            link = &w->next;
        }
    }
    return p->waiter_count < WAITERS_MAX;
}

void wait_drop(struct process *p)
{
    struct waiter *w;

    while ((w = first_waiter(p)) != NULL) {
        mach_port_deallocate(mach_task_self(), w->reply);
        free(w);
    }
}

void wait_interrupt(struct process *p)
{
    struct waiter *w;

    while ((w = first_waiter(p)) != NULL) {
        S_proc_wait_reply(w->reply, unix_err(EINTR), 0, 0, 0, 0);
        free(w);
    }
}

/* SIGCHLD, if the parent has a use for it. */
static void tell_parent(struct process *child, int code)
{
    struct process *parent = child->parent;
    sig_info_t info = {
        .signo = SIGCHLD,
        .code = code,
        .pid = child->pid,
        .uid = child->cred.ruid,
        .status = code == CLD_EXITED      ? WEXITSTATUS(child->status)
                  : code == CLD_KILLED    ? WTERMSIG(child->status)
                  : code == CLD_CONTINUED ? SIGCONT
                                          : child->stop_signal,
    };

    if ((code == CLD_STOPPED || code == CLD_CONTINUED)
        && (parent->signals.flags & SIG_NO_CHILD_STOP))
        return;
    signal_send(parent, &info);
}

void wait_news(struct process *child, int code)
{
    struct process *parent = child->parent;
    boolean_t unwanted;

    if (parent == NULL && child->zombie)
        process_forget(child);
    if (parent == NULL || parent->ending)
        return;
    unwanted = (parent->signals.ignored & SIG_BIT(SIGCHLD)) != 0
               || (parent->signals.flags & SIG_NO_CHILD_WAIT) != 0;
    tell_parent(child, code);
    if (unwanted && child->zombie)
        process_forget(child); /* if it was the last, waits end with ECHILD */
    wait_answer(parent);
}

kern_return_t S_proc_wait(mach_port_t proc, mach_port_t reply, int pid, int options, int *child,
                          int *status, int *exit_code, uint32_t *uid)
{
    struct process *p = process_caller(proc), *c;
    struct news news = {0};
    struct waiter *w;

    if (p == NULL)
        return unix_err(ESRCH);
    if (options & ~OPTIONS)
        return unix_err(EINVAL);
    switch (find_news(p, pid, options, &c)) {
    case 1:
        news = describe(c);
        reported(c, options);
        break;
    case -1:
        return unix_err(ECHILD);
    default:
        if (options & WNOHANG)
            break;
        if (!waiter_room(p))
            return unix_err(EAGAIN);
        w = calloc(1, sizeof(*w));
        if (w == NULL)
            return unix_err(ENOMEM);
        *w = (struct waiter){p->waiters, reply, pid, options};
        p->waiters = w;
        p->waiter_count++;
        return MIG_NO_REPLY;
    }
    *child = news.pid;
    *status = news.status;
    *exit_code = news.code;
    *uid = news.uid;
    return KERN_SUCCESS;
}
