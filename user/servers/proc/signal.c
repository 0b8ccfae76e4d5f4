/*
 * Signals: sent, pending, and what they do by default. Read proc.h first, and docs/15-processes.md.
 *
 * What a program has said about signals is in its own memory; this server knows as much of it as it
 * needs: which are ignored, which have handlers, and where the program wants its thread sent to
 * (signals.entry). Without an entry nobody is there to ask: a signal acts at once. With one it is
 * kept here until the program takes it (deliver.c), and if it has no handler for it, and does not
 * block it, it comes back and asks for the default action (proc_sigdefault). Only SIGKILL, SIGSTOP
 * and SIGCONT do what they do without it.
 */
#include "proc.h"

#include <errno.h>
#include <limits.h>
#include <mach/error.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#define STOPS (SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define CRASHES /* those that leave a core dump elsewhere */ \
    (SIG_BIT(SIGQUIT) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | SIG_BIT(SIGABRT) | SIG_BIT(SIGBUS) \
     | SIG_BIT(SIGFPE) | SIG_BIT(SIGSEGV) | SIG_BIT(SIGXCPU) | SIG_BIT(SIGXFSZ) | SIG_BIT(SIGSYS))
#define DOES_NOTHING \
    (SIG_BIT(SIGCHLD) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH) | SIG_BIT(SIGCONT))

/* ---- what is pending ---- */

/* FALSE: too many, or no memory. One of the ordinary signals is there at most once, and so they need no
 * limit: who fills the queue does not lose SIGTERM or SIGCHLD. */
static boolean_t enqueue(struct process *p, const sig_info_t *info)
{
    struct signals *s = &p->signals;
    struct pending_signal **end, *new;

    if ((s->pending & SIG_BIT(info->signo)) && info->signo < SIGRTMIN)
        return TRUE;
    if (info->signo >= SIGRTMIN && s->queued >= p->limits[RLIMIT_SIGPENDING].soft)
        return FALSE;
    new = malloc(sizeof(*new));
    if (new == NULL)
        return FALSE;
    new->info = *info;
    new->next = NULL;
    for (end = &s->queue; *end != NULL; end = &(*end)->next)
        ;
    *end = new;
    s->queued++;
    s->pending |= SIG_BIT(info->signo);
    return TRUE;
}

/* Takes the first of that number. */
static struct pending_signal *dequeue(struct process *p, int signal)
{
    struct signals *s = &p->signals;
    struct pending_signal **link = &s->queue, *found;
    boolean_t more = FALSE;

    while ((found = *link) != NULL && found->info.signo != signal)
        link = &found->next;
    if (found != NULL) {
        *link = found->next;
        s->queued--;
    }
    for (struct pending_signal *other = *link; other != NULL; other = other->next)
        more |= other->info.signo == signal;
    if (!more)
        s->pending &= ~SIG_BIT(signal);
    return found;
}

void signal_given(struct process *p, int signal)
{
    if (SIG_BIT(signal) & STOPS)
        p->signals.stop_taken = TRUE;
}

boolean_t signal_take(struct process *p, uint64_t blocked, sig_info_t *info)
{
    uint64_t ready = p->signals.pending & ~blocked;
    struct pending_signal *first;

    if (ready == 0)
        return FALSE;
    first = dequeue(p, __builtin_ctzll(ready) + 1);
    *info = first->info;
    free(first);
    signal_given(p, info->signo);
    return TRUE;
}

void signal_forget(struct process *p, uint64_t set)
{
    for (uint64_t left; (left = p->signals.pending & set) != 0;)
        free(dequeue(p, __builtin_ctzll(left) + 1));
}

/* ---- sending ---- */

void signal_default(struct process *p, const sig_info_t *info)
{
    if (SIG_BIT(info->signo) & DOES_NOTHING)
        return;
    if (!(SIG_BIT(info->signo) & STOPS)) {
        if (SIG_BIT(info->signo) & CRASHES || info->trap != 0)
            crash(p, info, NULL);
        else
            process_end(p, info->signo, -1);
    } else if (info->signo == SIGSTOP || !group_is_orphaned(p->pgid, p->sid)) {
        process_stop(p, info->signo);
    }
}

void signal_asked(struct process *p, const sig_info_t *info)
{
    if (!(SIG_BIT(info->signo) & STOPS) || info->signo == SIGSTOP || p->signals.stop_taken)
        signal_default(p, info);
}

/* Does it do nothing, so that it need not be kept? */
static boolean_t is_idle(const struct process *p, uint64_t bit)
{
    const struct signals *s = &p->signals;

    if (s->ignored & bit)
        return TRUE;
    return (bit & DOES_NOTHING) && !(s->caught & bit) && !(s->wanted & bit)
           && !(s->entry == 0 && (s->blocked & bit));
}

int signal_send(struct process *p, const sig_info_t *info)
{
    struct signals *s = &p->signals;
    uint64_t bit = SIG_BIT(info->signo);

    if (p->ending || (p->reported && info->signo != SIGKILL))
        return 0;
    if (info->signo == SIGKILL || info->signo == SIGSTOP) {
        signal_forget(p, info->signo == SIGSTOP ? SIG_BIT(SIGCONT) : 0);
        signal_default(p, info);
        return 0;
    }
    if (bit & STOPS)
        signal_forget(p, SIG_BIT(SIGCONT));
    if (info->signo == SIGCONT) {
        signal_forget(p, STOPS);
        s->stop_taken = FALSE;
        process_continue(p);
    }
    if (is_idle(p, bit) || sig_waiter_takes(p, info))
        return 0;
    if (s->entry == 0 && !(s->blocked & bit)) {
        signal_default(p, info);
        return 0;
    }
    if (!enqueue(p, info))
        return EAGAIN;
    deliver(p);
    return 0;
}

