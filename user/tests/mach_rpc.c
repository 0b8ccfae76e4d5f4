/*
 * RPCs, where the kernel takes a short cut (kernel/ipc/mach_msg_fast.c), and what may come in between:
 * every test here holds as well when it does not (boot argument fastpath=off).
 */
#include "mach_child.h"

#define BODY_MAX 9000 /* more than any buffer the kernel keeps at hand */

struct big {
    mach_msg_header_t header;
    uint8_t body[BODY_MAX];
    mach_msg_security_trailer_t trailer;
};

enum { ID_ECHO = 900, ID_STOP };

/* Receives on a port or set and answers each request with itself, in one trap; ends when told, or when
 * the port is gone. */
struct server {
    mach_port_t port;
    mach_msg_option_t options;
    volatile thread_t thread;
    volatile uint64_t served;
    volatile mach_msg_return_t ended;
};

static void *serve(void *arg)
{
    struct server *server = arg;
    mach_msg_option_t option = MACH_RCV_MSG | server->options;
    mach_msg_size_t size = 0;
    struct big m;

    server->thread = mach_thread_self_cached();
    for (;;) {
        mach_msg_return_t mr = mach_msg(&m.header, option, size, sizeof(m), server->port, 0, 0);

        option = MACH_RCV_MSG | server->options;
        size = 0;
        if (mr == MACH_RCV_PORT_CHANGED || mr == MACH_RCV_IN_SET || mr == MACH_SEND_INVALID_DEST) {
            thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
            continue;
        }
        if (mr != MACH_MSG_SUCCESS || m.header.msgh_id == ID_STOP) {
            server->ended = mr;
            return NULL;
        }
        server->served++;
        m.header.msgh_bits = (m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
                             | MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), 0);
        /* Rights go back as they have come; memory moves. */
        if ((m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
            && ((struct ool *)&m)->memory.type == MACH_MSG_OOL_DESCRIPTOR)
            ((struct ool *)&m)->memory.deallocate = TRUE;
        m.header.msgh_local_port = MACH_PORT_NULL;
        size = m.header.msgh_size;
        option |= MACH_SEND_MSG;
    }
}

static mach_msg_return_t call(mach_port_t to, mach_port_t reply, struct big *m, mach_msg_size_t size,
                              mach_msg_option_t options)
{
    m->header = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = to, .msgh_local_port = reply, .msgh_id = ID_ECHO};
    return mach_msg(&m->header, MACH_SEND_MSG | MACH_RCV_MSG | options, size, sizeof(*m), reply, 0, 0);
}

static void stop(struct server *server, cthread_t thread, mach_port_t name)
{
    mach_msg_header_t m = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                           .msgh_remote_port = name, .msgh_id = ID_STOP};

    EXPECT_KR(mach_msg(&m, MACH_SEND_MSG, sizeof(m), 0, 0, 0, 0), MACH_MSG_SUCCESS);
    cthread_join(thread);
    EXPECT_KR(server->ended, MACH_MSG_SUCCESS);
}

static void echo_sizes(mach_msg_option_t server_options, mach_msg_option_t options)
{
    struct server server = {.port = new_port_send(), .options = server_options};
    cthread_t thread = cthread_fork(serve, &server);
    mach_port_t reply = new_port();
    mach_port_seqno_t seqno = 0;
    struct big m;

    REQUIRE_TRUE(thread != NULL);
    for (mach_msg_size_t size = sizeof(m.header); size <= sizeof(m.header) + BODY_MAX;
         size += size < 160 ? 4 : size < 1200 ? 68 : 516) {
        mach_msg_size_t body = size - sizeof(m.header);

        memset(&m, 0xa5, sizeof(m));
        for (mach_msg_size_t i = 0; i < body; i++)
            m.body[i] = (uint8_t)(i * 7 + size);
        REQUIRE_KR(call(server.port, reply, &m, size, options), MACH_MSG_SUCCESS);
        REQUIRE_EQ(m.header.msgh_size, size);
        REQUIRE_EQ(m.header.msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
        REQUIRE_EQ(m.header.msgh_remote_port, MACH_PORT_NULL);
        REQUIRE_EQ(m.header.msgh_local_port, reply);
        REQUIRE_EQ(m.header.msgh_id, ID_ECHO);
        REQUIRE_EQ(m.header.msgh_seqno, seqno);
        for (mach_msg_size_t i = 0; i < body; i++)
            REQUIRE_EQ(m.body[i], (uint8_t)(i * 7 + size));
        if (options != 0) {
            REQUIRE_EQ(mach_msg_trailer(&m.header)->msgh_trailer_size,
                       sizeof(mach_msg_security_trailer_t));
            REQUIRE_EQ(mach_msg_trailer(&m.header)->msgh_seqno, seqno);
            REQUIRE_TRUE(!mach_msg_from_kernel(&m.header));
        } else if (body < BODY_MAX) {
            REQUIRE_EQ(m.body[body], 0xa5); /* nothing behind the message is touched */
        }
        seqno++;
    }
    stop(&server, thread, server.port);
    mach_port_destroy(SELF, server.port);
    mach_port_destroy(SELF, reply);
}

TEST(messages_of_all_sizes_come_back_whole)
{
    echo_sizes(0, 0);
}

TEST(trailers_are_given_to_who_asks)
{
    echo_sizes(0, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER));
    echo_sizes(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO), 0);
}

