/* Tasks and threads: task.defs, thread_act.defs and the privileged calls on them. */
#include "mach_child.h"

#include <mach/host_priv.h>
#include <mach/semaphore.h>

TEST(baseline_is_taken)
{
    take_baseline();
}

/* ---- what the children do ---- */

static volatile uint64_t ticks;

static void spin(uint64_t arg)
{
    for (;;)
        ticks++;
}

static void sleep_for_ever(uint64_t arg)
{
    for (;;)
        sleep_ms(1000000);
}

/* Until the child has spun a little: it runs. */
static boolean_t is_spinning(task_t task)
{
    uint64_t before, after;

    peek(task, &ticks, &before);
    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 2) {
        sleep_ms(2);
        peek(task, &ticks, &after);
        if (after != before)
            return TRUE;
    }
    return FALSE;
}

static boolean_t is_still(task_t task)
{
    uint64_t before, after;

    peek(task, &ticks, &before);
    sleep_ms(30);
    peek(task, &ticks, &after);
    return before == after;
}

static struct task_basic_info basic_info(task_t task)
{
    struct task_basic_info info;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    memset(&info, 0xff, sizeof info);
    task_info(task, TASK_BASIC_INFO, (task_info_t)&info, &count);
    return info;
}

static struct thread_basic_info thread_basic(thread_t thread)
{
    struct thread_basic_info info;
    mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

    memset(&info, 0xff, sizeof info);
    thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count);
    return info;
}

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
    EXPECT_KR(task_set_name(task, "01234567890123456789012345678901"), MIG_ARRAY_TOO_LARGE);
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

/* ---- threads ---- */

TEST(a_new_thread_is_suspended)
{
    arm_thread_state64_t state = {.pc = (uint64_t)spin, .sp = (uint64_t)child_stack + CHILD_STACK_SIZE};
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(thread_create(child.task, &child.thread), KERN_SUCCESS);
    EXPECT_EQ(thread_basic(child.thread).suspend_count, 1);
    EXPECT_EQ(basic_info(child.task).thread_count, 1);
    EXPECT_KR(thread_set_state(child.thread, ARM_THREAD_STATE64, (thread_state_t)&state,
                               ARM_THREAD_STATE64_COUNT), KERN_SUCCESS);
    EXPECT_TRUE(is_still(child.task));
    EXPECT_KR(thread_resume(child.thread), KERN_SUCCESS);
    EXPECT_TRUE(is_spinning(child.task));
    EXPECT_KR(thread_resume(child.thread), KERN_FAILURE);
    child_end(&child);
}

TEST(thread_suspension_nests_and_adds_to_the_tasks)
{
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)spin, 0, 0), KERN_SUCCESS);
    EXPECT_TRUE(is_spinning(child.task));
    EXPECT_KR(thread_suspend(child.thread), KERN_SUCCESS);
    EXPECT_KR(thread_suspend(child.thread), KERN_SUCCESS);
    EXPECT_EQ(thread_basic(child.thread).suspend_count, 2);
    EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_STOPPED));
    EXPECT_TRUE(is_still(child.task));
    EXPECT_KR(task_suspend(child.task), KERN_SUCCESS);
    EXPECT_KR(thread_resume(child.thread), KERN_SUCCESS);
    EXPECT_KR(thread_resume(child.thread), KERN_SUCCESS);
    EXPECT_TRUE(is_still(child.task)); /* the task still is */
    EXPECT_KR(task_resume(child.task), KERN_SUCCESS);
    EXPECT_TRUE(is_spinning(child.task));
    child_end(&child);
}

TEST(create_running_with_a_bad_state_makes_no_thread)
{
    natural_t state[THREAD_STATE_MAX] = {0};
    thread_t thread;
    task_t task;

    REQUIRE_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    EXPECT_KR(thread_create_running(task, 99, state, 10, &thread), KERN_INVALID_ARGUMENT);
    EXPECT_KR(thread_create_running(task, ARM_THREAD_STATE64, state, 10, &thread),
              KERN_INVALID_ARGUMENT);
    for (int tries = 0; tries < 200 && basic_info(task).thread_count != 0; tries++)
        sleep_ms(5);
    EXPECT_EQ(basic_info(task).thread_count, 0);
    task_terminate(task);
    mach_port_deallocate(SELF, task);
}

