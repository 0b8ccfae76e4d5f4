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
    /* pthreads' (user/lib/libc/pthread.c) */
    struct __pthread_cleanup *cleanups;
    void *values;         /* by key */
    uint32_t cancel;      /* CANCEL_*, atomic */
    uint32_t cancel_lock; /* on waiting_on */
    uint32_t *waiting_on; /* the condition's word */
};

#define CANCEL_PENDING  1
#define CANCEL_DISABLED 2

/* What pthreads need of threads beyond cthreads.h. The size is of the stack, in bytes. */
kern_return_t mach_thread_create_sized(void *(*start)(void *), void *arg, vm_size_t stack_size,
                                       boolean_t detached, cthread_t *thread);
boolean_t mach_thread_is_detached(cthread_t thread);
/* One thread less; how many there are now. */
uint32_t mach_thread_leave(void);
/* Called by each thread that ends, if it is not NULL; it calls mach_thread_leave. */
extern void (*mach_thread_ending)(void);

#endif
