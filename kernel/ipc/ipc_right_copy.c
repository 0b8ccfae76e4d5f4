/*
 * Rights on the move: copyin takes one from a space, as a disposition says, copyout puts one in.
 * Read ipc/ipc_right.h and ipc_right.c before.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_notify.h>
#include <ipc/ipc_right.h>
#include <mach/notify_ids.h>

#define IE_REQUEST_SENT (~0U) /* entry->request whose notification is on its way */

/* ---- copyin and its undoing ------------------------------------------------------------------ */

/*
 * Frees an entry whose right was moved away. If somebody asked to be told of the port's death under that
 * name, he is to learn that the name is gone: the notification goes to the batch, which sends it when
 * nothing can be undone any more. Space locked.
 */
static void entry_moved(ipc_space_t space, struct ipc_entry *entry, struct ipc_batch *batch)
{
    ipc_kmsg_t note = ipc_right_leave(space, entry);

    if (note != NULL)
        enqueue_tail(&batch->deleted, &note->ikm_link);
}

static void copyin_send(ipc_port_t port)
{
    ip_lock(port);
    port->srights++; /* (if it just died: then of a dead port) */
    ip_unlock(port);
}

/*
 * copyin of a dead name. MOVE_SEND and MOVE_SEND_ONCE take one user reference from it, with the last the
 * entry goes; COPY_SEND takes none. *port is IP_DEAD. Any other disposition is KERN_INVALID_RIGHT, and
 * changes nothing. Space locked.
 */
static kern_return_t copyin_dead_name(ipc_space_t space, struct ipc_entry *entry,
                                      mach_msg_type_name_t disposition, ipc_port_t *port)
{
    switch (disposition) {
    case MACH_MSG_TYPE_MOVE_SEND:
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
        if (ipc_entry_urefs(entry) == 1)
            ipc_entry_free(space, entry);
        else
            entry->bits--;
        break;
    case MACH_MSG_TYPE_COPY_SEND:
        break;
    default:
        return KERN_INVALID_RIGHT;
    }
    *port = IP_DEAD;
    return KERN_SUCCESS;
}

/*
 * copyin of MOVE_SEND. The caller gets a send right of the entry's port. One user reference goes: if it
 * was the last, the right that the entry held is the one that moves, and the entry loses it (a receive
 * right under the same name stays, with 0 user references; without one the name goes, and is out of the
 * hash); else the entry keeps its right, and the one that moves is a new one (srights counts it).
 * KERN_INVALID_RIGHT, and nothing changed: the entry has no send right. Space locked.
 */
static kern_return_t move_send(ipc_space_t space, struct ipc_entry *entry, struct ipc_batch *batch)
{
    if (!(entry->bits & MACH_PORT_TYPE_SEND))
        return KERN_INVALID_RIGHT;
    if (ipc_entry_urefs(entry) > 1) {
        copyin_send(entry->port);
        entry->bits--;
    } else if (entry->bits & MACH_PORT_TYPE_RECEIVE) {
        ipc_entry_set(entry, MACH_PORT_TYPE_RECEIVE, 0);
    } else {
        ipc_hash_remove(space, entry);
        entry_moved(space, entry, batch);
    }
    return KERN_SUCCESS;
}

/*
 * copyin of MOVE_RECEIVE. The entry loses its receive right; a send right under the same name stays, with
 * its user references, and is in the hash from now on; without one the name goes. The port itself is not
 * touched: it leaves the space in ipc_right_commit_receive. KERN_INVALID_RIGHT, and nothing changed: the
 * entry has no receive right. Space locked.
 */
static kern_return_t move_receive(ipc_space_t space, struct ipc_entry *entry,
                                  struct ipc_batch *batch)
{
    if (!(entry->bits & MACH_PORT_TYPE_RECEIVE))
        return KERN_INVALID_RIGHT;
    if (entry->bits & MACH_PORT_TYPE_SEND) {
        entry->bits &= ~MACH_PORT_TYPE_RECEIVE;
        ipc_hash_insert(space, entry);
    } else {
        entry_moved(space, entry, batch);
    }
    return KERN_SUCCESS;
}

