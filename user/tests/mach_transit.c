/*
 * Mach by example, 15: receive rights on the move. In a message the right to receive travels with
 * its queue; senders notice nothing. While it travels the port has no receiver, and if the message
 * is lost, so is the port. A right that would end in its own queue could never be received: such a
 * message is destroyed.
 */
#include "mach_rights.h"
#include "mach_worker.h"

/* A receive right in a message leaves the space, a send right beside it stays; received, both
 * are one name again, and the messages are still there. [KI mach_msg] */
TEST(a_receive_right_travels_with_its_queue)
{
    mach_port_t port = new_port_send(), cargo = new_port_send();
    struct carrier m;
    struct small s;

    REQUIRE_KR(send_word(cargo, MACH_MSG_TYPE_COPY_SEND, 31, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(cargo), MACH_PORT_TYPE_SEND);
    EXPECT_KR(receive_word(cargo, &s, 0), MACH_RCV_INVALID_NAME);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, cargo);
    EXPECT_EQ(m.port.disposition, MACH_MSG_TYPE_PORT_RECEIVE);
    EXPECT_KR(receive_word(cargo, &s, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(s.word, 31);
    destroy(cargo, port);
}

/* While the right travels, messages are sent to the port as ever, up to its limit. [KI mach_msg] */
TEST(a_port_in_transit_is_sent_to)
{
    struct parked parked = park();
    mach_port_t port;
    struct small s;

    for (uint32_t i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        EXPECT_KR(send_word(parked.port, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0),
                  MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(parked.port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 0),
              MACH_SEND_TIMED_OUT);
    port = unpark(&parked);
    EXPECT_EQ(port, parked.port);
    for (uint32_t i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++) {
        EXPECT_KR(receive_word(port, &s, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(s.word, i);
    }
    park_end(&parked);
}

/* Who waits to receive on a port whose receive right moves away is told: MACH_RCV_PORT_CHANGED.
 * [KI mach_msg] */
TEST(moving_the_right_ends_a_receive)
{
    mach_port_t box = new_port_send(), port = new_port_send();
    struct worker w[2];

    for (int i = 0; i < 2; i++) {
        w[i] = (struct worker){.run = work_receive, .target = port};
        REQUIRE_TRUE(worker_start(&w[i]));
    }
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    for (int i = 0; i < 2; i++)
        EXPECT_KR(worker_join(&w[i]), MACH_RCV_PORT_CHANGED);
    destroy(box, port);
}

/* Extracting the right does the same. [KI mach_port_extract_right] */
TEST(extracting_the_right_ends_a_receive)
{
    mach_port_t port = new_port(), name = MACH_PORT_NULL;
    struct worker w = {.run = work_receive, .target = port};
    mach_msg_type_name_t type;

    REQUIRE_TRUE(worker_start(&w));
    REQUIRE_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MOVE_RECEIVE, &name, &type),
               KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_RCV_PORT_CHANGED);
    mach_port_destroy(SELF, name);
}

/* A send that fails ends no receive: the right never moved. [KI mach_msg] */
TEST(a_failed_move_disturbs_no_receiver)
{
    mach_port_t box = new_port_send(), port = new_port_send();
    struct worker w = {.run = work_receive, .target = port};

    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(send_in_vain(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    sleep_ms(5);
    EXPECT_EQ(w.done, 0);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 3, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    EXPECT_EQ(w.message.word, 3);
    destroy(box, port);
}

/* Senders who wait for room go on waiting, and are served by the new receiver. [KI mach_msg] */
TEST(blocked_senders_follow_the_port)
{
    mach_port_t box = new_port_send(), port = new_port_send();
    struct worker w = {.run = work_send, .target = port, .word = 77};
    struct carrier m;
    struct small s;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    REQUIRE_TRUE(worker_start(&w));
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    sleep_ms(5);
    EXPECT_EQ(w.done, 0);
    REQUIRE_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(m.port.name, &s, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(s.word, 77);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    destroy(box, port);
}

/* A port that travels leaves the sets it was in. [KI mach_msg] */
TEST(a_moved_right_leaves_its_sets)
{
    mach_port_t box = new_port_send(), port = new_port_send(), set = new_set();
    mach_port_name_array_t members;
    mach_msg_type_number_t count = 9;
    struct carrier m;

    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_get_set_status(SELF, set, &members, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 0);
    REQUIRE_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(status_of(port).mps_pset, MACH_PORT_NULL);
    destroy(set, box, port);
}

/* The right may go to another task and come back; the queue goes along. [KI
 * mach_port_insert_right] */
TEST(a_receive_right_goes_to_another_task)
{
    mach_port_t port = new_port_send(), name = MACH_PORT_MAKE(90, 1), back = MACH_PORT_NULL;
    mach_msg_type_name_t type;
    struct small s;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_MOVE_RECEIVE), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 2, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_extract_right(child, name, MACH_MSG_TYPE_MOVE_RECEIVE, &back, &type),
               KERN_SUCCESS);
    EXPECT_EQ(back, port);
    for (uint32_t i = 1; i <= 2; i++) {
        REQUIRE_KR(receive_word(port, &s, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(s.word, i);
    }
    task_terminate(child);
    mach_port_deallocate(SELF, child);
    mach_port_destroy(SELF, port);
}

/* When the message is destroyed, so is the port in it. [KP, port death] */
TEST(a_port_dies_with_the_message_that_carries_it)
{
    struct parked parked = park();
    struct small m;

    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m.header, parked.box, 0,
                       0), MACH_RCV_TOO_LARGE);
    EXPECT_EQ(type_of(parked.port), MACH_PORT_TYPE_DEAD_NAME);
    park_end(&parked);
}

/* A message that carries the receive right of its own destination is destroyed, and the port
 * with it. [KI mach_msg] */
TEST(a_message_that_carries_its_own_destination_is_destroyed)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(send_right(port, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_deallocate(SELF, port);
}

/* So it is when the destination is a send-once right, and the port has messages already. [KI
 * mach_msg] */
TEST(a_message_by_a_send_once_right_to_what_it_carries)
{
    mach_port_t port = new_port(), once = new_send_once(port);
    struct carrier m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
                                | MACH_MSGH_BITS_COMPLEX, .msgh_remote_port = once},
        .body = {.msgh_descriptor_count = 1},
        .port = {.name = port, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE}};

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port) | type_of(once), MACH_PORT_TYPE_NONE);
}

/* A ring of ports, each in the next one's queue, is destroyed when it closes, whatever its length.
 * [KI mach_msg; ipc_port.c] */
TEST(a_cycle_of_receive_rights_is_destroyed)
{
    static const int lengths[] = {2, 3, 17};
    mach_port_t ports[17];

    for (unsigned k = 0; k < 3; k++) {
        int n = lengths[k];

        for (int i = 0; i < n; i++)
            ports[i] = new_port_send();
        for (int i = 0; i < n; i++) {
            REQUIRE_KR(send_right(ports[(i + 1) % n], ports[i], MACH_MSG_TYPE_MOVE_RECEIVE),
                       MACH_MSG_SUCCESS);
            if (i < n - 1)
                EXPECT_EQ(type_of(ports[i]), MACH_PORT_TYPE_SEND);
        }
        for (int i = 0; i < n; i++) {
            EXPECT_EQ(type_of(ports[i]), MACH_PORT_TYPE_DEAD_NAME);
            mach_port_deallocate(SELF, ports[i]);
        }
    }
}

/* A ring that would be closed by one of several rights in a message is destroyed, with all of
 * the message. [ipc_copyin.c] */
TEST(a_cycle_by_one_right_of_many)
{
    mach_port_t a = new_port_send(), b = new_port_send(), c = new_port_send();

    REQUIRE_KR(send_right(a, b, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_two_rights(b, c, MACH_MSG_TYPE_MOVE_RECEIVE, a, MACH_MSG_TYPE_MOVE_RECEIVE),
               MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(a), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(type_of(b), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(type_of(c), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_deallocate(SELF, a);
    mach_port_deallocate(SELF, b);
    mach_port_deallocate(SELF, c);
}

/* A chain is no ring: nested as deep as one likes, each right is received from the one that
 * carries it. [KI mach_msg] */
TEST(nested_receive_rights_are_unwrapped_one_by_one)
{
    mach_port_t ports[20], port;
    struct carrier m;
    struct small s;

    for (int i = 0; i < 20; i++)
        ports[i] = new_port_send();
    REQUIRE_KR(send_word(ports[0], MACH_MSG_TYPE_COPY_SEND, 123, 0, 0), MACH_MSG_SUCCESS);
    for (int i = 0; i < 19; i++)
        REQUIRE_KR(send_right(ports[i + 1], ports[i], MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    port = ports[19];
    for (int i = 18; i >= 0; i--) {
        REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, ports[i]);
        port = m.port.name;
    }
    REQUIRE_KR(receive_word(port, &s, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(s.word, 123);
    for (int i = 0; i < 20; i++)
        mach_port_destroy(SELF, ports[i]);
}

/* A chain that was taken apart can be put together the other way round: no trace of the old one
 * is left. [ipc_port.c] */
TEST(a_received_right_can_be_sent_the_other_way)
{
    mach_port_t a = new_port_send(), b = new_port_send();
    struct carrier m;

    for (int i = 0; i < 4; i++) {
        REQUIRE_KR(send_right(a, b, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_right(a, &m), MACH_MSG_SUCCESS);
        REQUIRE_KR(send_right(b, a, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_right(b, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, a);
    }
    destroy(a, b);
}

/* A chain of thousands dies from its end without deep recursion in the kernel. [ipc_port.c] */
TEST(a_long_chain_of_receive_rights_dies_without_recursion)
{
    mach_port_t first = new_port_send(), next;
    mach_port_t port = first;

    for (int i = 0; i < 2000; i++) {
        next = new_port_send();
        REQUIRE_KR(send_right(next, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
        mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1);
        port = next;
    }
    EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
}

/* A receive right sent to a dead port is lost, and its port dead: the send itself succeeded.
 * [KI mach_msg] */
TEST(a_right_sent_into_a_dying_port_dies)
{
    struct parked parked = park();
    mach_port_t cargo = new_port_send();

    REQUIRE_KR(send_right(parked.port, cargo, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    park_kill(&parked);
    EXPECT_EQ(type_of(cargo), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_destroy(SELF, cargo);
    park_end(&parked);
}

TEST_MAIN
