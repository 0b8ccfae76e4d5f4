/*
 * Semaphores, clocks, giving the processor away, preemption, and what each thread keeps over it: vector
 * registers and TPIDR_EL0.
 */
#include "mach_child.h"

#include <mach/clock.h>
#include <mach/clock_reply.h>
#include <mach/semaphore.h>

TEST(baseline_is_taken)
{
    take_baseline();
}

static semaphore_t semaphore;
static volatile uint64_t woken;
static volatile uint64_t last_result;
static volatile mach_port_t waiter_port;

static semaphore_t make(int value)
{
    semaphore_t made = MACH_PORT_NULL;

    semaphore_create(SELF, &made, SYNC_POLICY_FIFO, value);
    return made;
}

static void destroy(semaphore_t made)
{
    semaphore_destroy(SELF, made);
    mach_port_deallocate(SELF, made);
}

static void *waiter(void *arg)
{
    waiter_port = mach_thread_self_cached();
    last_result = semaphore_wait(semaphore);
    __atomic_add_fetch(&woken, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Starts count threads that wait on semaphore; the last one's port is in waiter_port. */
static boolean_t start_waiters(cthread_t *threads, int count)
{
    woken = 0;
    last_result = ~0UL;
    for (int i = 0; i < count; i++) {
        waiter_port = MACH_PORT_NULL;
        threads[i] = cthread_fork(waiter, NULL);
        if (threads[i] == NULL)
            return FALSE;
        while (waiter_port == MACH_PORT_NULL)
            sleep_ms(1);
        if (!wait_for_state(waiter_port, TH_STATE_WAITING))
            return FALSE;
    }
    return TRUE;
}

/* ---- semaphores ---- */

TEST(count_down_and_up)
{
    semaphore = make(2);
    REQUIRE_TRUE(semaphore != MACH_PORT_NULL);
    EXPECT_KR(semaphore_wait(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_wait(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 2000000), KERN_OPERATION_TIMED_OUT);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_SUCCESS);
    destroy(semaphore);
}

TEST(creation_and_use_are_checked)
{
    mach_port_t port = new_port_send();
    semaphore_t made;
    struct child child;

    EXPECT_KR(semaphore_create(SELF, &made, 77, 0), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_create(SELF, &made, SYNC_POLICY_FIFO, -1), KERN_INVALID_VALUE);
    EXPECT_KR(semaphore_wait(port), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_wait(MACH_PORT_NULL), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_wait(0x12345678), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_signal(SELF), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_signal_all(MACH_PORT_DEAD), KERN_INVALID_ARGUMENT);
    semaphore = make(0);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 1000000000), KERN_INVALID_VALUE);
    EXPECT_KR(semaphore_wait_signal(semaphore, MACH_PORT_NULL), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_wait_signal(MACH_PORT_NULL, semaphore), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT); /* not signalled */
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    EXPECT_KR(semaphore_destroy(child.task, semaphore), KERN_INVALID_ARGUMENT); /* it is ours */
    child_end(&child);
    destroy(semaphore);
    mach_port_destroy(SELF, port);
}

TEST(destroying_wakes_the_waiters)
{
    cthread_t threads[3];

    semaphore = make(0);
    REQUIRE_TRUE(start_waiters(threads, 3));
    EXPECT_KR(semaphore_destroy(SELF, semaphore), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&woken, 3));
    EXPECT_KR(last_result, KERN_TERMINATED);
    for (int i = 0; i < 3; i++)
        cthread_join(threads[i]);
    EXPECT_TRUE(semaphore_wait(semaphore) != KERN_SUCCESS);
    mach_port_deallocate(SELF, semaphore);
}

TEST(signal_wakes_one_signal_all_wakes_all)
{
    cthread_t threads[4];

    semaphore = make(0);
    REQUIRE_TRUE(start_waiters(threads, 4));
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&woken, 1));
    sleep_ms(10);
    EXPECT_EQ(woken, 1);
    EXPECT_KR(semaphore_signal_all(semaphore), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&woken, 4));
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT); /* the count is 0 */
    for (int i = 0; i < 4; i++)
        cthread_join(threads[i]);
    destroy(semaphore);
}

