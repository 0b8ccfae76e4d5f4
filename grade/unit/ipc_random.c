/*
 * Random operations on several spaces by several threads, against what must hold:
 *
 *   - the send rights in spaces, messages and requests are as many as the port counts; the same for
 *     send-once rights; an active port's receive right is in one place; references are exact
 *   - every port, message and copy of memory can be reached from a space: nothing is lost track of
 *   - the name table agrees with itself, and the hash with the table
 *   - a send that fails (but for a time-out) changes nothing
 *   - when all spaces are gone so is everything
 *
 *   ipc_random SEED STEPS FAIL   (FAIL: one in so many allocations fails; 0: none)
 */
#include "ipc_host.h"

#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_notify.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <kern/ledger.h>
#include <kern/zone.h>
#include <mach/mach_port_server.h>
#include <mach/notify_ids.h>
#include <stdlib.h>
#include <vm/vm_map.h>

#define TASKS            4
#define THREADS_PER_TASK 2
#define BUFFER_SIZE      4096

static struct task tasks[TASKS];
static bool ending;
static uint32_t sends, sends_failed, receives, rpcs;

/* ---- the books ------------------------------------------------------------------------------- */

struct account {
    ipc_port_t port;
    uint32_t send, send_once, receive, destination;
};

#define ACCOUNTS 16384
static struct account accounts[ACCOUNTS];
static ipc_port_t reached[ACCOUNTS]; /* in order of finding */
static uint32_t reached_count;
static uint32_t kmsg_count, copies_seen;

static struct account *account(ipc_port_t port)
{
    uint32_t i = ((uintptr_t)port >> 4) % ACCOUNTS;

    while (accounts[i].port != NULL && accounts[i].port != port)
        i = (i + 1) % ACCOUNTS;
    if (accounts[i].port == NULL) {
        accounts[i].port = port;
        reached[reached_count++] = port;
        CHECK(reached_count < ACCOUNTS / 2);
    }
    return &accounts[i];
}

static void see_right(ipc_port_t port, mach_msg_type_name_t disposition)
{
    if (!IP_VALID(port))
        return;
    switch (ipc_right_arrives(disposition)) {
    case MACH_MSG_TYPE_PORT_SEND:
        account(port)->send++;
        break;
    case MACH_MSG_TYPE_PORT_SEND_ONCE:
        account(port)->send_once++;
        break;
    default:
        account(port)->receive++;
    }
}

static void see_message(ipc_kmsg_t kmsg)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_descriptor_t *d = ikm_descriptors(header);

    kmsg_count++;
    see_right(kmsg->ikm_remote, MACH_MSGH_BITS_REMOTE(header->msgh_bits));
    see_right(kmsg->ikm_local, MACH_MSGH_BITS_LOCAL(header->msgh_bits));
    if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return;
    for (uint32_t n = ((mach_msg_base_t *)header)->body.msgh_descriptor_count; n > 0; n--, d++) {
        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR)
            see_right((ipc_port_t)d->port.kport, d->port.disposition);
        else if (d->port.type == MACH_MSG_OOL_DESCRIPTOR)
            copies_seen += d->out_of_line.address != 0;
        else
            for (uint32_t i = 0; i < d->ool_ports.count; i++)
                see_right(((ipc_port_t *)d->ool_ports.address)[i], d->ool_ports.disposition);
    }
}

static void see_space(ipc_space_t space)
{
    struct ipc_entry *entry, *free;
    uint32_t index = 0, used = 0, hashed = 0, n = 0;

    for (; (entry = ipc_entry_next(space, &index)) != NULL; index++, used++) {
        mach_port_type_t type = entry->bits & IE_BITS_TYPE;
        mach_port_urefs_t urefs = ipc_entry_urefs(entry);

        CHECK(ipc_entry_lookup(space, ipc_entry_name(entry)) == entry);
        if (type & MACH_PORT_TYPE_SEND)
            see_right(entry->port, MACH_MSG_TYPE_PORT_SEND);
        if (type & MACH_PORT_TYPE_SEND_ONCE)
            see_right(entry->port, MACH_MSG_TYPE_PORT_SEND_ONCE);
        if (type & MACH_PORT_TYPE_RECEIVE) {
            see_right(entry->port, MACH_MSG_TYPE_PORT_RECEIVE);
            CHECK(entry->port->receiver == space);
            CHECK(entry->port->receiver_name == ipc_entry_name(entry));
        }
        if (type == MACH_PORT_TYPE_SEND) {
            hashed++;
            CHECK(ipc_hash_find(space, entry->port) == entry);
            CHECK(entry->port->receiver != space);
        }
        CHECK((urefs != 0) == !!(type & (MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_DEAD_NAME)));
        if (type & MACH_PORT_TYPE_PORT_RIGHTS && entry->request != 0 && entry->port->active)
            CHECK(ipc_note_value(entry->port->dnrequests[entry->request].note)
                  == ipc_entry_name(entry));
    }
    CHECK(used == space->entry_count && hashed == space->hash_count);
    for (free = space->free; free != NULL; free = free->next_free, n++)
        CHECK(!(free->bits & IE_BITS_TYPE) && (free->next_free == NULL
                                               || free->next_free->prev_free == free));
    CHECK(n == space->free_count);
}

