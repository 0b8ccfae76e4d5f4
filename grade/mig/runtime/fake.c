/*
 * The kernel: a trap that moves a message from the client's stub to the demultiplexer and the reply
 * back, and keeps the accounts of accounts.c: MAKE_ and COPY_ dispositions make a right on the way.
 * Read runtime.h before.
 */
#include <mach/mach_port.h>
#include <mach/vm_map.h>

#include "runtime.h"

struct mach_tcb host_tcb;
mach_port_t mach_task_self_ = 1;
struct seen seen;
kern_return_t routine_result;
mach_msg_return_t fail_send;
int interruptions;
boolean_t interrupt_receive;
spoil_t spoil_request, spoil_reply;
struct wire wire;
boolean_t found;
kern_return_t server_code;
static mach_msg_header_t *pending; /* a delayed reply */

void reset(void)
{
    memset(&seen, 0, sizeof(seen));
    open_accounts();
    routine_result = KERN_SUCCESS;
    fail_send = MACH_MSG_SUCCESS;
    interruptions = 0;
    interrupt_receive = FALSE;
    spoil_request = NULL;
    spoil_reply = NULL;
}

/* ---- what libmach calls ---- */
mach_port_name_t mach_reply_port(void)
{
    seen.reply_ports_made++;
    return REPLY_PORT;
}

kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
    CHECK(task == 1);
    take(name);
    return KERN_SUCCESS;
}

kern_return_t mach_port_insert_right(ipc_space_t task, mach_port_name_t name, mach_port_t right,
                                     mach_msg_type_name_t disposition)
{
    CHECK(task == 1 && right == name && disposition == MACH_MSG_TYPE_MAKE_SEND);
    give(name);
    return KERN_SUCCESS;
}

kern_return_t mach_port_mod_refs(ipc_space_t task, mach_port_name_t name, mach_port_right_t right,
                                 mach_port_delta_t delta)
{
    CHECK(task == 1 && right == MACH_PORT_RIGHT_RECEIVE && delta == -1);
    if (name == REPLY_PORT)
        seen.reply_ports_destroyed++;
    else
        take(name);
    return KERN_SUCCESS;
}

kern_return_t vm_deallocate(vm_map_t task, vm_address_t address, vm_size_t size)
{
    CHECK(task == 1 && size != 0);
    free_region((void *)address);
    return KERN_SUCCESS;
}

/* ---- messages on their way ---- */
/* The right that comes of a disposition; one that did not move has been made now. */
static uint8_t received(uint8_t disposition, mach_port_name_t name)
{
    if (!moves(disposition) && name != MACH_PORT_NULL)
        give(name);
    return disposition == MACH_MSG_TYPE_COPY_SEND || disposition == MACH_MSG_TYPE_MAKE_SEND
         ? MACH_MSG_TYPE_PORT_SEND
         : disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE ? MACH_MSG_TYPE_PORT_SEND_ONCE : disposition;
}

static void transfer(mach_msg_descriptor_t *d)
{
    mach_port_name_t *names = (mach_port_name_t *)d->ool_ports.address;
    size_t size = d->out_of_line.size;
    uint8_t disposition = 0;

    if (d->port.type == MACH_MSG_PORT_DESCRIPTOR) {
        d->port.disposition = received(d->port.disposition, d->port.name);
        return;
    }
    if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
        for (uint32_t i = 0; i < d->ool_ports.count; i++)
            disposition = received(d->ool_ports.disposition, names[i]);
        d->ool_ports.disposition = disposition;
        size = d->ool_ports.count * sizeof(*names);
    }
    d->out_of_line.address = size != 0 ? (uint64_t)new_region(names, size) : 0;
    if (d->out_of_line.deallocate)
        free_region(names);
    d->out_of_line.deallocate = FALSE;
}

mach_msg_header_t *delivered(const mach_msg_header_t *message, boolean_t trailer)
{
    static const mach_msg_security_trailer_t token = {0, sizeof(token), 9, {{7, 8}}};
    size_t size = message->msgh_size;
    char *buffer = malloc(size + (trailer ? sizeof(token) : 0));

    memcpy(buffer, message, size);
    if (trailer)
        memcpy(buffer + size, &token, sizeof(token));
    return (mach_msg_header_t *)buffer;
}

/* A message that could not be sent goes back to its buffer, with what has been made of it. */
static void pseudo_receive(mach_msg_header_t *msg)
{
    mach_msg_bits_t bits = msg->msgh_bits;

    if (msg->msgh_local_port != MACH_PORT_NULL)
        msg->msgh_local_port = REPLY_RIGHT;
    msg->msgh_bits = (bits & MACH_MSGH_BITS_COMPLEX)
                     | MACH_MSGH_BITS(received(MACH_MSGH_BITS_REMOTE(bits), msg->msgh_remote_port),
                                      received(MACH_MSGH_BITS_LOCAL(bits), msg->msgh_local_port));
    for (int i = 0; i < descriptor_count(msg); i++)
        transfer(&descriptors(msg)[i]);
}

