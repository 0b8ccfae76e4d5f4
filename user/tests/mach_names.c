/*
 * Mach by example, 1: names. A task names its rights by numbers, which mean something in its own
 * space only. What the rights are worth is the next chapters' matter. Read mach/port.h and
 * mach/mach_port.defs beside it.
 */
#include "mach_rights.h"

/* A new port is a receive right under a name the kernel chose. [KI mach_port_allocate] */
TEST(allocate_receive_gives_a_receive_right)
{
    mach_port_t port;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
}

/* A dead name can be allocated, and has one user reference. [KI mach_port_allocate] */
TEST(allocate_dead_name_gives_one_reference)
{
    mach_port_t dead;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    EXPECT_EQ(type_of(dead), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_KR(mach_port_deallocate(SELF, dead), KERN_SUCCESS);
    EXPECT_EQ(type_of(dead), MACH_PORT_TYPE_NONE);
}

/* A new port set has a name of its own, and no members. [KI mach_port_allocate] */
TEST(allocate_port_set_gives_an_empty_set)
{
    mach_port_name_array_t members;
    mach_msg_type_number_t count = 99;
    mach_port_t set;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    EXPECT_EQ(type_of(set), MACH_PORT_TYPE_PORT_SET);
    EXPECT_KR(mach_port_get_set_status(SELF, set, &members, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 0);
    EXPECT_KR(mach_port_destroy(SELF, set), KERN_SUCCESS);
}

/* Send and send-once rights cannot be allocated: KERN_INVALID_VALUE, as for no right at all.
 * [KI mach_port_allocate] */
TEST(allocate_refuses_other_rights)
{
    mach_port_t port;

    EXPECT_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_SEND, &port), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_SEND_ONCE, &port), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_NUMBER, &port), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate(SELF, ~0U, &port), KERN_INVALID_VALUE);
}

/* No two names that are in use are equal, and none is MACH_PORT_NULL or MACH_PORT_DEAD.
 * [KP, port names] */
TEST(names_are_distinct_and_neither_null_nor_dead)
{
    static mach_port_t names[300];

    for (int i = 0; i < 300; i++) {
        names[i] = new_port();
        REQUIRE_TRUE(names[i] != MACH_PORT_NULL && names[i] != MACH_PORT_DEAD);
        for (int j = 0; j < i; j++)
            EXPECT_TRUE(names[i] != names[j]);
    }
    for (int i = 0; i < 300; i++)
        mach_port_destroy(SELF, names[i]);
}

/* A name whose right is gone is an error, and not another's port. [port.h] */
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

/* A freed name does not come back for the next hundred names. [port.h] */
TEST(a_freed_name_is_not_given_out_soon)
{
    mach_port_t first = new_port();

    mach_port_destroy(SELF, first);
    for (int i = 0; i < 100; i++) {
        mach_port_t next = new_port();

        EXPECT_TRUE(next != first);
        mach_port_destroy(SELF, next);
    }
}

/* The same number names different things in different tasks. [KP, port names] */
TEST(a_name_means_something_in_one_space_only)
{
    mach_port_t name = MACH_PORT_MAKE(0x2222, 1), set = MACH_PORT_NULL;
    mach_port_type_t type = 0;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_type(child, name, &type), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_PORT_SET, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_type(child, name, &type), KERN_SUCCESS);
    EXPECT_EQ(type, MACH_PORT_TYPE_PORT_SET);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_allocate(child, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    task_terminate(child);
    mach_port_deallocate(SELF, child);
    mach_port_destroy(SELF, name);
}

/* A task can choose the name itself; one that is in use is KERN_NAME_EXISTS.
 * [KI mach_port_allocate_name] */
TEST(allocate_name_takes_the_name_chosen)
{
    mach_port_t name = MACH_PORT_MAKE(0x12345, 7);

    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, name), KERN_NAME_EXISTS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
}

/* All three kinds that can be allocated can be allocated by name; others are KERN_INVALID_VALUE.
 * [KI mach_port_allocate_name] */
TEST(allocate_name_of_each_right)
{
    mach_port_t name = MACH_PORT_MAKE(0x3333, 2);

    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_deallocate(SELF, name);
    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_PORT_SET, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_PORT_SET);
    mach_port_destroy(SELF, name);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_SEND, name), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate_name(SELF, 55, name), KERN_INVALID_VALUE);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_NONE);
}

/* MACH_PORT_NULL and MACH_PORT_DEAD are no names. [KI mach_port_allocate_name] */
TEST(allocate_name_refuses_null_and_dead)
{
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL),
              KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD),
              KERN_INVALID_VALUE);
}

/* Names may be as far apart as a program likes: the table is sparse. [KI
 * mach_port_allocate_name] */
TEST(the_highest_name_can_be_chosen)
{
    mach_port_t name = MACH_PORT_MAKE(0xfffffe, 1), low = MACH_PORT_MAKE(0x801, 1);

    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, low), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(low), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, low), KERN_SUCCESS);
}

/* A renamed right is the same right: it works under the new name, and the old one is free.
 * [KI mach_port_rename] */
