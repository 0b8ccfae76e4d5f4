/*
 * mach_port_request_notification. Read ipc_notify.c before: the message is made here, and kept in
 * the port until what it tells of happens.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_notify.h>
#include <ipc/ipc_right.h>
#include <kern/task.h>
#include <mach/mach_port_server.h>
#include <mach/notify_ids.h>

/*
 * The three that follow register `note` (NULL: take back what is registered) for a name, and give back in
 * *previous the note that was. No locks held. On failure nothing has changed, and note is the caller's;
 * KERN_INVALID_TASK, KERN_INVALID_NAME, KERN_INVALID_RIGHT as ipc_right_lookup_receive.
 */

/* sync must be 0: KERN_INVALID_VALUE. */
static kern_return_t request_port_destroyed(ipc_space_t space, mach_port_name_t name,
                                            mach_port_mscount_t sync, ipc_kmsg_t note,
                                            ipc_kmsg_t *previous)
{
    ipc_port_t port;
    kern_return_t kr;

    if (sync != 0)
        return KERN_INVALID_VALUE;
    kr = ipc_right_lookup_receive(space, name, &port);
    if (kr != KERN_SUCCESS)
        return kr;
    *previous = port->pdrequest;
    port->pdrequest = note;
    ip_unlock(port);
    is_unlock(space);
    return KERN_SUCCESS;
}

/*
 * If there are no senders by now, and as many were made (mscount) as the caller knows of (sync), it is
 * sent at once, with the count. Else it is registered, and says sync until it is due.
 */
static kern_return_t request_no_senders(ipc_space_t space, mach_port_name_t name,
                                        mach_port_mscount_t sync, ipc_kmsg_t note,
                                        ipc_kmsg_t *previous)
{
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, name, &port);
    bool due;

    if (kr != KERN_SUCCESS)
        return kr;
    *previous = port->nsrequest;
    due = note != NULL && port->srights == 0 && sync <= port->mscount;
    if (note != NULL)
        ipc_note_set_count(note, due ? port->mscount : sync);
    port->nsrequest = due ? NULL : note;
    ip_unlock(port);
    is_unlock(space);
    if (due)
        ipc_kmsg_send_always(note);
    return KERN_SUCCESS;
}

/*
 * Of a name that is dead already it is sent at once, if sync asks for it (not 0), and brings a user
 * reference; else KERN_INVALID_ARGUMENT. KERN_UREFS_OVERFLOW. Space locked, unlocked on return.
 */
static kern_return_t notify_dead_name(ipc_space_t space, struct ipc_entry *entry,
                                      mach_port_mscount_t sync, ipc_kmsg_t note)
{
    kern_return_t kr = KERN_SUCCESS;

    if (sync == 0 || note == NULL) {
        kr = KERN_INVALID_ARGUMENT;
    } else if ((entry->bits & IE_BITS_UREFS) == MACH_PORT_UREFS_MAX) {
        kr = KERN_UREFS_OVERFLOW;
    } else {
        entry->bits++; /* the notification's user reference */
        ipc_note_set_name(note, MACH_NOTIFY_DEAD_NAME, ipc_entry_name(entry));
    }
    is_unlock(space);
    if (kr == KERN_SUCCESS)
        ipc_kmsg_send_always(note);
    return kr;
}

/*
 * For a send, send-once or receive right; a port set's name is KERN_INVALID_RIGHT. The slot of the port's
 * requests is kept in the entry (0: none). The port may die between the look-up and its lock.
 * KERN_RESOURCE_SHORTAGE.
 */
static kern_return_t request_dead_name(ipc_space_t space, mach_port_name_t name,
                                       mach_port_mscount_t sync, ipc_kmsg_t note,
                                       ipc_kmsg_t *previous)
{
    struct ipc_entry *entry;
    kern_return_t kr = ipc_right_lookup(space, name, &entry);
    uint32_t slot = 0;
    ipc_port_t port;

    if (kr != KERN_SUCCESS)
        return kr;
    if (entry->bits & MACH_PORT_TYPE_PORT_SET) {
        is_unlock(space);
        return KERN_INVALID_RIGHT;
    }
    if (entry->bits & MACH_PORT_TYPE_DEAD_NAME)
        return notify_dead_name(space, entry, sync, note);
    port = entry->port;
    ip_lock(port);
    if (!port->active) { /* since the look-up */
        ip_unlock(port);
        ipc_right_check(space, entry);
        return notify_dead_name(space, entry, sync, note);
    }
    if (entry->request != 0)
        *previous = ipc_dnrequest_remove(port, entry->request);
    if (note != NULL) {
        ipc_note_set_name(note, MACH_NOTIFY_DEAD_NAME, name);
        slot = ipc_dnrequest_add(port, note); /* (cannot fail if a slot was just freed) */
        if (slot == 0)
            kr = KERN_RESOURCE_SHORTAGE;
    }
    entry->request = slot;
    ip_unlock(port);
    is_unlock(space);
    return kr;
}

kern_return_t mach_port_request_notification(ipc_space_t space, mach_port_name_t name,
                                             mach_msg_id_t id, mach_port_mscount_t sync,
                                             mach_port_t notify, mach_msg_type_name_t disposition,
                                             mach_port_t *previous)
{
    ipc_kmsg_t note = NULL, old = NULL;
    kern_return_t kr;

    if (notify == IP_DEAD)
        return KERN_INVALID_CAPABILITY;
    if (notify != IP_NULL) {
        if (disposition != MACH_MSG_TYPE_PORT_SEND_ONCE)
            return KERN_INVALID_CAPABILITY;
        note = ipc_note_alloc(notify);
        if (note == NULL)
            return KERN_RESOURCE_SHORTAGE;
        if (!ipc_kmsg_charge(note, current_ledger())) {
            ipc_note_cancel(note);
            return KERN_RESOURCE_SHORTAGE;
        }
    }
    switch (id) {
    case MACH_NOTIFY_PORT_DESTROYED:
        kr = request_port_destroyed(space, name, sync, note, &old);
        break;
    case MACH_NOTIFY_NO_SENDERS:
        kr = request_no_senders(space, name, sync, note, &old);
        break;
    case MACH_NOTIFY_DEAD_NAME:
        kr = request_dead_name(space, name, sync, note, &old);
        break;
    default:
        kr = KERN_INVALID_VALUE;
        break;
    }
    if (kr != KERN_SUCCESS) {
        ipc_note_cancel(note); /* the right is still the caller's */
        return kr;
    }
    *previous = ipc_note_cancel(old);
    return KERN_SUCCESS;
}
