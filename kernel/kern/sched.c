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
 * PRIORITIES. 0 to 127. A user thread's base priority (up to PRIORITY_USER_MAX) is lowered by what
 * it used of the CPU; usage is counted in ticks and halves every DECAY_MS. Above that, priorities
 * are fixed.
 *
 * CPUs. Each has a run queue. A woken thread goes to an idle CPU, if there is one, else to where it
 * ran last; a CPU that runs out of threads takes one from another's queue.
 */
#include <grade.h>
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/trace.h>

#define TICK_MS     10
#define SLICE_TICKS 2      /* 20 ms until the next thread of the same priority has its turn */
#define DECAY_MS    160    /* also how long a new hog may keep an old one waiting, roughly */
#define USAGE_SHIFT 1      /* 2 ticks of usage cost one priority: a CPU hog ends 8 to 16 lower */

struct cpu cpus[MAX_CPUS];
uint32_t cpu_count;

static struct timer ticks[MAX_CPUS];
static uint64_t tick_interval;
static uint64_t decay_interval;

/* ---- run queues ---- */

static void runq_link(struct runq *runq, struct thread *thread, bool head)
{
    uint32_t priority = thread->sched_priority;

    if (head)
        enqueue_head(&runq->queues[priority], &thread->run_link);
    else
        enqueue_tail(&runq->queues[priority], &thread->run_link);
    runq->bitmap[priority / 64] |= 1UL << priority % 64;
    runq->count++;
}

static void runq_unlink(struct runq *runq, struct thread *thread)
{
    uint32_t priority = thread->sched_priority;

    queue_remove(&thread->run_link);
    if (queue_empty(&runq->queues[priority]))
        runq->bitmap[priority / 64] &= ~(1UL << priority % 64);
    runq->count--;
}

/* The highest priority in the queue, -1 if it is empty. Without its lock only a hint. */
static inline int runq_highest(const struct runq *runq)
{
    if (runq->bitmap[1] != 0)
        return 127 - __builtin_clzl(runq->bitmap[1]);
    if (runq->bitmap[0] != 0)
        return 63 - __builtin_clzl(runq->bitmap[0]);
    return -1;
}

/* thread->lock is held. head: it was preempted, and has the rest of its slice to come. */
static void runq_add(struct cpu *cpu, struct thread *thread, bool head)
{
    spin_lock(&cpu->runq.lock);
    thread->runq_cpu = cpu->number;
    runq_link(&cpu->runq, thread, head);
    spin_unlock(&cpu->runq.lock);
}

/* The first of the highest priority, if that is at least min; else NULL. It is the caller's to
 * run. */
static struct thread *runq_take(struct cpu *cpu, int min)
{
    struct thread *thread = NULL;
    int highest;

    if (cpu->runq.count == 0)
        return NULL;
    spin_lock(&cpu->runq.lock);
    highest = runq_highest(&cpu->runq);
    if (highest >= 0 && highest >= min) {
        thread = queue_first(&cpu->runq.queues[highest], struct thread, run_link);
        runq_unlink(&cpu->runq, thread);
        thread->runq_cpu = -1;
    }
    spin_unlock(&cpu->runq.lock);
    return thread;
}

/* Takes thread (its lock is held) off the run queue it is in. False: it is in none. */
static bool runq_remove(struct thread *thread)
{
    int32_t number = thread->runq_cpu; /* can only become -1 while we hold the thread's lock */
    struct runq *runq;
    bool found;

    if (number < 0)
        return false;
    runq = &cpus[number].runq;
    spin_lock(&runq->lock);
    found = thread->runq_cpu == number;
    if (found) {
        runq_unlink(runq, thread);
        thread->runq_cpu = -1;
    }
    spin_unlock(&runq->lock);
    return found;
}

/* ---- priorities ---- */

/* Lets usage decay, and computes the priority in force. thread->lock is held; or the lock of the
 * run queue that it was just unlinked from. */
