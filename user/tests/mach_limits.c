/*
 * What one task may use of the kernel: at its limit it gets an error, and the rest of the system goes on.
 * One rule a case. Read the comment of task_set_limits (mach/host_priv.defs) before.
 *
 * The greedy one is a child, that goes on until it is refused, says so in its memory, and waits to be
 * ended.
 */
#include "mach_child.h"
#include <mach/clock.h>
#include <mach/host_priv.h>
#include <mach/semaphore.h>

TEST(baseline_is_taken)
{
    take_baseline();
}

#define NO_LIMIT  (~0UL)
#define SOME      (512 * 1024UL) /* of kernel memory, for a child beside what it begins with */
#define FOR_EVER  10000000       /* more than any limit here allows */

static task_limits_t used(task_t task)
{
    struct task_limits_info info = {{0}, {0}};
    mach_msg_type_number_t count = TASK_LIMITS_INFO_COUNT;

    EXPECT_KR(task_info(task, TASK_LIMITS_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    return info.used;
}

static task_limits_t limit(task_t task)
{
    struct task_limits_info info = {{0}, {0}};
    mach_msg_type_number_t count = TASK_LIMITS_INFO_COUNT;

    EXPECT_KR(task_info(task, TASK_LIMITS_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    return info.limit;
}

/* ---- the greedy child ---- */

static struct {
    volatile uint64_t done;   /* times it got this, before it was */
    volatile uint64_t error;  /* refused with this */
    volatile uint64_t stopped;
    volatile uint64_t after;  /* what it got when it had given one back */
} greedy;

/* In the child: tries until it is refused. `try` is called with 0, 1, ...; then, if not NULL, give_back
 * with the last number that succeeded, and try once more. */
static void be_greedy(kern_return_t (*try)(uint64_t), void (*give_back)(uint64_t))
{
    kern_return_t kr = KERN_SUCCESS;
    uint64_t n = 0;

    while (n < FOR_EVER && (kr = try(n)) == KERN_SUCCESS)
        n++;
    greedy.done = n;
    greedy.error = (uint64_t)kr;
    if (give_back != NULL && n > 0) {
        give_back(n - 1);
        greedy.after = (uint64_t)try(n - 1);
    }
    __atomic_store_n(&greedy.stopped, 1, __ATOMIC_RELEASE);
    for (;;)
        sleep_ms(1000);
}

static uint64_t peeked(task_t task, volatile uint64_t *address)
{
    uint64_t word;

    return peek(task, address, &word) == KERN_SUCCESS ? word : ~0UL;
}

/* A child with the limits that `change` makes of what it uses at the beginning. */
static boolean_t make_limited(struct child *child, void (*change)(task_limits_t *))
{
    task_limits_t limits;

    if (child_make(child) != KERN_SUCCESS)
        return FALSE;
    limits = used(child->task);
    limits.messages = limits.message_bytes = NO_LIMIT;
    limits.names += 1000;
    limits.kernel_memory += 32 * SOME;
    change(&limits);
    EXPECT_KR(task_set_limits(test_host_priv(), child->task, limits), KERN_SUCCESS);
    return TRUE;
}

/* The system beside a task at its limit: ports, messages, memory, threads. */
static void expect_others_work(void)
{
    mach_port_t port = new_port_send();
    struct small m;
    vm_address_t a = 0;
    cthread_t thread;

    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 5, MACH_MSG_OPTION_NONE, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(vm_allocate(SELF, &a, 16 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, a, 16 * PAGE_SIZE), KERN_SUCCESS);
    thread = cthread_fork(no_work, NULL);
    EXPECT_TRUE(thread != NULL);
    if (thread != NULL)
        cthread_join(thread);
    mach_port_destroy(SELF, port);
}

/* Lets a child be greedy: it is refused with `error`, having got between min and max; what `item` of its
 * account says is below the limit, and near it. */
static void expect_refused(void (*change)(task_limits_t *), void (*child_main)(uint64_t),
                           kern_return_t error, uint64_t min, uint64_t max)
{
    struct child child;
    task_limits_t limits, now;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_TRUE(make_limited(&child, change));
    limits = limit(child.task);
    REQUIRE_KR(child_run(&child, child_main, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &greedy.stopped, 1));
    EXPECT_EQ(peeked(child.task, &greedy.error), (uint64_t)error);
    EXPECT_TRUE(peeked(child.task, &greedy.done) >= min);
    EXPECT_TRUE(peeked(child.task, &greedy.done) <= max);
    EXPECT_EQ(peeked(child.task, &greedy.after), KERN_SUCCESS);
    now = used(child.task);
    EXPECT_TRUE(now.names <= limits.names);
    EXPECT_TRUE(now.messages <= limits.messages);
    EXPECT_TRUE(now.message_bytes <= limits.message_bytes);
    EXPECT_TRUE(now.kernel_memory <= limits.kernel_memory);
    expect_others_work();
    child_end(&child);
}

static void some_memory(task_limits_t *limits)
{
    limits->kernel_memory -= 31 * SOME;
}

/* ---- limits themselves ---- */

TEST(limits_are_told_and_everything_is_used_within_them)
{
    task_limits_t now = used(SELF), most = limit(SELF);

    EXPECT_TRUE(now.names > 0 && now.names <= most.names);
    EXPECT_TRUE(now.kernel_memory > 0 && now.kernel_memory <= most.kernel_memory);
    EXPECT_TRUE(now.messages <= most.messages && now.message_bytes <= most.message_bytes);
}

TEST(task_info_needs_room_for_the_limits)
{
    struct task_limits_info info;
    mach_msg_type_number_t count = TASK_LIMITS_INFO_COUNT - 1;

    EXPECT_KR(task_info(SELF, TASK_LIMITS_INFO, (task_info_t)&info, &count), KERN_INVALID_ARGUMENT);
}

TEST(a_child_inherits_its_parents_limits)
{
    task_limits_t limits, of_child;
    struct child child;
    task_t grandchild;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    limits = limit(SELF);
    of_child = limit(child.task);
    EXPECT_TRUE(memcmp(&limits, &of_child, sizeof limits) == 0);
    limits.names = 777;
    limits.messages = 77;
    limits.message_bytes = 777777;
    limits.kernel_memory = 7777777;
    REQUIRE_KR(task_set_limits(test_host_priv(), child.task, limits), KERN_SUCCESS);
    REQUIRE_KR(task_create(child.task, FALSE, &grandchild), KERN_SUCCESS);
    of_child = limit(grandchild);
    EXPECT_TRUE(memcmp(&limits, &of_child, sizeof limits) == 0);
    task_terminate(grandchild);
    mach_port_deallocate(SELF, grandchild);
    child_end(&child);
}

TEST(limits_are_set_by_the_privileged_only)
{
    task_limits_t limits = limit(SELF);
    mach_port_t host = mach_host_self();

    EXPECT_TRUE(task_set_limits(host, SELF, limits) != KERN_SUCCESS);
    EXPECT_TRUE(task_set_limits(SELF, SELF, limits) != KERN_SUCCESS);
    if (test_host_priv() != MACH_PORT_NULL)
        EXPECT_KR(task_set_limits(test_host_priv(), host, limits), KERN_INVALID_ARGUMENT);
    mach_port_deallocate(SELF, host);
}

TEST(no_task_is_made_that_its_limits_do_not_allow)
{
    struct child child;
    task_limits_t limits;
    task_t grandchild;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    limits = limit(child.task);
    limits.kernel_memory = 100;
    REQUIRE_KR(task_set_limits(test_host_priv(), child.task, limits), KERN_SUCCESS);
    EXPECT_KR(task_create(child.task, FALSE, &grandchild), KERN_RESOURCE_SHORTAGE);
    EXPECT_KR(task_create(child.task, TRUE, &grandchild), KERN_RESOURCE_SHORTAGE);
    child_end(&child);
}

/* ---- names ---- */

static void names_100(task_limits_t *limits)
{
    limits->names -= 900;
}

static mach_port_t made[2048]; /* by a greedy child */

static kern_return_t try_port(uint64_t n)
{
    mach_port_t port;
    kern_return_t kr = mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port);

    if (kr == KERN_SUCCESS)
        made[n % 2048] = port;
    return kr;
}

static void give_back_port(uint64_t n)
{
    mach_port_destroy(SELF, made[n % 2048]);
}

static void greedy_for_ports(uint64_t unused)
{
    be_greedy(try_port, give_back_port);
}

TEST(names_are_limited)
{
    expect_refused(names_100, greedy_for_ports, KERN_RESOURCE_SHORTAGE, 80, 100);
}

static kern_return_t try_dead_name(uint64_t n)
{
    made[n % 2048] = MACH_PORT_MAKE(1000 + 1000 * n, 1);
    return mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, made[n % 2048]);
}

static void greedy_for_chosen_names(uint64_t unused)
{
    be_greedy(try_dead_name, give_back_port);
}

TEST(chosen_names_are_limited)
{
    expect_refused(names_100, greedy_for_chosen_names, KERN_RESOURCE_SHORTAGE, 80, 100);
}

TEST(the_table_for_names_far_apart_is_memory)
{
    expect_refused(some_memory, greedy_for_chosen_names, KERN_RESOURCE_SHORTAGE, 80, 140);
}

TEST(a_right_that_comes_over_the_limit_of_names_is_not_received)
{
    task_limits_t limits = limit(SELF), none;
    mach_port_t port = new_port_send(), right = new_port(), watched;
    struct carrier m;
    mach_msg_return_t mr;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    watched = mach_reply_port(); /* so that the last name in use is not the one that comes */
    REQUIRE_KR(send_right(port, right, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    none = limits;
    none.names = 1;
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, none), KERN_SUCCESS);
    mr = receive_right(port, &m);
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
    EXPECT_EQ(mr, MACH_RCV_BODY_ERROR | MACH_MSG_IPC_KERNEL);
    EXPECT_EQ(m.port.name, MACH_PORT_NULL);
    mach_port_destroy(SELF, watched);
    mach_port_destroy(SELF, port);
}

TEST(a_failed_send_puts_rights_back_over_the_limit_of_names)
{
    task_limits_t limits = limit(SELF), none;
    mach_port_t port = new_port_send(), right = new_port();
    struct {
        struct carrier first;
        mach_msg_port_descriptor_t second;
    } m;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    memset(&m, 0, sizeof m);
    m.first.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    m.first.header.msgh_remote_port = port;
    m.first.body.msgh_descriptor_count = 2;
    m.first.port.name = right;
    m.first.port.disposition = MACH_MSG_TYPE_MOVE_RECEIVE;
    ((mach_msg_port_descriptor_t *)(&m.first.port + 1))->name = MACH_PORT_MAKE(0x77777, 1);
    ((mach_msg_port_descriptor_t *)(&m.first.port + 1))->disposition = MACH_MSG_TYPE_COPY_SEND;
    none = limits;
    none.names = 1;
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, none), KERN_SUCCESS);
    EXPECT_KR(mach_msg(&m.first.header, MACH_SEND_MSG, CARRIER_SIZE + sizeof(m.second), 0,
                       MACH_PORT_NULL, 0, MACH_PORT_NULL), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
    EXPECT_EQ(type_of(right), MACH_PORT_TYPE_RECEIVE);
    mach_port_destroy(SELF, right);
    mach_port_destroy(SELF, port);
}

/* ---- messages ---- */

static void messages_50(task_limits_t *limits)
{
    limits->messages = 50;
}

static mach_port_t target; /* a greedy child's own */

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

static kern_return_t try_send_rights(uint64_t n)
{
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_ool_ports_descriptor_t ports;
    } m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND_ONCE, 0)
                                | MACH_MSGH_BITS_COMPLEX},
        .body = {.msgh_descriptor_count = 1},
        .ports = {.address = (uint64_t)made, .count = 40, .copy = MACH_MSG_VIRTUAL_COPY,
                  .disposition = MACH_MSG_TYPE_COPY_SEND, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
    };

    target = n == 0 ? new_port() : target;
    m.header.msgh_remote_port = target;
    return mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
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
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_ool_ports_descriptor_t ports;
    } m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND_ONCE, 0)
                                | MACH_MSGH_BITS_COMPLEX},
        .body = {.msgh_descriptor_count = 1},
        .ports = {.address = (uint64_t)dying, .count = DYING, .copy = MACH_MSG_VIRTUAL_COPY,
                  .disposition = MACH_MSG_TYPE_MAKE_SEND, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
    };
    kern_return_t kr;

    target = n == 0 ? new_port() : target;
    for (int i = 0; i < DYING; i++)
        dying[i] = new_port();
    m.header.msgh_remote_port = target;
    kr = mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
    for (int i = 0; i < DYING; i++)
        mach_port_destroy(SELF, dying[i]);
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

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_TRUE(make_limited(&child, messages_50));
    REQUIRE_KR(child_run(&child, greedy_for_replies, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &greedy.stopped, 1));
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
    __atomic_store_n(&greedy.stopped, 1, __ATOMIC_RELEASE);
    for (;;)
        sleep_ms(1000);
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

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
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

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
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

