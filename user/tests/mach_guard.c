/* Guards of receive rights, construct and destruct, protected payload: one rule a case. */
#include "mach_child.h"

#define GUARD 0x1122334455667788UL

static uint32_t flags_of(mach_port_t port)
{
    mach_port_status_t status;

    return mach_port_get_receive_status(SELF, port, &status) == KERN_SUCCESS ? status.mps_flags : ~0U;
}

/* ---- guards ---- */

TEST(a_guarded_port_is_not_destroyed_by_mistake)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(mach_port_guard(SELF, port, GUARD, FALSE), KERN_SUCCESS);
    EXPECT_EQ(flags_of(port), MACH_PORT_STATUS_FLAG_GUARDED);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_INVALID_RIGHT);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, 0), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, port), KERN_SUCCESS); /* the send right is not guarded */
    REQUIRE_KR(mach_port_unguard(SELF, port, GUARD), KERN_SUCCESS);
    EXPECT_EQ(flags_of(port), 0);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(only_the_guard_unguards)
{
    mach_port_t port = new_port();

    EXPECT_KR(mach_port_unguard(SELF, port, 0), KERN_INVALID_ARGUMENT);
    REQUIRE_KR(mach_port_guard(SELF, port, GUARD, FALSE), KERN_SUCCESS);
    EXPECT_KR(mach_port_unguard(SELF, port, GUARD + 1), KERN_INVALID_ARGUMENT);
    EXPECT_KR(mach_port_guard(SELF, port, GUARD, FALSE), KERN_INVALID_ARGUMENT);
    EXPECT_KR(mach_port_unguard(SELF, port, GUARD), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
}

TEST(guards_are_for_receive_rights)
{
    mach_port_t dead;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    EXPECT_KR(mach_port_guard(SELF, dead, GUARD, FALSE), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_unguard(SELF, dead, GUARD), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_guard(SELF, MACH_PORT_MAKE(0x5555, 1), GUARD, FALSE), KERN_INVALID_NAME);
    mach_port_deallocate(SELF, dead);
}

TEST(a_strict_guard_keeps_the_right_in_the_task)
{
    mach_port_t to = new_port_send(), port = new_port();
    mach_msg_type_name_t type;
    mach_port_t out;

    REQUIRE_KR(mach_port_guard(SELF, port, GUARD, TRUE), KERN_SUCCESS);
    EXPECT_EQ(flags_of(port), MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD);
    EXPECT_KR(send_right(to, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MOVE_RECEIVE, &out, &type),
              KERN_INVALID_RIGHT);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(send_right(to, port, MACH_MSG_TYPE_MAKE_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_unguard(SELF, port, GUARD), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, to);
}

TEST(moving_a_guarded_right_ends_the_guard)
{
    mach_port_t to = new_port_send(), port = new_port();
    struct carrier m;

    REQUIRE_KR(mach_port_guard(SELF, port, GUARD, FALSE), KERN_SUCCESS);
    REQUIRE_KR(send_right(to, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(to, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(flags_of(m.port.name), 0);
    EXPECT_KR(mach_port_destroy(SELF, m.port.name), KERN_SUCCESS);
    mach_port_destroy(SELF, to);
}

static void guard_and_stay(uint64_t watched)
{
    mach_port_t port = new_port();

    mach_port_guard(SELF, port, GUARD, TRUE);
    send_right((mach_port_t)watched, port, MACH_MSG_TYPE_MAKE_SEND);
    for (;;)
        sleep_ms(1000);
}

TEST(the_tasks_end_takes_guarded_ports_along)
{
    mach_port_t watched = new_port();
    struct child child;
    struct carrier m;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, watched), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, guard_and_stay, watched), KERN_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, watched, WAIT_LIMIT_MS,
                        MACH_PORT_NULL), MACH_MSG_SUCCESS);
    child_end(&child);
    EXPECT_TRUE(wait_until_dead(m.port.name));
    mach_port_deallocate(SELF, m.port.name);
    mach_port_destroy(SELF, watched);
}

/* ---- construct and destruct ---- */

TEST(construct_makes_a_port_as_asked)
{
    mach_port_options_t options = {
        .flags = MPO_CONTEXT_AS_GUARD | MPO_QLIMIT | MPO_INSERT_SEND_RIGHT | MPO_STRICT, .qlimit = 77,
    };
    mach_port_status_t status;
    mach_port_t port;

    REQUIRE_KR(mach_port_construct(SELF, options, GUARD, &port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    REQUIRE_KR(mach_port_get_receive_status(SELF, port, &status), KERN_SUCCESS);
    EXPECT_EQ(status.mps_qlimit, 77);
    EXPECT_EQ(status.mps_mscount, 1);
    EXPECT_EQ(status.mps_flags, MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD);
    EXPECT_KR(mach_port_destruct(SELF, port, -1, GUARD), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
}

TEST(construct_without_options_is_allocate)
{
    mach_port_options_t none = {0, 0};
    mach_port_t port;

    REQUIRE_KR(mach_port_construct(SELF, none, GUARD, &port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(flags_of(port), 0);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(construct_refuses_what_it_does_not_know)
{
    mach_port_options_t unknown = {.flags = 0x8000}, high = {MPO_QLIMIT, MACH_PORT_QLIMIT_MAX + 1};
    mach_port_t port;

    EXPECT_KR(mach_port_construct(SELF, unknown, 0, &port), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_construct(SELF, high, 0, &port), KERN_INVALID_VALUE);
}

TEST(destruct_wants_the_guard_and_changes_nothing_without)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(mach_port_guard(SELF, port, GUARD, FALSE), KERN_SUCCESS);
    EXPECT_KR(mach_port_destruct(SELF, port, -1, GUARD + 1), KERN_INVALID_ARGUMENT);
    EXPECT_KR(mach_port_destruct(SELF, port, -2, GUARD), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_destruct(SELF, port, 1, GUARD), KERN_INVALID_VALUE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_KR(mach_port_destruct(SELF, port, -1, GUARD), KERN_SUCCESS);
    EXPECT_KR(mach_port_destruct(SELF, port, 0, GUARD), KERN_INVALID_NAME);
}

TEST(destruct_leaves_a_dead_name_for_the_send_references_not_given_up)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 2), KERN_SUCCESS);
    REQUIRE_KR(mach_port_guard(SELF, port, GUARD, TRUE), KERN_SUCCESS);
    EXPECT_KR(mach_port_destruct(SELF, port, -1, GUARD), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_DEAD_NAME, -2);
}

TEST(destruct_is_for_receive_rights)
{
    mach_port_t dead;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    EXPECT_KR(mach_port_destruct(SELF, dead, 0, 0), KERN_INVALID_RIGHT);
    mach_port_deallocate(SELF, dead);
}

/* ---- protected payload ---- */

struct paid {
    mach_msg_header_t header;
    uint32_t word;
    mach_msg_payload_trailer_t trailer;
};

static mach_msg_return_t receive_paid(mach_port_t from, struct paid *m, mach_msg_timeout_t timeout)
{
    memset(m, 0, sizeof *m);
    return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT
                    | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_PAYLOAD), 0, sizeof *m, from, timeout,
                    MACH_PORT_NULL);
}

TEST(a_message_carries_the_ports_payload_in_its_trailer)
{
    mach_port_t port = new_port_send();
    struct paid m;

    REQUIRE_KR(mach_port_set_protected_payload(SELF, port, GUARD), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 8, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_paid(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 8);
    EXPECT_EQ(m.header.msgh_local_port, port);
    EXPECT_EQ(m.trailer.msgh_trailer_size, sizeof m.trailer);
    EXPECT_TRUE(m.trailer.msgh_payload == GUARD);
    EXPECT_EQ(m.trailer.msgh_seqno, m.header.msgh_seqno);
    REQUIRE_KR(mach_port_clear_protected_payload(SELF, port), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_paid(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.trailer.msgh_payload, 0);
    mach_port_destroy(SELF, port);
}

static void *send_later(void *arg)
{
    sleep_ms(30);
    send_word(*(mach_port_t *)arg, MACH_MSG_TYPE_MAKE_SEND, 8, 0, 0);
    return NULL;
}

TEST(a_message_handed_over_carries_it_too_and_so_one_from_a_set)
{
    mach_port_t port = new_port(), other = new_port(), set;
    cthread_t thread;
    struct paid m;

    REQUIRE_KR(mach_port_set_protected_payload(SELF, port, GUARD), KERN_SUCCESS);
    thread = cthread_fork(send_later, &port);
    EXPECT_KR(receive_paid(port, &m, WAIT_LIMIT_MS), MACH_MSG_SUCCESS);
    EXPECT_TRUE(m.trailer.msgh_payload == GUARD);
    cthread_join(thread);
    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_member(SELF, other, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_set_protected_payload(SELF, other, 55), KERN_SUCCESS);
    send_word(other, MACH_MSG_TYPE_MAKE_SEND, 1, 0, 0);
    EXPECT_KR(receive_paid(set, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.trailer.msgh_payload, 55);
    thread = cthread_fork(send_later, &port);
    EXPECT_KR(receive_paid(set, &m, WAIT_LIMIT_MS), MACH_MSG_SUCCESS);
    EXPECT_TRUE(m.trailer.msgh_payload == GUARD);
    cthread_join(thread);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, other);
    mach_port_destroy(SELF, port);
}

TEST(the_payload_ends_with_the_rights_stay)
{
    mach_port_t to = new_port_send(), port = new_port();
    struct carrier m;
    struct paid paid;

    REQUIRE_KR(mach_port_set_protected_payload(SELF, port, GUARD), KERN_SUCCESS);
    REQUIRE_KR(send_right(to, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(to, &m), MACH_MSG_SUCCESS);
    send_word(m.port.name, MACH_MSG_TYPE_MAKE_SEND, 1, 0, 0);
    EXPECT_KR(receive_paid(m.port.name, &paid, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(paid.trailer.msgh_payload, 0);
    mach_port_destroy(SELF, m.port.name);
    mach_port_destroy(SELF, to);
}

TEST(a_send_once_notification_carries_it)
{
    mach_port_t port = new_port(), once;
    mach_msg_type_name_t type;
    struct paid m;

    REQUIRE_KR(mach_port_set_protected_payload(SELF, port, GUARD), KERN_SUCCESS);
    REQUIRE_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type),
               KERN_SUCCESS);
    mach_port_deallocate(SELF, once);
    EXPECT_KR(receive_paid(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
    EXPECT_TRUE(((mach_msg_payload_trailer_t *)&m.word)->msgh_payload == GUARD);
    mach_port_destroy(SELF, port);
}

TEST(a_payload_is_for_receive_rights)
{
    EXPECT_KR(mach_port_set_protected_payload(SELF, MACH_PORT_MAKE(0x5555, 1), 1), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_clear_protected_payload(SELF, mach_task_self()), KERN_INVALID_RIGHT);
}

TEST_MAIN
