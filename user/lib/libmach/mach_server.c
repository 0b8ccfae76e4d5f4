/*
 * A server's loop: receive a request, let the interface's stub handle it, send the reply and
 * receive the next request in one trap. Read mach/mach.h before, and docs/mig.md on what stubs
 * leave in a reply.
 */
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <mach/vm_map.h>

boolean_t mach_msg_from_kernel(const mach_msg_header_t *msg)
{
    const mach_msg_security_trailer_t *trailer = mach_msg_trailer(msg);

    return trailer->msgh_trailer_size >= sizeof(*trailer) && trailer->msgh_sender.val[0] == 0
        && trailer->msgh_sender.val[1] == 0;
}

/* Nobody knows this request: its rights go, and who waits for an answer is told MIG_BAD_ID. */
static void refuse(mach_msg_header_t *in, mach_msg_header_t *out)
{
    out->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(in->msgh_bits), 0);
    out->msgh_remote_port = in->msgh_remote_port;
    out->msgh_local_port = MACH_PORT_NULL;
    out->msgh_seqno = 0;
    out->msgh_id = in->msgh_id + 100;
    mig_server_error(in, out, MIG_BAD_ID);
}

/* After the request was handled: leaves in out a reply to be sent, or none (no remote port). */
static inline __attribute__((always_inline)) void handle(mig_demux_t demux, mach_msg_header_t *in,
                                                         mach_msg_header_t *out)
{
    out->msgh_bits = 0;
    out->msgh_remote_port = MACH_PORT_NULL;
    if (!demux(in, out))
        refuse(in, out);
    if (out->msgh_remote_port == MACH_PORT_NULL) {
        if (out->msgh_bits & MACH_MSGH_BITS_COMPLEX)
            mach_msg_destroy(out); /* a reply to somebody who did not want one */
        out->msgh_bits = 0;
    }
}

/*
 * How to send a reply. A send-once right always takes it. A client that gave a send right instead
 * may have filled that port's queue: no server waits for it.
 */
static mach_msg_option_t reply_option(const mach_msg_header_t *reply)
{
    if (MACH_MSGH_BITS_REMOTE(reply->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE)
        return MACH_SEND_MSG;
    return MACH_SEND_MSG | MACH_SEND_TIMEOUT;
}

/* Is this the code of a send that failed (so that the reply is still here, and nothing was
 * received)? */
static boolean_t is_send_error(mach_msg_return_t code)
{
    return (code & 0xfffff000) == 0x10000000;
}

/* Is it one after which receiving again makes sense? */
static boolean_t is_passing(mach_msg_return_t code)
{
    return code == MACH_RCV_TOO_LARGE || code == MACH_RCV_INTERRUPTED
        || code == MACH_RCV_HEADER_ERROR;
}

void mach_msg_serve(mig_demux_t demux, mach_msg_header_t *in, mach_msg_header_t *out)
{
    mach_msg_return_t result;

    handle(demux, in, out);
    if (out->msgh_remote_port == MACH_PORT_NULL)
        return;
    result = mach_msg(out, reply_option(out), out->msgh_size, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
                      MACH_PORT_NULL);
    if (result != MACH_MSG_SUCCESS)
        mig_send_failed(out, result); /* a client that is gone is not our failure */
}

static mach_msg_return_t serve(mig_demux_t demux, mach_msg_size_t max_size,
                               mach_port_name_t rcv_name, mach_msg_option_t options, boolean_t once)
{
    mach_msg_size_t room;
    vm_address_t buffers = 0;
    mach_msg_header_t *in;
    mach_msg_header_t *out;
    mach_msg_return_t result;

    if (max_size < sizeof(mig_reply_error_t))
        max_size = sizeof(mig_reply_error_t);
    room = round_page(max_size + MAX_TRAILER_SIZE);
    result = vm_allocate(mach_task_self(), &buffers, 2 * (vm_size_t)room, TRUE);
    if (result != KERN_SUCCESS)
        return result;
    in = (mach_msg_header_t *)buffers;
    out = (mach_msg_header_t *)(buffers + room);
    options |= MACH_RCV_MSG;

    result = mach_msg(in, options, 0, room, rcv_name, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
    for (;;) {
        mach_msg_header_t *swap;

        if (result != MACH_MSG_SUCCESS) {
            if ((result & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR)
                mach_msg_destroy(in);
            else if (!is_passing(result & ~MACH_MSG_MASK))
                break;
            result = mach_msg(in, options, 0, room, rcv_name, MACH_MSG_TIMEOUT_NONE,
                              MACH_PORT_NULL);
            continue;
        }
        if (once) {
            mach_msg_serve(demux, in, out);
            result = MACH_MSG_SUCCESS;
            break;
        }
        handle(demux, in, out);
        if (out->msgh_remote_port == MACH_PORT_NULL) {
            result = mach_msg(in, options, 0, room, rcv_name, MACH_MSG_TIMEOUT_NONE,
                              MACH_PORT_NULL);
            continue;
        }
        swap = in;
        in = out; /* the next request comes where the reply is now */
        out = swap;
        result = mach_msg(in, options | reply_option(in), in->msgh_size, room, rcv_name,
                          MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
        if (result != MACH_MSG_SUCCESS && is_send_error(result & ~MACH_MSG_MASK)) {
            mig_send_failed(in, result);
            result = MACH_RCV_INTERRUPTED; /* only the receive is left to do */
        }
    }
    vm_deallocate(mach_task_self(), buffers, 2 * (vm_size_t)room);
    return result;
}

mach_msg_return_t mach_msg_server(mig_demux_t demux, mach_msg_size_t max_size,
                                  mach_port_name_t rcv_name, mach_msg_option_t options)
{
    return serve(demux, max_size, rcv_name, options, FALSE);
}

mach_msg_return_t mach_msg_server_once(mig_demux_t demux, mach_msg_size_t max_size,
                                       mach_port_name_t rcv_name, mach_msg_option_t options)
{
    return serve(demux, max_size, rcv_name, options, TRUE);
}
