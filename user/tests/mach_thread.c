/* Threads: thread_act.defs; their registers, what interrupts them, and their end in every state. */
#include "mach_spin.h"

#include <mach/host_priv.h>
#include <mach/semaphore.h>

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

/* ---- information, priorities ---- */

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

TEST_MAIN
