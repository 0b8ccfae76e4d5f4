/*
 * Mach by example, 13: the queue. A port keeps messages in the order they were sent, up to its
 * limit; who sends more waits, and who receives from an empty queue waits as well: until a message
 * comes, the time is up, the thread is aborted, or the port is no longer there.
 */
#include "mach_rights.h"
#include "mach_worker.h"

/* ---- order and limits ---- */

/* Messages arrive in the order they were sent, numbered. [KI mach_msg] */
TEST(messages_arrive_in_order_with_sequence_numbers)
{
    mach_port_t port = new_port_send();
    struct small m;

    for (uint32_t i = 0; i < 5; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, 0, 0), MACH_MSG_SUCCESS);
    for (uint32_t i = 0; i < 5; i++) {
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
        EXPECT_EQ(m.header.msgh_seqno, i);
    }
    mach_port_destroy(SELF, port);
}

/* Messages by send and by send-once rights keep their order, too. [KI mach_msg] */
TEST(both_kinds_of_right_share_one_order)
{
    mach_port_t port = new_port_send();
    struct small m;

    for (uint32_t i = 0; i < 6; i++)
        REQUIRE_KR(send_word(port, i % 2 ? MACH_MSG_TYPE_MAKE_SEND_ONCE : MACH_MSG_TYPE_COPY_SEND, i,
                             MACH_SEND_TIMEOUT, 0), MACH_MSG_SUCCESS);
    for (uint32_t i = 0; i < 6; i++) {
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
    }
    mach_port_destroy(SELF, port);
}

/* A receive with a time-out of 0 polls; with another it waits at least so long. [KI mach_msg] */
TEST(receive_times_out_not_too_early)
{
    mach_port_t port = new_port();
    struct small m;
    uint64_t before = counter();

    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT);
    EXPECT_KR(receive_word(port, &m, 20), MACH_RCV_TIMED_OUT);
    EXPECT_TRUE(counter() - before >= 20 * TICKS_PER_MS);
    mach_port_destroy(SELF, port);
}

/* A send to a full queue waits for room, at most its time-out; then the message is the sender's
 * again. [KI mach_msg] */
TEST(a_full_queue_blocks_or_times_out)
{
    mach_port_t port = new_port_send();
    struct small m;
    uint64_t before;

    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0),
                   MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 0),
              MACH_SEND_TIMED_OUT);
    before = counter();
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 20),
              MACH_SEND_TIMED_OUT);
    EXPECT_TRUE(counter() - before >= 20 * TICKS_PER_MS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1); /* a failed send moved nothing */
    EXPECT_EQ(status_of(port).mps_msgcount, MACH_PORT_QLIMIT_DEFAULT);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* The rights of a send that timed out come back in the message, as a receive would bring them:
 * COPY and MAKE have become MOVE, so that the message can be sent again as it is. [KI mach_msg,
 * MACH_SEND_TIMED_OUT] */
TEST(a_timed_out_message_can_be_sent_again)
{
    mach_port_t port = new_port_send(), reply = new_port(), cargo = new_port();
    static struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t ports[2];
        mach_msg_security_trailer_t trailer;
    } m;
    const mach_msg_size_t size = offsetof(__typeof__(m), trailer);

    m.header = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
                     | MACH_MSGH_BITS_COMPLEX,
        .msgh_remote_port = port, .msgh_local_port = reply, .msgh_id = 55};
    m.body.msgh_descriptor_count = 2;
    m.ports[0] = (mach_msg_port_descriptor_t){.name = cargo, .disposition = MACH_MSG_TYPE_MAKE_SEND};
    m.ports[1] = (mach_msg_port_descriptor_t){.name = cargo, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};
    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, 0, 0, 0),
               MACH_SEND_TIMED_OUT);
    EXPECT_EQ(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), MACH_MSG_TYPE_MOVE_SEND);
    EXPECT_EQ(MACH_MSGH_BITS_LOCAL(m.header.msgh_bits), MACH_MSG_TYPE_MOVE_SEND_ONCE);
    EXPECT_EQ(m.header.msgh_remote_port, port);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_EQ(type_of(m.header.msgh_local_port), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_EQ(m.ports[0].disposition, MACH_MSG_TYPE_MOVE_SEND);
    EXPECT_EQ(type_of(m.ports[1].name), MACH_PORT_TYPE_SEND_RECEIVE);
    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 1), KERN_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, 0, 0, 0),
              MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof m, port, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, 55);
    mach_msg_destroy(&m.header);
    EXPECT_EQ(note_id(reply), MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, reply);
}