static void see_port(ipc_port_t port)
{
    struct ipc_pset_link *link;
    ipc_kmsg_t kmsg;
    uint32_t n = 0;

    queue_for_each(kmsg, &port->messages, struct ipc_kmsg, ikm_link) {
        see_message(kmsg);
        n++;
    }
    CHECK(n == port->msgcount);
    if (port->nsrequest != NULL)
        see_message(port->nsrequest);
    if (port->pdrequest != NULL)
        see_message(port->pdrequest);
    for (uint32_t i = 1; i < port->dnrequest_size; i++)
        if (port->dnrequests[i].note != NULL)
            see_message(port->dnrequests[i].note);
    if (port->destination != NULL)
        account(port->destination)->destination++;
    CHECK(waitq_empty(&port->receivers) || (n == 0 && port->so_notes == 0
                                            && queue_empty(&port->psets)));
    CHECK(waitq_empty(&port->senders) || n >= port->qlimit);
    queue_for_each(link, &port->psets, struct ipc_pset_link, in_port) {
        CHECK(link->port == port && port->receiver != NULL);
        CHECK(!queue_unlinked(&link->ready) || (n == 0 && port->so_notes == 0));
        CHECK(queue_unlinked(&link->ready) || waitq_empty(&link->pset->receivers));
    }
}

static void audit(void)
{
    memset(accounts, 0, sizeof(accounts));
    reached_count = kmsg_count = copies_seen = 0;
    for (uint32_t i = 0; i < TASKS; i++) {
        if (tasks[i].self != NULL)
            see_right(tasks[i].self, MACH_MSG_TYPE_PORT_RECEIVE);
        if (tasks[i].space->active)
            see_space(tasks[i].space);
    }
    for (uint32_t i = 0; i < host_thread_count; i++) {
        thread_t thread;

        if (host_thread_blocked(i, &thread) && thread->ith_kmsg != NULL)
            see_message(thread->ith_kmsg);
    }
    for (uint32_t i = 0; i < reached_count; i++)
        see_port(reached[i]);
    for (uint32_t i = 0; i < reached_count; i++) {
        struct account *a = account(reached[i]);
        ipc_port_t port = a->port;

        CHECK(port->srights == a->send);
        CHECK(port->sorights == a->send_once);
        CHECK(a->receive == port->active);
        CHECK(port->refs == 1 + a->destination);
    }
    CHECK(reached_count == ipc_port_total());
    CHECK(kmsg_count == ipc_kmsg_total());
    CHECK(copies_seen == host_copy_count());
}

/* ---- random names, rights, messages ---------------------------------------------------------- */

static ipc_space_t my_space(void)
{
    return current_task()->space;
}

/* Mostly a name in use. */
static mach_port_name_t some_name(ipc_space_t space)
{
    uint32_t index = host_random(200);
    struct ipc_entry *entry;
    mach_port_name_t name = host_random(3) == 0 ? MACH_PORT_NAME_NULL : host_random(1000) << 4;

    if (host_random(40) == 0)
        return name;
    is_lock(space);
    if (space->active) {
        entry = ipc_entry_next(space, &index);
        if (entry == NULL) {
            index = 0;
            entry = ipc_entry_next(space, &index);
        }
        if (entry != NULL)
            name = ipc_entry_name(entry);
    }
    is_unlock(space);
    return name;
}

static mach_port_name_t new_name(void)
{
    static const uint32_t indexes[] = {0, 1, 130, 5000, 70000, 0xfffffe, 0xffffff};
    uint32_t index = indexes[host_random(7)] + host_random(3);

    return MACH_PORT_MAKE(index & 0xffffff, host_random(4));
}

