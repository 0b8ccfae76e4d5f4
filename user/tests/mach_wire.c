/*
 * Mach by example, 29: wired memory. A range can be wired: its pages are in memory, and stay there. It is
 * for drivers and pagers, and takes the privileged host port.
 */
#include "mach_memory.h"
#include <mach/host_priv.h>

#define SIZE (8 * PAGE_SIZE)

static kern_return_t wire(vm_address_t address, vm_size_t size)
{
    return vm_wire(test_host_priv(), SELF, address, size, VM_PROT_DEFAULT);
}

static kern_return_t unwire(vm_address_t address, vm_size_t size)
{
    return vm_wire(test_host_priv(), SELF, address, size, VM_PROT_NONE);
}

static uint32_t wired_pages(void)
{
    struct host_counters now;

    counters(&now);
    return now.wired_pages;
}

static uint32_t faults(void)
{
    struct task_events_info info = {0};
    mach_msg_type_number_t count = TASK_EVENTS_INFO_COUNT;

    EXPECT_KR(task_info(SELF, TASK_EVENTS_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    return info.faults;
}

/* Wiring brings all pages into memory, so that no access faults any more. [KI vm_wire] */
TEST(wired_memory_does_not_fault)
{
    vm_address_t a = fresh(SIZE);
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(wire(a, SIZE), KERN_SUCCESS);
    EXPECT_EQ(region_at(a).resident_pages, 8);
    before = faults();
    EXPECT_TRUE(is_filled(a, 0, SIZE));
    memset((void *)a, 'w', SIZE);
    EXPECT_EQ(faults(), before);
    EXPECT_KR(unwire(a, SIZE), KERN_SUCCESS);
    release(a, SIZE);
}

/* What was in memory before stays what it is. [KI vm_wire] */
TEST(wiring_keeps_the_contents)
{
    vm_address_t a = lettered(8);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(wire(a + PAGE_SIZE, 3 * PAGE_SIZE), KERN_SUCCESS);
    REQUIRE_KR(unwire(a + PAGE_SIZE, 3 * PAGE_SIZE), KERN_SUCCESS);
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    release(a, SIZE);
}

/* Wired pages are counted, and unwired ones no more. [KI vm_statistics] */
TEST(wired_pages_are_counted)
{
    vm_address_t a = lettered(8);
    uint32_t before = wired_pages();

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(wire(a, SIZE), KERN_SUCCESS);
    EXPECT_EQ(wired_pages(), before + 8);
    REQUIRE_KR(unwire(a, SIZE / 2), KERN_SUCCESS);
    EXPECT_EQ(wired_pages(), before + 4);
    REQUIRE_KR(unwire(a + SIZE / 2, SIZE / 2), KERN_SUCCESS);
    EXPECT_EQ(wired_pages(), before);
    release(a, SIZE);
}

/* Wiring nests: a page wired twice must be unwired twice. [KI vm_wire] */
TEST(wiring_nests)
{
    vm_address_t a = lettered(8);
    uint32_t before = wired_pages();

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(wire(a, SIZE), KERN_SUCCESS);
    REQUIRE_KR(wire(a + PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_EQ(region_at(a).wired_count, 1);
    EXPECT_EQ(region_at(a + PAGE_SIZE).wired_count, 2);
    EXPECT_EQ(wired_pages(), before + 8);
    REQUIRE_KR(unwire(a, SIZE), KERN_SUCCESS);
    EXPECT_EQ(wired_pages(), before + 1);
    REQUIRE_KR(unwire(a + PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_EQ(wired_pages(), before);
    EXPECT_EQ(region_size(a), SIZE); /* alike again */
    release(a, SIZE);
}

/* What is not wired cannot be unwired: KERN_INVALID_ARGUMENT, and the rest of the range stays wired.
 * [vm_map.c] */
TEST(unwiring_what_is_not_wired)
{
    vm_address_t a = lettered(8);
    uint32_t before = wired_pages();

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(unwire(a, SIZE), KERN_INVALID_ARGUMENT);
    REQUIRE_KR(wire(a, SIZE / 2), KERN_SUCCESS);
    EXPECT_KR(unwire(a, SIZE), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(wired_pages(), before + 4);
    REQUIRE_KR(unwire(a, SIZE / 2), KERN_SUCCESS);
    release(a, SIZE);
}

/* A hole is KERN_INVALID_ADDRESS, and nothing is wired. [vm_map.c] */
TEST(wiring_a_hole)
{
    vm_address_t a = lettered(8);
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    release(a + 6 * PAGE_SIZE, PAGE_SIZE);
    before = wired_pages();
    EXPECT_KR(wire(a, SIZE), KERN_INVALID_ADDRESS);
    EXPECT_KR(wire(KERNEL_ADDRESS, PAGE_SIZE), KERN_INVALID_ADDRESS);
    EXPECT_EQ(wired_pages(), before);
    EXPECT_EQ(region_at(a).wired_count, 0);
    release(a, SIZE);
}

/* Memory is wired for an access that it allows, else it is KERN_PROTECTION_FAILURE, and nothing is.
 * [KI vm_wire] */
TEST(wiring_for_an_access_that_is_not_allowed)
{
    vm_address_t a = lettered(8);
    uint32_t before = wired_pages();

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + 7 * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(wire(a, SIZE), KERN_PROTECTION_FAILURE);
    EXPECT_EQ(wired_pages(), before);
    REQUIRE_KR(vm_wire(test_host_priv(), SELF, a, SIZE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_EQ(wired_pages(), before + 8);
    REQUIRE_KR(unwire(a, SIZE), KERN_SUCCESS);
    release(a, SIZE);
}

/* Impossible ranges and accesses are KERN_INVALID_ARGUMENT. [host_priv.defs] */
TEST(wiring_impossible_ranges)
{
    vm_address_t a = lettered(1);

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(wire(a, 0), KERN_INVALID_ARGUMENT);
    EXPECT_KR(wire(a, ~0UL), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_wire(test_host_priv(), SELF, a, PAGE_SIZE, 0x40), KERN_INVALID_ARGUMENT);
    release(a, PAGE_SIZE);
}

/* Only the privileged host port allows it. [KI vm_wire] */
TEST(wiring_takes_privilege)
{
    mach_port_t host = mach_host_self();
    vm_address_t a = lettered(1);

    REQUIRE_TRUE(a != 0);
    EXPECT_TRUE(vm_wire(host, SELF, a, PAGE_SIZE, VM_PROT_DEFAULT) != KERN_SUCCESS);
    EXPECT_TRUE(vm_wire(SELF, SELF, a, PAGE_SIZE, VM_PROT_DEFAULT) != KERN_SUCCESS);
    EXPECT_EQ(region_at(a).wired_count, 0);
    mach_port_deallocate(SELF, host);
    release(a, PAGE_SIZE);
}

/* Another task's memory can be wired; it is wired no more when the task ends. [KI vm_wire] */
TEST(wired_memory_of_another_task)
{
    uint32_t before = wired_pages();
    vm_address_t a;
    vm_size_t size;
    task_t task;

    REQUIRE_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    a = fresh_in(task, SIZE);
    before = wired_pages();
    REQUIRE_KR(vm_wire(test_host_priv(), task, a, SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
    EXPECT_TRUE(wired_pages() >= before + 8); /* and its page tables */
    EXPECT_EQ(region_of(task, a, &size).wired_count, 1);
    task_terminate(task);
    for (int tries = 0; tries < 100 && wired_pages() >= before + 8; tries++)
        sleep_ms(5);
    EXPECT_TRUE(wired_pages() < before + 8);
    mach_port_deallocate(SELF, task);
}

/* Wired memory that is deallocated is free. [KI vm_deallocate] */
TEST(wired_memory_can_be_deallocated)
{
    vm_address_t a = lettered(8);
    struct host_counters before, after;

    REQUIRE_TRUE(a != 0);
    counters(&before);
    REQUIRE_KR(wire(a, SIZE), KERN_SUCCESS);
    release(a + PAGE_SIZE, PAGE_SIZE);
    release(a, SIZE);
    counters(&after);
    EXPECT_EQ(after.wired_pages, before.wired_pages);
    EXPECT_EQ(after.anonymous_pages, before.anonymous_pages - 8);
}

/* What a child inherits of wired memory is a copy that is not wired, and the parent's stays as it is:
 * no write of the parent's faults. [KP, wired memory] */
TEST(wired_memory_is_copied_at_once)
{
    vm_address_t a = lettered(8);
    struct child child;
    vm_size_t size;
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(wire(a, SIZE), KERN_SUCCESS);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    touch_own_memory();
    EXPECT_EQ(region_of(child.task, a, &size).wired_count, 0);
    EXPECT_EQ(region_at(a).wired_count, 1);
    before = faults();
    for (int i = 0; i < 8; i++)
        BYTE(a + i * PAGE_SIZE) = 'p';
    EXPECT_EQ(faults(), before);
    EXPECT_EQ(seen_by(child.task, a + PAGE_SIZE), 'b');
    EXPECT_KR(set_byte_of(child.task, a, 'c'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a), 'p');
    child_end(&child);
    REQUIRE_KR(unwire(a, SIZE), KERN_SUCCESS);
    release(a, SIZE);
}

/* Memory that waits to be copied gets pages of its own when it is wired. [KP, copy on write] */
TEST(wiring_ends_copy_on_write)
{
    vm_address_t a = lettered(8);
    struct child child;
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    touch_own_memory();
    REQUIRE_KR(wire(a, SIZE), KERN_SUCCESS);
    before = faults();
    memset((void *)a, 'p', SIZE);
    EXPECT_EQ(faults(), before);
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(seen_by(child.task, a + i * PAGE_SIZE), 'a' + i);
    child_end(&child);
    REQUIRE_KR(unwire(a, SIZE), KERN_SUCCESS);
    release(a, SIZE);
}

/* What is read of wired memory is a copy of what was there, also when it is large. [KI vm_read] */
TEST(wired_memory_can_be_read)
{
    mach_msg_type_number_t count;
    vm_address_t a = lettered(8);
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(wire(a, SIZE), KERN_SUCCESS);
    REQUIRE_KR(vm_read(SELF, a, SIZE, &data, &count), KERN_SUCCESS);
    memset((void *)a, 'z', SIZE);
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(data + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    release(data, count);
    REQUIRE_KR(unwire(a, SIZE), KERN_SUCCESS);
    release(a, SIZE);
}

TEST_MAIN
