/*
 * Mach by example, 2: rights and their user references. A name counts how often its task was given
 * the right; that is nobody else's business. Rights are inserted into and extracted from other
 * tasks here; how they travel in messages is chapter 9's.
 */
#include "mach_rights.h"

/* Send rights to one port have one name in a space, which counts them. [KP, send rights] */
TEST(send_rights_merge_and_count_user_references)
{
    mach_port_t port = new_port();

    for (int i = 1; i <= 5; i++) {
        REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
        EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), i);
    }
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_RECEIVE), 1);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -5), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

/* References can be added and taken; taking more than there are is KERN_INVALID_VALUE, and takes
 * none. [KI mach_port_mod_refs] */
TEST(mod_refs_never_goes_below_zero)
{
    mach_port_t port = new_port_send();

    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 4), KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -3), KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -3), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, INT32_MIN), KERN_INVALID_VALUE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

/* A delta of 0 asks only whether the name denotes that right. [KI mach_port_mod_refs] */
TEST(mod_refs_by_zero_changes_nothing)
{
    mach_port_t port = new_port_send(), dead = new_dead_name(), set = new_set();
    mach_port_t once = new_send_once(port);
    static struct space_state before;

    state_take(&before);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 0), KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, 0), KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, 0), KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, 0), KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 0), KERN_SUCCESS);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, once);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, dead);
    mach_port_destroy(SELF, set);
}

/* A right that the name does not denote is KERN_INVALID_RIGHT, one there is not KERN_INVALID_VALUE.
 * [KI mach_port_mod_refs] */
TEST(mod_refs_wants_a_right_of_the_name)
{
    mach_port_t port = new_port(), dead = new_dead_name();

    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND_ONCE, -1), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_PORT_SET, -1), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_DEAD_NAME, -1), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_SEND, -1), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_NUMBER, 1), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, port, ~0U, 1), KERN_INVALID_VALUE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, dead);
}

/* Of receive rights, send-once rights and sets there is one each: no reference can be added, no
 * two taken. [KI mach_port_mod_refs] */
TEST(receive_once_and_set_rights_are_not_counted)
{
    mach_port_t port = new_port(), once = new_send_once(port), set = new_set();

    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, 1), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -2), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, 1), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, -2), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, 1), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, -1), KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, -1), KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port) | type_of(once) | type_of(set), MACH_PORT_TYPE_NONE);
}

/* A name has at most 65535 references: one more is KERN_UREFS_OVERFLOW, and changes nothing.
 * [KI mach_port_mod_refs] */
TEST(user_references_overflow_is_refused)
{
    mach_port_t port = new_port_send();

    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX),
              KERN_UREFS_OVERFLOW);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, INT32_MAX), KERN_UREFS_OVERFLOW);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 1),
              KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), MACH_PORT_UREFS_MAX);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 1), KERN_UREFS_OVERFLOW);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), MACH_PORT_UREFS_MAX);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

/* Inserting a send right where 65535 are counted is KERN_UREFS_OVERFLOW. [KI
 * mach_port_insert_right] */
TEST(insert_right_does_not_overflow_references)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 1),
               KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND),
              KERN_UREFS_OVERFLOW);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), MACH_PORT_UREFS_MAX);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -MACH_PORT_UREFS_MAX),
              KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_srights, FALSE); /* the right refused is gone, not leaked */
    mach_port_destroy(SELF, port);
}

/* A send right that arrives in a message where 65535 are counted is received, and counts no more.
 * [KP, user references; ipc_right_copy.c] */
TEST(references_stick_at_the_maximum_on_arrival)
{
    mach_port_t port = new_port_send();
    struct carrier m;

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 1),
               KERN_SUCCESS);
    REQUIRE_KR(send_right(port, port, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, port);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), MACH_PORT_UREFS_MAX);
    mach_port_destroy(SELF, port);
}

/* Of a right that the name does not denote there are 0 references. [KI mach_port_get_refs] */
TEST(get_refs_of_a_right_not_held_is_zero)
{
    mach_port_t port = new_port();
    mach_port_urefs_t refs;

    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_RECEIVE), 1);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 0);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND_ONCE), 0);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_PORT_SET), 0);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 0);
    EXPECT_KR(mach_port_get_refs(SELF, port, MACH_PORT_RIGHT_NUMBER, &refs), KERN_INVALID_VALUE);
    mach_port_destroy(SELF, port);
}

