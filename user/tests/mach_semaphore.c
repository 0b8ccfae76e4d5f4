/*
 * Mach by example, 16: semaphores. A count and a queue of those who wait for it; signal and wait
 * are traps, the semaphore itself is a port, so that a right to it can be given to others. Read
 * mach/semaphore.defs and mach/traps.h beside it.
 */
#include "mach_worker.h"

#include <mach/semaphore.h>

static semaphore_t new_semaphore(int value)
{
    semaphore_t made = MACH_PORT_NULL;

    semaphore_create(SELF, &made, SYNC_POLICY_FIFO, value);
    return made;
}

static void end_semaphore(semaphore_t semaphore)
{
    semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
}

static volatile uint64_t order[8]; /* the words of those who were woken, in order */
static volatile uint64_t woken;

static mach_msg_return_t work_wait(struct worker *w)
{
    kern_return_t kr = semaphore_wait(w->target);

    order[__atomic_fetch_add(&woken, 1, __ATOMIC_ACQ_REL) % 8] = w->word;
    return kr;
}

/* Starts `count` threads that wait on it, one after the other. */
static boolean_t start_waiters(struct worker *w, int count, semaphore_t semaphore)
{
    woken = 0;
    for (int i = 0; i < count; i++) {
        w[i] = (struct worker){.run = work_wait, .target = semaphore, .word = (uint32_t)i};
        if (!worker_start(&w[i]))
            return FALSE;
    }
    return TRUE;
}

/* ---- counting ---- */

/* A wait takes one off the count, or waits while it is 0; a signal adds one. [OSF semaphore_wait,
 * semaphore_signal] */
TEST(count_down_and_up)
{
    semaphore_t semaphore = new_semaphore(2);

    REQUIRE_TRUE(semaphore != MACH_PORT_NULL);
    EXPECT_KR(semaphore_wait(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_wait(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_SUCCESS);
    EXPECT_KR(semaphore_wait(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    end_semaphore(semaphore);
}

/* A time-out of 0 polls, another waits at least so long; what it waited for is not taken.
 * [OSF semaphore_timedwait] */
TEST(a_timed_wait_lasts_long_enough)
{
    semaphore_t semaphore = new_semaphore(0);
    uint64_t before, after;

    before = counter();
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 15000000), KERN_OPERATION_TIMED_OUT);
    after = counter();
    EXPECT_TRUE(after - before >= 15 * TICKS_PER_MS);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 1UL << 40, 0), KERN_SUCCESS);
    end_semaphore(semaphore);
}

/* A second has at most 999,999,999 nanoseconds: KERN_INVALID_VALUE. [OSF semaphore_timedwait] */
TEST(a_timed_wait_wants_a_time)
{
    semaphore_t semaphore = new_semaphore(1);

    EXPECT_KR(semaphore_timedwait(semaphore, 0, 1000000000), KERN_INVALID_VALUE);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, ~0UL), KERN_INVALID_VALUE);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 999999999), KERN_SUCCESS); /* it was not counted down */
    end_semaphore(semaphore);
}

/* The count may begin anywhere up to INT_MAX; there a signal is KERN_INVALID_VALUE, and the
 * count stays. [OSF semaphore_create; semaphore.c] */
