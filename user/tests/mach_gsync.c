/* gsync: waiting for a word of memory to change, one rule a case. Read mach/gsync.defs before. */
#include "mach_child.h"
#include <mach/gsync.h>

#define LONG (WAIT_LIMIT_MS)

/* ---- threads that wait ---- */

struct waiter {
    uint32_t *word;
    uint32_t value;
    int flags;
    natural_t timeout;
    kern_return_t result;
    volatile uint64_t ended;
    cthread_t thread;
    volatile mach_port_t port;
};

static volatile uint64_t order; /* how many have been woken */
static uint32_t word, other_word;

static void *wait_here(void *arg)
{
    struct waiter *w = arg;

    w->port = mach_thread_self();
    w->result = gsync_wait(SELF, (vm_address_t)w->word, w->value, 0, w->timeout, w->flags);
    __atomic_store_n(&w->ended, __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST), __ATOMIC_RELEASE);
    return NULL;
}

/* A thread that waits, as long as *word is value; returns when it does. */
static boolean_t begin(struct waiter *w, uint32_t *at, uint32_t value, int flags)
{
    memset(w, 0, sizeof *w);
    w->word = at;
    w->value = value;
    w->flags = flags | GSYNC_TIMED;
    w->timeout = LONG;
    w->result = -1;
    w->thread = cthread_fork(wait_here, w);
    if (w->thread == NULL)
        return FALSE;
    for (int ms = 0; ms < LONG && w->port == MACH_PORT_NULL; ms++)
        sleep_ms(1);
    return wait_for_state(w->port, TH_STATE_WAITING);
}

static void finish(struct waiter *w)
{
    cthread_join(w->thread);
    mach_port_deallocate(SELF, w->port);
}

/* ---- waiting ---- */

TEST(a_word_that_has_another_value_is_not_waited_for)
{
    word = 5;
    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&word, 4, 0, 0, 0), KERN_INVALID_ARGUMENT);
}

TEST(a_wait_ends_when_its_time_is_over)
{
    word = 5;
    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&word, 5, 0, 20, GSYNC_TIMED), KERN_OPERATION_TIMED_OUT);
    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&word, 5, 0, 0, GSYNC_TIMED), KERN_OPERATION_TIMED_OUT);
}

TEST(a_wake_ends_the_wait)
{
    struct waiter w;

    word = 5;
    REQUIRE_TRUE(begin(&w, &word, 5, 0));
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, 0), KERN_SUCCESS);
    finish(&w);
    EXPECT_KR(w.result, KERN_SUCCESS);
}

TEST(a_wake_without_waiters_says_so_and_is_not_kept)
{
    word = 5;
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, 0), KERN_INVALID_ARGUMENT);
    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&word, 5, 0, 10, GSYNC_TIMED), KERN_OPERATION_TIMED_OUT);
}

TEST(a_wake_is_for_its_address_only)
{
    struct waiter w;

    word = 5;
    REQUIRE_TRUE(begin(&w, &word, 5, 0));
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&other_word, 0, 0), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(w.ended, 0);
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, 0), KERN_SUCCESS);
    finish(&w);
}

TEST(one_wake_wakes_one_and_the_first_who_came)
{
    struct waiter a, b;

    word = 5;
    order = 0;
    REQUIRE_TRUE(begin(&a, &word, 5, 0));
    REQUIRE_TRUE(begin(&b, &word, 5, 0));
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, 0), KERN_SUCCESS);
    finish(&a);
    EXPECT_EQ(a.ended, 1);
    EXPECT_EQ(b.ended, 0);
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, 0), KERN_SUCCESS);
    finish(&b);
}

TEST(a_broadcast_wakes_all)
{
    struct waiter w[5];

    word = 5;
    for (int i = 0; i < 5; i++)
        REQUIRE_TRUE(begin(&w[i], &word, 5, 0));
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, GSYNC_BROADCAST), KERN_SUCCESS);
    for (int i = 0; i < 5; i++) {
        finish(&w[i]);
        EXPECT_KR(w[i].result, KERN_SUCCESS);
    }
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, GSYNC_BROADCAST), KERN_INVALID_ARGUMENT);
}

TEST(mutate_writes_the_word_even_if_nobody_waits)
{
    struct waiter w;

    word = 5;
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 6, GSYNC_MUTATE), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(word, 6);
    REQUIRE_TRUE(begin(&w, &word, 6, 0));
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 7, GSYNC_MUTATE), KERN_SUCCESS);
    finish(&w);
    EXPECT_EQ(word, 7);
}