TEST(a_certain_thread_can_be_signalled)
{
    cthread_t threads[2];

    semaphore = make(0);
    REQUIRE_TRUE(start_waiters(threads, 2));
    EXPECT_KR(semaphore_signal_thread(semaphore, mach_thread_self_cached()), KERN_FAILURE);
    EXPECT_KR(semaphore_signal_thread(semaphore, SELF), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_signal_thread(semaphore, waiter_port), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&woken, 1));
    EXPECT_KR(semaphore_signal_thread(semaphore, MACH_PORT_NULL), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&woken, 2));
    EXPECT_KR(semaphore_signal_thread(semaphore, MACH_PORT_NULL), KERN_FAILURE);
    for (int i = 0; i < 2; i++)
        cthread_join(threads[i]);
    destroy(semaphore);
}

TEST(a_wait_can_be_aborted)
{
    cthread_t thread;

    semaphore = make(0);
    REQUIRE_TRUE(start_waiters(&thread, 1));
    EXPECT_KR(thread_abort(waiter_port), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&woken, 1));
    EXPECT_KR(last_result, KERN_ABORTED);
    cthread_join(thread);
    destroy(semaphore);
}

TEST(a_semaphore_dies_with_its_task)
{
    struct child child;
    semaphore_t made;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(semaphore_create(child.task, &made, SYNC_POLICY_FIFO, 1), KERN_SUCCESS);
    EXPECT_KR(semaphore_wait(made), KERN_SUCCESS); /* a right to it is enough */
    child_end(&child);
    EXPECT_TRUE(wait_until_dead(made));
    EXPECT_TRUE(semaphore_wait(made) != KERN_SUCCESS);
    mach_port_deallocate(SELF, made);
}

static semaphore_t ping, pong;
#define ROUNDS 1000

static void *ponger(void *arg)
{
    semaphore_wait(ping);
    for (int i = 1; i < ROUNDS; i++)
        if (semaphore_wait_signal(ping, pong) != KERN_SUCCESS)
            return NULL;
    semaphore_signal(pong);
    return (void *)1;
}

TEST(wait_signal_ping_pong)
{
    cthread_t thread;

    ping = make(0);
    pong = make(0);
    thread = cthread_fork(ponger, NULL);
    REQUIRE_TRUE(thread != NULL);
    for (int i = 0; i < ROUNDS; i++)
        REQUIRE_KR(semaphore_wait_signal(pong, ping), KERN_SUCCESS);
    EXPECT_TRUE(cthread_join(thread) == (void *)1);
    destroy(ping);
    destroy(pong);
}

/* ---- clocks ---- */

static uint64_t now_ns(clock_serv_t clock)
{
    time_value64_t now = {0, 0};

    clock_get_time(clock, &now);
    return now.seconds * 1000000000UL + now.nanoseconds;
}

TEST(time_goes_forward)
{
    host_t host = mach_host_self();
    clock_serv_t clock;
    uint64_t before, after;
    natural_t resolution = 0;
    mach_msg_type_number_t count = 1;

    REQUIRE_KR(host_get_clock_service(host, SYSTEM_CLOCK, &clock), KERN_SUCCESS);
    for (int flavor = CLOCK_GET_TIME_RES; flavor <= CLOCK_ALARM_MAXRES; flavor++) {
        EXPECT_KR(clock_get_attributes(clock, flavor, &resolution, &count),
                  flavor == CLOCK_GET_TIME_RES + 1 ? KERN_INVALID_VALUE : KERN_SUCCESS);
        EXPECT_TRUE(resolution > 0 && resolution < 1000000);
    }
    count = 0;
    EXPECT_KR(clock_get_attributes(clock, CLOCK_GET_TIME_RES, &resolution, &count),
              KERN_INVALID_ARGUMENT);
    before = now_ns(clock);
    for (int i = 0; i < 1000; i++) {
        after = now_ns(clock);
        EXPECT_TRUE(after >= before);
        before = after;
    }
    sleep_ms(20);
    EXPECT_TRUE(now_ns(clock) - before >= 20000000);
    mach_port_deallocate(SELF, clock);
    EXPECT_TRUE(host_get_clock_service(host, 999, &clock) != KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
}

TEST(sleeps_last_long_enough)
{
    host_t host = mach_host_self();
    clock_serv_t clock;
    time_value64_t wakeup = {0, 0};
    uint64_t before, deadline, ticks;

    REQUIRE_KR(host_get_clock_service(host, SYSTEM_CLOCK, &clock), KERN_SUCCESS);
    before = now_ns(clock);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 15000000, &wakeup), KERN_SUCCESS);
    EXPECT_TRUE(now_ns(clock) - before >= 15000000);
    EXPECT_TRUE(wakeup.seconds * 1000000000UL + wakeup.nanoseconds - before >= 15000000);
    deadline = now_ns(clock) + 15000000;
    EXPECT_KR(clock_sleep_trap(TIME_ABSOLUTE, deadline / 1000000000, deadline % 1000000000, NULL),
              KERN_SUCCESS);
    EXPECT_TRUE(now_ns(clock) >= deadline);
    EXPECT_KR(clock_sleep_trap(TIME_ABSOLUTE, 0, 1, NULL), KERN_SUCCESS); /* long past */
    EXPECT_KR(clock_sleep_trap(7, 0, 1, NULL), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1000000000, NULL), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1, (void *)8), KERN_INVALID_ADDRESS);
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    EXPECT_KR(mach_wait_until(ticks + 625000), KERN_SUCCESS); /* 10 ms at 62.5 MHz */
    deadline = ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    EXPECT_TRUE(ticks - deadline >= 625000);
    mach_port_deallocate(SELF, clock);
    mach_port_deallocate(SELF, host);
}

