/*
 * cthreads: threads in one task, mutexes and conditions. As small as may be: a thread is a Mach
 * thread with a guarded stack and a control block; waiting is on a semaphore of the thread's own.
 *
 * A mutex or condition is a few words and no kernel object, so there is nothing to destroy; all
 * zeros is a free mutex, a condition nobody waits for.
 */
#ifndef _CTHREADS_H_
#define _CTHREADS_H_

#include <mach/mach_types.h>

typedef struct cthread *cthread_t;

struct mutex {
    uint32_t state; /* 0 free, 1 held, 2 held and perhaps waited for */
    uint32_t spin;  /* guards the queue */
    cthread_t first;
    cthread_t last;
};
typedef struct mutex mutex_t;

struct condition {
    uint32_t waiters;
    uint32_t spin;
    cthread_t first;
    cthread_t last;
};
typedef struct condition condition_t;

#define MUTEX_INITIALIZER     {0, 0, 0, 0}
#define CONDITION_INITIALIZER {0, 0, 0, 0}

#define CTHREAD_STACK_SIZE (256 * 1024) /* bytes; only what is touched takes memory */

/*
 * Starts start(arg) in a new thread. It ends when start returns or calls mach_thread_exit. Its
 * result waits for mach_thread_join, or mach_thread_detach says that nobody will ask. *thread may
 * be NULL: detached from the beginning. KERN_RESOURCE_SHORTAGE, KERN_NO_SPACE: nothing was made.
 */
kern_return_t mach_thread_create(void *(*start)(void *), void *arg, cthread_t *thread);
/* Waits for the thread's end, frees it, returns its result. Once a thread. */
void *mach_thread_join(cthread_t thread);
void mach_thread_detach(cthread_t thread);
void mach_thread_exit(void *result) __attribute__((noreturn));
/* The calling thread; the first one, too. */
cthread_t mach_thread_current(void);
/* The threads that have not ended: the first, and those made here. */
uint32_t mach_thread_count(void);

void mutex_lock(mutex_t *mutex);
boolean_t mutex_try_lock(mutex_t *mutex);
void mutex_unlock(mutex_t *mutex);

/* Unlocks mutex, waits to be signalled, locks it again. Look at what was waited for once more. */
void condition_wait(condition_t *condition, mutex_t *mutex);
/* Wakes one waiter, or all. The mutex need not be held. */
void condition_signal(condition_t *condition);
void condition_broadcast(condition_t *condition);

#endif
