/* Tasks: task.defs, and what only the privileged may do to them. (mach_thread.c: threads.) */
#include "mach_spin.h"

#include <mach/host_priv.h>

/* ---- tasks ---- */

TEST(a_new_task_is_empty)
{
    mach_port_t *threads;
    mach_msg_type_number_t count = 9;
    struct task_basic_info info;
    task_t task;

    REQUIRE_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    info = basic_info(task);
    EXPECT_EQ(info.thread_count, 0);
    EXPECT_EQ(info.suspend_count, 0);
    EXPECT_EQ(info.virtual_size, 0);
    EXPECT_KR(task_threads(task, &threads, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 0);
    EXPECT_KR(task_terminate(task), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(task));
    EXPECT_KR(mach_port_deallocate(SELF, task), KERN_SUCCESS);
}

TEST(inherited_memory_counts)
{
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    EXPECT_EQ(basic_info(child.task).virtual_size, basic_info(SELF).virtual_size);
    child_end(&child);
}

TEST(task_self_is_one_name)
{
    mach_port_t again = mach_task_self_trap(), special;

    EXPECT_EQ(again, SELF);
    mach_port_deallocate(SELF, again);
    REQUIRE_KR(task_get_special_port(SELF, TASK_KERNEL_PORT, &special), KERN_SUCCESS);
    EXPECT_EQ(special, SELF);
    mach_port_deallocate(SELF, special);
    EXPECT_EQ(type_of(SELF), MACH_PORT_TYPE_SEND);
}

TEST(special_ports)
{
    mach_port_t port = new_port_send(), got;
    struct child child;

    REQUIRE_KR(task_create(SELF, FALSE, &child.task), KERN_SUCCESS);
    child.thread = MACH_PORT_NULL;
    REQUIRE_KR(task_get_special_port(child.task, TASK_BOOTSTRAP_PORT, &got), KERN_SUCCESS);
    EXPECT_TRUE(got != MACH_PORT_NULL); /* inherited */
    mach_port_deallocate(SELF, got);
    REQUIRE_KR(task_set_special_port(child.task, TASK_BOOTSTRAP_PORT, port), KERN_SUCCESS);
    REQUIRE_KR(task_get_special_port(child.task, TASK_BOOTSTRAP_PORT, &got), KERN_SUCCESS);
    EXPECT_EQ(got, port);
    mach_port_deallocate(SELF, got);
    REQUIRE_KR(task_set_special_port(child.task, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL), KERN_SUCCESS);
    REQUIRE_KR(task_get_special_port(child.task, TASK_BOOTSTRAP_PORT, &got), KERN_SUCCESS);
    EXPECT_EQ(got, MACH_PORT_NULL);
    EXPECT_KR(task_get_special_port(child.task, 77, &got), KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_special_port(child.task, 77, port), KERN_INVALID_ARGUMENT);
    EXPECT_KR(task_set_special_port(child.task, TASK_KERNEL_PORT, port), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

TEST(names)
{
    char name[32] = "";
    task_t task;

    REQUIRE_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    EXPECT_KR(task_set_name(task, "romulus"), KERN_SUCCESS);
    EXPECT_KR(task_get_name(task, name), KERN_SUCCESS);
    EXPECT_STREQ(name, "romulus");
    EXPECT_KR(task_set_name(task, "0123456789012345678901234567890"), KERN_SUCCESS); /* 31 bytes */
    EXPECT_KR(task_set_name(task, "01234567890123456789012345678901"), MACH_SEND_TOO_LARGE);
    EXPECT_KR(task_get_name(task, name), KERN_SUCCESS);
    EXPECT_STREQ(name, "0123456789012345678901234567890");
    task_terminate(task);
    mach_port_deallocate(SELF, task);
}

TEST(task_suspension_nests)
{
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)spin, 0, 0), KERN_SUCCESS);
    EXPECT_TRUE(is_spinning(child.task));
    EXPECT_KR(task_suspend(child.task), KERN_SUCCESS);
    EXPECT_TRUE(is_still(child.task));
    EXPECT_KR(task_suspend(child.task), KERN_SUCCESS);
    EXPECT_EQ(basic_info(child.task).suspend_count, 2);
    EXPECT_KR(task_resume(child.task), KERN_SUCCESS);
    EXPECT_TRUE(is_still(child.task));
    EXPECT_KR(task_resume(child.task), KERN_SUCCESS);
    EXPECT_TRUE(is_spinning(child.task));
    EXPECT_KR(task_resume(child.task), KERN_FAILURE);
    child_end(&child);
}

