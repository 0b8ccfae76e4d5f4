/*
 * Counting semaphores: a count, and a queue of those who wait for it to be above 0. Read
 * kern/sched.h first, and the contracts in mach/semaphore.defs and mach/traps.h.
 *
 * A semaphore belongs to a task and dies with it; or when it is destroyed; or when no send rights
 * to its port are left, since then nobody can signal it any more. Its waiters then get
 * KERN_TERMINATED.
 */
#include <ipc/ipc_entry.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/task.h>
#include <kern/traps.h>
#include <kern/zone.h>
#include <mach/semaphore_server.h>

struct semaphore {
    /* ---- owned by lock ---- */
    spinlock_t lock;         /* LOCK_WAITQ */
    bool active;
    int policy;
    int count;               /* above 0 only while nobody waits */
    struct waitq waitq;
    struct ipc_port *port;
    /* ---- */
    uint32_t refs;           /* atomic: one for being active, one for each use */
    struct task *task;       /* the owner; a reference */
    struct queue task_link;  /* in task->semaphores: owned by LOCK_TASK */
};

static zone_t semaphore_zone;

#define SEMAPHORE_COST (sizeof(struct semaphore) + sizeof(struct ipc_port))

kern_return_t semaphore_create(task_t task, semaphore_t *out, int policy, int value)
{
    struct semaphore *semaphore;

    if (task == NULL || (policy != SYNC_POLICY_FIFO && policy != SYNC_POLICY_FIXED_PRIORITY))
        return KERN_INVALID_ARGUMENT;
    if (value < 0)
        return KERN_INVALID_VALUE;
    semaphore = ledger_zalloc(task->ledger, semaphore_zone, SEMAPHORE_COST);
    if (semaphore == NULL)
        return KERN_RESOURCE_SHORTAGE;
    spin_lock_init(&semaphore->lock, LOCK_WAITQ);
    waitq_init(&semaphore->waitq, &semaphore->lock);
    semaphore->active = true;
    semaphore->policy = policy;
    semaphore->count = value;
    semaphore->refs = 2; /* active, and the caller's */
    semaphore->port = ipc_port_alloc_kernel(IKOT_SEMAPHORE, semaphore);
    if (semaphore->port == NULL) {
        ledger_zfree(task->ledger, semaphore_zone, semaphore, SEMAPHORE_COST);
        return KERN_RESOURCE_SHORTAGE;
    }
    spin_lock(&task->lock);
    if (!task->active) {
        spin_unlock(&task->lock);
        ipc_port_dealloc_kernel(semaphore->port);
        ledger_zfree(task->ledger, semaphore_zone, semaphore, SEMAPHORE_COST);
        return KERN_TERMINATED;
    }
    semaphore->task = task;
    task_reference(task);
    enqueue_tail(&task->semaphores, &semaphore->task_link);
    spin_unlock(&task->lock);
    *out = semaphore;
    return KERN_SUCCESS;
}

