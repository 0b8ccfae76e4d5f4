/*
 * Mach by example, 9: rights in messages. A descriptor names a right and says what to do with it. A
 * send takes all the rights of a message or, if one is wrong, none: the sender's space is then
 * exactly as it was.
 */
#include "mach_rights.h"

#define MOVE_RECEIVE   MACH_MSG_TYPE_MOVE_RECEIVE
#define MOVE_SEND      MACH_MSG_TYPE_MOVE_SEND
#define MOVE_SEND_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define COPY_SEND      MACH_MSG_TYPE_COPY_SEND
#define MAKE_SEND      MACH_MSG_TYPE_MAKE_SEND
#define MAKE_SEND_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

/* ---- one right: each disposition of each kind of name ---- */

/* Names of each kind, to try a disposition on. */
struct kinds {
    mach_port_t receive;
    mach_port_t send_receive;
    struct parked send;
    mach_port_t once_port, once;
    mach_port_t dead;
    mach_port_t set;
};

static struct kinds kinds_make(void)
{
    struct kinds k = {.receive = new_port(), .send_receive = new_port_send(), .send = park(),
                      .once_port = new_port(), .dead = new_dead_name(), .set = new_set()};

    k.once = new_send_once(k.once_port);
    mach_port_mod_refs(SELF, k.send.port, MACH_PORT_RIGHT_SEND, 1);
    return k;
}

static void kinds_end(struct kinds *k)
{
    mach_port_destroy(SELF, k->receive);
    mach_port_destroy(SELF, k->send_receive);
    park_end(&k->send);
    mach_port_destroy(SELF, k->once);
    mach_port_destroy(SELF, k->once_port);
    mach_port_destroy(SELF, k->dead);
    mach_port_destroy(SELF, k->set);
}

/*
 * Sends each kind of name by one disposition. `works` has a letter for each that can be sent so: r,
 * b(oth), s, o, d, p (set). The others are MACH_SEND_INVALID_RIGHT, and change nothing.
 */
static void try_disposition(mach_msg_type_name_t disposition, const char *works)
{
    struct kinds k = kinds_make();
    mach_port_t box = new_port_send();
    const mach_port_t names[6] = {k.receive, k.send_receive, k.send.port, k.once, k.dead, k.set};
    static struct space_state before;
    struct carrier m;

    for (int i = 0; i < 6; i++) {
        if (strchr(works, "rbsodp"[i]) != NULL) {
            EXPECT_KR(send_right(box, names[i], disposition), MACH_MSG_SUCCESS);
            EXPECT_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
            mach_msg_destroy(&m.header);
        } else {
            state_take(&before);
            EXPECT_KR(send_right(box, names[i], disposition), MACH_SEND_INVALID_RIGHT);
            EXPECT_SAME_STATE(&before);
        }
    }
    mach_port_destroy(SELF, box);
    kinds_end(&k);
}

/* MOVE_RECEIVE is for receive rights. [KI mach_msg] */
TEST(move_receive_of_each_kind_of_name)
{
    try_disposition(MOVE_RECEIVE, "rb");
}

/* MOVE_SEND is for send rights and dead names. [KI mach_msg] */
TEST(move_send_of_each_kind_of_name)
{
    try_disposition(MOVE_SEND, "bsd");
}

/* COPY_SEND is for send rights and dead names. [KI mach_msg] */
TEST(copy_send_of_each_kind_of_name)
{
    try_disposition(COPY_SEND, "bsd");
}

/* MOVE_SEND_ONCE is for send-once rights and dead names. [KI mach_msg] */
TEST(move_send_once_of_each_kind_of_name)
{
    try_disposition(MOVE_SEND_ONCE, "od");
}

/* MAKE_SEND is for receive rights. [KI mach_msg] */
TEST(make_send_of_each_kind_of_name)
{
    try_disposition(MAKE_SEND, "rb");
}

/* MAKE_SEND_ONCE is for receive rights. [KI mach_msg] */
TEST(make_send_once_of_each_kind_of_name)
{
    try_disposition(MAKE_SEND_ONCE, "rb");
}

