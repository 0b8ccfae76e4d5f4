/*
 * Notifications: messages that tell of deaths, and must not get lost because memory is short then.
 *
 * - Dead-name, port-deleted, no-senders and port-destroyed notifications are asked for. The message
 *   is made then, with the send-once right it goes to, and kept in the port: sending it needs
 *   nothing.
 * - A send-once right that is destroyed unused tells the port itself. Each RPC makes such a right, so
 *   making a message each time would be too dear. But these messages are all alike: the port just
 *   counts them (so_notes), and the receiver makes the message when it has none other left to take.
 *
 * Read mach/notify.defs before, for what each means and how it looks.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_notify.h>
#include <kern/debug.h>
#include <kern/zone.h>
#include <mach/notify_ids.h>

/* As MIG lays them out. */
typedef struct {
    mach_msg_header_t header;
    uint32_t value; /* a name or a count */
} value_note_t;

typedef struct {
    mach_msg_base_t base;
    mach_msg_port_descriptor_t right;
} right_note_t;

ipc_kmsg_t ipc_note_alloc(ipc_port_t notify)
{
    ipc_kmsg_t note = ipc_kmsg_alloc_note();

    if (note == NULL)
        return NULL;
    note->ikm_remote = notify;
    note->ikm_header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0);
    note->ikm_header->msgh_id = 0;
    return note;
}

ipc_port_t ipc_note_cancel(ipc_kmsg_t note)
{
    ipc_port_t notify;

    if (note == NULL)
        return IP_NULL;
    notify = note->ikm_remote;
    ipc_kmsg_free(note);
    return notify;
}

void ipc_note_drop(ipc_kmsg_t note)
{
    ipc_port_release_sonce(ipc_note_cancel(note));
}

static void set_value(ipc_kmsg_t note, mach_msg_id_t id, uint32_t value)
{
    value_note_t *message = (value_note_t *)note->ikm_header;

    message->header.msgh_id = id;
    message->header.msgh_size = sizeof(*message);
    message->value = value;
}

void ipc_note_set_name(ipc_kmsg_t note, mach_msg_id_t id, mach_port_name_t name)
{
    set_value(note, id, name);
}

void ipc_note_set_count(ipc_kmsg_t note, mach_port_mscount_t mscount)
{
    set_value(note, MACH_NOTIFY_NO_SENDERS, mscount);
}

uint32_t ipc_note_value(ipc_kmsg_t note)
{
    return ((value_note_t *)note->ikm_header)->value;
}

void ipc_note_set_right(ipc_kmsg_t note, ipc_port_t port)
{
    right_note_t *message = (right_note_t *)note->ikm_header;

    memset(&message->base.body, 0, sizeof(*message) - sizeof(mach_msg_header_t));
    message->base.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    message->base.header.msgh_id = MACH_NOTIFY_PORT_DESTROYED;
    message->base.header.msgh_size = sizeof(*message);
    message->base.body.msgh_descriptor_count = 1;
    message->right.kport = (uint64_t)port;
    message->right.disposition = MACH_MSG_TYPE_PORT_RECEIVE;
    message->right.type = MACH_MSG_PORT_DESCRIPTOR;
}

ipc_kmsg_t ipc_note_send_once(void)
{
    ipc_kmsg_t note = ipc_note_alloc(IP_NULL);

    if (note != NULL)
        note->ikm_header->msgh_id = MACH_NOTIFY_SEND_ONCE;
    return note;
}

/* ---- dead-name requests ---------------------------------------------------------------------- */

#define DNREQUESTS_MIN 4

/* Doubles the table; slot 0 is the head of the list of free ones. */
static bool dnrequest_grow(ipc_port_t port)
{
    uint32_t old_size = port->dnrequest_size;
    uint32_t size = MAX(2 * old_size, DNREQUESTS_MIN);
    struct ipc_dnrequest *requests = kalloc_zeroed(size * sizeof(*requests));

    if (requests == NULL)
        return false;
    if (old_size != 0) {
        memcpy(requests, port->dnrequests, old_size * sizeof(*requests));
        kfree(port->dnrequests, old_size * sizeof(*requests));
    }
    for (uint32_t slot = size - 1; slot >= MAX(old_size, 1); slot--) {
        requests[slot].next_free = requests[0].next_free;
        requests[0].next_free = slot;
    }
    port->dnrequests = requests;
    port->dnrequest_size = size;
    return true;
}

/* Takes the first free slot; the table grows when there is none. */
uint32_t ipc_dnrequest_add(ipc_port_t port, ipc_kmsg_t note)
{
    struct ipc_dnrequest *request;
    uint32_t slot;

    assert(port->active);
    if ((port->dnrequests == NULL || port->dnrequests[0].next_free == 0) && !dnrequest_grow(port))
        return 0;
    slot = port->dnrequests[0].next_free;
    request = &port->dnrequests[slot];
    port->dnrequests[0].next_free = request->next_free;
    request->note = note;
    return slot;
}

/* The slot, in use until now, is free; what was in it is the caller's. */
ipc_kmsg_t ipc_dnrequest_remove(ipc_port_t port, uint32_t slot)
{
    struct ipc_dnrequest *request = &port->dnrequests[slot];
    ipc_kmsg_t note = request->note;

    assert(port->active && slot < port->dnrequest_size && note != NULL);
    request->note = NULL;
    request->next_free = port->dnrequests[0].next_free;
    port->dnrequests[0].next_free = slot;
    return note;
}
