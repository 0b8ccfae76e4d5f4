/*
 * Mach by example, 14: port sets. A server with many ports receives from all of them at once: it
 * puts them in a set. The messages stay in the ports' queues; the set only knows which ports have
 * some.
 */
#include "mach_rights.h"
#include "mach_worker.h"

/* Who is in the set? The number of members; *first is one of them. */
static uint32_t members_of(mach_port_t set, mach_port_t *first)
{
    mach_port_name_array_t members;
    mach_msg_type_number_t count = ~0U;

    *first = MACH_PORT_NULL;
    if (mach_port_get_set_status(SELF, set, &members, &count) != KERN_SUCCESS)
        return ~0U;
    if (count > 0)
        *first = members[0];
    vm_deallocate(SELF, (vm_address_t)members, count * sizeof(*members));
    return count;
}

/* ---- members ---- */

/* A port can be in several sets, in each once: KERN_ALREADY_IN_SET; taken out of one it is not in:
 * KERN_NOT_IN_SET. [OSF mach_port_insert_member, mach_port_extract_member] */
TEST(insert_and_extract_members)
{
    mach_port_t port = new_port(), set = new_set(), other = new_set(), first;

    EXPECT_KR(mach_port_extract_member(SELF, port, set), KERN_NOT_IN_SET);
    EXPECT_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_member(SELF, port, set), KERN_ALREADY_IN_SET);
    EXPECT_KR(mach_port_insert_member(SELF, port, other), KERN_SUCCESS);
    EXPECT_EQ(members_of(set, &first), 1);
    EXPECT_EQ(members_of(other, &first), 1);
    EXPECT_EQ(first, port);
    EXPECT_KR(mach_port_extract_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_member(SELF, port, set), KERN_NOT_IN_SET);
    EXPECT_EQ(members_of(other, &first), 1);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, other);
    mach_port_destroy(SELF, port);
}

/* Moving a port into a set takes it out of all others; moving it to null takes it out of all,
 * and is KERN_NOT_IN_SET if it was in none. [KI mach_port_move_member] */
TEST(move_member_makes_it_the_only_set)
{
    mach_port_t port = new_port(), a = new_set(), b = new_set(), c = new_set(), first;

    EXPECT_KR(mach_port_move_member(SELF, port, MACH_PORT_NULL), KERN_NOT_IN_SET);
    REQUIRE_KR(mach_port_insert_member(SELF, port, a), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, port, b), KERN_SUCCESS);
    EXPECT_KR(mach_port_move_member(SELF, port, c), KERN_SUCCESS);
    EXPECT_EQ(members_of(a, &first) + members_of(b, &first), 0);
    EXPECT_EQ(members_of(c, &first), 1);
    EXPECT_KR(mach_port_move_member(SELF, port, c), KERN_SUCCESS); /* where it is */
    EXPECT_EQ(members_of(c, &first), 1);
    EXPECT_KR(mach_port_move_member(SELF, port, MACH_PORT_NULL), KERN_SUCCESS);
    EXPECT_EQ(members_of(c, &first), 0);
    EXPECT_KR(mach_port_move_member(SELF, port, MACH_PORT_NULL), KERN_NOT_IN_SET);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
    mach_port_destroy(SELF, c);
    mach_port_destroy(SELF, port);
}

/* Sets have ports as members, and no sets. [KI mach_port_move_member] */
TEST(a_set_is_no_member)
{
    mach_port_t set = new_set(), other = new_set(), port = new_port(), first;

    EXPECT_KR(mach_port_insert_member(SELF, set, other), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_insert_member(SELF, set, set), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_move_member(SELF, set, other), KERN_INVALID_RIGHT);
    EXPECT_KR(mach_port_move_member(SELF, port, port), KERN_INVALID_RIGHT);
    EXPECT_EQ(members_of(other, &first), 0);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, other);
    mach_port_destroy(SELF, port);
}