TEST(registers_of_a_suspended_thread)
{
    arm_thread_state64_t state;
    mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)spin, 4711, 4712), KERN_SUCCESS);
    EXPECT_TRUE(is_spinning(child.task));
    EXPECT_KR(thread_get_state(child.thread, ARM_THREAD_STATE64, (thread_state_t)&state, &count),
              KERN_FAILURE); /* it runs */
    REQUIRE_KR(thread_suspend(child.thread), KERN_SUCCESS);
    REQUIRE_KR(thread_get_state(child.thread, ARM_THREAD_STATE64, (thread_state_t)&state, &count),
               KERN_SUCCESS);
    EXPECT_EQ(count, ARM_THREAD_STATE64_COUNT);
    EXPECT_TRUE(state.pc >= (uint64_t)spin && state.pc < (uint64_t)spin + 64);
    EXPECT_EQ(state.sp, (uint64_t)child_stack + CHILD_STACK_SIZE);
    EXPECT_EQ(state.cpsr & 0xfff, 0); /* EL0, nothing masked */
    state.x[20] = 99;
    state.cpsr = 0x600003c5; /* EL1h, all interrupts masked: only the conditions are taken */
    REQUIRE_KR(thread_set_state(child.thread, ARM_THREAD_STATE64, (thread_state_t)&state, count),
               KERN_SUCCESS);
    REQUIRE_KR(thread_get_state(child.thread, ARM_THREAD_STATE64, (thread_state_t)&state, &count),
               KERN_SUCCESS);
    EXPECT_EQ(state.x[20], 99);
    EXPECT_EQ(state.cpsr & ~0xf0000000U, 0);
    EXPECT_EQ(state.cpsr >> 28, 6);
    EXPECT_KR(thread_resume(child.thread), KERN_SUCCESS);
    EXPECT_TRUE(is_spinning(child.task));
    EXPECT_KR(thread_set_state(child.thread, ARM_THREAD_STATE64, (thread_state_t)&state, count),
              KERN_FAILURE);
    child_end(&child);
}

TEST(vector_and_tls_registers)
{
    arm_neon_state64_t neon, neon_back;
    arm_tls_state64_t tls = {0x123456789abcUL}, tls_back = {0};
    mach_msg_type_number_t count = ARM_NEON_STATE64_COUNT;
    struct child child;

    for (unsigned i = 0; i < 32; i++)
        neon.v[i] = ((unsigned __int128)i << 64) | (0x1000 + i);
    neon.fpcr = 0;
    neon.fpsr = 0;
    neon.pad = 0;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(thread_create(child.task, &child.thread), KERN_SUCCESS);
    REQUIRE_KR(thread_set_state(child.thread, ARM_NEON_STATE64, (thread_state_t)&neon, count),
               KERN_SUCCESS);
    REQUIRE_KR(thread_get_state(child.thread, ARM_NEON_STATE64, (thread_state_t)&neon_back, &count),
               KERN_SUCCESS);
    EXPECT_TRUE(memcmp(neon.v, neon_back.v, sizeof neon.v) == 0);
    count = ARM_TLS_STATE64_COUNT;
    REQUIRE_KR(thread_set_state(child.thread, ARM_TLS_STATE64, (thread_state_t)&tls, count),
               KERN_SUCCESS);
    REQUIRE_KR(thread_get_state(child.thread, ARM_TLS_STATE64, (thread_state_t)&tls_back, &count),
               KERN_SUCCESS);
    EXPECT_EQ(tls_back.tpidr_el0, tls.tpidr_el0);
    count = 1;
    EXPECT_KR(thread_get_state(child.thread, ARM_NEON_STATE64, (thread_state_t)&neon_back, &count),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(thread_set_state(child.thread, ARM_NEON_STATE64, (thread_state_t)&neon, 7),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(thread_get_state(child.thread, -1, (thread_state_t)&neon_back, &count),
              KERN_INVALID_ARGUMENT);
    child_end(&child);
}

/* ---- abort: threads of this task ---- */

static mach_port_t blocked_port;
static volatile mach_port_t blocked_thread;
static volatile uint64_t blocked_result;

static void *receive_blocked(void *arg)
{
    struct small m;

    blocked_thread = mach_thread_self_cached();
    blocked_result = (unsigned)mach_msg_trap(&m.header, MACH_RCV_MSG, 0, sizeof m, blocked_port, 0,
                                             MACH_PORT_NULL);
    return NULL;
}

static void *send_blocked(void *arg)
{
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                 .msgh_remote_port = blocked_port}};

    blocked_thread = mach_thread_self_cached();
    blocked_result = (unsigned)mach_msg_trap(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, MACH_PORT_NULL,
                                             0, MACH_PORT_NULL);
    return NULL;
}

