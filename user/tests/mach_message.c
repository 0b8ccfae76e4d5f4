/*
 * Mach by example, 8: messages and their header. Where a message goes, by what right, and what
 * right the answer is to come by; its size; and what mach_msg returns when something is wrong. Read
 * mach/message.h beside it.
 */
#include "mach_rights.h"

#define PAGE 4096
#define KERNEL_ADDRESS 0xffff000040200000UL

/* Sends a header and a word with these dispositions and names. */
static mach_msg_return_t send_header(mach_msg_type_name_t remote, mach_port_t dest,
                                     mach_msg_type_name_t local, mach_port_t reply)
{
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(remote, local),
                                 .msgh_remote_port = dest, .msgh_local_port = reply}};

    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, SMALL_SIZE, 0, 0, 0, 0);
}

/* ---- what arrives ---- */

/* What is sent arrives: data, id and size; the local port is where it came to, without a reply
 * port the remote one is null. [KI mach_msg] */
TEST(a_message_to_oneself_arrives_whole)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 0xfeed, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 0xfeed);
    EXPECT_EQ(m.header.msgh_id, 77);
    EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
    EXPECT_EQ(m.header.msgh_local_port, port);
    EXPECT_EQ(m.header.msgh_remote_port, MACH_PORT_NULL);
    EXPECT_EQ(m.header.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND));
    mach_port_destroy(SELF, port);
}

/* A header alone is a message. [KI mach_msg] */
TEST(a_message_may_be_a_header_alone)
{
    mach_port_t port = new_port_send();
    mach_msg_header_t h = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                           .msgh_remote_port = port, .msgh_id = -5};

    REQUIRE_KR(mach_msg(&h, MACH_SEND_MSG, sizeof h, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_msg(&h, MACH_RCV_MSG, 0, sizeof h, port, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(h.msgh_size, sizeof h);
    EXPECT_EQ(h.msgh_id, -5);
    mach_port_destroy(SELF, port);
}

/* The size is the argument; msgh_size of a message that is sent is not believed. [message.h] */
TEST(msgh_size_is_not_believed)
{
    mach_port_t port = new_port_send();
    static const mach_msg_size_t lies[4] = {0, 4, 0x7fffffff, ~0U};
    struct small m;

    for (int i = 0; i < 4; i++) {
        m = (struct small){.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                      .msgh_remote_port = port, .msgh_size = lies[i]}, .word = 6};
        REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
        EXPECT_EQ(m.word, 6);
    }
    mach_port_destroy(SELF, port);
}

/* Messages of every length arrive with that length, also if it is no multiple of four.
 * [message.h] */
TEST(every_length_arrives)
{
    static const mach_msg_size_t lengths[] = {24, 25, 26, 27, 28, 31, 63, 64, 65, 127, 128, 129, 255,
                                              256, 257, 511, 513, 4095, 4096, 4097, 65535, 65536};
    static unsigned char out[MACH_MSG_SIZE_MAX], in[MACH_MSG_SIZE_MAX + 64];
    mach_msg_header_t *h = (mach_msg_header_t *)out, *got = (mach_msg_header_t *)in;
    mach_port_t port = new_port_send();

    for (unsigned i = 0; i < sizeof out; i++)
        out[i] = (unsigned char)(i * 31 + i / 256);
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        *h = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                 .msgh_remote_port = port};
        memset(in, 0x5a, sizeof in);
        REQUIRE_KR(mach_msg(h, MACH_SEND_MSG, lengths[i], 0, 0, 0, 0), MACH_MSG_SUCCESS);
        REQUIRE_KR(mach_msg(got, MACH_RCV_MSG, 0, sizeof in, port, 0, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(got->msgh_size, lengths[i]);
        EXPECT_EQ(memcmp(in + sizeof *h, out + sizeof *h, lengths[i] - sizeof *h), 0);
        EXPECT_EQ(in[lengths[i]], 0x5a); /* not a byte more */
    }
    mach_port_destroy(SELF, port);
}

/* ---- sizes and pointers ---- */

/* Less than a header is MACH_SEND_MSG_TOO_SMALL, more than MACH_MSG_SIZE_MAX is
 * MACH_SEND_TOO_LARGE. [message.h] */
TEST(sizes_are_checked)
{
    mach_port_t port = new_port_send();
    static char big[MACH_MSG_SIZE_MAX + 64];
    mach_msg_header_t *h = (mach_msg_header_t *)big;

    h->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
    h->msgh_remote_port = port;
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, 0, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, sizeof(*h) - 1, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, MACH_MSG_SIZE_MAX + 1, 0, 0, 0, 0), MACH_SEND_TOO_LARGE);
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, ~0U, 0, 0, 0, 0), MACH_SEND_TOO_LARGE);
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, MACH_MSG_SIZE_MAX, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(h, MACH_RCV_MSG, 0, sizeof(big), port, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(h->msgh_size, MACH_MSG_SIZE_MAX);
    mach_port_destroy(SELF, port);
}

