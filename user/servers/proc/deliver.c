/*
 * Signals on their way to a program that takes them itself. Read proc.h and signal.c first.
 *
 * A thread of it is stopped wherever it is, its wait (if it waits) aborted, and it goes on at the
 * program's entry: with a cookie in x0, all other registers as they were. There it saves them, and
 * asks for the signal and for the registers that were changed here: pc, x0, and sp if the entry runs
 * on the alternate stack. Until it has asked it is on an errand; it is not sent twice.
 *
 * So no memory of the program is touched from here: a page of it may belong to a pager that never
 * answers.
 *
 * Only the kernel is called about a thread, and only about threads the kernel named: the port
 * of an exception message may be anything.
 */
#include "proc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <servers/interrupt_server.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdlib.h>

#define ERRANDS_MAX     512 /* of one process: each takes a name and memory of ours */
#define SIG_WAITERS_MAX 64 /* calls of proc_sigtake by one process that wait */
#define RETRY_NS        10000000 /* a thread that could not be interrupted: again after this */

boolean_t name_is_dead(mach_port_t name)
{
    mach_port_type_t type;

    return mach_port_type(mach_task_self(), name, &type) == KERN_SUCCESS
        && (type & MACH_PORT_TYPE_DEAD_NAME);
}

/* ---- errands ---- */

struct errand *errand_of(struct process *p, mach_port_t thread)
{
    struct errand *e = p->signals.errands;

    while (e != NULL && e->thread != thread)
        e = e->next;
    return e;
}

static void errand_free(struct process *p, struct errand *errand)
{
    struct errand **link = &p->signals.errands;

    while (*link != errand)
        link = &(*link)->next;
    *link = errand->next;
    p->signals.errand_count--;
    mach_port_deallocate(mach_task_self(), errand->thread);
    free(errand);
}

/* Is there room for one more? A thread that ends before it has asked leaves its errand behind: those go
 * when there is none. */
static boolean_t errand_room(struct process *p)
{
    struct errand *next;

    if (p->signals.errand_count < ERRANDS_MAX)
        return TRUE;
    for (struct errand *e = p->signals.errands; e != NULL; e = next) {
        next = e->next;
        if (name_is_dead(e->thread))
            errand_free(p, e);
    }
    return p->signals.errand_count < ERRANDS_MAX;
}

/* Where the entry's stack begins: for a fault that is to be handled on the alternate stack, there. */
static uint64_t entry_sp(const struct signals *s, uint64_t sp, const sig_info_t *forced)
{
    if (forced == NULL || !(s->onstack & SIG_BIT(forced->signo)) || s->altstack_size == 0
        || sp - s->altstack <= s->altstack_size)
        return sp;
    return (s->altstack + s->altstack_size) & ~15ULL;
}