/* An RPC whose request carries one right, which comes back. */
static mach_msg_return_t call_right(mach_port_t to, mach_port_t reply, mach_port_t right,
                                    mach_msg_type_name_t disposition, struct carrier *m)
{
    *m = (struct carrier){
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
                                | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to, .msgh_local_port = reply, .msgh_id = ID_ECHO},
        .body = {.msgh_descriptor_count = 1},
        .port = {.name = right, .disposition = (uint8_t)disposition, .type = MACH_MSG_PORT_DESCRIPTOR}};
    return mach_msg(&m->header, MACH_SEND_MSG | MACH_RCV_MSG, CARRIER_SIZE, sizeof(*m), reply, 0, 0);
}

static mach_port_urefs_t send_refs(mach_port_t port)
{
    mach_port_urefs_t refs = 0;

    mach_port_get_refs(SELF, port, MACH_PORT_RIGHT_SEND, &refs);
    return refs;
}

static mach_port_mscount_t make_count(mach_port_t port)
{
    mach_port_status_t status = {0};

    mach_port_get_receive_status(SELF, port, &status);
    return status.mps_mscount;
}

TEST(a_right_goes_with_a_request_and_comes_with_the_reply)
{
    struct server server = {.port = new_port_send()};
    cthread_t thread = cthread_fork(serve, &server);
    mach_port_t reply = new_port(), port = new_port_send(), dead = new_port_send();
    mach_port_mscount_t made = make_count(port);
    struct carrier m;

    REQUIRE_TRUE(thread != NULL);
    mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_RECEIVE, -1);
    for (int i = 1; i <= 3; i++) {
        REQUIRE_KR(call_right(server.port, reply, port, MACH_MSG_TYPE_COPY_SEND, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, port);
        EXPECT_EQ(m.port.disposition, MACH_MSG_TYPE_PORT_SEND);
        EXPECT_EQ(send_refs(port), 2);
        REQUIRE_KR(call_right(server.port, reply, port, MACH_MSG_TYPE_MOVE_SEND, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(send_refs(port), 2);
        REQUIRE_KR(call_right(server.port, reply, port, MACH_MSG_TYPE_MAKE_SEND, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(send_refs(port), 3);
        EXPECT_EQ(make_count(port), made + i);
        mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -2);
        REQUIRE_KR(call_right(server.port, reply, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &m),
                   MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.disposition, MACH_MSG_TYPE_PORT_SEND_ONCE);
        mach_port_deallocate(SELF, m.port.name);
        EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(m), port, 1000, 0),
                  MACH_MSG_SUCCESS); /* told of */
        EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
        REQUIRE_KR(call_right(server.port, reply, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, &m),
                   MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, MACH_PORT_NULL);
        REQUIRE_KR(call_right(server.port, reply, dead, MACH_MSG_TYPE_COPY_SEND, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.port.name, MACH_PORT_DEAD);
    }
    REQUIRE_KR(call_right(server.port, reply, port, MACH_MSG_TYPE_MOVE_RECEIVE, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, port);
    EXPECT_EQ(send_refs(port), 1);
    stop(&server, thread, server.port);
    mach_port_deallocate(SELF, dead);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, server.port);
    mach_port_destroy(SELF, reply);
}

TEST(a_request_that_cannot_go_leaves_its_right_as_it_was)
{
    mach_port_t nobody = new_port_send(), reply = new_port(), port = new_port_send();
    mach_port_mscount_t made = make_count(port);
    struct carrier m;

    for (int i = 0; i < 2; i++) {
        mach_msg_type_name_t how = i == 0 ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MAKE_SEND;

        EXPECT_KR(call_right(reply, reply, port, how, &m), MACH_SEND_INVALID_DEST);
        EXPECT_KR(call_right(nobody, nobody + 0x100000, port, how, &m), MACH_SEND_INVALID_REPLY);
        EXPECT_KR(call_right(nobody, reply, port + 0x100000, how, &m), MACH_SEND_INVALID_RIGHT);
        EXPECT_EQ(send_refs(port), 1);
        EXPECT_EQ(make_count(port), made);
    }
    /* The receiver's place and the message's are the same: it is not of a waiting thread. */
    EXPECT_KR(call_right(nobody, nobody, port, MACH_MSG_TYPE_MAKE_SEND, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(make_count(port), made + 1);
    EXPECT_EQ(send_refs(port), 2);
    mach_port_deallocate(SELF, m.header.msgh_remote_port);
    mach_port_destroy(SELF, nobody);
    mach_port_destroy(SELF, reply);
    mach_port_destroy(SELF, port);
}

TEST(memory_goes_with_a_request_and_comes_with_the_reply)
{
    static const vm_size_t sizes[] = {1, 100, PAGE_SIZE, 2 * PAGE_SIZE + 1, 64 * 1024};
    struct server server = {.port = new_port_send()};
    cthread_t thread = cthread_fork(serve, &server);
    mach_port_t reply = new_port();
    vm_address_t memory = 0;

    REQUIRE_TRUE(thread != NULL);
    REQUIRE_KR(vm_allocate(SELF, &memory, 64 * 1024, TRUE), KERN_SUCCESS);
    for (uint32_t i = 0; i < 64 * 1024; i++)
        ((uint8_t *)memory)[i] = (uint8_t)(i * 13 + i / 256);
    for (int i = 0; i < 5; i++) {
        struct ool m = {
            .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                                   MACH_MSG_TYPE_MAKE_SEND_ONCE)
                                    | MACH_MSGH_BITS_COMPLEX,
                       .msgh_remote_port = server.port, .msgh_local_port = reply,
                       .msgh_id = ID_ECHO},
            .body = {.msgh_descriptor_count = 1},
            .memory = {.address = memory, .size = (mach_msg_size_t)sizes[i],
                       .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR}};

        REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, OOL_SIZE, sizeof(m), reply, 0, 0),
                   MACH_MSG_SUCCESS);
        REQUIRE_EQ(m.memory.size, sizes[i]);
        EXPECT_TRUE(m.memory.address != memory);
        EXPECT_EQ(memcmp((void *)m.memory.address, (void *)memory, sizes[i]), 0);
        ((uint8_t *)memory)[0] ^= 0xff;
        EXPECT_TRUE(((uint8_t *)m.memory.address)[0] != ((uint8_t *)memory)[0]);
        vm_deallocate(SELF, m.memory.address, m.memory.size);
    }
    stop(&server, thread, server.port);
    vm_deallocate(SELF, memory, 64 * 1024);
    mach_port_destroy(SELF, server.port);
    mach_port_destroy(SELF, reply);
}

