/*
 * Kernel objects as receivers: a message to a kernel port runs a routine, in the sender's context.
 */
#ifndef _IPC_IPC_KOBJECT_H_
#define _IPC_IPC_KOBJECT_H_

#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_port.h>

/* Runs the routine a request to a kernel port asks for (by msgh_id, through the MIG-made tables)
 * and returns the reply, addressed to the request's reply port; NULL if there is none to send.
 * Consumes the request. No locks held; may block. */
ipc_kmsg_t ipc_kobject_server(ipc_kmsg_t request);
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