boolean_t errand_new(struct process *p, mach_port_t thread, arm_thread_state64_t *state,
                     const sig_info_t *forced)
{
    struct signals *s = &p->signals;
    struct errand *errand = errand_room(p) ? calloc(1, sizeof(*errand)) : NULL;

    if (errand == NULL)
        return FALSE;
    if (mach_port_mod_refs(mach_task_self(), thread, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS) {
        free(errand); /* it died */
        return FALSE;
    }
    *errand = (struct errand){
        .next = s->errands,
        .thread = thread,
        .cookie = ++s->last_cookie != 0 ? s->last_cookie : ++s->last_cookie,
        .context = {state->x[0], state->sp, state->pc, state->cpsr},
    };
    if (forced != NULL)
        errand->forced = *forced;
    s->errands = errand;
    s->errand_count++;
    state->sp = entry_sp(s, state->sp, forced);
    state->x[0] = errand->cookie;
    state->pc = s->entry;
    return TRUE;
}

/* Calls the visitor with each of the task's threads, until it says that it keeps the right. */
static void each_thread(struct process *p, boolean_t (*keeps)(mach_port_t thread, void *arg), void *arg)
{
    mach_port_t *threads;
    mach_msg_type_number_t count;
    boolean_t done = FALSE;

    if (task_threads(p->task, &threads, &count) != KERN_SUCCESS)
        return;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        if (!done && keeps(threads[i], arg))
            done = TRUE;
        else
            mach_port_deallocate(mach_task_self(), threads[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof(*threads));
}

static boolean_t take_first(mach_port_t thread, void *arg)
{
    *(mach_port_t *)arg = thread;
    return TRUE;
}

/* Finds the thread behind one, or a thread itself. */
struct thread_query {
    mach_port_t thread; /* to be found */
    boolean_t seen;     /* it was */
    mach_port_t next;   /* a right to the one behind it */
};

static boolean_t take_next(mach_port_t thread, void *arg)
{
    struct thread_query *query = arg;

    if (query->seen)
        query->next = thread;
    else
        query->seen = thread == query->thread;
    return query->next != MACH_PORT_NULL;
}

static void retry(struct timer *timer)
{
    deliver(CONTAINER(timer, struct process, signals.retry));
}

/* Has the thread, which is suspended, left the kernel? Or is it waiting there, for what could not be
 * aborted, so that its registers are not yet those that it will go on with? */
static boolean_t is_waiting(mach_port_t thread)
{
    thread_basic_info_data_t info;
    mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

    return thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count) != KERN_SUCCESS
        || info.run_state == TH_STATE_WAITING || info.run_state == TH_STATE_UNINTERRUPTIBLE;
}

/* Sends the thread to the entry. FALSE: it cannot be sent now. */
static boolean_t send(struct process *p, mach_port_t thread)
{
    arm_thread_state64_t state;
    mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;
    boolean_t sent = FALSE;

    if (thread_suspend(thread) != KERN_SUCCESS)
        return TRUE; /* it has ended */
    if (thread_abort(thread) == KERN_SUCCESS
        && thread_get_state(thread, ARM_THREAD_STATE64, (thread_state_t)&state, &count)
               == KERN_SUCCESS
        && !is_waiting(thread) && errand_new(p, thread, &state, NULL)) {
        sent = TRUE;
        if (thread_set_state(thread, ARM_THREAD_STATE64, (thread_state_t)&state, count)
            != KERN_SUCCESS)
            errand_free(p, p->signals.errands);
    }
    thread_resume(thread);
    return sent;
}

static void send_or_retry(struct process *p, mach_port_t thread)
{
    if (errand_of(p, thread) != NULL || send(p, thread))
        return;
    p->signals.retry.expired = retry;
    timer_set(&p->signals.retry, timer_now() + RETRY_NS);
}

void deliver(struct process *p)
{
    struct signals *s = &p->signals;

    if (s->entry == 0 || s->pending == 0 || s->not_ready || p->stopped || p->ending)
        return;
    if (s->thread != MACH_PORT_NULL && name_is_dead(s->thread)) {
        mach_port_deallocate(mach_task_self(), s->thread);
        s->thread = MACH_PORT_NULL;
    }
    if (s->thread == MACH_PORT_NULL)
        each_thread(p, take_first, &s->thread);
    if (s->thread != MACH_PORT_NULL)
        send_or_retry(p, s->thread);
}

/* The thread of an errand had no use for what is pending: perhaps the next one has. */
static void pass_on(struct process *p, struct errand *errand)
{
    struct thread_query query = {.thread = errand->thread};

    each_thread(p, take_next, &query);
    errand_free(p, errand); /* before the next: to make room for that, it may have gone by itself */
    if (query.next != MACH_PORT_NULL) {
        send_or_retry(p, query.next);
        mach_port_deallocate(mach_task_self(), query.next);
    }
}

/* ---- who waits for a signal ---- */

static struct sig_waiter *unlink_waiter(struct sig_waiter **link)
{
    struct sig_waiter *w = *link;

    *link = w->next;
    timer_set(&w->timer, 0);
    return w;
}

/* Fails if nobody is there: the thread has ended, or has left the call by siglongjmp. */
static kern_return_t answer(struct sig_waiter *w, int error, const sig_info_t *info)
{
    static const sig_info_t no_info;
    static const sig_context_t no_context;

    kern_return_t kr = S_proc_sigtake_reply(
        w->reply, error == 0 ? KERN_SUCCESS : unix_err(error), info != NULL ? *info : no_info,
        no_context, w->process->signals.pending);

    free(w);
    return kr;
}

boolean_t sig_waiter_takes(struct process *p, const sig_info_t *info)
{
    struct sig_waiter **link = &p->signals.waiters;

    while (*link != NULL) {
        if ((*link)->blocked & SIG_BIT(info->signo)) {
            link = &(*link)->next;
        } else if (answer(unlink_waiter(link), 0, info) == KERN_SUCCESS) {
            signal_given(p, info->signo);
            return TRUE;
        }
    }
    return FALSE;
}

void sig_waiters_interrupt(struct process *p)
{
    while (p->signals.waiters != NULL)
        answer(unlink_waiter(&p->signals.waiters), EINTR, NULL);
}

static void waited_enough(struct timer *timer)
{
    struct sig_waiter *w = CONTAINER(timer, struct sig_waiter, timer);
    struct sig_waiter **link = &w->process->signals.waiters;

    while (*link != w)
        link = &(*link)->next;
    answer(unlink_waiter(link), EAGAIN, NULL);
}

/* Nobody is answered: *link leaves the list. */
static void drop_waiter(struct sig_waiter **link)
{
    struct sig_waiter *w = unlink_waiter(link);

    mach_port_deallocate(mach_task_self(), w->reply);
    free(w);
}

/* Is there room for one more? A thread that ends while it waits leaves its call behind: those go first. */
static boolean_t waiter_room(struct process *p)
{
    unsigned count = 0;

    for (struct sig_waiter **link = &p->signals.waiters; *link != NULL;) {
        if (name_is_dead((*link)->reply)) {
            drop_waiter(link);
        } else {
            link = &(*link)->next;
            count++;
        }
    }
    return count < SIG_WAITERS_MAX;
}

void deliver_drop(struct process *p)
{
    struct signals *s = &p->signals;

    while (s->errands != NULL)
        errand_free(p, s->errands);
    while (s->waiters != NULL)
        drop_waiter(&s->waiters);
    timer_set(&s->retry, 0);
    if (s->thread != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), s->thread);
    s->thread = MACH_PORT_NULL;
}

