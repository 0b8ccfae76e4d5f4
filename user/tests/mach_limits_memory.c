/*
 * Limits of one task: the kernel's memory, by whatever object it is used. One rule a case. Read
 * mach_limits.h before.
 */
#include "mach_limits.h"
#include <mach/clock.h>
#include <mach/semaphore.h>

TEST(ports_are_limited_by_memory)
{
    struct child child;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(run_limited(&child, some_memory, greedy_for_ports));
    EXPECT_EQ(peeked(child.task, &greedy.error), KERN_RESOURCE_SHORTAGE);
    EXPECT_TRUE(peeked(child.task, &greedy.done) > 500);
    expect_others_work();
    child_end(&child);
}

static kern_return_t try_thread(uint64_t n)
{
    thread_t thread;
    kern_return_t kr = thread_create(SELF, &thread);

    if (kr == KERN_SUCCESS)
        made[n % 2048] = thread;
    return kr;
}

static void end_thread(uint64_t n)
{
    mach_port_t thread = made[n % 2048];

    thread_terminate(thread);
    wait_until_dead(thread);
    sleep_ms(50); /* its stack goes when it has run for the last time */
    mach_port_deallocate(SELF, thread);
}

static void greedy_for_threads(uint64_t unused)
{
    be_greedy(try_thread, end_thread);
}

TEST(threads_are_limited)
{
    expect_refused(some_memory, greedy_for_threads, KERN_RESOURCE_SHORTAGE, 35, 60);
}

static vm_address_t region;

static kern_return_t try_map_entry(uint64_t n)
{
    if (n == 0 && vm_allocate(SELF, &region, 65536 * PAGE_SIZE, TRUE) != KERN_SUCCESS)
        return KERN_FAILURE;
    return vm_protect(SELF, region + 2 * n * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ);
}

static void join_map_entries(uint64_t n)
{
    vm_protect(SELF, region + 2 * n * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_DEFAULT);
}

static void greedy_for_map_entries(uint64_t unused)
{
    be_greedy(try_map_entry, join_map_entries);
}

TEST(map_entries_are_limited)
{
    expect_refused(some_memory, greedy_for_map_entries, KERN_RESOURCE_SHORTAGE, 1000, 4000);
}

static kern_return_t try_semaphore(uint64_t n)
{
    semaphore_t semaphore;
    kern_return_t kr = semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0);

    if (kr == (MACH_RCV_BODY_ERROR | MACH_MSG_IPC_KERNEL))
        kr = KERN_RESOURCE_SHORTAGE; /* there was memory for it, but none for its name */
    if (kr == KERN_SUCCESS)
        made[n % 2048] = semaphore;
    return kr;
}

/* The last and some before it: the next needs memory for itself, and perhaps a new part of the table. */
static void end_semaphore(uint64_t n)
{
    for (uint64_t i = n - 39; i <= n; i++) {
        semaphore_destroy(SELF, made[i % 2048]);
        mach_port_deallocate(SELF, made[i % 2048]);
    }
}

static void greedy_for_semaphores(uint64_t unused)
{
    be_greedy(try_semaphore, end_semaphore);
}

static void some_memory_many_names(task_limits_t *limits)
{
    some_memory(limits);
    limits->names = NO_LIMIT;
}

TEST(semaphores_are_limited)
{
    expect_refused(some_memory_many_names, greedy_for_semaphores, KERN_RESOURCE_SHORTAGE, 500, 2000);
}

static kern_return_t try_set(uint64_t n)
{
    return mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &made[n % 2048]);
}

static void greedy_for_sets(uint64_t unused)
{
    be_greedy(try_set, give_back_port);
}

TEST(port_sets_are_limited)
{
    expect_refused(some_memory_many_names, greedy_for_sets, KERN_RESOURCE_SHORTAGE, 1000, 6000);
}

static clock_serv_t the_clock;

static kern_return_t try_alarm(uint64_t n)
{
    time_value64_t far = {1000000, 0};
    mach_port_t host;

    if (n == 0) {
        host = mach_host_self();
        host_get_clock_service(host, SYSTEM_CLOCK, &the_clock);
        target = new_port();
    }
    return clock_alarm(the_clock, TIME_RELATIVE, far, target);
}

static void greedy_for_alarms(uint64_t unused)
{
    be_greedy(try_alarm, NULL);
}

TEST(alarms_are_limited)
{
    expect_refused(messages_50, greedy_for_alarms, KERN_RESOURCE_SHORTAGE, 50, 50);
}

/* A page here and there: each in need of a translation table. Ends by an exception. */
static void greedy_for_tables(uint64_t unused)
{
    for (vm_address_t a = 0x100000000; a < 0x100000000 + (1UL << 34); a += 2 << 20) {
        vm_address_t place = a;

        if (vm_allocate(SELF, &place, PAGE_SIZE, FALSE) != KERN_SUCCESS)
            break;
        *(volatile char *)place = 1;
        greedy.done++;
    }
    stop_and_stay();
}

TEST(page_tables_are_limited)
{
    struct child child;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(make_limited(&child, some_memory));
    EXPECT_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT,
                                       THREAD_STATE_NONE), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, greedy_for_tables, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task)); /* of the exception */
    expect_others_work();
    child_end(&child);
}