static cthread_t start_blocked(void *(*function)(void *))
{
    cthread_t thread;

    blocked_thread = MACH_PORT_NULL;
    blocked_result = ~0UL;
    thread = cthread_fork(function, NULL);
    while (thread != NULL && blocked_thread == MACH_PORT_NULL)
        sleep_ms(1);
    return thread;
}

TEST(abort_interrupts_a_receive)
{
    cthread_t thread;

    blocked_port = new_port();
    REQUIRE_TRUE((thread = start_blocked(receive_blocked)) != NULL);
    EXPECT_TRUE(wait_for_state(blocked_thread, TH_STATE_WAITING));
    EXPECT_KR(thread_abort(blocked_thread), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&blocked_result, MACH_RCV_INTERRUPTED));
    cthread_join(thread);
    mach_port_destroy(SELF, blocked_port);
}

TEST(abort_safely_interrupts_a_receive_too)
{
    cthread_t thread;

    blocked_port = new_port();
    REQUIRE_TRUE((thread = start_blocked(receive_blocked)) != NULL);
    EXPECT_TRUE(wait_for_state(blocked_thread, TH_STATE_WAITING));
    EXPECT_KR(thread_abort_safely(blocked_thread), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&blocked_result, MACH_RCV_INTERRUPTED));
    cthread_join(thread);
    mach_port_destroy(SELF, blocked_port);
}

TEST(abort_interrupts_a_send)
{
    cthread_t thread;

    blocked_port = new_port_send();
    for (int i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
        REQUIRE_KR(send_word(blocked_port, MACH_MSG_TYPE_COPY_SEND, i, MACH_SEND_TIMEOUT, 0),
                   MACH_MSG_SUCCESS);
    REQUIRE_TRUE((thread = start_blocked(send_blocked)) != NULL);
    EXPECT_TRUE(wait_for_state(blocked_thread, TH_STATE_WAITING));
    EXPECT_KR(thread_abort(blocked_thread), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&blocked_result, MACH_SEND_INTERRUPTED));
    cthread_join(thread);
    mach_port_destroy(SELF, blocked_port);
}

TEST(a_receive_ends_with_its_port)
{
    cthread_t thread;

    blocked_port = new_port();
    REQUIRE_TRUE((thread = start_blocked(receive_blocked)) != NULL);
    EXPECT_TRUE(wait_for_state(blocked_thread, TH_STATE_WAITING));
    mach_port_destroy(SELF, blocked_port);
    EXPECT_TRUE(wait_for_value(&blocked_result, MACH_RCV_PORT_DIED));
    cthread_join(thread);
}

/* ---- termination in every state ---- */

static semaphore_t child_semaphore;

static void wait_semaphore(uint64_t semaphore)
{
    semaphore_wait((semaphore_t)semaphore);
}

static void wait_receive(uint64_t port)
{
    struct small m;

    mach_msg_trap(&m.header, MACH_RCV_MSG, 0, sizeof m, mach_reply_port(), 0, MACH_PORT_NULL);
}

static void wait_send(uint64_t port)
{
    for (;;)
        send_word((mach_port_t)port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 0);
}

static void terminate_itself(uint64_t arg)
{
    thread_terminate(mach_thread_self());
}

static void end_in_state(struct child *child, int state, boolean_t whole_task)
{
    EXPECT_TRUE(state == 0 || wait_for_state(child->thread, state));
    if (whole_task) {
        EXPECT_KR(task_terminate(child->task), KERN_SUCCESS);
        EXPECT_TRUE(wait_until_dead(child->task));
    } else {
        EXPECT_KR(thread_terminate(child->thread), KERN_SUCCESS);
    }
    EXPECT_TRUE(wait_until_dead(child->thread));
    child_end(child);
}

TEST(terminate_while_running)
{
    for (int whole = 0; whole < 2; whole++) {
        struct child child;

        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        REQUIRE_KR(child_run_raw(&child, (uint64_t)spin, 0, 0), KERN_SUCCESS);
        EXPECT_TRUE(is_spinning(child.task));
        end_in_state(&child, 0, whole);
    }
}