kern_return_t ipc_right_copyin(ipc_space_t space, mach_port_name_t name,
                               mach_msg_type_name_t disposition, struct ipc_batch *batch,
                               ipc_port_t *portp)
{
    struct ipc_entry *entry = ipc_entry_lookup(space, name);
    ipc_port_t port;

    if (__builtin_expect(entry == NULL, 0))
        return KERN_INVALID_NAME;
    port = entry->port;
    if (!(entry->bits & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET)))
        ipc_right_check(space, entry);
    if (__builtin_expect(entry->bits & MACH_PORT_TYPE_DEAD_NAME, 0))
        return copyin_dead_name(space, entry, disposition, portp);

    switch (disposition) {
    case MACH_MSG_TYPE_MAKE_SEND_ONCE:
        if (!(entry->bits & MACH_PORT_TYPE_RECEIVE))
            return KERN_INVALID_RIGHT;
        ip_lock(port);
        port->sorights++;
        ip_unlock(port);
        break;
    case MACH_MSG_TYPE_MAKE_SEND:
        if (!(entry->bits & MACH_PORT_TYPE_RECEIVE))
            return KERN_INVALID_RIGHT;
        ip_lock(port);
        port->mscount++;
        port->srights++;
        ip_unlock(port);
        break;
    case MACH_MSG_TYPE_COPY_SEND:
        if (!(entry->bits & MACH_PORT_TYPE_SEND))
            return KERN_INVALID_RIGHT;
        copyin_send(port);
        break;
    case MACH_MSG_TYPE_MOVE_SEND:
        if (move_send(space, entry, batch) != KERN_SUCCESS)
            return KERN_INVALID_RIGHT;
        break;
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
        if (!(entry->bits & MACH_PORT_TYPE_SEND_ONCE))
            return KERN_INVALID_RIGHT;
        entry_moved(space, entry, batch);
        break;
    case MACH_MSG_TYPE_MOVE_RECEIVE:
        if (((entry->bits & MACH_PORT_TYPE_RECEIVE) && port->strict)
            || move_receive(space, entry, batch) != KERN_SUCCESS)
            return KERN_INVALID_RIGHT;
        break;
    default:
        return KERN_INVALID_VALUE;
    }
    *portp = port;
    return KERN_SUCCESS;
}

/* The entry of a name that copyin freed in this hold of the lock: its slot and leaf are still
 * there. */
static struct ipc_entry *entry_again(ipc_space_t space, mach_port_name_t name, void *object)
{
    struct ipc_entry *entry;
    kern_return_t kr = ipc_entry_alloc_name(space, name, &entry);

    if (kr != KERN_SUCCESS)
        panic("ipc_right_undo: name %x was free a moment ago, error %d: see ipc_entry.c", name, kr);
    entry->object = object;
    return entry;
}

/*
 * Gives the name its dead-name request back. Copyins are undone last first, so the request is the last in
 * the batch, or there is none: a message may undo 16384 rights with interrupts masked, and must not look
 * through all of their requests for each.
 */
static void request_again(struct ipc_entry *entry, struct ipc_batch *batch)
{
    ipc_port_t port = entry->port;
    ipc_kmsg_t note = queue_entry(batch->deleted.prev, struct ipc_kmsg, ikm_link);

    if (queue_empty(&batch->deleted) || note->ikm_header->msgh_id != MACH_NOTIFY_PORT_DELETED
        || ipc_note_value(note) != ipc_entry_name(entry))
        return;
    queue_remove(&note->ikm_link);
    ip_lock(port);
    if (!port->active) {
        entry->request = IE_REQUEST_SENT; /* it died in between: by ipc_batch_finish */
        ipc_note_set_name(note, MACH_NOTIFY_DEAD_NAME, ipc_entry_name(entry));
        enqueue_head(&batch->deleted, &note->ikm_link);
    } else if ((entry->request = ipc_dnrequest_add(port, note)) != 0) {
        ipc_note_set_name(note, MACH_NOTIFY_DEAD_NAME, ipc_entry_name(entry));
    } else { /* out of memory: the requester learns that his request is void */
        enqueue_head(&batch->deleted, &note->ikm_link);
    }
    ip_unlock(port);
}

/* Takes back a send right made; if it was the last then others went in between, and no-senders is
 * due, unless the request asked for rights made later. */
static void undo_make_send(ipc_port_t port, struct ipc_batch *batch)
{
    ipc_kmsg_t note;

    ip_lock(port);
    port->mscount--;
    if (--port->srights == 0 && (note = port->nsrequest) != NULL
        && ipc_note_value(note) <= port->mscount) {
        port->nsrequest = NULL;
        ipc_note_set_count(note, port->mscount);
        enqueue_head(&batch->deleted, &note->ikm_link); /* behind it: request_again */
    }
    ip_unlock(port);
}

/*
 * Undoes MOVE_SEND: the name has gone, or has its receive right alone, or (it had more references) a send
 * right or by now a dead name. In the last case the right that moved was a new one, and goes.
 */
