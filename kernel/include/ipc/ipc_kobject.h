/*
 * Kernel objects as receivers: a message to a kernel port runs a routine, in the sender's context.
 */
#ifndef _IPC_IPC_KOBJECT_H_
#define _IPC_IPC_KOBJECT_H_

#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_port.h>
#include <mig_kernel.h>

/* Runs the routine a request to a kernel port asks for (by msgh_id, through the MIG-made tables)
 * and returns the reply, addressed to the request's reply port; NULL if there is none to send.
 * Consumes the request. No locks held; may block. */
ipc_kmsg_t ipc_kobject_server(ipc_kmsg_t request);
/* Its parts. The routine for a message id, NULL if there is none, and what room its reply needs. */
mig_kernel_stub_t ipc_kobject_routine(mach_msg_id_t id, mach_msg_size_t *reply_size);
/* Addresses the reply. Consumes the request. NULL: nobody waits for it. */
ipc_kmsg_t ipc_kobject_reply(ipc_kmsg_t request, ipc_kmsg_t reply);
/* Runs the routine; for NULL the reply says that there is none. False: no reply is to be sent. */
static inline bool ipc_kobject_call(mig_kernel_stub_t routine, ipc_kmsg_t request,
                                    mach_msg_header_t *out)
{
    const mach_msg_id_t reply_id_offset = 100; /* MIG: a reply's id, above its request's */

    out->msgh_bits = 0;
    out->msgh_id = request->ikm_header->msgh_id + reply_id_offset;
    if (__builtin_expect(routine != NULL, 1))
        routine(request, out);
    else
        mig_kernel_error(out, MIG_BAD_ID);
    return (out->msgh_bits & MACH_MSGH_BITS_COMPLEX)
           || (((mig_reply_error_t *)out)->RetCode != MIG_NO_REPLY && IP_VALID(request->ikm_local));
}
/* The last send right to a kernel port went: objects that live by their port are released here
 * (memory control, semaphore, device). Called without locks. */
void ipc_kobject_no_senders(ipc_port_t port, enum ipc_kobject_type type, void *kobject);
/* The port of an ipc_port_watch died. Called without locks. */
void ipc_kobject_port_died(enum ipc_kobject_type type, void *kobject);
void ipc_kobject_init(void);

/* mach_msg from inside the kernel, and the trap itself. */
mach_msg_return_t mach_msg_trap(mach_msg_header_t *msg, mach_msg_option_t option,
                                mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
                                mach_port_name_t notify);
/* The trap's entry: mach_msg_fast.c. All the arguments are in the trapframe, too. */
mach_msg_return_t mach_msg_fast(mach_msg_header_t *msg, mach_msg_option_t option,
                                mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                mach_port_name_t rcv_name);
struct ipc_exchange;
/* The receiving half, after what is left of exchange. */
mach_msg_return_t mach_msg_receive(mach_msg_header_t *msg, mach_msg_option_t option,
                                   mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
                                   mach_msg_timeout_t timeout, struct ipc_exchange *exchange);
/* What is left of a receive when its message, accepted, is there: rights get names, bytes go to the
 * user. Consumes kmsg. */
mach_msg_return_t mach_msg_received(ipc_kmsg_t kmsg, mach_msg_header_t *msg,
                                    mach_msg_option_t option, mach_msg_size_t rcv_size);
/* An accepted message without rights and memory, but for the right it came by, to the user, if it is such
 * a one and fits; it is freed. False: mach_msg_received must do it. (mach_msg_half.c) */
bool mach_msg_put_plain(ipc_kmsg_t kmsg, mach_msg_header_t *msg, mach_msg_option_t option,
                        mach_msg_size_t rcv_size, mach_msg_return_t *mr);
/* The thread will wait in a receive: says whether mach_msg_fast may bring its message, and where to.
 * Then what is on its kernel stack is of no more use. */
void mach_msg_fast_wait(struct thread *self, mach_msg_header_t *msg, mach_msg_option_t option,
                        mach_msg_size_t rcv_size);
void mach_msg_fast_init(void);
/* What is left of mach_msg_rpc_kmsg when its receive has returned mr and, on success, reply. Returns mr. */
mach_msg_return_t mach_msg_rpc_done(struct thread *self, mach_msg_return_t mr, ipc_kmsg_t reply);
/*
 * An exception's request, as mach_msg_rpc_kmsg takes it, if it can go the short way: then this does not
 * return, and exception_answered goes on. Else nothing has changed. No locks.
 */
void mach_msg_raise(ipc_kmsg_t request);
/*
 * memory_object_data_request; but a thread that waited for it, and has it, is not woken: it is *receiver (or
 * NULL: nobody did), and its wake-up the caller's. Else payer pays for it until it is received:
 * MACH_SEND_TIMED_OUT, if it has sent too much. No locks; does not block.
 */
kern_return_t mach_msg_ask_pager(ipc_port_t pager, ipc_port_t control, vm_offset_t offset, vm_size_t length,
                                 vm_prot_t access, struct ledger *payer, thread_t *receiver);
/* The traps mach_reply_port, mach_thread_self, task_self, host_self. */
mach_port_name_t mach_reply_port_trap(void);
mach_port_name_t mach_thread_self_trap(void);
mach_port_name_t mach_task_self_trap(void);
mach_port_name_t mach_host_self_trap(void);

/*
 * Delivers a message: enqueues it, even over the queue limit, or hands it to a receiver; never
 * blocks, and may be called in interrupt context. kmsg (from the kernel; ikm_remote holds a right
 * that the message consumes, of the disposition in its bits) is consumed in any case. No locks
 * held: callers gather what is to be sent and send it after unlocking.
 */
void ipc_kmsg_send_always(ipc_kmsg_t kmsg);

#endif
