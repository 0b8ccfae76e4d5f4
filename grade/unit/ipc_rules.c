/*
 * The rules of ports, one function each, that random operations would rarely show. Read ipc_host.h
 * before.
 */
#include "ipc_host.h"

#include <ipc/ipc_kobject.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <mach/mach_port_server.h>
#include <mach/notify_ids.h>
#include <mig_kernel.h>

static struct task task;

struct message {
    mach_msg_header_t header;
    uint32_t words[32];
};

static ipc_space_t space(void)
{
    return task.space;
}

static mach_port_name_t new_port(void)
{
    mach_port_name_t name;

    CHECK(mach_port_allocate(space(), MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS);
    return name;
}

static ipc_port_t port_of(mach_port_name_t name)
{
    ipc_port_t port = ipc_space_lookup_port(space(), name);

    CHECK(port != IP_NULL);
    ip_release(port);
    return port;
}

static void add_send(mach_port_name_t name)
{
    CHECK(ipc_space_copyout_send(space(), ipc_port_make_send(port_of(name))) == name);
}

static mach_msg_return_t send(mach_port_name_t to, mach_msg_type_name_t how, mach_msg_id_t id,
                              mach_msg_option_t option, mach_msg_timeout_t timeout)
{
    struct message m = {.header.msgh_bits = MACH_MSGH_BITS(how, 0), .header.msgh_remote_port = to,
                        .header.msgh_id = id};

    return mach_msg_trap(&m.header, MACH_SEND_MSG | option, 40, 0, 0, timeout, 0);
}

static mach_msg_return_t receive(mach_port_name_t from, struct message *m, mach_msg_option_t option)
{
    return mach_msg_trap(&m->header, MACH_RCV_MSG | option, 0, sizeof(*m), from, 0, 0);
}

static void expect(mach_port_name_t from, mach_msg_id_t id, uint32_t word)
{
    struct message m = {};

    CHECK(receive(from, &m, MACH_RCV_TIMEOUT) == MACH_MSG_SUCCESS);
    CHECK(m.header.msgh_id == id && m.words[0] == word);
}

static void expect_nothing(mach_port_name_t from)
{
    struct message m;

    CHECK(receive(from, &m, MACH_RCV_TIMEOUT) == MACH_RCV_TIMED_OUT);
}

static mach_port_name_t request(mach_port_name_t name, mach_msg_id_t id, uint32_t sync,
                                mach_port_name_t notify, kern_return_t expected)
{
    ipc_port_t port = ipc_port_make_sonce(port_of(notify)), previous = IP_NULL;
    bool had;

    CHECK(mach_port_request_notification(space(), name, id, sync, port,
                                         MACH_MSG_TYPE_PORT_SEND_ONCE,
                                         &previous) == expected);
    if (expected != KERN_SUCCESS)
        previous = port;
    had = previous != IP_NULL;
    if (had) { /* silently */
        ip_lock(previous);
        previous->sorights--;
        ip_unlock_dropped(previous);
    }
    return had;
}

static void destroy(mach_port_name_t name)
{
    CHECK(mach_port_destroy(space(), name) == KERN_SUCCESS);
}

/* ---- the rules ------------------------------------------------------------------------------- */

static void queue_limit_stops_senders_but_not_send_once(void)
{
    mach_port_name_t port = new_port();
    struct message m;

    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND, i, MACH_SEND_TIMEOUT, 0) == MACH_MSG_SUCCESS);
    CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND, 5, MACH_SEND_TIMEOUT, 0) == MACH_SEND_TIMED_OUT);
    CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 5, MACH_SEND_TIMEOUT, 0) == MACH_MSG_SUCCESS);
    for (uint32_t i = 0; i <= MACH_PORT_QLIMIT_DEFAULT; i++) {
        CHECK(receive(port, &m, MACH_RCV_TIMEOUT) == MACH_MSG_SUCCESS);
        CHECK(m.header.msgh_id == (int)i && m.header.msgh_seqno == i);
    }
    /* The pseudo-receive gave the sender the send right that he had made. */
    CHECK(mach_port_deallocate(space(), port) == KERN_SUCCESS);
    destroy(port);
}

static void large_stays_queued_and_tells_its_size(void)
{
    mach_port_name_t port = new_port();
    struct message m = {};

    CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND, 1, 0, 0) == MACH_MSG_SUCCESS);
    CHECK(mach_msg_trap(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 30, port, 0, 0)
          == MACH_RCV_TOO_LARGE);
    CHECK(m.header.msgh_size == 40);
    CHECK(mach_msg_trap(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 40, port, 0, 0)
          == MACH_MSG_SUCCESS);
    CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND, 2, 0, 0) == MACH_MSG_SUCCESS);
    CHECK(mach_msg_trap(&m.header, MACH_RCV_MSG, 0, 30, port, 0, 0) == MACH_RCV_TOO_LARGE);
    CHECK(m.header.msgh_size == 40 && m.header.msgh_id == 2);
    expect_nothing(port);
    destroy(port);
}