/* What the disposition of a name could be. */
static mach_msg_type_name_t some_disposition(ipc_space_t space, mach_port_name_t name, bool receive)
{
    mach_msg_type_name_t fit[6];
    mach_port_type_t type = 0;
    uint32_t n = 0;

    mach_port_type(space, name, &type);
    if (type & MACH_PORT_TYPE_RECEIVE) {
        fit[n++] = MACH_MSG_TYPE_MAKE_SEND;
        fit[n++] = MACH_MSG_TYPE_MAKE_SEND_ONCE;
        if (receive && host_random(3) == 0)
            fit[n++] = MACH_MSG_TYPE_MOVE_RECEIVE;
    }
    if (type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME)) {
        fit[n++] = MACH_MSG_TYPE_COPY_SEND;
        fit[n++] = MACH_MSG_TYPE_MOVE_SEND;
    }
    if (type & MACH_PORT_TYPE_SEND_ONCE)
        fit[n++] = MACH_MSG_TYPE_MOVE_SEND_ONCE;
    if (n == 0 || host_random(60) == 0)
        return 15 + host_random(8);
    return fit[host_random(n)];
}

static mach_msg_size_t random_body(mach_msg_base_t *base, ipc_space_t space)
{
    mach_msg_descriptor_t *d = (mach_msg_descriptor_t *)(base + 1);
    uint32_t count = host_random(5);
    mach_port_name_t *names;

    base->body.msgh_descriptor_count = host_random(50) == 0 ? 1000 : count;
    for (uint32_t i = 0; i < count; i++, d++) {
        memset(d, 0x5a, sizeof(*d));
        d->port.type = host_random(40) == 0 ? 7 : host_random(3);
        switch (d->port.type) {
        case MACH_MSG_PORT_DESCRIPTOR:
            d->port.name = some_name(space);
            d->port.disposition = some_disposition(space, d->port.name, true);
            break;
        case MACH_MSG_OOL_DESCRIPTOR:
            d->out_of_line.size = host_random(3) * 1000;
            d->out_of_line.address =
                host_random(20) == 0 ? 8 : (uint64_t)host_user_alloc(d->out_of_line.size + 1);
            d->out_of_line.copy = host_random(2);
            d->out_of_line.deallocate = host_random(2);
            break;
        case MACH_MSG_OOL_PORTS_DESCRIPTOR:
            d->ool_ports.count = host_random(5);
            names = host_user_alloc(64);
            for (uint32_t j = 0; j < d->ool_ports.count; j++)
                names[j] = some_name(space);
            d->ool_ports.address = host_random(20) == 0 ? 8 : (uint64_t)names;
            d->ool_ports.copy = host_random(2);
            d->ool_ports.deallocate = host_random(2);
            d->ool_ports.disposition = some_disposition(space, names[0], true);
            break;
        }
    }
    return (char *)d - (char *)base + host_random(9);
}

static mach_msg_size_t random_message(mach_msg_header_t *msg, ipc_space_t space)
{
    bool complex = host_random(2);
    mach_msg_type_name_t local = 0;
    mach_msg_size_t size = sizeof(*msg) + host_random(1000);

    memset(msg, 0, BUFFER_SIZE);
    msg->msgh_id = host_random(4000);
    msg->msgh_remote_port = some_name(space);
    if (host_random(2)) {
        msg->msgh_local_port = some_name(space);
        local = some_disposition(space, msg->msgh_local_port, false);
    }
    if (complex)
        size = random_body((mach_msg_base_t *)msg, space);
    msg->msgh_bits = MACH_MSGH_BITS(some_disposition(space, msg->msgh_remote_port, false), local)
                     | (complex ? MACH_MSGH_BITS_COMPLEX : 0) | (host_random(100) == 0 ? 1 << 20
                                                                 : 0);
    return host_random(60) == 0 ? 20 : size;
}

/* ---- a failed send changes nothing ----------------------------------------------------------- */