/* mach_port_deallocate takes one reference of a send right; the last takes the name.
 * [KI mach_port_deallocate] */
TEST(deallocate_takes_one_reference)
{
    struct parked parked = park();

    REQUIRE_KR(mach_port_mod_refs(SELF, parked.port, MACH_PORT_RIGHT_SEND, 1), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, parked.port), KERN_SUCCESS);
    EXPECT_EQ(refs_of(parked.port, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_KR(mach_port_deallocate(SELF, parked.port), KERN_SUCCESS);
    EXPECT_EQ(type_of(parked.port), MACH_PORT_TYPE_NONE);
    park_end(&parked);
}

/* Beside a receive right the last send reference takes the send right only.
 * [KI mach_port_deallocate] */
TEST(deallocate_leaves_the_receive_right)
{
    mach_port_t port = new_port_send();

    EXPECT_KR(mach_port_deallocate(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_deallocate(SELF, port), KERN_INVALID_RIGHT);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    mach_port_destroy(SELF, port);
}

/* Receive rights and sets are not for mach_port_deallocate: KERN_INVALID_RIGHT.
 * [KI mach_port_deallocate] */
TEST(deallocate_is_for_send_rights_and_dead_names)
{
    mach_port_t port = new_port(), set = new_set(), dead = new_dead_name();

    EXPECT_KR(mach_port_deallocate(SELF, port), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_deallocate(SELF, set), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_deallocate(SELF, dead), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, MACH_PORT_MAKE(0x7777, 1)), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, set), KERN_SUCCESS);
}

/* ---- into another task, and out of it ---- */

static mach_port_type_t type_in(task_t task, mach_port_name_t name)
{
    mach_port_type_t type;

    return mach_port_type(task, name, &type) == KERN_SUCCESS ? type : MACH_PORT_TYPE_NONE;
}

static uint32_t refs_in(task_t task, mach_port_name_t name, mach_port_right_t right)
{
    mach_port_urefs_t refs;

    return mach_port_get_refs(task, name, right, &refs) == KERN_SUCCESS ? refs : ~0U;
}

static task_t new_task(void)
{
    task_t task = MACH_PORT_NULL;

    task_create(SELF, FALSE, &task);
    return task;
}

static void end_task(task_t task)
{
    task_terminate(task);
    mach_port_deallocate(SELF, task);
}

/* Each disposition that yields a send right inserts one under the name chosen; COPY and MAKE
 * leave ours, MOVE takes a reference of it. [KI mach_port_insert_right] */
TEST(insert_send_by_each_disposition)
{
    mach_port_t port = new_port_send(), name = MACH_PORT_MAKE(40, 1);
    task_t child = new_task();

    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_MOVE_SEND), KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 0);
    EXPECT_EQ(type_in(child, name), MACH_PORT_TYPE_SEND);
    EXPECT_EQ(refs_in(child, name, MACH_PORT_RIGHT_SEND), 3);
    end_task(child);
    mach_port_destroy(SELF, port);
}

/* Both dispositions that yield a send-once right insert one. [KI mach_port_insert_right] */
TEST(insert_send_once_by_each_disposition)
{
    mach_port_t port = new_port(), once = new_send_once(port);
    mach_port_t first = MACH_PORT_MAKE(41, 1), second = MACH_PORT_MAKE(42, 1);
    task_t child = new_task();

    EXPECT_KR(mach_port_insert_right(child, first, port, MACH_MSG_TYPE_MAKE_SEND_ONCE),
              KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(child, second, once, MACH_MSG_TYPE_MOVE_SEND_ONCE),
              KERN_SUCCESS);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(type_in(child, first), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_EQ(type_in(child, second), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_EQ(status_of(port).mps_sorights, 2);
    end_task(child);
    mach_port_destroy(SELF, port);
}

/* A receive right can be inserted; it joins a send right to the same port, under that name.
 * [KI mach_port_insert_right] */
TEST(insert_receive_joins_the_send_right)
{
    mach_port_t port = new_port(), name = MACH_PORT_MAKE(43, 1);
    task_t child = new_task();

    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(child, MACH_PORT_MAKE(44, 1), port, MACH_MSG_TYPE_MAKE_SEND),
              KERN_RIGHT_EXISTS);
    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_MOVE_RECEIVE), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(type_in(child, name), MACH_PORT_TYPE_SEND_RECEIVE);
    end_task(child);
}

