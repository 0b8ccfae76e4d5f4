/*
 * Mach by example, 3: the receive right. There is one of it for each port; who has it receives,
 * makes the other rights, and says how the port behaves. When it goes, the port dies.
 */
#include "mach_rights.h"

/* The receive status tells the queue, its limit, the make-send count and whether there are senders.
 * [KI mach_port_get_receive_status] */
TEST(receive_status_tells_queue_and_counts)
{
    mach_port_t port = new_port_send();
    mach_port_status_t status;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_get_receive_status(SELF, port, &status), KERN_SUCCESS);
    EXPECT_EQ(status.mps_msgcount, 1);
    EXPECT_EQ(status.mps_qlimit, MACH_PORT_QLIMIT_DEFAULT);
    EXPECT_EQ(status.mps_mscount, 1);
    EXPECT_EQ(status.mps_seqno, 0);
    EXPECT_TRUE(status.mps_srights);
    EXPECT_EQ(status.mps_sorights, 0);
    EXPECT_EQ(status.mps_pset, MACH_PORT_NULL);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

/* A send right counts as a sender wherever it is: also in a message that nobody has received.
 * [KI mach_port_get_receive_status] */
TEST(receive_status_counts_rights_in_transit)
{
    mach_port_t port = new_port(), box = new_port_send();

    EXPECT_EQ(status_of(port).mps_srights, FALSE);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MAKE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(status_of(port).mps_srights, TRUE);
    mach_port_destroy(SELF, box);
    EXPECT_EQ(status_of(port).mps_srights, FALSE);
    mach_port_destroy(SELF, port);
}

/* Send-once rights are counted by themselves. [KI mach_port_get_receive_status] */
TEST(receive_status_counts_send_once_rights)
{
    mach_port_t port = new_port(), a = new_send_once(port), b = new_send_once(port);

    EXPECT_EQ(status_of(port).mps_sorights, 2);
    EXPECT_EQ(status_of(port).mps_srights, FALSE);
    REQUIRE_KR(send_word(a, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(status_of(port).mps_sorights, 2); /* the message waits on it */
    mach_port_destroy(SELF, b);
    EXPECT_EQ(status_of(port).mps_sorights, 1);
    mach_port_destroy(SELF, port);
}

/* The status says which notifications are requested, and a set that the port is in.
 * [KI mach_port_get_receive_status] */
TEST(receive_status_tells_requests_and_set)
{
    mach_port_t port = new_port_send(), notify = new_port(), set = new_set();

    EXPECT_EQ(status_of(port).mps_nsrequest, FALSE);
    EXPECT_EQ(status_of(port).mps_pdrequest, FALSE);
    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_nsrequest, TRUE);
    REQUIRE_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_pdrequest, TRUE);
    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 0, MACH_PORT_NULL), KERN_SUCCESS);
    REQUIRE_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, MACH_PORT_NULL), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_nsrequest, FALSE);
    EXPECT_EQ(status_of(port).mps_pdrequest, FALSE);
    REQUIRE_KR(mach_port_move_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_pset, set);
    mach_port_destroy(SELF, set);
    EXPECT_EQ(status_of(port).mps_pset, MACH_PORT_NULL);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

/* The queue limit goes from 0 to MACH_PORT_QLIMIT_MAX; more is KERN_INVALID_VALUE.
 * [KI mach_port_set_qlimit] */
TEST(qlimit_has_bounds)
{
    mach_port_t port = new_port();

    EXPECT_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_qlimit, 0);
    EXPECT_KR(mach_port_set_qlimit(SELF, port, MACH_PORT_QLIMIT_MAX), KERN_SUCCESS);
    EXPECT_KR(mach_port_set_qlimit(SELF, port, MACH_PORT_QLIMIT_MAX + 1), KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_set_qlimit(SELF, port, ~0U), KERN_INVALID_VALUE);
    EXPECT_EQ(status_of(port).mps_qlimit, MACH_PORT_QLIMIT_MAX);
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

/* Each send right made from the receive right adds one to the make-send count, no other does.
 * [KP, make-send count] */