/* A send right that arrives where there is one merges with it; the descriptor says what arrived.
 * [KI mach_msg] */
TEST(rights_travel_copied_and_moved)
{
    mach_port_t port = new_port_send(), cargo = new_port_send();
    struct carrier m;

    REQUIRE_KR(send_right(port, cargo, COPY_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 1);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, cargo); /* send rights to one port have one name */
    EXPECT_EQ(m.port.disposition, MACH_MSG_TYPE_PORT_SEND);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 2);

    REQUIRE_KR(send_right(port, cargo, MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 1);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(cargo, MACH_PORT_RIGHT_SEND), 2);

    REQUIRE_KR(send_right(port, cargo, MAKE_SEND_ONCE), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
    EXPECT_TRUE(m.port.name != cargo);
    EXPECT_EQ(m.port.disposition, MACH_MSG_TYPE_PORT_SEND_ONCE);
    EXPECT_EQ(type_of(m.port.name), MACH_PORT_TYPE_SEND_ONCE);
    mach_port_deallocate(SELF, m.port.name);
    mach_port_destroy(SELF, cargo);
    mach_port_destroy(SELF, port);
}

/* Null and dead names need no right, by whatever disposition, and arrive as they are. [KI
 * mach_msg] */
TEST(carried_null_and_dead_arrive_so)
{
    mach_port_t port = new_port_send();
    struct carrier m;

    for (mach_msg_type_name_t how = MOVE_RECEIVE; how <= MAKE_SEND_ONCE; how++) {
        REQUIRE_KR(send_right(port, MACH_PORT_NULL, how), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, MACH_PORT_NULL);
        REQUIRE_KR(send_right(port, MACH_PORT_DEAD, how), MACH_MSG_SUCCESS);
        REQUIRE_KR(receive_right(port, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, MACH_PORT_DEAD);
    }
    mach_port_destroy(SELF, port);
}

/* A right whose last reference is moved leaves the space; received again, it has a name again.
 * [KI mach_msg] */
TEST(the_last_reference_moved_frees_the_name)
{
    struct parked parked = park();
    mach_port_t box = new_port_send();
    struct carrier m;

    REQUIRE_KR(send_right(box, parked.port, MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(parked.port), MACH_PORT_TYPE_NONE);
    REQUIRE_KR(receive_right(box, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(m.port.name), MACH_PORT_TYPE_SEND);
    EXPECT_EQ(refs_of(m.port.name, MACH_PORT_RIGHT_SEND), 1);
    parked.port = m.port.name;
    mach_port_destroy(SELF, box);
    park_end(&parked);
}

/* ---- many rights ---- */

#define MANY 64

struct many {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_descriptor_t descriptors[MANY];
    mach_msg_security_trailer_t trailer;
};

static void many_init(struct many *m, mach_port_t to)
{
    memset(m, 0, sizeof *m);
    m->header.msgh_bits = MACH_MSGH_BITS(COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    m->header.msgh_remote_port = to;
}

static mach_msg_port_descriptor_t *many_add(struct many *m, mach_port_t name,
                                            mach_msg_type_name_t disposition)
{
    mach_msg_port_descriptor_t *d = &m->descriptors[m->body.msgh_descriptor_count++].port;

    *d = (mach_msg_port_descriptor_t){.name = name, .disposition = disposition,
                                      .type = MACH_MSG_PORT_DESCRIPTOR};
    return d;
}

static mach_msg_return_t many_send(struct many *m)
{
    return mach_msg(&m->header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
                    sizeof(mach_msg_base_t)
                        + m->body.msgh_descriptor_count * sizeof(mach_msg_descriptor_t),
                    0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static mach_msg_return_t many_receive(struct many *m, mach_port_t from)
{
    return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, from, 0, 0);
}

/* As many references of one right can be moved in a message as the name has. [KI mach_msg] */
TEST(each_reference_can_be_moved_once)
{
    static struct space_state before;
    static struct many m;
    struct parked parked = park();
    mach_port_t box = new_port_send();

    REQUIRE_KR(mach_port_mod_refs(SELF, parked.port, MACH_PORT_RIGHT_SEND, 4), KERN_SUCCESS);
    many_init(&m, box);
    for (int i = 0; i < 6; i++)
        many_add(&m, parked.port, MOVE_SEND);
    state_take(&before);
    EXPECT_KR(many_send(&m), MACH_SEND_INVALID_RIGHT); /* the sixth is one too many */
    EXPECT_SAME_STATE(&before);
    m.body.msgh_descriptor_count = 5;
    REQUIRE_KR(many_send(&m), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(parked.port), MACH_PORT_TYPE_NONE);
    REQUIRE_KR(many_receive(&m, box), MACH_MSG_SUCCESS);
    parked.port = m.descriptors[0].port.name;
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(m.descriptors[i].port.name, parked.port);
    EXPECT_EQ(refs_of(parked.port, MACH_PORT_RIGHT_SEND), 5);
    mach_port_destroy(SELF, box);
    park_end(&parked);
}

/* A receive right can be in a message once. [KI mach_msg] */
TEST(a_receive_right_is_moved_once)
{
    static struct space_state before;
    static struct many m;
    mach_port_t box = new_port_send(), port = new_port_send();

    many_init(&m, box);
    many_add(&m, port, MOVE_RECEIVE);
    many_add(&m, port, MOVE_RECEIVE);
    state_take(&before);
    EXPECT_KR(many_send(&m), MACH_SEND_INVALID_RIGHT);
    EXPECT_SAME_STATE(&before);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
}

/* Rights are taken in the order of the descriptors: what was moved is not there any more to be
 * copied, what is made before the receive right moves is made. [KI mach_msg] */
TEST(descriptors_are_taken_in_order)
{
    static struct space_state before;
    static struct many m;
    mach_port_t box = new_port_send(), port = new_port();

    many_init(&m, box);
    many_add(&m, port, MOVE_RECEIVE);
    many_add(&m, port, MAKE_SEND);
    state_take(&before);
    EXPECT_KR(many_send(&m), MACH_SEND_INVALID_RIGHT);
    EXPECT_SAME_STATE(&before);
    many_init(&m, box);
    many_add(&m, port, MAKE_SEND);
    many_add(&m, port, MOVE_RECEIVE);
    REQUIRE_KR(many_send(&m), MACH_MSG_SUCCESS);
    REQUIRE_KR(many_receive(&m, box), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.descriptors[0].port.name, m.descriptors[1].port.name);
    EXPECT_EQ(type_of(m.descriptors[0].port.name), MACH_PORT_TYPE_SEND_RECEIVE);
    mach_port_destroy(SELF, m.descriptors[0].port.name);
    mach_port_destroy(SELF, box);
}

/* Twelve rights, one of each disposition and kind, with the bad one at every place in turn: each
 * time the space is exactly as it was before the send. [KI mach_msg] */
TEST(a_bad_right_at_any_place_undoes_the_rest)
{
    static const mach_msg_type_name_t how[12] = {
        MOVE_SEND, COPY_SEND, MAKE_SEND, MAKE_SEND_ONCE, MOVE_SEND_ONCE, MOVE_RECEIVE,
        MOVE_SEND, COPY_SEND, MOVE_SEND, MAKE_SEND, MOVE_SEND, MOVE_RECEIVE};
    static struct space_state before;
    static struct many m;
    struct kinds k = kinds_make();
    mach_port_t box = new_port_send(), other = new_port_send();
    const mach_port_t names[12] = {k.send.port, k.send.port, k.receive, k.receive, k.once, k.receive,
                                   k.send.port, k.dead, k.dead, other, other, other};

    state_take(&before);
    for (int bad = 0; bad < 12; bad++) {
        many_init(&m, box);
        for (int i = 0; i < 12; i++)
            many_add(&m, i == bad ? 0x88800 : names[i], how[i]);
        EXPECT_KR(many_send(&m), MACH_SEND_INVALID_RIGHT);
        EXPECT_SAME_STATE(&before);
        EXPECT_EQ(status_of(k.receive).mps_mscount, 0);
        EXPECT_EQ(status_of(k.receive).mps_sorights, 0);
        EXPECT_EQ(status_of(k.once_port).mps_sorights, 1);
    }
    EXPECT_EQ(status_of(box).mps_msgcount, 0);
    many_init(&m, box); /* and without the bad one it goes */
    for (int i = 0; i < 12; i++)
        many_add(&m, names[i], how[i]);
    EXPECT_KR(many_send(&m), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, box);
    mach_port_destroy(SELF, other);
    kinds_end(&k);
}

/* A descriptor that is none, or whose disposition is none, is MACH_SEND_INVALID_TYPE, at
 * whatever place; nothing is changed. [KI mach_msg] */
TEST(a_malformed_descriptor_at_any_place)
{
    static struct space_state before;
    static struct many m;
    mach_port_t box = new_port_send(), port = new_port_send();

    state_take(&before);
    for (int bad = 0; bad < 5; bad++) {
        many_init(&m, box);
        for (int i = 0; i < 5; i++)
            many_add(&m, port, COPY_SEND);
        m.descriptors[bad].port.type = 3;
        EXPECT_KR(many_send(&m), MACH_SEND_INVALID_TYPE);
        m.descriptors[bad].port.type = 255;
        EXPECT_KR(many_send(&m), MACH_SEND_INVALID_TYPE);
        m.descriptors[bad].port.type = MACH_MSG_PORT_DESCRIPTOR;
        m.descriptors[bad].port.disposition = 15;
        EXPECT_KR(many_send(&m), MACH_SEND_INVALID_TYPE);
        m.descriptors[bad].port.disposition = 22;
        EXPECT_KR(many_send(&m), MACH_SEND_INVALID_TYPE);
        m.descriptors[bad].port.disposition = 0;
        EXPECT_KR(many_send(&m), MACH_SEND_INVALID_TYPE);
        EXPECT_SAME_STATE(&before);
    }
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
}

/* More descriptors than the message has room for are MACH_SEND_MSG_TOO_SMALL. [KI mach_msg] */
TEST(descriptors_must_fit_the_message)
{
    static struct many m;
    mach_port_t box = new_port_send();

    many_init(&m, box);
    many_add(&m, box, COPY_SEND);
    m.body.msgh_descriptor_count = 2;
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
    m.body.msgh_descriptor_count = 0x10000001; /* times 16 is 16 again */
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
    m.body.msgh_descriptor_count = ~0U;
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, 0, 0, 0), MACH_SEND_MSG_TOO_SMALL);
    m.body.msgh_descriptor_count = 1;
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE - 1, 0, 0, 0, 0),
              MACH_SEND_MSG_TOO_SMALL);
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, sizeof(mach_msg_header_t) + 4, 0, 0, 0, 0),
              MACH_SEND_MSG_TOO_SMALL); /* a complex message has a body */
    EXPECT_EQ(refs_of(box, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, box);
}

