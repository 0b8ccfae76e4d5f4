/*
 * Threads: making, ending and joining them. Read cthreads.h and cthread.h before.
 *
 *   memory            stack                          struct cthread
 *   +----------------+------------------------------+---------------+
 *   | guard, no      |              <---- grows     | tcb ...       |
 *   | access         |                              |               |
 *   +----------------+------------------------------+---------------+
 *
 * A thread cannot free the stack it runs on. Its last act is one trap that signals `done` and
 * waits on a semaphore for ever: when `done` arrives, no instruction of it will run any more, and
 * whoever joins it terminates the thread and frees its memory. Detached threads that ended are
 * freed so by the next mach_thread_create.
 */
#include "cthread.h"

#include <mach/mach_port.h>
#include <mach/semaphore.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/vm_map.h>

#define DETACHED 1
#define ENDED    2

void (*mach_thread_ending)(void);

static uint32_t threads = 1; /* that have not left, atomic */
static unsigned threads_generation; /* mach_fork_generation of that count: a child has one */

static struct cthread *ended; /* detached threads that ended: a list, atomic */

/*
 * Gives the calling thread the semaphore it will wait on, if it has none: the first thread, or the
 * only one after a fork, when it makes a thread. Before that it never has to wait for another.
 */
static kern_return_t prepare_self(void)
{
    cthread_t self = mach_thread_current();
    kern_return_t kr = KERN_SUCCESS;

    if (self->wake == MACH_PORT_NULL || self->generation != mach_fork_generation)
        kr = semaphore_create(mach_task_self(), &self->wake, SYNC_POLICY_FIFO, 0);
    if (kr != KERN_SUCCESS) {
        self->wake = MACH_PORT_NULL;
        return kr;
    }
    if (self->done == MACH_PORT_NULL || self->generation != mach_fork_generation)
        kr = semaphore_create(mach_task_self(), &self->done, SYNC_POLICY_FIFO, 0);
    if (kr != KERN_SUCCESS)
        self->done = MACH_PORT_NULL;
    self->generation = mach_fork_generation;
    return kr;
}