/* ---- memory ---- */

TEST(ports_are_limited_by_memory)
{
    struct child child;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_TRUE(make_limited(&child, some_memory));
    REQUIRE_KR(child_run(&child, greedy_for_ports, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &greedy.stopped, 1));
    EXPECT_EQ(peeked(child.task, &greedy.error), KERN_RESOURCE_SHORTAGE);
    EXPECT_TRUE(peeked(child.task, &greedy.done) > 500);
    expect_others_work();
    child_end(&child);
}

static kern_return_t try_thread(uint64_t n)
{
    thread_t thread;
    kern_return_t kr = thread_create(SELF, &thread);

    if (kr == KERN_SUCCESS)
        made[n % 2048] = thread;
    return kr;
}

static void end_thread(uint64_t n)
{
    mach_port_t thread = made[n % 2048];

    thread_terminate(thread);
    wait_until_dead(thread);
    sleep_ms(50); /* its stack goes when it has run for the last time */
    mach_port_deallocate(SELF, thread);
}

static void greedy_for_threads(uint64_t unused)
{
    be_greedy(try_thread, end_thread);
}

TEST(threads_are_limited)
{
    expect_refused(some_memory, greedy_for_threads, KERN_RESOURCE_SHORTAGE, 35, 60);
}

static vm_address_t region;