/* A digest of a space and of the counts of the ports in it. */
static uint64_t digest(ipc_space_t space)
{
    struct ipc_entry *entry;
    uint64_t sum = 0;
    uint32_t index = 0;

    is_lock(space);
    for (; space->active && (entry = ipc_entry_next(space, &index)) != NULL; index++) {
        uint64_t bits;

        ipc_right_check(space, entry);
        bits = ((uint64_t)entry->bits << 32 | ipc_entry_name(entry)) + (entry->request != 0);
        sum = (sum ^ bits) * 0x100000001b3UL;
        sum ^= (uint64_t)entry->object;
        if (entry->bits & MACH_PORT_TYPE_PORT_RIGHTS)
            sum = sum * 31 + entry->port->srights + entry->port->sorights * 1009UL
                  + entry->port->mscount * 100003UL + entry->port->refs * 7UL
                  + entry->port->msgcount * 65537UL + !queue_empty(&entry->port->psets);
    }
    is_unlock(space);
    return sum;
}

static void op_send(mach_msg_header_t *msg)
{
    ipc_space_t space = my_space();
    mach_msg_size_t size = random_message(msg, space);
    mach_msg_option_t option = MACH_SEND_MSG | (host_random(2) ? MACH_SEND_TIMEOUT : 0);
    bool was = host_preempt;
    bool alone = !was || host_random(3) == 0; /* so that what we see is our own doing */
    mach_msg_return_t mr, kind;
    uint64_t before;

    if (alone)
        host_preempt = false;
    before = digest(space);
    mr = mach_msg_trap(host_random(100) == 0 ? (void *)8 : msg, option, size, 0, 0, host_random(2),
                       0);
    kind = mr & ~MACH_MSG_MASK;
    sends++;
    if (mr != MACH_MSG_SUCCESS) {
        sends_failed++;
        if (alone && kind != MACH_SEND_TIMED_OUT && kind != MACH_SEND_INTERRUPTED)
            if (digest(space) != before)
                panic("send returned %x, and changed something", mr);
    }
    if (alone)
        host_preempt = was && !ending;
}

static void op_receive(mach_msg_header_t *msg)
{
    static const mach_msg_size_t sizes[] = {10, 24, 60, 200, BUFFER_SIZE, BUFFER_SIZE, BUFFER_SIZE};
    mach_msg_option_t option = MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(host_random(4));
    mach_msg_return_t mr;

    option |= host_random(3) ? MACH_RCV_TIMEOUT : 0;
    option |= host_random(3) ? 0 : MACH_RCV_LARGE;
    mr = mach_msg_trap(host_random(40) == 0 ? (void *)8 : msg, option, 0, sizes[host_random(7)],
                       some_name(my_space()), host_random(3) == 0, 0);
    receives += mr == MACH_MSG_SUCCESS;
}

