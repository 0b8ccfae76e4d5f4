/*
 * What one task may use of the kernel: at its limit it gets an error, and the rest of the system goes on.
 * One rule a case; here the limits themselves, and names. Read mach_limits.h before.
 */
#include "mach_limits.h"

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

    NEED_HOST_PRIV();
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    limits = limit(SELF);
    of_child = limit(child.task);
    EXPECT_TRUE(memcmp(&limits, &of_child, sizeof limits) == 0);
    limits.names = 777;
    limits.messages = 77;
    limits.message_bytes = 777777;
    limits.kernel_memory = 7777777;
    limits.virtual_memory = 77777777;
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

    NEED_HOST_PRIV();
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

    NEED_HOST_PRIV();
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
    task_limits_t limits = limit(SELF), none = limits;
    mach_port_t port = new_port_send(), right = new_port();

    NEED_HOST_PRIV();
    none.names = 1;
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, none), KERN_SUCCESS);
    EXPECT_KR(send_in_vain(port, right, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
    EXPECT_EQ(type_of(right), MACH_PORT_TYPE_RECEIVE);
    destroy(right, port);
}

/* ---- the limits a task begins with ---- */

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
    destroy_names(ports, 1000);
    vm_deallocate(SELF, (vm_address_t)ports, 1000 * sizeof(*ports));
    child_end(&child);
}

TEST_MAIN
