/*
 * Waiting, waking, switching.
 *
 * To wait: under the lock of what is waited for, put yourself on a wait queue (waitq_assert_wait),
 * release the lock, and thread_block(). A wake-up that comes in between is not lost: thread_block
 * sees that the thread waits no more and returns at once.
 *
 * WHO TAKES A THREAD OFF ITS WAIT QUEUE OWNS ITS WAKE-UP: that happens once, under the queue's
 * lock, whether by a sender, a time-out, or thread_abort; the owner then calls thread_go(), or
 * waitq_wait() or thread_block_handoff() with it as `next`, with no need for the queue's lock.
 *
 * A switch is made holding the outgoing thread's lock, which the incoming thread releases: until
 * its registers are saved nobody else can run it.
 */
#ifndef _KERN_SCHED_H_
#define _KERN_SCHED_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <mach/mach_types.h>

typedef enum {
    THREAD_WAITING = -1,
    THREAD_AWAKENED = 0,
    THREAD_TIMED_OUT = 1,
    THREAD_INTERRUPTED = 2, /* thread_abort, or the thread is to be terminated */
    THREAD_RESTART = 3      /* what was waited for changed: look again (port died, moved, ...) */
} wait_result_t;

struct cpu;

struct waitq {
    struct queue threads; /* struct thread.wait_link; FIFO */
    spinlock_t *lock;     /* guards the queue: the lock of the object it is part of */
};

#define DEADLINE_NONE ((uint64_t)0)

void waitq_init(struct waitq *wq, spinlock_t *lock);
static inline bool waitq_empty(const struct waitq *wq)
{
    return queue_empty(&wq->threads);
}
/* The current thread will wait on wq (lock held). interruptible: thread_abort and termination may
 * end it. deadline: machine_time() value, or DEADLINE_NONE. */
void waitq_assert_wait(struct waitq *wq, bool interruptible, uint64_t deadline);
/* Takes the first / a given waiting thread off (lock held): the caller now owns its wake-up. NULL
 * or false if there is none / it is not on that queue. Its time-out is void from now on. */
thread_t waitq_dequeue(struct waitq *wq);
bool waitq_remove(struct waitq *wq, thread_t thread);
/* A thread that waits on `from` waits on `to` instead, as the last. Both locked. */
void waitq_move(struct waitq *from, struct waitq *to, thread_t thread);
/* Dequeues and wakes all (lock held). */
void waitq_wakeup_all(struct waitq *wq, wait_result_t result);
bool waitq_wakeup_one(struct waitq *wq, wait_result_t result);

/* Gives up the CPU if the current thread is (still) waiting. No locks held. Returns how it was
 * woken. */
wait_result_t thread_block(void);
/* The same; but the CPU goes straight to `next`, whose wake-up the caller owns, as in waitq_wait. */
wait_result_t thread_block_handoff(thread_t next);
/* The fast form of waitq_assert_wait (interruptible), release of wq's lock, and thread_block(); but the CPU
 * goes straight to `next`, if not NULL, whose wake-up the caller owns, without passing a run queue, unless a
 * higher priority waits there. wq's lock alone is held, and released. next is awakened in any case. */
wait_result_t waitq_wait(struct waitq *wq, uint64_t deadline, thread_t next);
/* Makes a thread whose wake-up one owns runnable, on the best CPU. */
void thread_go(thread_t thread, wait_result_t result);
/* Ends the wait of a thread from outside (thread_abort, termination): false if it was not in an
 * interruptible wait. No locks held that precede LOCK_IPC_PORT. */
bool thread_interrupt(thread_t thread);
/* Blocks until the deadline: THREAD_TIMED_OUT, or THREAD_INTERRUPTED. */
wait_result_t thread_sleep_until(uint64_t deadline);

/* A one-off event: sleep until *word, guarded by lock, changes. Thin helpers over a hashed wait
 * queue (LOCK_WAITQ) for places where an object has no queue of its own (a busy page, a map in
 * transition). event_assert_wait is called with the object's lock held, before releasing it. */
void event_assert_wait(const void *event, bool interruptible, uint64_t deadline);
void event_wakeup(const void *event);
/* The same, but the first who waits is not woken: his wake-up is the caller's. NULL: nobody waited. */
thread_t event_dequeue(const void *event);
/* Ends the wait that event_assert_wait began: the event has come about in the meantime. May block
 * for the moment a waker needs that came first. No locks held. */
void event_cancel_wait(void);

/* Puts the current thread at the end of its queue and runs another, if one is as important. True if
 * another ran. */