/* The trap with q0 to q7 loaded from before, and stored to after. */
static mach_msg_return_t msg_with_registers(mach_msg_header_t *msg, mach_msg_option_t option,
                                            mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                                            mach_port_t port, const uint8_t before[128],
                                            uint8_t after[128])
{
    register uint64_t x0 __asm__("x0") = (uint64_t)msg;
    register uint64_t x1 __asm__("x1") = (uint32_t)option;
    register uint64_t x2 __asm__("x2") = send_size;
    register uint64_t x3 __asm__("x3") = rcv_size;
    register uint64_t x4 __asm__("x4") = port;
    register uint64_t x5 __asm__("x5") = 0;
    register uint64_t x6 __asm__("x6") = 0;
    register int64_t x16 __asm__("x16") = MACH_TRAP_msg;

    __asm__ volatile("ldp q0, q1, [%[before]]\n ldp q2, q3, [%[before], #32]\n"
                     "ldp q4, q5, [%[before], #64]\n ldp q6, q7, [%[before], #96]\n"
                     "svc %[svc]\n"
                     "stp q0, q1, [%[after]]\n stp q2, q3, [%[after], #32]\n"
                     "stp q4, q5, [%[after], #64]\n stp q6, q7, [%[after], #96]\n"
                     : "+r"(x0), "+r"(x16)
                     : [svc] "i"(MACH_TRAP_SVC), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5),
                       "r"(x6), [before] "r"(before), [after] "r"(after)
                     : "memory", "x17", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7");
    return (mach_msg_return_t)x0;
}

