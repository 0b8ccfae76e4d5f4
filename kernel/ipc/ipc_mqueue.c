/*
 * Queues: a port's messages, the threads that wait for them, and those that wait for room.
 *
 * Read ipc/ipc_mqueue.h, kern/sched.h and ipc/ipc_pset.h before. The invariants, under the port's
 * lock:
 *   - receivers wait (on the port or in one of its sets) only while the queue is empty: so a
 *     message is either handed to a thread or queued, and none overtakes another;
 *   - a blocked sender's message is put in the queue for it, by who makes room: so senders are
 *     served in order, and a newcomer cannot slip in between.
 *
 * A message is ACCEPTED when it leaves the queue, or is handed over: its sequence number is given,
 * and the right it was sent to is used up. From then on it is nobody's but the receiving thread's,
 * which has no need of the port any more.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_notify.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <kern/inherit.h>
#include <kern/task.h>
#include <kern/trace.h>

/* By receiver, or NULL: its caller itself. Port locked. */
static void accept(ipc_port_t port, ipc_kmsg_t kmsg, thread_t receiver)
{
    mach_msg_header_t *header = kmsg->ikm_header;

    assert(kmsg->ikm_remote == port);
    header->msgh_local_port = port->receiver_name;
    header->msgh_seqno = port->seqno++;
    kmsg->ikm_payload = port->protected_payload;
    port->server = receiver;
    trace(TRACE_RECEIVE, port, header->msgh_id);
    kmsg->ikm_note = NULL;
    if (MACH_MSGH_BITS_REMOTE(header->msgh_bits) == MACH_MSG_TYPE_PORT_SEND_ONCE) {
        port->sorights--;
    } else if (--port->srights == 0 && port->nsrequest != NULL) {
        ipc_note_set_count(port->nsrequest, port->mscount);
        kmsg->ikm_note = port->nsrequest;
        port->nsrequest = NULL;
    }
}

/* r->deadline of a receive that does not wait: a time-out of 0. */
#define DEADLINE_POLL (~(uint64_t)0)

static bool has_messages(ipc_port_t port)
{
    return !queue_empty(&port->messages) || port->so_notes != 0 || !waitq_empty(&port->senders);
}

/* Port locked. The first message of a port is announced to its sets. */
static void enqueue(ipc_port_t port, ipc_kmsg_t kmsg)
{
    enqueue_tail(&port->messages, &kmsg->ikm_link);
    if (port->msgcount++ == 0 && !queue_empty(&port->psets))
        ipc_pset_mark(port, true);
}

/*
 * The message of each sender who waits for room, first come first served, is queued for him while less than
 * `limit` messages are, and he is woken (THREAD_AWAKENED, ith_kmsg NULL: it is not his any more).
 */
void ipc_mqueue_admit(ipc_port_t port, uint32_t limit)
{
    thread_t sender;

    while (port->msgcount < limit && (sender = waitq_dequeue(&port->senders)) != NULL) {
        enqueue(port, sender->ith_kmsg);
        sender->ith_kmsg = NULL;
        thread_go(sender, THREAD_AWAKENED);
    }
}

/*
 * Gives the message to the first thread that waits in `receivers`: accepted, in its ith_kmsg. Returns that
 * thread, whose wake-up is now the caller's; NULL if none waits. A thread that asked for MACH_RCV_LARGE and
 * has less room than ipc_kmsg_room is passed over: it is woken to return MACH_RCV_TOO_LARGE (ith_state),
 * with the message's size in ith_msize. The queue's owner is locked, and the port.
 */
static thread_t hand_over(struct waitq *receivers, ipc_port_t port, ipc_kmsg_t kmsg)
{
    thread_t thread;

    while ((thread = waitq_dequeue(receivers)) != NULL) {
        if (__builtin_expect(thread->ith_option & MACH_RCV_LARGE, 0)
            && ipc_kmsg_room(kmsg, thread->ith_option) > thread->ith_rcv_size) {
            thread->ith_state = MACH_RCV_TOO_LARGE;
            thread->ith_msize = kmsg->ikm_header->msgh_size;
            thread_go(thread, THREAD_AWAKENED);
            continue;
        }
        accept(port, kmsg, thread);
        thread->ith_kmsg = kmsg;
        return thread;
    }
    return NULL;
}

