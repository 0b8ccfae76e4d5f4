/*
 * Limits of one task: messages in queues, what is in them, and who pays. One rule a case. Read
 * mach_limits.h before.
 */
#include "mach_limits.h"
#include <mach/semaphore.h>

static kern_return_t try_send(uint64_t n)
{
    if (n % 40 == 0) { /* no queue is ever full */
        target = new_port_send();
        mach_port_set_qlimit(SELF, target, 100);
    }
    return send_word(target, MACH_MSG_TYPE_COPY_SEND, (uint32_t)n, MACH_SEND_TIMEOUT, 0);
}

static void receive_one(uint64_t n)
{
    struct small m;

    (void)n;
    receive_word(target, &m, 0);
}

static void greedy_for_messages(uint64_t unused)
{
    be_greedy(try_send, receive_one);
}

TEST(messages_in_queues_are_limited)
{
    expect_refused(messages_50, greedy_for_messages, MACH_SEND_NO_BUFFER, 50, 50);
}

static void bytes_64k(task_limits_t *limits)
{
    limits->message_bytes = 64 * 1024;
}

TEST(the_bytes_of_messages_are_limited)
{
    expect_refused(bytes_64k, greedy_for_messages, MACH_SEND_NO_BUFFER, 80, 110);
}

static kern_return_t try_send_once(uint64_t n)
{
    target = n == 0 ? new_port() : target;
    return send_word(target, MACH_MSG_TYPE_MAKE_SEND_ONCE, (uint32_t)n, MACH_MSG_OPTION_NONE, 0);
}

static void greedy_for_send_once(uint64_t unused)
{
    be_greedy(try_send_once, receive_one);
}

TEST(messages_to_send_once_rights_are_limited_too)
{
    expect_refused(messages_50, greedy_for_send_once, MACH_SEND_NO_BUFFER, 50, 50);
}

static kern_return_t try_send_memory(uint64_t n)
{
    struct ool m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND_ONCE, 0)
                                | MACH_MSGH_BITS_COMPLEX},
        .body = {.msgh_descriptor_count = 1},
        .memory = {.address = (uint64_t)made, .size = 8000, .copy = MACH_MSG_VIRTUAL_COPY,
                   .type = MACH_MSG_OOL_DESCRIPTOR},
    };

    target = n == 0 ? new_port() : target;
    m.header.msgh_remote_port = target;
    return mach_msg(&m.header, MACH_SEND_MSG, OOL_SIZE, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static void receive_memory(uint64_t n)
{
    struct ool m;

    (void)n;
    mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, target, 0, MACH_PORT_NULL);
}

static void greedy_for_copies(uint64_t unused)
{
    be_greedy(try_send_memory, receive_memory);
}

TEST(memory_copied_into_messages_is_limited)
{
    expect_refused(bytes_64k, greedy_for_copies, MACH_SEND_NO_BUFFER, 5, 8);
}

/* Sends an array of rights to the child's own port. */
static kern_return_t send_array(const mach_port_t *rights, uint32_t count, mach_msg_type_name_t how)
{
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_ool_ports_descriptor_t ports;
    } m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND_ONCE, 0)
                                | MACH_MSGH_BITS_COMPLEX, .msgh_remote_port = target},
        .body = {.msgh_descriptor_count = 1},
        .ports = {.address = (uint64_t)rights, .count = count, .copy = MACH_MSG_VIRTUAL_COPY,
                  .disposition = (uint8_t)how, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
    };

    return mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static kern_return_t try_send_rights(uint64_t n)
{
    target = n == 0 ? new_port() : target;
    return send_array(made, 40, MACH_MSG_TYPE_COPY_SEND);
}

static void greedy_for_arrays(uint64_t unused)
{
    be_greedy(try_send_rights, receive_memory);
}

TEST(arrays_of_rights_in_messages_are_limited)
{
    expect_refused(bytes_64k, greedy_for_arrays, MACH_SEND_NO_BUFFER, 5, 8);
}

#define DYING 100 /* ports */

