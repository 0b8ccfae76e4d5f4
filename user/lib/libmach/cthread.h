/* A thread as libmach sees it; shared by cthreads.c and sync.c. */
#ifndef _CTHREAD_H_
#define _CTHREAD_H_

#include <cthreads.h>
#include <mach/mach.h>

struct cthread {
    struct mach_tcb tcb; /* first: TPIDR_EL0 points here */
    semaphore_t wake;    /* this thread waits on it, for a mutex or a condition */
    unsigned generation; /* mach_fork_generation of the semaphore's name */
    semaphore_t done;    /* signalled when the thread has stopped for good */
    thread_t port;       /* a send right, to terminate it by */
    uint32_t detached;   /* atomic: 1 detached, 2 ended */
    struct cthread *next; /* in a queue of waiters, or of those that ended */
    vm_address_t memory; /* guard, stack and this block */
    vm_size_t size;
};

#endif