TEST(the_count_does_not_overflow)
{
    semaphore_t semaphore = new_semaphore(INT32_MAX - 1);

    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_signal(semaphore), KERN_INVALID_VALUE);
    EXPECT_KR(semaphore_wait(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    end_semaphore(semaphore);
}

/* A negative count is KERN_INVALID_VALUE, a policy there is not KERN_INVALID_ARGUMENT. [OSF
 * semaphore_create] */
TEST(creation_is_checked)
{
    semaphore_t made;

    EXPECT_KR(semaphore_create(SELF, &made, 77, 0), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_create(SELF, &made, -1, 0), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_create(SELF, &made, SYNC_POLICY_FIFO, -1), KERN_INVALID_VALUE);
    EXPECT_KR(semaphore_create(SELF, &made, SYNC_POLICY_FIFO, INT32_MIN), KERN_INVALID_VALUE);
}

/* What is not a right to a semaphore is KERN_INVALID_ARGUMENT, to each trap. [traps.h] */
TEST(each_trap_wants_a_semaphore)
{
    mach_port_t port = new_port_send();
    mach_port_t wrong[5] = {port, MACH_PORT_NULL, MACH_PORT_DEAD, 0x12345678, SELF};

    for (int i = 0; i < 5; i++) {
        EXPECT_KR(semaphore_wait(wrong[i]), KERN_INVALID_ARGUMENT);
        EXPECT_KR(semaphore_timedwait(wrong[i], 0, 0), KERN_INVALID_ARGUMENT);
        EXPECT_KR(semaphore_signal(wrong[i]), KERN_INVALID_ARGUMENT);
        EXPECT_KR(semaphore_signal_all(wrong[i]), KERN_INVALID_ARGUMENT);
        EXPECT_KR(semaphore_signal_thread(wrong[i], MACH_PORT_NULL), KERN_INVALID_ARGUMENT);
        EXPECT_KR(semaphore_wait_signal(wrong[i], wrong[i]), KERN_INVALID_ARGUMENT);
    }
    mach_port_destroy(SELF, port);
}

/* ---- waking ---- */

/* A signal wakes one who waits; the count stays 0. [OSF semaphore_signal] */
TEST(signal_wakes_one)
{
    semaphore_t semaphore = new_semaphore(0);
    struct worker w[2];

    REQUIRE_TRUE(start_waiters(w, 2, semaphore));
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_value(&woken, 1));
    sleep_ms(5);
    EXPECT_EQ(woken, 1);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    for (int i = 0; i < 2; i++)
        EXPECT_KR(worker_join(&w[i]), KERN_SUCCESS);
    end_semaphore(semaphore);
}

/* By SYNC_POLICY_FIFO who waits longest is woken first. [OSF semaphore_create] */
TEST(fifo_wakes_in_order)
{
    semaphore_t semaphore = new_semaphore(0);
    struct worker w[5];

    REQUIRE_TRUE(start_waiters(w, 5, semaphore));
    for (uint64_t i = 0; i < 5; i++) {
        EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
        EXPECT_TRUE(wait_for_value(&woken, i + 1));
        EXPECT_KR(worker_join(&w[i]), KERN_SUCCESS);
        EXPECT_EQ(order[i], i);
    }
    end_semaphore(semaphore);
}

/* By SYNC_POLICY_FIXED_PRIORITY the highest priority is woken first. [OSF semaphore_create] */
TEST(fixed_priority_wakes_the_highest_first)
{
    static const int priorities[4] = {5, 25, 15, 25}; /* of 127; more than ours is not to be had */
    static const uint64_t expected[4] = {1, 3, 2, 0};
    semaphore_t semaphore = MACH_PORT_NULL;
    struct worker w[4];

    REQUIRE_KR(semaphore_create(SELF, &semaphore, SYNC_POLICY_FIXED_PRIORITY, 0), KERN_SUCCESS);
    REQUIRE_TRUE(start_waiters(w, 4, semaphore));
    for (int i = 0; i < 4; i++)
        EXPECT_KR(thread_priority((thread_t)w[i].port, priorities[i], FALSE), KERN_SUCCESS);
    for (uint64_t i = 0; i < 4; i++) {
        EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
        EXPECT_TRUE(wait_for_value(&woken, i + 1));
        EXPECT_EQ(order[i], expected[i]);
    }
    for (int i = 0; i < 4; i++)
        EXPECT_KR(worker_join(&w[i]), KERN_SUCCESS);
    end_semaphore(semaphore);
}

/* signal_all wakes all who wait, and leaves the count at 0, also if nobody does. [OSF
 * semaphore_signal_all] */
