/*
 * RPCs, where the kernel takes a short cut (kernel/ipc/mach_msg_fast.c), and what may come in between:
 * every test here holds as well when it does not (boot argument fastpath=off).
 */
#include "mach_child.h"

#define BODY_MAX 1024

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
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), 0);
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
         size += size < 160 ? 4 : 68) {
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
