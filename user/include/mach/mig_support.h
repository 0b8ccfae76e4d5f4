/*
 * What MIG-made stubs in user programs call: the reply port, the trap, and the slow paths. What is
 * inline here is all there is on the way of an RPC that succeeds. Read docs/mig.md before.
 */
#ifndef _MACH_MIG_SUPPORT_H_
#define _MACH_MIG_SUPPORT_H_

#include <mach/inline_traps.h>
#include <mach/mig_errors.h>
#include <mach/mig_pack.h>
#include <mach_tcb.h>

/* ---- client stubs ---- */

/*
 * The thread's reply port, made at the first use and used for every RPC after it; it stays the
 * thread's. MACH_PORT_NULL (the RPC will then fail) if there is no memory.
 */
static inline mach_port_t mig_get_reply_port(void)
{
    struct mach_tcb *tcb = mach_tcb();

    if (MIG_UNLIKELY(tcb->reply_port == MACH_PORT_NULL))
        tcb->reply_port = mach_reply_port_inline();
    return tcb->reply_port;
}

/* Destroys the thread's reply port (a late reply may come to it); the next RPC makes one. */
void mig_dealloc_reply_port(mach_port_t port);
/* An RPC that used port is over. Nothing to do: the port is kept. */
void mig_put_reply_port(mach_port_t port);
/* Called in the child after fork: forgets the port without destroying it. */
void mig_forget_reply_port(void);

/*
 * An RPC's message was not sent or its reply not received. Begins what was interrupted anew, unless
 * option asks to be told; returns MACH_MSG_SUCCESS if that did it. Else code, or what came of the
 * second attempt: drops the thread's reply port, if it is the one used, when it is unusable or may
 * still get the reply, and destroys what a half-received message holds.
 */
mach_msg_return_t mig_rpc_failed(mach_msg_header_t *message, mach_msg_option_t option,
                                 mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                 mach_port_t reply_port, mach_msg_timeout_t timeout,
                                 mach_msg_return_t code);

/* A simpleroutine's message was not sent: destroys it if it came back (MACH_SEND_TIMED_OUT,
 * _INTERRUPTED); else all in it is still the caller's (mig_not_sent). Returns code. */
mach_msg_return_t mig_request_failed(mach_msg_header_t *message, mach_msg_return_t code);

/* Sends a request, and receives the reply over it. */
static inline mach_msg_return_t mig_rpc(mach_msg_header_t *message, mach_msg_option_t option,
                                        mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                        mach_port_t reply_port, mach_msg_timeout_t timeout)
{
    mach_msg_return_t code = mach_msg_trap_inline(message, option, send_size, rcv_size, reply_port,
                                                  timeout);

    if (MIG_UNLIKELY(code != MACH_MSG_SUCCESS))
        code = mig_rpc_failed(message, option, send_size, rcv_size, reply_port, timeout, code);
    return code;
}

/*
 * Is this the reply of a success, of this id and size, without descriptors and without a right in
 * its header? Two comparisons of 64 bits: bits and size, id and RetCode lie next to each other.
 */
static inline boolean_t mig_plain_reply(const mach_msg_header_t *reply, mach_msg_id_t id,
                                        mach_msg_size_t size)
{
    const uint64_t flags = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS_REMOTE_MASK;
    uint64_t bits_and_size;
    uint64_t id_and_code;

    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first word is the low one");
    __builtin_memcpy(&bits_and_size, &reply->msgh_bits, sizeof(bits_and_size));
    __builtin_memcpy(&id_and_code, &reply->msgh_id, sizeof(id_and_code));
    return (bits_and_size & (flags | 0xffffffff00000000)) == (uint64_t)size << 32
        && id_and_code == (uint32_t)id;
}

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
 * holds but the reply right is released, and the reply becomes an error reply (MIG_ARRAY_TOO_LARGE:
 * what the reply holds already is released, too). The request is then empty: mach_msg_destroy of it
 * does nothing more.
 */
void mig_server_error(mach_msg_header_t *request, mach_msg_header_t *reply, kern_return_t code);

/* A simpleroutine is done. Releases the reply right, if a client sent one; no reply. */
void mig_no_reply(mach_msg_header_t *request, mach_msg_header_t *reply);

/* Releases what is still in the body of a request (or of a reply that is not sent), but not the
 * right in its header, and empties it. */
void mig_release_request(mach_msg_header_t *request);

/* A reply, or other message from a server that cannot wait, was not sent: destroys all it was given
 * (and, after MACH_SEND_TIMED_OUT and _INTERRUPTED, all that mach_msg had made of it). Returns
 * code. */
mach_msg_return_t mig_send_failed(mach_msg_header_t *message, mach_msg_return_t code);

/* ---- for everybody ---- */

/* Releases every right and all memory a received (or not sent) message holds, but the receive right
 * it came to. libmach/mach_msg.c */
void mach_msg_destroy(mach_msg_header_t *message);
/* Copies at most room - 1 bytes and always a NUL (room > 0). Returns the length with the NUL. */
mach_msg_size_t mig_strncpy(char *to, const char *from, mach_msg_size_t room);

#endif
