/*
 * The kernel as sender: notifications of its own making go through ipc_notify.c; what MIG-made
 * stubs send (exceptions, requests to pagers) goes through here. Read mig_kernel.h before.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_right.h>
#include <kern/task.h>
#include <mig_kernel.h>

/* The right that a disposition makes of a port the kernel names. IP_DEAD: the port is dead. */
static ipc_port_t copyin_kernel(ipc_port_t port, mach_msg_type_name_t disposition)
{
    switch (disposition) {
    case MACH_MSG_TYPE_COPY_SEND:
        return ipc_port_copy_send(port);
    case MACH_MSG_TYPE_MAKE_SEND:
        return ipc_port_make_send(port);
    case MACH_MSG_TYPE_MAKE_SEND_ONCE:
        return ipc_port_make_sonce(port);
    default:
        return port; /* moves */
    }
}

/* The same for the rights in the body: what was named with a disposition becomes a right in transit. */
static void copyin_kernel_body(mach_msg_header_t *header)
{
    mach_msg_base_t *base = (mach_msg_base_t *)header;
    mach_msg_descriptor_t *d = (mach_msg_descriptor_t *)(base + 1);

    if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return;
    for (uint32_t i = 0; i < base->body.msgh_descriptor_count; i++) {
        if (d[i].port.type == MACH_MSG_PORT_DESCRIPTOR) {
            d[i].port.kport = (uint64_t)copyin_kernel((ipc_port_t)d[i].port.kport,
                                                      d[i].port.disposition);
            d[i].port.disposition = ipc_right_arrives(d[i].port.disposition);
        } else if (d[i].port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR) {
            ipc_port_t *ports = (ipc_port_t *)d[i].ool_ports.address;

            for (uint32_t n = 0; n < d[i].ool_ports.count; n++)
                ports[n] = copyin_kernel(ports[n], d[i].ool_ports.disposition);
            d[i].ool_ports.disposition = ipc_right_arrives(d[i].ool_ports.disposition);
        }
    }
}

/* A message with the rights that the dispositions make, as it arrives. */
static mach_msg_return_t make_kmsg(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                   mach_port_t local, mach_msg_type_name_t local_disp,
                                   mach_msg_header_t *msg, mach_msg_size_t size, ipc_kmsg_t *out)
{
    ipc_port_t dest;
    ipc_kmsg_t kmsg;

    if (!IP_VALID(remote) || !__atomic_load_n(&remote->active, __ATOMIC_ACQUIRE))
        return MACH_SEND_INVALID_DEST;
    kmsg = ipc_kmsg_alloc(size);
    if (kmsg == NULL)
        return MACH_SEND_NO_BUFFER;
    dest = copyin_kernel(remote, remote_disp);
    if (!IP_VALID(dest)) {
        ipc_kmsg_free(kmsg);
        return MACH_SEND_INVALID_DEST;
    }
    kmsg->ikm_remote = dest;
    kmsg->ikm_local = copyin_kernel(local, local_disp);
    memcpy(kmsg->ikm_header, msg, size);
    kmsg->ikm_header->msgh_size = size;
    kmsg->ikm_header->msgh_bits =
        (msg->msgh_bits & MACH_MSGH_BITS_COMPLEX)
        | MACH_MSGH_BITS(ipc_right_arrives(remote_disp),
                         local == IP_NULL ? 0 : ipc_right_arrives(local_disp));
    copyin_kernel_body(kmsg->ikm_header);
    *out = kmsg;
    return MACH_MSG_SUCCESS;
}

/* Sends a message, to which no rights were moved and which the task pays for if it has to be queued. */
static mach_msg_return_t send_and_pay(ipc_kmsg_t kmsg)
{
    thread_t receiver;
    bool dead;

    if (ipc_mqueue_deliver(kmsg, current_ledger(), &receiver)) {
        if (receiver != NULL)
            thread_go(receiver, THREAD_AWAKENED);
        return MACH_MSG_SUCCESS;
    }
    dead = !__atomic_load_n(&kmsg->ikm_remote->active, __ATOMIC_ACQUIRE);
    ipc_kmsg_destroy(kmsg);
    return dead ? MACH_SEND_INVALID_DEST : MACH_SEND_TIMED_OUT;
}