static void usage_update(struct thread *thread)
{
    uint32_t stamp = machine_time() / decay_interval;
    uint32_t periods = stamp - thread->usage_stamp;

    if (periods != 0) {
        thread->usage = periods < 32 ? thread->usage >> periods : 0;
        thread->usage_stamp = stamp;
    }
    thread->sched_priority = thread->priority;
    if (thread->depressed)
        thread->sched_priority = 0;
    else if (thread->priority > 0 && thread->priority <= PRIORITY_USER_MAX)
        thread->sched_priority -= MIN(thread->usage >> USAGE_SHIFT, thread->priority - 1U);
}

/* Usage of threads that wait for the CPU decays, too: nobody starves for what he used long ago. */
static void runq_age(struct runq *runq)
{
    struct queue all = QUEUE_INITIALIZER(all);
    struct queue *link;
    int priority;

    spin_lock(&runq->lock);
    while ((priority = runq_highest(runq)) >= 0) {
        struct thread *thread = queue_first(&runq->queues[priority], struct thread, run_link);

        runq_unlink(runq, thread);
        enqueue_tail(&all, &thread->run_link);
    }
    while ((link = dequeue_head(&all)) != NULL) {
        struct thread *thread = queue_entry(link, struct thread, run_link);

        usage_update(thread);
        runq_link(runq, thread, false);
    }
    spin_unlock(&runq->lock);
}

/* ---- placing a thread ---- */

/* Where a thread that has become runnable should go. *claimed: that CPU was idle and has to be
 * poked. */
static struct cpu *choose_cpu(struct thread *thread, bool *claimed)
{
    struct cpu *last = &cpus[thread->last_cpu];

    *claimed = false;
    if (cpu_count <= 1)
        return current_cpu();
    for (uint32_t i = 0; i < cpu_count; i++) {
        struct cpu *cpu = &cpus[(thread->last_cpu + i) % cpu_count];

        /* The exchange makes sure that two wakers do not choose the same one. */
        if (cpu->idle && __atomic_exchange_n(&cpu->idle, false, __ATOMIC_SEQ_CST)) {
            *claimed = true;
            return cpu;
        }
    }
    return last;
}

/* Makes cpu look at its run queue, where a thread of this priority was put. */
static void request_preempt(struct cpu *cpu, int priority)
{
    struct thread *running = cpu->current;

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
    usage_update(thread);
    cpu = choose_cpu(thread, &claimed);
    runq_add(cpu, thread, false);
    if (!claimed)
        request_preempt(cpu, thread->sched_priority);
    else if (cpu != current_cpu())
        machine_poke_cpu(cpu->number);
}

void thread_go(thread_t thread, wait_result_t result)
{
    spin_lock(&thread->lock);
    thread->wait_result = result;
    thread_setrun(thread);
    spin_unlock(&thread->lock);
}

void sched_reprioritize(struct thread *thread)
{
    uint32_t number = thread->runq_cpu;
    bool queued = runq_remove(thread);

    usage_update(thread);
    if (queued) {
        runq_add(&cpus[number], thread, false);
        request_preempt(&cpus[number], thread->sched_priority);
    } else if (thread->on_cpu) {
        /* Perhaps no longer the most important one: its yield finds out. */
        ast_set(thread, AST_PREEMPT);
        if (thread != current_thread())
            machine_poke_cpu(thread->last_cpu);
    }
}

void sched_hurry(struct thread *thread)
{
    uint32_t number = thread->runq_cpu;
    int priority = current_thread()->sched_priority;

    if (thread->sched_priority >= priority || !runq_remove(thread))
        return;
    thread->sched_priority = priority; /* until usage_update computes it again */
    runq_add(&cpus[number], thread, true);
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
            request_preempt(cpu, old->sched_priority); /* woken on its way out: it may matter more */
        }
    }
    spin_unlock(&old->lock);
    if (watched)
        event_wakeup(&old->ast);
    if (state == TH_DEAD)
        thread_reap(old);
}

/* Runs next, which is the caller's to run (out of a run queue, or its wake-up owned). self's lock
 * is held and its state says what becomes of it. Returns when self runs again. */
