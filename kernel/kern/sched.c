/*
 * The scheduler: which thread runs, where, and how a CPU gets from one to the next. Read
 * kern/sched.h, kern/runq.h and kern/thread.h first.
 *
 * THE SWITCH. The outgoing thread takes its own lock, decides what becomes of it (waits, stops,
 * stays runnable), picks the next, and switches with the lock held; the incoming one, on the
 * outgoing one's behalf, puts it on a run queue if it is runnable, and releases the lock
 * (thread_continue). So:
 *   - a thread in a run queue has its registers saved; whoever takes it out may run it at once;
 *   - a waker, who needs the thread's lock, waits out the switch; no wake-up comes too early or is
 *     lost.
 *
 * CPUs. Each has a run queue. A woken thread goes to an idle CPU, if there is one, else to where it
 * ran last; a CPU that runs out of threads takes one from another's queue.
 *
 * The rest: runq.c the run queues, priority.c who matters more, inherit.c for whom else, ast.c stopping at
 * the border to user mode.
 */
#include <grade.h>
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/inherit.h>
#include <kern/sched.h>
#include <kern/switch.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/trace.h>
#include <vm/vm_map.h>

struct cpu cpus[MAX_CPUS];
uint32_t cpu_count;

/* ---- placing a thread ---- */

/* Where a thread that has become runnable should go. *claimed: that CPU was idle and has to be
 * poked. */
static struct cpu *choose_cpu(struct thread *thread, bool *claimed)
{
    struct cpu *last = thread->machine.cpu;

    *claimed = false;
    if (cpu_count <= 1)
        return current_cpu();
    for (uint32_t i = 0; i < cpu_count; i++) {
        struct cpu *cpu = &cpus[(last->number + i) % cpu_count];

        /* The exchange makes sure that two wakers do not choose the same one. */
        if (cpu->idle && __atomic_exchange_n(&cpu->idle, false, __ATOMIC_SEQ_CST)) {
            *claimed = true;
            return cpu;
        }
    }
    return last;
}

void sched_request_preempt(struct cpu *cpu, int priority)
{
    struct thread *running;

    /* It was queued before: who comes after `running` looks there (thread_switch_begin has the other
     * fence), or is who we see. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    running = cpu->current;
    if (priority <= running->sched_priority && running != cpu->idle_thread)
        return;
    ast_set(running, AST_PREEMPT);
    if (cpu != current_cpu())
        machine_poke_cpu(cpu->number);
}

void thread_setrun(struct thread *thread)
{
    struct cpu *cpu;
    bool claimed;

    thread->state = TH_RUNNABLE;
    if (thread->on_cpu)
        return; /* on its way out: thread_block will see, or thread_continue queue it */
    sched_update_usage(thread);
    cpu = choose_cpu(thread, &claimed);
    runq_add(cpu, thread, false);
    if (!claimed)
        sched_request_preempt(cpu, thread->sched_priority);
    else if (cpu != current_cpu())
        machine_poke_cpu(cpu->number);
}

void thread_go(thread_t thread, wait_result_t result)
{
    if (__builtin_expect((thread->ast & AST_LENDS) != 0, 0))
        inherit_withdraw(thread);
    spin_lock(&thread->lock);
    thread->wait_result = result;
    thread_setrun(thread);
    spin_unlock(&thread->lock);
}

/* ---- the switch ---- */

void thread_continue(struct thread *old)
{
    /* What is needed of old is read first: without on_cpu, who owns its wake-up may run it
     * elsewhere. */
    uint8_t state = old->state;
    bool watched = old->watched;

    old->watched = false;
    __atomic_store_n(&old->on_cpu, false, __ATOMIC_RELEASE);
    if (state == TH_RUNNABLE) {
        struct cpu *cpu = current_cpu();
        bool head = old->slice > 0;

        if (!head)
            old->slice = SLICE_TICKS;
        if (old != cpu->idle_thread) {
            runq_add(cpu, old, head);
            sched_request_preempt(cpu, old->sched_priority); /* woken on its way out: it may matter more */
        }
    }
    spin_unlock(&old->lock);
    if (watched)
        event_wakeup(&old->ast);
    if (state == TH_DEAD)
        thread_reap(old);
}

/* Runs next, which is the caller's to run (out of a run queue, or its wake-up owned). self's lock
 * is held and its state says what becomes of it. Returns self, when it runs again: to be used from there
 * on, since no register has kept the old one. */
static inline __attribute__((always_inline)) struct thread *switch_to(struct thread *self,
                                                                      struct thread *next)
{
    struct thread *old;

    trace(TRACE_SWITCH, next, 0);
    next->csw++;
    thread_switch_begin(self, next);
    machine_switch_prepare(self, next);
    if (self->machine.pmap != next->machine.pmap)
        pmap_activate(next->machine.pmap);
    old = machine_switch(&self, next);
    if (__builtin_expect(old->state == TH_WAITING && !old->watched, 1)) {
        __atomic_store_n(&old->on_cpu, false, __ATOMIC_RELEASE);
        spin_unlock(&old->lock);
    } else {
        thread_continue(old);
    }
    return self;
}

/* self cannot go on: its lock is held. Runs whatever there is to run, the idle thread if
 * nothing. */
static __attribute__((noinline)) void switch_away(struct thread *self)
{
    struct cpu *cpu = self->machine.cpu;
    struct thread *next = runq_take(cpu, 0);

    cpu->answered = false;
    if (next == NULL)
        next = runq_steal(cpu);
    if (next == NULL) {
        next = cpu->idle_thread;
        if (cpu->number == 0)
            grade_idle();
    }
    switch_to(self, next);
}

/* After a wait, in the thread itself. */
static inline wait_result_t wait_done(struct thread *self)
{
    if (self->wait_timer.armed)
        timer_cancel(&self->wait_timer);
    return self->wait_result;
}