/* Rights in a message, to ports that die then: the message is all that keeps them. */
static kern_return_t try_send_dying(uint64_t n)
{
    static mach_port_t dying[DYING];
    kern_return_t kr;

    target = n == 0 ? new_port() : target;
    for (int i = 0; i < DYING; i++)
        dying[i] = new_port();
    kr = send_array(dying, DYING, MACH_MSG_TYPE_MAKE_SEND);
    destroy_names(dying, DYING);
    return kr;
}

static void greedy_for_the_dead(uint64_t unused)
{
    be_greedy(try_send_dying, receive_memory);
}

TEST(dead_ports_that_messages_keep_are_limited)
{
    expect_refused(bytes_64k, greedy_for_the_dead, MACH_SEND_NO_BUFFER, 2, 3);
}

/* A request whose answer nobody takes. */
static kern_return_t try_unread_reply(uint64_t n)
{
    struct small m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                               MACH_MSG_TYPE_MAKE_SEND_ONCE),
                   .msgh_remote_port = SELF, .msgh_id = 3201 /* mach_port_type */},
    };
    struct mach_port_status status;

    target = n == 0 ? new_port() : target;
    m.header.msgh_local_port = target;
    m.word = target;
    if (mach_msg(&m.header, MACH_SEND_MSG, sizeof(mach_msg_header_t) + 8, 0, MACH_PORT_NULL, 0,
                 MACH_PORT_NULL) != MACH_MSG_SUCCESS)
        return KERN_FAILURE;
    if (n < 1000)
        return KERN_SUCCESS;
    /* The kernel's thousand answers, and notifications that are mere numbers; but not their memory. */
    mach_port_get_receive_status(SELF, target, &status);
    return status.mps_msgcount == n + 1 ? KERN_ABORTED : KERN_FAILURE;
}

static void greedy_for_replies(uint64_t unused)
{
    be_greedy(try_unread_reply, NULL);
}

TEST(answers_of_the_kernel_that_nobody_takes_are_limited)
{
    struct child child;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(run_limited(&child, messages_50, greedy_for_replies));
    EXPECT_EQ(peeked(child.task, &greedy.error), KERN_ABORTED); /* that is how try_unread_reply ends */
    EXPECT_EQ(used(child.task).messages, 50);
    child_end(&child);
}

static mach_port_t from_parent;

static void send_three_and_end(uint64_t port)
{
    for (uint32_t i = 0; i < 3; i++)
        send_word((mach_port_t)port, MACH_MSG_TYPE_COPY_SEND, i, MACH_MSG_OPTION_NONE, 0);
}

static void send_three_and_stay(uint64_t port)
{
    send_three_and_end(port);
    stop_and_stay();
}

TEST(the_sender_pays_for_a_message_and_not_the_receiver)
{
    struct child child;
    uint64_t mine;
    struct small m;

    from_parent = new_port();
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, from_parent), KERN_SUCCESS);
    mine = used(SELF).messages;
    REQUIRE_KR(child_run(&child, send_three_and_stay, from_parent), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &greedy.stopped, 1));
    EXPECT_EQ(used(child.task).messages, 3);
    EXPECT_EQ(used(SELF).messages, mine);
    EXPECT_KR(receive_word(from_parent, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(used(child.task).messages, 2);
    mach_port_destroy(SELF, from_parent); /* what is in the queue is destroyed with it */
    EXPECT_EQ(used(child.task).messages, 0);
    EXPECT_EQ(used(child.task).message_bytes, 0);
    child_end(&child);
}

TEST(an_account_lasts_until_its_last_message_is_received)
{
    struct host_counters before, after;
    struct child child;
    struct small m;

    from_parent = new_port();
    sleep_ms(100); /* the child of the case before is gone by now */
    counters(&before);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, from_parent), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, send_three_and_end, from_parent), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    sleep_ms(50);
    counters(&after);
    EXPECT_EQ(after.ledgers, before.ledgers + 1);
    for (int i = 0; i < 3; i++)
        EXPECT_KR(receive_word(from_parent, &m, 0), MACH_MSG_SUCCESS);
    counters(&after);
    EXPECT_EQ(after.ledgers, before.ledgers);
    mach_port_destroy(SELF, from_parent);
}