TEST(quad_compares_both_halves)
{
    static uint64_t quad = 0x1234567800000005;

    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&quad, 5, 0x12345679, 10, GSYNC_QUAD | GSYNC_TIMED),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&quad, 6, 0x12345678, 10, GSYNC_QUAD | GSYNC_TIMED),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&quad, 5, 0x12345678, 10, GSYNC_QUAD | GSYNC_TIMED),
              KERN_OPERATION_TIMED_OUT);
}

TEST(a_bad_address_or_flag_is_an_error)
{
    vm_address_t place = 0;

    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&word + 1, 5, 0, 0, 0), KERN_INVALID_ADDRESS);
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word + 2, 5, 0), KERN_INVALID_ADDRESS);
    EXPECT_KR(gsync_requeue(SELF, (vm_address_t)&word, (vm_address_t)&word + 2, FALSE, 0),
              KERN_INVALID_ADDRESS);
    EXPECT_KR(gsync_wait(SELF, 4, 5, 0, 0, 0), KERN_INVALID_ADDRESS);
    EXPECT_KR(gsync_wait(SELF, 4, 5, 0, 0, GSYNC_SHARED), KERN_INVALID_ADDRESS);
    EXPECT_KR(gsync_wait(SELF, 0xffff000000000000, 5, 0, 0, 0), KERN_INVALID_ADDRESS);
    EXPECT_KR(gsync_wake(SELF, 4, 5, GSYNC_MUTATE), KERN_INVALID_ADDRESS);
    EXPECT_KR(gsync_wait(SELF, (vm_address_t)&word, 5, 0, 0, 0x100), KERN_INVALID_ARGUMENT);
    EXPECT_KR(gsync_wait(MACH_PORT_NULL, (vm_address_t)&word, 5, 0, 0, 0), MACH_SEND_INVALID_DEST);
    REQUIRE_KR(vm_allocate(SELF, &place, PAGE_SIZE, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, place, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_TRUE(gsync_wake(SELF, place, 5, GSYNC_MUTATE) != KERN_SUCCESS);
    EXPECT_EQ(*(uint32_t *)place, 0);
    vm_deallocate(SELF, place, PAGE_SIZE);
}

TEST(thread_abort_ends_the_wait)
{
    struct waiter w;

    word = 5;
    REQUIRE_TRUE(begin(&w, &word, 5, 0));
    EXPECT_KR(thread_abort(w.port), KERN_SUCCESS);
    finish(&w);
    EXPECT_KR(w.result, KERN_ABORTED);
}

/* ---- requeue ---- */

TEST(requeue_moves_a_waiter_to_another_word)
{
    struct waiter w;

    word = 5;
    REQUIRE_TRUE(begin(&w, &word, 5, 0));
    EXPECT_KR(gsync_requeue(SELF, (vm_address_t)&word, (vm_address_t)&other_word, FALSE, 0),
              KERN_SUCCESS);
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&word, 0, 0), KERN_INVALID_ARGUMENT);
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&other_word, 0, 0), KERN_SUCCESS);
    finish(&w);
    EXPECT_KR(w.result, KERN_SUCCESS);
}

TEST(requeue_wakes_the_first_and_moves_the_rest)
{
    struct waiter w[4];

    word = 5;
    for (int i = 0; i < 4; i++)
        REQUIRE_TRUE(begin(&w[i], &word, 5, 0));
    EXPECT_KR(gsync_requeue(SELF, (vm_address_t)&word, (vm_address_t)&other_word, TRUE, GSYNC_BROADCAST),
              KERN_SUCCESS);
    finish(&w[0]);
    EXPECT_EQ(w[1].ended + w[2].ended + w[3].ended, 0);
    for (int i = 1; i < 4; i++) {
        EXPECT_KR(gsync_wake(SELF, (vm_address_t)&other_word, 0, 0), KERN_SUCCESS);
        finish(&w[i]); /* in their order */
    }
    EXPECT_KR(gsync_requeue(SELF, (vm_address_t)&word, (vm_address_t)&other_word, TRUE, 0),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(gsync_requeue(SELF, (vm_address_t)&word, (vm_address_t)&word, FALSE, 0),
              KERN_INVALID_ARGUMENT);
}

TEST(a_moved_waiter_can_be_aborted_and_times_out)
{
    struct waiter w;

    word = 5;
    REQUIRE_TRUE(begin(&w, &word, 5, GSYNC_SHARED));
    EXPECT_KR(gsync_requeue(SELF, (vm_address_t)&word, (vm_address_t)&other_word, FALSE, GSYNC_SHARED),
              KERN_SUCCESS);
    EXPECT_KR(thread_abort(w.port), KERN_SUCCESS);
    finish(&w);
    EXPECT_KR(w.result, KERN_ABORTED);
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&other_word, 0, GSYNC_SHARED), KERN_INVALID_ARGUMENT);
}

