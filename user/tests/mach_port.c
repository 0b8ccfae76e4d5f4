/* Port names and rights: the routines of mach_port.defs, one rule of Mach a case. */
#include "mach_test.h"

TEST(baseline_is_taken)
{
    take_baseline();
}

TEST(allocate_receive_gives_a_receive_right)
{
    mach_port_t port;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
}

TEST(allocate_dead_name_and_port_set)
{
    mach_port_t dead, set;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    EXPECT_EQ(type_of(dead), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_KR(mach_port_deallocate(SELF, dead), KERN_SUCCESS);
    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    EXPECT_EQ(type_of(set), MACH_PORT_TYPE_PORT_SET);
    EXPECT_KR(mach_port_destroy(SELF, set), KERN_SUCCESS);
}

TEST(allocate_refuses_other_rights)
{
    mach_port_t port;

    EXPECT_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_SEND, &port), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate(SELF, 99, &port), KERN_INVALID_VALUE);
}

TEST(a_stale_name_is_an_error_and_not_anothers_port)
{
    mach_port_t first = new_port(), second;

    REQUIRE_KR(mach_port_destroy(SELF, first), KERN_SUCCESS);
    second = new_port();
    EXPECT_TRUE(first != second);
    EXPECT_EQ(type_of(first), MACH_PORT_TYPE_NONE);
    EXPECT_KR(mach_port_deallocate(SELF, first), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_destroy(SELF, second), KERN_SUCCESS);
}

TEST(allocate_name_takes_the_name_chosen)
{
    mach_port_t name = MACH_PORT_MAKE(0x12345, 7);

    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL),
              KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD),
              KERN_INVALID_VALUE);
}

TEST(the_highest_name_can_be_chosen)
{
    mach_port_t name = MACH_PORT_MAKE(0xfffffe, 1);

    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
}

TEST(rename_moves_the_right)
{
    mach_port_t port = new_port_send(), name = MACH_PORT_MAKE(0x4321, 3);

    REQUIRE_KR(mach_port_rename(SELF, port, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_KR(send_word(name, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_port_rename(SELF, name, name), KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_rename(SELF, port, MACH_PORT_MAKE(1, 1)), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
}

TEST(send_rights_merge_and_count_user_references)
{
    mach_port_t port = new_port();

    for (int i = 1; i <= 5; i++) {
        REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
        EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), i);
    }
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_RECEIVE), 1);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -3), KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -3), KERN_INVALID_VALUE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -2), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(user_references_overflow_is_refused)
{
    mach_port_t port = new_port_send();

    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX),
              KERN_UREFS_OVERFLOW);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 1),
              KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), MACH_PORT_UREFS_MAX);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 1), KERN_UREFS_OVERFLOW);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(deallocate_is_for_send_rights_and_dead_names)
{
    mach_port_t port = new_port();

    EXPECT_KR(mach_port_deallocate(SELF, port), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_deallocate(SELF, MACH_PORT_MAKE(0x7777, 1)), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(a_send_right_becomes_a_dead_name_when_the_port_dies)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 0);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(mach_port_deallocate(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
}

TEST(insert_right_into_another_task_under_a_name)
{
    mach_port_t port = new_port_send(), name = MACH_PORT_MAKE(40, 1);
    mach_port_type_t type = 0;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS);
    EXPECT_KR(mach_port_type(child, name, &type), KERN_SUCCESS);
    EXPECT_EQ(type, MACH_PORT_TYPE_SEND);
    EXPECT_KR(mach_port_insert_right(child, MACH_PORT_MAKE(41, 1), port, MACH_MSG_TYPE_COPY_SEND),
              KERN_RIGHT_EXISTS);
    EXPECT_KR(mach_port_insert_right(child, name, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND),
              KERN_INVALID_CAPABILITY);
    EXPECT_KR(task_terminate(child), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, child), KERN_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(extract_right_takes_it_out_of_another_task)
{
    mach_port_t name = MACH_PORT_MAKE(50, 2), port = MACH_PORT_NULL;
    mach_msg_type_name_t type;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    EXPECT_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_MOVE_RECEIVE, &port, &type),
              KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_type(child, name, &type), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
    EXPECT_KR(task_terminate(child), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, child), KERN_SUCCESS);
}