/* ---- fork, exec, exit ---- */

void signal_fork(struct process *child, const struct process *parent)
{
    const struct signals *from = &parent->signals;

    child->signals = (struct signals){
        .entry = from->entry,
        .ignored = from->ignored,
        .caught = from->caught,
        .wanted = from->wanted,
        .onstack = from->onstack,
        .blocked = from->blocked,
        .flags = from->flags,
        .not_ready = from->entry != 0,
        .altstack = from->altstack,
        .altstack_size = from->altstack_size,
    };
}

void signal_exec(struct process *p, uint64_t blocked)
{
    struct signals *s = &p->signals;
    sig_info_t info;

    deliver_drop(p);
    s->entry = s->caught = s->wanted = s->onstack = 0;
    s->altstack = s->altstack_size = 0;
    s->flags = 0;
    s->not_ready = FALSE;
    s->blocked = blocked;
    while (!p->ending && signal_take(p, blocked, &info)) /* that came too late for the old program */
        signal_default(p, &info);
}

void signal_drop(struct process *p)
{
    deliver_drop(p);
    signal_forget(p, ~0ULL);
}

/* ---- kill ---- */

struct targets {
    struct process *sender;  /* NULL: the system */
    int pid;                 /* as kill has it */
    int sid;                 /* of them only those of this session; 0: all */
    struct process **list;   /* sending changes the table: gather first */
    size_t count, room;
};

static boolean_t is_meant(const struct targets *t, const struct process *p)
{
    if (p->ending || (t->sid != 0 && p->sid != t->sid))
        return FALSE;
    if (t->pid > 0)
        return p->pid == t->pid;
    if (t->pid == -1)
        return p->pid > 1 && p != t->sender;
    return t->pid == 0 ? p->pgid == t->sender->pgid : p->pgid == -t->pid;
}

static void gather(struct process *p, void *arg)
{
    struct targets *t = arg;

    if (!is_meant(t, p))
        return;
    if (t->count < t->room) {
        t->list[t->count] = p;
        ports_ref(p); /* one's end may be what makes another go */
    }
    t->count++;
}

/* All that t names, with a reference each; KERN_RESOURCE_SHORTAGE. */
static kern_return_t gather_all(struct targets *t)
{
    process_each(gather, t);
    t->room = t->count;
    t->count = 0;
    t->list = t->room > 0 ? malloc(t->room * sizeof(*t->list)) : NULL;
    if (t->room > 0 && t->list == NULL)
        return KERN_RESOURCE_SHORTAGE;
    process_each(gather, t);
    return KERN_SUCCESS;
}

static boolean_t is_allowed(const struct process *sender, const struct process *target, int signal)
{
    return sender == NULL || cred_may_control(sender, target)
           || (signal == SIGCONT && target->sid == sender->sid);
}

/* Sends info to those t names; the sender itself comes last. ESRCH: there are none; EPERM: none that may be
 * signalled. */
static int send_all(struct targets *t, const sig_info_t *info)
{
    int error = t->count > 0 ? EPERM : ESRCH;

    for (int last = 0; last <= 1; last++) {
        for (size_t i = 0; i < t->count; i++) {
            struct process *p = t->list[i];
            int failed;

            if ((p == t->sender) != last || !is_allowed(t->sender, p, info->signo))
                continue;
            failed = info->signo != 0 ? signal_send(p, info) : 0;
            if (error == EPERM || failed == 0)
                error = failed;
        }
    }
    for (size_t i = 0; i < t->count; i++)
        ports_deref(t->list[i]);
    free(t->list);
    return error;
}

kern_return_t S_proc_kill(mach_port_t proc, int pid, int signal, int code, uint64_t value)
{
    struct process *p = process_caller(proc), *target;
    struct targets targets = {.sender = p, .pid = pid};
    sig_info_t info;
    int error;

    if (p == NULL)
        return unix_err(ESRCH);
    if (signal < 0 || signal > SIGNALS || (code != SI_USER && code != SI_QUEUE) || pid == INT_MIN)
        return unix_err(EINVAL);
    if (pid > 0 && (target = process_find(pid)) != NULL && target->ending)
        return KERN_SUCCESS; /* POSIX: it exists until it is waited for */
    if (gather_all(&targets) != KERN_SUCCESS)
        return unix_err(ENOMEM);
    info = (sig_info_t){.signo = signal, .code = code, .pid = p->pid, .uid = p->cred.ruid,
                        .value = value};
    error = send_all(&targets, &info);
    return error == 0 ? KERN_SUCCESS : unix_err(error);
}

void signal_group(int pgid, int sid, int signal)
{
    struct targets targets = {.pid = -pgid, .sid = sid};
    sig_info_t info = {.signo = signal, .code = SI_KERNEL};

    if (pgid > 1 && gather_all(&targets) == KERN_SUCCESS)
        send_all(&targets, &info);
}