/* A message that cannot be read is MACH_SEND_INVALID_DATA, one that cannot be written
 * MACH_RCV_INVALID_DATA; it is lost then, but nothing leaks. [KI mach_msg] */
TEST(bad_pointers_are_errors)
{
    mach_port_t port = new_port_send();
    struct small m;

    EXPECT_KR(mach_msg(NULL, MACH_SEND_MSG, 64, 0, 0, 0, 0), MACH_SEND_INVALID_DATA);
    EXPECT_KR(mach_msg((mach_msg_header_t *)KERNEL_ADDRESS, MACH_SEND_MSG, 64, 0, 0, 0, 0),
              MACH_SEND_INVALID_DATA);
    EXPECT_KR(mach_msg((mach_msg_header_t *)~7UL, MACH_SEND_MSG, 64, 0, 0, 0, 0),
              MACH_SEND_INVALID_DATA);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg((mach_msg_header_t *)KERNEL_ADDRESS, MACH_RCV_MSG, 0, 64, port, 0, 0),
              MACH_RCV_INVALID_DATA);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, port);
}

/* A message may cross pages; if one of them is not there, it cannot be read. [KI mach_msg] */
TEST(a_message_that_runs_into_a_hole)
{
    mach_port_t port = new_port_send();
    vm_address_t address = 0;
    mach_msg_header_t *h;

    REQUIRE_KR(vm_allocate(SELF, &address, 3 * PAGE, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_deallocate(SELF, address + 2 * PAGE, PAGE), KERN_SUCCESS);
    h = (mach_msg_header_t *)(address + PAGE - 32);
    *h = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                             .msgh_remote_port = port};
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, PAGE + 32, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(h, MACH_SEND_MSG, PAGE + 36, 0, 0, 0, 0), MACH_SEND_INVALID_DATA);
    h = (mach_msg_header_t *)(address + 2 * PAGE - 128);
    EXPECT_KR(mach_msg(h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 2 * PAGE, port, 0, 0),
              MACH_RCV_INVALID_DATA);
    EXPECT_EQ(status_of(port).mps_msgcount, 0);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, port);
    vm_deallocate(SELF, address, 2 * PAGE);
}

/* ---- the destination ---- */