static kern_return_t try_map_entry(uint64_t n)
{
    if (n == 0 && vm_allocate(SELF, &region, 65536 * PAGE_SIZE, TRUE) != KERN_SUCCESS)
        return KERN_FAILURE;
    return vm_protect(SELF, region + 2 * n * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ);
}

static void join_map_entries(uint64_t n)
{
    vm_protect(SELF, region + 2 * n * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_DEFAULT);
}

static void greedy_for_map_entries(uint64_t unused)
{
    be_greedy(try_map_entry, join_map_entries);
}

TEST(map_entries_are_limited)
{
    expect_refused(some_memory, greedy_for_map_entries, KERN_RESOURCE_SHORTAGE, 1000, 4000);
}

static kern_return_t try_semaphore(uint64_t n)
{
    semaphore_t semaphore;
    kern_return_t kr = semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0);

    if (kr == (MACH_RCV_BODY_ERROR | MACH_MSG_IPC_KERNEL))
        kr = KERN_RESOURCE_SHORTAGE; /* there was memory for it, but none for its name */
    if (kr == KERN_SUCCESS)
        made[n % 2048] = semaphore;
    return kr;
}

/* The last and some before it: the next needs memory for itself, and perhaps a new part of the table. */
static void end_semaphore(uint64_t n)
{
    for (uint64_t i = n - 39; i <= n; i++) {
        semaphore_destroy(SELF, made[i % 2048]);
        mach_port_deallocate(SELF, made[i % 2048]);
    }
}