static inline void switch_to(struct thread *self, struct thread *next)
{
    struct cpu *cpu = self->machine.cpu;
    uint64_t now = machine_time();

    next->on_cpu = true;
    next->last_cpu = cpu->number;
    next->csw++;
    self->system_time += now - self->time_stamp;
    next->time_stamp = now;
    trace(TRACE_SWITCH, next, 0);
    cpu->current = next;
    /* Who sets next's AST_HALT and then finds it on no CPU relies on its seeing the AST later. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    machine_switch_prepare(self, next);
    thread_continue(machine_switch(self, next));
}

/* A thread from the longest of the other CPUs' queues. */
static struct thread *steal(struct cpu *cpu)
{
    struct cpu *victim = NULL;

    for (uint32_t i = 0; i < cpu_count; i++) {
        if (&cpus[i] != cpu && cpus[i].runq.count > (victim != NULL ? victim->runq.count : 0))
            victim = &cpus[i];
    }
    return victim != NULL ? runq_take(victim, 0) : NULL;
}

/* self cannot go on: its lock is held. Runs whatever there is to run, the idle thread if
 * nothing. */
static void switch_away(struct thread *self)
{
    struct cpu *cpu = self->machine.cpu;
    struct thread *next = runq_take(cpu, 0);

    if (next == NULL)
        next = steal(cpu);
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

wait_result_t thread_handoff(thread_t next, wait_result_t result)
{
    struct thread *self = current_thread();

    spin_assert_none();
    spin_lock(&self->lock);
    if (self->state == TH_RUNNABLE                              /* woken already */
        || __atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE)     /* not yet switched out elsewhere */
        || runq_highest(&self->machine.cpu->runq) > next->sched_priority) {
        spin_unlock(&self->lock);
        thread_go(next, result);
        return thread_block();
    }
    /* No lock of next's: its wake-up is ours, and all else about it (suspension, termination) is
     * settled by its AST when it reaches the border to user mode. */
    next->wait_result = result;
    next->state = TH_RUNNABLE;
    next->slice = self->slice;
    switch_to(self, next);
    return wait_done(self);
}

void thread_stop_self(struct thread *self, int state)
{
    self->state = state;
    switch_away(self);
}

/* The same as thread_yield, keeping the rest of the time slice. */
static bool yield(struct thread *self)
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
    return yield(self);
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

bool preempt_point(void)
{
    struct thread *self = current_thread();

    spin_assert_none();
    machine_take_interrupts();
    if ((self->ast & AST_PREEMPT) != 0) {
        ast_clear(self, AST_PREEMPT);
        yield(self);
    }
    return (self->ast & AST_TERMINATE) == 0;
}

/* ---- the border to user mode ---- */

/* Time is told apart roughly: what passed since the last charge is user time if the thread is found
 * at the border or by a tick (the kernel runs with interrupts masked, so a tick finds user code),
 * system time if it blocks inside. */
static void charge_user(struct thread *self)
{
    uint64_t now = machine_time();

    self->user_time += now - self->time_stamp;
    self->time_stamp = now;
}

void ast_taken(void)
{
    struct thread *self = current_thread();
    uint32_t ast;

    while ((ast = __atomic_load_n(&self->ast, __ATOMIC_SEQ_CST)) != 0) {
        if ((ast & AST_TERMINATE) != 0)
            thread_terminate_self();
        /* What was to be aborted is over: the next operation is not meant. */
        ast_clear(self, AST_ABORT | AST_PREEMPT);
        charge_user(self);
        if ((ast & AST_HALT) != 0) {
            spin_lock(&self->lock);
            if ((self->suspend_count > 0 || self->task_held) && (self->ast & AST_TERMINATE) == 0) {
                thread_stop_self(self, TH_SUSPENDED);
            } else {
                ast_clear(self, AST_HALT);
                spin_unlock(&self->lock);
            }
        } else if ((ast & AST_PREEMPT) != 0) {
            self->at_border = true;
            yield(self);
            self->at_border = false;
        }
    }
}

void thread_wait_off_cpu(struct thread *thread, bool settled)
{
    for (;;) {
        bool done;

        event_assert_wait(&thread->ast, false, DEADLINE_NONE);
        spin_lock(&thread->lock);
        if (thread->suspend_count == 0 && !thread->task_held) {
            done = true; /* resumed by somebody else: nothing to wait for */
        } else if (__atomic_load_n(&thread->on_cpu, __ATOMIC_SEQ_CST)) {
            done = false;
            machine_poke_cpu(thread->last_cpu);
        } else {
            done = !settled || thread->state == TH_SUSPENDED || thread->state == TH_WAITING
                   || thread->state == TH_DEAD || thread->at_border;
            if (!done)
                sched_hurry(thread);
        }
        thread->watched |= !done;
        spin_unlock(&thread->lock);
        if (done) {
            event_cancel_wait();
            return;
        }
        thread_block();
    }
}

/* ---- ticks ---- */

void sched_tick(void)
{
    struct thread *self = current_thread();
    struct cpu *cpu = current_cpu();
    uint32_t stamp = self->usage_stamp;
    int highest;

    if (self == cpu->idle_thread)
        return;
    charge_user(self);
    spin_lock(&self->lock);
    self->slice--;
    self->usage++;
    usage_update(self);
    if (self->usage_stamp != stamp)
        runq_age(&cpu->runq);
    highest = runq_highest(&cpu->runq);
    if (highest > self->sched_priority || (highest == self->sched_priority && self->slice <= 0))
        ast_set(self, AST_PREEMPT);
    else if (self->slice <= 0)
        self->slice = SLICE_TICKS;
    spin_unlock(&self->lock);
}

/* An idle CPU has no ticks: they stop here, and begin again where it finds work. */
static void tick_expired(struct timer *timer)
{
    sched_tick();
    if (current_thread() != current_cpu()->idle_thread)
        timer_arm(timer, machine_time() + tick_interval);
}

/* Of 1000: a thread that runs all the time has between one and two DECAY_MS of usage. */
uint32_t sched_cpu_usage(const struct thread *thread)
{
    return MIN(1000, thread->usage * 1000 * TICK_MS / (DECAY_MS + DECAY_MS / 2));
}

/* ---- depression: thread_switch (thread_act.c) ---- */

void sched_depress(struct thread *self, uint32_t ms)
{
    spin_lock(&self->lock);
    self->depressed = true;
    usage_update(self);
    timer_arm(&self->wait_timer, deadline_after_ms(ms));
    spin_unlock(&self->lock);
}

/* wait_timer went off while the thread did not wait. */
void sched_depress_expired(struct thread *thread)
{
    spin_lock(&thread->lock);
    if (thread->depressed) {
        thread->depressed = false;
        sched_reprioritize(thread);
    }
    spin_unlock(&thread->lock);
}

void sched_depress_end(struct thread *self)
{
    if (self->wait_timer.armed)
        timer_cancel(&self->wait_timer);
    spin_lock(&self->lock);
    self->depressed = false;
    usage_update(self);
    spin_unlock(&self->lock);
}

/* ---- CPUs ---- */

static void idle_loop(void *unused)
{
    struct thread *self = current_thread();
    struct cpu *cpu = current_cpu();

    for (;;) {
        struct thread *next = runq_take(cpu, 0);

        if (next == NULL)
            next = steal(cpu);
        if (next != NULL) {
            if (!ticks[cpu->number].armed)
                timer_arm(&ticks[cpu->number], machine_time() + tick_interval);
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
    tick_interval = machine_time_frequency() * TICK_MS / 1000;
    decay_interval = machine_time_frequency() * DECAY_MS / 1000;
    for (uint32_t i = 0; i < MAX_CPUS; i++) {
        struct runq *runq = &cpus[i].runq;

        spin_lock_init(&runq->lock, LOCK_RUNQ);
        for (int p = 0; p < NRQS; p++)
            queue_init(&runq->queues[p]);
        timer_init(&ticks[i], tick_expired);
    }
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
        idle->last_cpu = i;
        cpus[i].idle_thread = idle;
    }
}