TEST(a_suspended_task_can_be_terminated)
{
    struct child child;
    task_t task;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)spin, 0, 0), KERN_SUCCESS);
    REQUIRE_KR(task_suspend(child.task), KERN_SUCCESS);
    task = child.task;
    REQUIRE_KR(task_terminate(task), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(task));
    mach_port_deallocate(SELF, child.task);
    mach_port_deallocate(SELF, child.thread);
}

TEST(task_info_errors)
{
    natural_t info[TASK_INFO_MAX];
    mach_msg_type_number_t count = TASK_INFO_MAX;

    EXPECT_KR(task_info(SELF, 12345, info, &count), KERN_INVALID_ARGUMENT);
    count = 2;
    EXPECT_KR(task_info(SELF, TASK_BASIC_INFO, info, &count), KERN_INVALID_ARGUMENT);
    count = TASK_INFO_MAX;
    EXPECT_KR(task_info(SELF, TASK_BASIC_INFO, info, &count), KERN_SUCCESS);
    EXPECT_EQ(count, TASK_BASIC_INFO_COUNT);
    count = TASK_INFO_MAX;
    EXPECT_TRUE(task_info(mach_thread_self_cached(), TASK_BASIC_INFO, info, &count) != KERN_SUCCESS);
}

TEST(events_are_counted)
{
    struct task_events_info before, after;
    mach_msg_type_number_t count = TASK_EVENTS_INFO_COUNT;
    vm_address_t a = 0;

    REQUIRE_KR(task_info(SELF, TASK_EVENTS_INFO, (task_info_t)&before, &count), KERN_SUCCESS);
    REQUIRE_KR(vm_allocate(SELF, &a, 10 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    memset((void *)a, 1, 10 * PAGE_SIZE);
    REQUIRE_KR(vm_deallocate(SELF, a, 10 * PAGE_SIZE), KERN_SUCCESS);
    count = TASK_EVENTS_INFO_COUNT;
    REQUIRE_KR(task_info(SELF, TASK_EVENTS_INFO, (task_info_t)&after, &count), KERN_SUCCESS);
    EXPECT_TRUE(after.faults - before.faults >= 10);
    EXPECT_TRUE(after.messages_sent > before.messages_sent);
    EXPECT_TRUE(after.syscalls_mach > before.syscalls_mach);
}

TEST(a_dead_task_answers_nothing)
{
    natural_t info[TASK_INFO_MAX];
    mach_msg_type_number_t count = TASK_INFO_MAX;
    task_t task, child;

    REQUIRE_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    REQUIRE_KR(task_terminate(task), KERN_SUCCESS);
    REQUIRE_TRUE(wait_until_dead(task));
    EXPECT_KR(task_terminate(task), MACH_SEND_INVALID_DEST);
    EXPECT_KR(task_suspend(task), MACH_SEND_INVALID_DEST);
    EXPECT_KR(task_info(task, TASK_BASIC_INFO, info, &count), MACH_SEND_INVALID_DEST);
    EXPECT_KR(task_create(task, FALSE, &child), MACH_SEND_INVALID_DEST);
    EXPECT_KR(mach_port_deallocate(SELF, task), KERN_SUCCESS);
}

TEST(the_rights_of_a_dead_task_go)
{
    struct child child;
    mach_port_t inside, right = MACH_PORT_NULL;
    mach_msg_type_name_t how;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(mach_port_allocate(child.task, MACH_PORT_RIGHT_RECEIVE, &inside), KERN_SUCCESS);
    REQUIRE_KR(mach_port_extract_right(child.task, inside, MACH_MSG_TYPE_MAKE_SEND, &right,
                                       &how), KERN_SUCCESS);
    EXPECT_EQ(type_of(right), MACH_PORT_TYPE_SEND);
    child_end(&child);
    EXPECT_TRUE(wait_until_dead(right));
    EXPECT_KR(mach_port_deallocate(SELF, right), KERN_SUCCESS);
}

TEST(a_hundred_tasks)
{
    enum { COUNT = 100 };
    static struct child child[COUNT];

    for (int i = 0; i < COUNT; i++) {
        REQUIRE_KR(child_make(&child[i]), KERN_SUCCESS);
        REQUIRE_KR(child_run(&child[i], sleep_for_ever, 0), KERN_SUCCESS);
    }
    for (int i = 0; i < COUNT; i++)
        child_end(&child[i]);
}

/* ---- privileges ---- */

static void send_token(uint64_t port)
{
    send_word((mach_port_t)port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0);
}

TEST(messages_carry_the_senders_token)
{
    security_token_t token = {{11, 22}}, kernel = KERNEL_SECURITY_TOKEN_VALUE;
    mach_port_t port = new_port_send();
    struct child child;
    struct small m;
    host_t host;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    host = mach_host_self();
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, port), KERN_SUCCESS);
    EXPECT_TRUE(task_set_security_token(host, child.task, token) != KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    EXPECT_KR(task_set_security_token(test_host_priv(), child.task, kernel), KERN_INVALID_VALUE);
    EXPECT_KR(task_set_security_token(test_host_priv(), child.task, token), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, send_token, port), KERN_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT
                        | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof m, port,
                        WAIT_LIMIT_MS, MACH_PORT_NULL), MACH_MSG_SUCCESS);
    EXPECT_EQ(mach_msg_trailer(&m.header)->msgh_sender.val[0], 11);
    EXPECT_EQ(mach_msg_trailer(&m.header)->msgh_sender.val[1], 22);
    EXPECT_TRUE(!mach_msg_from_kernel(&m.header));
    child_end(&child);
    mach_port_destroy(SELF, port);
}