/* The destination must be a right to send by: else MACH_SEND_INVALID_DEST. [KI mach_msg] */
TEST(a_destination_must_be_a_right_to_send)
{
    mach_port_t port = new_port(), set = new_set();

    EXPECT_KR(send_word(MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(0x123400, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_MOVE_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(set, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    EXPECT_KR(send_word(set, MACH_MSG_TYPE_MAKE_SEND, 1, 0, 0), MACH_SEND_INVALID_DEST);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, set);
}

/* A disposition that is none, or cannot be sent by, is MACH_SEND_INVALID_HEADER. [KI mach_msg] */
TEST(a_destination_has_a_disposition_to_send_by)
{
    mach_port_t port = new_port_send();
    static struct space_state before;

    state_take(&before);
    EXPECT_KR(send_header(0, port, 0, MACH_PORT_NULL), MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_header(MACH_MSG_TYPE_MOVE_RECEIVE, port, 0, MACH_PORT_NULL),
              MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_header(15, port, 0, MACH_PORT_NULL), MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_header(22, port, 0, MACH_PORT_NULL), MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_header(31, port, 0, MACH_PORT_NULL), MACH_SEND_INVALID_HEADER);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, port);
}

/* Bits of the header that mean nothing must be 0: MACH_SEND_INVALID_HEADER. [message.h] */
TEST(unknown_header_bits_are_refused)
{
    mach_port_t port = new_port_send();

    for (int bit = 5; bit < 31; bit++) {
        struct small m = {.header = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | 1U << bit,
            .msgh_remote_port = port}};

        if (!(MACH_MSGH_BITS_USER & 1U << bit))
            EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0),
                      MACH_SEND_INVALID_HEADER);
    }
    EXPECT_EQ(status_of(port).mps_msgcount, 0);
    mach_port_destroy(SELF, port);
}

/* COPY leaves the send right, MOVE takes a reference, MAKE needs the receive right; all three
 * arrive as a message sent by a send right. [KI mach_msg] */
TEST(the_destination_by_each_disposition)
{
    mach_port_t port = new_port_send();
    static const mach_msg_type_name_t how[3] = {
        MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MOVE_SEND};
    static const uint32_t refs[3] = {1, 1, 0};
    struct small m;

    for (int i = 0; i < 3; i++) {
        REQUIRE_KR(send_word(port, how[i], 1, 0, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), refs[i]);
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND));
    }
    EXPECT_EQ(status_of(port).mps_srights, FALSE);
    mach_port_destroy(SELF, port);
}

/* ---- the reply port ---- */

/* The reply right arrives as the remote port, and the message is answered by sending to that.
 * [KI mach_msg] */
TEST(the_reply_right_arrives_as_the_remote_port)
{
    mach_port_t port = new_port_send(), reply = new_port();
    struct small m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = port, .msgh_local_port = reply}};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), MACH_MSG_TYPE_PORT_SEND_ONCE);
    EXPECT_EQ(type_of(m.header.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_KR(send_word(m.header.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, 42, 0, 0),
              MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(m.header.msgh_remote_port), MACH_PORT_TYPE_NONE);
    REQUIRE_KR(receive_word(reply, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 42);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, reply);
}

/* The reply right can be given by each of the five dispositions. [KI mach_msg] */
TEST(the_reply_right_by_each_disposition)
{
    static const struct {
        mach_msg_type_name_t how, arrives;
    } replies[] = {
        {MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_PORT_SEND},
        {MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_PORT_SEND},
        {MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_PORT_SEND},
        {MACH_MSG_TYPE_MAKE_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE},
        {MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE},
    };
    mach_port_t port = new_port_send();
    struct small m;

    for (unsigned i = 0; i < sizeof replies / sizeof *replies; i++) {
        mach_port_t reply = new_port_send(), once = new_send_once(reply);
        boolean_t moves_once = replies[i].how == MACH_MSG_TYPE_MOVE_SEND_ONCE;

        REQUIRE_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, replies[i].how,
                               moves_once ? once : reply), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), replies[i].arrives);
        EXPECT_EQ(m.header.msgh_remote_port == reply,
                  replies[i].arrives == MACH_MSG_TYPE_PORT_SEND); /* it merges */
        if (moves_once)
            EXPECT_EQ(type_of(once), m.header.msgh_remote_port == once ? MACH_PORT_TYPE_SEND_ONCE
                                                                        : MACH_PORT_TYPE_NONE);
        EXPECT_KR(send_word(m.header.msgh_remote_port, replies[i].arrives, 5, 0, 0),
                  MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_word(reply, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, 5);
        if (!moves_once)
            mach_port_deallocate(SELF, once);
        mach_port_destroy(SELF, reply);
    }
    mach_port_destroy(SELF, port);
}