/* The same for whoever waits for the port: itself, or one of its sets. Port locked. */
static thread_t hand_over_any(ipc_port_t port, ipc_kmsg_t kmsg)
{
    struct ipc_pset_link *link;
    thread_t thread;

    if (__builtin_expect(queue_empty(&port->psets), 1))
        return hand_over(&port->receivers, port, kmsg);
    queue_for_each(link, &port->psets, struct ipc_pset_link, in_port) {
        spin_lock(&link->pset->lock);
        thread = hand_over(&link->pset->receivers, port, kmsg);
        spin_unlock(&link->pset->lock);
        if (thread != NULL)
            return thread;
    }
    return NULL;
}

/* ---- sending --------------------------------------------------------------------------------- */

/*
 * Waits for room in port, which is locked, and unlocked on return. The message lies in the thread's ith_kmsg,
 * where who makes room finds it. A port in sets without a message is marked ready, so that their receivers
 * come upon this sender. MACH_MSG_SUCCESS: the message was queued; MACH_SEND_TIMED_OUT (the deadline),
 * MACH_SEND_INTERRUPTED: it was not; MACH_SEND_IN_PROGRESS (THREAD_RESTART): look again.
 */
static mach_msg_return_t wait_for_room(ipc_port_t port, ipc_kmsg_t kmsg, uint64_t deadline, bool call)
{
    thread_t self = current_thread();

    self->ith_kmsg = kmsg;
    waitq_assert_wait(&port->senders, true, deadline);
    inherit_queued(port, kmsg, call);
    if (!queue_empty(&port->psets) && queue_empty(&port->messages))
        ipc_pset_mark(port, true); /* a limit of 0: a receiver will find us */
    ip_unlock(port);
    if (inherit_would_lend(self))
        inherit_update(self);
    switch (thread_block()) {
    case THREAD_AWAKENED:
        return MACH_MSG_SUCCESS;
    case THREAD_TIMED_OUT:
        return MACH_SEND_TIMED_OUT;
    case THREAD_INTERRUPTED:
        return MACH_SEND_INTERRUPTED;
    default:
        return MACH_SEND_IN_PROGRESS;
    }
}

mach_msg_return_t ipc_mqueue_send(ipc_kmsg_t kmsg, mach_msg_option_t option,
                                  mach_msg_timeout_t timeout, struct ipc_exchange *exchange)
{
    mach_msg_type_name_t right = MACH_MSGH_BITS_REMOTE(kmsg->ikm_header->msgh_bits);
    bool limited = right != MACH_MSG_TYPE_PORT_SEND_ONCE;
    ipc_port_t port = kmsg->ikm_remote;
    uint64_t deadline = DEADLINE_NONE;
    mach_msg_return_t mr;

    exchange->call = option & MACH_RCV_MSG ? kmsg->ikm_local : IP_NULL;
    trace(TRACE_SEND, port, kmsg->ikm_header->msgh_id);
    for (;;) {
        ip_lock(port);
        if (__builtin_expect(!port->active || kmsg->ikm_circular, 0)) {
            /* As if it had arrived, and then died with the port. */
            ip_unlock(port);
            ipc_kmsg_destroy(kmsg);
            return MACH_MSG_SUCCESS;
        }
        if (port->receiver == ipc_space_kernel) {
            ip_unlock(port);
            exchange->reply = ipc_kobject_server(kmsg);
            return MACH_MSG_SUCCESS;
        }
        if (port->msgcount == 0 && (exchange->receiver = hand_over_any(port, kmsg)) != NULL) {
            current_thread()->server = exchange->receiver;
            ip_unlock(port);
            return MACH_MSG_SUCCESS;
        }
        if (!ipc_kmsg_charge(kmsg, current_ledger())) {
            ip_unlock(port);
            return MACH_SEND_NO_BUFFER;
        }
        if (port->msgcount < port->qlimit || !limited) {
            inherit_queued(port, kmsg, exchange->call != IP_NULL);
            enqueue(port, kmsg);
            ip_unlock(port);
            return MACH_MSG_SUCCESS;
        }
        if (option & MACH_SEND_TIMEOUT) {
            if (timeout == 0) {
                ip_unlock(port);
                return MACH_SEND_TIMED_OUT;
            }
            if (deadline == DEADLINE_NONE)
                deadline = deadline_after_ms(timeout);
        }
        mr = wait_for_room(port, kmsg, deadline, exchange->call != IP_NULL);
        if (mr == MACH_SEND_IN_PROGRESS)
            continue;
        if (mr != MACH_MSG_SUCCESS)
            inherit_waited(current_thread());
        return mr;
    }
}