/* A name that denotes something else is KERN_NAME_EXISTS. [KI mach_port_insert_right] */
TEST(insert_right_wants_a_free_name)
{
    mach_port_t port = new_port_send(), other = new_port(), once = new_send_once(other);

    EXPECT_KR(mach_port_insert_right(SELF, other, port, MACH_MSG_TYPE_COPY_SEND), KERN_RIGHT_EXISTS);
    EXPECT_KR(mach_port_insert_right(SELF, once, other, MACH_MSG_TYPE_MAKE_SEND_ONCE),
              KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_insert_right(SELF, port, other, MACH_MSG_TYPE_MAKE_SEND_ONCE),
              KERN_NAME_EXISTS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, once);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, other);
}

/* A task that knows the port by one name is not given it under another: KERN_RIGHT_EXISTS.
 * [KI mach_port_insert_right] */
TEST(insert_right_never_gives_a_second_name)
{
    mach_port_t port = new_port_send(), name = MACH_PORT_MAKE(45, 1);
    task_t child = new_task();

    REQUIRE_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(child, MACH_PORT_MAKE(46, 1), port, MACH_MSG_TYPE_COPY_SEND),
              KERN_RIGHT_EXISTS);
    EXPECT_EQ(type_in(child, MACH_PORT_MAKE(46, 1)), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(refs_in(child, name, MACH_PORT_RIGHT_SEND), 1);
    end_task(child);
    mach_port_destroy(SELF, port);
}

/* Null and dead rights cannot be inserted: KERN_INVALID_CAPABILITY. Nor can a right be named
 * null or dead: KERN_INVALID_VALUE. [KI mach_port_insert_right] */
TEST(insert_right_wants_a_right_and_a_name)
{
    mach_port_t port = new_port_send(), dead = new_dead_name(), name = MACH_PORT_MAKE(47, 1);

    EXPECT_KR(mach_port_insert_right(SELF, name, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND),
              KERN_INVALID_CAPABILITY);
    EXPECT_KR(mach_port_insert_right(SELF, name, MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND),
              KERN_INVALID_CAPABILITY);
    EXPECT_KR(mach_port_insert_right(SELF, name, dead, MACH_MSG_TYPE_COPY_SEND),
              KERN_INVALID_CAPABILITY);
    EXPECT_KR(mach_port_insert_right(SELF, MACH_PORT_NULL, port, MACH_MSG_TYPE_COPY_SEND),
              KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_insert_right(SELF, MACH_PORT_DEAD, port, MACH_MSG_TYPE_COPY_SEND),
              KERN_INVALID_VALUE);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_NONE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, dead);
}

/* A send right extracted by COPY stays in the task, by MOVE it loses a reference, by MAKE the
 * receive right makes a new one. [KI mach_port_extract_right] */
TEST(extract_send_by_each_disposition)
{
    mach_port_t name = MACH_PORT_MAKE(50, 2), port = MACH_PORT_NULL, again = MACH_PORT_NULL;
    mach_msg_type_name_t type = 0;
    task_t child = new_task();

    REQUIRE_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_COPY_SEND, &port, &type),
              KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_MAKE_SEND, &port, &type),
              KERN_SUCCESS);
    EXPECT_EQ(type, MACH_MSG_TYPE_PORT_SEND);
    EXPECT_EQ(type_in(child, name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_COPY_SEND, &again, &type),
              KERN_SUCCESS);
    EXPECT_EQ(again, port);
    EXPECT_EQ(type_in(child, name), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_MOVE_SEND, &again, &type),
              KERN_SUCCESS);
    EXPECT_EQ(type_in(child, name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 3);
    end_task(child);
    mach_port_destroy(SELF, port);
}

