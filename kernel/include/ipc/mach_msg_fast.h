/*
 * What the parts of the short way tell one another: mach_msg_fast.c, which sends, mach_msg_arrive.c, which
 * receives, mach_msg_kobject.c, for kernel ports, and mach_msg_pager.c, for pagers' answers.
 */
#ifndef _IPC_MACH_MSG_FAST_H_
#define _IPC_MACH_MSG_FAST_H_

#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_pset.h>
#include <kern/switch.h>

#define BITS_CALL  MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define BITS_REPLY MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* The same as they arrive. */
#define BITS_CALLED  MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define BITS_REPLIED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

/* User addresses below this need no further check for a message. */
#define FAST_ADDRESS_MAX (VM_MAX_ADDRESS - 2 * MACH_MSG_SIZE_MAX)

static inline mach_msg_header_t *header_of(ipc_kmsg_t kmsg)
{
    return (mach_msg_header_t *)kmsg->ikm_inline;
}

/* Is it large, or complex? Then the buffer holds a message in whole; else the body, and bits of 0. */
static inline bool special(ipc_kmsg_t kmsg)
{
    return kmsg != NULL && header_of(kmsg)->msgh_bits != 0;
}

/* Is there anything for a receiver, or is the port in a set? A sender waits at a port without messages
 * only if its limit is 0. Port locked. */
static inline bool not_quiet(ipc_port_t port)
{
    return port->msgcount != 0 || port->so_notes != 0 || port->qlimit == 0
           || !queue_empty(&port->psets);
}

extern bool mach_msg_fast_off; /* boot argument */

/*
 * Those who wait for a message to port, which is locked: at the port itself or, if it has nothing and is in
 * just one set, there: that is locked then, and *set its lock. NULL: nobody.
 */
static inline struct waitq *find_receivers(ipc_port_t port, spinlock_t **set)
{
    struct ipc_pset_link *link = queue_first(&port->psets, struct ipc_pset_link, in_port);

    if (!waitq_empty(&port->receivers))
        return &port->receivers;
    if (queue_empty(&port->psets) || link->in_port.next != &port->psets || port->msgcount != 0)
        return NULL; /* in more sets than one they are all looked at */
    *set = &link->pset->lock;
    spin_lock(*set);
    return &link->pset->receivers;
}

/*
 * May the CPU go straight to next, who waits first in a queue, which is locked, with a message of that size?
 * Then both threads are locked. call: self will wait for the answer.
 */
static inline __attribute__((always_inline)) bool handoff_lock(struct thread *self,
                                                               struct thread *next, bool call,
                                                               mach_msg_size_t size)
{
    if (next->ith_room < size || next->on_cpu)
        return false;
    spin_lock(&self->lock);
    /* Under the lock, so that an abort is either seen here, or sees the wait; and who waits for a suspended
     * thread to leave its CPU (thread->watched) need not be thought of. (AST_REGISTERS makes the mask one
     * that fits an instruction.) The other thread's lock is only tried, against the order: its holder may
     * want ours. */
    if ((self->ast & (AST_HALT | AST_REGISTERS | AST_TERMINATE | AST_ABORT)) == 0
        && !(call && self->sched_priority > next->priority) /* to whom it lends: kern/inherit.h */
        && spin_try_lock(&next->lock))
        return true;
    spin_unlock(&self->lock);
    return false;
}

/* Takes next, locked like its queue, off that, and unlocks it: the message and the CPU are its own. */
static inline __attribute__((always_inline)) void handoff_take(struct thread *self,
                                                               struct thread *next)
{
    queue_remove(&next->wait_link);
    next->state = TH_RUNNABLE;
    next->slice = self->slice;
    next->handoffs++;
    spin_unlock(&next->lock);
}

/* self, locked, waits in a queue for what comes from server (NULL: from anybody). */
static inline __attribute__((always_inline)) void handoff_wait(struct thread *self,
                                                               struct waitq *wait,
                                                               struct thread *server)
{
    self->state = TH_WAITING;
    self->interruptible = true;
    self->waitq = wait;
    self->wait_deadline = DEADLINE_NONE;
    self->server = server;
    enqueue_tail(&wait->threads, &self->wait_link);
    self->ith_kmsg = NULL;
}

/* In the receiver: the thread before, whose lock is held, waits. All that thread_continue would do. */
static inline void handoff_finish(struct thread *old)
{
    __atomic_store_n(&old->on_cpu, false, __ATOMIC_RELEASE);
    spin_unlock(&old->lock);
}

/* From handoff.S. */
mach_msg_return_t mach_msg_arrive(struct thread *old, struct thread *self,
                                  mach_port_name_t local_port, mach_port_seqno_t seqno,
                                  mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg);
/* The same if a trailer is asked for, or it is not for a user. */
mach_msg_return_t mach_msg_arrive_otherwise(struct thread *old, struct thread *self,
                                            mach_port_name_t local_port, mach_port_seqno_t seqno,
                                            mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg);
mach_msg_return_t mach_msg_continue(void);
/* The same two for a thread that waits in mach_msg_raise: they do not return. (The arguments are the same, so
 * that they stay in their registers.) */
mach_msg_return_t mach_msg_raise_arrive(struct thread *old, struct thread *self,
                                        mach_port_name_t local_port, mach_port_seqno_t seqno,
                                        mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg);
void mach_msg_raise_continue(struct thread *self) __attribute__((noreturn));

/*
 * A request to a kernel port, in request, from a space that holds the right to receive from reply; both
 * rights are counted, the first is a send right. The routine runs here, and its answer goes straight to
 * the user, if the reply port is still as it was. Result as the trap's. No locks.
 */
mach_msg_return_t mach_msg_kobject(mach_msg_header_t *msg, mach_msg_size_t rcv_size,
                                   mach_port_name_t rcv_name, mach_msg_id_t id, ipc_port_t port,
                                   ipc_port_t reply, ipc_kmsg_t request);

/* A send alone, of at most FAST_SIZE_MAX bytes, a multiple of 4, perhaps a reply; the options are of no
 * account. A receive alone, with no options but those, perhaps from a set. Result as the trap's.
 * (mach_msg_half.c) */
mach_msg_return_t mach_msg_post(mach_msg_header_t *msg, mach_msg_size_t send_size);
mach_msg_return_t mach_msg_await(mach_msg_header_t *msg, mach_msg_option_t option,
                                 mach_msg_size_t rcv_size, mach_port_name_t rcv_name);

/* The trap's long way, from the beginning. The buffer, if there is one, is freed. */
mach_msg_return_t mach_msg_slow(ipc_kmsg_t kmsg);

#define MACH_MSG_SUPPLY_SIZE 80
/* A message of that size, which may be a pager's answer; options as mach_msg_fast takes them, or
 * MACH_SEND_MSG alone. Result as the trap's. */
mach_msg_return_t mach_msg_supply(mach_msg_header_t *msg, mach_msg_option_t option,
                                  mach_msg_size_t rcv_size, mach_port_name_t rcv_name);

#endif