static void no_senders_comes_once_with_the_make_send_count(void)
{
    mach_port_name_t port = new_port(), notify = new_port();

    add_send(port);
    CHECK(!request(port, MACH_NOTIFY_NO_SENDERS, 0, notify, KERN_SUCCESS));
    expect_nothing(notify);
    CHECK(mach_port_deallocate(space(), port) == KERN_SUCCESS);
    expect(notify, MACH_NOTIFY_NO_SENDERS, 1);
    expect_nothing(notify);
    request(port, MACH_NOTIFY_NO_SENDERS, 1, notify, KERN_SUCCESS); /* already so: at once */
    expect(notify, MACH_NOTIFY_NO_SENDERS, 1);
    request(port, MACH_NOTIFY_NO_SENDERS, 2, notify, KERN_SUCCESS); /* one more is on its way */
    expect_nothing(notify);
    add_send(port);
    CHECK(mach_port_deallocate(space(), port) == KERN_SUCCESS);
    expect(notify, MACH_NOTIFY_NO_SENDERS, 2);
    destroy(port);
    destroy(notify);
}

static void no_senders_comes_when_the_last_message_is_received(void)
{
    mach_port_name_t port = new_port(), notify = new_port();

    request(port, MACH_NOTIFY_NO_SENDERS, 1, notify, KERN_SUCCESS);
    CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND, 7, 0, 0) == MACH_MSG_SUCCESS);
    expect_nothing(notify);
    expect(port, 7, 0);
    expect(notify, MACH_NOTIFY_NO_SENDERS, 1);
    destroy(port);
    destroy(notify);
}

static void dead_name_comes_once_with_a_user_reference(void)
{
    mach_port_name_t port = new_port(), notify = new_port();
    mach_port_type_t type;
    mach_port_urefs_t refs;

    add_send(port);
    CHECK(!request(port, MACH_NOTIFY_DEAD_NAME, 0, notify, KERN_SUCCESS));
    CHECK(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify, KERN_SUCCESS)); /* the previous */
    CHECK(mach_port_mod_refs(space(), port, MACH_PORT_RIGHT_RECEIVE, -1) == KERN_SUCCESS);
    expect(notify, MACH_NOTIFY_DEAD_NAME, port);
    expect_nothing(notify);
    CHECK(mach_port_type(space(), port, &type) == KERN_SUCCESS && type == MACH_PORT_TYPE_DEAD_NAME);
    CHECK(mach_port_get_refs(space(), port, MACH_PORT_RIGHT_DEAD_NAME, &refs) == KERN_SUCCESS);
    CHECK(refs == 2);
    request(port, MACH_NOTIFY_DEAD_NAME, 0, notify, KERN_INVALID_ARGUMENT);
    request(port, MACH_NOTIFY_DEAD_NAME, 1, notify, KERN_SUCCESS);
    expect(notify, MACH_NOTIFY_DEAD_NAME, port);
    CHECK(send(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0) == MACH_SEND_INVALID_DEST);
    destroy(port);
    destroy(notify);
}

static void port_deleted_comes_when_the_name_goes(void)
{
    mach_port_name_t port = new_port(), notify = new_port();

    request(port, MACH_NOTIFY_DEAD_NAME, 0, notify, KERN_SUCCESS);
    destroy(port);
    expect(notify, MACH_NOTIFY_PORT_DELETED, port);
    expect_nothing(notify);
    destroy(notify);
}

static void port_destroyed_brings_the_receive_right_back(void)
{
    mach_port_name_t port = new_port(), notify = new_port();
    struct {
        mach_msg_base_t base;
        mach_msg_port_descriptor_t right;
    } m;

    CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND, 9, 0, 0) == MACH_MSG_SUCCESS);
    request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify, KERN_SUCCESS);
    destroy(port);
    CHECK(mach_msg_trap(&m.base.header, MACH_RCV_MSG, 0, sizeof(m), notify, 0,
                        0) == MACH_MSG_SUCCESS);
    CHECK(m.base.header.msgh_id == MACH_NOTIFY_PORT_DESTROYED);
    CHECK(m.right.disposition == MACH_MSG_TYPE_PORT_RECEIVE);
    expect(m.right.name, 9, 0); /* with its queue */
    destroy(m.right.name);
    destroy(notify);
}

