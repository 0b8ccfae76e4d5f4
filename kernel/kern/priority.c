/*
 * How important a thread is, and for how long: priorities, usage and its decay, ticks, depression.
 * Read kern/sched.h and sched.c first.
 *
 * PRIORITIES. 0 to 127. A user thread's base priority (up to PRIORITY_USER_MAX) is lowered by what
 * it used of the CPU; usage is counted in ticks and halves every DECAY_MS. Above that, priorities
 * are fixed. On top of that comes what the thread inherits (inherit.c).
 */
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/sched.h>
#include <kern/thread.h>

#define TICK_MS     10
#define DECAY_MS    160    /* also how long a new hog may keep an old one waiting, roughly */
#define USAGE_SHIFT 1      /* 2 ticks of usage cost one priority: a CPU hog ends 8 to 16 lower */

static struct timer ticks[MAX_CPUS];
static uint64_t tick_interval;
static uint64_t decay_interval;

void sched_update_usage(struct thread *thread)
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
    if (thread->inherited > thread->sched_priority && !thread->depressed)
        thread->sched_priority = thread->inherited;
}

void sched_reprioritize(struct thread *thread)
{
    uint32_t number = thread->runq_cpu;
    bool queued = runq_remove(thread);

    sched_update_usage(thread);
    if (queued) {
        runq_add(&cpus[number], thread, false);
        sched_request_preempt(&cpus[number], thread->sched_priority);
    } else if (thread->on_cpu) {
        /* Perhaps no longer the most important one: its yield finds out. */
        ast_set(thread, AST_PREEMPT);
        if (thread != current_thread())
            machine_poke_cpu(thread->machine.cpu->number);
    }
}

void sched_hurry(struct thread *thread)
{
    uint32_t number = thread->runq_cpu;
    int priority = current_thread()->sched_priority;

    if (thread->sched_priority >= priority || !runq_remove(thread))
        return;
    thread->sched_priority = priority; /* until sched_update_usage computes it again */
    runq_add(&cpus[number], thread, true);
}

/* ---- ticks ---- */

/* Time is told apart roughly: what passed since the last charge is user time if the thread is found
 * at the border or by a tick (the kernel runs with interrupts masked, so a tick finds user code),
 * system time if it blocks inside. */
void sched_charge_user(struct thread *self)
{
    uint64_t now = machine_time();

    self->user_time += now - self->time_stamp;
    self->time_stamp = now;
}

/* Charges the running thread; sets AST_PREEMPT when its slice is over. */
static void sched_tick(void)
{
    struct thread *self = current_thread();
    struct cpu *cpu = current_cpu();
    uint32_t stamp = self->usage_stamp;
    int highest;

    if (self == cpu->idle_thread)
        return;
    sched_charge_user(self);
    spin_lock(&self->lock);
    self->slice--;
    self->usage++;
    sched_update_usage(self);
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

void sched_start_ticks(struct cpu *cpu)
{
    struct timer *timer = &ticks[cpu->number];

    if (!timer->armed)
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
    sched_update_usage(self);
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
    sched_update_usage(self);
    spin_unlock(&self->lock);
}

void sched_priority_init(void)
{
    tick_interval = machine_time_frequency() * TICK_MS / 1000;
    decay_interval = machine_time_frequency() * DECAY_MS / 1000;
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        timer_init(&ticks[i], tick_expired);
}
