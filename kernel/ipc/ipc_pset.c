/*
 * Port sets. Read ipc/ipc_pset.h before, and ipc_mqueue.c for how messages are received from them.
 *
 * A link is guarded by two locks: changing the membership needs the port's and the set's, in this
 * order; so each of them alone is enough to look at its own queue. Who comes from the set has the
 * port's lock still to take: he lets go of the set, and finds out afterwards whether the link is
 * still there.
 */
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/ledger.h>

static zone_t pset_zone;
static zone_t link_zone;

struct ipc_pset *ipc_pset_alloc(struct ledger *ledger)
{
    struct ipc_pset *pset = ledger_zalloc(ledger, pset_zone, sizeof(*pset));

    if (pset == NULL)
        return NULL;
    pset->ledger = ledger;
    spin_lock_init(&pset->lock, LOCK_IPC_PSET);
    queue_init(&pset->members);
    queue_init(&pset->ready);
    waitq_init(&pset->receivers, &pset->lock);
    return pset;
}

/*
 * No lock may be held, and the set's comes after a port's: so the members are taken one by one, each with a
 * reference, looked up again under the port's lock, and made to leave. The set is freed.
 */
void ipc_pset_destroy(struct ipc_pset *pset)
{
    for (;;) {
        struct ipc_pset_link *link;
        ipc_port_t port;

        spin_lock(&pset->lock);
        if (queue_empty(&pset->members))
            break;
        port = queue_first(&pset->members, struct ipc_pset_link, member)->port;
        ip_reference(port);
        spin_unlock(&pset->lock);

        ip_lock(port);
        link = ipc_pset_find(port, pset);
        if (link != NULL)
            ipc_pset_leave(link);
        ip_unlock(port);
        ip_release(port);
        preempt_point();
    }
    ipc_mqueue_wake_receivers(&pset->receivers, MACH_RCV_PORT_DIED);
    spin_unlock(&pset->lock);
    ledger_zfree(pset->ledger, pset_zone, pset, sizeof(*pset));
}

struct ipc_pset_link *ipc_pset_find(ipc_port_t port, struct ipc_pset *pset)
{
    struct ipc_pset_link *link;

    queue_for_each(link, &port->psets, struct ipc_pset_link, in_port)
        if (link->pset == pset)
            return link;
    return NULL;
}

struct ipc_pset_link *ipc_pset_link_alloc(struct ipc_space *space)
{
    struct ledger *ledger = space != NULL ? space->ledger : NULL;
    struct ipc_pset_link *link = ledger_zalloc(ledger, link_zone, sizeof(*link));

    if (link != NULL)
        link->ledger = ledger;
    return link;
}

void ipc_pset_link_free(struct ipc_pset_link *link)
{
    ledger_zfree(link->ledger, link_zone, link, sizeof(*link));
}

/*
 * See ipc_pset.h. The link joins the two lists; it is ready if there is something to receive: a message, a
 * send-once notification due, or a sender who waits.
 */
void ipc_pset_join(ipc_port_t port, struct ipc_pset *pset, struct ipc_pset_link *link)
{
    ipc_mqueue_wake_receivers(&port->receivers, MACH_RCV_PORT_CHANGED);
    link->port = port;
    link->pset = pset;
    queue_init(&link->ready);
    enqueue_tail(&port->psets, &link->in_port);
    spin_lock(&pset->lock);
    enqueue_tail(&pset->members, &link->member);
    pset->member_count++;
    spin_unlock(&pset->lock);
    if (!queue_empty(&port->messages) || port->so_notes != 0 || !waitq_empty(&port->senders))
        ipc_pset_mark(port, true);
}

/* The link leaves its three lists, and is freed. Takes the set's lock. */
void ipc_pset_leave(struct ipc_pset_link *link)
{
    struct ipc_pset *pset = link->pset;

    queue_remove(&link->in_port);
    spin_lock(&pset->lock);
    queue_remove(&link->member);
    queue_remove(&link->ready);
    pset->member_count--;
    spin_unlock(&pset->lock);
    ipc_pset_link_free(link);
}

void ipc_pset_leave_all(ipc_port_t port)
{
    while (!queue_empty(&port->psets))
        ipc_pset_leave(queue_first(&port->psets, struct ipc_pset_link, in_port));
}

mach_port_name_t ipc_pset_name(ipc_port_t port)
{
    return queue_empty(&port->psets)
               ? MACH_PORT_NAME_NULL
               : queue_first(&port->psets, struct ipc_pset_link, in_port)->pset->name;
}

/*
 * For each set the port is in: ready puts its link into the list of ready ones, once, and wakes those who
 * wait in the set (THREAD_RESTART), to look; not ready takes it out.
 */
void ipc_pset_mark(ipc_port_t port, bool ready)
{
    struct ipc_pset_link *link;

    queue_for_each(link, &port->psets, struct ipc_pset_link, in_port) {
        struct ipc_pset *pset = link->pset;

        spin_lock(&pset->lock);
        if (!ready)
            queue_remove(&link->ready);
        else if (queue_unlinked(&link->ready))
            enqueue_tail(&pset->ready, &link->ready);
        /* Who began to wait after we found nobody waiting, and before this lock, would miss it. */
        if (ready)
            waitq_wakeup_all(&pset->receivers, THREAD_RESTART);
        spin_unlock(&pset->lock);
    }
}

uint32_t ipc_pset_total(void)
{
    return zone_count(pset_zone);
}

void ipc_pset_init(void)
{
    pset_zone = zone_create("port sets", sizeof(struct ipc_pset));
    link_zone = zone_create("port set members", sizeof(struct ipc_pset_link));
}
