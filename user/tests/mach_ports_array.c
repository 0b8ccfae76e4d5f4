/*
 * Mach by example, 11: arrays of rights. A descriptor can name an array of port names in the
 * sender's memory: all of them are sent by one disposition, and an array of the receiver's names
 * arrives.
 */
#include "mach_rights.h"

#define PAGE 4096UL
#define COUNT 50

struct array_message {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_ool_ports_descriptor_t ports;
    mach_msg_security_trailer_t trailer;
};

static mach_msg_return_t send_array(mach_port_t to, const mach_port_t *names, uint32_t count,
                                    mach_msg_type_name_t disposition, boolean_t deallocate)
{
    struct array_message m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to},
        .body = {.msgh_descriptor_count = 1},
        .ports = {.address = (uint64_t)names, .count = count, .deallocate = deallocate,
                  .disposition = (uint8_t)disposition, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR}};

    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
                    offsetof(struct array_message, trailer), 0, 0, 0, 0);
}

static mach_msg_return_t receive_array(mach_port_t from, struct array_message *m)
{
    return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, from, 0, 0);
}

static void array_done(struct array_message *m)
{
    vm_deallocate(SELF, m->ports.address, m->ports.count * sizeof(mach_port_t));
}

/* An array of names arrives as an array of names of the same length, in order. [KI mach_msg] */
TEST(an_array_of_ports_travels_out_of_line)
{
    mach_port_t port = new_port_send(), cargo[COUNT];
    struct array_message m;

    for (int i = 0; i < COUNT; i++)
        cargo[i] = new_port();
    REQUIRE_KR(send_array(port, cargo, COUNT, MACH_MSG_TYPE_MAKE_SEND, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_array(port, &m), MACH_MSG_SUCCESS);
    REQUIRE_EQ(m.ports.count, COUNT);
    EXPECT_EQ(m.ports.disposition, MACH_MSG_TYPE_PORT_SEND);
    for (int i = 0; i < COUNT; i++)
        EXPECT_EQ(((mach_port_t *)m.ports.address)[i], cargo[i]);
    EXPECT_EQ(type_of(cargo[COUNT - 1]), MACH_PORT_TYPE_SEND_RECEIVE);
    array_done(&m);
    for (int i = 0; i < COUNT; i++)
        mach_port_destroy(SELF, cargo[i]);
    mach_port_destroy(SELF, port);
}

/* An empty array arrives as no address. [KI mach_msg] */
TEST(an_empty_array_arrives_as_null)
{
    mach_port_t port = new_port_send();
    struct array_message m;

    REQUIRE_KR(send_array(port, (void *)0x7000000000, 0, MACH_MSG_TYPE_COPY_SEND, TRUE),
               MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_array(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.ports.count, 0);
    EXPECT_EQ(m.ports.address, 0);
    mach_port_destroy(SELF, port);
}

/* Null and dead members arrive as they are, between others. [KI mach_msg] */
TEST(null_and_dead_members)
{
    mach_port_t port = new_port_send(), dead = new_dead_name();
    mach_port_t cargo[4] = {MACH_PORT_NULL, port, MACH_PORT_DEAD, dead}, *got;
    struct array_message m;

    REQUIRE_KR(send_array(port, cargo, 4, MACH_MSG_TYPE_COPY_SEND, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_array(port, &m), MACH_MSG_SUCCESS);
    got = (mach_port_t *)m.ports.address;
    EXPECT_TRUE(got[0] == MACH_PORT_NULL && got[1] == port);
    EXPECT_TRUE(got[2] == MACH_PORT_DEAD && got[3] == MACH_PORT_DEAD);
    array_done(&m);
    mach_port_deallocate(SELF, dead);
    mach_port_destroy(SELF, port);
}

/* Each disposition does to all members what it does to one. [KI mach_msg] */
TEST(an_array_by_each_disposition)
{
    static const mach_msg_type_name_t how[6] = {
        MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_SEND,
        MACH_MSG_TYPE_MAKE_SEND_ONCE, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_MSG_TYPE_MOVE_RECEIVE};
    static const mach_port_type_t arrives[6] = {
        MACH_PORT_TYPE_SEND_RECEIVE, MACH_PORT_TYPE_SEND_RECEIVE, MACH_PORT_TYPE_SEND_RECEIVE,
        MACH_PORT_TYPE_SEND_ONCE, MACH_PORT_TYPE_SEND_ONCE, MACH_PORT_TYPE_SEND_RECEIVE};
    mach_port_t box = new_port_send();
    struct array_message m;

    for (int d = 0; d < 6; d++) {
        mach_port_t ports[5], cargo[5];

        for (int i = 0; i < 5; i++) {
            ports[i] = new_port_send();
            cargo[i] = how[d] == MACH_MSG_TYPE_MOVE_SEND_ONCE ? new_send_once(ports[i]) : ports[i];
        }
        REQUIRE_KR(send_array(box, cargo, 5, how[d], FALSE), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_array(box, &m), MACH_MSG_SUCCESS);
        for (int i = 0; i < 5; i++) {
            mach_port_t got = ((mach_port_t *)m.ports.address)[i];

            EXPECT_EQ(type_of(got), arrives[d]);
            if (arrives[d] == MACH_PORT_TYPE_SEND_ONCE)
                mach_port_deallocate(SELF, got);
            mach_port_destroy(SELF, ports[i]);
        }
        array_done(&m);
    }
    mach_port_destroy(SELF, box);
}

/* One name may be in the array many times; as often does it count. [KI mach_msg] */
TEST(one_right_many_times)
{
    mach_port_t port = new_port_send(), cargo[COUNT];
    struct array_message m;

    for (int i = 0; i < COUNT; i++)
        cargo[i] = port;
    REQUIRE_KR(send_array(port, cargo, COUNT, MACH_MSG_TYPE_COPY_SEND, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_array(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), COUNT + 1);
    array_done(&m);
    mach_port_destroy(SELF, port);
}

/* A bad member at any place fails the send, and nothing is changed. [KI mach_msg] */
TEST(a_bad_member_at_any_place_undoes_the_rest)
{
    static struct space_state before;
    mach_port_t port = new_port_send(), cargo[8], good[8];

    for (int i = 0; i < 8; i++)
        good[i] = new_port_send();
    state_take(&before);
    for (mach_msg_type_name_t how = MACH_MSG_TYPE_MOVE_RECEIVE; how <= MACH_MSG_TYPE_MAKE_SEND_ONCE;
         how++) {
        for (int bad = 0; bad < 8; bad++) {
            memcpy(cargo, good, sizeof cargo);
            cargo[bad] = 0x88800;
            EXPECT_KR(send_array(port, cargo, 8, how, FALSE), MACH_SEND_INVALID_RIGHT);
            EXPECT_SAME_STATE(&before);
        }
    }
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(status_of(good[i]).mps_mscount, 1);
    for (int i = 0; i < 8; i++)
        mach_port_destroy(SELF, good[i]);
    mach_port_destroy(SELF, port);
}

/* An array that cannot be read is MACH_SEND_INVALID_MEMORY; a disposition that is none,
 * MACH_SEND_INVALID_TYPE. [KI mach_msg] */
TEST(an_array_must_be_readable_and_have_a_disposition)
{
    mach_port_t port = new_port_send(), cargo[2] = {port, port};

    EXPECT_KR(send_array(port, (void *)0x7000000000, 4, MACH_MSG_TYPE_COPY_SEND, FALSE),
              MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_array(port, (void *)0xffff000040200000, 4, MACH_MSG_TYPE_COPY_SEND, FALSE),
              MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(send_array(port, cargo, 2, 0, FALSE), MACH_SEND_INVALID_TYPE);
    EXPECT_KR(send_array(port, cargo, 2, 22, FALSE), MACH_SEND_INVALID_TYPE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, port);
}

/* More rights than a message may carry are MACH_SEND_TOO_LARGE, before any is looked at.
 * [ipc_copyin.c] */
TEST(too_many_rights)
{
    mach_port_t port = new_port_send();

    EXPECT_KR(send_array(port, NULL, 16385, MACH_MSG_TYPE_COPY_SEND, FALSE), MACH_SEND_TOO_LARGE);
    EXPECT_KR(send_array(port, NULL, ~0U, MACH_MSG_TYPE_COPY_SEND, FALSE), MACH_SEND_TOO_LARGE);
    mach_port_destroy(SELF, port);
}

/* Sixteen thousand rights travel at once. [ipc_copyin.c] */
TEST(as_many_rights_as_there_may_be)
{
    static mach_port_t cargo[16384];
    mach_port_t port = new_port_send();
    struct array_message m;

    for (int i = 0; i < 16384; i++)
        cargo[i] = port;
    REQUIRE_KR(send_array(port, cargo, 16384, MACH_MSG_TYPE_COPY_SEND, FALSE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_array(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 16385);
    array_done(&m);
    mach_port_destroy(SELF, port);
}

/* With deallocate the array's memory goes with a message that was sent, and stays with one that
 * was not. [KI mach_msg] */
TEST(deallocate_gives_the_array_away)
{
    mach_port_t port = new_port_send(), *names;
    vm_address_t address = 0, at;
    vm_region_info_data_t info;
    struct array_message m;
    vm_size_t size;

    REQUIRE_KR(vm_allocate(SELF, &address, PAGE, TRUE), KERN_SUCCESS);
    names = (mach_port_t *)address;
    names[0] = port;
    names[1] = 0x88800;
    EXPECT_KR(send_array(port, names, 2, MACH_MSG_TYPE_COPY_SEND, TRUE), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(names[0], port);
    names[1] = port;
    EXPECT_KR(send_array(port, names, 2, MACH_MSG_TYPE_COPY_SEND, TRUE), MACH_MSG_SUCCESS);
    at = address;
    EXPECT_TRUE(vm_region(SELF, &at, &size, &info) != KERN_SUCCESS || at != address);
    REQUIRE_KR(receive_array(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.ports.deallocate, FALSE);
    EXPECT_EQ(((mach_port_t *)m.ports.address)[1], port);
    array_done(&m);
    mach_port_destroy(SELF, port);
}

/* Rights in an array that nobody receives are released. [KP, port death] */
TEST(an_array_of_a_destroyed_message_is_released)
{
    mach_port_t port = new_port_send(), cargo[COUNT];

    for (int i = 0; i < COUNT; i++)
        cargo[i] = new_port();
    REQUIRE_KR(send_array(port, cargo, COUNT, MACH_MSG_TYPE_MAKE_SEND, FALSE), MACH_MSG_SUCCESS);
    EXPECT_TRUE(status_of(cargo[0]).mps_srights && status_of(cargo[COUNT - 1]).mps_srights);
    mach_port_destroy(SELF, port);
    for (int i = 0; i < COUNT; i++) {
        EXPECT_EQ(status_of(cargo[i]).mps_srights, FALSE);
        mach_port_destroy(SELF, cargo[i]);
    }
}

TEST_MAIN
