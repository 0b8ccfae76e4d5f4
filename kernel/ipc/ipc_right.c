/*
 * Rights in a space: what names denote, and how they are given up. Here and in ipc_right_copy.c,
 * which moves rights in and out, is all that changes an entry's type and user references.
 *
 * Read ipc/ipc_right.h before. What an entry holds of its port, whatever its user references say:
 * one send right (counted in srights), or one send-once right (sorights), or the receive right, or
 * the receive right and one send right.
 *
 *   DEAD_NAME        object NULL
 *   SEND             in the hash
 *   SEND_RECEIVE     found by port->receiver_name, not in the hash; the port is active
 *   RECEIVE          likewise, 0 user references
 *   SEND_ONCE        1 user reference, not in the hash
 *   PORT_SET         0 user references
 *
 * A port's death does not touch the spaces that name it: an entry whose port is found dead becomes
 * a dead name when it is next looked at (ipc_right_check). Then it has one user reference more if a
 * dead-name notification was requested (and hence sent): the notification's.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_notify.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <mach/notify_ids.h>

bool ipc_right_port_died(ipc_space_t space, struct ipc_entry *entry)
{
    mach_port_urefs_t urefs = ipc_entry_urefs(entry);
    ipc_port_t port = entry->port;
    bool once = entry->bits & MACH_PORT_TYPE_SEND_ONCE;

    if (!once)
        ipc_hash_remove(space, entry);
    ip_lock(port);
    if (once)
        port->sorights--;
    else
        port->srights--;
    ip_unlock_dropped(port);
    if (entry->request != 0 && urefs < MACH_PORT_UREFS_MAX)
        urefs++;
    entry->request = 0;
    entry->object = NULL;
    ipc_entry_set(entry, MACH_PORT_TYPE_DEAD_NAME, urefs);
    return true;
}

/* (Apart, so that ipc_right_lookup needs no stack frame: each of the next two is the last it calls.) */
static __attribute__((noinline)) kern_return_t lookup_failed(ipc_space_t space, kern_return_t kr)
{
    is_unlock(space);
    return kr;
}

static __attribute__((noinline)) kern_return_t lookup_died(ipc_space_t space,
                                                           struct ipc_entry *entry)
{
    ipc_right_port_died(space, entry);
    return KERN_SUCCESS;
}

kern_return_t ipc_right_lookup(ipc_space_t space, mach_port_name_t name, struct ipc_entry **entryp)
{
    struct ipc_entry *entry;

    if (space == NULL)
        return KERN_INVALID_TASK;
    is_lock(space);
    if (!space->active)
        return lookup_failed(space, KERN_INVALID_TASK);
    entry = ipc_entry_lookup(space, name);
    if (entry == NULL)
        return lookup_failed(space, KERN_INVALID_NAME);
    *entryp = entry;
    return ipc_right_may_be_dead(entry) ? lookup_died(space, entry) : KERN_SUCCESS;
}

kern_return_t ipc_right_lookup_receive(ipc_space_t space, mach_port_name_t name, ipc_port_t *port)
{
    struct ipc_entry *entry;
    kern_return_t kr = ipc_right_lookup(space, name, &entry);

    if (kr != KERN_SUCCESS)
        return kr;
    if (!(entry->bits & MACH_PORT_TYPE_RECEIVE)) {
        is_unlock(space);
        return KERN_INVALID_RIGHT;
    }
    *port = entry->port;
    ip_lock(*port);
    return KERN_SUCCESS;
}

/* The entry's name goes away: its dead-name request, or NULL, to be sent as PORT_DELETED. If
 * the port has died the request stays in the entry: the dead-name notification is under way.
 * Space locked. */
static ipc_kmsg_t request_deleted(struct ipc_entry *entry)
{
    ipc_port_t port = entry->port;
    ipc_kmsg_t note = NULL;

    if (entry->request == 0)
        return NULL;
    ip_lock(port);
    if (port->active) {
        note = ipc_dnrequest_remove(port, entry->request);
        entry->request = 0;
    }
    ip_unlock(port);
    if (note != NULL)
        ipc_note_set_name(note, MACH_NOTIFY_PORT_DELETED, ipc_entry_name(entry));
    return note;
}

ipc_kmsg_t ipc_right_leave(ipc_space_t space, struct ipc_entry *entry)
{
    ipc_kmsg_t note = request_deleted(entry);

    if (entry->request == 0) {
        ipc_entry_free(space, entry);
    } else { /* it died since it was looked at */
        entry->request = 0;
        entry->object = NULL;
        ipc_entry_set(entry, MACH_PORT_TYPE_DEAD_NAME, 1);
    }
    return note;
}

