/*
 * A run queue: 128 priorities (127 highest), round robin within one, a bit map to find the highest.
 */
#ifndef _KERN_RUNQ_H_
#define _KERN_RUNQ_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <stdint.h>

struct cpu;
struct thread;

#define NRQS 128

struct runq {
    spinlock_t lock;
    uint32_t count;         /* threads in all queues; read without the lock as a hint */
    uint64_t bitmap[2];     /* bit p of the pair: queues[p] is not empty */
    struct queue queues[NRQS];
};

void runq_init(struct runq *runq);
/* The highest bit in a bit map of priorities, -1 if it is empty. */
static inline int bitmap_highest(const uint64_t bitmap[2])
{
    if (bitmap[1] != 0)
        return 127 - __builtin_clzl(bitmap[1]);
    if (bitmap[0] != 0)
        return 63 - __builtin_clzl(bitmap[0]);
    return -1;
}
/* The highest priority in the queue, -1 if it is empty. Without its lock only a hint. */
static inline int runq_highest(const struct runq *runq)
{
    return bitmap_highest(runq->bitmap);
}

/* Puts a runnable thread, whose lock is held, into the queue of cpu. head: it was preempted, and has
 * the rest of its slice to come. */
void runq_add(struct cpu *cpu, struct thread *thread, bool head);
/* The first of the highest priority, if that is at least min; else NULL. It is the caller's to
 * run. */
struct thread *runq_take(struct cpu *cpu, int min);
/* A thread from the longest of the other CPUs' queues, the caller's to run; NULL: there is none. */
struct thread *runq_steal(struct cpu *cpu);
/* Takes thread (its lock is held) off the run queue it is in. False: it is in none. */
bool runq_remove(struct thread *thread);
/* Usage of threads that wait for the CPU decays, too: nobody starves for what he used long ago. */
void runq_age(struct runq *runq);

#endif