/* Lowering the limit leaves what is queued; there is room again when enough was received.
 * [KI mach_port_set_qlimit] */
TEST(lowering_the_limit_drops_nothing)
{
    mach_port_t port = new_port_send();
    struct small m;

    for (uint32_t i = 0; i < 4; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 2), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_msgcount, 4);
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 0),
                  MACH_SEND_TIMED_OUT);
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
    }
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 9, MACH_SEND_TIMEOUT, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* A thousand messages can wait, if the limit is raised. [KI mach_port_set_qlimit] */
TEST(a_long_queue)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, MACH_PORT_QLIMIT_MAX), KERN_SUCCESS);
    for (uint32_t i = 0; i < MACH_PORT_QLIMIT_MAX; i++)
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0),
                   MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 0, MACH_SEND_TIMEOUT, 0), MACH_SEND_TIMED_OUT);
    for (uint32_t i = 0; i < MACH_PORT_QLIMIT_MAX / 2; i++) {
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        REQUIRE_EQ(m.word, i);
    }
    mach_port_destroy(SELF, port); /* with the rest */
}

/* ---- senders who wait ---- */

/* Blocked senders are served in the order they came, each when there is room. [ipc_mqueue.c] */
TEST(blocked_senders_are_served_in_order)
{
    mach_port_t port = new_port_send();
    struct worker w[4];
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 1), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 0), MACH_MSG_SUCCESS);
    for (uint32_t i = 0; i < 4; i++) {
        w[i] = (struct worker){.run = work_send, .target = port, .word = i + 1};
        REQUIRE_TRUE(worker_start(&w[i]));
    }
    for (uint32_t i = 0; i < 5; i++) {
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
        EXPECT_EQ(m.header.msgh_seqno, i);
    }
    for (int i = 0; i < 4; i++)
        EXPECT_KR(worker_join(&w[i]), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* A newcomer does not slip in before who waits. [ipc_mqueue.c] */
TEST(a_newcomer_does_not_overtake_a_blocked_sender)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = work_send, .target = port, .word = 2};
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 1), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_TRUE(worker_start(&w));
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 3, MACH_SEND_TIMEOUT, 0), MACH_SEND_TIMED_OUT);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 2);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* Raising the limit lets blocked senders in, as many as there is room for. [KI
 * mach_port_set_qlimit] */
TEST(raising_the_limit_admits_blocked_senders)
{
    mach_port_t port = new_port_send();
    struct worker w[3];
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    for (uint32_t i = 0; i < 3; i++) {
        w[i] = (struct worker){.run = work_send, .target = port, .word = i};
        REQUIRE_TRUE(worker_start(&w[i]));
    }
    EXPECT_EQ(status_of(port).mps_msgcount, 0);
    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 2), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_msgcount, 2);
    EXPECT_KR(worker_join(&w[0]), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&w[1]), MACH_MSG_SUCCESS);
    EXPECT_EQ(w[2].done, 0);
    for (uint32_t i = 0; i < 3; i++) {
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, i);
    }
    EXPECT_KR(worker_join(&w[2]), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* With a limit of 0 a message is sent when somebody receives: sender and receiver meet, whoever
 * came first. [KI mach_port_set_qlimit] */
TEST(a_limit_of_zero_is_a_rendezvous)
{
    mach_port_t port = new_port_send();
    struct worker sender = {.run = work_send, .target = port, .word = 7};
    struct worker receiver = {.run = work_receive, .target = port};
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, MACH_SEND_TIMEOUT, 0), MACH_SEND_TIMED_OUT);
    REQUIRE_TRUE(worker_start(&sender));
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 7);
    EXPECT_KR(worker_join(&sender), MACH_MSG_SUCCESS);
    REQUIRE_TRUE(worker_start(&receiver));
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 8, MACH_SEND_TIMEOUT, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&receiver), MACH_MSG_SUCCESS);
    EXPECT_EQ(receiver.message.word, 8);
    mach_port_destroy(SELF, port);
}

/* When the port dies, who waits to send has sent: the message is destroyed as if it had been
 * queued. [KP, port death] */
TEST(a_blocked_sender_has_sent_when_the_port_dies)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = work_send, .target = port};

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    REQUIRE_TRUE(worker_start(&w));
    mach_port_destroy(SELF, port);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
}