/* Send and receive in one trap, as RPC does; sometimes to a kernel port. */
static void op_rpc(mach_msg_header_t *msg)
{
    mach_port_name_t reply, dest = some_name(my_space());
    mach_msg_type_name_t disposition = some_disposition(my_space(), dest, false);
    mach_port_name_t task_self = mach_task_self_trap();
    mach_msg_return_t mr;

    reply = mach_reply_port_trap();
    if (host_random(2)) {
        dest = task_self;
        disposition = MACH_MSG_TYPE_COPY_SEND;
    }
    memset(msg, 0, BUFFER_SIZE);
    msg->msgh_bits = MACH_MSGH_BITS(disposition, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    msg->msgh_remote_port = dest;
    msg->msgh_local_port = reply;
    msg->msgh_id = host_random(3) ? 3201 : 3195 + host_random(30);
    ((mig_reply_error_t *)msg)->RetCode = reply; /* mach_port_type's argument */
    mr = mach_msg_trap(msg, MACH_SEND_MSG | MACH_RCV_MSG | (host_random(2) ? MACH_SEND_TIMEOUT : 0),
                       28, BUFFER_SIZE, reply, 1, 0);
    /* (other threads' sends may come first) */
    rpcs += mr == MACH_MSG_SUCCESS && msg->msgh_id == 3301;
    if (host_random(2))
        mach_port_mod_refs(my_space(), reply, MACH_PORT_RIGHT_RECEIVE, -1);
}

/* A right into another space, as mach_port_insert_right's caller would. */
static void op_give(void)
{
    ipc_space_t from = my_space(), to = tasks[host_random(TASKS)].space;
    mach_port_name_t name = some_name(from);
    mach_msg_type_name_t type;
    struct ipc_work work;
    ipc_port_t port;
    kern_return_t kr;

    if (mach_port_extract_right(from, name, some_disposition(from, name, true), &port, &type)
        != KERN_SUCCESS)
        return;
    if (host_random(4) != 0 && IP_VALID(port)) {
        mach_port_name_t got;

        is_lock(to);
        kr = to->active ? ipc_right_copyout(to, port, type, &got) : KERN_INVALID_TASK;
        is_unlock(to);
    } else {
        kr = mach_port_insert_right(to, host_random(2) ? some_name(to) : new_name(), port, type);
    }
    if (kr != KERN_SUCCESS) {
        ipc_work_init(&work);
        ipc_right_release(port, type, &work);
        ipc_work_run(&work);
    }
}

static void op_notify(void)
{
    static const mach_msg_id_t ids[] = {MACH_NOTIFY_PORT_DESTROYED, MACH_NOTIFY_NO_SENDERS,
                                        MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_SEND_ONCE};
    ipc_space_t space = my_space();
    mach_msg_id_t id = ids[host_random(40) == 0 ? 3 : host_random(3)];
    mach_port_name_t name = some_name(space);
    mach_msg_type_name_t type = 0;
    ipc_port_t notify = IP_NULL, previous = IP_NULL;

    if (host_random(4) != 0)
        mach_port_extract_right(space, some_name(space), MACH_MSG_TYPE_MAKE_SEND_ONCE, &notify,
                                &type);
    if (notify == IP_NULL)
        type = MACH_MSG_TYPE_PORT_SEND_ONCE;
    if (mach_port_request_notification(space, name, id, id == MACH_NOTIFY_PORT_DESTROYED
                                       ? 0 : host_random(3), notify, type, &previous)
                                           != KERN_SUCCESS)
        ipc_port_release_sonce(notify);
    else
        ipc_port_release_sonce(previous);
}

static void op_names(void)
{
    ipc_space_t space = my_space();
    vm_map_copy_t a = NULL, b = NULL;
    mach_msg_type_number_t n, m;
    mach_port_status_t status;
    mach_port_urefs_t refs;

    if (mach_port_names(space, &a, &n, &b, &m) == KERN_SUCCESS) {
        CHECK(n == m);
        if (a != NULL)
            vm_map_copy_discard(a);
        if (b != NULL)
            vm_map_copy_discard(b);
    }
    if (mach_port_space_info(space, &a, &n) == KERN_SUCCESS && a != NULL)
        vm_map_copy_discard(a);
    if (mach_port_get_set_status(space, some_name(space), &a, &n) == KERN_SUCCESS && n != 0)
        vm_map_copy_discard(a);
    mach_port_get_receive_status(space, some_name(space), &status);
    mach_port_get_refs(space, some_name(space), host_random(6), &refs);
}

static void op_table(void)
{
    ipc_space_t space = my_space();
    mach_port_name_t name = some_name(space);

    switch (host_random(12)) {
    case 0:
        mach_port_allocate_name(space, host_random(6), new_name());
        break;
    case 1:
        mach_port_rename(space, name, host_random(4) ? new_name() : some_name(space));
        break;
    case 2:
        mach_port_destroy(space, name);
        break;
    case 3:
    case 4:
        mach_port_deallocate(space, name);
        break;
    case 5:
    case 6:
        mach_port_mod_refs(space, name, host_random(6), (int)host_random(6) - 3);
        break;
    case 7:
        mach_port_mod_refs(space, name, host_random(3), host_random(2) ? 65533 : -65533);
        break;
    case 8:
        mach_port_insert_member(space, name, some_name(space));
        break;
    case 9:
        mach_port_extract_member(space, name, some_name(space));
        break;
    case 10:
        mach_port_move_member(space, name, host_random(3) ? some_name(space) : 0);
        break;
    case 11:
        mach_port_set_qlimit(space, name, host_random(4));
        mach_port_set_mscount(space, name, host_random(4));
        mach_port_set_seqno(space, name, host_random(4));
        break;
    }
}

static void client(void)
{
    mach_msg_header_t *msg = malloc(BUFFER_SIZE);
    mach_port_name_t name;

    while (!ending) {
        switch (host_random(16)) {
        case 0:
        case 1:
        case 2:
            mach_port_allocate(my_space(), host_random(4) ? MACH_PORT_RIGHT_RECEIVE
                               : host_random(6),
                               &name);
            break;
        case 3:
        case 4:
            op_give();
            break;
        case 5:
        case 6:
        case 7:
            op_send(msg);
            break;
        case 8:
        case 9:
        case 10:
            op_receive(msg);
            break;
        case 11:
            op_rpc(msg);
            break;
        case 12:
            op_notify();
            break;
        case 13:
            op_names();
            break;
        default:
            op_table();
            break;
        }
        if (my_space()->active && my_space()->entry_count > 300) /* keep it lively, not large */
            for (uint32_t i = 0; i < 200; i++)
                mach_port_destroy(my_space(), some_name(my_space()));
        host_yield();
    }
    free(msg);
}

/* ---- cases that chance would not meet -------------------------------------------------------- */

static ipc_port_t port_of(ipc_space_t space, mach_port_name_t name)
{
    ipc_port_t port = ipc_space_lookup_port(space, name);

    ip_release(port);
    return port;
}

/* Sends `what` as a descriptor to `to`. */
static mach_msg_return_t send_right(mach_port_name_t to, mach_port_name_t what,
                                    mach_msg_type_name_t how)
{
    struct {
        mach_msg_base_t base;
        mach_msg_port_descriptor_t right;
    } m = {.base.header.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND,
                                                                            0),
           .base.header.msgh_remote_port = to, .base.body.msgh_descriptor_count = 1,
           .right = {.name = what, .disposition = how}};

    return mach_msg_trap(&m.base.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof(m), 0, 0, 0, 0);
}