/* The kernel copies through vector registers. Here in a page that it must fetch first, too. */
TEST(a_long_message_leaves_the_registers_alone)
{
    mach_port_t port = new_port_send();
    uint8_t before[128], after[128];
    vm_address_t memory = 0;

    for (unsigned i = 0; i < sizeof(before); i++)
        before[i] = (uint8_t)(i * 11 + 3);
    REQUIRE_KR(vm_allocate(SELF, &memory, 4 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    for (int i = 0; i < 3; i++) {
        mach_msg_header_t *out = (mach_msg_header_t *)(memory + 2008);
        mach_msg_header_t *in = (mach_msg_header_t *)(memory + 2 * PAGE_SIZE);

        *out = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                   .msgh_remote_port = port};
        memset(after, 0, sizeof(after));
        REQUIRE_KR(msg_with_registers(out, MACH_SEND_MSG, PAGE_SIZE, 0, 0, before, after),
                   MACH_MSG_SUCCESS);
        EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);
        memset(after, 0, sizeof(after));
        REQUIRE_KR(msg_with_registers(in, MACH_RCV_MSG, 0, 2 * PAGE_SIZE, port, before, after),
                   MACH_MSG_SUCCESS);
        EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);
        EXPECT_EQ(memcmp(out + 1, in + 1, PAGE_SIZE - sizeof(*in)), 0);
        memset(out + 1, i + 1, PAGE_SIZE - sizeof(*out));
    }
    vm_deallocate(SELF, memory, 4 * PAGE_SIZE);
    mach_port_destroy(SELF, port);
}

TEST(a_server_of_a_set_answers_members)
{
    struct server server = {0};
    mach_port_t ports[3], reply = new_port();
    cthread_t thread;
    struct big m;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &server.port), KERN_SUCCESS);
    for (int i = 0; i < 3; i++) {
        ports[i] = new_port_send();
        mach_port_insert_member(SELF, ports[i], server.port);
    }
    thread = cthread_fork(serve, &server);
    REQUIRE_TRUE(thread != NULL);
    for (int i = 0; i < 300; i++)
        REQUIRE_KR(call(ports[i % 3], reply, &m, 40, 0), MACH_MSG_SUCCESS);
    stop(&server, thread, ports[0]);
    EXPECT_EQ(server.served, 300);
    for (int i = 0; i < 3; i++)
        mach_port_destroy(SELF, ports[i]);
    mach_port_destroy(SELF, server.port);
    mach_port_destroy(SELF, reply);
}

/* Each reply right gets a name of its own, and a used one denotes nothing any more. */
TEST(replies_out_of_order_use_up_their_rights)
{
    mach_port_t port = new_port_send(), replies[2] = {new_port(), new_port()};
    mach_port_name_t names[2];
    struct big m;

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 2; i++) {
            m.header = (mach_msg_header_t){
                .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
                .msgh_remote_port = port, .msgh_local_port = replies[i], .msgh_id = i};
            REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, sizeof(m.header), 0, 0, 0, 0),
                       MACH_MSG_SUCCESS);
            REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), port, 0, 0),
                       MACH_MSG_SUCCESS);
            names[i] = m.header.msgh_remote_port;
            REQUIRE_EQ(type_of(names[i]), MACH_PORT_TYPE_SEND_ONCE);
        }
        REQUIRE_TRUE(names[0] != names[1]);
        for (int i = 2; i-- > 0;) {
            REQUIRE_KR(send_word(names[i], MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0),
                       MACH_MSG_SUCCESS);
            REQUIRE_KR(send_word(names[i], MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0),
                       MACH_SEND_INVALID_DEST);
            REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), replies[i], 0, 0),
                       MACH_MSG_SUCCESS);
        }
    }
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, replies[0]);
    mach_port_destroy(SELF, replies[1]);
}

/* A reply right under a name of index 0, which only who asks for it gets: it is not for the next one,
 * since after generation 255 comes the null name. */
