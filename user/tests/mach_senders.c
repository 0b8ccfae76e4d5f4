/*
 * Mach by example, 6: no senders. Who receives on a port can be told when the last send right to it
 * is gone: so servers know that an object's last client has lost interest. The make-send count
 * keeps this free of races.
 */
#include "mach_rights.h"

/* The notification comes once, when the last send right goes, with the make-send count.
 * [KI mach_notify_no_senders] */
TEST(no_senders_comes_once_when_the_last_send_right_goes)
{
    mach_port_t port = new_port_send(), notify = new_port();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 1), KERN_SUCCESS);
    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), 0);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), 0);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1), KERN_SUCCESS);
    EXPECT_NOTE(notify, MACH_NOTIFY_NO_SENDERS, 1);
    EXPECT_EQ(note_id(notify), 0);
    EXPECT_EQ(status_of(port).mps_nsrequest, FALSE);
    destroy(port, notify);
}

/* If there are no senders at the request, and the count is reached, it comes at once.
 * [KI mach_port_request_notification] */
TEST(no_senders_comes_at_once_if_there_are_none)
{
    mach_port_t port = new_port(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), KERN_SUCCESS);
    EXPECT_NOTE(notify, MACH_NOTIFY_NO_SENDERS, 0);
    EXPECT_EQ(status_of(port).mps_nsrequest, FALSE);
    destroy(port, notify);
}

/* A sync above the make-send count defers it: the right that the requester knows of is still to
 * be made. [KI mach_port_request_notification] */
TEST(sync_waits_for_rights_yet_to_be_made)
{
    mach_port_t port = new_port(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), 0); /* no senders, but none was made */
    REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), 0);
    REQUIRE_KR(mach_port_deallocate(SELF, port), KERN_SUCCESS);
    EXPECT_NOTE(notify, MACH_NOTIFY_NO_SENDERS, 1);
    destroy(port, notify);
}

/* The count in the notification shows that rights were made after the request. [KP, no-senders] */
TEST(the_count_tells_of_rights_made_since)
{
    mach_port_t port = new_port_send(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    for (int i = 0; i < 3; i++)
        mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -4), KERN_SUCCESS);
    EXPECT_NOTE(notify, MACH_NOTIFY_NO_SENDERS, 4);
    destroy(port, notify);
}

/* Setting the make-send count to what a request waits for sends it. [KI mach_port_set_mscount] */
TEST(set_mscount_can_make_it_due)
{
    mach_port_t port = new_port(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 5, notify), KERN_SUCCESS);
    REQUIRE_KR(mach_port_set_mscount(SELF, port, 4), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), 0);
    REQUIRE_KR(mach_port_set_mscount(SELF, port, 6), KERN_SUCCESS);
    EXPECT_NOTE(notify, MACH_NOTIFY_NO_SENDERS, 6);
    destroy(port, notify);
}

/* A send right in a message is a sender; when the message is destroyed, it is not any more.
 * [KI mach_notify_no_senders] */
TEST(a_right_in_transit_is_a_sender)
{
    mach_port_t port = new_port_send(), notify = new_port(), box = new_port_send();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(note_id(notify), 0);
    mach_port_destroy(SELF, box);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_NO_SENDERS);
    destroy(port, notify);
}

/* The right that a queued message was sent by is a sender until the message is received. [KI
 * mach_msg] */
TEST(a_queued_message_is_a_sender)
{
    mach_port_t port = new_port_send(), notify = new_port();
    struct small m;

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_MOVE_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(note_id(notify), 0);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_NO_SENDERS);
    destroy(port, notify);
}