/* A chain of ports, each queued in the one before, must not die by recursion. */
static void long_chain(void)
{
    const uint32_t length = 100000;
    ipc_space_t space = my_space();
    mach_port_name_t first, to, next;

    CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &first) == KERN_SUCCESS);
    CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &to) == KERN_SUCCESS);
    for (uint32_t i = 0; i < length; i++) { /* from the innermost outwards */
        CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &next) == KERN_SUCCESS);
        CHECK(send_right(next, to, MACH_MSG_TYPE_MOVE_RECEIVE) == MACH_MSG_SUCCESS);
        to = next;
    }
    CHECK(send_right(first, to, MACH_MSG_TYPE_MOVE_RECEIVE) == MACH_MSG_SUCCESS);
    CHECK(ipc_port_total() == length + 2 + TASKS);
    CHECK(mach_port_mod_refs(space, first, MACH_PORT_RIGHT_RECEIVE, -1) == KERN_SUCCESS);
    CHECK(ipc_port_total() == TASKS);
}

/* A message with its own destination's receive right, and a cycle of two. */
static void cycles(void)
{
    ipc_space_t space = my_space();
    mach_port_name_t a, b, name;
    uint32_t before = ipc_port_total();

    CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &a) == KERN_SUCCESS);
    CHECK(send_right(a, a, MACH_MSG_TYPE_MOVE_RECEIVE) == MACH_MSG_SUCCESS);
    CHECK(ipc_port_total() == before);

    CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &a) == KERN_SUCCESS);
    CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &b) == KERN_SUCCESS);
    name = ipc_space_copyout_send(space, ipc_port_make_send(port_of(space, b)));
    CHECK(name == b);
    CHECK(send_right(a, b, MACH_MSG_TYPE_MOVE_RECEIVE) == MACH_MSG_SUCCESS); /* b waits in a */
    {
        struct {
            mach_msg_base_t base;
            mach_msg_port_descriptor_t right;
        } m = {.base.header.msgh_bits =
                   MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0),
               .base.header.msgh_remote_port = b, .base.body.msgh_descriptor_count = 1,
               .right = {.name = a, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE}};

        CHECK(mach_msg_trap(&m.base.header, MACH_SEND_MSG, sizeof(m), 0, 0, 0,
                            0) == MACH_MSG_SUCCESS);
    }
    CHECK(ipc_port_total() == before);
}

/* A request to a kernel port, and its reply, in one trap. */
static void kernel_rpc(void)
{
    struct {
        mach_msg_header_t header;
        uint32_t words[16];
    } m;
    mach_port_name_t self = mach_task_self_trap(), reply = mach_reply_port_trap();

    for (uint32_t i = 0; i < 3; i++) {
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
        m.header.msgh_remote_port = self;
        m.header.msgh_local_port = reply;
        m.header.msgh_id = 3201; /* mach_port_type */
        m.words[0] = reply;
        CHECK(mach_msg_trap(&m.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(2),
                            28,
                            sizeof(m), reply, 0, 0) == MACH_MSG_SUCCESS);
        CHECK(m.header.msgh_id == 3301 && m.header.msgh_local_port == reply
              && m.header.msgh_remote_port == 0 && m.header.msgh_seqno == i);
        CHECK(m.header.msgh_size == 32 && m.words[0] == KERN_SUCCESS
              && m.words[1] == MACH_PORT_TYPE_RECEIVE);
        CHECK(m.words[3] == sizeof(mach_msg_security_trailer_t) && m.words[5] == 0
              && m.words[6] == 0);
    }
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    m.header.msgh_remote_port = self;
    m.header.msgh_local_port = reply;
    m.header.msgh_id = 99;
    CHECK(mach_msg_trap(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, 24, sizeof(m), reply, 0, 0)
          == MACH_MSG_SUCCESS);
    CHECK(m.header.msgh_id == 199 && (int)m.words[0] == MIG_BAD_ID);
    CHECK(mach_port_destroy(my_space(), reply) == KERN_SUCCESS);
    CHECK(mach_port_destroy(my_space(), self) == KERN_SUCCESS);
}

