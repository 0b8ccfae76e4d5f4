/*
 * Threads of this task that block in a send or receive, to be watched, aborted and joined. Read
 * mach_child.h before.
 *
 *     struct worker w = {.run = work_receive, .target = port};
 *     worker_start(&w);       // returns when it waits in the kernel
 *     ...
 *     worker_join(&w);        // what mach_msg returned; the message is in w.message
 */
#ifndef MACH_WORKER_H
#define MACH_WORKER_H

#include "mach_child.h"

struct worker {
    mach_msg_return_t (*run)(struct worker *);
    mach_port_t target;
    mach_msg_option_t option; /* besides SEND_MSG or RCV_MSG */
    mach_msg_size_t size;     /* of the receive; 0: all of message */
    mach_msg_timeout_t timeout;
    uint32_t word; /* to be sent */
    cthread_t thread;
    volatile uint64_t port; /* the thread's */
    volatile uint64_t done;
    mach_msg_return_t result;
    struct small message;
};

/* The bare trap: libmach would begin anew after thread_abort. */
static mach_msg_return_t __attribute__((unused)) work_receive(struct worker *w)
{
    return mach_msg_trap(&w->message.header, MACH_RCV_MSG | w->option, 0,
                         w->size != 0 ? w->size : sizeof(w->message), w->target, w->timeout,
                         MACH_PORT_NULL);
}

static mach_msg_return_t __attribute__((unused)) work_send(struct worker *w)
{
    w->message = (struct small){
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                   .msgh_remote_port = w->target, .msgh_id = 77}, .word = w->word};
    return mach_msg_trap(&w->message.header, MACH_SEND_MSG | w->option, SMALL_SIZE, 0, MACH_PORT_NULL,
                         w->timeout, MACH_PORT_NULL);
}

static inline void *worker_main(void *arg)
{
    struct worker *w = arg;

    __atomic_store_n(&w->port, mach_thread_self_cached(), __ATOMIC_RELEASE);
    w->result = w->run(w);
    __atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Starts it. The threads of this file never wait but in run. FALSE: out of memory. */
static inline boolean_t worker_begin(struct worker *w)
{
    w->port = MACH_PORT_NULL;
    w->done = 0;
    w->thread = cthread_fork(worker_main, w);
    return w->thread != NULL;
}

/* Until it waits in the kernel; FALSE: it did not come to that. */
static inline boolean_t worker_waits(struct worker *w)
{
    while (__atomic_load_n(&w->port, __ATOMIC_ACQUIRE) == MACH_PORT_NULL)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
    return wait_for_state((thread_t)w->port, TH_STATE_WAITING);
}

static inline boolean_t worker_start(struct worker *w)
{
    return worker_begin(w) && worker_waits(w);
}

static inline mach_msg_return_t worker_join(struct worker *w)
{
    cthread_join(w->thread);
    return w->result;
}

#endif