static void undo_move_send(ipc_space_t space, mach_port_name_t name, struct ipc_batch *batch,
                           ipc_port_t port)
{
    struct ipc_entry *entry = ipc_entry_lookup(space, name);

    if (entry == NULL) {
        entry = entry_again(space, name, port);
        ipc_entry_set(entry, MACH_PORT_TYPE_SEND, 1);
        ipc_hash_insert(space, entry);
        request_again(entry, batch);
    } else if ((entry->bits & IE_BITS_TYPE) == MACH_PORT_TYPE_RECEIVE) {
        ipc_entry_set(entry, MACH_PORT_TYPE_SEND_RECEIVE, 1);
    } else { /* a send right, or by now a dead name */
        entry->bits++;
        ip_lock(port);
        port->srights--;
        ip_unlock_dropped(port);
    }
}

/*
 * See ipc_right.h. Space locked, since the copyin that is undone: entries that it freed are free still
 * (entry_again). port is what copyin gave, IP_DEAD for a dead name. Afterwards the name's type, user
 * references, place in the hash and dead-name request, and the port's counts, are as before that copyin.
 */
void ipc_right_undo(ipc_space_t space, mach_port_name_t name, mach_msg_type_name_t disposition,
                    struct ipc_batch *batch, ipc_port_t port)
{
    struct ipc_entry *entry;

    if (port == IP_DEAD) {
        if (disposition == MACH_MSG_TYPE_COPY_SEND)
            return;
        entry = ipc_entry_lookup(space, name);
        if (entry != NULL)
            entry->bits++;
        else
            ipc_entry_set(entry_again(space, name, NULL), MACH_PORT_TYPE_DEAD_NAME, 1);
        return;
    }
    switch (disposition) {
    case MACH_MSG_TYPE_MAKE_SEND_ONCE:
        ip_lock(port);
        port->sorights--;
        ip_unlock(port);
        break;
    case MACH_MSG_TYPE_MAKE_SEND:
        undo_make_send(port, batch);
        break;
    case MACH_MSG_TYPE_COPY_SEND:
        ip_lock(port);
        port->srights--;
        ip_unlock_dropped(port);
        break;
    case MACH_MSG_TYPE_MOVE_SEND:
        undo_move_send(space, name, batch, port);
        break;
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
        entry = ipc_entry_lookup(space, name);
        if (entry != NULL) { /* a dead name: see ipc_right_leave */
            entry->bits++;
            ip_lock(port);
            port->sorights--;
            ip_unlock_dropped(port);
            break;
        }
        entry = entry_again(space, name, port);
        ipc_entry_set(entry, MACH_PORT_TYPE_SEND_ONCE, 1);
        request_again(entry, batch);
        break;
    case MACH_MSG_TYPE_MOVE_RECEIVE:
        entry = ipc_entry_lookup(space, name);
        if (entry != NULL) {
            ipc_hash_remove(space, entry);
            entry->bits |= MACH_PORT_TYPE_RECEIVE;
        } else {
            entry = entry_again(space, name, port);
            ipc_entry_set(entry, MACH_PORT_TYPE_RECEIVE, 0);
            request_again(entry, batch);
        }
        break;
    }
}

void ipc_right_commit_receive(ipc_port_t port)
{
    ip_lock(port);
    ipc_port_clear_receiver(port, MACH_RCV_PORT_CHANGED);
    ip_unlock(port);
}

void ipc_batch_finish(struct ipc_batch *batch)
{
    struct queue *link;

    while ((link = dequeue_head(&batch->deleted)) != NULL)
        ipc_kmsg_send_always(queue_entry(link, struct ipc_kmsg, ikm_link));
}

/* ---- copyout --------------------------------------------------------------------------------- */

/* The entry of a send or receive right to port that the space has, or NULL. Port locked and
 * active. */
static inline struct ipc_entry *find_entry(ipc_space_t space, ipc_port_t port)
{
    if (port->receiver == space)
        return ipc_entry_lookup(space, port->receiver_name);
    return ipc_hash_find(space, port);
}

/* Adds a right to an entry that is fresh, or find_entry's. Port locked and active. */
static inline void entry_add(ipc_space_t space, struct ipc_entry *entry, ipc_port_t port,
                      mach_msg_type_name_t disposition)
{
    mach_port_type_t type = entry->bits & IE_BITS_TYPE;

    entry->port = port;
    switch (disposition) {
    case MACH_MSG_TYPE_PORT_SEND_ONCE:
        entry->bits |= MACH_PORT_TYPE_SEND_ONCE | 1;
        break;
    case MACH_MSG_TYPE_PORT_SEND:
        if (type & MACH_PORT_TYPE_SEND) {
            port->srights--;
            if (ipc_entry_urefs(entry) < MACH_PORT_UREFS_MAX) /* there it sticks */
                entry->bits++;
        } else {
            entry->bits |= MACH_PORT_TYPE_SEND | 1;
            if (type == MACH_PORT_TYPE_NONE)
                ipc_hash_insert(space, entry);
        }
        break;
    case MACH_MSG_TYPE_PORT_RECEIVE:
        if (type & MACH_PORT_TYPE_SEND)
            ipc_hash_remove(space, entry);
        entry->bits |= MACH_PORT_TYPE_RECEIVE;
        port->receiver = space;
        port->receiver_name = ipc_entry_name(entry);
        break;
    }
}