TEST(signal_all_wakes_all)
{
    semaphore_t semaphore = new_semaphore(0);
    struct worker w[4];

    EXPECT_KR(semaphore_signal_all(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    REQUIRE_TRUE(start_waiters(w, 4, semaphore));
    EXPECT_KR(semaphore_signal_all(semaphore), KERN_SUCCESS);
    for (int i = 0; i < 4; i++)
        EXPECT_KR(worker_join(&w[i]), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    end_semaphore(semaphore);
}

/* A certain thread can be woken; if it does not wait there, KERN_FAILURE. [OSF
 * semaphore_signal_thread] */
TEST(a_certain_thread_can_be_signalled)
{
    semaphore_t semaphore = new_semaphore(0);
    struct worker w[3];

    REQUIRE_TRUE(start_waiters(w, 3, semaphore));
    EXPECT_KR(semaphore_signal_thread(semaphore, mach_thread_self_cached()), KERN_FAILURE);
    EXPECT_KR(semaphore_signal_thread(semaphore, SELF), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_signal_thread(semaphore, 0x12345678), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(woken, 0);
    EXPECT_KR(semaphore_signal_thread(semaphore, (thread_t)w[2].port), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w[2]), KERN_SUCCESS);
    EXPECT_EQ(order[0], 2);
    EXPECT_KR(semaphore_signal_all(semaphore), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w[0]), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w[1]), KERN_SUCCESS);
    end_semaphore(semaphore);
}

/* Without naming a thread it wakes one who waits, and counts nothing if none does: KERN_FAILURE.
 * [OSF semaphore_signal_thread] */
TEST(signal_thread_null_wakes_any_and_counts_nothing)
{
    semaphore_t semaphore = new_semaphore(0);
    struct worker w;

    EXPECT_KR(semaphore_signal_thread(semaphore, MACH_PORT_NULL), KERN_FAILURE);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    REQUIRE_TRUE(start_waiters(&w, 1, semaphore));
    EXPECT_KR(semaphore_signal_thread(semaphore, MACH_PORT_NULL), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), KERN_SUCCESS);
    end_semaphore(semaphore);
}

/* A waiter whose time is up takes no signal: the next one is another's. [OSF
 * semaphore_timedwait] */
TEST(a_timed_out_waiter_takes_no_signal)
{
    semaphore_t semaphore = new_semaphore(0);

    EXPECT_KR(semaphore_timedwait(semaphore, 0, 1000000), KERN_OPERATION_TIMED_OUT);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    end_semaphore(semaphore);
}

/* thread_abort ends a wait: KERN_ABORTED; the others wait on. [OSF semaphore_wait] */
TEST(a_wait_can_be_aborted)
{
    semaphore_t semaphore = new_semaphore(0);
    struct worker w[2];

    REQUIRE_TRUE(start_waiters(w, 2, semaphore));
    EXPECT_KR(thread_abort((thread_t)w[0].port), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w[0]), KERN_ABORTED);
    EXPECT_EQ(w[1].done, 0);
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w[1]), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    end_semaphore(semaphore);
}

/* A thread that ends while it waits takes no signal. [OSF thread_terminate] */
TEST(a_terminated_waiter_takes_no_signal)
{
    semaphore_t semaphore = new_semaphore(0);
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, semaphore), KERN_SUCCESS);
    REQUIRE_KR(child_run_raw(&child, (uint64_t)semaphore_wait, semaphore, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
    EXPECT_KR(thread_terminate(child.thread), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.thread));
    EXPECT_KR(semaphore_signal(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_SUCCESS);
    child_end(&child);
    end_semaphore(semaphore);
}

/* ---- wait and signal at once ---- */

static mach_msg_return_t work_wait_signal(struct worker *w)
{
    return semaphore_wait_signal(w->target, w->word);
}

/* One trap signals the one and waits on the other. [OSF semaphore_wait_signal] */
TEST(wait_signal_does_both)
{
    semaphore_t ping = new_semaphore(0), pong = new_semaphore(0);
    struct worker w = {.run = work_wait_signal, .target = ping, .word = pong};

    REQUIRE_TRUE(worker_start(&w));
    EXPECT_KR(semaphore_timedwait(pong, 0, 0), KERN_SUCCESS); /* signalled already */
    EXPECT_KR(semaphore_signal(ping), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), KERN_SUCCESS);
    EXPECT_KR(semaphore_signal(ping), KERN_SUCCESS);
    EXPECT_KR(semaphore_wait_signal(ping, ping), KERN_SUCCESS); /* the same: what it gave it takes */
    EXPECT_KR(semaphore_timedwait(ping, 0, 0), KERN_SUCCESS);
    end_semaphore(ping);
    end_semaphore(pong);
}

/* If one of the two is none, the other is not touched. [OSF semaphore_wait_signal] */
TEST(wait_signal_checks_both_first)
{
    semaphore_t semaphore = new_semaphore(0);

    EXPECT_KR(semaphore_wait_signal(semaphore, MACH_PORT_NULL), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_wait_signal(MACH_PORT_NULL, semaphore), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 0), KERN_OPERATION_TIMED_OUT);
    end_semaphore(semaphore);
}

