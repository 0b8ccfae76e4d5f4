/*
 * Mach by example, 12: the trailer. Behind a message the kernel can say what the sender cannot: in
 * which order it came, and who sent it. The receiver asks for it, and makes room.
 */
#include "mach_rights.h"

#include <mach/host_priv.h>

#define SEQNO  MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO)
#define SENDER MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER)

/* A buffer filled with a byte that no trailer has. */
static union {
    mach_msg_header_t header;
    unsigned char bytes[256];
} buffer;

static mach_msg_return_t receive_with(mach_port_t port, mach_msg_option_t option, mach_msg_size_t room)
{
    memset(&buffer, 0x5a, sizeof buffer);
    return mach_msg(&buffer.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0, room, port, 0, 0);
}

static mach_msg_return_t send_size(mach_port_t port, mach_msg_size_t size)
{
    static union {
        mach_msg_header_t header;
        unsigned char bytes[128];
    } m;

    memset(&m, 0x11, sizeof m);
    m.header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                   .msgh_remote_port = port};
    return mach_msg(&m.header, MACH_SEND_MSG, size, 0, 0, 0, 0);
}

/* Unless it is asked for there is no trailer. [OSF mach_msg, MACH_RCV_TRAILER] */
TEST(no_trailer_unless_asked_for)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(send_size(port, 28), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_with(port, 0, sizeof buffer), MACH_MSG_SUCCESS);
    EXPECT_EQ(buffer.header.msgh_size, 28);
    EXPECT_EQ(buffer.bytes[28], 0x5a);
    mach_port_destroy(SELF, port);
}

/* The trailer has a size that says how much of it there is: 12 bytes with the sequence number,
 * 20 with the sender. It is not counted in msgh_size. [message.h] */
TEST(the_trailer_says_its_size)
{
    mach_port_t port = new_port_send();
    const mach_msg_security_trailer_t *trailer;

    REQUIRE_KR(send_size(port, 28), MACH_MSG_SUCCESS);
    REQUIRE_KR(send_size(port, 28), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_with(port, SEQNO, sizeof buffer), MACH_MSG_SUCCESS);
    trailer = mach_msg_trailer(&buffer.header);
    EXPECT_EQ(buffer.header.msgh_size, 28);
    EXPECT_EQ(trailer->msgh_trailer_type, 0);
    EXPECT_EQ(trailer->msgh_trailer_size, 12);
    EXPECT_EQ(buffer.bytes[28 + 12], 0x5a);
    REQUIRE_KR(receive_with(port, SENDER, sizeof buffer), MACH_MSG_SUCCESS);
    EXPECT_EQ(trailer->msgh_trailer_size, 20);
    EXPECT_EQ(buffer.bytes[28 + 20], 0x5a);
    mach_port_destroy(SELF, port);
}

/* Its sequence number is the header's. [message.h] */
TEST(the_trailer_repeats_the_sequence_number)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(mach_port_set_seqno(SELF, port, 41), KERN_SUCCESS);
    for (int i = 0; i < 2; i++) {
        REQUIRE_KR(send_size(port, 28), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_with(port, SEQNO, sizeof buffer), MACH_MSG_SUCCESS);
        EXPECT_EQ(mach_msg_trailer(&buffer.header)->msgh_seqno, 41 + i);
        EXPECT_EQ(buffer.header.msgh_seqno, 41 + i);
    }
    mach_port_destroy(SELF, port);
}

/* The trailer begins at the next multiple of four, with zeros before it. [message.h] */
TEST(the_trailer_is_aligned)
{
    mach_port_t port = new_port_send();

    for (mach_msg_size_t size = 25; size <= 28; size++) {
        REQUIRE_KR(send_size(port, size), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_with(port, SENDER, 28 + 20), MACH_MSG_SUCCESS);
        EXPECT_EQ(buffer.header.msgh_size, size);
        for (mach_msg_size_t i = size; i < 28; i++)
            EXPECT_EQ(buffer.bytes[i], 0);
        EXPECT_EQ(mach_msg_trailer(&buffer.header)->msgh_trailer_size, 20);
    }
    mach_port_destroy(SELF, port);
}

/* There must be room for the trailer as well: else MACH_RCV_TOO_LARGE. [message.h] */
TEST(the_trailer_needs_room)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(send_size(port, 28), MACH_MSG_SUCCESS);
    EXPECT_KR(receive_with(port, SENDER | MACH_RCV_LARGE, 28 + 19), MACH_RCV_TOO_LARGE);
    EXPECT_EQ(buffer.header.msgh_size, 28);
    EXPECT_KR(receive_with(port, SEQNO | MACH_RCV_LARGE, 28 + 11), MACH_RCV_TOO_LARGE);
    EXPECT_KR(receive_with(port, SENDER | MACH_RCV_LARGE, 28 + 20), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* A program's token is not the kernel's, whatever it writes behind its message. [message.h] */
TEST(the_trailer_names_the_sender_and_cannot_be_forged)
{
    mach_port_t port = new_port_send();
    struct small m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_remote_port = port},
        .trailer = {.msgh_trailer_size = sizeof m.trailer, .msgh_sender = KERNEL_SECURITY_TOKEN_VALUE}};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE + sizeof m.trailer, 0, 0, 0, 0),
               MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_with(port, SENDER, sizeof buffer), MACH_MSG_SUCCESS);
    EXPECT_TRUE(!mach_msg_from_kernel(&buffer.header));
    mach_port_destroy(SELF, port);
}

/* What the kernel sends itself has its token, {0, 0}: notifications, and answers of its objects.
 * [message.h] */
TEST(the_kernels_own_messages_have_its_token)
{
    mach_port_t port = new_port();
    mach_msg_header_t ask = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = SELF, .msgh_local_port = port, .msgh_id = 999999};

    mach_port_deallocate(SELF, new_send_once(port));
    REQUIRE_KR(receive_with(port, SENDER, sizeof buffer), MACH_MSG_SUCCESS);
    EXPECT_TRUE(mach_msg_from_kernel(&buffer.header));
    REQUIRE_KR(mach_msg(&ask, MACH_SEND_MSG, sizeof ask, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_with(port, SENDER, sizeof buffer), MACH_MSG_SUCCESS);
    EXPECT_TRUE(mach_msg_from_kernel(&buffer.header));
    mach_port_destroy(SELF, port);
}

/* Without room for a trailer asked for, nobody can claim that the kernel sent it. [mach.h] */
TEST(a_message_without_trailer_is_not_the_kernels)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(send_size(port, 28), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_with(port, SEQNO, sizeof buffer), MACH_MSG_SUCCESS);
    EXPECT_TRUE(!mach_msg_from_kernel(&buffer.header)); /* the sequence number alone proves nothing */
    mach_port_destroy(SELF, port);
}

TEST_MAIN