static void set_far_alarm(uint64_t clock)
{
    time_value64_t far = {1000000, 0};

    clock_alarm((clock_serv_t)clock, TIME_RELATIVE, far, new_port());
}

TEST(alarms_are_messages)
{
    struct {
        clock_alarm_reply_t reply;
        mach_msg_security_trailer_t trailer;
    } m;
    host_t host = mach_host_self();
    mach_port_t port = new_port();
    time_value64_t when = {0, 10000000}, bad = {0, -1};
    struct child child;
    clock_serv_t clock;
    uint64_t before;

    REQUIRE_KR(host_get_clock_service(host, SYSTEM_CLOCK, &clock), KERN_SUCCESS);
    before = now_ns(clock);
    REQUIRE_KR(clock_alarm(clock, TIME_RELATIVE, when, port), KERN_SUCCESS);
    REQUIRE_KR(mach_msg(&m.reply.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port,
                        WAIT_LIMIT_MS, MACH_PORT_NULL), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.reply.header.msgh_id, CLOCK_ALARM_REPLY_ID);
    EXPECT_EQ(m.reply.header.msgh_size, sizeof m.reply);
    EXPECT_EQ(m.reply.alarm_type, TIME_RELATIVE);
    EXPECT_TRUE(now_ns(clock) - before >= 10000000);
    EXPECT_KR(clock_alarm(clock, TIME_RELATIVE, bad, port), KERN_INVALID_VALUE);
    EXPECT_KR(clock_alarm(clock, 55, when, port), KERN_INVALID_VALUE);
    REQUIRE_KR(clock_alarm(clock, TIME_RELATIVE, when, port), KERN_SUCCESS);
    mach_port_destroy(SELF, port); /* nobody will be there */
    sleep_ms(20);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS); /* an alarm dies with its task */
    REQUIRE_KR(child_give(&child, clock), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, set_far_alarm, clock), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    mach_port_deallocate(SELF, clock);
    mach_port_deallocate(SELF, host);
}

/* ---- giving the processor away ---- */

TEST(thread_switch_options)
{
    uint64_t before, after;

    EXPECT_KR(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0), KERN_SUCCESS);
    EXPECT_KR(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1), KERN_SUCCESS);
    EXPECT_KR(thread_switch(mach_thread_self_cached(), SWITCH_OPTION_NONE, 0), KERN_SUCCESS);
    EXPECT_KR(thread_switch(0x77777777, SWITCH_OPTION_NONE, 0), KERN_SUCCESS); /* a hint */
    EXPECT_KR(thread_switch(SELF, SWITCH_OPTION_NONE, 0), KERN_SUCCESS);
    EXPECT_KR(thread_switch(MACH_PORT_NULL, 99, 0), KERN_INVALID_ARGUMENT);
    swtch();
    swtch_pri(0);
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(before));
    EXPECT_KR(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10), KERN_SUCCESS);
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(after));
    EXPECT_TRUE(after - before >= 600000);
}

/* ---- preemption: more threads than processors, none of which gives way ---- */

enum { SPINNERS = 10 };
static volatile uint64_t progress[SPINNERS];
static volatile uint64_t stop;

static void *spinner(void *arg)
{
    volatile uint64_t *mine = arg;

    while (!stop)
        *mine += 1;
    return NULL;
}

