/*
 * Wait queues: how a thread begins to wait, and how its wait is ended by exactly one of those who
 * may: a waker, the time-out, or thread_abort. Read kern/sched.h first.
 *
 * All of it rests on two rules.
 *   - A thread's `waitq` and `state` change under its own lock, its place in the queue under the
 *     queue's lock. To take it off, both are held: so it is done once, by one.
 * - The order is queue, then thread. Who comes from the thread (time-out, abort) holds the thread's
 * lock, reads `waitq`, and only TRIES the queue's lock. While the thread's lock is held the thread
 *     cannot leave the queue; and a queue with a thread in it is not freed. So the pointer is good.
 */
#include <kern/debug.h>
#include <kern/sched.h>
#include <kern/thread.h>
#include <machine/spin.h>

void waitq_init(struct waitq *wq, spinlock_t *lock)
{
    queue_init(&wq->threads);
    wq->lock = lock;
}

/* wq may be NULL, a pure sleep. */
static void assert_wait(struct waitq *wq, const void *event, bool interruptible, uint64_t deadline)
{
    struct thread *self = current_thread();

    spin_lock(&self->lock);
    self->wait_event = event;
    self->server = NULL;
    if (thread_begin_wait(self, wq, interruptible, deadline) && wq != NULL)
        enqueue_tail(&wq->threads, &self->wait_link);
    spin_unlock(&self->lock);
}

void waitq_assert_wait(struct waitq *wq, bool interruptible, uint64_t deadline)
{
    assert(spin_holding(wq->lock));
    assert_wait(wq, NULL, interruptible, deadline);
}

/* The caller owns the wake-up from now on. Both locks are held. */
static inline void claim(struct thread *thread)
{
    queue_remove(&thread->wait_link); /* (a pure sleeper's is linked to itself) */
    thread->state = TH_WAKING;
}

bool waitq_remove(struct waitq *wq, thread_t thread)
{
    bool found;

    spin_lock(&thread->lock);
    found = thread->state == TH_WAITING && thread->waitq == wq;
    if (found)
        claim(thread);
    spin_unlock(&thread->lock);
    return found;
}

void waitq_move(struct waitq *from, struct waitq *to, thread_t thread)
{
    spin_lock(&thread->lock);
    assert(thread->waitq == from);
    queue_remove(&thread->wait_link);
    enqueue_tail(&to->threads, &thread->wait_link);
    thread->waitq = to;
    spin_unlock(&thread->lock);
}

thread_t waitq_dequeue(struct waitq *wq)
{
    struct thread *thread;

    if (waitq_empty(wq))
        return NULL;
    thread = queue_first(&wq->threads, struct thread, wait_link);
    spin_lock(&thread->lock);
    claim(thread);
    spin_unlock(&thread->lock);
    return thread;
}

bool waitq_wakeup_one(struct waitq *wq, wait_result_t result)
{
    struct thread *thread = waitq_dequeue(wq);

    if (thread == NULL)
        return false;
    thread_go(thread, result);
    return true;
}

void waitq_wakeup_all(struct waitq *wq, wait_result_t result)
{
    while (waitq_wakeup_one(wq, result))
        ;
}

/* Ends the wait from the thread's side, if it is (still) one that `reason` may end. */
static bool wait_break(struct thread *thread, wait_result_t reason)
{
    for (;;) {
        struct waitq *wq;

        spin_lock(&thread->lock);
        if (thread->state != TH_WAITING
            || (reason == THREAD_INTERRUPTED && !thread->interruptible)
            || (reason == THREAD_TIMED_OUT && (thread->wait_deadline == DEADLINE_NONE
                                               || thread->wait_deadline > machine_time()))) {
            spin_unlock(&thread->lock);
            return false;
        }
        wq = thread->waitq;
        if (wq != NULL && !spin_try_lock(wq->lock)) {
            spin_unlock(&thread->lock); /* its holder may want this very lock */
            machine_spin_pause();
            continue;
        }
        claim(thread);
        if (wq != NULL)
            spin_unlock(wq->lock);
        spin_unlock(&thread->lock);
        thread_go(thread, reason);
        return true;
    }
}

bool thread_interrupt(thread_t thread)
{
    return wait_break(thread, THREAD_INTERRUPTED);
}

/* wait_timer has expired. The wait it was armed for may be over by now, and another begun:
 * wait_break looks at the deadline of the present one. */
void thread_wait_expired(struct timer *timer)
{
    struct thread *thread = container_of(timer, struct thread, wait_timer);

    if (!wait_break(thread, THREAD_TIMED_OUT))
        sched_depress_expired(thread);
}

void thread_assert_sleep(uint64_t deadline)
{
    assert_wait(NULL, NULL, true, deadline);
}

wait_result_t thread_sleep_until(uint64_t deadline)
{
    thread_assert_sleep(deadline);
    return thread_block();
}

/* ---- events: wait queues for what has none, found by hashing an address ---- */

#define EVENT_BUCKETS 256 /* a power of two */

static struct event_bucket {
    spinlock_t lock;
    struct waitq waitq;
} event_buckets[EVENT_BUCKETS];

static struct event_bucket *event_bucket(const void *event)
{
    uint64_t hash = ((uintptr_t)event >> 4) * 0x9e3779b97f4a7c15UL; /* 2^64 / golden ratio */

    return &event_buckets[hash / (~0UL / EVENT_BUCKETS + 1)];
}

void event_assert_wait(const void *event, bool interruptible, uint64_t deadline)
{
    struct event_bucket *bucket = event_bucket(event);

    spin_lock(&bucket->lock);
    assert_wait(&bucket->waitq, event, interruptible, deadline);
    spin_unlock(&bucket->lock);
}

/* Wakes who waits for the event; not the first, if he is wanted: he is returned. */
static inline __attribute__((always_inline)) thread_t wake(const void *event, bool want_first)
{
    struct event_bucket *bucket = event_bucket(event);
    struct thread *first = NULL;
    struct thread *thread;
    struct thread *next;

    spin_lock(&bucket->lock);
    queue_for_each_safe (thread, next, &bucket->waitq.threads, struct thread, wait_link) {
        if (thread->wait_event != event || !waitq_remove(&bucket->waitq, thread))
            continue;
        if (want_first && first == NULL)
            first = thread;
        else
            thread_go(thread, THREAD_AWAKENED);
    }
    spin_unlock(&bucket->lock);
    return first;
}

void event_wakeup(const void *event)
{
    wake(event, false);
}

thread_t event_dequeue(const void *event)
{
    return wake(event, true);
}

void event_cancel_wait(void)
{
    struct thread *self = current_thread();
    struct event_bucket *bucket = event_bucket(self->wait_event);
    bool mine;

    spin_lock(&bucket->lock);
    mine = waitq_remove(&bucket->waitq, self);
    spin_unlock(&bucket->lock);
    if (mine)
        thread_go(self, THREAD_AWAKENED); /* still on this CPU: only the state changes */
    thread_block();
}

void waitq_system_init(void)
{
    for (int i = 0; i < EVENT_BUCKETS; i++) {
        spin_lock_init(&event_buckets[i].lock, LOCK_WAITQ);
        waitq_init(&event_buckets[i].waitq, &event_buckets[i].lock);
    }
}
