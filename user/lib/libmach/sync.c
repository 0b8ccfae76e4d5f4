/*
 * Mutexes and conditions. Read cthreads.h before.
 *
 * A free mutex is taken, and one that nobody waits for released, by one atomic instruction. Else
 * the threads that wait stand in a queue, each on its own semaphore, and an unlock hands the mutex
 * to the first. Because each waiter has a semaphore of its own, a signal cannot be stolen by a
 * thread that begins to wait later.
 */
#include "cthread.h"

/* The queues are changed in a few instructions; a thread that meets another there lets it run. */
static void spin_lock(uint32_t *spin)
{
    while (__atomic_exchange_n(spin, 1, __ATOMIC_ACQUIRE) != 0)
        swtch();
}

static void spin_unlock(uint32_t *spin)
{
    __atomic_store_n(spin, 0, __ATOMIC_RELEASE);
}

static void enqueue(cthread_t *first, cthread_t *last, cthread_t thread)
{
    thread->next = NULL;
    if (*first == NULL)
        *first = thread;
    else
        (*last)->next = thread;
    *last = thread;
}

static cthread_t dequeue(cthread_t *first)
{
    cthread_t thread = *first;

    if (thread != NULL)
        *first = thread->next;
    return thread;
}

/* Until somebody signals this thread's semaphore; thread_abort does not count. */
static void wait_for_signal(cthread_t self)
{
    while (semaphore_wait(self->wake) == KERN_ABORTED)
        ;
}

boolean_t mutex_try_lock(mutex_t *mutex)
{
    uint32_t free = 0;

    return __atomic_compare_exchange_n(&mutex->state, &free, 1, FALSE, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

void mutex_lock(mutex_t *mutex)
{
    cthread_t self;

    if (mutex_try_lock(mutex))
        return;
    self = mach_thread_current();
    spin_lock(&mutex->spin);
    if (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) == 0) {
        spin_unlock(&mutex->spin);
        return; /* it was released meanwhile */
    }
    enqueue(&mutex->first, &mutex->last, self);
    spin_unlock(&mutex->spin);
    wait_for_signal(self); /* the mutex is ours then */
}

void mutex_unlock(mutex_t *mutex)
{
    uint32_t held = 1;
    cthread_t next;

    if (__atomic_compare_exchange_n(&mutex->state, &held, 0, FALSE, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED))
        return;
    spin_lock(&mutex->spin);
    next = dequeue(&mutex->first);
    if (next == NULL)
        __atomic_store_n(&mutex->state, 0, __ATOMIC_RELEASE);
    spin_unlock(&mutex->spin);
    if (next != NULL)
        semaphore_signal(next->wake);
}

void condition_wait(condition_t *condition, mutex_t *mutex)
{
    cthread_t self = mach_thread_current();

    spin_lock(&condition->spin);
    enqueue(&condition->first, &condition->last, self);
    __atomic_add_fetch(&condition->waiters, 1, __ATOMIC_SEQ_CST);
    spin_unlock(&condition->spin);
    mutex_unlock(mutex);
    wait_for_signal(self);
    mutex_lock(mutex);
}

void condition_signal(condition_t *condition)
{
    cthread_t next;

    if (__atomic_load_n(&condition->waiters, __ATOMIC_SEQ_CST) == 0)
        return;
    spin_lock(&condition->spin);
    next = dequeue(&condition->first);
    if (next != NULL)
        __atomic_sub_fetch(&condition->waiters, 1, __ATOMIC_SEQ_CST);
    spin_unlock(&condition->spin);
    if (next != NULL)
        semaphore_signal(next->wake);
}

void condition_broadcast(condition_t *condition)
{
    cthread_t next;

    if (__atomic_load_n(&condition->waiters, __ATOMIC_SEQ_CST) == 0)
        return;
    /* The whole queue at once: who waits from now on is not meant. */
    spin_lock(&condition->spin);
    next = condition->first;
    condition->first = NULL;
    __atomic_store_n(&condition->waiters, 0, __ATOMIC_SEQ_CST);
    spin_unlock(&condition->spin);
    while (next != NULL) {
        cthread_t thread = next;

        next = thread->next; /* before it may run, and wait elsewhere */
        semaphore_signal(thread->wake);
    }
}
