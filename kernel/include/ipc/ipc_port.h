/*
 * A port: a kernel-protected queue of messages with one receiver and many senders.
 *
 * Three different counts: `refs` keeps the structure; `srights` says how many send rights exist (in
 * spaces, in messages, in the kernel); a name's user references live in the space (ipc_entry.h).
 * All rights to a port together hold one reference: so a right can be made, moved or dropped under
 * the port's lock, without an atomic operation. A right is a pointer that stays good, even to a
 * dead port.
 *
 * States:  in a space   active, receiver != NULL, receiver_name != 0
 *          kernel       active, receiver == ipc_space_kernel, kotype says what it stands for
 *          in transit   active, receiver == NULL, destination = the port its message is sent to
 *          in limbo     active, receiver == NULL, destination == NULL (being moved)
 *          dead         !active: keeps only references
 * Check `active` under the lock after every look-up.
 */
#ifndef _IPC_IPC_PORT_H_
#define _IPC_IPC_PORT_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/sched.h>
#include <mach/mach_types.h>

struct ipc_space;
struct ipc_kmsg;
struct ledger;

/* What a kernel port stands for (kotype). */
enum ipc_kobject_type {
    IKOT_NONE,
    IKOT_TASK,
    IKOT_THREAD,
    IKOT_HOST,
    IKOT_HOST_PRIV,
    IKOT_SEMAPHORE,
    IKOT_CLOCK,
    IKOT_DEVICE,
    IKOT_MEMORY_CONTROL, /* a pager's control port: kobject is the vm_object */
    IKOT_MAX
};

struct ipc_dnrequest; /* dead-name requests: ipc_notify.h */

struct ipc_port {
    spinlock_t lock;          /* guards all but what names another guard */
    uint32_t refs;            /* atomic: pointers in use, and one for all the rights together */
    bool active;
    uint8_t kotype;           /* enum ipc_kobject_type */
    uint8_t watch_type;       /* ipc_port_watch: IKOT_NONE if there is none */
    bool guarded;             /* these three: ipc/mach_port_guard.c */
    bool strict;
    uint16_t qlimit;
    uint32_t msgcount;        /* messages queued */
    uint32_t so_notes;        /* send-once notifications due: see ipc_notify.c */
    struct ipc_space *receiver;      /* changed only under the space's lock as well */
    mach_port_name_t receiver_name;
    uint32_t srights;
    uint32_t sorights;
    mach_port_mscount_t mscount;
    mach_port_seqno_t seqno;
    uint32_t dnrequest_size;
    union {
        void *kobject;        /* kernel port */
        uint64_t protected_payload;
    };
    uint64_t guard;
    struct ipc_port *destination;     /* in transit, a reference; by ipc_transit_lock */
    struct ipc_kmsg *nsrequest;       /* notifications, made when asked for, or NULL */
    struct ipc_kmsg *pdrequest;
    struct ipc_dnrequest *dnrequests; /* by ipc_entry.request; 0 heads the free ones */
    void *watch_object;
    struct ledger *ledger;            /* whose space made it, and pays until it dies; or NULL */
    struct thread *server;            /* who last received from it: a hint (inherit.c) */
    struct queue messages;            /* struct ipc_kmsg.ikm_link, FIFO */
    struct waitq receivers;           /* threads waiting to receive from this port itself */
    struct waitq senders;             /* blocked at the queue limit, served in order */
    struct queue psets;               /* struct ipc_pset_link: the sets it is in */
};
typedef struct ipc_port *ipc_port_t;

#define IP_NULL ((ipc_port_t)0)
#define IP_DEAD ((ipc_port_t)~0UL)
/* Not one of the two: IP_DEAD + 1 wraps to 0. */
#define IP_VALID(port) ((uintptr_t)(port) + 1 > 1)
#define ip_lock(port)   spin_lock(&(port)->lock)
#define ip_unlock(port) spin_unlock(&(port)->lock)