static void send_once_tells_when_it_is_destroyed_unused(void)
{
    mach_port_name_t port = new_port();

    ipc_port_release_sonce(ipc_port_make_sonce(port_of(port)));
    ipc_port_release_sonce(ipc_port_make_sonce(port_of(port)));
    CHECK(send(port, MACH_MSG_TYPE_MAKE_SEND, 3, 0, 0) == MACH_MSG_SUCCESS);
    expect(port, 3, 0);
    for (int i = 0; i < 2; i++) {
        struct message m;

        CHECK(receive(port, &m, MACH_RCV_TRAILER_ELEMENTS(2)) == MACH_MSG_SUCCESS);
        CHECK(m.header.msgh_id == MACH_NOTIFY_SEND_ONCE && m.header.msgh_size == 24);
        CHECK(m.words[3] == 0 && m.words[4] == 0); /* the kernel is the sender */
    }
    expect_nothing(port);
    destroy(port);
}

static void set_serves_members_in_turn_and_only_through_itself(void)
{
    mach_port_name_t a = new_port(), b = new_port(), set;
    struct message m;

    CHECK(mach_port_allocate(space(), MACH_PORT_RIGHT_PORT_SET, &set) == KERN_SUCCESS);
    for (int i = 0; i < 2; i++)
        CHECK(send(a, MACH_MSG_TYPE_MAKE_SEND, 1, 0, 0) == MACH_MSG_SUCCESS);
    CHECK(mach_port_insert_member(space(), a, set) == KERN_SUCCESS);
    CHECK(mach_port_insert_member(space(), a, set) == KERN_ALREADY_IN_SET);
    CHECK(mach_port_move_member(space(), b, MACH_PORT_NAME_NULL) == KERN_NOT_IN_SET);
    CHECK(mach_port_move_member(space(), b, set) == KERN_SUCCESS);
    for (int i = 0; i < 2; i++)
        CHECK(send(b, MACH_MSG_TYPE_MAKE_SEND, 2, 0, 0) == MACH_MSG_SUCCESS);
    CHECK(receive(a, &m, MACH_RCV_TIMEOUT) == MACH_RCV_IN_SET);
    for (int i = 0; i < 4; i++) {
        CHECK(receive(set, &m, MACH_RCV_TIMEOUT) == MACH_MSG_SUCCESS);
        CHECK(m.header.msgh_id == 1 + i % 2);
        CHECK(m.header.msgh_local_port == (i % 2 ? b : a));
    }
    expect_nothing(set);
    destroy(a);
    destroy(set);
    CHECK(mach_port_extract_member(space(), b, set) == KERN_INVALID_NAME);
    destroy(b);
}

static void names_and_counts_have_limits(void)
{
    mach_port_name_t port = new_port();

    add_send(port);
    CHECK(mach_port_mod_refs(space(), port, MACH_PORT_RIGHT_SEND, 65534) == KERN_SUCCESS);
    CHECK(mach_port_mod_refs(space(), port, MACH_PORT_RIGHT_SEND, 1) == KERN_UREFS_OVERFLOW);
    add_send(port); /* sticks */
    CHECK(mach_port_mod_refs(space(), port, MACH_PORT_RIGHT_SEND, -65536) == KERN_INVALID_VALUE);
    CHECK(mach_port_mod_refs(space(), port, MACH_PORT_RIGHT_SEND, -65535) == KERN_SUCCESS);
    CHECK(mach_port_mod_refs(space(), port, MACH_PORT_RIGHT_SEND, 0) == KERN_INVALID_RIGHT);
    CHECK(mach_port_set_qlimit(space(), port, MACH_PORT_QLIMIT_MAX + 1) == KERN_INVALID_VALUE);
    CHECK(mach_port_allocate_name(space(), MACH_PORT_RIGHT_RECEIVE, port) == KERN_NAME_EXISTS);
    CHECK(mach_port_allocate_name(space(), MACH_PORT_RIGHT_RECEIVE, port ^ 1) == KERN_NO_SPACE);
    CHECK(mach_port_rename(space(), port, 0x12345678) == KERN_SUCCESS);
    CHECK(mach_port_rename(space(), port, 0x12345679) == KERN_INVALID_NAME);
    destroy(0x12345678);
}

/* ---- two threads ----------------------------------------------------------------------------- */

static mach_port_name_t shared;
static uint32_t order;

static void blocked_sender(void)
{
    uint32_t mine = order++;

    CHECK(send(shared, MACH_MSG_TYPE_MAKE_SEND, 100 + mine, 0, 0) == MACH_MSG_SUCCESS);
}

static void blocked_senders_are_served_in_order(void)
{
    shared = new_port();
    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        CHECK(send(shared, MACH_MSG_TYPE_MAKE_SEND, 0, 0, 0) == MACH_MSG_SUCCESS);
    order = 0;
    for (int i = 0; i < 4; i++)
        host_spawn(&task, blocked_sender);
    host_yield();
    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        expect(shared, 0, 0);
    for (int i = 0; i < 4; i++)
        expect(shared, 100 + i, 0);
    destroy(shared);
}

