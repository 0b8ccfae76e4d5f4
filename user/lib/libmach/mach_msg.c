/*
 * mach_msg_destroy: what to do with a message that nobody wants. (mach_msg itself is in traps.S.)
 * Read mach/message.h before.
 */
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>

/*
 * Gives up one right, as its disposition says. COPY_ holds nothing, nor does MAKE_SEND_ONCE. But of a send
 * right that was to be made the server waits for the end: so it is made, and given up.
 */
static void destroy_right(mach_port_name_t name, mach_msg_type_name_t disposition)
{
    if (name == MACH_PORT_NULL || name == MACH_PORT_DEAD)
        return;
    switch (disposition) {
    case MACH_MSG_TYPE_MAKE_SEND:
        if (mach_port_insert_right(mach_task_self(), name, name, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS)
            break;
        /* fall through */
    case MACH_MSG_TYPE_MOVE_SEND:
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
        mach_port_deallocate(mach_task_self(), name);
        break;
    case MACH_MSG_TYPE_MOVE_RECEIVE:
        mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_RECEIVE, -1);
        break;
    }
}

static void destroy_memory(uint64_t address, vm_size_t size)
{
    if (size != 0)
        vm_deallocate(mach_task_self(), address, size);
}

static void destroy_descriptor(const mach_msg_descriptor_t *d, boolean_t arrived)
{
    switch (d->port.type) {
    case MACH_MSG_PORT_DESCRIPTOR:
        destroy_right(d->port.name, d->port.disposition);
        break;
    case MACH_MSG_OOL_DESCRIPTOR:
        if (arrived || d->out_of_line.deallocate)
            destroy_memory(d->out_of_line.address, d->out_of_line.size);
        break;
    case MACH_MSG_OOL_PORTS_DESCRIPTOR: {
        const mach_port_name_t *names = (const mach_port_name_t *)d->ool_ports.address;

        for (uint32_t i = 0; i < d->ool_ports.count; i++)
            destroy_right(names[i], d->ool_ports.disposition);
        if (arrived || d->ool_ports.deallocate)
            destroy_memory(d->ool_ports.address, d->ool_ports.count * sizeof(*names));
        break;
    }
    }
}

/*
 * Out-of-line memory of a message that arrived is ours; that of one that was not sent is the
 * message's only if it was to go with it. In one that arrived the local disposition says by what
 * right it came: no sender names its reply port so, but by a MAKE_ disposition.
 */
void mach_msg_destroy(mach_msg_header_t *message)
{
    mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(message->msgh_bits);
    boolean_t arrived = local == MACH_MSG_TYPE_PORT_SEND || local == MACH_MSG_TYPE_PORT_SEND_ONCE;

    destroy_right(message->msgh_remote_port, MACH_MSGH_BITS_REMOTE(message->msgh_bits));
    if (message->msgh_bits & MACH_MSGH_BITS_COMPLEX) {
        const mach_msg_base_t *base = (const mach_msg_base_t *)message;
        const mach_msg_descriptor_t *d = (const mach_msg_descriptor_t *)(base + 1);

        for (uint32_t i = 0; i < base->body.msgh_descriptor_count; i++)
            destroy_descriptor(&d[i], arrived);
    }
}
