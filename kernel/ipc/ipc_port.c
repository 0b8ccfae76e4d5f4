/*
 * Ports: their life, and the rights to them that are in no space.
 *
 * Read ipc/ipc_port.h before: the four states, the counts, and why a right needs no reference of
 * its own. The queue is in ipc_mqueue.c, names are in ipc_right.c.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_notify.h>
#include <ipc/ipc_port.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/ledger.h>

static zone_t port_zone;

/* Guards `destination` of all ports: who changes one can follow a chain of ports in transit. */
static spinlock_t ipc_transit_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);

ipc_port_t ipc_port_alloc(struct ledger *ledger)
{
    ipc_port_t port = ledger_zalloc(ledger, port_zone, sizeof(*port));

    if (port == NULL)
        return IP_NULL;
    port->ledger = ledger;
    spin_lock_init(&port->lock, LOCK_IPC_PORT);
    port->refs = 1;
    port->active = true;
    port->qlimit = MACH_PORT_QLIMIT_DEFAULT;
    queue_init(&port->messages);
    queue_init(&port->psets);
    waitq_init(&port->receivers, &port->lock);
    waitq_init(&port->senders, &port->lock);
    return port;
}

void ip_release(ipc_port_t port)
{
    if (__atomic_sub_fetch(&port->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        assert(!port->active && port->srights == 0 && port->sorights == 0);
        assert(queue_empty(&port->messages) && queue_empty(&port->psets));
        zfree(port_zone, port);
    }
}

void ip_unlock_dropped(ipc_port_t port)
{
    bool last = !port->active && port->srights == 0 && port->sorights == 0;

    ip_unlock(port);
    if (last)
        ip_release(port);
}

uint32_t ipc_port_total(void)
{
    return zone_count(port_zone);
}

/* ---- rights held by the kernel --------------------------------------------------------------- */

ipc_port_t ipc_port_make_send(ipc_port_t port)
{
    if (!IP_VALID(port))
        return port;
    ip_lock(port);
    if (!port->active) {
        ip_unlock(port);
        return IP_DEAD;
    }
    port->mscount++;
    port->srights++;
    ip_unlock(port);
    return port;
}

ipc_port_t ipc_port_make_sonce(ipc_port_t port)
{
    if (!IP_VALID(port))
        return port;
    ip_lock(port);
    if (!port->active) {
        ip_unlock(port);
        return IP_DEAD;
    }
    port->sorights++;
    ip_unlock(port);
    return port;
}

ipc_port_t ipc_port_copy_send(ipc_port_t port)
{
    if (!IP_VALID(port))
        return port;
    ip_lock(port);
    assert(port->srights > 0);
    if (!port->active) {
        ip_unlock(port);
        return IP_DEAD;
    }
    port->srights++;
    ip_unlock(port);
    return port;
}

/* The last send right to a port that is alive has gone: who asked for it is told, and the object that the
 * port may stand for. Port locked, and unlocked on return. */
static __attribute__((noinline)) void no_more_senders(ipc_port_t port)
{
    enum ipc_kobject_type type = port->receiver == ipc_space_kernel ? port->kotype : IKOT_NONE;
    ipc_kmsg_t note = port->nsrequest;
    void *kobject = port->kobject;

    port->nsrequest = NULL;
    if (note != NULL)
        ipc_note_set_count(note, port->mscount);
    if (type != IKOT_NONE)
        ip_reference(port);
    ip_unlock(port);
    if (note != NULL)
        ipc_kmsg_send_always(note);
    if (type != IKOT_NONE) {
        ipc_kobject_no_senders(port, type, kobject);
        ip_release(port);
    }
}

void ipc_port_release_send(ipc_port_t port)
{
    if (!IP_VALID(port))
        return;
    ip_lock(port);
    assert(port->srights > 0);
    if (--port->srights == 0 && port->active)
        no_more_senders(port);
    else
        ip_unlock_dropped(port);
}

void ipc_port_release_sonce(ipc_port_t port)
{
    if (!IP_VALID(port))
        return;
    ip_lock(port);
    assert(port->sorights > 0);
    port->sorights--;
    if (port->active && port->receiver != ipc_space_kernel) {
        port->so_notes++;
        ipc_mqueue_note(port);
    }
    ip_unlock_dropped(port);
}

void ipc_port_release_receive(ipc_port_t port)
{
    struct ipc_work work;

    if (!IP_VALID(port))
        return;
    ipc_work_init(&work);
    ipc_port_end_transit(port);
    ipc_port_destroy(port, &work);
    ipc_work_run(&work);
}

/* ---- death ----------------------------------------------------------------------------------- */

void ipc_port_clear_receiver(ipc_port_t port, mach_msg_return_t why)
{
    ipc_pset_leave_all(port);
    ipc_mqueue_wake_receivers(&port->receivers, why);
    port->receiver = NULL;
    port->receiver_name = MACH_PORT_NAME_NULL;
    port->mscount = 0;
    port->seqno = 0;
    port->guarded = port->strict = false;
    port->protected_payload = 0;
}

/* Gives the receive right to whom a port-destroyed request names. False: that would leave it
 * waiting in its own queue, and it shall die. */
static bool ipc_port_give_back(ipc_port_t port, ipc_kmsg_t note, struct ipc_work *work)
{
    if (!ipc_port_begin_transit(port, note->ikm_remote)) {
        ipc_note_drop(note);
        return false;
    }
    ipc_note_set_right(note, port);
    enqueue_tail(&work->send, &note->ikm_link);
    return true;
}

void ipc_port_destroy(ipc_port_t port, struct ipc_work *work)
{
    struct ipc_dnrequest *requests;
    uint32_t request_size;
    ipc_kmsg_t note;
    thread_t sender;
    uint8_t watch;
    void *watch_object;
    struct ledger *ledger;

    ip_lock(port);
    assert(port->active && port->receiver == NULL);
    note = port->pdrequest;
    port->pdrequest = NULL;
    if (note != NULL) {
        ip_unlock(port);
        if (ipc_port_give_back(port, note, work))
            return;
        ip_lock(port);
    }
    port->active = false;
    ledger = port->ledger;
    note = port->nsrequest;
    port->nsrequest = NULL;
    requests = port->dnrequests;
    request_size = port->dnrequest_size;
    port->dnrequests = NULL;
    port->dnrequest_size = 0;
    watch = port->watch_type;
    watch_object = port->watch_object;
    port->watch_type = IKOT_NONE;
    port->msgcount = 0;
    port->so_notes = 0;
    while (!queue_empty(&port->messages))
        enqueue_tail(&work->destroy, dequeue_head(&port->messages));
    /* A sender finds its port dead, and destroys its message as if it had arrived before. */
    while ((sender = waitq_dequeue(&port->senders)) != NULL)
        thread_go(sender, THREAD_RESTART);
    ip_unlock_dropped(port);

    ledger_credit(ledger, sizeof(*port));
    if (note != NULL)
        ipc_note_drop(note);
    for (uint32_t i = 1; i < request_size; i++)
        if (requests[i].note != NULL)
            enqueue_tail(&work->send, &requests[i].note->ikm_link);
    if (requests != NULL)
        kfree(requests, request_size * sizeof(*requests));
    if (watch != IKOT_NONE)
        ipc_kobject_port_died(watch, watch_object);
}

void ipc_work_init(struct ipc_work *work)
{
    queue_init(&work->send);
    queue_init(&work->destroy);
}

void ipc_work_run(struct ipc_work *work)
{
    const uint32_t steps_per_preemption = 64;
    struct queue *link;
    ipc_kmsg_t kmsg;

    for (uint32_t step = 1;; step++) {
        if ((link = dequeue_head(&work->destroy)) != NULL) {
            kmsg = queue_entry(link, struct ipc_kmsg, ikm_link);
            ipc_kmsg_clean(kmsg, work);
            ipc_kmsg_free(kmsg);
        } else if ((link = dequeue_head(&work->send)) != NULL) {
            ipc_mqueue_send_always(queue_entry(link, struct ipc_kmsg, ikm_link), NULL, work);
        } else {
            return;
        }
        if (step % steps_per_preemption == 0)
            preempt_point();
    }
}

/* ---- receive rights in messages -------------------------------------------------------------- */

bool ipc_port_begin_transit(ipc_port_t port, ipc_port_t dest)
{
    ipc_port_t p;

    spin_lock(&ipc_transit_lock);
    for (p = dest; p != IP_NULL && p != port; p = p->destination)
        continue;
    if (p == IP_NULL) {
        assert(port->destination == IP_NULL);
        ip_reference(dest);
        port->destination = dest;
    }
    spin_unlock(&ipc_transit_lock);
    return p == IP_NULL;
}

void ipc_port_end_transit(ipc_port_t port)
{
    ipc_port_t dest;

    spin_lock(&ipc_transit_lock);
    dest = port->destination;
    port->destination = IP_NULL;
    spin_unlock(&ipc_transit_lock);
    if (dest != IP_NULL)
        ip_release(dest);
}

/* ---- kernel ports ---------------------------------------------------------------------------- */

ipc_port_t ipc_port_alloc_kernel(enum ipc_kobject_type type, void *kobject)
{
    ipc_port_t port = ipc_port_alloc(NULL);

    if (port == IP_NULL)
        return IP_NULL;
    port->receiver = ipc_space_kernel;
    port->kotype = type;
    port->kobject = kobject;
    return port;
}

void ipc_port_dealloc_kernel(ipc_port_t port)
{
    struct ipc_work work;

    if (!IP_VALID(port))
        return;
    ip_lock(port);
    assert(port->receiver == ipc_space_kernel || port->receiver == ipc_space_reply);
    port->kotype = IKOT_NONE;
    port->kobject = NULL;
    ipc_port_clear_receiver(port, MACH_RCV_PORT_DIED);
    ip_unlock(port);
    ipc_work_init(&work);
    ipc_port_destroy(port, &work);
    ipc_work_run(&work);
}

void *ipc_port_kobject(ipc_port_t port, enum ipc_kobject_type type, void (*take)(void *))
{
    void *kobject = NULL;

    if (!IP_VALID(port))
        return NULL;
    ip_lock(port);
    if (port->active && port->kotype == type && port->receiver == ipc_space_kernel)
        kobject = port->kobject;
    if (kobject != NULL && take != NULL)
        take(kobject);
    ip_unlock(port);
    return kobject;
}

kern_return_t ipc_port_watch(ipc_port_t port, enum ipc_kobject_type type, void *kobject)
{
    kern_return_t kr = KERN_SUCCESS;

    if (!IP_VALID(port))
        return KERN_INVALID_ARGUMENT;
    ip_lock(port);
    if (!port->active) {
        kr = KERN_TERMINATED;
    } else if (port->watch_type != IKOT_NONE) {
        kr = KERN_FAILURE;
    } else {
        port->watch_type = type;
        port->watch_object = kobject;
    }
    ip_unlock(port);
    return kr;
}

void ipc_port_unwatch(ipc_port_t port)
{
    if (!IP_VALID(port))
        return;
    ip_lock(port);
    port->watch_type = IKOT_NONE;
    port->watch_object = NULL;
    ip_unlock(port);
}

void ipc_port_init(void)
{
    port_zone = zone_create("ports", sizeof(struct ipc_port));
}