/* Send-once rights are no senders. [KI mach_notify_no_senders] */
TEST(send_once_rights_are_no_senders)
{
    mach_port_t port = new_port_send(), notify = new_port(), once = new_send_once(port);

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    REQUIRE_KR(mach_port_deallocate(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_NO_SENDERS);
    destroy(once, port, notify);
}

/* It comes also when the last sender is a task that ends. [KI mach_notify_no_senders] */
TEST(no_senders_when_the_last_sending_task_ends)
{
    mach_port_t port = new_port(), notify = new_port();
    struct small m;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_right(child, MACH_PORT_MAKE(70, 1), port, MACH_MSG_TYPE_MAKE_SEND),
               KERN_SUCCESS);
    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    EXPECT_KR(receive_word(notify, &m, 10), MACH_RCV_TIMED_OUT);
    EXPECT_KR(task_terminate(child), KERN_SUCCESS);
    EXPECT_KR(receive_word(notify, &m, 5000), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_NO_SENDERS);
    mach_port_deallocate(SELF, child);
    destroy(port, notify);
}

/* A request is for one notification: for the next time there must be another.
 * [KI mach_port_request_notification] */
TEST(a_request_is_used_up_by_its_notification)
{
    mach_port_t port = new_port_send(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    mach_port_deallocate(SELF, port);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_NO_SENDERS);
    REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    mach_port_deallocate(SELF, port);
    EXPECT_EQ(note_id(notify), 0);
    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 2, notify), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_NO_SENDERS);
    destroy(port, notify);
}

/* A new request replaces the old one, whose send-once right is given back.
 * [KI mach_port_request_notification] */
TEST(a_new_request_returns_the_right_of_the_old)
{
    mach_port_t port = new_port_send(), first = new_port(), second = new_port(), previous = 7;

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, first), KERN_SUCCESS);
    REQUIRE_KR(request_of(SELF, port, MACH_NOTIFY_NO_SENDERS, 1, second, &previous), KERN_SUCCESS);
    EXPECT_EQ(type_of(previous), MACH_PORT_TYPE_SEND_ONCE);
    mach_port_deallocate(SELF, previous);
    EXPECT_EQ(note_id(first), MACH_NOTIFY_SEND_ONCE);
    mach_port_deallocate(SELF, port);
    EXPECT_EQ(note_id(second), MACH_NOTIFY_NO_SENDERS);
    EXPECT_EQ(note_id(first), 0);
    destroy(port, first, second);
}

/* A request with a null right cancels, and gives the registered right back.
 * [KI mach_port_request_notification] */
TEST(cancelling_a_request_returns_the_registered_right)
{
    mach_port_t port = new_port_send(), notify = new_port(), previous = 0;

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    REQUIRE_KR(request_of(SELF, port, MACH_NOTIFY_NO_SENDERS, 1, MACH_PORT_NULL, &previous),
               KERN_SUCCESS);
    EXPECT_EQ(type_of(previous), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_KR(mach_port_deallocate(SELF, previous), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE);
    mach_port_deallocate(SELF, port);
    EXPECT_EQ(note_id(notify), 0);
    destroy(port, notify);
}

/* If the port dies first, the registered right is destroyed, which its port is told of.
 * [KI mach_port_request_notification] */
TEST(the_ports_death_voids_the_request)
{
    mach_port_t port = new_port_send(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE);
    EXPECT_EQ(note_id(notify), 0);
    mach_port_destroy(SELF, notify);
}

/* The request stays with the port when its receive right moves. [KI
 * mach_port_request_notification] */
TEST(the_request_moves_with_the_receive_right)
{
    mach_port_t port = new_port_send(), notify = new_port(), box = new_port_send();
    struct carrier m;

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(notify), 0);
    EXPECT_KR(mach_port_deallocate(SELF, port), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_NO_SENDERS); /* while nobody receives on it */
    REQUIRE_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(status_of(m.port.name).mps_nsrequest, FALSE);
    destroy(m.port.name, box, notify);
}

/* A message that could not be sent leaves the count of rights made as it was. [KI mach_msg] */
TEST(a_failed_send_makes_no_right)
{
    mach_port_t port = new_port(), notify = new_port(), box = new_port_send();

    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), KERN_SUCCESS);
    EXPECT_KR(send_in_vain(box, port, MACH_MSG_TYPE_MAKE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(note_id(notify), 0);
    EXPECT_EQ(status_of(port).mps_mscount, 0);
    EXPECT_EQ(status_of(port).mps_nsrequest, TRUE);
    destroy(port, box, notify);
}

TEST_MAIN