/* A send-once right can be made from another's receive right, or taken. [KI
 * mach_port_extract_right] */
TEST(extract_send_once_by_each_disposition)
{
    mach_port_t name = MACH_PORT_MAKE(51, 2), held = MACH_PORT_MAKE(52, 1);
    mach_port_t once = MACH_PORT_NULL, other = MACH_PORT_NULL, mine = new_port();
    mach_msg_type_name_t type = 0;
    task_t child = new_task();

    REQUIRE_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type),
              KERN_SUCCESS);
    EXPECT_EQ(type, MACH_MSG_TYPE_PORT_SEND_ONCE);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_SEND_ONCE);
    REQUIRE_KR(mach_port_insert_right(child, held, mine, MACH_MSG_TYPE_MAKE_SEND_ONCE),
               KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_right(child, held, MACH_MSG_TYPE_COPY_SEND, &other, &type),
              KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(child, held, MACH_MSG_TYPE_MOVE_SEND_ONCE, &other, &type),
              KERN_SUCCESS);
    EXPECT_EQ(type_in(child, held), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(type_of(other), MACH_PORT_TYPE_SEND_ONCE);
    end_task(child);
    mach_port_destroy(SELF, once);
    mach_port_destroy(SELF, other);
    mach_port_destroy(SELF, mine);
}

/* The receive right can be taken out of another task. [KI mach_port_extract_right] */
TEST(extract_right_takes_it_out_of_another_task)
{
    mach_port_t name = MACH_PORT_MAKE(53, 2), port = MACH_PORT_NULL;
    mach_msg_type_name_t type;
    task_t child = new_task();

    EXPECT_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_MOVE_RECEIVE, &port, &type),
              KERN_SUCCESS);
    EXPECT_EQ(type, MACH_MSG_TYPE_PORT_RECEIVE);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(type_in(child, name), MACH_PORT_TYPE_NONE);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
    end_task(child);
}

/* What is extracted must be there, and be asked for by one of the six dispositions.
 * [KI mach_port_extract_right] */
TEST(extract_right_checks_name_right_and_disposition)
{
    mach_port_t port = new_port(), set = new_set(), out;
    mach_msg_type_name_t type;
    static struct space_state before;

    state_take(&before);
    EXPECT_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_COPY_SEND, &out, &type),
              KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MOVE_SEND, &out, &type),
              KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MOVE_SEND_ONCE, &out, &type),
              KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(SELF, set, MACH_MSG_TYPE_MOVE_RECEIVE, &out, &type),
              KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_extract_right(SELF, port, 15, &out, &type), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_extract_right(SELF, port, 22, &out, &type), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_extract_right(SELF, port, 0, &out, &type), KERN_INVALID_VALUE);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, set);
}

/* A task's rights die with it: a port it received on is dead, a send right it had is no sender.
 * [KI task_terminate] */
TEST(a_tasks_rights_go_with_the_task)
{
    mach_port_t mine = new_port(), name = MACH_PORT_MAKE(54, 1), theirs = MACH_PORT_NULL;
    mach_msg_type_name_t type;
    task_t child = new_task();

    REQUIRE_KR(mach_port_insert_right(child, name, mine, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    REQUIRE_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_MAKE(55, 1)),
               KERN_SUCCESS);
    REQUIRE_KR(mach_port_extract_right(child, MACH_PORT_MAKE(55, 1), MACH_MSG_TYPE_MAKE_SEND,
                                       &theirs, &type), KERN_SUCCESS);
    EXPECT_TRUE(status_of(mine).mps_srights);
    EXPECT_KR(task_terminate(child), KERN_SUCCESS);
    for (int ms = 0; ms < 5000 && (status_of(mine).mps_srights || type_of(theirs)
                                   != MACH_PORT_TYPE_DEAD_NAME); ms += 5)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 5);
    EXPECT_EQ(status_of(mine).mps_srights, FALSE);
    EXPECT_EQ(type_of(theirs), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_deallocate(SELF, child);
    mach_port_deallocate(SELF, theirs);
    mach_port_destroy(SELF, mine);
}

TEST_MAIN
