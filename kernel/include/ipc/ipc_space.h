/*
 * A space: a task's table of names -> (object, rights, user references).
 *
 * The table must take names its owner chose (mach_port_allocate_name), so it is a radix tree on the
 * index: three levels, 256 / 512 / 128 entries, leaves of one page; the first leaf is reached
 * without the upper levels. A port -> name hash makes send rights to one port merge into one name.
 * The table's routines are in ipc_entry.h, what names mean in ipc_right.h.
 */
#ifndef _IPC_IPC_SPACE_H_
#define _IPC_IPC_SPACE_H_

#include <ipc/ipc_port.h>
#include <kern/lock.h>
#include <mach/mach_types.h>

struct ipc_entry;

struct ipc_space {
    spinlock_t lock;
    uint32_t refs;              /* atomic */
    bool active;
    struct task *task;          /* not a reference; NULL once dead */
    struct ledger *ledger;      /* fixed: pays for the table, and the ports and sets made here */
    struct ipc_entry *first;    /* leaf 0 */
    struct ipc_entry *free;     /* free entries, doubly linked */
    struct ipc_entry *spare;    /* free, but not among them, and counted as in use: it held the last
                                 * reply right, and will hold the next (mach_msg_fast.c) */
    uint32_t free_count;
    uint32_t entry_count;       /* entries in use, and how many there may be */
    uint32_t entry_limit;
    uint32_t leaf_hint;         /* leaves below this exist */
    uint32_t empty_leaf;        /* leaves that became empty, a list by number; 0: none */
    struct ipc_entry ***root;   /* the upper levels, made when needed */
    struct ipc_entry **hash;    /* port -> entry with nothing but its send right */
    uint32_t hash_size;         /* buckets, a power of two */
    uint32_t hash_count;
};

extern struct ipc_space ipc_space_kernel_data, ipc_space_reply_data;
#define ipc_space_kernel (&ipc_space_kernel_data) /* receiver of all kernel ports; has no table */
#define ipc_space_reply  (&ipc_space_reply_data)  /* of ports the kernel waits on for a reply */

/* An empty space with one reference. KERN_RESOURCE_SHORTAGE. */
kern_return_t ipc_space_create(struct task *task, ipc_space_t *space);
/* Releases every right in it; then it is dead. May take long (preempts). No locks held. */
void ipc_space_terminate(ipc_space_t space);
static inline void ipc_space_reference(ipc_space_t space)
{
    __atomic_fetch_add(&space->refs, 1, __ATOMIC_RELAXED);
}
void ipc_space_free(ipc_space_t space); /* (when none is left) */
static inline void ipc_space_release(ipc_space_t space)
{
    if (space != NULL && __atomic_sub_fetch(&space->refs, 1, __ATOMIC_ACQ_REL) == 0)
        ipc_space_free(space);
}

/* For traps and task start-up: puts a right held by the kernel into space and returns its name
 * (send rights merge). Consumes the right, also on failure (MACH_PORT_NAME_NULL). IP_DEAD gives
 * MACH_PORT_NAME_DEAD, IP_NULL MACH_PORT_NAME_NULL. */
mach_port_name_t ipc_space_copyout_send(ipc_space_t space, ipc_port_t port);
/* The port (with a reference) that name denotes a send or receive right for; IP_NULL if none. */
ipc_port_t ipc_space_lookup_port(ipc_space_t space, mach_port_name_t name);

/* There was no memory for a name: KERN_RESOURCE_SHORTAGE. Blocks until there may be. False: the space has met
 * a limit of its own, or is ending: give up. No locks held. */
bool ipc_space_again(ipc_space_t space);

void ipc_init(void);
void ipc_space_init(void);
void ipc_port_init(void);
/* How many there are: for leak checks. */
uint32_t ipc_space_total(void);
/* The same of port sets. */
uint32_t ipc_pset_total(void);

#endif