TEST(rename_moves_the_right)
{
    mach_port_t port = new_port_send(), name = MACH_PORT_MAKE(0x4321, 3);

    REQUIRE_KR(mach_port_rename(SELF, port, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_KR(send_word(name, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
}

/* Renaming to a name in use, or to itself, is KERN_NAME_EXISTS; of no right, KERN_INVALID_NAME;
 * to null or dead, KERN_INVALID_VALUE; and nothing changes. [KI mach_port_rename] */
TEST(rename_refuses_what_it_cannot_do)
{
    mach_port_t port = new_port_send(), other = new_set(), free_name = MACH_PORT_MAKE(0x4444, 1);
    static struct space_state before;

    state_take(&before);
    EXPECT_KR(mach_port_rename(SELF, port, port), KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_rename(SELF, port, other), KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_rename(SELF, free_name, MACH_PORT_MAKE(0x4445, 1)), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_rename(SELF, port, MACH_PORT_NULL), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_rename(SELF, port, MACH_PORT_DEAD), KERN_INVALID_VALUE);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, other);
}

/* User references go along with the right. [KI mach_port_rename] */
TEST(rename_keeps_user_references)
{
    struct parked parked = park();
    mach_port_t name = MACH_PORT_MAKE(0x4567, 1);

    REQUIRE_KR(mach_port_mod_refs(SELF, parked.port, MACH_PORT_RIGHT_SEND, 6), KERN_SUCCESS);
    REQUIRE_KR(mach_port_rename(SELF, parked.port, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_SEND);
    EXPECT_EQ(refs_of(name, MACH_PORT_RIGHT_SEND), 7);
    EXPECT_EQ(unpark(&parked), name); /* a right to the same port comes to the new name */
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_SEND_RECEIVE);
    mach_port_destroy(SELF, name);
}

/* Dead names and send-once rights can be renamed, too. [KI mach_port_rename] */
TEST(rename_of_dead_names_and_send_once_rights)
{
    mach_port_t dead = new_dead_name(), port = new_port(), once = new_send_once(port);
    mach_port_t name = MACH_PORT_MAKE(0x4600, 1), other = MACH_PORT_MAKE(0x4601, 1);

    REQUIRE_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 2), KERN_SUCCESS);
    REQUIRE_KR(mach_port_rename(SELF, dead, name), KERN_SUCCESS);
    EXPECT_EQ(refs_of(name, MACH_PORT_RIGHT_DEAD_NAME), 3);
    REQUIRE_KR(mach_port_rename(SELF, once, other), KERN_SUCCESS);
    EXPECT_EQ(type_of(other), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_KR(send_word(other, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, name);
    mach_port_destroy(SELF, port);
}

/* A port's messages arrive under the new name of its receive right. [KI mach_port_rename] */
TEST(queued_messages_arrive_under_the_new_name)
{
    mach_port_t port = new_port_send(), name = MACH_PORT_MAKE(0x4700, 1);
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_rename(SELF, port, name), KERN_SUCCESS);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_INVALID_NAME);
    REQUIRE_KR(receive_word(name, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_local_port, name);
    mach_port_destroy(SELF, name);
}

/* A set and its members stay together when either is renamed. [KI mach_port_rename] */
TEST(rename_keeps_sets_and_their_members)
{
    mach_port_t port = new_port_send(), set = new_set();
    mach_port_t port_name = MACH_PORT_MAKE(0x4800, 1), set_name = MACH_PORT_MAKE(0x4801, 1);
    mach_port_name_array_t members;
    mach_msg_type_number_t count;
    struct small m;

    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_rename(SELF, port, port_name), KERN_SUCCESS);
    REQUIRE_KR(mach_port_rename(SELF, set, set_name), KERN_SUCCESS);
    REQUIRE_KR(mach_port_get_set_status(SELF, set_name, &members, &count), KERN_SUCCESS);
    REQUIRE_EQ(count, 1);
    EXPECT_EQ(members[0], port_name);
    vm_deallocate(SELF, (vm_address_t)members, sizeof(*members));
    EXPECT_EQ(status_of(port_name).mps_pset, set_name);
    REQUIRE_KR(send_word(port_name, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(set_name, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_local_port, port_name);
    mach_port_destroy(SELF, port_name);
    mach_port_destroy(SELF, set_name);
}

/* The type of a name is the set of rights it denotes; of none, KERN_INVALID_NAME. [KI
 * mach_port_type] */
TEST(type_tells_all_rights_of_a_name)
{
    mach_port_t port = new_port_send(), once = new_send_once(port), dead = new_dead_name();
    mach_port_t set = new_set();
    mach_port_type_t type;

    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_EQ(type_of(dead), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(type_of(set), MACH_PORT_TYPE_PORT_SET);
    EXPECT_EQ(type_of(SELF), MACH_PORT_TYPE_SEND);
    EXPECT_KR(mach_port_type(SELF, MACH_PORT_MAKE(0x5000, 1), &type), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_type(SELF, MACH_PORT_NULL, &type), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_type(SELF, MACH_PORT_DEAD, &type), KERN_INVALID_NAME);
    mach_port_destroy(SELF, once);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, dead);
    mach_port_destroy(SELF, set);
}

/* The list of names has each name once, with its type. [KI mach_port_names] */
TEST(names_lists_every_name_once)
{
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t count, type_count;
    mach_port_t mine[4] = {new_port(), new_port_send(), new_dead_name(), new_set()};
    static const mach_port_type_t expected[4] = {
        MACH_PORT_TYPE_RECEIVE, MACH_PORT_TYPE_SEND_RECEIVE, MACH_PORT_TYPE_DEAD_NAME,
        MACH_PORT_TYPE_PORT_SET};

    REQUIRE_KR(mach_port_names(SELF, &names, &count, &types, &type_count), KERN_SUCCESS);
    EXPECT_EQ(count, type_count);
    for (int k = 0; k < 4; k++) {
        int found = 0;

        for (mach_msg_type_number_t i = 0; i < count; i++)
            found += names[i] == mine[k] && types[i] == expected[k];
        EXPECT_EQ(found, 1);
    }
    for (mach_msg_type_number_t i = 0; i < count; i++)
        EXPECT_EQ(type_of(names[i]), types[i]);
    vm_deallocate(SELF, (vm_address_t)names, count * sizeof(*names));
    vm_deallocate(SELF, (vm_address_t)types, count * sizeof(*types));
    for (int k = 0; k < 4; k++)
        mach_port_destroy(SELF, mine[k]);
}

/* Destroying a name takes all its rights, whatever the user references. [KI mach_port_destroy] */
TEST(destroy_takes_all_rights_of_the_name)
{
    mach_port_t port = new_port_send(), dead = new_dead_name();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 100), KERN_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    REQUIRE_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 100), KERN_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, dead), KERN_SUCCESS);
    EXPECT_EQ(type_of(dead), MACH_PORT_TYPE_NONE);
}