/* A blocked sender whose time is up has not sent, and those behind are served. [KI mach_msg] */
TEST(a_timed_out_sender_leaves_the_line)
{
    mach_port_t port = new_port_send();
    struct worker first = {.run = work_send, .target = port, .word = 1, .option = MACH_SEND_TIMEOUT,
                           .timeout = 30};
    struct worker second = {.run = work_send, .target = port, .word = 2};
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    REQUIRE_TRUE(worker_start(&first));
    REQUIRE_TRUE(worker_start(&second));
    EXPECT_KR(worker_join(&first), MACH_SEND_TIMED_OUT);
    mach_msg_destroy(&first.message.header);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 2);
    EXPECT_KR(worker_join(&second), MACH_MSG_SUCCESS);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, port);
}

/* ---- receivers who wait ---- */

/* Threads that wait on one port get messages in the order they came. [ipc_mqueue.c] */
TEST(blocked_receivers_are_served_in_order)
{
    mach_port_t port = new_port_send();
    struct worker w[3];

    for (int i = 0; i < 3; i++) {
        w[i] = (struct worker){.run = work_receive, .target = port};
        REQUIRE_TRUE(worker_start(&w[i]));
    }
    for (uint32_t i = 0; i < 3; i++) {
        REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, i, 0, 0), MACH_MSG_SUCCESS);
        EXPECT_KR(worker_join(&w[i]), MACH_MSG_SUCCESS);
        EXPECT_EQ(w[i].message.word, i);
        EXPECT_EQ(w[i].message.header.msgh_seqno, i);
    }
    mach_port_destroy(SELF, port);
}

/* A receiver with a time-out that gets its message in time is served. [KI mach_msg] */
TEST(a_receiver_with_a_time_out_is_woken_by_a_message)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = work_receive, .target = port, .option = MACH_RCV_TIMEOUT,
                       .timeout = WAIT_LIMIT_MS};

    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* One whose time is up gets MACH_RCV_TIMED_OUT, and the next message is the next one's. [KI
 * mach_msg] */
TEST(a_timed_out_receiver_leaves_the_line)
{
    mach_port_t port = new_port_send();
    struct worker first = {.run = work_receive, .target = port, .option = MACH_RCV_TIMEOUT,
                           .timeout = 30};
    struct worker second = {.run = work_receive, .target = port};

    REQUIRE_TRUE(worker_start(&first));
    REQUIRE_TRUE(worker_start(&second));
    EXPECT_KR(worker_join(&first), MACH_RCV_TIMED_OUT);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 4, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&second), MACH_MSG_SUCCESS);
    EXPECT_EQ(second.message.word, 4);
    mach_port_destroy(SELF, port);
}

/* Destroying the port wakes all who wait to receive: MACH_RCV_PORT_DIED. [KI mach_msg] */
TEST(destroying_the_port_wakes_its_receivers)
{
    mach_port_t port = new_port();
    struct worker w[3];

    for (int i = 0; i < 3; i++) {
        w[i] = (struct worker){.run = work_receive, .target = port};
        REQUIRE_TRUE(worker_start(&w[i]));
    }
    mach_port_destroy(SELF, port);
    for (int i = 0; i < 3; i++)
        EXPECT_KR(worker_join(&w[i]), MACH_RCV_PORT_DIED);
}

/* A waiting receiver that has too little room, and asked for MACH_RCV_LARGE, is told the size;
 * the message goes to the next who waits. [KI mach_msg] */
TEST(a_message_passes_over_a_receiver_without_room)
{
    mach_port_t port = new_port_send();
    struct worker small = {.run = work_receive, .target = port, .option = MACH_RCV_LARGE,
                           .size = sizeof(mach_msg_header_t)};
    struct worker large = {.run = work_receive, .target = port, .option = MACH_RCV_LARGE};

    REQUIRE_TRUE(worker_start(&small));
    REQUIRE_TRUE(worker_start(&large));
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 6, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&small), MACH_RCV_TOO_LARGE);
    EXPECT_EQ(small.message.header.msgh_size, SMALL_SIZE);
    EXPECT_KR(worker_join(&large), MACH_MSG_SUCCESS);
    EXPECT_EQ(large.message.word, 6);
    mach_port_destroy(SELF, port);
}