/* A refused move leaves the port where it was. [KI mach_port_move_member] */
TEST(a_refused_move_changes_no_set)
{
    mach_port_t port = new_port(), set = new_set(), first;

    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_move_member(SELF, port, MACH_PORT_MAKE(0x7700, 1)), KERN_INVALID_NAME);
    EXPECT_KR(mach_port_move_member(SELF, port, port), KERN_INVALID_RIGHT);
    EXPECT_EQ(members_of(set, &first), 1);
    EXPECT_EQ(status_of(port).mps_pset, set);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
}

/* The members are listed; a port that dies is none any more. [KI mach_port_get_set_status] */
TEST(get_set_status_lists_the_members)
{
    mach_port_t set = new_set(), a = new_port(), b = new_port(), first;
    mach_port_name_array_t members;
    mach_msg_type_number_t count;

    REQUIRE_KR(mach_port_insert_member(SELF, a, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, b, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_get_set_status(SELF, set, &members, &count), KERN_SUCCESS);
    REQUIRE_EQ(count, 2);
    EXPECT_TRUE((members[0] == a && members[1] == b) || (members[0] == b && members[1] == a));
    vm_deallocate(SELF, (vm_address_t)members, count * sizeof(*members));
    mach_port_destroy(SELF, a);
    EXPECT_EQ(members_of(set, &first), 1);
    EXPECT_EQ(first, b);
    mach_port_destroy(SELF, b);
    EXPECT_EQ(members_of(set, &first), 0);
    mach_port_destroy(SELF, set);
}

/* ---- receiving ---- */

/* A receive from a set takes a message of any member, also one that came before the port joined;
 * the local port says which. [KI mach_msg] */
TEST(a_set_receives_for_all_its_members)
{
    mach_port_t set = new_set(), a = new_port_send(), b = new_port_send();
    struct small m;
    uint32_t seen = 0;

    REQUIRE_KR(send_word(a, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS); /* before joining */
    REQUIRE_KR(mach_port_move_member(SELF, a, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_move_member(SELF, b, set), KERN_SUCCESS);
    REQUIRE_KR(send_word(b, MACH_MSG_TYPE_COPY_SEND, 2, 0, 0), MACH_MSG_SUCCESS);
    for (int i = 0; i < 2; i++) {
        REQUIRE_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_local_port, m.word == 1 ? a : b);
        EXPECT_EQ(m.header.msgh_seqno, 0); /* each port numbers its own */
        seen |= m.word;
    }
    EXPECT_EQ(seen, 3);
    EXPECT_KR(receive_word(set, &m, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
}

/* A port in a set is received from by the set alone: MACH_RCV_IN_SET. [KI mach_msg] */
TEST(a_member_is_not_received_from_itself)
{
    mach_port_t set = new_set(), port = new_port_send();
    struct small m;

    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_IN_SET);
    REQUIRE_KR(mach_port_extract_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(receive_word(set, &m, 0), MACH_RCV_TIMED_OUT);
    EXPECT_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
}

/* The order of one port's messages is kept. [KI mach_msg] */
TEST(each_members_order_is_kept)
{
    mach_port_t set = new_set(), ports[3];
    uint32_t next[3] = {0, 0, 0};
    struct small m;

    for (int i = 0; i < 3; i++) {
        ports[i] = new_port_send();
        REQUIRE_KR(mach_port_insert_member(SELF, ports[i], set), KERN_SUCCESS);
    }
    for (uint32_t n = 0; n < 4; n++)
        for (uint32_t i = 0; i < 3; i++)
            REQUIRE_KR(send_word(ports[i], MACH_MSG_TYPE_COPY_SEND, n * 3 + i, 0, 0), MACH_MSG_SUCCESS);
    for (int k = 0; k < 12; k++) {
        REQUIRE_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word / 3, next[m.word % 3]++);
    }
    for (int i = 0; i < 3; i++)
        mach_port_destroy(SELF, ports[i]);
    mach_port_destroy(SELF, set);
}

/* A busy member does not keep the others from being served. [KP, port sets] */
TEST(members_are_served_in_turn)
{
    mach_port_t set = new_set(), busy = new_port_send(), quiet = new_port_send();
    struct small m;
    int turn = 0;

    REQUIRE_KR(mach_port_insert_member(SELF, busy, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, quiet, set), KERN_SUCCESS);
    for (int i = 0; i < 3; i++)
        REQUIRE_KR(send_word(busy, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_word(quiet, MACH_MSG_TYPE_COPY_SEND, 2, 0, 0), MACH_MSG_SUCCESS);
    for (turn = 1; turn <= 3; turn++) {
        REQUIRE_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
        if (m.word == 2)
            break;
        REQUIRE_KR(send_word(busy, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    }
    EXPECT_TRUE(turn <= 2);
    mach_port_destroy(SELF, busy);
    mach_port_destroy(SELF, quiet);
    mach_port_destroy(SELF, set);
}

/* A message of a port in several sets is received once, from whichever set is asked first.
 * [OSF mach_port_insert_member] */
TEST(a_port_in_several_sets_is_received_once)
{
    mach_port_t a = new_set(), b = new_set(), port = new_port_send();
    struct small m;

    REQUIRE_KR(mach_port_insert_member(SELF, port, a), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, port, b), KERN_SUCCESS);
    for (uint32_t i = 0; i < 2; i++) {
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, 0, 0), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_word(i ? a : b, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
        EXPECT_KR(receive_word(a, &m, 0), MACH_RCV_TIMED_OUT);
        EXPECT_KR(receive_word(b, &m, 0), MACH_RCV_TIMED_OUT);
    }
    mach_port_destroy(SELF, a);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(receive_word(b, &m, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, b);
    mach_port_destroy(SELF, port);
}

/* Who waits on any of the sets a port is in gets its message. [OSF mach_port_insert_member] */
TEST(a_message_finds_who_waits_in_any_set)
{
    mach_port_t a = new_set(), b = new_set(), port = new_port_send();
    struct worker w = {.run = work_receive, .target = b};

    REQUIRE_KR(mach_port_insert_member(SELF, port, a), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, port, b), KERN_SUCCESS);
    for (int i = 0; i < 2; i++) {
        w.target = i ? a : b;
        REQUIRE_TRUE(worker_start(&w));
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
        EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
        EXPECT_EQ(w.message.header.msgh_local_port, port);
    }
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
    mach_port_destroy(SELF, port);
}

/* A port with messages that joins a set wakes who waits there. [KI mach_port_move_member] */
TEST(a_full_port_that_joins_wakes_the_receiver)
{
    mach_port_t set = new_set(), port = new_port_send();
    struct worker w = {.run = work_receive, .target = set};

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_TRUE(worker_start(&w));
    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    EXPECT_EQ(w.message.word, 5);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
}

/* Who waits on a port that is put into a set is told: MACH_RCV_PORT_CHANGED. [KI mach_msg] */
TEST(joining_a_set_ends_a_receive_from_the_port)
{
    mach_port_t set = new_set(), port = new_port();
    struct worker w = {.run = work_receive, .target = port};

    REQUIRE_TRUE(worker_start(&w));
    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_RCV_PORT_CHANGED);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
}

/* Destroying the set leaves its ports, with their messages. Who waits on it: MACH_RCV_PORT_DIED.
 * [KI mach_port_destroy] */
TEST(destroying_a_set_leaves_its_ports)
{
    mach_port_t set = new_set(), port = new_port_send(), other = new_set();
    struct worker w = {.run = work_receive, .target = set};
    struct small m;

    REQUIRE_TRUE(worker_start(&w));
    mach_port_destroy(SELF, set);
    EXPECT_KR(worker_join(&w), MACH_RCV_PORT_DIED);
    REQUIRE_KR(mach_port_insert_member(SELF, port, other), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, other);
    EXPECT_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* A set that nobody sends to does not end when its last member goes: a receiver waits on.
 * [KP, port sets] */
TEST(an_empty_set_can_be_waited_on)
{
    mach_port_t set = new_set(), port = new_port_send(), late;
    struct worker w = {.run = work_receive, .target = set};

    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    REQUIRE_TRUE(worker_start(&w));
    mach_port_destroy(SELF, port);
    late = new_port_send();
    EXPECT_EQ(w.done, 0);
    REQUIRE_KR(mach_port_insert_member(SELF, late, set), KERN_SUCCESS);
    REQUIRE_KR(send_word(late, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    EXPECT_EQ(w.message.header.msgh_local_port, late);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, late);
}

/* A send-once notification is received from the set as well. [KI mach_notify_send_once] */
TEST(a_set_receives_send_once_notifications)
{
    mach_port_t set = new_set(), port = new_port(), once = new_send_once(port);
    struct worker w = {.run = work_receive, .target = set};

    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    mach_port_deallocate(SELF, once);
    EXPECT_EQ(note_id(set), MACH_NOTIFY_SEND_ONCE);
    once = new_send_once(port);
    REQUIRE_TRUE(worker_start(&w));
    mach_port_deallocate(SELF, once);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    EXPECT_EQ(w.message.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
}

/* Senders who wait for room are let in when the set is received from, also at a limit of 0.
 * [KI mach_port_set_qlimit] */
TEST(a_set_serves_blocked_senders)
{
    mach_port_t set = new_set(), port = new_port_send();
    struct worker w[2];
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    for (uint32_t i = 0; i < 2; i++) {
        w[i] = (struct worker){.run = work_send, .target = port, .word = i};
        REQUIRE_TRUE(worker_start(&w[i]));
        if (i == 0) /* one waits before the port joins, one after */
            REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    }
    for (uint32_t i = 0; i < 2; i++) {
        REQUIRE_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
        EXPECT_KR(worker_join(&w[i]), MACH_MSG_SUCCESS);
    }
    EXPECT_KR(receive_word(set, &m, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
}

/* With MACH_RCV_LARGE a message that does not fit stays in its port, and is the set's next again.
 * [KI mach_msg] */
TEST(rcv_large_from_a_set)
{
    mach_port_t set = new_set(), port = new_port_send();
    struct small m;

    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    for (int i = 0; i < 2; i++) {
        EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0,
                           sizeof m.header, set, 0, 0), MACH_RCV_TOO_LARGE);
        EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
    }
    EXPECT_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, port);
}

/* A set of thousands of ports is received from as one of two. [KP, port sets] */
TEST(a_large_set)
{
    static mach_port_t ports[3000];
    mach_port_t set = new_set(), first;
    struct small m;

    for (int i = 0; i < 3000; i++) {
        ports[i] = new_port();
        REQUIRE_KR(mach_port_insert_member(SELF, ports[i], set), KERN_SUCCESS);
    }
    EXPECT_EQ(members_of(set, &first), 3000);
    for (uint32_t i = 0; i < 3000; i += 500)
        REQUIRE_KR(send_word(ports[i], MACH_MSG_TYPE_MAKE_SEND_ONCE, i, 0, 0), MACH_MSG_SUCCESS);
    for (uint32_t i = 0; i < 3000; i += 500) {
        REQUIRE_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_local_port, ports[m.word]);
    }
    for (int i = 0; i < 1500; i++)
        mach_port_destroy(SELF, ports[i]);
    EXPECT_EQ(members_of(set, &first), 1500);
    mach_port_destroy(SELF, set);
    for (int i = 1500; i < 3000; i++)
        mach_port_destroy(SELF, ports[i]);
}

TEST_MAIN