static void server(void)
{
    struct message m = {};

    for (;;) {
        if (receive(shared, &m, 0) != MACH_MSG_SUCCESS)
            return;
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        m.header.msgh_local_port = 0;
        m.words[0] += 1;
        if (m.header.msgh_id == 5) { /* drops the reply right instead */
            destroy(m.header.msgh_remote_port);
            return;
        }
        CHECK(mach_msg_trap(&m.header, MACH_SEND_MSG, 28, 0, 0, 0, 0) == MACH_MSG_SUCCESS);
    }
}

static void kernel_calls_a_server(void)
{
    struct message m = {.header.msgh_id = 4, .words[0] = 41};
    ipc_port_t port;

    shared = new_port();
    port = port_of(shared);
    host_spawn(&task, server);
    host_yield();
    CHECK(mach_msg_rpc_from_kernel(port, MACH_MSG_TYPE_MAKE_SEND, &m.header, 28, sizeof(m))
          == MACH_MSG_SUCCESS);
    CHECK(m.words[0] == 42 && m.header.msgh_id == 4);
    CHECK(mach_msg_rpc_from_kernel(port, MACH_MSG_TYPE_MAKE_SEND, &m.header, 28, 24)
          == MACH_RCV_TOO_LARGE);
    m.header.msgh_id = 5;
    CHECK(mach_msg_rpc_from_kernel(port, MACH_MSG_TYPE_MAKE_SEND, &m.header, 28, sizeof(m))
          == MACH_MSG_SUCCESS);
    CHECK(m.header.msgh_id == MIG_NOTIFY_SEND_ONCE);
    ip_reference(port);
    destroy(shared);
    CHECK(mach_msg_rpc_from_kernel(port, MACH_MSG_TYPE_MAKE_SEND, &m.header, 28, sizeof(m))
          == MACH_SEND_INVALID_DEST);
    ip_release(port);
    ipc_port_dealloc_kernel(current_thread()->rpc_port); /* as at the thread's end */
    current_thread()->rpc_port = IP_NULL;
}

static void waiter(void)
{
    struct message m;

    CHECK(receive(shared, &m, 0) == MACH_RCV_PORT_DIED);
    order++;
}

static void receivers_learn_of_the_death(void)
{
    mach_port_name_t a = new_port(), set;

    order = 0;
    shared = a;
    host_spawn(&task, waiter);
    host_yield();
    destroy(a);
    CHECK(mach_port_allocate(space(), MACH_PORT_RIGHT_PORT_SET, &set) == KERN_SUCCESS);
    shared = set;
    host_spawn(&task, waiter);
    host_yield();
    destroy(set);
    host_yield();
    CHECK(order == 2);
}

static void watch_fires_once(void)
{
    extern uint32_t host_watches_fired;
    mach_port_name_t name = new_port();
    ipc_port_t port = ipc_port_make_send(port_of(name));

    CHECK(ipc_port_watch(port, IKOT_MEMORY_CONTROL, &order) == KERN_SUCCESS);
    CHECK(ipc_port_watch(port, IKOT_MEMORY_CONTROL, &order) == KERN_FAILURE);
    destroy(name);
    CHECK(host_watches_fired == 1);
    CHECK(ipc_port_watch(port, IKOT_MEMORY_CONTROL, &order) == KERN_TERMINATED);
    CHECK(ipc_port_copy_send(port) == IP_DEAD);
    ipc_port_release_send(port);
}

static void rules(void)
{
    queue_limit_stops_senders_but_not_send_once();
    large_stays_queued_and_tells_its_size();
    no_senders_comes_once_with_the_make_send_count();
    no_senders_comes_when_the_last_message_is_received();
    dead_name_comes_once_with_a_user_reference();
    port_deleted_comes_when_the_name_goes();
    port_destroyed_brings_the_receive_right_back();
    send_once_tells_when_it_is_destroyed_unused();
    set_serves_members_in_turn_and_only_through_itself();
    names_and_counts_have_limits();
    blocked_senders_are_served_in_order();
    kernel_calls_a_server();
    receivers_learn_of_the_death();
    watch_fires_once();
}

int main(void)
{
    ipc_init();
    spin_lock_init(&task.lock, LOCK_TASK);
    CHECK(ipc_space_create(&task, &task.space) == KERN_SUCCESS);
    host_seed(1);
    host_spawn(&task, rules);
    host_run_in_turn();
    CHECK(task.space->entry_count == 0 && ipc_port_total() == 0 && ipc_kmsg_total() == 0);
    ipc_space_release(task.space);
    CHECK(ipc_space_total() == 0 && ipc_pset_total() == 0);
    printf("all rules hold\n");
    return 0;
}