kern_return_t ipc_right_copyout(ipc_space_t space, ipc_port_t port,
                                mach_msg_type_name_t disposition,
                                mach_port_name_t *name)
{
    struct ipc_entry *entry;
    kern_return_t kr;

    if (disposition == MACH_MSG_TYPE_PORT_SEND_ONCE) { /* the reply right of each RPC */
        if (!__atomic_load_n(&port->active, __ATOMIC_ACQUIRE)) {
            ipc_port_release_sonce(port); /* a dead port tells nobody */
            *name = MACH_PORT_NAME_DEAD;
            return KERN_SUCCESS;
        }
        kr = ipc_entry_alloc(space, &entry);
        if (kr != KERN_SUCCESS)
            return kr;
        entry->port = port;
        entry->bits |= MACH_PORT_TYPE_SEND_ONCE | 1;
        *name = ipc_entry_name(entry);
        return KERN_SUCCESS;
    }

    ip_lock(port);
    if (!port->active) {
        assert(disposition == MACH_MSG_TYPE_PORT_SEND);
        port->srights--;
        ip_unlock_dropped(port);
        *name = MACH_PORT_NAME_DEAD;
        return KERN_SUCCESS;
    }
    entry = find_entry(space, port);
    if (entry == NULL && (kr = ipc_entry_alloc(space, &entry)) != KERN_SUCCESS) {
        ip_unlock(port);
        return kr;
    }
    entry_add(space, entry, port, disposition);
    ip_unlock(port);
    if (disposition == MACH_MSG_TYPE_PORT_RECEIVE)
        ipc_port_end_transit(port);
    *name = ipc_entry_name(entry);
    return KERN_SUCCESS;
}

/*
 * What ipc_right_copyout_name does under its locks: space (active) and port. The right has arrived as
 * `disposition`. KERN_SUCCESS: it is in the entry of `name`, made for it or that of the same port's send
 * or receive right. Else nothing has changed, and the right is the caller's:
 *   KERN_INVALID_CAPABILITY  the port is dead
 *   KERN_RIGHT_EXISTS        the space has a send or receive right to the port under another name
 *                            (a send-once right never merges: for it this is no error)
 *   KERN_UREFS_OVERFLOW      the name has the most user references there can be
 *   else                     as ipc_entry_alloc_name
 */
static kern_return_t copyout_name(ipc_space_t space, ipc_port_t port,
                                  mach_msg_type_name_t disposition, mach_port_name_t name)
{
    struct ipc_entry *entry = ipc_entry_lookup(space, name);
    struct ipc_entry *existing = NULL;
    kern_return_t kr;

    if (!port->active)
        return KERN_INVALID_CAPABILITY;
    if (disposition != MACH_MSG_TYPE_PORT_SEND_ONCE)
        existing = find_entry(space, port);
    if (existing != NULL) {
        if (existing != entry)
            return KERN_RIGHT_EXISTS;
        if (disposition == MACH_MSG_TYPE_PORT_SEND && ipc_entry_urefs(entry) == MACH_PORT_UREFS_MAX)
            return KERN_UREFS_OVERFLOW;
    } else {
        kr = ipc_entry_alloc_new_name(space, name, &entry);
        if (kr != KERN_SUCCESS)
            return kr;
    }
    entry_add(space, entry, port, disposition);
    return KERN_SUCCESS;
}

kern_return_t ipc_right_copyout_name(ipc_space_t space, ipc_port_t port,
                                     mach_msg_type_name_t disposition, mach_port_name_t name)
{
    kern_return_t kr = KERN_INVALID_TASK;

    is_lock(space);
    if (space->active) {
        ip_lock(port);
        kr = copyout_name(space, port, disposition, name);
        ip_unlock(port);
        /* Before the space is unlocked: then another thread may send the right away again. */
        if (kr == KERN_SUCCESS && disposition == MACH_MSG_TYPE_PORT_RECEIVE)
            ipc_port_end_transit(port);
    }
    is_unlock(space);
    return kr;
}