/* ---- giving up ------------------------------------------------------------------------------- */

void ipc_right_release(ipc_port_t port, mach_msg_type_name_t disposition, struct ipc_work *work)
{
    if (!IP_VALID(port))
        return;
    switch (ipc_right_arrives(disposition)) {
    case MACH_MSG_TYPE_PORT_RECEIVE:
        ipc_port_end_transit(port);
        ipc_port_destroy(port, work);
        break;
    case MACH_MSG_TYPE_PORT_SEND:
        ipc_port_release_send(port);
        break;
    case MACH_MSG_TYPE_PORT_SEND_ONCE:
        ipc_port_release_sonce(port);
        break;
    }
}

/* Destroys a port whose receive right has left its entry; then gives up a send right to it, if so.
 * */
static void port_gone(ipc_port_t port, bool send)
{
    struct ipc_work work;

    ipc_work_init(&work);
    ipc_port_destroy(port, &work);
    ipc_work_run(&work);
    if (send)
        ipc_port_release_send(port);
}

static void clear_receiver(ipc_port_t port)
{
    ip_lock(port);
    ipc_port_clear_receiver(port, MACH_RCV_PORT_DIED);
    ip_unlock(port);
}

void ipc_right_destroy(ipc_space_t space, struct ipc_entry *entry)
{
    struct ipc_pset *pset = entry->pset;
    ipc_port_t port = entry->port;
    mach_port_type_t type;
    ipc_kmsg_t note;

    ipc_right_check(space, entry);
    type = entry->bits & IE_BITS_TYPE;
    note = request_deleted(entry);
    if (type == MACH_PORT_TYPE_SEND)
        ipc_hash_remove(space, entry);
    else if (type & MACH_PORT_TYPE_RECEIVE)
        clear_receiver(port);
    ipc_entry_free(space, entry);
    is_unlock(space);

    switch (type) {
    case MACH_PORT_TYPE_PORT_SET:
        ipc_pset_destroy(pset);
        break;
    case MACH_PORT_TYPE_SEND:
        ipc_port_release_send(port);
        break;
    case MACH_PORT_TYPE_SEND_ONCE:
        ipc_port_release_sonce(port);
        break;
    case MACH_PORT_TYPE_RECEIVE:
    case MACH_PORT_TYPE_SEND_RECEIVE:
        port_gone(port, type == MACH_PORT_TYPE_SEND_RECEIVE);
        break;
    }
    if (note != NULL)
        ipc_kmsg_send_always(note);
}

/*
 * Destroys the receive right of an entry that keeps its send right (with its user references, in
 * the hash from now on). Receivers that wait return MACH_RCV_PORT_DIED. Space locked, unlocked on
 * return; what the port's death brings about happens after that.
 */
static void destroy_receive(ipc_space_t space, struct ipc_entry *entry)
{
    ipc_port_t port = entry->port;

    clear_receiver(port);
    entry->bits &= ~MACH_PORT_TYPE_RECEIVE;
    ipc_hash_insert(space, entry);
    ip_reference(port); /* the name may be deallocated meanwhile */
    is_unlock(space);
    port_gone(port, false);
    ip_release(port);
}

/*
 * The last user reference of a name for a send right alone, or for a send-once right, goes, and
 * the name with it (ipc_right_leave). Space locked, unlocked on return.
 */
static void destroy_last(ipc_space_t space, struct ipc_entry *entry)
{
    bool once = entry->bits & MACH_PORT_TYPE_SEND_ONCE;
    ipc_port_t port = entry->port;
    ipc_kmsg_t note;

    if (!once)
        ipc_hash_remove(space, entry);
    note = ipc_right_leave(space, entry);
    is_unlock(space);
    if (once)
        ipc_port_release_sonce(port);
    else
        ipc_port_release_send(port);
    if (note != NULL)
        ipc_kmsg_send_always(note);
}

/*
 * The last user reference of a send right next to a receive right goes: the entry has the receive
 * right alone, and the port one send right less (no-senders may be due). Space locked, unlocked on
 * return.
 */
static void destroy_send(ipc_space_t space, struct ipc_entry *entry)
{
    ipc_port_t port = entry->port;

    ipc_entry_set(entry, MACH_PORT_TYPE_RECEIVE, 0);
    is_unlock(space);
    ipc_port_release_send(port);
}

