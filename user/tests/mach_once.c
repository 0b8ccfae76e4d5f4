/*
 * Mach by example, 4: send-once rights. A promise that exactly one message will come: by the
 * right's use, or, if it is destroyed, from the kernel. So a client that gives a server a send-once
 * right to reply to is answered.
 */
#include "mach_rights.h"

/* Each send-once right has a name of its own: they never merge, neither with each other nor with
 * other rights. [KP, send-once rights] */
TEST(send_once_rights_never_merge)
{
    mach_port_t port = new_port_send(), once[4];

    for (int i = 0; i < 4; i++) {
        once[i] = new_send_once(port);
        EXPECT_TRUE(once[i] != port);
        EXPECT_EQ(refs_of(once[i], MACH_PORT_RIGHT_SEND_ONCE), 1);
        for (int j = 0; j < i; j++)
            EXPECT_TRUE(once[i] != once[j]);
    }
    for (int i = 0; i < 4; i++)
        mach_port_deallocate(SELF, once[i]);
    mach_port_destroy(SELF, port);
}

/* A send-once right is good for one message; its name goes with it. [KI mach_msg] */
TEST(a_send_once_right_is_used_up_by_one_message)
{
    mach_port_t port = new_port(), once = new_send_once(port);
    struct small m;

    REQUIRE_KR(send_word(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 42, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_NONE);
    EXPECT_KR(send_word(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 43, 0, 0), MACH_SEND_INVALID_DEST);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 42);
    EXPECT_EQ(MACH_MSGH_BITS_LOCAL(m.header.msgh_bits), MACH_MSG_TYPE_PORT_SEND_ONCE);
    EXPECT_EQ(status_of(port).mps_sorights, 0);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT); /* and nothing else */
    mach_port_destroy(SELF, port);
}

/* It can be moved, but neither copied nor used as a send right. [KP, send-once rights] */
TEST(a_send_once_right_cannot_be_copied)
{
    mach_port_t port = new_port(), box = new_port_send(), once = new_send_once(port);

    EXPECT_KR(send_right(box, once, MACH_MSG_TYPE_COPY_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(send_right(box, once, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(send_word(once, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(once, MACH_MSG_TYPE_MOVE_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_KR(send_right(box, once, MACH_MSG_TYPE_MOVE_SEND_ONCE), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_NONE);
    mach_port_destroy(SELF, box);
    mach_port_destroy(SELF, port);
}

/* Destroyed unused, it sends a send-once notification to its port. [KI mach_notify_send_once] */
TEST(a_send_once_right_destroyed_unused_is_told)
{
    mach_port_t port = new_port(), once = new_send_once(port);

    EXPECT_KR(mach_port_deallocate(SELF, once), KERN_SUCCESS);
    EXPECT_EQ(note_id(port), MACH_NOTIFY_SEND_ONCE);
    once = new_send_once(port);
    EXPECT_KR(mach_port_destroy(SELF, once), KERN_SUCCESS);
    EXPECT_EQ(note_id(port), MACH_NOTIFY_SEND_ONCE);
    once = new_send_once(port);
    EXPECT_KR(mach_port_mod_refs(SELF, once, MACH_PORT_RIGHT_SEND_ONCE, -1), KERN_SUCCESS);
    EXPECT_EQ(note_id(port), MACH_NOTIFY_SEND_ONCE);
    EXPECT_EQ(note_id(port), 0);
    mach_port_destroy(SELF, port);
}

/* Each right destroyed is told by a notification of its own; each is numbered like a message.
 * [KI mach_notify_send_once] */
TEST(each_destroyed_send_once_right_is_told)
{
    mach_port_t port = new_port(), once[20];
    struct small m;

    for (int i = 0; i < 20; i++)
        once[i] = new_send_once(port);
    for (int i = 0; i < 20; i++)
        mach_port_deallocate(SELF, once[i]);
    EXPECT_EQ(status_of(port).mps_msgcount, 20);
    for (int i = 0; i < 20; i++) {
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
        EXPECT_EQ(m.header.msgh_seqno, i);
        EXPECT_EQ(m.header.msgh_local_port, port);
        EXPECT_EQ(m.header.msgh_remote_port, MACH_PORT_NULL);
    }
    EXPECT_EQ(note_id(port), 0);
    mach_port_destroy(SELF, port);
}

/* It is told also when the right was in a message that is destroyed. [KI mach_notify_send_once] */
TEST(a_send_once_right_destroyed_in_a_message_is_told)
{
    mach_port_t port = new_port(), box = new_port_send();

    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MAKE_SEND_ONCE), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(port), 0);
    mach_port_destroy(SELF, box);
    EXPECT_EQ(note_id(port), MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, port);
}

/* It is told also when the task that had it ends. [KI mach_notify_send_once] */
TEST(a_send_once_right_that_dies_with_its_task_is_told)
{
    mach_port_t port = new_port();
    task_t child;
    struct small m;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(child, MACH_PORT_MAKE(60, 1), port,
                                     MACH_MSG_TYPE_MAKE_SEND_ONCE), KERN_SUCCESS);
    EXPECT_KR(task_terminate(child), KERN_SUCCESS);
    EXPECT_KR(receive_word(port, &m, 5000), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
    mach_port_deallocate(SELF, child);
    mach_port_destroy(SELF, port);
}

/* A message by a send-once right is queued though the queue is full. [KI mach_msg] */
TEST(send_once_messages_pass_a_full_queue)
{
    mach_port_t port = new_port_send();

    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0),
                   MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 9, MACH_SEND_TIMEOUT, 0),
              MACH_MSG_SUCCESS);
    EXPECT_EQ(status_of(port).mps_msgcount, MACH_PORT_QLIMIT_DEFAULT + 1);
    mach_port_destroy(SELF, port);
}

/* Who receives on a port can send to it by making the send-once right in the header. [KI
 * mach_msg] */
TEST(make_send_once_in_the_header)
{
    mach_port_t port = new_port();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 3, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 3);
    mach_port_destroy(SELF, port);
}

/* When the port dies, a send-once right is a dead name with one reference. [KP, dead names] */
TEST(a_send_once_right_to_a_dead_port_is_a_dead_name)
{
    mach_port_t port = new_port(), once = new_send_once(port);

    mach_port_destroy(SELF, port);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(once, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_KR(mach_port_deallocate(SELF, once), KERN_SUCCESS);
}

/* A server that destroys a request instead of answering it answers the client all the same.
 * [KI mach_notify_send_once] */
TEST(an_unanswered_request_is_answered_by_the_kernel)
{
    mach_port_t port = new_port_send(), reply = new_port();
    struct small m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = port, .msgh_local_port = reply}};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    mach_msg_destroy(&m.header);
    EXPECT_EQ(note_id(reply), MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, reply);
}

TEST_MAIN
