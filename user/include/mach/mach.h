/*
 * libmach: what a program does with Mach beyond the traps (mach/traps.h) and the stubs
 * (mach/NAME.h, servers/NAME.h).
 */
#ifndef _MACH_MACH_H_
#define _MACH_MACH_H_

#include <mach/mach_types.h>
#include <mach/mig_support.h>
#include <mach/traps.h>

/* ---- start (libmach/mach_init.c) ---- */

/* Makes tcb the calling thread's. To be called before anything that uses errno or an RPC. */
void mach_set_tcb(struct mach_tcb *tcb);
/* The first thread's part: its tcb, and mach_task_self_ if it is not set. Called before main. */
void mach_init(void);
/* The bootstrap port, where it is known without asking; and whether it has been asked for. */
void mach_init_bootstrap(mach_port_t port);
mach_port_t mach_bootstrap_port_cached(void);
/* In a child that fork made, before any RPC: forgets the names that only the parent has. */
void mach_init_child(struct mach_tcb *tcb);
/* Grows with every mach_init_child: who caches a port name keeps the value it was cached under, and
 * looks up anew when it differs. */
extern unsigned mach_fork_generation;
/* A second thread was made: what nobody else could disturb until then must be locked from now on. */
extern boolean_t mach_multithreaded;

/* The calling thread's port, cached; no reference for the caller. */
mach_port_t mach_thread_self_cached(void);

/*
 * The task's bootstrap port, as if it were a global. The first use asks the kernel for it. A
 * server or program may assign to it; MACH_PORT_NULL: the task has none.
 */
#define bootstrap_port (*mach_bootstrap_port())
mach_port_t *mach_bootstrap_port(void);

/* ---- messages ---- */

/* The bare trap: returns MACH_*_INTERRUPTED when thread_abort interrupts it. (mach_msg:
 * message.h) */
mach_msg_return_t mach_msg_trap(mach_msg_header_t *msg, mach_msg_option_t option,
                                mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
                                mach_port_name_t notify);

/* Handles one request: FALSE if it is not of its interface. MIG makes these (NAME_server). */
typedef boolean_t (*mig_demux_t)(mach_msg_header_t *in, mach_msg_header_t *out);

/*
 * Receives requests on rcv_name (a port or a set) and replies to them, for ever. max_size: bytes
 * of the longest request or reply. options: more receive options, e.g. for a longer trailer; room
 * for a trailer is added. A request of no interface is answered MIG_BAD_ID. Returns only when it
 * cannot receive: KERN_RESOURCE_SHORTAGE, or MACH_RCV_* as rcv_name is no (longer a) receive right.
 */
mach_msg_return_t mach_msg_server(mig_demux_t demux, mach_msg_size_t max_size,
                                  mach_port_name_t rcv_name, mach_msg_option_t options);
/* The same for one request; returns when it was replied to. */
mach_msg_return_t mach_msg_server_once(mig_demux_t demux, mach_msg_size_t max_size,
                                       mach_port_name_t rcv_name, mach_msg_option_t options);
/* Serves one request that was received before, and answers it in a message of its own. */
void mach_msg_serve(mig_demux_t demux, mach_msg_header_t *in, mach_msg_header_t *out);

/* The trailer of a message received with a MACH_RCV_TRAILER option. */
static inline const mach_msg_security_trailer_t *mach_msg_trailer(const mach_msg_header_t *msg)
{
    return (const mach_msg_security_trailer_t *)((const char *)msg + ((msg->msgh_size + 3) & ~3U));
}

/* Did the kernel itself send this? The message must have been received with
 * MACH_RCV_TRAILER_SENDER. */
boolean_t mach_msg_from_kernel(const mach_msg_header_t *msg);

/* ---- errors ---- */

/* What a code of the kernel, of mach_msg, of MIG or of a POSIX server means, in words. */
const char *mach_error_string(kern_return_t code);

#endif