TEST(names_lists_every_name_once)
{
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t count, type_count;
    mach_port_t port = new_port();
    int found = 0;

    REQUIRE_KR(mach_port_names(SELF, &names, &count, &types, &type_count), KERN_SUCCESS);
    EXPECT_EQ(count, type_count);
    for (mach_msg_type_number_t i = 0; i < count; i++)
        found += names[i] == port && types[i] == MACH_PORT_TYPE_RECEIVE;
    EXPECT_EQ(found, 1);
    vm_deallocate(SELF, (vm_address_t)names, count * sizeof(*names));
    vm_deallocate(SELF, (vm_address_t)types, count * sizeof(*types));
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(receive_status_tells_queue_and_counts)
{
    mach_port_t port = new_port_send();
    mach_port_status_t status;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_get_receive_status(SELF, port, &status), KERN_SUCCESS);
    EXPECT_EQ(status.mps_msgcount, 1);
    EXPECT_EQ(status.mps_qlimit, MACH_PORT_QLIMIT_DEFAULT);
    EXPECT_EQ(status.mps_mscount, 1);
    EXPECT_TRUE(status.mps_srights);
    EXPECT_EQ(status.mps_pset, MACH_PORT_NULL);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(qlimit_has_bounds)
{
    mach_port_t port = new_port();

    EXPECT_KR(mach_port_set_qlimit(SELF, port, MACH_PORT_QLIMIT_MAX), KERN_SUCCESS);
    EXPECT_KR(mach_port_set_qlimit(SELF, port, MACH_PORT_QLIMIT_MAX + 1), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(set_membership_errors)
{
    mach_port_t port = new_port(), set, other;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &other), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_member(SELF, port, set), KERN_NOT_IN_SET);
    EXPECT_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_member(SELF, port, set), KERN_ALREADY_IN_SET);
    EXPECT_KR(mach_port_insert_member(SELF, port, other), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_member(SELF, set, other), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_move_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_move_member(SELF, port, MACH_PORT_NULL), KERN_SUCCESS);
    EXPECT_KR(mach_port_move_member(SELF, port, MACH_PORT_NULL), KERN_NOT_IN_SET);
    EXPECT_KR(mach_port_destroy(SELF, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, other), KERN_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

TEST(get_set_status_lists_the_members)
{
    mach_port_t set, a = new_port(), b = new_port();
    mach_port_name_array_t members;
    mach_msg_type_number_t count;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, a, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, b, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_get_set_status(SELF, set, &members, &count), KERN_SUCCESS);
    REQUIRE_EQ(count, 2);
    EXPECT_TRUE((members[0] == a && members[1] == b) || (members[0] == b && members[1] == a));
    vm_deallocate(SELF, (vm_address_t)members, count * sizeof(*members));
    mach_port_destroy(SELF, a);
    REQUIRE_KR(mach_port_get_set_status(SELF, set, &members, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 1);
    vm_deallocate(SELF, (vm_address_t)members, count * sizeof(*members));
    mach_port_destroy(SELF, b);
    mach_port_destroy(SELF, set);
}

/* ---- notifications ---- */

/* Receives a notification on port: its id, its word; 0: none came. */
static int notification(mach_port_t port, uint32_t *word)
{
    struct small m;
    mach_msg_return_t mr;

    mr = mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT |
                  MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof(m), port, 0,
                  MACH_PORT_NULL);
    if (mr != MACH_MSG_SUCCESS)
        return 0;
    *word = m.word;
    return mach_msg_from_kernel(&m.header) ? m.header.msgh_id : -1;
}

TEST(no_senders_comes_once_when_the_last_send_right_goes)
{
    mach_port_t port = new_port(), notify = new_port(), previous;
    uint32_t mscount = 0;

    REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    REQUIRE_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_NO_SENDERS, 1, notify,
                                              MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
               KERN_SUCCESS);
    EXPECT_EQ(previous, MACH_PORT_NULL);
    EXPECT_EQ(notification(notify, &mscount), 0);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1), KERN_SUCCESS);
    EXPECT_EQ(notification(notify, &mscount), MACH_NOTIFY_NO_SENDERS);
    EXPECT_EQ(mscount, 1);
    EXPECT_EQ(notification(notify, &mscount), 0);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