bool thread_yield(void);
/* The first thing a thread does after a switch: finishes the outgoing thread `old` (clears on_cpu,
 * queues it if it is runnable, frees the stack of a dead one) and releases its lock. The code that
 * a new thread starts in (machine/thread.h) calls it, too. */
void thread_continue(struct thread *old);
/* In long loops, no locks held: takes pending interrupts, and yields if the time slice is over.
 * Returns false if the thread should give up (it is being terminated). */
bool preempt_point(void);
/* A trap's last act, called by trap return when thread->ast is set: preempt, suspend, terminate. */
void ast_taken(void);
/* The thread's priority in force is computed anew (its base changed). thread->lock is held. */
void sched_reprioritize(struct thread *thread);
/* Makes thread runnable, for the first time, or again after a stop or a wait. Its lock is held. If
 * it is still on a CPU, on its way out, only its state changes: it will notice. */
void thread_setrun(struct thread *thread);
/* The current thread stops (state TH_SUSPENDED) or ends (TH_DEAD). Its lock is held, and
 * released. */
void thread_stop_self(struct thread *self, int state);
/* For suspension: waits, uninterruptibly, until thread does not run in user mode; settled: until
 * its user registers are complete, too (it is at the border, or waits inside the kernel). Returns
 * also when it is not suspended any more. Not for the current thread. No locks held. */
void thread_wait_off_cpu(struct thread *thread, bool settled);
/* Starts scheduling on this CPU; never returns. What called it is never returned to: its stack and
 * the struct thread it ran as are free for other use once the CPU's idle thread runs. */
void sched_start_cpu(void) __attribute__((noreturn));
void sched_init(void);
/* After thread_init: a thread for each CPU that there may be to idle in. */
void sched_create_idle_threads(void);

/* ---- between the files of kern/ ---- */
#define SLICE_TICKS 2 /* 20 ms until the next thread of the same priority has its turn */
/* Lets usage decay, and computes the priority in force. thread->lock is held; or the lock of the
 * run queue that it was just unlinked from. */
void sched_update_usage(struct thread *thread);
/* Makes cpu look at its run queue, where a thread of this priority was put. */
void sched_request_preempt(struct cpu *cpu, int priority);
/* The same as thread_yield, keeping the rest of the time slice. */
bool sched_yield(struct thread *self);
/* The running thread, at the border, was in user mode until now. */
void sched_charge_user(struct thread *self);
/* cpu, the current one, is not idle any more. */
void sched_start_ticks(struct cpu *cpu);
void sched_priority_init(void);
/* The current thread waits for this one to stop or end: if it is in a run queue, it is not to
 * starve there. Its lock is held. */
void sched_hurry(struct thread *thread);
/* The current thread will wait, interruptibly, for nothing but the deadline. */
void thread_assert_sleep(uint64_t deadline);
/* What part of a CPU the thread used lately, of 1000. */
uint32_t sched_cpu_usage(const struct thread *thread);
void waitq_system_init(void);
struct timer;
/* wait_timer.expire of every thread. */
void thread_wait_expired(struct timer *timer);
/* thread_switch: priority 0 for at most ms milliseconds, or until _end. */
void sched_depress(struct thread *self, uint32_t ms);
void sched_depress_end(struct thread *self);
/* wait_timer went off while the thread did not wait. */
void sched_depress_expired(struct thread *thread);
/* Runs next at once if it is in a run queue, on this CPU; the current thread stays runnable, or
 * waits if it has asserted that. False: next is not to be had. No locks held. */
bool thread_switch_to(struct thread *next);

/* ---- time-outs ---- */
struct timer {
    uint64_t deadline;           /* machine_time() units */
    void (*expire)(struct timer *); /* in interrupt context, no locks held; may free the timer */
    struct timer *child, *sibling, *prev; /* pairing heap */
    uint32_t cpu;                /* whose heap it is in */
    bool armed;                  /* LOCK_TIMER of that heap; its owner may read it */
};
void timer_init(struct timer *timer, void (*expire)(struct timer *));
/* Arms on the current CPU. Must not be armed. */
void timer_arm(struct timer *timer, uint64_t deadline);
/* False: it was not armed, or is expiring at this moment. */
bool timer_cancel(struct timer *timer);
/* Waits until no CPU is inside the timer's expire function. Not armed; no locks held. */
void timer_drain(struct timer *timer);
void timer_system_init(void);
/* From the timer interrupt: runs what is due, programs the hardware for the next. */
void timer_interrupt(void);

/* Deadline for `ms` milliseconds from now. */
uint64_t deadline_after_ms(uint32_t ms);
uint64_t deadline_after_ns(uint64_t ns);
void time_from_machine(uint64_t ticks, time_value64_t *out);

#endif