/* ---- proc.defs ---- */

kern_return_t S_proc_sigconfig(mach_port_t proc, uint64_t entry, uint64_t ignored, uint64_t caught,
                               uint64_t wanted, uint64_t onstack, uint32_t flags,
                               uint64_t *pending)
{
    struct process *p = process_caller(proc);
    struct signals *s;

    if (p == NULL)
        return unix_err(ESRCH);
    s = &p->signals;
    s->entry = entry;
    s->ignored = ignored & ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
    s->caught = caught;
    s->wanted = wanted;
    s->onstack = onstack;
    s->flags = flags;
    signal_forget(p, s->ignored);
    *pending = s->pending;
    return KERN_SUCCESS;
}

kern_return_t S_proc_sigtake(mach_port_t proc, mach_port_t reply, uint32_t cookie, uint64_t blocked,
                             int64_t timeout, sig_info_t *info, sig_context_t *context,
                             uint64_t *pending)
{
    struct process *p = process_caller(proc);
    struct errand *errand = NULL;
    struct sig_waiter *w;

    *info = (sig_info_t){0};
    *context = (sig_context_t){0};
    if (p == NULL)
        return unix_err(ESRCH);
    if (cookie != 0) {
        for (errand = p->signals.errands; errand != NULL && errand->cookie != cookie;)
            errand = errand->next;
        if (errand == NULL)
            return unix_err(ESRCH);
        *context = errand->context;
        *info = errand->forced;
        if (info->signo != 0)
            signal_given(p, info->signo);
    }
    if (info->signo == 0 && !signal_take(p, blocked, info) && errand != NULL
        && p->signals.pending != 0)
        pass_on(p, errand);
    else if (errand != NULL)
        errand_free(p, errand);
    *pending = p->signals.pending;
    if (info->signo != 0 || timeout == 0 || cookie != 0)
        return KERN_SUCCESS;

    w = waiter_room(p) ? calloc(1, sizeof(*w)) : NULL;
    if (w == NULL)
        return unix_err(ENOMEM);
    w->process = p;
    w->reply = reply;
    w->blocked = blocked;
    w->next = p->signals.waiters;
    p->signals.waiters = w;
    w->timer.expired = waited_enough;
    if (timeout > 0)
        timer_set(&w->timer, timer_now() + (uint64_t)timeout);
    return MIG_NO_REPLY;
}

kern_return_t S_proc_sigdefault(mach_port_t proc, sig_info_t info)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    if (info.signo < 1 || info.signo > SIGNALS)
        return unix_err(EINVAL);
    signal_asked(p, &info);
    return KERN_SUCCESS;
}

kern_return_t S_proc_sigpending(mach_port_t proc, uint64_t *pending)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    *pending = p->signals.pending;
    return KERN_SUCCESS;
}

kern_return_t S_proc_sigaltstack(mach_port_t proc, uint64_t base, uint64_t size)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    if (base + size < base)
        return unix_err(EINVAL);
    p->signals.altstack = base;
    p->signals.altstack_size = size;
    return KERN_SUCCESS;
}

/* What comes to a thread is not kept here: an errand has room for one. */
kern_return_t S_proc_sigthread(mach_port_t proc, mach_port_t thread, int signal)
{
    struct process *p = process_caller(proc);
    struct thread_query query = {.thread = thread};
    sig_info_t info = {.signo = signal, .code = SI_TKILL};
    struct errand *errand;

    if (p == NULL)
        return unix_err(ESRCH);
    if (signal < 0 || signal > SIGNALS)
        return unix_err(EINVAL);
    each_thread(p, take_next, &query);
    if (query.next != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), query.next);
    if (!query.seen)
        return unix_err(ESRCH);
    info.pid = p->pid;
    info.uid = p->cred.ruid;
    if (signal != 0 && (p->signals.entry == 0 || !(p->signals.caught & SIG_BIT(signal))))
        signal_send(p, &info); /* what it does, it does to all */
    else if (signal != 0) {
        errand = errand_of(p, thread);
        if (errand == NULL && send(p, thread))
            errand = errand_of(p, thread);
        if (errand == NULL || errand->forced.signo != 0)
            return unix_err(EAGAIN);
        errand->forced = info;
    }
    mach_port_deallocate(mach_task_self(), thread);
    return KERN_SUCCESS;
}

kern_return_t S_proc_sigready(mach_port_t proc)
{
    struct process *p = process_caller(proc);

    if (p != NULL) {
        p->signals.not_ready = FALSE;
        deliver(p);
    }
    return KERN_SUCCESS;
}

/* (interrupt.defs) The waits of one process all wait on its own port. */
kern_return_t S_interrupt_operation(mach_port_t proc)
{
    struct process *p = process_caller(proc);

    if (p != NULL) {
        wait_interrupt(p);
        sig_waiters_interrupt(p);
    }
    return KERN_SUCCESS;
}