static inline void ip_reference(ipc_port_t port)
{
    __atomic_fetch_add(&port->refs, 1, __ATOMIC_RELAXED);
}
/* Drops a reference (port unlocked); the last frees it. Not for rights: they have no own one. */
void ip_release(ipc_port_t port);

/* ---- rights held by the kernel (IP_NULL and IP_DEAD allowed unless said otherwise) ---- */
/* A new send right from the receive right: srights and mscount go up. Port unlocked. */
ipc_port_t ipc_port_make_send(ipc_port_t port); /* (IP_DEAD if it just died) */
ipc_port_t ipc_port_make_sonce(ipc_port_t port);
/* A copy of a send right one holds; IP_DEAD if the port died. */
ipc_port_t ipc_port_copy_send(ipc_port_t port);
/* Gives back a send right; sends no-senders when it was the last. No locks held. */
void ipc_port_release_send(ipc_port_t port);
/* Gives back a send-once right unused: the port's receiver gets a send-once notification. */
void ipc_port_release_sonce(ipc_port_t port);
/* Destroys a receive right held by the kernel or in transit. No locks held. */
void ipc_port_release_receive(ipc_port_t port);

/* ---- ports whose receiver is the kernel ---- */
/* A kernel port for kobject; the caller's reference is the receive right. NULL: out of memory. */
ipc_port_t ipc_port_alloc_kernel(enum ipc_kobject_type type, void *kobject);
/* Kills a kernel port: from now on it is dead to everyone. Consumes the kernel's receive right. */
void ipc_port_dealloc_kernel(ipc_port_t port);
/* The kobject if port is a live kernel port of that type, else NULL. take is called on it under the
 * port's lock (to take a reference); it may be NULL. */
void *ipc_port_kobject(ipc_port_t port, enum ipc_kobject_type type, void (*take)(void *));
/* The kernel holds a send right to a user's port and wants to know of its death: when port dies,
 * ipc_kobject_port_died(type, kobject) is called without locks (kobject must then still be safe to
 * name: the vm layer looks it up again). One watch a port; IKOT_MEMORY_CONTROL only. */
kern_return_t ipc_port_watch(ipc_port_t port, enum ipc_kobject_type type, void *kobject);
void ipc_port_unwatch(ipc_port_t port);

/* ---- for ipc itself ---- */
/* What a death leaves to be done when no lock is held, as a list and not by recursion: messages
 * with receive rights whose queues hold messages with receive rights ... */
struct ipc_work {
    struct queue send;    /* notifications */
    struct queue destroy; /* messages */
};
void ipc_work_init(struct ipc_work *work);
/* Does it all, and what it brings about. No locks held; preempts when it takes long. */
void ipc_work_run(struct ipc_work *work);

/* A port with a receive right (the caller's), in limbo, that the ledger pays for until it dies: a dead one
 * is kept by the names others have for it, and those are limited. NULL: out of memory, or of what the
 * ledger allows. */
ipc_port_t ipc_port_alloc(struct ledger *ledger);
/* Unlocks a port of which one has just taken a right away: frees it if that was the last. */
void ip_unlock_dropped(ipc_port_t port);
/* The port leaves its space and its sets; waiting receivers return `why`. Port locked, and the
 * space. */
void ipc_port_clear_receiver(ipc_port_t port, mach_msg_return_t why);
/* The receive right, in limbo, is destroyed, or goes to whom a port-destroyed request names. No
 * locks. */
void ipc_port_destroy(ipc_port_t port, struct ipc_work *work);
/* The receive right is in a message to dest from now on: false, and nothing changed, if the message
 * would then wait, over however many ports in transit, in the port's own queue. */
bool ipc_port_begin_transit(ipc_port_t port, ipc_port_t dest);
void ipc_port_end_transit(ipc_port_t port);

/* Ports there are, dead ones that are still referred to included: for leak checks. */
uint32_t ipc_port_total(void);

#endif