TEST(memory_can_be_wired_by_the_privileged)
{
    vm_address_t a = 0;
    host_t host;

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    host = mach_host_self();
    REQUIRE_KR(vm_allocate(SELF, &a, 4 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_TRUE(vm_wire(host, SELF, a, PAGE_SIZE, VM_PROT_READ) != KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    EXPECT_KR(vm_wire(test_host_priv(), SELF, a, 4 * PAGE_SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
    EXPECT_KR(vm_wire(test_host_priv(), SELF, a, PAGE_SIZE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_wire(test_host_priv(), SELF, a + 4 * PAGE_SIZE, PAGE_SIZE, VM_PROT_READ),
              KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_deallocate(SELF, a, 4 * PAGE_SIZE), KERN_SUCCESS); /* wired or not */
}

TEST(all_tasks_can_be_listed_by_the_privileged)
{
    mach_port_t *tasks;
    mach_msg_type_number_t count;
    boolean_t found = FALSE;
    host_t host = mach_host_self();

    EXPECT_TRUE(host_tasks(host, &tasks, &count) != KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_KR(host_tasks(test_host_priv(), &tasks, &count), KERN_SUCCESS);
    for (unsigned i = 0; i < count; i++) {
        found |= tasks[i] == SELF;
        if (tasks[i] != MACH_PORT_NULL)
            mach_port_deallocate(SELF, tasks[i]);
    }
    EXPECT_TRUE(found);
    vm_deallocate(SELF, (vm_address_t)tasks, count * sizeof *tasks);
}

TEST_MAIN