/* The request to the server; its reply is in `out` then. */
static void deliver_request(mach_msg_header_t *in, mach_msg_header_t *out)
{
    mach_msg_bits_t bits;

    CHECK(in->msgh_remote_port == SERVER_PORT);
    if (spoil_request != NULL)
        spoil_request(in);
    bits = in->msgh_bits;
    if (moves(MACH_MSGH_BITS_REMOTE(bits))) /* sent a second time: its destination is its own now */
        take(SERVER_PORT);
    in->msgh_remote_port = in->msgh_local_port != MACH_PORT_NULL ? REPLY_RIGHT : MACH_PORT_NULL;
    in->msgh_local_port = SERVER_PORT;
    in->msgh_seqno = 42;
    in->msgh_bits = (in->msgh_bits & MACH_MSGH_BITS_COMPLEX)
                    | MACH_MSGH_BITS(received(MACH_MSGH_BITS_LOCAL(bits), in->msgh_remote_port),
                                     received(MACH_MSGH_BITS_REMOTE(bits), MACH_PORT_NULL));
    for (int i = 0; i < descriptor_count(in); i++)
        transfer(&descriptors(in)[i]);
    wire.request_size = in->msgh_size;
    memcpy(wire.request, in, in->msgh_size);
    in = delivered(in, TRUE);
    memset(out, 0xee, sizeof(wire.reply));
    pending = NULL;
    found = all_server(in, out);
    server_code = ((mig_reply_error_t *)out)->RetCode;
    if (!found) { /* what a server's loop does with what no demultiplexer knows */
        mig_server_error(in, out, MIG_BAD_ID);
    }
    free(in);
}

/* The reply to the client, over its request. */
static mach_msg_return_t deliver_reply(mach_msg_header_t *out, mach_msg_header_t *msg,
                                       mach_msg_option_t option, mach_msg_size_t room,
                                       mach_port_name_t rcv_name)
{
    mach_msg_header_t *arrived;
    mach_msg_size_t size;
    boolean_t trailer = MACH_RCV_TRAILER_GET(option) == MACH_RCV_TRAILER_SENDER;

    CHECK(out->msgh_remote_port == REPLY_RIGHT);
    CHECK(MACH_MSGH_BITS_REMOTE(out->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE);
    CHECK(out->msgh_size % 4 == 0);
    take(REPLY_RIGHT);
    out->msgh_bits = (out->msgh_bits & MACH_MSGH_BITS_COMPLEX)
                     | MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
    out->msgh_remote_port = MACH_PORT_NULL;
    out->msgh_local_port = rcv_name;
    if (spoil_reply != NULL)
        spoil_reply(out);
    for (int i = 0; i < descriptor_count(out); i++)
        transfer(&descriptors(out)[i]);
    wire.reply_size = size = out->msgh_size;
    memcpy(wire.reply, out, size);
    if (size + (trailer ? sizeof(mach_msg_security_trailer_t) : 0) > room) {
        mach_msg_destroy(out);
        return MACH_RCV_TOO_LARGE;
    }
    arrived = delivered(out, trailer);
    memcpy(msg, arrived, size + (trailer ? sizeof(mach_msg_security_trailer_t) : 0));
    free(arrived);
    return MACH_MSG_SUCCESS;
}

mach_msg_return_t mach_msg_trap_inline(mach_msg_header_t *msg, mach_msg_option_t option,
                                       mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                       mach_port_name_t rcv_name, mach_msg_timeout_t timeout)
{
    static uint64_t in_buffer[9000], out_buffer[9000];
    static boolean_t waiting; /* for the reply in out_buffer */
    mach_msg_header_t *in = (mach_msg_header_t *)in_buffer;
    mach_msg_header_t *out = (mach_msg_header_t *)out_buffer;

    seen.option = option;
    seen.timeout = timeout;
    if (interruptions > 0) {
        interruptions--;
        pseudo_receive(msg);
        return MACH_SEND_INTERRUPTED;
    }
    if (fail_send == MACH_SEND_TIMED_OUT || fail_send == MACH_SEND_INTERRUPTED)
        pseudo_receive(msg);
    if (fail_send != MACH_MSG_SUCCESS)
        return fail_send;
    if (waiting && !(option & MACH_SEND_MSG)) {
        waiting = FALSE;
        return deliver_reply(out, msg, option, rcv_size, rcv_name);
    }
    CHECK(send_size % 4 == 0 && (option & MACH_SEND_MSG));
    memcpy(in, msg, send_size);
    in->msgh_size = send_size;
    if (MACH_MSGH_BITS_REMOTE(msg->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE) {
        CHECK(!(option & MACH_RCV_MSG));
        seen.delayed++;
        pending = in;
        return MACH_MSG_SUCCESS;
    }
    deliver_request(in, out);
    if (interrupt_receive) {
        interrupt_receive = FALSE;
        waiting = TRUE;
        return MACH_RCV_INTERRUPTED;
    }
    if (!(option & MACH_RCV_MSG)) {
        CHECK(rcv_size == 0 && (!found || server_code == MIG_NO_REPLY));
        return MACH_MSG_SUCCESS;
    }
    if (found && server_code == MIG_NO_REPLY) {
        if (pending == NULL)
            return MACH_RCV_TIMED_OUT;
        out = pending;
    }
    CHECK(out->msgh_id == msg->msgh_id + 100 || spoil_request != NULL);
    return deliver_reply(out, msg, option, rcv_size, rcv_name);
}

/* As libmach's: what was interrupted is begun anew. */
mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
                           mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                           mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
                           mach_port_name_t notify)
{
    mach_msg_return_t code;

    CHECK(notify == MACH_PORT_NULL);
    do
        code = mach_msg_trap_inline(msg, option, send_size, rcv_size, rcv_name, timeout);
    while (code == MACH_SEND_INTERRUPTED && !(option & MACH_SEND_INTERRUPT));
    return code;
}