/* A name is stale when its slot is used anew, and after its leaf was given back. */
static void stale_names(void)
{
    enum { COUNT = 3000 };
    static mach_port_name_t old[COUNT], new[COUNT];
    ipc_space_t space = my_space();
    mach_port_type_t type;
    uint32_t free;

    for (uint32_t i = 0; i < COUNT; i++)
        CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_DEAD_NAME, &old[i]) == KERN_SUCCESS);
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK(mach_port_deallocate(space, old[i]) == KERN_SUCCESS);
    free = space->free_count;
    CHECK(free < 4 * IPC_LEAF_ENTRIES); /* the table shrank */
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK(mach_port_allocate(space, MACH_PORT_RIGHT_DEAD_NAME, &new[i]) == KERN_SUCCESS);
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK(mach_port_type(space, old[i], &type) == KERN_INVALID_NAME);
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK(mach_port_destroy(space, new[i]) == KERN_SUCCESS);
}

/* ---- main ------------------------------------------------------------------------------------ */

static void tasks_create(void)
{
    for (uint32_t i = 0; i < TASKS; i++) {
        memset(&tasks[i], 0, sizeof(tasks[i]));
        spin_lock_init(&tasks[i].lock, LOCK_TASK);
        tasks[i].ledger = ledger_create(NULL, sizeof(tasks[i]));
        CHECK(tasks[i].ledger != NULL);
        memset(tasks[i].ledger->limit, 0xff, sizeof(tasks[i].ledger->limit)); /* none: only the accounts */
        CHECK(ipc_space_create(&tasks[i], &tasks[i].space) == KERN_SUCCESS);
        tasks[i].self = ipc_port_alloc_kernel(IKOT_TASK, &tasks[i]);
        tasks[i].token.val[0] = i + 1;
    }
}

static void task_end(struct task *task)
{
    ipc_port_t self = task->self;

    task->self = NULL;
    ipc_port_dealloc_kernel(self);
    ipc_space_terminate(task->space);
}

static void cases(void)
{
    long_chain();
    cycles();
    stale_names();
    kernel_rpc();
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    uint32_t steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000;
    uint32_t fail_one_in = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;

    host_seed(seed);
    ledger_init(0);
    ipc_init();
    tasks_create();
    host_spawn(&tasks[0], cases);
    host_run_out();
    audit();

    for (uint32_t i = 0; i < TASKS * THREADS_PER_TASK; i++)
        host_spawn(&tasks[i % TASKS], client);
    host_fail_one_in = fail_one_in;
    for (uint32_t i = 0; i < steps; i++) {
        host_preempt = true;
        host_run(100);
        audit();
        if (i == steps / 2)
            task_end(&tasks[TASKS - 1]); /* its threads go on, and find their task dead */
    }
    ending = true;
    host_preempt = false;
    host_run_out();
    audit();
    for (uint32_t i = 0; i < TASKS; i++) {
        task_end(&tasks[i]);
        ipc_space_release(tasks[i].space);
        ledger_credit(tasks[i].ledger, sizeof(tasks[i]));
    }
    CHECK(ledger_total() == 0); /* nothing is charged to any: the accounts are exact */
    CHECK(ipc_port_total() == 0 && ipc_kmsg_total() == 0 && ipc_space_total() == 0
          && ipc_pset_total() == 0 && host_copy_count() == 0);
    host_user_free_all();
    printf("seed %lu: %u sends, %u failed, %u receives, %u kernel RPCs\n", (unsigned long)seed,
           sends,
           sends_failed, receives, rpcs);
    return 0;
}
