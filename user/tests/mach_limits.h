/*
 * What the programs mach_limits* share: a greedy child, that goes on until it is refused, says so in its
 * memory, and waits to be ended. Read the comment of task_set_limits (mach/host_priv.defs) before.
 */
#ifndef MACH_LIMITS_H
#define MACH_LIMITS_H

#include "mach_child.h"
#include <mach/host_priv.h>

#define NO_LIMIT  (~0UL)
#define SOME      (512 * 1024UL) /* of kernel memory, for a child beside what it begins with */
#define FOR_EVER  10000000       /* more than any limit here allows */

/* For a case that sets limits. */
#define NEED_HOST_PRIV() \
    do { \
        if (test_host_priv() == MACH_PORT_NULL) \
            SKIP("no privileged host port"); \
    } while (0)

static inline struct task_limits_info limits_info(task_t task)
{
    struct task_limits_info info = {{0}, {0}};
    mach_msg_type_number_t count = TASK_LIMITS_INFO_COUNT;

    EXPECT_KR(task_info(task, TASK_LIMITS_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    return info;
}

static inline task_limits_t used(task_t task)
{
    return limits_info(task).used;
}

static inline task_limits_t limit(task_t task)
{
    return limits_info(task).limit;
}

/* ---- the greedy child ---- */

static struct {
    volatile uint64_t done;   /* times it got this, before it was */
    volatile uint64_t error;  /* refused with this */
    volatile uint64_t stopped;
    volatile uint64_t after;  /* what it got when it had given one back */
} greedy;

/* In the child: says that it is through, and waits to be ended. */
static inline void stop_and_stay(void)
{
    __atomic_store_n(&greedy.stopped, 1, __ATOMIC_RELEASE);
    for (;;)
        sleep_ms(1000);
}

/* In the child: tries until it is refused. `try` is called with 0, 1, ...; then, if not NULL, give_back
 * with the last number that succeeded, and try once more. */
static inline void be_greedy(kern_return_t (*try)(uint64_t), void (*give_back)(uint64_t))
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
    stop_and_stay();
}

static inline uint64_t peeked(task_t task, volatile uint64_t *address)
{
    uint64_t word;

    return peek(task, address, &word) == KERN_SUCCESS ? word : ~0UL;
}

/* A child with the limits that `change` makes of what it uses at the beginning. */
static inline boolean_t make_limited(struct child *child, void (*change)(task_limits_t *))
{
    task_limits_t limits;

    if (child_make(child) != KERN_SUCCESS)
        return FALSE;
    limits = used(child->task);
    limits.messages = limits.message_bytes = limits.virtual_memory = NO_LIMIT;
    limits.names += 1000;
    limits.kernel_memory += 32 * SOME;
    change(&limits);
    EXPECT_KR(task_set_limits(test_host_priv(), child->task, limits), KERN_SUCCESS);
    return TRUE;
}

/* The same, with a thread that runs child_main, which has stopped. */
static inline boolean_t run_limited(struct child *child, void (*change)(task_limits_t *),
                                    void (*child_main)(uint64_t))
{
    return make_limited(child, change) && child_run(child, child_main, 0) == KERN_SUCCESS
           && wait_for_peek(child->task, &greedy.stopped, 1);
}

/* The system beside a task at its limit: ports, messages, memory, threads. */
static inline void expect_others_work(void)
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

/* Lets a child be greedy: it is refused with `error`, having got between min and max times what it wants,
 * and its account is within the limits. */
static inline void expect_refused(void (*change)(task_limits_t *), void (*child_main)(uint64_t),
                                  kern_return_t error, uint64_t min, uint64_t max)
{
    struct child child;
    task_limits_t limits, now;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(run_limited(&child, change, child_main));
    limits = limit(child.task);
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

static inline void some_memory(task_limits_t *limits)
{
    limits->kernel_memory -= 31 * SOME;
}

static inline void messages_50(task_limits_t *limits)
{
    limits->messages = 50;
}

/* ---- what is wanted ---- */

static mach_port_t target __attribute__((unused)); /* a greedy child's own */
static mach_port_t made[2048] __attribute__((unused)); /* by a greedy child */

static inline kern_return_t try_port(uint64_t n)
{
    mach_port_t port;
    kern_return_t kr = mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port);

    if (kr == KERN_SUCCESS)
        made[n % 2048] = port;
    return kr;
}

static inline void give_back_port(uint64_t n)
{
    mach_port_destroy(SELF, made[n % 2048]);
}

static inline void greedy_for_ports(uint64_t unused)
{
    be_greedy(try_port, give_back_port);
}

#endif