static void free_thread(struct cthread *thread)
{
    if (thread->port != MACH_PORT_NULL) {
        thread_terminate(thread->port);
        mach_port_deallocate(mach_task_self(), thread->port);
    }
    if (thread->tcb.reply_port != MACH_PORT_NULL)
        mach_port_mod_refs(mach_task_self(), thread->tcb.reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
    if (thread->tcb.sig_reply_port != MACH_PORT_NULL)
        mach_port_mod_refs(mach_task_self(), thread->tcb.sig_reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
    if (thread->tcb.thread_port != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), thread->tcb.thread_port);
    if (thread->wake != MACH_PORT_NULL) {
        semaphore_destroy(mach_task_self(), thread->wake);
        mach_port_deallocate(mach_task_self(), thread->wake);
    }
    if (thread->done != MACH_PORT_NULL) {
        semaphore_destroy(mach_task_self(), thread->done);
        mach_port_deallocate(mach_task_self(), thread->done);
    }
    vm_deallocate(mach_task_self(), thread->memory, thread->size);
}

/* Waits for the thread's end. The first one stays, suspended in its wait: its stack is the task's. */
static void *reap(struct cthread *thread)
{
    void *result;

    while (semaphore_wait(thread->done) == KERN_ABORTED)
        ;
    result = thread->tcb.result;
    if (thread->memory != 0)
        free_thread(thread);
    return result;
}

static void reap_detached(void)
{
    struct cthread *thread = __atomic_exchange_n(&ended, NULL, __ATOMIC_ACQUIRE);

    while (thread != NULL) {
        struct cthread *next = thread->next;

        reap(thread);
        thread = next;
    }
}

/* Where a new thread begins: its control block in x0. */
static void begin(struct cthread *self)
{
    mach_set_tcb(&self->tcb);
    mach_thread_exit(self->tcb.start(self->tcb.arg));
}

static void one_more(void)
{
    if (threads_generation != mach_fork_generation)
        threads = 1;
    threads_generation = mach_fork_generation;
    __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
}

uint32_t mach_thread_count(void)
{
    return threads_generation == mach_fork_generation ? __atomic_load_n(&threads, __ATOMIC_ACQUIRE) : 1;
}

uint32_t mach_thread_leave(void)
{
    if (threads_generation != mach_fork_generation)
        return 0;
    return __atomic_sub_fetch(&threads, 1, __ATOMIC_ACQ_REL);
}

void mach_thread_exit(void *result)
{
    cthread_t self = mach_thread_current();

    if (mach_thread_ending != NULL)
        mach_thread_ending();
    else
        mach_thread_leave();
    while (self->done == MACH_PORT_NULL) /* the only thread there ever was */
        thread_suspend(mach_thread_self_cached());
    mach_tcb()->sig_blocked = ~0ULL; /* signals are for the others */
    self->tcb.result = result;
    if (__atomic_fetch_or(&self->detached, ENDED, __ATOMIC_ACQ_REL) & DETACHED) {
        self->next = __atomic_load_n(&ended, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&ended, &self->next, self, TRUE, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
            ;
    }
    for (;;)
        if (semaphore_wait_signal(self->wake, self->done) == KERN_ABORTED)
            for (;;)
                semaphore_wait(self->wake); /* it has been signalled once */
}

static kern_return_t start_thread(struct cthread *thread)
{
    arm_thread_state64_t state = {
        .x[0] = (uint64_t)thread,
        .sp = (uint64_t)thread,
        .pc = (uint64_t)begin,
    };
    kern_return_t kr;

    kr = semaphore_create(mach_task_self(), &thread->wake, SYNC_POLICY_FIFO, 0);
    if (kr == KERN_SUCCESS)
        kr = semaphore_create(mach_task_self(), &thread->done, SYNC_POLICY_FIFO, 0);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = thread_create(mach_task_self(), &thread->port);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = thread_set_state(thread->port, ARM_THREAD_STATE64, (thread_state_t)&state,
                          ARM_THREAD_STATE64_COUNT);
    return kr == KERN_SUCCESS ? thread_resume(thread->port) : kr;
}

kern_return_t mach_thread_create_sized(void *(*start)(void *), void *arg, vm_size_t stack_size,
                                       boolean_t detached, cthread_t *result)
{
    const vm_size_t block = (sizeof(struct cthread) + 15) & ~15UL;
    const vm_size_t size = PAGE_SIZE + ((stack_size + PAGE_SIZE - 1) & ~(vm_size_t)(PAGE_SIZE - 1));
    vm_address_t memory = 0;
    struct cthread *thread;
    kern_return_t kr;

    reap_detached();
    mach_multithreaded = TRUE;
    kr = prepare_self();
    if (kr != KERN_SUCCESS)
        return kr;
    kr = vm_allocate(mach_task_self(), &memory, size, TRUE);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = vm_protect(mach_task_self(), memory, PAGE_SIZE, FALSE, VM_PROT_NONE);
    if (kr != KERN_SUCCESS) {
        vm_deallocate(mach_task_self(), memory, size);
        return kr;
    }
    thread = (struct cthread *)(memory + size - block); /* zeros but for what is set here */
    thread->memory = memory;
    thread->size = size;
    thread->generation = mach_fork_generation;
    thread->tcb.start = start;
    thread->tcb.arg = arg;
    thread->tcb.stack = (void *)(memory + PAGE_SIZE);
    thread->tcb.sig_blocked = mach_tcb()->sig_blocked;
    thread->tcb.stack_size = size - PAGE_SIZE - block;
    thread->detached = detached ? DETACHED : 0;
    if (result != NULL)
        *result = thread; /* before it runs: it may look there */
    one_more();
    kr = start_thread(thread);
    if (kr != KERN_SUCCESS) {
        mach_thread_leave();
        free_thread(thread);
    }
    return kr;
}

kern_return_t mach_thread_create(void *(*start)(void *), void *arg, cthread_t *result)
{
    return mach_thread_create_sized(start, arg, CTHREAD_STACK_SIZE, result == NULL, result);
}

boolean_t mach_thread_is_detached(cthread_t thread)
{
    return (__atomic_load_n(&thread->detached, __ATOMIC_RELAXED) & DETACHED) != 0;
}

void *mach_thread_join(cthread_t thread)
{
    return reap(thread);
}

void mach_thread_detach(cthread_t thread)
{
    if (__atomic_fetch_or(&thread->detached, DETACHED, __ATOMIC_ACQ_REL) & ENDED)
        reap(thread);
}
