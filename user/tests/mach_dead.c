/*
 * Mach by example, 5: dead names. When a port dies, every right to it becomes a dead name, under
 * the name it had: so the name is not free for another right while the task still believes it has
 * the first.
 */
#include "mach_rights.h"

/* A send right to a port that dies becomes a dead name, with its user references. [KP, dead
 * names] */
TEST(a_send_right_becomes_a_dead_name_when_the_port_dies)
{
    struct parked parked = park();

    REQUIRE_KR(mach_port_mod_refs(SELF, parked.port, MACH_PORT_RIGHT_SEND, 2), KERN_SUCCESS);
    park_kill(&parked);
    EXPECT_EQ(type_of(parked.port), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(parked.port, MACH_PORT_RIGHT_DEAD_NAME), 3);
    EXPECT_EQ(refs_of(parked.port, MACH_PORT_RIGHT_SEND), 0);
    park_end(&parked);
}

/* A message to a dead name is MACH_SEND_INVALID_DEST, and takes no reference. [KI mach_msg] */
TEST(a_dead_name_is_no_destination)
{
    mach_port_t dead = new_dead_name();

    EXPECT_KR(send_word(dead, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(dead, MACH_MSG_TYPE_MOVE_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(dead, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(dead, MACH_MSG_TYPE_MAKE_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    mach_port_deallocate(SELF, dead);
}

/* Each dead-name reference is given up by itself; the last frees the name. [KI
 * mach_port_deallocate] */
TEST(deallocate_takes_a_reference_of_a_dead_name)
{
    mach_port_t dead = new_dead_name();

    REQUIRE_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 1), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, dead), KERN_SUCCESS);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_KR(mach_port_deallocate(SELF, dead), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, dead), KERN_INVALID_NAME);
}

/* A dead name has at most 65535 references, and not less than none. [KI mach_port_mod_refs] */
TEST(dead_name_references_have_bounds)
{
    mach_port_t dead = new_dead_name();

    EXPECT_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, MACH_PORT_UREFS_MAX),
              KERN_UREFS_OVERFLOW);
    EXPECT_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, MACH_PORT_UREFS_MAX - 1),
              KERN_SUCCESS);
    EXPECT_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 1), KERN_UREFS_OVERFLOW);
    EXPECT_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, -MACH_PORT_UREFS_MAX - 1),
              KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, -MACH_PORT_UREFS_MAX),
              KERN_SUCCESS);
    EXPECT_EQ(type_of(dead), MACH_PORT_TYPE_NONE);
}

/* A dead name sent by COPY or MOVE arrives as MACH_PORT_DEAD; MOVE takes a reference. [KI
 * mach_msg] */
TEST(a_dead_name_travels_as_mach_port_dead)
{
    mach_port_t port = new_port_send(), dead = new_dead_name();
    static const mach_msg_type_name_t how[3] = {
        MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND_ONCE};
    struct carrier m;

    REQUIRE_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 2), KERN_SUCCESS);
    for (int i = 0; i < 3; i++) {
        REQUIRE_KR(send_right(port, dead, how[i]), MACH_MSG_SUCCESS);
        EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 3 - i);
        REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, MACH_PORT_DEAD);
    }
    mach_port_deallocate(SELF, dead);
    mach_port_destroy(SELF, port);
}

/* Nothing can be made of a dead name: MACH_SEND_INVALID_RIGHT. [KI mach_msg] */
TEST(nothing_is_made_of_a_dead_name)
{
    mach_port_t port = new_port_send(), dead = new_dead_name();

    EXPECT_KR(send_right(port, dead, MACH_MSG_TYPE_MAKE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(send_right(port, dead, MACH_MSG_TYPE_MAKE_SEND_ONCE), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(send_right(port, dead, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    mach_port_deallocate(SELF, dead);
    mach_port_destroy(SELF, port);
}

/* A right whose port dies while it is in a message arrives as MACH_PORT_DEAD. [KI mach_msg] */
TEST(a_right_that_dies_in_a_message_arrives_dead)
{
    mach_port_t port = new_port_send(), cargo = new_port_send();
    struct carrier m;

    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MAKE_SEND_ONCE), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, cargo);
    for (int i = 0; i < 2; i++) {
        REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, MACH_PORT_DEAD);
    }
    mach_port_destroy(SELF, port);
}

/* A dead name keeps its name from being given out: a new right gets another. [KP, dead names] */
TEST(a_dead_name_keeps_its_place)
{
    struct parked parked = park();
    mach_port_t fresh[10];

    park_kill(&parked);
    for (int i = 0; i < 10; i++) {
        fresh[i] = new_port();
        EXPECT_TRUE(fresh[i] != parked.port);
    }
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, parked.port),
              KERN_NAME_EXISTS);
    for (int i = 0; i < 10; i++)
        mach_port_destroy(SELF, fresh[i]);
    park_end(&parked);
}

/* A right that arrives dead adds no reference to the dead name that the task has. [KI mach_msg] */
TEST(a_right_that_arrives_dead_does_not_merge)
{
    struct parked parked = park();
    mach_port_t box = new_port_send();
    struct carrier m;

    REQUIRE_KR(send_right(box, parked.port, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(box, parked.port, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    park_kill(&parked);
    REQUIRE_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, MACH_PORT_DEAD); /* it does not merge with the dead name */
    EXPECT_EQ(refs_of(parked.port, MACH_PORT_RIGHT_DEAD_NAME), 1);
    mach_port_destroy(SELF, box);
    park_end(&parked);
}

/* As the reply right of a message, a dead name arrives as MACH_PORT_DEAD. [KI mach_msg] */
TEST(a_dead_reply_right_arrives_dead)
{
    mach_port_t port = new_port_send(), dead = new_dead_name();
    struct small m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND),
        .msgh_remote_port = port, .msgh_local_port = dead}};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_remote_port, MACH_PORT_DEAD);
    mach_port_deallocate(SELF, dead);
    mach_port_destroy(SELF, port);
}

TEST_MAIN
