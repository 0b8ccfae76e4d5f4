/* Lab mini, exercise 1: semaphore_signal_all_trap, with threads that wait. */
#include "mach_child.h"

#include <mach/semaphore.h>

#define WAITERS 3

static semaphore_t semaphore;
static volatile int woken;

static void *waiter(void *arg)
{
    if (semaphore_wait(semaphore) == KERN_SUCCESS)
        __atomic_add_fetch(&woken, 1, __ATOMIC_RELEASE);
    return arg;
}

static int wake(void)
{
    cthread_t threads[WAITERS];

    woken = 0;
    if (semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0) != KERN_SUCCESS)
        return 0;
    for (int i = 0; i < WAITERS; i++)
        threads[i] = cthread_fork(waiter, NULL);
    sleep_ms(20);
    if (semaphore_signal_all(semaphore) != KERN_SUCCESS)
        return 0;
    for (int i = 0; i < WAITERS; i++)
        cthread_join(threads[i]);
    semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
    return woken == WAITERS;
}

TEST(refuses)
{
    EXPECT_KR(semaphore_signal_all(MACH_PORT_NULL), KERN_INVALID_ARGUMENT);
}

TEST(wakes_all)
{
    EXPECT_TRUE(wake());
}

TEST(in_time)
{
    EXPECT_TRUE(wake());
}

TEST(count_stays)
{
    REQUIRE_KR(semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0), KERN_SUCCESS);
    EXPECT_KR(semaphore_signal_all(semaphore), KERN_SUCCESS);
    EXPECT_KR(semaphore_timedwait(semaphore, 0, 1000), KERN_OPERATION_TIMED_OUT);
    semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
}

TEST_MAIN