bool ipc_mqueue_deliver(ipc_kmsg_t kmsg, struct ledger *ledger, thread_t *receiver)
{
    ipc_port_t port = kmsg->ikm_remote;
    bool allowed = true;

    *receiver = NULL;
    trace(TRACE_SEND, port, kmsg->ikm_header->msgh_id);
    ip_lock(port);
    if (!port->active || port->receiver == ipc_space_kernel || kmsg->ikm_circular) {
        ip_unlock(port);
        return false;
    }
    if (port->msgcount == 0)
        *receiver = hand_over_any(port, kmsg);
    if (*receiver == NULL && (allowed = ipc_kmsg_charge(kmsg, ledger)))
        enqueue(port, kmsg);
    ip_unlock(port);
    return allowed;
}

void ipc_mqueue_send_always(ipc_kmsg_t kmsg, struct ledger *ledger, struct ipc_work *work)
{
    thread_t receiver;

    if (!ipc_mqueue_deliver(kmsg, ledger, &receiver))
        enqueue_tail(&work->destroy, &kmsg->ikm_link);
    else if (receiver != NULL)
        thread_go(receiver, THREAD_AWAKENED);
}

static void send_always(ipc_kmsg_t kmsg, struct ledger *ledger)
{
    struct ipc_work work;

    ipc_work_init(&work);
    ipc_mqueue_send_always(kmsg, ledger, &work);
    ipc_work_run(&work);
}

void ipc_kmsg_send_always(ipc_kmsg_t kmsg)
{
    send_always(kmsg, NULL);
}

void ipc_exchange_finish(struct ipc_exchange *exchange)
{
    if (exchange->receiver != NULL)
        thread_go(exchange->receiver, THREAD_AWAKENED);
    if (exchange->reply != NULL)
        send_always(exchange->reply, current_ledger());
    exchange->receiver = NULL;
    exchange->reply = NULL;
}

/* ---- waking receivers for other reasons ------------------------------------------------------ */

void ipc_mqueue_wake_receivers(struct waitq *receivers, mach_msg_return_t why)
{
    thread_t thread;

    while ((thread = waitq_dequeue(receivers)) != NULL) {
        thread->ith_state = why;
        thread_go(thread, THREAD_AWAKENED);
    }
}

