/*
 * Mach by example, 20: the kernel as a receiver. Tasks, threads, hosts and semaphores are ports
 * that the kernel receives on; what one asks of them is a message like any other, and is answered
 * by one. Read docs/mig.md for how requests and replies look.
 */
#include "mach_rights.h"

#include <mach/semaphore.h>
#include <mach/mig_errors.h>

struct request {
    mach_msg_header_t header;
    uint32_t words[30];
    mach_msg_security_trailer_t trailer;
};

/* Sends a bare request, and receives the answer. */
static mach_msg_return_t ask(mach_port_t port, mach_msg_id_t id, mach_msg_size_t size,
                             mach_port_t reply, struct request *m)
{
    memset(m, 0, sizeof *m);
    m->header = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = port, .msgh_local_port = reply, .msgh_id = id};
    return mach_msg(&m->header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, size, sizeof *m,
                    reply, 1000, MACH_PORT_NULL);
}

static kern_return_t code_of(const struct request *m)
{
    return ((const mig_reply_error_t *)m)->RetCode;
}

/* A request that no interface has is answered MIG_BAD_ID, with the request's number and 100.
 * [mig_errors.h] */
TEST(an_unknown_request_is_answered)
{
    static const mach_msg_id_t ids[] = {0, 1, 3199, 3299, 6500, 999999, -1, INT32_MAX - 100, INT32_MIN};
    mach_port_t reply = new_port();
    struct request m;

    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
        REQUIRE_KR(ask(SELF, ids[i], sizeof m.header, reply, &m), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.header.msgh_id, ids[i] + 100);
        EXPECT_KR(code_of(&m), MIG_BAD_ID);
    }
    mach_port_destroy(SELF, reply);
}

/* A request has one length; with any other it is answered MIG_BAD_ARGUMENTS. [mig_errors.h] */
TEST(a_request_of_the_wrong_length_is_answered)
{
    mach_port_t reply = new_port();
    int accepted = 0;
    struct request m;

    for (mach_msg_size_t size = 24; size <= 100; size++) {
        REQUIRE_KR(ask(SELF, 3201, size, reply, &m), MACH_MSG_SUCCESS); /* mach_port_type of name 0 */
        accepted += code_of(&m) != MIG_BAD_ARGUMENTS;
    }
    EXPECT_EQ(accepted, 1);
    mach_port_destroy(SELF, reply);
}

/* A routine asked of the wrong kind of port says so. [mach_port.defs, task.defs] */
TEST(a_routine_wants_its_kind_of_port)
{
    mach_port_t name = MACH_PORT_NULL, mine = new_port();
    semaphore_t semaphore = MACH_PORT_NULL;
    thread_t thread;
    host_t host = mach_host_self();
    task_t task;

    REQUIRE_KR(semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0), KERN_SUCCESS);
    EXPECT_KR(mach_port_allocate(semaphore, MACH_PORT_RIGHT_RECEIVE, &name), KERN_INVALID_TASK);
    EXPECT_KR(mach_port_allocate(mach_thread_self_cached(), MACH_PORT_RIGHT_RECEIVE, &name),
              KERN_INVALID_TASK);
    EXPECT_KR(mach_port_allocate(host, MACH_PORT_RIGHT_RECEIVE, &name), KERN_INVALID_TASK);
    EXPECT_KR(task_create(semaphore, FALSE, &task), KERN_INVALID_ARGUMENT);
    EXPECT_KR(thread_create(host, &thread), KERN_INVALID_ARGUMENT);
    EXPECT_KR(thread_suspend(SELF), KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_suspend(mach_thread_self_cached()), KERN_INVALID_ARGUMENT);
    mach_port_destroy(SELF, mine);
    semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
    mach_port_deallocate(SELF, host);
}

/* Each port routine says KERN_INVALID_TASK of a port that is no task's. [mach_port.defs] */
TEST(every_port_routine_wants_a_task)
{
    mach_port_t t = mach_thread_self_cached(), port = new_port();
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t count, type_count;
    ipc_info_name_array_t info;
    mach_port_type_t type;

    expect_refused_by_all(t, port, port, KERN_INVALID_TASK);
    EXPECT_KR(mach_port_names(t, &names, &count, &types, &type_count), KERN_INVALID_TASK);
    EXPECT_KR(mach_port_type(t, port, &type), KERN_INVALID_TASK);
    EXPECT_KR(mach_port_rename(t, port, 0x770001), KERN_INVALID_TASK);
    EXPECT_KR(mach_port_allocate_name(t, MACH_PORT_RIGHT_RECEIVE, 0x770001), KERN_INVALID_TASK);
    EXPECT_KR(mach_port_insert_right(t, 0x770001, port, MACH_MSG_TYPE_MAKE_SEND), KERN_INVALID_TASK);
    EXPECT_KR(mach_port_space_info(t, &info, &count), KERN_INVALID_TASK);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    mach_port_destroy(SELF, port);
}

