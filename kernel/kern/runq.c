/*
 * The run queues: putting threads in, taking the most important one out, one's own or another CPU's.
 * Read kern/runq.h first.
 */
#include <kern/cpu.h>
#include <kern/runq.h>
#include <kern/thread.h>

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

void runq_add(struct cpu *cpu, struct thread *thread, bool head)
{
    spin_lock(&cpu->runq.lock);
    thread->runq_cpu = cpu->number;
    runq_link(&cpu->runq, thread, head);
    spin_unlock(&cpu->runq.lock);
}

struct thread *runq_take(struct cpu *cpu, int min)
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

bool runq_remove(struct thread *thread)
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

struct thread *runq_steal(struct cpu *cpu)
{
    struct cpu *victim = NULL;

    for (uint32_t i = 0; i < cpu_count; i++) {
        if (&cpus[i] != cpu && cpus[i].runq.count > (victim != NULL ? victim->runq.count : 0))
            victim = &cpus[i];
    }
    return victim != NULL ? runq_take(victim, 0) : NULL;
}

void runq_age(struct runq *runq)
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

        sched_update_usage(thread);
        runq_link(runq, thread, false);
    }
    spin_unlock(&runq->lock);
}

void runq_init(struct runq *runq)
{
    spin_lock_init(&runq->lock, LOCK_RUNQ);
    for (int p = 0; p < NRQS; p++)
        queue_init(&runq->queues[p]);
}
