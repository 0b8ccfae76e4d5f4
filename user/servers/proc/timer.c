/*
 * Timers: alarms, and calls that give up after a time. Read proc.h first.
 *
 * The server's one thread cannot sleep. A second one does, until the earliest deadline, and then sends the
 * first a message: that is all it does. It is made when there is something to wait for.
 */
#include "proc.h"

#include <cthreads.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/semaphore.h>
#include <mach/traps.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#define NSEC_PER_SEC 1000000000ULL
#define REAL_LEAST   1000000ULL /* ns, interval of ITIMER_REAL: a thousand signals a second are enough */
#define TICK_ID      0x7469636b /* "tick", of the message; nobody else has a right to the port */

static const struct port_class timer_class = {.name = "timer"};
static struct port_object timer_port;
static semaphore_t changed;  /* the sleeper's: `earliest` has changed, or a tick was served */
static uint64_t earliest;    /* atomic: when it is to wake up; 0: it is not */
static boolean_t has_sleeper;
static struct timer *timers; /* by deadline */

uint64_t timer_now(void)
{
    uint64_t count, frequency;

    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count));
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    return count / frequency * NSEC_PER_SEC + count % frequency * NSEC_PER_SEC / frequency;
}

/* The second thread. A tick is not sent again before it was served: the semaphore says so. */
static void *sleeper(void *arg)
{
    for (;;) {
        uint64_t deadline = __atomic_load_n(&earliest, __ATOMIC_SEQ_CST), now = timer_now();
        mach_msg_header_t tick = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
            .msgh_size = sizeof(tick),
            .msgh_remote_port = timer_port.port,
            .msgh_id = TICK_ID,
        };

        if (deadline != 0 && deadline > now) {
            uint64_t left = deadline - now;

            if (semaphore_timedwait(changed, left / NSEC_PER_SEC, left % NSEC_PER_SEC)
                != KERN_OPERATION_TIMED_OUT)
                continue;
        } else if (deadline != 0) {
            mach_msg(&tick, MACH_SEND_MSG, sizeof(tick), 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
                     MACH_PORT_NULL);
            semaphore_wait(changed);
        } else {
            semaphore_wait(changed);
        }
    }
    return NULL;
}

/* The sleeper learns of the first deadline. */
static void tell_sleeper(void)
{
    __atomic_store_n(&earliest, timers != NULL ? timers->deadline : 0, __ATOMIC_SEQ_CST);
    if (has_sleeper)
        semaphore_signal(changed);
    else if (timers != NULL)
        has_sleeper = mach_thread_create(sleeper, NULL, NULL) == KERN_SUCCESS;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    struct timer *first = timers, **link;

    if (timer->deadline == 0 && deadline == 0)
        return;
    if (timer->deadline != 0) {
        for (link = &timers; *link != timer; link = &(*link)->next)
            ;
        *link = timer->next;
    }
    timer->deadline = deadline;
    if (deadline != 0) {
        for (link = &timers; *link != NULL && (*link)->deadline <= deadline; link = &(*link)->next)
            ;
        timer->next = *link;
        *link = timer;
    }
    if (timers != first || first == timer)
        tell_sleeper();
}

boolean_t timer_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    uint64_t now = timer_now();
    struct timer *first;

    if (in->msgh_id != TICK_ID || in->msgh_local_port != timer_port.port)
        return FALSE;
    while ((first = timers) != NULL && first->deadline <= now) {
        timers = first->next;
        first->deadline = 0;
        first->expired(first);
    }
    tell_sleeper();
    mig_no_reply(in, out);
    return TRUE;
}

kern_return_t timer_init(void)
{
    kern_return_t kr = ports_create(&timer_port, &timer_class);

    if (kr == KERN_SUCCESS)
        kr = mach_port_insert_right(mach_task_self(), timer_port.port, timer_port.port,
                                    MACH_MSG_TYPE_MAKE_SEND);
    if (kr == KERN_SUCCESS)
        kr = semaphore_create(mach_task_self(), &changed, SYNC_POLICY_FIFO, 0);
    return kr;
}