static void greedy_for_semaphores(uint64_t unused)
{
    be_greedy(try_semaphore, end_semaphore);
}

static void some_memory_many_names(task_limits_t *limits)
{
    some_memory(limits);
    limits->names = NO_LIMIT;
}

TEST(semaphores_are_limited)
{
    expect_refused(some_memory_many_names, greedy_for_semaphores, KERN_RESOURCE_SHORTAGE, 500, 2000);
}

static kern_return_t try_set(uint64_t n)
{
    return mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &made[n % 2048]);
}

static void greedy_for_sets(uint64_t unused)
{
    be_greedy(try_set, give_back_port);
}

TEST(port_sets_are_limited)
{
    expect_refused(some_memory_many_names, greedy_for_sets, KERN_RESOURCE_SHORTAGE, 1000, 6000);
}

static clock_serv_t the_clock;

static kern_return_t try_alarm(uint64_t n)
{
    time_value64_t far = {1000000, 0};
    mach_port_t host;

    if (n == 0) {
        host = mach_host_self();
        host_get_clock_service(host, SYSTEM_CLOCK, &the_clock);
        target = new_port();
    }
    return clock_alarm(the_clock, TIME_RELATIVE, far, target);
}

static void greedy_for_alarms(uint64_t unused)
{
    be_greedy(try_alarm, NULL);
}

