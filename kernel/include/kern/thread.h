/*
 * A thread: a register context, a kernel stack, scheduling state.
 *
 * References: the task's list holds one, the thread's being alive one, its kernel port one for the
 * time of each use. The structure is freed, not the stack, when the last goes; the stack goes when
 * the thread has switched away for the last time.
 */
#ifndef _KERN_THREAD_H_
#define _KERN_THREAD_H_

#include <kern/cpu.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/sched.h>
#include <mach/mach_types.h>
#include <machine/thread.h>

struct ipc_kmsg;
struct ipc_port;

/* Priorities of threads that nobody gave another one. */
#define PRIORITY_USER     31
#define PRIORITY_USER_MAX 63
#define PRIORITY_KERNEL   96
#define PRIORITY_MAX      127

struct exception_action {
    struct ipc_port *port; /* a send right */
    exception_behavior_t behavior;
    thread_state_flavor_t flavor;
};

/* What a thread has done, while a handler is asked about it: exception.c. */
struct exception_raised {
    exception_type_t type;
    bool by_task;                   /* it is the task's handler */
    exception_behavior_t behavior;  /* how it is asked */
    int64_t code[EXCEPTION_CODE_MAX];
};

enum thread_run_state {
    TH_RUNNABLE,  /* on a run queue, or running (on_cpu) */
    TH_WAITING,
    TH_WAKING,    /* off its wait queue; who took it off will make it runnable */
    TH_SUSPENDED, /* stopped at the border to user mode, or never started */
    TH_DEAD
};

/* Why the thread must not return to user mode yet; set by anyone, atomically. */
#define AST_PREEMPT   1 /* its slice is over, or a higher priority waits */
#define AST_HALT      2 /* suspended */
#define AST_REGISTERS 4 /* the user registers it shall return with were changed: load them all */
#define AST_TERMINATE 8
#define AST_NO_MEMORY 16 /* its task is to pay for others' need of memory: memory_gone.h */
#define AST_ABORT     32 /* thread_abort: the next interruptible wait fails at once */
#define AST_LENDS     64 /* it has lent its priority, while it waited: inherit_end */

/* What other threads lend to one: inherit.c. */
struct loans {
    uint64_t bitmap[2];            /* bit p of the pair: count[p] is not 0 */
    uint16_t count[PRIORITY_MAX + 1];
};

struct thread {
    struct machine_thread machine; /* FIRST: assembly knows its offsets (machine/thread.h) */

    uint32_t ast;                  /* atomic */
    uint32_t refs;                 /* atomic */
    struct task *task;             /* fixed */
    uint32_t traps;                /* Mach traps made: counted by assembly */
    struct ipc_port *self;         /* kernel port; owned by LOCK_TASK of the task */

    /* ---- a receive in progress: owned by the port's or set's lock while waiting ---- */
    struct ipc_kmsg *ith_kmsg;     /* the message handed over by the sender */
    mach_msg_header_t *ith_msg;    /* where the user wants it; NULL: the kernel does, for the exception */
    mach_msg_option_t ith_option;
    mach_msg_size_t ith_rcv_size;  /* room, for MACH_RCV_LARGE */
    mach_msg_size_t ith_room;      /* what mach_msg_fast may put at ith_msg; 0: not even a header */
    mach_msg_return_t ith_state;   /* MACH_RCV_IN_PROGRESS, or how it ended */
    mach_msg_size_t ith_msize;     /* size of the message that did not fit */
    bool sender_pays;              /* mach_msg_send_from_kernel charges its task */

    /* ---- owned by lock ---- */
    spinlock_t lock;
    uint8_t state;                 /* enum thread_run_state */
    bool interruptible;            /* of the wait */
    bool on_cpu;                   /* its registers are in a CPU: set, without the lock, by the CPU
                                    * that switches to it; cleared under the lock (sched.c) */
    bool at_border;                /* preempted just before user mode: its registers are complete */
    bool task_held;                /* its task is suspended */
    bool watched;                  /* somebody waits (event: &ast) for it to leave its CPU */
    bool active;                   /* not terminated */
    uint8_t priority;              /* 0..127, base */
    uint8_t max_priority;
    uint8_t sched_priority;        /* in force: base, less usage, or inherited, or depressed */
    uint8_t inherited;             /* the highest of loans, or 0 */
    uint8_t depressed;             /* thread_switch DEPRESS */
    uint32_t suspend_count;
    uint32_t usage;                /* decaying; see priority.c */
    uint32_t usage_stamp;
    wait_result_t wait_result;
    struct waitq *waitq;           /* TH_WAITING: what it waits on, or NULL (a pure sleep) */
    uint64_t wait_deadline;        /* of this wait, or DEADLINE_NONE */
    const void *wait_event;        /* event_assert_wait: which of the bucket's events */
    struct queue wait_link;        /* in waitq: owned by the queue's lock */
    struct queue run_link;         /* in a run queue: owned by that queue's lock */
    int32_t runq_cpu;              /* whose run queue, -1 none */
    struct timer wait_timer;

