/*
 * What MIG-made stubs in user programs call: the reply port, and the slow paths. Nothing here is on
 * the way of an RPC that succeeds but mig_get_reply_port, which is a load.
 */
#ifndef _MACH_MIG_SUPPORT_H_
#define _MACH_MIG_SUPPORT_H_

#include <mach/mig_errors.h>
#include <mach/mig_pack.h>
#include <mach_tcb.h>

/* ---- client stubs ---- */

/* Makes a reply port for this thread and keeps it. MACH_PORT_NULL: out of memory. */
mach_port_t mig_make_reply_port(void);

/*
 * The thread's reply port, made at the first use and used for every RPC after it; it stays the
 * thread's. Never blocks for long; MACH_PORT_NULL (the RPC will then fail) if there is no memory.
 */
static inline mach_port_t mig_get_reply_port(void)
{
    mach_port_t port = mach_tcb()->reply_port;

    return __builtin_expect(port != MACH_PORT_NULL, 1) ? port : mig_make_reply_port();
}

/* Destroys the thread's reply port (a late reply may come to it); the next RPC makes one. */
void mig_dealloc_reply_port(mach_port_t port);
/* An RPC that used port is over. Nothing to do: the port is kept. */
void mig_put_reply_port(mach_port_t port);
/* Called in the child after fork: forgets the port without destroying it. */
void mig_forget_reply_port(void);

/*
 * mach_msg failed with code during an RPC with this reply port (MACH_PORT_NULL: the caller's own
 * was used, or none). Drops the reply port if it is unusable or may still get the reply, and
 * destroys what a half-received message holds. Returns code.
 */
mach_msg_return_t mig_msg_error(mach_msg_header_t *message, mach_port_t reply_port,
                                mach_msg_return_t code);

/*
 * What an RPC returns whose reply is not that of a success: the server's error code if it has the
 * form of an error reply, else MIG_REPLY_MISMATCH, MIG_SERVER_DIED or MIG_TYPE_ERROR. id: the
 * reply's expected id. Destroys what the reply holds.
 */
kern_return_t mig_reply_error(mach_msg_header_t *reply, mach_msg_id_t id);

/* ---- server stubs ---- */

/*
 * A routine did not succeed, or (MIG_BAD_ARGUMENTS) the request never reached it. MIG_NO_REPLY: the
 * routine consumed the arguments, and the reply right is released. Else: everything the request
 * holds but the reply right is released, and the reply becomes an error reply. The request is then
 * empty: mach_msg_destroy of it does nothing more.
 */
void mig_server_error(mach_msg_header_t *request, mach_msg_header_t *reply, kern_return_t code);

/* A simpleroutine is done. Releases the reply right, if a client sent one; no reply. */
void mig_no_reply(mach_msg_header_t *request, mach_msg_header_t *reply);

/* Releases what is still in the request's body (not the reply right), and empties it. */
void mig_release_request(mach_msg_header_t *request);

/* A delayed reply, or other message from a server that cannot wait, was not sent: destroys what it
 * holds. Returns code. */
mach_msg_return_t mig_send_failed(mach_msg_header_t *message, mach_msg_return_t code);

/* ---- for everybody ---- */

/* Releases every right and all memory a received (or not sent) message holds, but the receive right
 * it came to. libmach/mach_msg.c */
void mach_msg_destroy(mach_msg_header_t *message);
/* Copies at most room - 1 bytes and always a NUL (room > 0). Returns the length with the NUL. */
mach_msg_size_t mig_strncpy(char *to, const char *from, mach_msg_size_t room);

#endif
