/*
 * What the parts of the short way tell one another: mach_msg_fast.c, which sends, mach_msg_arrive.c, which
 * receives, and mach_msg_kobject.c, for kernel ports.
 */
#ifndef _IPC_MACH_MSG_FAST_H_
#define _IPC_MACH_MSG_FAST_H_

#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_port.h>

#define BITS_CALL  MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define BITS_REPLY MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* The same as they arrive. */
#define BITS_CALLED  MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define BITS_REPLIED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

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

/* From handoff.S. */
mach_msg_return_t mach_msg_arrive(struct thread *old, struct thread *self,
                                  mach_port_name_t local_port, mach_port_seqno_t seqno,
                                  mach_msg_id_t id, ipc_port_t reply, ipc_kmsg_t kmsg);
mach_msg_return_t mach_msg_continue(void);

/*
 * A request to a kernel port, in request, from a space that holds the right to receive from reply; both
 * rights are counted, the first is a send right. The routine runs here, and its answer goes straight to
 * the user, if the reply port is still as it was. Result as the trap's. No locks.
 */
mach_msg_return_t mach_msg_kobject(mach_msg_header_t *msg, mach_msg_size_t rcv_size,
                                   mach_port_name_t rcv_name, mach_msg_id_t id, ipc_port_t port,
                                   ipc_port_t reply, ipc_kmsg_t request);

#endif
