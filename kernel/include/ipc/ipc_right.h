/*
 * Rights in a space: every transformation of them. Read ipc_port.h and ipc_entry.h before.
 */
#ifndef _IPC_IPC_RIGHT_H_
#define _IPC_IPC_RIGHT_H_

#include <ipc/ipc_entry.h>
#include <ipc/ipc_kmsg.h>

/* Locks the space and finds the entry; on failure the space is unlocked again. KERN_INVALID_TASK (dead,
 * or NULL: a port that is no task's), KERN_INVALID_NAME. A send or send-once right whose port died has
 * become a dead name. */
kern_return_t ipc_right_lookup(ipc_space_t space, mach_port_name_t name, struct ipc_entry **entry);
/* The same, the port of a receive right: locked, like the space. KERN_INVALID_RIGHT. */
kern_return_t ipc_right_lookup_receive(ipc_space_t space, mach_port_name_t name, ipc_port_t *port);
/* If the entry's port died, makes a dead name of it. Space locked. */
bool ipc_right_port_died(ipc_space_t space, struct ipc_entry *entry);
static inline bool ipc_right_may_be_dead(const struct ipc_entry *entry)
{
    return (entry->bits & MACH_PORT_TYPE_SEND_RIGHTS)
           && __builtin_expect(!__atomic_load_n(&entry->port->active, __ATOMIC_ACQUIRE), 0);
}
static inline bool ipc_right_check(ipc_space_t space, struct ipc_entry *entry)
{
    return ipc_right_may_be_dead(entry) && ipc_right_port_died(space, entry);
}

/* The right has left the entry (and the hash), and the name goes; only if the port has died
 * since it was looked at, and a dead-name notification is under way, the name stays for that,
 * as a dead name. Returns the name's dead-name request, to be sent as PORT_DELETED, or NULL.
 * Space locked. */
ipc_kmsg_t ipc_right_leave(ipc_space_t space, struct ipc_entry *entry);

/*
 * copyin: the right that a disposition takes out of, copies from, or makes from an entry. Space
 * locked. KERN_INVALID_RIGHT: nothing changed. A dead name gives IP_DEAD.
 *
 * A batch is a number of copyins in one hold of the space's lock. Until ipc_right_commit everything
 * can be taken back, in reverse order, with ipc_right_undo: no port has left the space yet, no
 * notification was sent.
 */
struct ipc_batch {
    struct queue deleted; /* dead-name requests of names that went away */
};
static inline void ipc_batch_init(struct ipc_batch *batch)
{
    queue_init(&batch->deleted);
}
kern_return_t ipc_right_copyin(ipc_space_t space, mach_port_name_t name,
                               mach_msg_type_name_t disposition, struct ipc_batch *batch,
                               ipc_port_t *port);
void ipc_right_undo(ipc_space_t space, mach_port_name_t name, mach_msg_type_name_t disposition,
                    struct ipc_batch *batch, ipc_port_t port);
/* The last step for a receive right taken out: the port leaves the space. Space locked. */
void ipc_right_commit_receive(ipc_port_t port);
/* Sends what the batch gathered. No locks. */
void ipc_batch_finish(struct ipc_batch *batch);

/*
 * copyout: puts a right (arrived as disposition) into the space. Space locked and active. On
 * success the right is consumed and *name says where it is (MACH_PORT_NAME_DEAD if the port is
 * dead). Else KERN_RESOURCE_SHORTAGE or KERN_NO_SPACE, and the right is still the caller's.
 */
kern_return_t ipc_right_copyout(ipc_space_t space, ipc_port_t port,
                                mach_msg_type_name_t disposition,
                                mach_port_name_t *name);
/* Under a given name: see mach_port_insert_right for what it returns. Locks the space itself. */
kern_return_t ipc_right_copyout_name(ipc_space_t space, ipc_port_t port,
                                     mach_msg_type_name_t disposition, mach_port_name_t name);
/* Releases a right that is in no space, whatever it is. IP_NULL and IP_DEAD allowed. No locks. */
void ipc_right_release(ipc_port_t port, mach_msg_type_name_t disposition, struct ipc_work *work);

/* ---- space locked on entry, unlocked on return ---- */
/* All rights of a name go. */
void ipc_right_destroy(ipc_space_t space, struct ipc_entry *entry);
/* See mach_port_mod_refs and mach_port_deallocate. */
kern_return_t ipc_right_delta(ipc_space_t space, struct ipc_entry *entry, mach_port_right_t right,
                              mach_port_delta_t delta);
kern_return_t ipc_right_dealloc(ipc_space_t space, struct ipc_entry *entry);

/* A new name for an entry's rights. Space locked. Errors as ipc_entry_alloc_name. */
kern_return_t ipc_right_rename(ipc_space_t space, struct ipc_entry *entry, mach_port_name_t name);

#endif