/* ---- interval timers ---- */

/* The task's time that timer `which` counts; of ITIMER_REAL, the clock. */
static uint64_t time_of(const struct process *p, int which)
{
    uint64_t user, system;

    if (which == ITIMER_REAL)
        return timer_now();
    limit_times(p, &user, &system);
    return which == ITIMER_PROF ? user + system : user;
}

static uint64_t at_least(uint64_t time, uint64_t least)
{
    return time > least ? time : least;
}

/*
 * The kernel does not tell when a task has used so much time. But it can use no more than the clock
 * (times the processors): so it is asked when that may have happened, and then for the rest, if that is not
 * too soon.
 */
static void expired(struct timer *timer)
{
    struct interval_timer *t = CONTAINER(timer, struct interval_timer, timer);
    struct process *p = t->process;
    int which = (int)(t - p->timers);
    uint64_t now = time_of(p, which);
    sig_info_t info = {.signo = t->signal, .code = SI_KERNEL};

    if (now < t->due) {
        timer_set(timer, timer_now() + at_least(t->due - now, CPU_LOOK_NS));
        return;
    }
    if (t->interval != 0) {
        t->due += t->interval;
        if (t->due < now) /* late by more than one: they are not made up for */
            t->due = now + t->interval;
        timer_set(timer, timer_now() + (t->due - now));
    }
    signal_send(p, &info);
}

static kern_return_t make_timers(struct process *p)
{
    static const int signals[INTERVAL_TIMERS] = {
        [ITIMER_REAL] = SIGALRM, [ITIMER_VIRTUAL] = SIGVTALRM, [ITIMER_PROF] = SIGPROF};

    if (p->timers != NULL)
        return KERN_SUCCESS;
    p->timers = calloc(INTERVAL_TIMERS, sizeof(*p->timers));
    if (p->timers == NULL)
        return KERN_RESOURCE_SHORTAGE;
    for (int i = 0; i < INTERVAL_TIMERS; i++) {
        p->timers[i].process = p;
        p->timers[i].signal = signals[i];
        p->timers[i].timer.expired = expired;
    }
    return KERN_SUCCESS;
}

kern_return_t S_proc_setitimer(mach_port_t proc, int which, int64_t value, int64_t interval,
                               int64_t *old_value, int64_t *old_interval)
{
    struct process *p = process_caller(proc);
    struct interval_timer *t;
    uint64_t now;

    if (p == NULL)
        return unix_err(ESRCH);
    if (which < 0 || which >= INTERVAL_TIMERS || interval < 0)
        return unix_err(EINVAL);
    if (make_timers(p) != KERN_SUCCESS)
        return unix_err(ENOMEM);
    t = &p->timers[which];
    now = time_of(p, which);
    *old_value = 0;
    if (t->timer.deadline != 0) /* due, but not told yet: as little as there is */
        *old_value = t->due > now ? (int64_t)(t->due - now) : 1;
    *old_interval = (int64_t)t->interval;
    if (value < 0)
        return KERN_SUCCESS;
    t->interval = (uint64_t)interval;
    if (interval > 0) /* POSIX lets a short one be longer: it is the server's time, too */
        t->interval = at_least(t->interval, which == ITIMER_REAL ? REAL_LEAST : CPU_LOOK_NS);
    t->due = now + (uint64_t)value;
    timer_set(&t->timer, value != 0 ? timer_now() + (uint64_t)value : 0);
    return KERN_SUCCESS;
}

void timer_drop(struct process *p)
{
    timer_set(&p->cpu_limit, 0);
    if (p->timers == NULL)
        return;
    for (int i = 0; i < INTERVAL_TIMERS; i++)
        timer_set(&p->timers[i].timer, 0);
    free(p->timers);
    p->timers = NULL;
}