void semaphore_dereference(semaphore_t semaphore)
{
    struct task *task;

    if (semaphore == NULL || __atomic_sub_fetch(&semaphore->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    task = semaphore->task;
    ledger_zfree(task->ledger, semaphore_zone, semaphore, SEMAPHORE_COST);
    task_deallocate(task);
}

/* Ends it, once, whoever comes first. The caller holds a reference. */
static kern_return_t destroy(semaphore_t semaphore)
{
    struct ipc_port *port;

    spin_lock(&semaphore->lock);
    if (!semaphore->active) {
        spin_unlock(&semaphore->lock);
        return KERN_TERMINATED;
    }
    semaphore->active = false;
    port = semaphore->port;
    semaphore->port = NULL;
    waitq_wakeup_all(&semaphore->waitq, THREAD_RESTART);
    spin_unlock(&semaphore->lock);

    spin_lock(&semaphore->task->lock);
    queue_remove(&semaphore->task_link);
    spin_unlock(&semaphore->task->lock);
    ipc_port_dealloc_kernel(port);
    /* Who found it at its port until then (lock_kobject) still has its lock, or is done. */
    spin_lock(&semaphore->lock);
    spin_unlock(&semaphore->lock);
    semaphore_dereference(semaphore); /* for being active */
    return KERN_SUCCESS;
}

kern_return_t semaphore_destroy(task_t task, semaphore_t semaphore)
{
    if (task == NULL || semaphore == NULL || semaphore->task != task)
        return KERN_INVALID_ARGUMENT;
    return destroy(semaphore);
}

void semaphore_no_senders(semaphore_t semaphore)
{
    destroy(semaphore);
}

void semaphore_destroy_all(struct task *task)
{
    for (;;) {
        struct semaphore *semaphore = NULL;

        spin_lock(&task->lock);
        if (!queue_empty(&task->semaphores)) {
            semaphore = queue_first(&task->semaphores, struct semaphore, task_link);
            __atomic_fetch_add(&semaphore->refs, 1, __ATOMIC_RELAXED);
        }
        spin_unlock(&task->lock);
        if (semaphore == NULL)
            return;
        if (destroy(semaphore) != KERN_SUCCESS)
            preempt_point(); /* another is at it, and about to take it off the list */
        semaphore_dereference(semaphore);
    }
}

/* ---- signal and wait ---- */

/* The waiter whose turn it is, off the queue: its wake-up is the caller's. Lock held. */
static inline thread_t next_waiter(semaphore_t semaphore)
{
    struct thread *thread;
    struct thread *best = NULL;

    if (semaphore->policy == SYNC_POLICY_FIFO)
        return waitq_dequeue(&semaphore->waitq);
    queue_for_each (thread, &semaphore->waitq.threads, struct thread, wait_link) {
        if (best == NULL || thread->priority > best->priority)
            best = thread;
    }
    return best != NULL && waitq_remove(&semaphore->waitq, best) ? best : NULL;
}

/* The semaphore that the right to it stands for, locked; NULL: it is none, or none any more. Looking
 * is without a reference, lock after lock: the port's keeps the semaphore until ours is held, and
 * that until it is released (destroy). */
static inline semaphore_t lock_kobject(ipc_port_t port)
{
    semaphore_t semaphore = NULL;

    ip_lock(port);
    if (__builtin_expect(port->kotype == IKOT_SEMAPHORE, 1)) {
        semaphore = port->kobject;
        spin_lock(&semaphore->lock);
    }
    ip_unlock(port);
    return semaphore;
}

/* The port a name of the space (locked) denotes, if it may be a semaphore's. */
static inline bool lookup(ipc_space_t space, mach_port_name_t name, ipc_port_t *port)
{
    struct ipc_entry *entry = ipc_entry_lookup(space, name);

    if (entry == NULL || !(entry->bits & MACH_PORT_TYPE_SEND))
        return false;
    *port = entry->port;
    return true;
}

/* The current task's semaphore of that name, locked and active; else KERN_INVALID_ARGUMENT,
 * KERN_TERMINATED. */
static kern_return_t lock_name(mach_port_name_t name, semaphore_t *out)
{
    ipc_space_t space = current_space();
    semaphore_t semaphore = NULL;
    ipc_port_t port;

    is_lock(space);
    if (__builtin_expect(space->active && lookup(space, name, &port), 1))
        semaphore = lock_kobject(port);
    is_unlock(space);
    *out = semaphore;
    if (semaphore == NULL)
        return KERN_INVALID_ARGUMENT;
    if (!semaphore->active) {
        spin_unlock(&semaphore->lock);
        return KERN_TERMINATED;
    }
    return KERN_SUCCESS;
}

/* Signals one that is locked and active, and unlocks it. *woken: who was waiting, for the caller to
 * wake up; or NULL, and the count went up. */
static inline kern_return_t signal(semaphore_t semaphore, thread_t *woken)
{
    kern_return_t kr = KERN_SUCCESS;

    *woken = next_waiter(semaphore);
    if (*woken == NULL) {
        if (semaphore->count == INT32_MAX)
            kr = KERN_INVALID_VALUE;
        else
            semaphore->count++;
    }
    spin_unlock(&semaphore->lock);
    return kr;
}

/* Takes one off the count of one that is locked and active, or waits for it; unlocks it. woken is
 * woken up in any case, if not NULL: by going straight to it, if we wait. */
static inline kern_return_t wait(semaphore_t semaphore, uint64_t deadline, thread_t woken)
{
    wait_result_t result;

    if (semaphore->count > 0) {
        semaphore->count--;
        spin_unlock(&semaphore->lock);
        if (woken != NULL)
            thread_go(woken, THREAD_AWAKENED);
        return KERN_SUCCESS;
    }
    current_thread()->server = NULL;
    result = waitq_wait(&semaphore->waitq, deadline, woken);
    if (__builtin_expect(result == THREAD_AWAKENED, 1))
        return KERN_SUCCESS;
    if (result == THREAD_TIMED_OUT)
        return KERN_OPERATION_TIMED_OUT;
    return result == THREAD_INTERRUPTED ? KERN_ABORTED : KERN_TERMINATED;
}

/* ---- traps ---- */

kern_return_t semaphore_signal_trap(mach_port_name_t name)
{
    semaphore_t semaphore;
    thread_t woken;
    kern_return_t kr = lock_name(name, &semaphore);

    if (kr != KERN_SUCCESS)
        return kr;
    kr = signal(semaphore, &woken);
    if (woken != NULL)
        thread_go(woken, THREAD_AWAKENED);
    return kr;
}

/* Wakes all who wait; the count stays as it is. */
kern_return_t semaphore_signal_all_trap(mach_port_name_t name)
{
    semaphore_t semaphore;
    kern_return_t kr = lock_name(name, &semaphore);

    if (kr != KERN_SUCCESS)
        return kr;
    waitq_wakeup_all(&semaphore->waitq, THREAD_AWAKENED);
    spin_unlock(&semaphore->lock);
    return KERN_SUCCESS;
}

/* Wakes that thread, if it waits here (KERN_FAILURE: it does not), or any for MACH_PORT_NULL. */
kern_return_t semaphore_signal_thread_trap(mach_port_name_t name, mach_port_name_t thread_name)
{
    thread_t thread = NULL;
    thread_t woken = NULL;
    semaphore_t semaphore;
    kern_return_t kr;

    if (thread_name != MACH_PORT_NAME_NULL) {
        struct ipc_port *port = ipc_space_lookup_port(current_space(), thread_name);

        if (port != IP_NULL) {
            thread = convert_port_to_thread(port);
            ip_release(port);
        }
        if (thread == NULL)
            return KERN_INVALID_ARGUMENT;
    }
    kr = lock_name(name, &semaphore);
    if (kr == KERN_SUCCESS) {
        if (thread == NULL)
            woken = next_waiter(semaphore);
        else if (waitq_remove(&semaphore->waitq, thread))
            woken = thread;
        spin_unlock(&semaphore->lock);
        if (woken != NULL)
            thread_go(woken, THREAD_AWAKENED);
        else
            kr = KERN_FAILURE;
    }
    thread_deallocate(thread);
    return kr;
}

static kern_return_t wait_name(mach_port_name_t name, uint64_t deadline)
{
    semaphore_t semaphore;
    kern_return_t kr = lock_name(name, &semaphore);

    return kr == KERN_SUCCESS ? wait(semaphore, deadline, NULL) : kr;
}

kern_return_t semaphore_wait_trap(mach_port_name_t name)
{
    return wait_name(name, DEADLINE_NONE);
}

kern_return_t semaphore_timedwait_trap(mach_port_name_t name, uint64_t sec, uint64_t nsec)
{
    uint64_t ns;

    if (nsec >= 1000000000)
        return KERN_INVALID_VALUE;
    if (__builtin_mul_overflow(sec, 1000000000UL, &ns) || __builtin_add_overflow(ns, nsec, &ns))
        ns = ~0UL; /* five hundred years */
    return wait_name(name, deadline_after_ns(ns));
}

/* The CPU goes straight to who was waiting for the signal. A signal in answer cannot be missed: it
 * stays in the count. Both names are good, or nothing is done; but the semaphore to wait for may
 * die as soon as the other was signalled. */
kern_return_t semaphore_wait_signal_trap(mach_port_name_t wait_name, mach_port_name_t signal_name)
{
    ipc_space_t space = current_space();
    ipc_port_t wait_port, signal_port;
    semaphore_t semaphore;
    thread_t woken = NULL;
    kern_return_t kr = KERN_INVALID_ARGUMENT;

    is_lock(space);
    if (!space->active || !lookup(space, wait_name, &wait_port)
        || !lookup(space, signal_name, &signal_port)
        || wait_port->kotype != IKOT_SEMAPHORE) /* without its lock: asked again below */
        goto out;
    semaphore = lock_kobject(signal_port);
    if (semaphore == NULL)
        goto out;
    if (!semaphore->active) {
        spin_unlock(&semaphore->lock);
        kr = KERN_TERMINATED;
        goto out;
    }
    kr = signal(semaphore, &woken);
    if (kr != KERN_SUCCESS)
        goto out;
    semaphore = lock_kobject(wait_port);
    if (__builtin_expect(semaphore != NULL && semaphore->active, 1)) {
        is_unlock(space);
        return wait(semaphore, DEADLINE_NONE, woken);
    }
    if (semaphore != NULL)
        spin_unlock(&semaphore->lock);
    kr = KERN_TERMINATED;
out:
    is_unlock(space);
    if (woken != NULL)
        thread_go(woken, THREAD_AWAKENED);
    return kr;
}

/* ---- ports ---- */

static void take_reference(void *semaphore)
{
    __atomic_fetch_add(&((struct semaphore *)semaphore)->refs, 1, __ATOMIC_RELAXED);
}

semaphore_t convert_port_to_semaphore(mach_port_t port)
{
    return ipc_port_kobject(port, IKOT_SEMAPHORE, take_reference);
}

mach_port_t convert_semaphore_to_port(semaphore_t semaphore)
{
    mach_port_t port = MACH_PORT_NULL;
    struct ipc_port *own;

    if (semaphore == NULL)
        return MACH_PORT_NULL;
    /* Port locks come before ours: a reference keeps the port over the gap, and a right made of one
     * that dies in it is a right to a dead port. */
    spin_lock(&semaphore->lock);
    own = semaphore->port;
    if (own != NULL)
        ip_reference(own);
    spin_unlock(&semaphore->lock);
    if (own != NULL) {
        port = ipc_port_make_send(own);
        ip_release(own);
    }
    semaphore_dereference(semaphore);
    return port;
}

uint32_t semaphore_total(void)
{
    return zone_count(semaphore_zone);
}

void semaphore_init(void)
{
    semaphore_zone = zone_create("semaphores", sizeof(struct semaphore));
}
