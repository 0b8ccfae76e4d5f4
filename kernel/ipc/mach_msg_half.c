/*
 * The short way through mach_msg, for half of an exchange: a reply that is sent alone, and a wait for the
 * next request alone. A server that answers two clients at once, or none, does that. And what arrives after
 * such a wait, if there is nothing in it but bytes. Read mach_msg_fast.c before.
 *
 * As there nothing is done that the long way would do otherwise, and when anything is not as it should be,
 * the long way does it, from the beginning.
 *
 * Who is answered like this is ready to run; and the server goes on, and next gives the CPU to whom it
 * answers with its next receive. If that one is not more important he lets the first go before him
 * (thread_switch_begin): so of a pipe's two ends the reader runs first, who has waited longer, whatever their
 * priorities were a moment ago, and finds the server waiting.
 */
#include <ipc/ipc_entry.h>
#include <ipc/ipc_kobject.h>
#include <ipc/mach_msg_copy.h>
#include <ipc/mach_msg_fast.h>
#include <kern/sched.h>
#include <kern/task.h>

bool mach_msg_put_plain(ipc_kmsg_t kmsg, mach_msg_header_t *msg, mach_msg_option_t option,
                        mach_msg_size_t rcv_size, mach_msg_return_t *mr)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_size_t size = header->msgh_size;
    uint32_t elements = MACH_RCV_TRAILER_GET(option);

    if (header->msgh_bits != MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0) || kmsg->ikm_note != NULL
        || kmsg->ikm_local != IP_NULL || (elements & ~MACH_RCV_TRAILER_SENDER) != 0)
        return false;
    if (elements != 0)
        rcv_size -= MIN(rcv_size, sizeof(mach_msg_security_trailer_t));
    if (size > MIN(rcv_size, IKM_SMALL_SIZE) || size % 4 != 0 || (uintptr_t)msg >= FAST_ADDRESS_MAX)
        return false;
    *mr = MACH_MSG_SUCCESS;
    if (!store_header(msg, BITS_REPLIED, size, MACH_PORT_NAME_NULL, header->msgh_local_port,
                      header->msgh_seqno, header->msgh_id)
        || (size != sizeof(*msg) && !store_body(msg, header, size))
        || (elements != 0 && !store_sender(msg, size, header->msgh_seqno, kmsg->ikm_sender)))
        *mr = MACH_RCV_INVALID_DATA;
    ipc_kmsg_free(kmsg);
    return true;
}

/* Fills in what a simple reply is. False: the user's memory cannot be read, or it is not simple. */
static bool load_reply(ipc_kmsg_t kmsg, const mach_msg_header_t *msg, mach_msg_size_t size,
                       mach_port_name_t *remote)
{
    mach_msg_header_t *header = header_of(kmsg);
    mach_port_name_t local;
    mach_msg_bits_t bits;

    if (!load_header(msg, &bits, remote, &local, &header->msgh_id) || bits != BITS_REPLY
        || local != MACH_PORT_NAME_NULL || (size > sizeof(*msg) && !load_body(kmsg, msg, size)))
        return false;
    header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0);
    header->msgh_remote_port = MACH_PORT_NAME_NULL;
    kmsg->ikm_sender = current_task()->token;
    return true;
}

mach_msg_return_t mach_msg_post(mach_msg_header_t *msg, mach_msg_size_t send_size)
{
    struct task *task = current_task();
    ipc_space_t space = task->space;
    spinlock_t *set = NULL;
    struct ipc_entry *entry;
    struct waitq *receivers;
    mach_port_name_t remote;
    struct thread *next;
    ipc_kmsg_t kmsg;
    ipc_port_t port;

    if (mach_msg_fast_off || (kmsg = ipc_kmsg_alloc_second(send_size)) == NULL)
        return mach_msg_slow(NULL);
    if (!load_reply(kmsg, msg, send_size, &remote))
        return mach_msg_slow(kmsg);
    is_lock(space);
    entry = space->active ? ipc_entry_lookup(space, remote) : NULL;
    if (entry == NULL || !(entry->bits & MACH_PORT_TYPE_SEND_ONCE) || entry->request != 0)
        goto unlock_space;
    port = entry->port;
    ip_lock(port);
    receivers = port->msgcount == 0 ? find_receivers(port, &set) : NULL;
    if (receivers == NULL || waitq_empty(receivers))
        goto unlock_port;
    next = queue_first(&receivers->threads, struct thread, wait_link);
    if (next->ith_room < send_size)
        goto unlock_port;

    /* From here on nothing fails (ipc_mqueue.c: hand_over, accept). */
    waitq_dequeue(receivers);
    header_of(kmsg)->msgh_local_port = port->receiver_name;
    header_of(kmsg)->msgh_seqno = port->seqno++;
    kmsg->ikm_payload = port->protected_payload;
    kmsg->ikm_note = NULL;
    port->server = next;
    port->sorights--;
    next->ith_kmsg = kmsg;
    if (set != NULL)
        spin_unlock(set);
    ip_unlock(port);
    ipc_entry_free(space, entry);
    is_unlock(space);
    task->messages_sent++;
    thread_go(next, THREAD_AWAKENED);
    current_cpu()->answered = true;
    return MACH_MSG_SUCCESS;

unlock_port:
    if (set != NULL)
        spin_unlock(set);
    ip_unlock(port);
unlock_space:
    is_unlock(space);
    return mach_msg_slow(kmsg);
}

/* The entry for the next request's reply right: after a request that was not answered none is kept. */
static void keep_spare(ipc_space_t space)
{
    struct ipc_entry *entry;

    if (space->spare == NULL && space->free != NULL && MACH_PORT_INDEX(ipc_entry_name(space->free)) != 0
        && ipc_entry_alloc(space, &entry) == KERN_SUCCESS)
        space->spare = entry;
}

mach_msg_return_t mach_msg_await(mach_msg_header_t *msg, mach_msg_option_t option,
                                 mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
    struct thread *self = current_thread();
    ipc_space_t space = self->task->space;
    struct ipc_entry *entry;
    struct ipc_pset *pset;

    is_lock(space);
    entry = space->active ? ipc_entry_lookup(space, rcv_name) : NULL;
    if (entry == NULL || !(entry->bits & MACH_PORT_TYPE_PORT_SET) || mach_msg_fast_off) {
        is_unlock(space);
        return mach_msg_slow(NULL);
    }
    pset = entry->pset;
    spin_lock(&pset->lock);
    if (!queue_empty(&pset->ready)) {
        spin_unlock(&pset->lock);
        is_unlock(space);
        return mach_msg_slow(NULL);
    }
    keep_spare(space);
    is_unlock(space);
    mach_msg_fast_wait(self, msg, option, rcv_size);
    self->ith_kmsg = NULL;
    self->ith_state = MACH_RCV_IN_PROGRESS;
    self->ith_option = option;
    self->ith_rcv_size = rcv_size;
    self->server = NULL;
    if (waitq_wait(&pset->receivers, DEADLINE_NONE, NULL) == THREAD_INTERRUPTED)
        return MACH_RCV_INTERRUPTED;
    return mach_msg_continue(); /* or mach_msg_arrive has been, and left this stack */
}