/* A reply port without a disposition, or with one that cannot be sent by, is
 * MACH_SEND_INVALID_HEADER. [KI mach_msg] */
TEST(a_reply_right_has_a_disposition_to_send_by)
{
    mach_port_t port = new_port_send();
    static struct space_state before;

    state_take(&before);
    EXPECT_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, 0, port), MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MOVE_RECEIVE, port),
              MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, 9, port), MACH_SEND_INVALID_HEADER);
    EXPECT_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, 31, port), MACH_SEND_INVALID_HEADER);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, port);
}

/* A reply right that is not there is MACH_SEND_INVALID_REPLY, and the destination is as before.
 * [KI mach_msg] */
TEST(a_bad_reply_right_leaves_the_destination_alone)
{
    mach_port_t port = new_port_send(), other = new_port(), once = new_send_once(port);
    static struct space_state before;

    state_take(&before);
    for (mach_msg_type_name_t how = MACH_MSG_TYPE_MOVE_SEND; how <= MACH_MSG_TYPE_MAKE_SEND_ONCE;
         how++) {
        EXPECT_KR(send_header(MACH_MSG_TYPE_MOVE_SEND, port, how, 0x77700),
                  MACH_SEND_INVALID_REPLY);
        EXPECT_KR(send_header(MACH_MSG_TYPE_MOVE_SEND_ONCE, once, how, 0x77700),
                  MACH_SEND_INVALID_REPLY);
    }
    EXPECT_KR(send_header(MACH_MSG_TYPE_MAKE_SEND, port, MACH_MSG_TYPE_COPY_SEND, other),
              MACH_SEND_INVALID_REPLY);
    EXPECT_EQ(status_of(port).mps_mscount, 1);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, once);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, other);
}

/* Null and dead reply ports arrive as they are, whatever the disposition. [KI mach_msg] */
TEST(null_and_dead_reply_ports)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                           MACH_PORT_NULL), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_remote_port, MACH_PORT_NULL);
    REQUIRE_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MOVE_SEND, MACH_PORT_DEAD),
               MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_remote_port, MACH_PORT_DEAD);
    mach_port_destroy(SELF, port);
}

/* Destination and reply port may be one name: both rights are taken from it, or neither. [KI
 * mach_msg] */
TEST(destination_and_reply_may_be_one_name)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_COPY_SEND, port),
               MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_remote_port, port);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    REQUIRE_KR(send_header(MACH_MSG_TYPE_MOVE_SEND, port, MACH_MSG_TYPE_MOVE_SEND, port),
               MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 0);
    REQUIRE_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_KR(send_header(MACH_MSG_TYPE_MOVE_SEND, port, MACH_MSG_TYPE_MOVE_SEND, port),
              MACH_SEND_INVALID_REPLY);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    REQUIRE_KR(send_header(MACH_MSG_TYPE_MOVE_SEND, port, MACH_MSG_TYPE_COPY_SEND, port),
               MACH_MSG_SUCCESS); /* the copy is taken first */
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 0);
    mach_port_destroy(SELF, port);
}

/* One send-once right is not both destination and reply right. [KI mach_msg] */
TEST(a_send_once_right_is_not_used_twice)
{
    mach_port_t port = new_port(), once = new_send_once(port);
    static struct space_state before;

    state_take(&before);
    EXPECT_KR(send_header(MACH_MSG_TYPE_MOVE_SEND_ONCE, once, MACH_MSG_TYPE_MOVE_SEND_ONCE, once),
              MACH_SEND_INVALID_REPLY);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, once);
    mach_port_destroy(SELF, port);
}

/* ---- receiving ---- */