/* A program's own port is answered by nobody but the program: the call waits for it. [KP, RPC] */
TEST(an_ordinary_port_is_no_kernel_object)
{
    mach_port_t port = new_port_send(), reply = new_port();
    struct request m;

    EXPECT_KR(ask(port, 3201, 36, reply, &m), MACH_RCV_TIMED_OUT);
    EXPECT_EQ(status_of(port).mps_msgcount, 1);
    mach_port_destroy(SELF, port);
    EXPECT_EQ(note_id(reply), MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, reply);
}

/* A dead task has no space: what is asked of it is MACH_SEND_INVALID_DEST. [KI task_terminate] */
TEST(a_dead_task_is_no_destination)
{
    mach_port_t name = MACH_PORT_NULL;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    REQUIRE_KR(task_terminate(child), KERN_SUCCESS);
    EXPECT_KR(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &name), MACH_SEND_INVALID_DEST);
    EXPECT_KR(task_suspend(child), MACH_SEND_INVALID_DEST);
    mach_port_deallocate(SELF, child);
}

/* A request without a reply port is done all the same, and answered to nobody. [mig_errors.h] */
TEST(a_request_without_a_reply_port_is_done)
{
    mach_port_t port = new_port();
    struct request m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                   .msgh_remote_port = SELF, .msgh_id = 999999}};

    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, sizeof m.header, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
}

/* The answer may go to a port that others send to as well: it is queued in order. [KI mach_msg] */
TEST(an_answer_is_queued_behind_what_is_there)
{
    mach_port_t reply = new_port_send();
    struct request m;
    struct small s;

    REQUIRE_KR(send_word(reply, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(ask(SELF, 999999, sizeof m.header, reply, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, 77); /* our own came first */
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, reply, 0, 0),
               MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, 1000099);
    EXPECT_KR(receive_word(reply, &s, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, reply);
}

/* The answer may be received from a set that the reply port is in. [KI mach_msg] */
TEST(an_answer_is_received_from_a_set)
{
    mach_port_t reply = new_port(), set = new_set();
    struct request m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = SELF, .msgh_local_port = reply, .msgh_id = 999999}};

    REQUIRE_KR(mach_port_insert_member(SELF, reply, set), KERN_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, sizeof m.header,
                       sizeof m, set, 1000, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_local_port, reply);
    EXPECT_KR(code_of(&m), MIG_BAD_ID);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, reply);
}

/* Answers are not limited by the queue: they come by a send-once right. [KI mach_msg] */
TEST(answers_pass_a_full_queue)
{
    mach_port_t reply = new_port();

    REQUIRE_KR(mach_port_set_qlimit(SELF, reply, 1), KERN_SUCCESS);
    for (int i = 0; i < 5; i++) {
        mach_msg_header_t h = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
            .msgh_remote_port = SELF, .msgh_local_port = reply, .msgh_id = 999999};

        REQUIRE_KR(mach_msg(&h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof h, 0, 0, 0, 0),
                   MACH_MSG_SUCCESS);
    }
    EXPECT_EQ(status_of(reply).mps_msgcount, 5);
    mach_port_destroy(SELF, reply);
}

/* The names of a task's own ports are the same each time they are asked for, and count. [KI
 * mach_task_self] */
TEST(the_self_ports_merge)
{
    host_t host = mach_host_self(), again = mach_host_self();
    thread_t thread = mach_thread_self(), same = mach_thread_self();

    EXPECT_EQ(host, again);
    EXPECT_EQ(thread, same);
    EXPECT_EQ(type_of(host), MACH_PORT_TYPE_SEND);
    EXPECT_TRUE(refs_of(thread, MACH_PORT_RIGHT_SEND) >= 2);
    mach_port_deallocate(SELF, host);
    mach_port_deallocate(SELF, host);
    mach_port_deallocate(SELF, thread);
    mach_port_deallocate(SELF, thread);
}

TEST_MAIN
