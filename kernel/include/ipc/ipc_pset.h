/*
 * A port set: ports that one receive waits on together. A port may be in several. Read ipc_port.h
 * before.
 *
 *            set.members -> link -> link ...     each link joins one port and one set
 *            set.ready   -> link ...             of those whose port has a message: found in O(1)
 *            port.psets  -> link ...
 */
#ifndef _IPC_IPC_PSET_H_
#define _IPC_IPC_PSET_H_

#include <ipc/ipc_port.h>

struct ipc_pset {
    spinlock_t lock;          /* after the locks of ports */
    mach_port_name_t name;    /* in the space it is in, whose lock guards this */
    struct ledger *ledger;    /* fixed: pays for the set and the links to it */
    uint32_t member_count;
    struct queue members;     /* struct ipc_pset_link.member */
    struct queue ready;       /* struct ipc_pset_link.ready; served in turn */
    struct waitq receivers;
};

struct ipc_pset_link {
    struct ledger *ledger;
    ipc_port_t port;
    struct ipc_pset *pset;
    struct queue in_port;     /* owned by the port's lock */
    struct queue member;      /* these two by the set's */
    struct queue ready;       /* unlinked: not ready */
};

/* An empty set, for a name. NULL: out of memory, or of what the ledger allows. */
struct ipc_pset *ipc_pset_alloc(struct ledger *ledger);
/* The set's name is gone: members leave, waiting receivers return MACH_RCV_PORT_DIED. No locks. */
void ipc_pset_destroy(struct ipc_pset *pset);
/* The link of port and set, or NULL. Port locked. */
struct ipc_pset_link *ipc_pset_find(ipc_port_t port, struct ipc_pset *pset);
/* For a set of the space (NULL: none, only to be freed again). NULL as above. */
struct ipc_pset_link *ipc_pset_link_alloc(struct ipc_space *space);
void ipc_pset_link_free(struct ipc_pset_link *link);
/* Port locked, not in the set; uses the link up. Threads waiting on the port itself return
 * MACH_RCV_PORT_CHANGED. */
void ipc_pset_join(ipc_port_t port, struct ipc_pset *pset, struct ipc_pset_link *link);
/* Port locked. */
void ipc_pset_leave(struct ipc_pset_link *link);
void ipc_pset_leave_all(ipc_port_t port);
/* Tells the port's sets that it has (no) messages; if it has, who waits in them looks. Port locked. */
void ipc_pset_mark(ipc_port_t port, bool ready);
/* A set the port is in, by its name in the space; or null. Port locked, and the space. */
mach_port_name_t ipc_pset_name(ipc_port_t port);
void ipc_pset_init(void);

#endif