/* Each routine that takes a name says KERN_INVALID_NAME of one that denotes nothing.
 * [mach_port.defs] */
TEST(no_routine_takes_a_name_of_nothing)
{
    mach_port_t none = MACH_PORT_MAKE(0x6000, 1), port = new_port(), set = new_set();

    expect_refused_by_all(SELF, none, set, KERN_INVALID_NAME);
    EXPECT_KR(mach_port_move_member(SELF, port, none), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_insert_member(SELF, port, none), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_extract_member(SELF, port, none), KERN_INVALID_NAME);
    destroy(port, set);
}

/* What is about receive rights or sets says KERN_INVALID_RIGHT of another right.
 * [mach_port.defs] */
TEST(each_routine_wants_the_right_it_is_about)
{
    struct parked parked = park();
    mach_port_t wrong[3] = {parked.port, new_dead_name(), new_set()};
    mach_port_t set = new_set(), port = new_port();
    mach_port_name_array_t members;
    mach_msg_type_number_t count;
    mach_port_status_t status;

    for (int i = 0; i < 3; i++) {
        EXPECT_KR(mach_port_set_qlimit(SELF, wrong[i], 1), KERN_INVALID_RIGHT);
        EXPECT_KR(mach_port_set_mscount(SELF, wrong[i], 1), KERN_INVALID_RIGHT);
        EXPECT_KR(mach_port_set_seqno(SELF, wrong[i], 1), KERN_INVALID_RIGHT);
        EXPECT_KR(mach_port_get_receive_status(SELF, wrong[i], &status), KERN_INVALID_RIGHT);
        EXPECT_KR(mach_port_move_member(SELF, wrong[i], set), KERN_INVALID_RIGHT);
        EXPECT_KR(mach_port_insert_member(SELF, wrong[i], set), KERN_INVALID_RIGHT);
        EXPECT_KR(mach_port_extract_member(SELF, wrong[i], set), KERN_INVALID_RIGHT);
        EXPECT_KR(request(wrong[i], MACH_NOTIFY_NO_SENDERS, 0, MACH_PORT_NULL), KERN_INVALID_RIGHT);
        EXPECT_KR(request(wrong[i], MACH_NOTIFY_PORT_DESTROYED, 0, MACH_PORT_NULL),
                  KERN_INVALID_RIGHT);
    }
    EXPECT_KR(mach_port_get_set_status(SELF, port, &members, &count), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_insert_member(SELF, port, port), KERN_INVALID_RIGHT);
    mach_port_destroy(SELF, wrong[1]);
    mach_port_destroy(SELF, wrong[2]);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
    park_end(&parked);
}

/* A space has room for as many names as there is memory. [KP, port names] */
TEST(ten_thousand_names)
{
    static mach_port_t names[10000];

    for (int i = 0; i < 10000; i++)
        REQUIRE_TRUE((names[i] = new_port()) != MACH_PORT_NULL);
    for (int i = 0; i < 10000; i++)
        REQUIRE_KR(mach_port_destroy(SELF, names[i]), KERN_SUCCESS);
}

TEST_MAIN
