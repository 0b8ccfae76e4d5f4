/*
 * The short way for exceptions: the request goes to a handler that waits, and the CPU with it, and so does
 * the answer come back. Read mach_msg_fast.c and kern/exception.c before.
 *
 * The thread that raised it leaves its kernel stack as one does that waits in mach_msg_fast. What it has
 * done is kept in thread->raised, and exception_answered goes on from there, on the empty stack.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_pset.h>
#include <ipc/mach_msg_fast.h>
#include <kern/host.h>
#include <kern/inherit.h>
#include <kern/task.h>

/* With any of the trailer's bits mach_msg_arrive leaves it to arrive_from, which knows us. */
#define ANSWER_OPTION MACH_RCV_TRAILER_ELEMENTS(0xf)

void mach_msg_raise(ipc_kmsg_t kmsg)
{
    struct thread *self = current_thread();
    mach_msg_header_t *header = header_of(kmsg);
    ipc_port_t port = kmsg->ikm_remote;
    ipc_port_t reply = self->rpc_port;
    spinlock_t *set = NULL;
    struct waitq *receivers;
    mach_port_seqno_t seqno;
    mach_port_name_t local_port;
    struct thread *next;

    if (mach_msg_fast_off || reply == IP_NULL || kmsg->ikm_capacity != IKM_SMALL_SIZE)
        return;
    ip_lock(port);
    receivers = find_receivers(port, &set);
    if (receivers == NULL)
        goto unlock_port;
    if (waitq_empty(receivers) || port->srights == 1) /* (then no-senders may be due) */
        goto unlock_set;
    next = queue_first(&receivers->threads, struct thread, wait_link);
    if ((next->ith_option & MACH_RCV_TRAILER_ELEMENTS(0xf))
        || !handoff_lock(self, next, true, header->msgh_size))
        goto unlock_set;

    /* From here on nothing fails. */
    handoff_take(self, next);
    port->srights--;
    port->server = next;
    local_port = port->receiver_name;
    seqno = port->seqno++;
    /* Nobody knows the reply port yet: it need not be locked. */
    reply->sorights++;
    handoff_wait(self, &reply->receivers, next);
    self->ith_msg = NULL;
    self->ith_option = ANSWER_OPTION;
    self->ith_room = IKM_SMALL_SIZE;
    if (set != NULL)
        spin_unlock(set);
    ip_unlock(port);
    kmsg->ikm_remote = IP_NULL;
    if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        header->msgh_bits = 0; /* so it is a body alone */
    thread_switch_begin(self, next);
    machine_handoff(self, next, local_port, seqno, header->msgh_id, reply, kmsg);

unlock_set:
    if (set != NULL)
        spin_unlock(set);
unlock_port:
    ip_unlock(port);
}

mach_msg_return_t mach_msg_raise_arrive(struct thread *old, struct thread *self,
                                        mach_port_name_t local_port, mach_port_seqno_t seqno,
                                        mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg)
{
    handoff_finish(old);
    self->handoffs--; /* (what it counts is messages to users, too) */
    self->csw++;
    if (kmsg != NULL && !special(kmsg)) {
        header_of(kmsg)->msgh_id = id;
        kmsg->ikm_remote = IP_NULL;
        kmsg->ikm_local = IP_NULL;
    }
    exception_answered(MACH_MSG_SUCCESS, kmsg);
}

void mach_msg_raise_continue(struct thread *self)
{
    struct ipc_exchange exchange = {.call = IP_NULL};
    ipc_kmsg_t kmsg = self->ith_kmsg;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    inherit_waited(self);
    if (self->wait_result == THREAD_INTERRUPTED)
        mr = MACH_RCV_INTERRUPTED;
    else if (self->wait_result != THREAD_AWAKENED) /* look again */
        mr = ipc_mqueue_receive_reply(self->rpc_port, &exchange, &kmsg);
    exception_answered(mach_msg_rpc_done(self, mr, kmsg), kmsg);
}