    /* ---- the thread's own ---- */
    int32_t slice;                 /* ticks left */
    uint64_t user_time;            /* machine_time() units */
    uint64_t system_time;
    uint64_t time_stamp;
    uint32_t csw;                  /* times it was switched to, not counting: */
    uint32_t handoffs;             /* and with it, by mach_msg_fast, a message received */
    vm_offset_t stack;             /* lowest mapped address of the kernel stack */

    /* ---- priority inheritance: inherit.c ---- */
    struct thread *server;         /* who works for it while it waits, or NULL. No reference; set
                                    * before each wait, or under its lock while it lasts */
    struct ipc_kmsg *request;      /* what it waits for an answer to is queued; LOCK_INHERIT */
    struct thread *lent_to;        /* whom it lends to, or did in this wait; a reference, ... */
    struct thread *lent_before;    /* ... and to whom before, or NULL; LOCK_INHERIT */
    uint8_t lent;                  /* the priority it lends, or 0; LOCK_INHERIT */
    struct loans loans;            /* that it has been lent; LOCK_INHERIT */

    struct ipc_port *rpc_port;     /* mach_msg_rpc_kmsg: the reply port, or NULL */
    struct exception_raised raised;

    struct queue task_link;        /* in task->threads: owned by LOCK_TASK */
    struct exception_action exc_actions[EXC_TYPES_COUNT]; /* owned by LOCK_TASK of the task */
};

/* A new thread of task, suspended once, holding a reference for the caller. Its user registers are
 * 0. KERN_RESOURCE_SHORTAGE, KERN_TERMINATED. */
kern_return_t thread_create_in(struct task *task, thread_t *thread);
/* A kernel thread, made runnable: calls entry(arg), which must not return. */
thread_t kernel_thread(const char *name, void (*entry)(void *), void *arg, int priority);
/* Drops one suspension; the thread runs when none is left. KERN_FAILURE: it had none. */
kern_return_t thread_release(thread_t thread);
/* ast_set may be called by anyone, also on a thread
 * that is just being freed (its memory stays a thread: zone.h). */
static inline void ast_set(struct thread *thread, uint32_t bits)
{
    __atomic_fetch_or(&thread->ast, bits, __ATOMIC_SEQ_CST);
}
static inline void ast_clear(struct thread *thread, uint32_t bits)
{
    __atomic_fetch_and(&thread->ast, ~bits, __ATOMIC_SEQ_CST);
}
/* The task of thread was suspended (held) or resumed: LOCK_TASK is held. */
void thread_hold_for_task(thread_t thread, bool held);
/* Begins the end: AST_TERMINATE, wait interrupted. Returns at once. */
void thread_terminate_async(thread_t thread);
void thread_terminate_self(void) __attribute__((noreturn));
void thread_reference(thread_t thread);
/* Drops a reference; NULL is allowed. */
void thread_deallocate(thread_t thread);
/* Port conversions take a reference on success, NULL for anything that is no live thread; the out
 * conversion consumes a reference and makes a send right. */
thread_t convert_port_to_thread(mach_port_t port);
mach_port_t convert_thread_to_port(thread_t thread);
void thread_init(void);
uint32_t thread_total(void);

/* ---- between the files of kern/ ---- */
/* The current thread, which is locked, waits from now on; the caller puts it on wq (locked), or NULL:
 * a pure sleep. False: no, it was aborted (wait_result). */
static inline bool thread_begin_wait(struct thread *self, struct waitq *wq, bool interruptible,
                                     uint64_t deadline)
{
    /* Under the lock, so that an abort is either seen here, or sees the wait. */
    if (__builtin_expect((self->ast & (AST_ABORT | AST_TERMINATE)) != 0, 0) && interruptible) {
        ast_clear(self, AST_ABORT);
        self->wait_result = THREAD_INTERRUPTED;
        return false;
    }
    self->state = TH_WAITING;
    self->interruptible = interruptible;
    self->waitq = wq;
    self->wait_deadline = deadline;
    if (__builtin_expect(deadline != DEADLINE_NONE, 0))
        timer_arm(&self->wait_timer, deadline);
    return true;
}
/* A kernel thread that has not been made runnable, with one reference for its being alive. NULL:
 * out of memory. */
thread_t kernel_thread_create(const char *name, void (*entry)(void *), void *arg, int priority);
/* The thread has switched away for the last time: frees its stack, and the reference for being
 * alive. On another thread's stack, no locks held. */
void thread_reap(struct thread *thread);

#endif