static void *serve_under_index_0(void *arg)
{
    const mach_port_name_t last_of_index_0 = MACH_PORT_MAKE(0, 0xff);
    struct server *server = arg;
    mach_msg_option_t option = MACH_RCV_MSG;
    mach_msg_size_t size = 0;
    struct big m;

    do {
        server->ended = mach_msg(&m.header, option, size, sizeof(m), server->port, 0, 0);
        if (server->ended != MACH_MSG_SUCCESS || m.header.msgh_id == ID_STOP)
            return NULL;
        EXPECT_TRUE(m.header.msgh_remote_port != MACH_PORT_NULL);
        EXPECT_EQ(type_of(m.header.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
        server->ended = mach_port_rename(SELF, m.header.msgh_remote_port, last_of_index_0);
        EXPECT_KR(server->ended, KERN_SUCCESS);
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        m.header.msgh_remote_port = last_of_index_0;
        m.header.msgh_local_port = MACH_PORT_NULL;
        size = m.header.msgh_size;
        option = MACH_SEND_MSG | MACH_RCV_MSG;
    } while (server->ended == KERN_SUCCESS);
    return NULL;
}

TEST(the_null_name_is_never_a_right)
{
    struct server server = {.port = new_port_send()};
    cthread_t thread = cthread_fork(serve_under_index_0, &server);
    mach_port_t reply = new_port();
    mach_port_type_t type;
    struct big m;

    REQUIRE_TRUE(thread != NULL);
    for (int i = 0; i < 3; i++) {
        REQUIRE_KR(call(server.port, reply, &m, sizeof(m.header), 0), MACH_MSG_SUCCESS);
        REQUIRE_KR(mach_port_type(SELF, MACH_PORT_NULL, &type), KERN_INVALID_NAME);
    }
    stop(&server, thread, server.port);
    mach_port_destroy(SELF, server.port);
    mach_port_destroy(SELF, reply);
}

/* ---- in between ---- */

struct client {
    mach_port_t to, reply;
    mach_msg_option_t options;
    volatile thread_t thread;
    volatile uint64_t calls, interrupted, died, wrong;
    volatile boolean_t stop;
};

static void *call_on(void *arg)
{
    struct client *c = arg;
    struct big m;

    c->thread = mach_thread_self_cached();
    while (!c->stop) {
        mach_msg_return_t mr = call(c->to, c->reply, &m, 24 + 4 * (c->calls % 50), c->options);

        if (mr == MACH_MSG_SUCCESS && m.header.msgh_id == ID_ECHO) {
            c->calls++;
        } else if (mr == MACH_RCV_INTERRUPTED) { /* the answer is on its way to this port */
            c->interrupted++;
            mr = mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), c->reply, 0, 0);
            if (mr != MACH_MSG_SUCCESS && mr != MACH_RCV_INTERRUPTED)
                c->wrong++;
        } else if (mr == MACH_SEND_INVALID_DEST
                   || (mr == MACH_MSG_SUCCESS && m.header.msgh_id == MACH_NOTIFY_SEND_ONCE)) {
            c->died++;
            break;
        } else if (mr != MACH_SEND_INTERRUPTED) {
            c->wrong++;
            break;
        }
    }
    return NULL;
}

TEST(an_abort_may_meet_the_message)
{
    struct server server = {.port = new_port_send()};
    struct client client = {.to = server.port, .reply = new_port(),
                            .options = MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT};
    cthread_t thread = cthread_fork(serve, &server), caller;

    REQUIRE_TRUE(thread != NULL);
    caller = cthread_fork(call_on, &client);
    REQUIRE_TRUE(caller != NULL);
    while (client.calls == 0)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
    for (int i = 0; i < 200; i++) {
        thread_abort(client.thread);
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
        thread_abort(server.thread);
    }
    client.stop = TRUE;
    cthread_join(caller);
    EXPECT_EQ(client.wrong, 0);
    EXPECT_TRUE(client.calls > 0);
    stop(&server, thread, server.port);
    mach_port_destroy(SELF, client.reply);
    mach_port_destroy(SELF, server.port);
}