/* A complex message may have no descriptors. [KI mach_msg] */
TEST(a_complex_message_without_descriptors)
{
    static struct many m;
    mach_port_t box = new_port_send();

    many_init(&m, box);
    REQUIRE_KR(many_send(&m), MACH_MSG_SUCCESS);
    REQUIRE_KR(many_receive(&m, box), MACH_MSG_SUCCESS);
    EXPECT_TRUE(m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX);
    EXPECT_EQ(m.body.msgh_descriptor_count, 0);
    EXPECT_EQ(m.header.msgh_size, sizeof(mach_msg_base_t));
    mach_port_destroy(SELF, box);
}

/* Without the complex bit what looks like a descriptor is data. [KI mach_msg] */
TEST(a_simple_message_has_no_descriptors)
{
    static struct many m;
    mach_port_t box = new_port_send(), port = new_port_send();

    many_init(&m, box);
    m.header.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
    many_add(&m, port, MOVE_RECEIVE);
    REQUIRE_KR(many_send(&m), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    REQUIRE_KR(many_receive(&m, box), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX, 0);
    EXPECT_EQ(m.descriptors[0].port.name, port);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
}

/* The destination is taken before the rights, and given back with them. [KI mach_msg] */
TEST(a_bad_right_gives_the_destination_back)
{
    static const mach_msg_type_name_t how[3] = {MOVE_SEND, MAKE_SEND, MAKE_SEND_ONCE};
    static struct space_state before;
    static struct many m;
    mach_port_t box = new_port_send(), reply = new_port_send(), once = new_send_once(box);

    state_take(&before);
    for (int i = 0; i < 4; i++) {
        many_init(&m, i == 3 ? once : box);
        m.header.msgh_bits = MACH_MSGH_BITS(i == 3 ? MOVE_SEND_ONCE : how[i], MOVE_SEND)
                             | MACH_MSGH_BITS_COMPLEX;
        m.header.msgh_local_port = reply;
        many_add(&m, reply, MOVE_SEND); /* its reference is the reply right's already */
        EXPECT_KR(many_send(&m), MACH_SEND_INVALID_RIGHT);
        EXPECT_SAME_STATE(&before);
        EXPECT_EQ(status_of(box).mps_mscount, 1);
        EXPECT_EQ(status_of(box).mps_sorights, 1);
    }
    mach_port_destroy(SELF, once);
    mach_port_destroy(SELF, box);
    mach_port_destroy(SELF, reply);
}

/* A message may carry rights to its own destination. [KI mach_msg] */
TEST(a_message_may_carry_rights_to_where_it_goes)
{
    static struct many m;
    mach_port_t box = new_port_send();

    many_init(&m, box);
    many_add(&m, box, COPY_SEND);
    many_add(&m, box, MAKE_SEND_ONCE);
    REQUIRE_KR(many_send(&m), MACH_MSG_SUCCESS);
    REQUIRE_KR(many_receive(&m, box), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.descriptors[0].port.name, box);
    EXPECT_EQ(type_of(m.descriptors[1].port.name), MACH_PORT_TYPE_SEND_ONCE);
    mach_msg_destroy(&m.header);
    EXPECT_EQ(refs_of(box, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, box);
}

/* Rights and data can be in one message; the data is not looked at. [KI mach_msg] */
TEST(data_follows_the_descriptors)
{
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t port;
        uint64_t data[4];
    } m = {.header = {.msgh_bits = MACH_MSGH_BITS(COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX},
           .body = {.msgh_descriptor_count = 1},
           .port = {.disposition = MAKE_SEND_ONCE, .type = MACH_MSG_PORT_DESCRIPTOR},
           .data = {1, ~0UL, 0x1122334455667788, 4}};
    mach_port_t box = new_port_send();

    m.header.msgh_remote_port = m.port.name = box;
    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    memset(m.data, 0, sizeof m.data);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof m, box, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.data[0], 1);
    EXPECT_EQ(m.data[1], ~0UL);
    EXPECT_EQ(m.data[2], 0x1122334455667788);
    EXPECT_EQ(m.data[3], 4);
    mach_msg_destroy(&m.header);
    mach_port_destroy(SELF, box);
}

/* Rights given to the kernel in a message it has no use for are released. [mach_port.defs, MIG] */
TEST(rights_sent_to_a_kernel_port_are_released)
{
    mach_port_t port = new_port(), once_port = new_port();
    static struct many m;

    many_init(&m, SELF);
    m.header.msgh_id = 999999;
    many_add(&m, port, MAKE_SEND);
    many_add(&m, once_port, MAKE_SEND_ONCE);
    REQUIRE_KR(many_send(&m), MACH_MSG_SUCCESS);
    EXPECT_EQ(status_of(port).mps_srights, FALSE);
    EXPECT_EQ(note_id(once_port), MACH_NOTIFY_SEND_ONCE);
    many_init(&m, SELF);
    many_add(&m, port, MOVE_RECEIVE);
    REQUIRE_KR(many_send(&m), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    mach_port_destroy(SELF, once_port);
}

TEST_MAIN
