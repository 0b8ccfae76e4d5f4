/*
 * The run-time support of MIG-made stubs: reply ports, and what happens when an RPC does not go as
 * it should. Contracts are in <mach/mig_support.h>; docs/mig.md tells the ownership rule.
 */
#include <mach/mach_port.h>
#include <mach/mig_support.h>
#include <mach/notify_ids.h>
#include <mach/traps.h>

void mig_forget_reply_port(void)
{
    mach_tcb()->reply_port = MACH_PORT_NULL;
}

/*
 * Destroying a port is an RPC itself, and needs a reply port: the cached one is forgotten first, so
 * that RPC makes a fresh one, which then stays. A fresh port cannot be invalid, so this ends.
 */
void mig_dealloc_reply_port(mach_port_t port)
{
    if (port == MACH_PORT_NULL)
        return;
    if (mach_tcb()->reply_port == port)
        mig_forget_reply_port();
    mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

void mig_put_reply_port(mach_port_t port)
{
    (void)port;
}

/*
 * After these codes (only) the message is back in its buffer as if it had been received: each right
 * in it, also one that was to be copied or made, and all memory, also what was to be copied, is the
 * message's, maybe under another name. In the header there is the right to reply, too.
 */
static boolean_t came_back(mach_msg_return_t code)
{
    code &= ~MACH_MSG_MASK;
    return code == MACH_SEND_TIMED_OUT || code == MACH_SEND_INTERRUPTED;
}

static void release_right(mach_port_name_t name, mach_msg_type_name_t disposition)
{
    mach_msg_header_t right = {
        .msgh_bits = MACH_MSGH_BITS(disposition, 0),
        .msgh_size = sizeof(right),
        .msgh_remote_port = name,
    };

    mach_msg_destroy(&right);
}

mach_msg_return_t mig_send_failed(mach_msg_header_t *message, mach_msg_return_t code)
{
    if (came_back(code)) {
        const mach_msg_base_t *base = (const mach_msg_base_t *)message;
        mach_msg_descriptor_t *d = (mach_msg_descriptor_t *)(base + 1);
        uint32_t count = message->msgh_bits & MACH_MSGH_BITS_COMPLEX
                       ? base->body.msgh_descriptor_count : 0;

        for (uint32_t i = 0; i < count; i++) {
            if (d[i].port.type != MACH_MSG_PORT_DESCRIPTOR)
                d[i].out_of_line.deallocate = TRUE; /* in all descriptors of memory at one place */
        }
        release_right(message->msgh_local_port, MACH_MSGH_BITS_LOCAL(message->msgh_bits));
    }
    mach_msg_destroy(message);
    return code;
}

mach_msg_return_t mig_request_failed(mach_msg_header_t *message, mach_msg_return_t code)
{
    if (came_back(code))
        mig_send_failed(message, code);
    return code;
}

mach_msg_return_t mig_rpc_failed(mach_msg_header_t *message, mach_msg_option_t option,
                                 mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                 mach_port_t reply_port, mach_msg_timeout_t timeout,
                                 mach_msg_return_t code)
{
    /* The stub made the trap itself: one that was interrupted is begun anew here, unless a signal's handler
     * has said that the call is to end. When the send was done, only the receive is. */
    while (code == MACH_SEND_INTERRUPTED && !(option & MACH_SEND_INTERRUPT)
           && !mach_tcb()->interrupted)
        code = mach_msg_trap_inline(message, option, send_size, rcv_size, reply_port, timeout);
    if (code == MACH_RCV_INTERRUPTED && !(option & MACH_RCV_INTERRUPT))
        code = mach_msg(message, option & ~MACH_SEND_MSG, 0, rcv_size, reply_port, timeout,
                        MACH_PORT_NULL);
    switch (code & ~MACH_MSG_MASK) {
    case MACH_SEND_INVALID_REPLY:
    case MACH_RCV_INVALID_NAME:
    case MACH_RCV_PORT_DIED:
    case MACH_RCV_PORT_CHANGED:
        /* The name is no receive right of ours (any more): somebody else's to destroy. */
        if (mach_tcb()->reply_port == reply_port)
            mig_forget_reply_port();
        break;
    case MACH_RCV_TIMED_OUT:
    case MACH_RCV_INTERRUPTED:
        /* The reply may come yet, and must not be taken for that of a later RPC. */
        if (mach_tcb()->reply_port == reply_port)
            mig_dealloc_reply_port(reply_port);
        break;
    case MACH_RCV_BODY_ERROR:
        mach_msg_destroy(message);
        break;
    }
    return mig_request_failed(message, code);
}

kern_return_t mig_reply_error(mach_msg_header_t *reply, mach_msg_id_t id)
{
    kern_return_t code = MIG_TYPE_ERROR;

    if (reply->msgh_id != id)
        code = reply->msgh_id == MACH_NOTIFY_SEND_ONCE ? MIG_SERVER_DIED : MIG_REPLY_MISMATCH;
    else if (!(reply->msgh_bits & (MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS_REMOTE_MASK))
             && reply->msgh_size == sizeof(mig_reply_error_t)
             && ((mig_reply_error_t *)reply)->RetCode != KERN_SUCCESS)
        return mig_remote_code(((mig_reply_error_t *)reply)->RetCode);
    mach_msg_destroy(reply);
    return code;
}

void mig_release_request(mach_msg_header_t *request)
{
    mach_msg_bits_t bits = request->msgh_bits;
    mach_port_t reply_port = request->msgh_remote_port;

    if (!(bits & MACH_MSGH_BITS_COMPLEX))
        return;
    request->msgh_bits = bits & ~MACH_MSGH_BITS_REMOTE_MASK;
    request->msgh_remote_port = MACH_PORT_NULL;
    mach_msg_destroy(request);
    request->msgh_bits = bits & ~MACH_MSGH_BITS_COMPLEX;
    request->msgh_remote_port = reply_port;
}

void mig_no_reply(mach_msg_header_t *request, mach_msg_header_t *reply)
{
    if (request->msgh_remote_port != MACH_PORT_NULL) {
        release_right(request->msgh_remote_port, MACH_MSGH_BITS_REMOTE(request->msgh_bits));
        request->msgh_remote_port = MACH_PORT_NULL;
        request->msgh_bits &= ~MACH_MSGH_BITS_REMOTE_MASK;
    }
    reply->msgh_remote_port = MACH_PORT_NULL;
    reply->msgh_bits = 0;
    reply->msgh_size = sizeof(mig_reply_error_t);
    ((mig_reply_error_t *)reply)->RetCode = MIG_NO_REPLY;
}

void mig_server_error(mach_msg_header_t *request, mach_msg_header_t *reply, kern_return_t code)
{
    if (code == MIG_NO_REPLY) {
        mig_no_reply(request, reply);
        return;
    }
    mig_release_request(request);
    mig_release_request(reply); /* a reply that turned out not to fit */
    reply->msgh_size = sizeof(mig_reply_error_t);
    ((mig_reply_error_t *)reply)->RetCode = code;
}

mach_msg_size_t mig_strncpy(char *to, const char *from, mach_msg_size_t room)
{
    mach_msg_size_t i = 0;

    while (i < room - 1 && from[i] != '\0') {
        to[i] = from[i];
        i++;
    }
    to[i] = '\0';
    return i + 1;
}