TEST(a_port_may_move_between_sets_meanwhile)
{
    struct server server = {.port = new_port_send()}, of_set = {0};
    struct client client = {.to = server.port, .reply = new_port()};
    cthread_t thread, other, caller;
    mach_port_t mine = new_port_send();

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &of_set.port), KERN_SUCCESS);
    mach_port_insert_member(SELF, mine, of_set.port);
    thread = cthread_fork(serve, &server);
    other = cthread_fork(serve, &of_set);
    caller = cthread_fork(call_on, &client);
    REQUIRE_TRUE(thread != NULL && other != NULL && caller != NULL);
    while (client.calls == 0)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
    for (int i = 0; i < 100; i++) {
        EXPECT_KR(mach_port_insert_member(SELF, server.port, of_set.port), KERN_SUCCESS);
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
        EXPECT_KR(mach_port_extract_member(SELF, server.port, of_set.port), KERN_SUCCESS);
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
    }
    client.stop = TRUE;
    cthread_join(caller);
    EXPECT_EQ(client.wrong + client.died, 0);
    stop(&of_set, other, mine);
    stop(&server, thread, server.port);
    mach_port_destroy(SELF, mine);
    mach_port_destroy(SELF, of_set.port);
    mach_port_destroy(SELF, client.reply);
    mach_port_destroy(SELF, server.port);
}

TEST(a_dying_port_lets_nobody_wait)
{
    for (int i = 0; i < 30; i++) {
        struct server server = {.port = new_port_send()};
        struct client client = {.to = server.port, .reply = new_port()};
        cthread_t thread = cthread_fork(serve, &server);
        cthread_t caller = cthread_fork(call_on, &client);

        REQUIRE_TRUE(thread != NULL && caller != NULL);
        for (int spin = 0; spin < i; spin++)
            thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
        mach_port_mod_refs(SELF, server.port, MACH_PORT_RIGHT_RECEIVE, -1);
        cthread_join(caller);
        cthread_join(thread);
        EXPECT_EQ(client.wrong, 0);
        EXPECT_EQ(client.died, 1);
        mach_port_deallocate(SELF, server.port);
        mach_port_destroy(SELF, client.reply);
    }
}

static void serve_in_child(uint64_t port)
{
    static struct server server;

    server.port = (mach_port_t)port;
    serve(&server);
}

TEST(a_dying_server_task_is_told_of)
{
    for (int i = 0; i < 20; i++) {
        struct client client = {.reply = new_port()};
        mach_msg_type_name_t type;
        mach_port_name_t inside;
        struct child child;
        cthread_t caller;

        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        REQUIRE_KR(mach_port_allocate(child.task, MACH_PORT_RIGHT_RECEIVE, &inside), KERN_SUCCESS);
        REQUIRE_KR(mach_port_extract_right(child.task, inside, MACH_MSG_TYPE_MAKE_SEND, &client.to,
                                           &type), KERN_SUCCESS);
        REQUIRE_KR(child_run(&child, serve_in_child, inside), KERN_SUCCESS);
        caller = cthread_fork(call_on, &client);
        REQUIRE_TRUE(caller != NULL);
        while (client.calls < (uint64_t)i)
            thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
        child_end(&child);
        cthread_join(caller);
        EXPECT_EQ(client.wrong, 0);
        EXPECT_EQ(client.died, 1);
        mach_port_deallocate(SELF, client.to);
        mach_port_destroy(SELF, client.reply);
    }
}

struct lost {
    mach_port_t port;
    vm_address_t buffer;
    volatile thread_t thread;
};

static void *receive_into_nothing(void *arg)
{
    struct lost *lost = arg;

    lost->thread = mach_thread_self_cached();
    return (void *)(uintptr_t)(uint32_t)mach_msg((mach_msg_header_t *)lost->buffer, MACH_RCV_MSG, 0,
                                                 PAGE_SIZE, lost->port, 0, 0);
}

TEST(a_reply_right_that_cannot_be_told_of_is_destroyed)
{
    mach_port_t reply = new_port();
    struct lost lost = {.port = new_port_send()};
    struct big m;

    for (int i = 0; i < 2; i++) {
        cthread_t thread;

        lost.buffer = 0;
        lost.thread = MACH_PORT_NULL;
        REQUIRE_KR(vm_allocate(SELF, &lost.buffer, PAGE_SIZE, TRUE), KERN_SUCCESS);
        thread = cthread_fork(receive_into_nothing, &lost);
        REQUIRE_TRUE(thread != NULL);
        while (lost.thread == MACH_PORT_NULL)
            thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
        REQUIRE_TRUE(wait_for_state(lost.thread, TH_STATE_WAITING));
        vm_deallocate(SELF, lost.buffer, PAGE_SIZE);
        REQUIRE_KR(call(lost.port, reply, &m, 24 + 100 * i, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
        EXPECT_EQ((uintptr_t)cthread_join(thread), MACH_RCV_INVALID_DATA);
    }
    mach_port_destroy(SELF, reply);
    mach_port_destroy(SELF, lost.port);
}

TEST_MAIN
