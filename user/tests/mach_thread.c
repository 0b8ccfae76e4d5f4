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

/* ---- the registers of a thread that waits in a trap ---- */

/* A trap returns without loading what C functions preserve: who changes that must see to it that it is
 * loaded (AST_REGISTERS). */
static volatile uint64_t kept[10]; /* x19..x28 after the trap */
static volatile mach_port_t waiting_thread;
static struct small trapped;
static semaphore_t trap_semaphore;

static void *wait_in_trap(void *arg)
{
    mach_port_t to_wait_at = trapped.header.msgh_local_port, self = mach_thread_self_cached();
    register uint64_t x0 __asm__("x0") = (uint64_t)&trapped;
    register uint64_t x1 __asm__("x1") = MACH_SEND_MSG | MACH_RCV_MSG;
    register uint64_t x2 __asm__("x2") = SMALL_SIZE;
    register uint64_t x3 __asm__("x3") = sizeof(trapped);
    register uint64_t x4 __asm__("x4") = to_wait_at;
    register uint64_t x5 __asm__("x5") = 0;
    register uint64_t x6 __asm__("x6") = 0;
    register uint64_t x16 __asm__("x16") = (uint64_t)-31; /* mach_msg_trap */

    waiting_thread = self;
    if (arg != NULL) {
        x0 = trap_semaphore;
        x16 = (uint64_t)-36; /* semaphore_wait_trap */
    }
    __asm__ volatile("svc #0x80\n"
                     "stp x19, x20, [%8]\n stp x21, x22, [%8, #16]\n stp x23, x24, [%8, #32]\n"
                     "stp x25, x26, [%8, #48]\n stp x27, x28, [%8, #64]\n"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x16)
                     : "r"(kept)
                     : "x7", "x8", "x10", "x11", "x12", "x13", "x14", "x15", "x17", "x19", "x20",
                       "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "memory", "cc");
    return (void *)x0;
}

/* Starts it, and when it waits, gives it other registers. */
static cthread_t start_and_change(void *how)
{
    mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;
    arm_thread_state64_t state;
    cthread_t thread;

    memset((void *)kept, 0, sizeof(kept));
    waiting_thread = MACH_PORT_NULL;
    thread = cthread_fork(wait_in_trap, how);
    for (int ms = 0; waiting_thread == MACH_PORT_NULL && ms < WAIT_LIMIT_MS; ms++)
        sleep_ms(1);
    if (thread == NULL || !wait_for_state(waiting_thread, TH_STATE_WAITING))
        return NULL;
    EXPECT_KR(thread_suspend(waiting_thread), KERN_SUCCESS);
    EXPECT_KR(thread_get_state(waiting_thread, ARM_THREAD_STATE64, (thread_state_t)&state, &count),
              KERN_SUCCESS);
    for (int i = 0; i < 10; i++)
        state.x[19 + i] = 0x7000 + i;
    EXPECT_KR(thread_set_state(waiting_thread, ARM_THREAD_STATE64, (thread_state_t)&state, count),
              KERN_SUCCESS);
    EXPECT_KR(thread_resume(waiting_thread), KERN_SUCCESS);
    return thread;
}

static void expect_changed(cthread_t thread)
{
    EXPECT_TRUE(cthread_join(thread) == NULL); /* the trap's result: 0 */
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(kept[i], 0x7000 + i);
}

static void prepare_call(mach_port_t to, mach_port_t reply)
{
    trapped = (struct small){
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                               MACH_MSG_TYPE_MAKE_SEND_ONCE),
                   .msgh_remote_port = to, .msgh_local_port = reply, .msgh_id = 1}};
}

TEST(registers_set_in_a_semaphore_wait_are_returned_with)
{
    cthread_t thread;

    REQUIRE_KR(semaphore_create(SELF, &trap_semaphore, SYNC_POLICY_FIFO, 0), KERN_SUCCESS);
    thread = start_and_change(&trap_semaphore);
    REQUIRE_TRUE(thread != NULL);
    EXPECT_KR(semaphore_signal(trap_semaphore), KERN_SUCCESS);
    expect_changed(thread);
    semaphore_destroy(SELF, trap_semaphore);
    mach_port_deallocate(SELF, trap_semaphore);
}

static void *tell_later(void *port)
{
    sleep_ms(10);
    send_word(*(mach_port_t *)port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0);
    return NULL;
}

/* Answered by a message alone, or in one trap with the wait for the next (mach_msg_fast). */
TEST(registers_set_in_a_call_are_returned_with)
{
    mach_port_t to = new_port_send(), reply = new_port(), own = new_port_send();

    for (int together = 0; together < 2; together++) {
        mach_msg_option_t options = together ? MACH_SEND_MSG | MACH_RCV_MSG : MACH_SEND_MSG;
        cthread_t thread, teller;
        struct small m;

        prepare_call(to, reply);
        thread = start_and_change(NULL);
        REQUIRE_TRUE(thread != NULL);
        REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), to, 0, MACH_PORT_NULL),
                   MACH_MSG_SUCCESS);
        teller = cthread_fork(tell_later, &own);
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        m.header.msgh_local_port = MACH_PORT_NULL;
        EXPECT_KR(mach_msg(&m.header, options, SMALL_SIZE, sizeof(m), own, 0, MACH_PORT_NULL),
                  MACH_MSG_SUCCESS);
        expect_changed(thread);
        cthread_join(teller);
        if (!together)
            EXPECT_KR(receive_word(own, &m, 0), MACH_MSG_SUCCESS);
    }
    mach_port_destroy(SELF, to);
    mach_port_destroy(SELF, reply);
    mach_port_destroy(SELF, own);
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
    mach_port_t host;
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
    host = mach_host_self();
    EXPECT_TRUE(thread_max_priority(child.thread, host, base) != KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    if (test_host_priv() != MACH_PORT_NULL) {
        EXPECT_KR(thread_max_priority(child.thread, test_host_priv(), base), KERN_SUCCESS);
        EXPECT_KR(thread_priority(child.thread, base, FALSE), KERN_SUCCESS);
    }
    child_end(&child);
}

TEST_MAIN