TEST(terminate_before_it_ever_ran)
{
    for (int whole = 0; whole < 2; whole++) {
        struct child child;

        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        REQUIRE_KR(thread_create(child.task, &child.thread), KERN_SUCCESS);
        end_in_state(&child, TH_STATE_STOPPED, whole);
    }
}

TEST(terminate_while_suspended)
{
    for (int whole = 0; whole < 2; whole++) {
        struct child child;

        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        REQUIRE_KR(child_run_raw(&child, (uint64_t)spin, 0, 0), KERN_SUCCESS);
        EXPECT_TRUE(is_spinning(child.task));
        REQUIRE_KR(thread_suspend(child.thread), KERN_SUCCESS);
        end_in_state(&child, TH_STATE_STOPPED, whole);
    }
}

TEST(terminate_while_waiting)
{
    void (*const waits[])(uint64_t) = {sleep_for_ever, wait_receive, wait_send, wait_semaphore};
    mach_port_t port = new_port_send();

    REQUIRE_KR(semaphore_create(SELF, &child_semaphore, SYNC_POLICY_FIFO, 0), KERN_SUCCESS);
    for (int i = 0; i < 8; i++) {
        struct child child;

        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        REQUIRE_KR(child_give(&child, port), KERN_SUCCESS);
        REQUIRE_KR(child_give(&child, child_semaphore), KERN_SUCCESS);
        REQUIRE_KR(child_run(&child, waits[i / 2], i / 2 == 3 ? child_semaphore : port),
                   KERN_SUCCESS);
        end_in_state(&child, TH_STATE_WAITING, i % 2);
    }
    EXPECT_KR(semaphore_destroy(SELF, child_semaphore), KERN_SUCCESS);
    mach_port_deallocate(SELF, child_semaphore);
    mach_port_destroy(SELF, port);
}

TEST(a_thread_may_terminate_itself)
{
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, terminate_itself, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.thread));
    EXPECT_EQ(basic_info(child.task).thread_count, 0);
    child_end(&child);
}

/* ---- information, priorities, privileges ---- */

TEST(thread_info_and_its_errors)
{
    natural_t info[THREAD_INFO_MAX];
    mach_msg_type_number_t count = 3;

    EXPECT_KR(thread_info(mach_thread_self_cached(), THREAD_BASIC_INFO, info, &count),
              KERN_INVALID_ARGUMENT);
    count = THREAD_INFO_MAX;
    EXPECT_KR(thread_info(mach_thread_self_cached(), 4242, info, &count), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(thread_basic(mach_thread_self_cached()).run_state, TH_STATE_RUNNING);
}

TEST(priorities)
{
    struct child child;
    int base;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(thread_create(child.task, &child.thread), KERN_SUCCESS);
    base = thread_basic(child.thread).base_priority;
    EXPECT_KR(thread_priority(child.thread, base - 5, FALSE), KERN_SUCCESS);
    EXPECT_EQ(thread_basic(child.thread).base_priority, base - 5);
    EXPECT_KR(thread_priority(child.thread, base - 10, TRUE), KERN_SUCCESS); /* and no more above */
    EXPECT_KR(thread_priority(child.thread, base, FALSE), KERN_FAILURE);
    EXPECT_KR(thread_priority(child.thread, -1, FALSE), KERN_INVALID_VALUE);
    EXPECT_KR(thread_priority(child.thread, 128, FALSE), KERN_INVALID_VALUE);
    EXPECT_TRUE(thread_max_priority(child.thread, mach_host_self(), base) != KERN_SUCCESS);
    if (test_host_priv() != MACH_PORT_NULL) {
        EXPECT_KR(thread_max_priority(child.thread, test_host_priv(), base), KERN_SUCCESS);
        EXPECT_KR(thread_priority(child.thread, base, FALSE), KERN_SUCCESS);
    }
    child_end(&child);
}

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

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, port), KERN_SUCCESS);
    EXPECT_TRUE(task_set_security_token(mach_host_self(), child.task, token) != KERN_SUCCESS);
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

    if (test_host_priv() == MACH_PORT_NULL)
        SKIP("no privileged host port");
    REQUIRE_KR(vm_allocate(SELF, &a, 4 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_TRUE(vm_wire(mach_host_self(), SELF, a, PAGE_SIZE, VM_PROT_READ) != KERN_SUCCESS);
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

    EXPECT_TRUE(host_tasks(mach_host_self(), &tasks, &count) != KERN_SUCCESS);
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

TEST(nothing_leaked)
{
    expect_baseline();
}

TEST_MAIN