void ipc_mqueue_note(ipc_port_t port)
{
    if (queue_empty(&port->psets))
        waitq_wakeup_one(&port->receivers, THREAD_RESTART);
    else
        ipc_pset_mark(port, true);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* A receive in progress. */
struct receive {
    mach_msg_option_t option;
    mach_msg_size_t rcv_size;
    uint64_t deadline;
    ipc_kmsg_t kmsg;        /* what came */
    mach_msg_size_t needed; /* by a message that did not fit */
};

/*
 * Takes what there is to receive from the port into r->kmsg: the first message, accepted; a sender who
 * waits at a limit of 0 is let in for that; else one of the send-once notifications due (so_notes), made
 * here, with the port's name and next sequence number in it. Then blocked senders are admitted up to the
 * limit, and the port's sets are told if nothing is left.
 * MACH_RCV_IN_PROGRESS: there is nothing. MACH_RCV_TOO_LARGE, of a receive with MACH_RCV_LARGE: r->needed is
 * the size, and all is as before. MACH_RCV_BODY_ERROR | MACH_MSG_IPC_KERNEL: no memory for a notification.
 * Port locked.
 */
static mach_msg_return_t take_message(ipc_port_t port, struct receive *r)
{
    ipc_kmsg_t kmsg;

    if (queue_empty(&port->messages))
        ipc_mqueue_admit(port, 1);
    if (!queue_empty(&port->messages)) {
        kmsg = queue_first(&port->messages, struct ipc_kmsg, ikm_link);
        if ((r->option & MACH_RCV_LARGE) && ipc_kmsg_room(kmsg, r->option) > r->rcv_size) {
            r->needed = kmsg->ikm_header->msgh_size;
            return MACH_RCV_TOO_LARGE;
        }
        queue_remove(&kmsg->ikm_link);
        port->msgcount--;
        accept(port, kmsg, current_thread());
        if (kmsg->ikm_client != NULL)
            inherit_received(kmsg);
        ipc_mqueue_admit(port, port->qlimit);
    } else if (port->so_notes != 0) {
        kmsg = ipc_note_send_once();
        if (kmsg == NULL)
            return MACH_RCV_BODY_ERROR | MACH_MSG_IPC_KERNEL;
        if ((r->option & MACH_RCV_LARGE) && ipc_kmsg_room(kmsg, r->option) > r->rcv_size) {
            r->needed = kmsg->ikm_header->msgh_size;
            ipc_kmsg_free(kmsg);
            return MACH_RCV_TOO_LARGE;
        }
        port->so_notes--;
        kmsg->ikm_header->msgh_local_port = port->receiver_name;
        kmsg->ikm_header->msgh_seqno = port->seqno++;
        kmsg->ikm_payload = port->protected_payload;
    } else {
        return MACH_RCV_IN_PROGRESS;
    }
    if (!queue_empty(&port->psets) && !has_messages(port))
        ipc_pset_mark(port, false);
    r->kmsg = kmsg;
    return MACH_MSG_SUCCESS;
}

/*
 * Waits on a queue whose owner's lock is held, and released. The CPU goes straight (waitq_wait) to
 * exchange->receiver, who got our message, if there is one; else to whom the scheduler finds. The thread says
 * what hand_over must know: ith_option, ith_rcv_size, and that it has no message yet (ith_kmsg, ith_state).
 * MACH_MSG_SUCCESS: r->kmsg was handed over; else what ith_state says, with r->needed from ith_msize;
 * MACH_RCV_TIMED_OUT (r->deadline), MACH_RCV_INTERRUPTED; MACH_RCV_IN_PROGRESS (THREAD_RESTART): look again.
 */
static mach_msg_return_t wait_for_message(struct waitq *receivers, struct receive *r,
                                          struct ipc_exchange *exchange)
{
    thread_t self = current_thread();
    thread_t next = exchange->receiver;

    self->ith_kmsg = NULL;
    self->ith_state = MACH_RCV_IN_PROGRESS;
    self->ith_option = r->option;
    self->ith_rcv_size = r->rcv_size;
    exchange->receiver = NULL;
    switch (waitq_wait(receivers, r->deadline, next)) {
    case THREAD_AWAKENED:
        r->kmsg = self->ith_kmsg;
        r->needed = self->ith_msize;
        return r->kmsg != NULL ? MACH_MSG_SUCCESS : self->ith_state;
    case THREAD_TIMED_OUT:
        return MACH_RCV_TIMED_OUT;
    case THREAD_INTERRUPTED:
        return MACH_RCV_INTERRUPTED;
    default:
        return MACH_RCV_IN_PROGRESS;
    }
}

/* A kernel port's answer, when it goes to the port we receive from and nothing is before it: port
 * locked. */
static bool take_reply(ipc_port_t port, struct receive *r, struct ipc_exchange *exchange)
{
    ipc_kmsg_t reply = exchange->reply;

    if (reply->ikm_remote != port || has_messages(port) || !waitq_empty(&port->receivers))
        return false;
    if ((r->option & MACH_RCV_LARGE) && ipc_kmsg_room(reply, r->option) > r->rcv_size)
        return false;
    trace(TRACE_SEND, port, reply->ikm_header->msgh_id);
    accept(port, reply, current_thread());
    r->kmsg = reply;
    exchange->reply = NULL;
    return true;
}

/* From a port, which is locked, and unlocked on return. */
static mach_msg_return_t receive_port(ipc_port_t port, struct receive *r,
                                      struct ipc_exchange *exchange)
{
    mach_msg_return_t mr;

    if (exchange->reply != NULL) {
        if (__builtin_expect(take_reply(port, r, exchange), 1)) {
            ip_unlock(port);
            return MACH_MSG_SUCCESS;
        }
        ip_unlock(port);
        ipc_exchange_finish(exchange);
        return MACH_RCV_IN_PROGRESS;
    }
    mr = has_messages(port) ? take_message(port, r) : MACH_RCV_IN_PROGRESS;
    if (mr != MACH_RCV_IN_PROGRESS) {
        ip_unlock(port);
        return mr;
    }
    if (r->deadline == DEADLINE_POLL) {
        ip_unlock(port);
        return MACH_RCV_TIMED_OUT;
    }
    if (exchange->call != port)
        current_thread()->server = NULL; /* that it waits for the answer nobody can know */
    return wait_for_message(&port->receivers, r, exchange);
}

/*
 * One attempt to receive from a set, which is locked, and unlocked on return. If no member is ready: waits
 * for a message (MACH_RCV_TIMED_OUT if r is a poll). Else the first that is ready goes to the end of the
 * list, so that all are served in turn, and its message is taken: without the set's lock, which comes after
 * the port's; so the port, held by a reference, may meanwhile have left the set or the space (look again),
 * or be empty (then it is marked so). Returns as take_message or wait_for_message.
 */
static mach_msg_return_t receive_pset(ipc_space_t space, struct ipc_pset *pset, struct receive *r,
                                      struct ipc_exchange *exchange)
{
    mach_msg_return_t mr = MACH_RCV_IN_PROGRESS;
    struct ipc_pset_link *link;
    ipc_port_t port;

    if (queue_empty(&pset->ready)) {
        current_thread()->server = NULL;
        if (r->deadline != DEADLINE_POLL)
            return wait_for_message(&pset->receivers, r, exchange);
        spin_unlock(&pset->lock);
        return MACH_RCV_TIMED_OUT;
    }
    link = queue_first(&pset->ready, struct ipc_pset_link, ready);
    queue_remove(&link->ready); /* the ready ports are served in turn */
    enqueue_tail(&pset->ready, &link->ready);
    port = link->port;
    ip_reference(port);
    spin_unlock(&pset->lock);

    ip_lock(port);
    if (port->receiver == space && ipc_pset_find(port, pset) != NULL) {
        mr = take_message(port, r);
        if (mr == MACH_RCV_IN_PROGRESS) /* another thread was faster, or a sender gave up */
            ipc_pset_mark(port, false);
    }
    ip_unlock(port);
    ip_release(port);
    return mr;
}

mach_msg_return_t ipc_mqueue_receive(ipc_space_t space, mach_port_name_t name,
                                     mach_msg_option_t option, mach_msg_size_t rcv_size,
                                     mach_msg_timeout_t timeout, struct ipc_exchange *exchange,
                                     ipc_kmsg_t *kmsg, mach_msg_size_t *needed)
{
    struct receive r = {.option = option, .rcv_size = rcv_size, .deadline = DEADLINE_NONE};
    struct ipc_entry *entry;
    mach_msg_return_t mr;
    ipc_port_t port;

    if (option & MACH_RCV_TIMEOUT)
        r.deadline = timeout == 0 ? DEADLINE_POLL : deadline_after_ms(timeout);
    do {
        is_lock(space);
        entry = space->active ? ipc_entry_lookup(space, name) : NULL;
        if (entry != NULL && (entry->bits & MACH_PORT_TYPE_RECEIVE)) {
            port = entry->port;
            ip_lock(port);
            is_unlock(space);
            if (__builtin_expect(queue_empty(&port->psets), 1)) {
                mr = receive_port(port, &r, exchange);
            } else {
                ip_unlock(port);
                mr = MACH_RCV_IN_SET;
            }
        } else if (entry != NULL && (entry->bits & MACH_PORT_TYPE_PORT_SET)) {
            struct ipc_pset *pset = entry->pset;

            if (exchange->reply != NULL) { /* first, since it may be for a member */
                is_unlock(space);
                ipc_exchange_finish(exchange);
                mr = MACH_RCV_IN_PROGRESS;
                continue;
            }
            spin_lock(&pset->lock);
            is_unlock(space);
            mr = receive_pset(space, pset, &r, exchange);
        } else {
            is_unlock(space);
            mr = MACH_RCV_INVALID_NAME;
        }
    } while (mr == MACH_RCV_IN_PROGRESS);
    inherit_waited(current_thread());
    if (__builtin_expect(exchange->receiver != NULL || exchange->reply != NULL, 0))
        ipc_exchange_finish(exchange);
    *kmsg = r.kmsg;
    *needed = r.needed;
    return mr;
}

mach_msg_return_t ipc_mqueue_receive_reply(ipc_port_t port, struct ipc_exchange *exchange,
                                           ipc_kmsg_t *kmsg)
{
    struct receive r = {.option = MACH_MSG_OPTION_NONE, .deadline = DEADLINE_NONE};
    mach_msg_return_t mr;

    current_thread()->ith_room = 0; /* not for mach_msg_fast: there is more on our stack */
    do {
        ip_lock(port);
        mr = receive_port(port, &r, exchange);
    } while (mr == MACH_RCV_IN_PROGRESS);
    inherit_waited(current_thread());
    if (__builtin_expect(exchange->receiver != NULL, 0))
        ipc_exchange_finish(exchange);
    *kmsg = r.kmsg;
    return mr;
}