static void *echo_once(void *arg)
{
    struct small m;

    if (receive_word(*(mach_port_t *)arg, &m, WAIT_LIMIT_MS) == MACH_MSG_SUCCESS)
        send_word(m.header.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, m.word + 1,
                  MACH_MSG_OPTION_NONE, 0);
    return NULL;
}

TEST(a_message_that_goes_straight_to_a_receiver_is_never_refused)
{
    task_limits_t limits = limit(SELF), none = limits;
    mach_port_t server = new_port_send(), reply = mach_reply_port();
    struct small m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                               MACH_MSG_TYPE_MAKE_SEND_ONCE),
                   .msgh_remote_port = server, .msgh_local_port = reply}, .word = 41,
    };
    cthread_t thread;
    mach_msg_return_t mr;

    NEED_HOST_PRIV();
    thread = cthread_fork(echo_once, &server);
    REQUIRE_TRUE(thread != NULL);
    sleep_ms(50); /* it waits now */
    none.messages = none.message_bytes = 0;
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, none), KERN_SUCCESS);
    mr = mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, SMALL_SIZE, sizeof m, reply,
                  WAIT_LIMIT_MS, MACH_PORT_NULL);
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
    EXPECT_EQ(mr, MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 42);
    cthread_join(thread);
    mach_port_destroy(SELF, server);
    mach_port_destroy(SELF, reply);
}

TEST(a_send_that_is_refused_leaves_the_right_with_the_sender)
{
    task_limits_t limits = limit(SELF), none = limits;
    mach_port_t port = new_port_send(), right = new_port_send();
    struct carrier m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = port},
        .body = {.msgh_descriptor_count = 1},
        .port = {.name = right, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE},
    };
    mach_msg_return_t mr;

    NEED_HOST_PRIV();
    none.messages = 0;
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, none), KERN_SUCCESS);
    mr = mach_msg(&m.header, MACH_SEND_MSG, CARRIER_SIZE, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
    EXPECT_EQ(mr, MACH_SEND_NO_BUFFER);
    EXPECT_EQ(m.port.name, right);
    EXPECT_EQ(type_of(right), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2); /* the one made came back, too */
    mach_port_destroy(SELF, right);
    mach_port_destroy(SELF, port);
}

/* ---- accounts are exact ---- */

/* Some of everything. */
static void use_and_give_back(void)
{
    mach_port_t ports[300], set, semaphore;
    vm_address_t a = 0;
    cthread_t thread;

    mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set);
    for (int i = 0; i < 300; i++) {
        ports[i] = new_port_send();
        mach_port_insert_member(SELF, ports[i], set);
        send_word(ports[i], MACH_MSG_TYPE_COPY_SEND, 1, MACH_MSG_OPTION_NONE, 0);
        send_right(ports[i], ports[i], MACH_MSG_TYPE_MAKE_SEND_ONCE);
    }
    try_send_memory(0);
    mach_port_destroy(SELF, target);
    try_send_rights(0);
    destroy_names(ports, 300);
    destroy(set, target);
    semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0);
    semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
    vm_allocate(SELF, &a, 64 * PAGE_SIZE, TRUE);
    for (int i = 0; i < 64; i += 2)
        vm_protect(SELF, a + i * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ);
    vm_deallocate(SELF, a, 64 * PAGE_SIZE);
    thread = cthread_fork(no_work, NULL);
    if (thread != NULL)
        cthread_join(thread);
}

TEST(what_is_given_back_is_taken_off_the_account_to_the_byte)
{
    task_limits_t before, after = {0};

    use_and_give_back(); /* tables grow, and stay */
    sleep_ms(50);
    before = used(SELF);
    use_and_give_back();
    for (int tries = 0; tries < 50; tries++) {
        sleep_ms(10); /* the thread's stack */
        after = used(SELF);
        if (after.kernel_memory == before.kernel_memory)
            break;
    }
    EXPECT_EQ(after.names, before.names);
    EXPECT_EQ(after.messages, before.messages);
    EXPECT_EQ(after.message_bytes, before.message_bytes);
    EXPECT_EQ(after.kernel_memory, before.kernel_memory);
}

TEST_MAIN