/* If nobody else waits, it is queued. [KI mach_msg] */
TEST(a_message_refused_for_want_of_room_is_queued)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = work_receive, .target = port, .option = MACH_RCV_LARGE,
                       .size = sizeof(mach_msg_header_t)};
    struct small m;

    REQUIRE_TRUE(worker_start(&w));
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 6, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_RCV_TOO_LARGE);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 6);
    mach_port_destroy(SELF, port);
}

/* A send-once right destroyed while somebody waits on its port wakes him with the notification.
 * [KI mach_notify_send_once] */
TEST(a_waiting_receiver_gets_a_send_once_notification)
{
    mach_port_t port = new_port(), once = new_send_once(port);
    struct worker w = {.run = work_receive, .target = port};

    REQUIRE_TRUE(worker_start(&w));
    mach_port_deallocate(SELF, once);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    EXPECT_EQ(w.message.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, port);
}

/* ---- abort ---- */

/* thread_abort ends a receive: MACH_RCV_INTERRUPTED, and no message is lost. [KI thread_abort] */
TEST(abort_ends_a_receive)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = work_receive, .target = port};
    struct small m;

    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(thread_abort((thread_t)w.port), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_RCV_INTERRUPTED);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* It ends a send: MACH_SEND_INTERRUPTED; the message was not sent, and its rights are back. [KI
 * thread_abort] */
TEST(abort_ends_a_send)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = work_send, .target = port, .word = 3};
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, port, 0), KERN_SUCCESS);
    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(thread_abort((thread_t)w.port), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_SEND_INTERRUPTED);
    EXPECT_EQ(w.message.header.msgh_remote_port, port);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT);
    mach_msg_destroy(&w.message.header);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, port);
}

/* thread_abort_safely ends them, too: both can be begun again. [KI thread_abort_safely] */
TEST(abort_safely_ends_a_receive)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = work_receive, .target = port};

    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(thread_abort_safely((thread_t)w.port), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_RCV_INTERRUPTED);
    mach_port_destroy(SELF, port);
}

static mach_msg_return_t receive_by_libmach(struct worker *w)
{
    return mach_msg(&w->message.header, MACH_RCV_MSG | w->option, 0, sizeof w->message, w->target, 0,
                    MACH_PORT_NULL);
}

/* libmach's mach_msg begins an aborted receive again, unless MACH_RCV_INTERRUPT asks for the
 * return. [KI mach_msg] */
TEST(mach_msg_restarts_unless_told_to_return)
{
    mach_port_t port = new_port_send();
    struct worker w = {.run = receive_by_libmach, .target = port};

    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(thread_abort((thread_t)w.port), KERN_SUCCESS);
    sleep_ms(5);
    EXPECT_TRUE(worker_waits(&w));
    EXPECT_EQ(w.done, 0);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_MSG_SUCCESS);
    w.option = MACH_RCV_INTERRUPT;
    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(thread_abort((thread_t)w.port), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), MACH_RCV_INTERRUPTED);
    mach_port_destroy(SELF, port);
}

/* ---- together ---- */

struct echo {
    mach_port_t port;
    int count;
};

static void *echo_thread(void *arg)
{
    struct echo *echo = arg;
    struct small m;

    for (int i = 0; i < echo->count; i++) {
        if (mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), echo->port, 0, 0) != MACH_MSG_SUCCESS)
            return (void *)1;
        if (send_word(m.header.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, m.word + 1, 0, 0) !=
            MACH_MSG_SUCCESS)
            return (void *)1;
    }
    return NULL;
}

/* A request and its answer: send and receive in one call, and a reply right made for each. [KP,
 * RPC] */
TEST(a_thousand_rpcs_between_two_threads)
{
    struct echo echo = {new_port_send(), 1000};
    mach_port_t reply = new_port();
    cthread_t thread = cthread_fork(echo_thread, &echo);

    REQUIRE_TRUE(thread != NULL);
    for (uint32_t i = 0; i < 1000; i++) {
        struct small m = {.header = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
            .msgh_remote_port = echo.port, .msgh_local_port = reply}, .word = i};

        REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, SMALL_SIZE, sizeof(m), reply,
                            0, 0), MACH_MSG_SUCCESS);
        REQUIRE_EQ(m.word, i + 1);
    }
    EXPECT_TRUE(cthread_join(thread) == NULL);
    mach_port_destroy(SELF, echo.port);
    mach_port_destroy(SELF, reply);
}

TEST_MAIN