/* To receive one needs the receive right, or a set: MACH_RCV_INVALID_NAME. [KI mach_msg] */
TEST(receive_needs_a_receive_right)
{
    struct parked parked = park();
    mach_port_t dead = new_dead_name();
    struct small m;

    EXPECT_KR(receive_word(MACH_PORT_NULL, &m, 0), MACH_RCV_INVALID_NAME);
    EXPECT_KR(receive_word(MACH_PORT_DEAD, &m, 0), MACH_RCV_INVALID_NAME);
    EXPECT_KR(receive_word(0x99900, &m, 0), MACH_RCV_INVALID_NAME);
    EXPECT_KR(receive_word(parked.port, &m, 0), MACH_RCV_INVALID_NAME);
    EXPECT_KR(receive_word(dead, &m, 0), MACH_RCV_INVALID_NAME);
    EXPECT_KR(receive_word(SELF, &m, 0), MACH_RCV_INVALID_NAME);
    mach_port_deallocate(SELF, dead);
    park_end(&parked);
}

/* One call can send and then receive; if it cannot receive, the message was sent all the same.
 * [KI mach_msg] */
TEST(send_and_receive_in_one_call)
{
    mach_port_t port = new_port_send();
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                 .msgh_remote_port = port}, .word = 8};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, SMALL_SIZE, sizeof m, port, 0, 0),
               MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 8);
    EXPECT_EQ(m.header.msgh_local_port, port);
    m.header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                   .msgh_remote_port = port};
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, SMALL_SIZE, sizeof m, 0x99900, 0, 0),
              MACH_RCV_INVALID_NAME);
    EXPECT_EQ(status_of(port).mps_msgcount, 1);
    mach_port_destroy(SELF, port);
}

/* If the send fails, nothing is received. [KI mach_msg] */
TEST(a_failed_send_receives_nothing)
{
    mach_port_t port = new_port_send();
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                 .msgh_remote_port = 0x99900}, .word = 8};

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, SMALL_SIZE, sizeof m, port, 0, 0),
              MACH_SEND_INVALID_DEST);
    EXPECT_EQ(m.word, 8);
    EXPECT_EQ(status_of(port).mps_msgcount, 1);
    mach_port_destroy(SELF, port);
}

/* A call that neither sends nor receives does nothing. [KI mach_msg] */
TEST(no_option_does_nothing)
{
    EXPECT_KR(mach_msg(NULL, MACH_MSG_OPTION_NONE, 0, 0, 0, 0, 0), MACH_MSG_SUCCESS);
}

/* A message that does not fit is destroyed, with the rights in it: MACH_RCV_TOO_LARGE. Its
 * header tells what it was. [KI mach_msg] */
TEST(without_rcv_large_the_message_is_destroyed)
{
    mach_port_t port = new_port_send(), cargo = new_port(), reply = new_port();
    struct small m;

    REQUIRE_KR(send_header(MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, reply),
               MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(mach_msg_header_t),
                       port, 0, MACH_PORT_NULL), MACH_RCV_TOO_LARGE);
    EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
    EXPECT_EQ(note_id(reply), MACH_NOTIFY_SEND_ONCE);
    REQUIRE_KR(send_right(port, cargo, MACH_MSG_TYPE_MAKE_SEND), MACH_MSG_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, SMALL_SIZE, port, 0, 0),
              MACH_RCV_TOO_LARGE);
    EXPECT_EQ(status_of(cargo).mps_srights, FALSE);
    EXPECT_KR(receive_word(port, &m, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, cargo);
    mach_port_destroy(SELF, reply);
}

/* With MACH_RCV_LARGE it stays where it is, and its size is told. [KI mach_msg] */
TEST(rcv_large_leaves_the_message_and_tells_its_size)
{
    mach_port_t port = new_port_send();
    struct small m;

    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, 0, 0), MACH_MSG_SUCCESS);
    for (mach_msg_size_t room = sizeof(mach_msg_header_t); room < SMALL_SIZE; room++) {
        m.header.msgh_size = 0;
        EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, room, port,
                           0, MACH_PORT_NULL), MACH_RCV_TOO_LARGE);
        EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
    }
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, 0, port, 0, 0),
              MACH_RCV_TOO_LARGE);
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, SMALL_SIZE,
                       port, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 5);
    EXPECT_EQ(m.header.msgh_seqno, 0); /* the refusals have used up no number */
    mach_port_destroy(SELF, port);
}

TEST_MAIN