/* ---- all or nothing ---- */

#define MANY 2000 /* pages, each an entry but for two at either end */
#define FAR_AWAY 0x400000000 /* nothing else is there */
#define URGENT 40 /* a priority above that of who removes */

static vm_address_t many;
static volatile uint64_t removing;

/* Joins again what a removal has cut at its end, and then takes what memory the limit allows, as entries
 * from FAR_AWAY on. */
static void *join_and_be_greedy(void *unused)
{
    vm_address_t at = FAR_AWAY;
    kern_return_t kr = KERN_SUCCESS;

    EXPECT_KR(thread_priority(mach_thread_self_cached(), URGENT, FALSE), KERN_SUCCESS);
    while (!removing)
        sleep_ms(1);
    vm_protect(SELF, many + (MANY - 1) * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_DEFAULT);
    for (; kr == KERN_SUCCESS; at += 2 * PAGE_SIZE)
        kr = vm_allocate(SELF, &at, PAGE_SIZE, FALSE);
    return NULL;
}

static vm_size_t pages_left(vm_address_t from, vm_address_t to)
{
    struct vm_region_info info;
    vm_address_t at = from;
    vm_size_t size, sum = 0;

    for (; vm_region(SELF, &at, &size, &info) == KERN_SUCCESS && at < to; at += size)
        sum += (at + size < to ? at + size : to) - (at > from ? at : from);
    return sum / PAGE_SIZE;
}

/* Memory is removed completely or, at the task's limit, not at all, whatever another thread does
 * meanwhile. */
TEST(memory_is_removed_completely_or_not_at_all)
{
    const vm_size_t size = MANY * PAGE_SIZE;

    NEED_HOST_PRIV();
    for (int round = 0; round < 4; round++) {
        task_limits_t all = limit(SELF), limits = all;
        cthread_t other;
        kern_return_t kr;

        many = 0;
        REQUIRE_KR(vm_allocate(SELF, &many, size, TRUE), KERN_SUCCESS);
        for (int i = 2; i < MANY - 2; i += 2)
            EXPECT_KR(vm_protect(SELF, many + i * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ),
                      KERN_SUCCESS);
        removing = 0;
        other = cthread_fork(join_and_be_greedy, NULL);
        REQUIRE_TRUE(other != NULL);
        sleep_ms(2);
        limits.kernel_memory = used(SELF).kernel_memory + 1024; /* a few entries */
        EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
        removing = 1;
        kr = vm_deallocate(SELF, many + PAGE_SIZE, size - 2 * PAGE_SIZE);
        EXPECT_EQ(pages_left(many + PAGE_SIZE, many + size - PAGE_SIZE),
                  kr == KERN_SUCCESS ? 0 : MANY - 2);
        cthread_join(other);
        EXPECT_KR(task_set_limits(test_host_priv(), SELF, all), KERN_SUCCESS);
        EXPECT_KR(vm_deallocate(SELF, many, size), KERN_SUCCESS);
        EXPECT_KR(vm_deallocate(SELF, FAR_AWAY, 4 * size), KERN_SUCCESS);
    }
}

/* Memory and arrays that come in messages are mapped, too: what would be too much is lost, and the receiver
 * told of it. It does not wait for room that only it could make. */
TEST(what_comes_in_a_message_is_limited)
{
    static const uint32_t sizes[] = {100, 7000, 16 * PAGE_SIZE}; /* copied, or lent */
    vm_address_t area = 0;
    mach_port_t port;

    NEED_HOST_PRIV();
    port = new_port_send();
    REQUIRE_KR(vm_allocate(SELF, &area, 16 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    memcpy((void *)area, &port, sizeof port);
    for (unsigned i = 0; i < 4; i++) {
        struct ool m = {
            .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                       .msgh_remote_port = port},
            .body = {.msgh_descriptor_count = 1},
            .memory = {.address = area, .size = i < 3 ? sizes[i] : 1, .copy = MACH_MSG_VIRTUAL_COPY,
                       .type = i < 3 ? MACH_MSG_OOL_DESCRIPTOR : MACH_MSG_OOL_PORTS_DESCRIPTOR},
        };
        task_limits_t all = limit(SELF), limits = all;
        vm_size_t before = used(SELF).virtual_memory;
        mach_msg_return_t mr;

        if (i == 3)
            ((mach_msg_ool_ports_descriptor_t *)&m.memory)->disposition = MACH_MSG_TYPE_COPY_SEND;
        REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, OOL_SIZE, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
                   MACH_MSG_SUCCESS);
        limits.virtual_memory = PAGE_SIZE;
        REQUIRE_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
        mr = mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof m, port, 0, MACH_PORT_NULL);
        REQUIRE_KR(task_set_limits(test_host_priv(), SELF, all), KERN_SUCCESS);
        EXPECT_EQ(mr, MACH_RCV_BODY_ERROR | MACH_MSG_VM_KERNEL);
        EXPECT_EQ(m.memory.size, 0); /* or the array's count */
        EXPECT_EQ(used(SELF).virtual_memory, before);
    }
    vm_deallocate(SELF, area, 16 * PAGE_SIZE);
    mach_port_destroy(SELF, port);
}

TEST_MAIN
