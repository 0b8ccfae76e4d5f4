/*
 * The queue of a port: sending, waiting, receiving. Read ipc_port.h, ipc_pset.h and sched.h before.
 */
#ifndef _IPC_IPC_MQUEUE_H_
#define _IPC_IPC_MQUEUE_H_

#include <ipc/ipc_kmsg.h>
#include <kern/sched.h>

/* What sending leaves to be done, so that the receive half of the trap can do it best. */
struct ipc_exchange {
    thread_t receiver; /* has got the message; to be woken, by us: thread_go or waitq_wait */
    ipc_kmsg_t reply;  /* a kernel port's answer; to be delivered */
    ipc_port_t call;   /* the port that the message names for an answer; only to be compared with */
};

/*
 * Sends to kmsg->ikm_remote. MACH_MSG_SUCCESS: the message is consumed (a dead port's is
 * destroyed); MACH_SEND_TIMED_OUT, MACH_SEND_INTERRUPTED, MACH_SEND_NO_BUFFER (it would have to be
 * queued, and the task has too much in queues already): it is still the caller's. No locks; blocks.
 */
mach_msg_return_t ipc_mqueue_send(ipc_kmsg_t kmsg, mach_msg_option_t option,
                                  mach_msg_timeout_t timeout, struct ipc_exchange *exchange);
/* Never blocks, whatever the queue limit. A dead (or kernel) port's message goes to work->destroy, and so
 * does one that has to be queued when the ledger (NULL: none) does not allow it. No locks. */
void ipc_mqueue_send_always(ipc_kmsg_t kmsg, struct ledger *ledger, struct ipc_work *work);
/* The same; but *receiver, if it got the message at once, is for the caller to wake up, and a message
 * that would be destroyed stays the caller's: false. */
bool ipc_mqueue_deliver(ipc_kmsg_t kmsg, struct ledger *ledger, thread_t *receiver);
/* Does what is left of an exchange when nothing is received. */
void ipc_exchange_finish(struct ipc_exchange *exchange);

/*
 * Receives from the port or set that `name` denotes in space, after doing what is left of
 * exchange. On success *kmsg is accepted. MACH_RCV_TOO_LARGE with MACH_RCV_LARGE: *needed is the
 * size. Blocks.
 */
mach_msg_return_t ipc_mqueue_receive(ipc_space_t space, mach_port_name_t name,
                                     mach_msg_option_t option, mach_msg_size_t rcv_size,
                                     mach_msg_timeout_t timeout, struct ipc_exchange *exchange,
                                     ipc_kmsg_t *kmsg, mach_msg_size_t *needed);
/* The same for a port of ipc_space_reply, which the caller has the receive right of. */
mach_msg_return_t ipc_mqueue_receive_reply(ipc_port_t port, struct ipc_exchange *exchange,
                                           ipc_kmsg_t *kmsg);

/* Queues the messages of blocked senders while there are less than `limit`. Port locked. */
void ipc_mqueue_admit(ipc_port_t port, uint32_t limit);
/* A send-once notification became due (port->so_notes): a waiting receiver is to look. Port
 * locked. */
void ipc_mqueue_note(ipc_port_t port);
/* Waiting receivers return `why`; the owner of the queue is locked. */
void ipc_mqueue_wake_receivers(struct waitq *receivers, mach_msg_return_t why);

#endif