TEST(alarms_are_limited)
{
    expect_refused(messages_50, greedy_for_alarms, KERN_RESOURCE_SHORTAGE, 50, 50);
}

/* A page here and there: each in need of a translation table. Ends by an exception. */
static void greedy_for_tables(uint64_t unused)
{
    for (vm_address_t a = 0x100000000; a < 0x100000000 + (1UL << 34); a += 2 << 20) {
        vm_address_t place = a;

        if (vm_allocate(SELF, &place, PAGE_SIZE, FALSE) != KERN_SUCCESS)
            break;
        *(volatile char *)place = 1;
        greedy.done++;
    }
    __atomic_store_n(&greedy.stopped, 1, __ATOMIC_RELEASE);
    for (;;)
        sleep_ms(1000);
}

TEST(page_tables_are_limited)
{
    struct child child;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_TRUE(make_limited(&child, some_memory));
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT,
                                       THREAD_STATE_NONE), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, greedy_for_tables, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task)); /* of the exception */
    expect_others_work();
    child_end(&child);
}

/* With the limits that every task has, and beside the others. */
TEST(a_task_at_the_limits_it_begins_with_leaves_the_others_enough)
{
    mach_port_t *ports = NULL;
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, greedy_for_ports, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &greedy.stopped, 1));
    EXPECT_EQ(peeked(child.task, &greedy.error), KERN_RESOURCE_SHORTAGE);
    expect_others_work();
    REQUIRE_KR(vm_allocate(SELF, (vm_address_t *)&ports, 1000 * sizeof(*ports), TRUE), KERN_SUCCESS);
    for (int i = 0; i < 1000; i++)
        EXPECT_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &ports[i]), KERN_SUCCESS);
    for (int i = 0; i < 1000; i++)
        mach_port_destroy(SELF, ports[i]);
    vm_deallocate(SELF, (vm_address_t)ports, 1000 * sizeof(*ports));
    child_end(&child);
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
    for (int i = 0; i < 300; i++)
        mach_port_destroy(SELF, ports[i]);
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, target);
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

TEST(nothing_leaked)
{
    expect_baseline();
}

TEST_MAIN