wait_result_t thread_block(void)
{
    struct thread *self = current_thread();

    spin_assert_none();
    spin_lock(&self->lock);
    if (self->state == TH_RUNNABLE)
        spin_unlock(&self->lock); /* woken already, or never made to wait */
    else
        switch_away(self);
    return wait_done(self);
}

/* self, which is locked, waits: the CPU goes straight to next, whose wake-up is ours, past the run
 * queues, unless a higher priority is in this CPU's. */
static inline __attribute__((always_inline)) wait_result_t thread_handoff(struct thread *self,
                                                                          struct thread *next)
{
    struct runq *runq = &self->machine.cpu->runq;

    if (__builtin_expect(__atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE) /* still elsewhere */
                         || (runq->count != 0 && runq_highest(runq) > next->sched_priority), 0)) {
        spin_unlock(&self->lock);
        thread_go(next, THREAD_AWAKENED);
        return thread_block();
    }
    /* No lock of next's: its wake-up is ours, and all else about it (suspension, termination) is
     * settled by its AST when it reaches the border to user mode. */
    next->wait_result = THREAD_AWAKENED;
    next->state = TH_RUNNABLE;
    next->slice = self->slice;
    return wait_done(switch_to(self, next));
}

wait_result_t thread_block_handoff(thread_t next)
{
    struct thread *self = current_thread();

    spin_assert_none();
    spin_lock(&self->lock);
    if (self->state != TH_RUNNABLE)
        return thread_handoff(self, next);
    spin_unlock(&self->lock); /* woken already */
    thread_go(next, THREAD_AWAKENED);
    return wait_done(self);
}

wait_result_t waitq_wait(struct waitq *wq, uint64_t deadline, thread_t next)
{
    struct thread *self = current_thread();

    assert(spin_holding(wq->lock));
    spin_lock(&self->lock);
    if (__builtin_expect(!thread_begin_wait(self, wq, true, deadline), 0)) {
        spin_unlock(&self->lock);
        spin_unlock(wq->lock);
        if (next != NULL)
            thread_go(next, THREAD_AWAKENED);
        return THREAD_INTERRUPTED;
    }
    enqueue_tail(&wq->threads, &self->wait_link);
    spin_unlock(wq->lock);
    if (inherit_would_lend(self)) {
        spin_unlock(&self->lock);
        inherit_update(self);
        return next != NULL ? thread_block_handoff(next) : thread_block();
    }
    if (__builtin_expect(next != NULL, 1))
        return thread_handoff(self, next);
    switch_away(self);
    return wait_done(self);
}

void thread_stop_self(struct thread *self, int state)
{
    self->state = state;
    switch_away(self);
}

bool sched_yield(struct thread *self)
{
    struct thread *next;

    spin_assert_none();
    spin_lock(&self->lock);
    next = runq_take(self->machine.cpu, self->sched_priority);
    if (next == NULL) {
        if (self->slice <= 0)
            self->slice = SLICE_TICKS;
        spin_unlock(&self->lock);
        return false;
    }
    switch_to(self, next);
    return true;
}

bool thread_yield(void)
{
    struct thread *self = current_thread();

    self->slice = 0;
    return sched_yield(self);
}

bool thread_switch_to(struct thread *next)
{
    struct thread *self = current_thread();

    spin_assert_none();
    spin_lock(&next->lock);
    if (!runq_remove(next)) {
        spin_unlock(&next->lock);
        return false;
    }
    spin_unlock(&next->lock); /* in no queue, yet runnable: nobody but us can run it */
    spin_lock(&self->lock);
    switch_to(self, next);
    wait_done(self);
    return true;
}

/* ---- CPUs ---- */

static void idle_loop(void *unused)
{
    struct thread *self = current_thread();
    struct cpu *cpu = current_cpu();

    for (;;) {
        struct thread *next = runq_take(cpu, 0);

        if (next == NULL)
            next = runq_steal(cpu);
        if (next != NULL) {
            sched_start_ticks(cpu);
            ast_clear(self, AST_PREEMPT);
            spin_lock(&self->lock);
            switch_to(self, next);
            continue;
        }
        /* Say so first, look once more after: a waker queues first, and looks at `idle` after. */
        __atomic_store_n(&cpu->idle, true, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&cpu->runq.count, __ATOMIC_SEQ_CST) == 0)
            machine_idle();
        __atomic_store_n(&cpu->idle, false, __ATOMIC_SEQ_CST);
    }
}

void sched_start_cpu(void)
{
    struct thread *self = current_thread();
    struct cpu *cpu = current_cpu();

    if (self != cpu->idle_thread) {
        spin_lock_init(&self->lock, LOCK_THREAD);
        spin_lock(&self->lock);
        self->state = TH_SUSPENDED; /* for ever */
        self->on_cpu = true;
        self->task = kernel_task;
        switch_to(self, cpu->idle_thread);
        panic("sched_start_cpu: the boot context of CPU %u was resumed", cpu->number);
    }
    idle_loop(NULL);
    __builtin_unreachable();
}

void sched_init(void)
{
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        runq_init(&cpus[i].runq);
    sched_priority_init();
    inherit_init();
    waitq_system_init();
    timer_system_init();
}

/* After thread_init: threads for the CPUs to idle in. */
void sched_create_idle_threads(void)
{
    for (uint32_t i = 0; i < boot_info.cpus; i++) {
        struct thread *idle = kernel_thread_create("idle", idle_loop, NULL, 0);

        if (idle == NULL)
            panic("sched: no memory for the idle thread of CPU %u", i);
        idle->state = TH_RUNNABLE;
        idle->machine.cpu = &cpus[i];
        cpus[i].idle_thread = idle;
    }
}