TEST(only_making_counts_as_made)
{
    mach_port_t port = new_port(), box = new_port_send();
    struct carrier m;

    REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MAKE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(status_of(port).mps_mscount, 2);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MAKE_SEND_ONCE), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 5), KERN_SUCCESS);
    REQUIRE_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -7), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_mscount, 2);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
}

/* The make-send count can be set. [KI mach_port_set_mscount] */
TEST(set_mscount_sets_the_make_send_count)
{
    mach_port_t port = new_port_send();

    EXPECT_KR(mach_port_set_mscount(SELF, port, 40), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_mscount, 40);
    REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_mscount, 41);
    EXPECT_KR(mach_port_set_mscount(SELF, port, ~0U), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_mscount, 0); /* it wraps */
    mach_port_destroy(SELF, port);
}

/* The number of the next message received can be set. [KI mach_port_set_seqno] */
TEST(set_seqno_numbers_the_next_message)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 2, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_set_seqno(SELF, port, ~0U), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_seqno, ~0U);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_seqno, ~0U);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_seqno, 0);
    EXPECT_EQ(status_of(port).mps_seqno, 1);
    mach_port_destroy(SELF, port);
}

/* Only who has the receive right can make rights. [KP, port rights] */
TEST(making_needs_the_receive_right)
{
    struct parked parked = park();
    mach_port_t box = new_port_send();

    EXPECT_KR(send_right(box, parked.port, MACH_MSG_TYPE_MAKE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(send_right(box, parked.port, MACH_MSG_TYPE_MAKE_SEND_ONCE), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(send_right(box, parked.port, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, box);
    park_end(&parked);
}

/* When the receive right is given up the port dies, and a send right beside it is a dead name.
 * [KI mach_port_mod_refs] */
TEST(giving_up_the_receive_right_kills_the_port)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 2), KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 3);
    mach_port_destroy(SELF, port);
}

/* Messages that nobody will receive are destroyed with the port, and so are the rights in them.
 * [KP, port death] */
TEST(a_dying_port_destroys_its_messages)
{
    mach_port_t port = new_port_send(), cargo = new_port(), reply = new_port();
    struct small m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = port, .msgh_local_port = reply}};

    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MAKE_SEND), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_TRUE(status_of(cargo).mps_srights);
    mach_port_destroy(SELF, port);
    EXPECT_EQ(status_of(cargo).mps_srights, FALSE);
    EXPECT_EQ(note_id(reply), MACH_NOTIFY_SEND_ONCE); /* the client learns that no answer will come */
    mach_port_destroy(SELF, cargo);
    mach_port_destroy(SELF, reply);
}

/* A receive right that moves begins anew: make-send count and sequence number are 0, the queue
 * limit and the messages stay. [KI mach_msg, port rights in messages] */
TEST(moving_the_receive_right_resets_its_counts)
{
    mach_port_t port = new_port_send(), box = new_port_send();
    mach_port_status_t status;
    struct carrier m;
    struct small s;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 3), KERN_SUCCESS);
    REQUIRE_KR(mach_port_set_mscount(SELF, port, 9), KERN_SUCCESS);
    REQUIRE_KR(mach_port_set_seqno(SELF, port, 7), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
    status = status_of(m.port.name);
    EXPECT_EQ(status.mps_mscount, 0);
    EXPECT_EQ(status.mps_seqno, 0);
    EXPECT_EQ(status.mps_qlimit, 3);
    EXPECT_EQ(status.mps_msgcount, 1);
    REQUIRE_KR(receive_word(m.port.name, &s, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(s.header.msgh_seqno, 0);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
}

/* A task can make a receive right for itself in one trap, to receive replies on. [KI
 * mach_reply_port] */
TEST(mach_reply_port_gives_a_receive_right)
{
    mach_port_t a = mach_reply_port(), b = mach_reply_port();

    EXPECT_EQ(type_of(a), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(type_of(b), MACH_PORT_TYPE_RECEIVE);
    EXPECT_TRUE(a != b);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
}

TEST_MAIN