/* ---- between tasks ---- */

static volatile uint64_t child_result;

static void wait_in_child(uint64_t address)
{
    child_result = 100 + (uint64_t)gsync_wait(SELF, address, 5, 0, LONG, GSYNC_SHARED | GSYNC_TIMED);
    for (;;)
        sleep_ms(1000);
}

TEST(tasks_that_share_memory_meet_wherever_it_is_mapped)
{
    vm_address_t page = 0, there = 0x500000000;
    vm_prot_t cur, max;
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(vm_allocate(SELF, &page, PAGE_SIZE, TRUE), KERN_SUCCESS);
    ((uint32_t *)page)[3] = 5;
    REQUIRE_KR(vm_remap(child.task, &there, PAGE_SIZE, 0, FALSE, SELF, page, FALSE, &cur, &max,
                        VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_TRUE(there != page);
    REQUIRE_KR(child_run(&child, wait_in_child, there + 12), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
    EXPECT_KR(gsync_wake(SELF, page + 12, 0, 0), KERN_INVALID_ARGUMENT); /* not GSYNC_SHARED */
    EXPECT_KR(gsync_wake(SELF, page + 8, 0, GSYNC_SHARED), KERN_INVALID_ARGUMENT);
    EXPECT_KR(gsync_wake(SELF, page + 12, 0, GSYNC_SHARED), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &child_result, 100 + KERN_SUCCESS));
    child_end(&child);
    vm_deallocate(SELF, page, PAGE_SIZE);
}

static uint32_t child_word = 5;

static void wait_on_own_word(uint64_t unused)
{
    child_result = 100 + (uint64_t)gsync_wait(SELF, (vm_address_t)&child_word, 5, 0, LONG, GSYNC_TIMED);
    for (;;)
        sleep_ms(1000);
}

TEST(the_holder_of_a_task_port_can_wake_in_that_task)
{
    struct child child;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, wait_on_own_word, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
    EXPECT_KR(gsync_wake(SELF, (vm_address_t)&child_word, 0, 0), KERN_INVALID_ARGUMENT); /* ours */
    EXPECT_KR(gsync_wake(child.task, (vm_address_t)&child_word, 9, GSYNC_MUTATE), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &child_result, 100 + KERN_SUCCESS));
    EXPECT_KR(gsync_wait(child.task, (vm_address_t)&child_word, 5, 0, 0, GSYNC_TIMED),
              KERN_INVALID_ARGUMENT); /* it is 9 there */
    EXPECT_EQ(child_word, 5);
    child_end(&child);
}

TEST(who_dies_waiting_leaves_nothing_behind)
{
    struct child child;

    child_result = 0;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, wait_on_own_word, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_state(child.thread, TH_STATE_WAITING));
    child_end(&child);
}

/* ---- no wake is lost ---- */

/* A lock as one makes it of gsync: 0 free, 1 taken, 2 taken and waited for. */
static uint32_t lock_word;
static uint64_t guarded;

static void lock(void)
{
    uint32_t free = 0;

    if (__atomic_compare_exchange_n(&lock_word, &free, 1, FALSE, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
        gsync_wait(SELF, (vm_address_t)&lock_word, 2, 0, 0, 0);
}

static void unlock(void)
{
    if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
        gsync_wake(SELF, (vm_address_t)&lock_word, 0, 0);
}

#define ROUNDS 2000

static void *count_up(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t seen;

        lock();
        seen = guarded;
        if (i % 8 == 0)
            swtch(); /* so that the others find it taken */
        guarded = seen + 1;
        unlock();
    }
    return arg;
}

TEST(a_lock_made_of_it_excludes_and_loses_no_wake)
{
    cthread_t threads[4];

    lock_word = 0;
    guarded = 0;
    for (int i = 0; i < 4; i++) {
        threads[i] = cthread_fork(count_up, NULL);
        REQUIRE_TRUE(threads[i] != NULL);
    }
    for (int i = 0; i < 4; i++)
        cthread_join(threads[i]);
    EXPECT_EQ(guarded, 4 * ROUNDS);
    EXPECT_EQ(lock_word, 0);
}

TEST_MAIN