TEST(spinning_threads_share_the_processors)
{
    cthread_t threads[SPINNERS];
    int running = 0;

    stop = 0;
    for (int i = 0; i < SPINNERS; i++) {
        progress[i] = 0;
        threads[i] = cthread_fork(spinner, (void *)&progress[i]);
        REQUIRE_TRUE(threads[i] != NULL);
    }
    for (int ms = 0; ms < WAIT_LIMIT_MS && running < SPINNERS; ms += 10) {
        sleep_ms(10);
        running = 0;
        for (int i = 0; i < SPINNERS; i++)
            running += progress[i] > 1000;
    }
    EXPECT_EQ(running, SPINNERS);
    stop = 1;
    for (int i = 0; i < SPINNERS; i++)
        cthread_join(threads[i]);
}

/*
 * Puts values of its own into v0-v31 and FPCR's rounding mode, spins until it is told to stop, and counts
 * the rounds. Returns 0 when something was not as it had been.
 */
int keep_registers(uint64_t seed, volatile uint64_t *rounds, volatile uint64_t *stop);
__asm__("    .text\n"
        "keep_registers:\n"
        "    stp d8, d9, [sp, #-64]!\n"
        "    stp d10, d11, [sp, #16]\n"
        "    stp d12, d13, [sp, #32]\n"
        "    stp d14, d15, [sp, #48]\n"
        "    and x5, x0, #3\n"
        "    lsl x5, x5, #22\n" /* FPCR.RMode */
        "    msr fpcr, x5\n"
        "    dup v0.2d, x0\n"
        "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    add x3, x0, #\\n\n"
        "    dup v\\n\\().2d, x3\n"
        "    .endr\n"
        "1:  ldr x3, [x1]\n"
        "    add x3, x3, #1\n"
        "    str x3, [x1]\n"
        "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    add x3, x0, #\\n\n"
        "    mov x4, v\\n\\().d[1]\n"
        "    cmp x3, x4\n"
        "    b.ne 2f\n"
        "    .endr\n"
        "    mov x4, v0.d[0]\n"
        "    cmp x4, x0\n"
        "    b.ne 2f\n"
        "    mrs x4, fpcr\n"
        "    cmp x4, x5\n"
        "    b.ne 2f\n"
        "    ldr x3, [x2]\n"
        "    cbz x3, 1b\n"
        "    mov w0, #1\n"
        "    b 3f\n"
        "2:  mov w0, #0\n"
        "3:  msr fpcr, xzr\n"
        "    ldp d10, d11, [sp, #16]\n"
        "    ldp d12, d13, [sp, #32]\n"
        "    ldp d14, d15, [sp, #48]\n"
        "    ldp d8, d9, [sp], #64\n"
        "    ret\n");

static void *keeper(void *arg)
{
    uint64_t index = (uint64_t)arg;
    struct mach_tcb *tcb;
    long kept = keep_registers(index * 1000 + 7, &progress[index], &stop);

    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(tcb));
    return (void *)(kept && tcb == mach_tcb() && tcb->self == tcb ? 1L : 0L);
}

TEST(vector_registers_survive_preemption)
{
    cthread_t threads[SPINNERS];
    int running = 0;

    stop = 0;
    for (uint64_t i = 0; i < SPINNERS; i++) {
        progress[i] = 0;
        threads[i] = cthread_fork(keeper, (void *)i);
        REQUIRE_TRUE(threads[i] != NULL);
    }
    for (int ms = 0; ms < WAIT_LIMIT_MS && running < SPINNERS; ms += 10) {
        sleep_ms(10);
        running = 0;
        for (int i = 0; i < SPINNERS; i++)
            running += progress[i] > 1000;
    }
    EXPECT_EQ(running, SPINNERS);
    sleep_ms(50);
    stop = 1;
    for (int i = 0; i < SPINNERS; i++)
        EXPECT_TRUE(cthread_join(threads[i]) == (void *)1);
}

TEST(a_spinning_task_does_not_stop_others)
{
    uint64_t before, after;
    struct child child[4];

    stop = 0;
    for (int i = 0; i < 4; i++) {
        REQUIRE_KR(child_make(&child[i]), KERN_SUCCESS);
        REQUIRE_KR(child_run_raw(&child[i], (uint64_t)spinner, (uint64_t)&progress[0], 0),
                   KERN_SUCCESS);
    }
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(before));
    for (int i = 0; i < 20; i++)
        sleep_ms(1);
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(after));
    EXPECT_TRUE(after - before < 62500UL * 1000); /* a second */
    for (int i = 0; i < 4; i++)
        child_end(&child[i]);
}

TEST(nothing_leaked)
{
    expect_baseline();
}

TEST_MAIN
