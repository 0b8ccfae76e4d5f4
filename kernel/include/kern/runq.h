/*
 * A run queue: 128 priorities (127 highest), round robin within one, a bit map to find the highest.
 */
#ifndef _KERN_RUNQ_H_
#define _KERN_RUNQ_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <stdint.h>

#define NRQS 128

struct runq {
    spinlock_t lock;
    uint32_t count;         /* threads in all queues; read without the lock as a hint */
    uint64_t bitmap[2];     /* bit p of the pair: queues[p] is not empty */
    struct queue queues[NRQS];
};

#endif