kern_return_t ipc_right_delta(ipc_space_t space, struct ipc_entry *entry, mach_port_right_t right,
                              mach_port_delta_t delta)
{
    mach_port_type_t type = entry->bits & IE_BITS_TYPE;
    int64_t urefs = (int64_t)ipc_entry_urefs(entry) + delta;
    kern_return_t kr = KERN_SUCCESS;

    if (right >= MACH_PORT_RIGHT_NUMBER) {
        kr = KERN_INVALID_VALUE;
    } else if (!(type & MACH_PORT_TYPE(right))) {
        kr = KERN_INVALID_RIGHT;
    } else if (right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME) {
        if (urefs < 0)
            kr = KERN_INVALID_VALUE;
        else if (urefs > MACH_PORT_UREFS_MAX)
            kr = KERN_UREFS_OVERFLOW;
    } else if (delta != 0 && delta != -1) { /* of these there is just one */
        kr = KERN_INVALID_VALUE;
    } else if (delta == -1 && right == MACH_PORT_RIGHT_RECEIVE && entry->port->guarded) {
        kr = KERN_INVALID_RIGHT;
    } else {
        urefs = delta == 0; /* 1: the right stays */
    }
    if (kr != KERN_SUCCESS) {
        is_unlock(space);
        return kr;
    }
    if (urefs > 0) {
        entry->bits += delta;
        is_unlock(space);
    } else if (type == MACH_PORT_TYPE_SEND || type == MACH_PORT_TYPE_SEND_ONCE) {
        destroy_last(space, entry);
    } else if (type != MACH_PORT_TYPE_SEND_RECEIVE) {
        ipc_right_destroy(space, entry);
    } else if (right == MACH_PORT_RIGHT_RECEIVE) {
        destroy_receive(space, entry);
    } else {
        destroy_send(space, entry);
    }
    return KERN_SUCCESS;
}

kern_return_t ipc_right_dealloc(ipc_space_t space, struct ipc_entry *entry)
{
    mach_port_right_t right = MACH_PORT_RIGHT_SEND;

    /* What is most frequent. */
    if ((entry->bits & (IE_BITS_TYPE | IE_BITS_UREFS)) == (MACH_PORT_TYPE_SEND | 1)
        && entry->request == 0) {
        ipc_port_t port = entry->port;

        ipc_hash_remove(space, entry);
        ipc_entry_free(space, entry);
        is_unlock(space);
        ipc_port_release_send(port);
        return KERN_SUCCESS;
    }
    if (entry->bits & MACH_PORT_TYPE_DEAD_NAME)
        right = MACH_PORT_RIGHT_DEAD_NAME;
    else if (entry->bits & MACH_PORT_TYPE_SEND_ONCE)
        right = MACH_PORT_RIGHT_SEND_ONCE;
    return ipc_right_delta(space, entry, right, -1); /* (no send right: KERN_INVALID_RIGHT) */
}

/*
 * All the entry has, user references and dead-name request too, goes to the new name; the old one
 * is free. Whoever finds an entry by its port (the hash, receiver_name) finds the new one, and the
 * dead-name notification will tell the new name. Space locked.
 */
kern_return_t ipc_right_rename(ipc_space_t space, struct ipc_entry *entry, mach_port_name_t name)
{
    mach_port_type_t type = entry->bits & IE_BITS_TYPE;
    ipc_port_t port = entry->port;
    struct ipc_entry *renamed;
    kern_return_t kr = ipc_entry_alloc_name(space, name, &renamed);

    if (kr != KERN_SUCCESS)
        return kr;
    if (type == MACH_PORT_TYPE_SEND)
        ipc_hash_remove(space, entry);
    renamed->object = entry->object;
    renamed->request = entry->request;
    ipc_entry_set(renamed, type, ipc_entry_urefs(entry));
    if (type == MACH_PORT_TYPE_SEND)
        ipc_hash_insert(space, renamed);
    if (type & MACH_PORT_TYPE_PORT_RIGHTS) {
        ip_lock(port);
        if (type & MACH_PORT_TYPE_RECEIVE)
            port->receiver_name = name;
        if (renamed->request != 0 && port->active)
            ipc_note_set_name(port->dnrequests[renamed->request].note, MACH_NOTIFY_DEAD_NAME, name);
        ip_unlock(port);
    } else if (type & MACH_PORT_TYPE_PORT_SET) {
        renamed->pset->name = name;
    }
    ipc_entry_free(space, entry);
    return KERN_SUCCESS;
}