TEST(no_senders_comes_at_once_if_there_are_none)
{
    mach_port_t port = new_port(), notify = new_port(), previous;
    uint32_t mscount = 9;

    REQUIRE_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_NO_SENDERS, 0, notify,
                                              MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
               KERN_SUCCESS);
    EXPECT_EQ(notification(notify, &mscount), MACH_NOTIFY_NO_SENDERS);
    EXPECT_EQ(mscount, 0);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

TEST(dead_name_comes_once_and_adds_a_reference)
{
    mach_port_t port = new_port_send(), notify = new_port(), previous;
    uint32_t name = 0;

    REQUIRE_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, notify,
                                              MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
               KERN_SUCCESS);
    EXPECT_TRUE(type_of(port) & MACH_PORT_TYPE_DNREQUEST);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(notification(notify, &name), MACH_NOTIFY_DEAD_NAME);
    EXPECT_EQ(name, port);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
    EXPECT_EQ(notification(notify, &name), 0);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_DEAD_NAME, -2), KERN_SUCCESS);
    mach_port_destroy(SELF, notify);
}

TEST(port_deleted_comes_when_the_watched_name_goes)
{
    mach_port_t port = new_port_send(), notify = new_port(), previous;
    uint32_t name = 0;

    REQUIRE_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, notify,
                                              MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
               KERN_SUCCESS);
    REQUIRE_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(notification(notify, &name), MACH_NOTIFY_PORT_DELETED);
    EXPECT_EQ(name, port);
    mach_port_destroy(SELF, notify);
}

TEST(cancelling_a_request_returns_the_registered_right)
{
    mach_port_t port = new_port_send(), notify = new_port(), previous = 0;
    uint32_t word = 0;

    REQUIRE_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_NO_SENDERS, 1, notify,
                                              MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
               KERN_SUCCESS);
    REQUIRE_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_NO_SENDERS, 1, MACH_PORT_NULL,
                                              MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
               KERN_SUCCESS);
    EXPECT_EQ(type_of(previous), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_KR(mach_port_deallocate(SELF, previous), KERN_SUCCESS);
    EXPECT_EQ(notification(notify, &word), MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

TEST(port_destroyed_saves_the_receive_right)
{
    mach_port_t port = new_port_send(), notify = new_port(), previous;
    struct carrier m;

    REQUIRE_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_PORT_DESTROYED, 0, notify,
                                              MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
               KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND); /* not dead: the right is in the message */
    REQUIRE_KR(receive_right(notify, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
    EXPECT_EQ(m.port.name, port); /* merges with the send right */
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

TEST(a_send_once_right_destroyed_unused_is_told)
{
    mach_port_t port = new_port(), once = MACH_PORT_NULL;
    mach_msg_type_name_t type;
    uint32_t word = 0;

    REQUIRE_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type),
               KERN_SUCCESS);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_TRUE(once != port); /* send-once rights never merge */
    EXPECT_KR(mach_port_deallocate(SELF, once), KERN_SUCCESS);
    EXPECT_EQ(notification(port, &word), MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, port);
}

TEST(hostile_arguments_are_errors)
{
    mach_port_t port = new_port(), out;
    mach_msg_type_name_t type;
    mach_port_status_t status;
    mach_port_urefs_t refs;

    EXPECT_KR(mach_port_get_refs(SELF, port, 77, &refs), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, 1), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -2), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_get_receive_status(SELF, SELF, &status), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(SELF, port, 99, &out, &type), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_request_notification(SELF, port, 12345, 0, MACH_PORT_NULL,
                                             MACH_MSG_TYPE_MAKE_SEND_ONCE, &out),
              KERN_INVALID_VALUE);
    EXPECT_TRUE(mach_port_allocate(port, MACH_PORT_RIGHT_RECEIVE, &out) != KERN_SUCCESS);
    mach_port_destroy(SELF, port);
}

TEST(ten_thousand_names)
{
    static mach_port_t names[10000];

    for (int i = 0; i < 10000; i++)
        REQUIRE_TRUE((names[i] = new_port()) != MACH_PORT_NULL);
    for (int i = 0; i < 10000; i++)
        REQUIRE_KR(mach_port_destroy(SELF, names[i]), KERN_SUCCESS);
}

TEST(nothing_leaked)
{
    expect_baseline();
}

TEST_MAIN