#define ROUNDS 1000

static mach_msg_return_t work_ponger(struct worker *w)
{
    semaphore_t ping = w->target, pong = w->word;

    if (semaphore_wait(ping) != KERN_SUCCESS)
        return KERN_FAILURE;
    for (int i = 1; i < ROUNDS; i++)
        if (semaphore_wait_signal(ping, pong) != KERN_SUCCESS)
            return KERN_FAILURE;
    return semaphore_signal(pong);
}

/* Two threads can wake each other in turn for ever. [OSF semaphore_wait_signal] */
TEST(wait_signal_ping_pong)
{
    semaphore_t ping = new_semaphore(0), pong = new_semaphore(0);
    struct worker w = {.run = work_ponger, .target = ping, .word = pong};

    REQUIRE_TRUE(worker_start(&w));
    for (int i = 0; i < ROUNDS; i++)
        REQUIRE_KR(semaphore_wait_signal(pong, ping), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), KERN_SUCCESS);
    end_semaphore(ping);
    end_semaphore(pong);
}

/* ---- the end ---- */

/* Destroying it wakes all who wait: KERN_TERMINATED; from then on its name is dead, and no
 * semaphore. [OSF semaphore_destroy] */
TEST(destroying_wakes_the_waiters)
{
    semaphore_t semaphore = new_semaphore(0);
    struct worker w[3];

    REQUIRE_TRUE(start_waiters(w, 3, semaphore));
    EXPECT_KR(semaphore_destroy(SELF, semaphore), KERN_SUCCESS);
    for (int i = 0; i < 3; i++)
        EXPECT_KR(worker_join(&w[i]), KERN_TERMINATED);
    EXPECT_EQ(type_of(semaphore), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_KR(semaphore_wait(semaphore), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_signal(semaphore), KERN_INVALID_ARGUMENT);
    EXPECT_TRUE(semaphore_destroy(SELF, semaphore) != KERN_SUCCESS);
    mach_port_deallocate(SELF, semaphore);
}

/* A semaphore is destroyed by the task it was made for: by another's port, KERN_INVALID_ARGUMENT.
 * [OSF semaphore_destroy] */
TEST(only_its_task_destroys_it)
{
    semaphore_t semaphore = new_semaphore(1);
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    EXPECT_KR(semaphore_destroy(child.task, semaphore), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_destroy(SELF, SELF), KERN_INVALID_ARGUMENT);
    EXPECT_KR(semaphore_wait(semaphore), KERN_SUCCESS);
    child_end(&child);
    end_semaphore(semaphore);
}

/* It dies with the task it was made for, whoever has rights to it. [OSF semaphore_create] */
TEST(a_semaphore_dies_with_its_task)
{
    struct worker w;
    struct child child;
    semaphore_t made;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(semaphore_create(child.task, &made, SYNC_POLICY_FIFO, 1), KERN_SUCCESS);
    EXPECT_KR(semaphore_wait(made), KERN_SUCCESS); /* a right to it is enough */
    REQUIRE_TRUE(start_waiters(&w, 1, made));
    child_end(&child);
    EXPECT_KR(worker_join(&w), KERN_TERMINATED);
    EXPECT_TRUE(wait_until_dead(made));
    mach_port_deallocate(SELF, made);
}

/* Without rights to it nobody can signal it: it is gone with the last. [semaphore.c] */
TEST(a_semaphore_goes_with_the_last_right)
{
    semaphore_t semaphore = new_semaphore(0);
    struct host_counters before, after;
    struct worker w;

    counters(&before);
    REQUIRE_TRUE(start_waiters(&w, 1, semaphore));
    EXPECT_KR(mach_port_deallocate(SELF, semaphore), KERN_SUCCESS);
    EXPECT_KR(worker_join(&w), KERN_TERMINATED);
    counters(&after);
    EXPECT_TRUE(after.semaphores <= before.semaphores - 1);
}

static void signal_once(uint64_t semaphore)
{
    semaphore_signal((semaphore_t)semaphore);
}

/* A right to it can be sent to another task, which then waits and signals as its maker does.
 * [OSF semaphore_create] */
TEST(a_right_to_it_is_enough)
{
    semaphore_t semaphore = new_semaphore(0);
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, semaphore), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, signal_once, semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 10, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    end_semaphore(semaphore);
}

TEST_MAIN