mach_msg_return_t mach_msg_send_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                            mach_port_t local, mach_msg_type_name_t local_disp,
                                            mach_msg_header_t *msg, mach_msg_size_t size)
{
    struct ipc_work work;
    ipc_kmsg_t kmsg;
    mach_msg_return_t mr = make_kmsg(remote, remote_disp, local, local_disp, msg, size, &kmsg);

    if (mr != MACH_MSG_SUCCESS)
        return mr;
    if (current_thread()->sender_pays)
        return send_and_pay(kmsg);
    ipc_work_init(&work);
    /* The task pays for an answer to what it asked, as for any reply, and nobody for the rest. */
    ipc_mqueue_send_always(kmsg, remote_disp == MACH_MSG_TYPE_MOVE_SEND_ONCE ? current_ledger() : NULL,
                           &work);
    ipc_work_run(&work);
    return mr;
}

/* The thread's port that only the kernel waits on. Nobody has a right to it but, from now on, the message.
 * False: out of memory. */
static bool make_reply_right(struct thread *self, ipc_kmsg_t kmsg)
{
    if (self->rpc_port == IP_NULL) {
        self->rpc_port = ipc_port_alloc(NULL);
        if (self->rpc_port == IP_NULL)
            return false;
        self->rpc_port->receiver = ipc_space_reply;
    }
    kmsg->ikm_local = ipc_port_make_sonce(self->rpc_port);
    kmsg->ikm_header->msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
    return true;
}

mach_msg_return_t mach_msg_rpc_done(struct thread *self, mach_msg_return_t mr, ipc_kmsg_t reply)
{
    if (mr == MACH_MSG_SUCCESS) {
        reply->ikm_remote = IP_NULL;
    } else {
        ipc_port_dealloc_kernel(self->rpc_port); /* an answer that comes late finds it dead */
        self->rpc_port = IP_NULL;
    }
    return mr;
}

mach_msg_return_t mach_msg_rpc_kmsg(ipc_kmsg_t kmsg, ipc_kmsg_t *reply)
{
    struct thread *self = current_thread();
    struct ipc_exchange exchange = {.call = IP_NULL};
    mach_msg_return_t mr = MACH_SEND_INVALID_DEST;

    if (!make_reply_right(self, kmsg)) {
        ipc_kmsg_destroy(kmsg);
        return MACH_SEND_NO_BUFFER;
    }
    /* The task pays, if it has to be queued: an exception stays there when its thread is gone. */
    if (ipc_mqueue_deliver(kmsg, current_ledger(), &exchange.receiver)) {
        exchange.call = self->rpc_port;
        self->server = exchange.receiver;
        mr = ipc_mqueue_receive_reply(self->rpc_port, &exchange, reply);
    } else {
        ipc_kmsg_destroy(kmsg);
    }
    return mach_msg_rpc_done(self, mr, *reply);
}

mach_msg_return_t mach_msg_rpc_from_kernel(mach_port_t remote, mach_msg_type_name_t remote_disp,
                                           mach_msg_header_t *msg, mach_msg_size_t send_size,
                                           mach_msg_size_t rcv_size)
{
    ipc_kmsg_t kmsg;
    mach_msg_return_t mr;

    mr = make_kmsg(remote, remote_disp, IP_NULL, 0, msg, send_size, &kmsg);
    if (mr == MACH_MSG_SUCCESS)
        mr = mach_msg_rpc_kmsg(kmsg, &kmsg);
    if (mr != MACH_MSG_SUCCESS)
        return mr;
    if (kmsg->ikm_header->msgh_size > rcv_size) {
        ipc_kmsg_destroy(kmsg);
        return MACH_RCV_TOO_LARGE;
    }
    memcpy(msg, kmsg->ikm_header, kmsg->ikm_header->msgh_size);
    msg->msgh_bits &= MACH_MSGH_BITS_COMPLEX;
    kmsg->ikm_header->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX; /* the body is the caller's */
    ipc_kmsg_destroy(kmsg);
    return MACH_MSG_SUCCESS;
}

void mach_msg_destroy_from_kernel(mach_msg_header_t *msg)
{
    struct ipc_work work;

    ipc_work_init(&work);
    ipc_kmsg_clean_body(msg, &work);
    ipc_work_run(&work);
}
