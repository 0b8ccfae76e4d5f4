/*
 * The contract between MIG-made stubs in the kernel and ipc: how a request to a kernel port is
 * served (KernelServer), and how the kernel sends to a user port (KernelUser). See docs/mig.md.
 *
 * In both directions the message is in the kernel's form: a port descriptor holds a struct ipc_port
 * * (kport), an out-of-line descriptor a vm_map_copy_t, an out-of-line ports descriptor the address
 * of a kalloc'ed array of struct ipc_port *.
 */
#ifndef _MIG_KERNEL_H_
#define _MIG_KERNEL_H_

#include <ipc/ipc_kmsg.h>
#include <mach/mig_errors.h>
#include <mach/mig_pack.h>

/*
 * Serves one request: checks its shape, calls the routine, and writes the reply at `reply`, a
 * buffer of the subsystem's max_reply_size bytes, 8-aligned, whose msgh_bits (without COMPLEX) and
 * msgh_id the caller has set. Sets msgh_size and RetCode, adds MACH_MSGH_BITS_COMPLEX if there are
 * descriptors; the caller does the header's ports. Descriptors of the reply have the dispositions
 * of rights as received (PORT_SEND, ...): the rights themselves, not yet in any space.
 *
 * RetCode MIG_NO_REPLY: nothing is to be sent (all simpleroutines).
 *
 * The request stays the caller's, who destroys it in any case (ipc_kmsg_destroy). What the routine
 * consumed is no longer in it by then: on success the stub clears MACH_MSGH_BITS_COMPLEX in its
 * msgh_bits; or, if the routine was given objects translated from ports (intran), whose rights are
 * not consumed, it nulls the descriptors that were. After an error everything is still in it.
 * The destination (ikm_remote) is not consumed. A stub whose routine took the reply port
 * (sreplyport) nulls ikm_local when that returned MIG_NO_REPLY. No locks held; may block.
 */
typedef void (*mig_kernel_stub_t)(ipc_kmsg_t request, mach_msg_header_t *reply);

struct mig_kernel_subsystem {
    mach_msg_id_t start;            /* id of routines[0] */
    mach_msg_id_t end;              /* one past the last id */
    mach_msg_size_t max_reply_size; /* bytes; at least sizeof(mig_reply_error_t) */
    const mig_kernel_stub_t *routines; /* by id - start; NULL: skipped, MIG_BAD_ID */
};

/* A reply that says only what went wrong. */
static inline void mig_kernel_error(mach_msg_header_t *reply, kern_return_t code)
{
    reply->msgh_size = sizeof(mig_reply_error_t);
    ((mig_reply_error_t *)reply)->RetCode = code;
}

/*
 * Sends a message from the kernel. remote, local: the ports, and how the right to each is made
 * (MACH_MSG_TYPE_*); local may be MACH_PORT_NULL. size bytes at msg are copied; msg's bits hold
 * only COMPLEX. Rights and memory in it, and remote and local where their disposition moves, are
 * consumed on MACH_MSG_SUCCESS alone. Does not block on a full queue.
 */
mach_msg_return_t mach_msg_send_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                            mach_port_t local, mach_msg_type_name_t local_disp,
                                            mach_msg_header_t *msg, mach_msg_size_t size);

/*
 * Such a send, of a message in which nothing moves, for which the current task pays until it is received:
 * MACH_SEND_TIMED_OUT, if it has as many under way as it may. It is for what a task makes the kernel ask of a
 * pager: else one that does not listen, or answers what it has not heard, could fill memory with questions.
 */
#define sender_pays(send) \
    ({ \
        mach_msg_return_t sent_; \
        current_thread()->sender_pays = true; \
        sent_ = (send); \
        current_thread()->sender_pays = false; \
        sent_; \
    })

/*
 * The same with a reply port of the thread's, whose reply is then received over msg, in the
 * kernel's form: at most rcv_size bytes (a longer one: destroyed, MACH_RCV_TOO_LARGE), its rights
 * and memory the caller's. Blocks until the reply, the server's death (a send-once notification is
 * the reply), or an abort of the thread (MACH_RCV_INTERRUPTED).
 */
mach_msg_return_t mach_msg_rpc_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                           mach_msg_header_t *msg, mach_msg_size_t send_size,
                                           mach_msg_size_t rcv_size);

/*
 * The same with a message that is one already (ipc_kmsg.h): its size, id, body, and COMPLEX if there are
 * descriptors; a send right in ikm_remote, and its disposition as it arrives in the bits. It is consumed in
 * any case. *reply is the caller's, to be destroyed. MACH_SEND_INVALID_DEST: the port is dead.
 */
mach_msg_return_t mach_msg_rpc_kmsg(ipc_kmsg_t request, ipc_kmsg_t *reply);

/* Releases the rights and memory in the descriptors of a message in the kernel's form; its bits say
 * COMPLEX if there are any. No locks held; may block. */
void mach_msg_destroy_from_kernel(mach_msg_header_t *msg);

/* A routine returned more than there is room for: what it returned is released. */
static inline void mig_kernel_reply_too_large(mach_msg_header_t *reply)
{
    mach_msg_destroy_from_kernel(reply);
    reply->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
    mig_kernel_error(reply, MIG_ARRAY_TOO_LARGE);
}

#define MIG_NOTIFY_SEND_ONCE 0107 /* notify.defs: the reply right was destroyed unused */

/*
 * What an RPC returns whose reply is not that of a success. Destroys what the reply holds.
 */
static inline kern_return_t mig_kernel_reply_error(mach_msg_header_t *reply, mach_msg_id_t id)
{
    kern_return_t code = MIG_TYPE_ERROR;

    if (reply->msgh_id != id)
        code = reply->msgh_id == MIG_NOTIFY_SEND_ONCE ? MIG_SERVER_DIED : MIG_REPLY_MISMATCH;
    else if (!(reply->msgh_bits & MACH_MSGH_BITS_COMPLEX)
             && reply->msgh_size == sizeof(mig_reply_error_t)
             && ((mig_reply_error_t *)reply)->RetCode != KERN_SUCCESS)
        code = mig_remote_code(((mig_reply_error_t *)reply)->RetCode);
    if (reply->msgh_bits & MACH_MSGH_BITS_COMPLEX)
        mach_msg_destroy_from_kernel(reply);
    return code;
}

#endif
