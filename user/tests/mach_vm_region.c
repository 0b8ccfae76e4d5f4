/*
 * Mach by example, 27: looking at memory. What an address space consists of, and what it costs, can be
 * asked: by region, by task, and for the whole machine.
 */
#include "mach_memory.h"
#include <mach/host_priv.h>

#define SIZE (8 * PAGE_SIZE)

static struct task_basic_info basic_info(task_t task)
{
    struct task_basic_info info = {0};
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    EXPECT_KR(task_info(task, TASK_BASIC_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    return info;
}

static struct task_events_info events_info(task_t task)
{
    struct task_events_info info = {0};
    mach_msg_type_number_t count = TASK_EVENTS_INFO_COUNT;

    EXPECT_KR(task_info(task, TASK_EVENTS_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    return info;
}

static struct vm_statistics statistics(void)
{
    struct vm_statistics stats = {0};
    host_t host = mach_host_self();

    EXPECT_KR(host_vm_statistics(host, &stats), KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    return stats;
}

/* ---- vm_region ---- */

/* A region tells its place, its size, its protections and its inheritance. [KI vm_region] */
TEST(region_tells_its_attributes)
{
    vm_address_t a = fresh(SIZE), at = a;
    struct vm_region_info info;
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, SIZE, TRUE, VM_PROT_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, a, SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, a, SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_KR(vm_region(SELF, &at, &size, &info), KERN_SUCCESS);
    EXPECT_EQ(at, a);
    EXPECT_EQ(size, SIZE);
    EXPECT_EQ(info.protection, VM_PROT_READ);
    EXPECT_EQ(info.max_protection, VM_PROT_DEFAULT);
    EXPECT_EQ(info.inheritance, VM_INHERIT_SHARE);
    EXPECT_TRUE(!info.shared && !info.needs_copy && !info.external_pager && info.anonymous);
    EXPECT_EQ(info.wired_count, 0);
    release(a, SIZE);
}

/* An address inside a region finds all of it; a free one, the next region above. [KI vm_region] */
TEST(region_finds_this_one_or_the_next)
{
    vm_address_t a = fresh(SIZE), at = a + 5 * PAGE_SIZE + 17;
    struct vm_region_info info;
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_region(SELF, &at, &size, &info), KERN_SUCCESS);
    EXPECT_EQ(at, a);
    EXPECT_EQ(size, SIZE);
    at = a - 1;
    REQUIRE_KR(vm_region(SELF, &at, &size, &info), KERN_SUCCESS);
    EXPECT_EQ(at, a);
    release(a, SIZE);
}

/* Above the last region there is none: KERN_NO_SPACE. [KI vm_region] */
TEST(region_above_the_last_is_no_space)
{
    vm_address_t at = LAST_PAGE;
    struct vm_region_info info;
    vm_size_t size;

    EXPECT_KR(vm_region(SELF, &at, &size, &info), KERN_NO_SPACE);
    at = KERNEL_ADDRESS;
    EXPECT_KR(vm_region(SELF, &at, &size, &info), KERN_NO_SPACE);
    at = ~0UL;
    EXPECT_KR(vm_region(SELF, &at, &size, &info), KERN_NO_SPACE);
}

/* Going on behind each region one meets all of them once, in order: together the task's virtual
 * size. [KI vm_region] */
TEST(regions_add_up_to_the_address_space)
{
    vm_address_t at = 0, end = 0;
    struct vm_region_info info;
    vm_size_t size, total = 0;

    for (; vm_region(SELF, &at, &size, &info) == KERN_SUCCESS; at = end) {
        REQUIRE_TRUE(size != 0 && page_aligned(at) && page_aligned(size) && at >= end);
        end = at + size;
        total += size;
    }
    EXPECT_EQ(total, basic_info(SELF).virtual_size);
}

/* Regions side by side are one when they are alike in everything, and two when in anything they are
 * not. [vm_map.c] */
TEST(what_is_alike_is_one_region)
{
    vm_address_t a = fresh(SIZE), half = a + SIZE / 2;

    REQUIRE_TRUE(a != 0);
    EXPECT_EQ(region_size(a), SIZE);
    REQUIRE_KR(vm_protect(SELF, half, SIZE / 2, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_EQ(region_size(a), SIZE / 2);
    REQUIRE_KR(vm_protect(SELF, half, SIZE / 2, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
    EXPECT_EQ(region_size(a), SIZE);
    REQUIRE_KR(vm_inherit(SELF, half, SIZE / 2, VM_INHERIT_NONE), KERN_SUCCESS);
    EXPECT_EQ(region_size(a), SIZE / 2);
    REQUIRE_KR(vm_inherit(SELF, a, SIZE / 2, VM_INHERIT_NONE), KERN_SUCCESS);
    EXPECT_EQ(region_size(a), SIZE);
    REQUIRE_KR(vm_protect(SELF, half, SIZE / 2, TRUE, VM_PROT_DEFAULT), KERN_SUCCESS);
    EXPECT_EQ(region_size(a), SIZE / 2);
    release(a, SIZE);
}

/* A region has an object once it was touched, and tells how many of its pages are in memory. [vm_map.defs] */
TEST(region_counts_its_pages)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    EXPECT_EQ(region_at(a).object_id, 0);
    EXPECT_EQ(region_at(a).resident_pages, 0);
    for (uint32_t i = 0; i < 4; i++) {
        BYTE(a + i * 2 * PAGE_SIZE) = 1;
        EXPECT_EQ(region_at(a).resident_pages, i + 1);
    }
    EXPECT_TRUE(region_at(a).object_id != 0);
    REQUIRE_KR(vm_protect(SELF, a + 3 * PAGE_SIZE, SIZE - 3 * PAGE_SIZE, FALSE, VM_PROT_READ),
               KERN_SUCCESS);
    EXPECT_EQ(region_at(a).resident_pages, 2); /* pages 0 and 2: those of this region only */
    EXPECT_EQ(region_at(a + 3 * PAGE_SIZE).resident_pages, 2);
    release(a, SIZE);
}

/* Who shares an object can see it: the same identity, and a reference each. [vm_map.defs] */
TEST(shared_regions_have_one_object)
{
    vm_address_t a = lettered(8), b = 0;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    EXPECT_TRUE(!region_at(a).shared);
    EXPECT_EQ(region_at(a).ref_count, 1);
    REQUIRE_KR(vm_remap(SELF, &b, SIZE, 0, TRUE, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    EXPECT_TRUE(region_at(a).shared && region_at(b).shared);
    EXPECT_EQ(region_at(a).object_id, region_at(b).object_id);
    EXPECT_EQ(region_at(a).ref_count, 2);
    release(b, SIZE);
    EXPECT_EQ(region_at(a).ref_count, 1);
    release(a, SIZE);
}

/* A copy has the same object until somebody writes: then that one gets an object of its own, which
 * shadows the other. [KP, shadow objects] */
TEST(a_write_puts_a_shadow_before_the_object)
{
    vm_address_t a = lettered(8), b = 0;
    uint64_t original;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    original = region_at(a).object_id;
    REQUIRE_KR(vm_remap(SELF, &b, SIZE, 0, TRUE, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    EXPECT_TRUE(region_at(a).needs_copy && region_at(b).needs_copy);
    EXPECT_EQ(region_at(b).object_id, original);
    BYTE(b) = 'x';
    EXPECT_TRUE(!region_at(b).needs_copy);
    EXPECT_TRUE(region_at(b).object_id != original);
    EXPECT_EQ(region_at(b).shadow_depth, 1);
    EXPECT_EQ(region_at(b).resident_pages, 1);
    EXPECT_EQ(region_at(a).object_id, original);
    release(a, SIZE);
    EXPECT_EQ(BYTE(b + PAGE_SIZE), 'b');
    release(b, SIZE);
}

/* The last one left writes to the object itself. [KP, shadow objects] */
TEST(the_last_copy_needs_no_shadow)
{
    vm_address_t a = lettered(8), b = 0;
    uint64_t original;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    original = region_at(a).object_id;
    REQUIRE_KR(vm_remap(SELF, &b, SIZE, 0, TRUE, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    release(b, SIZE);
    BYTE(a) = 'x';
    EXPECT_EQ(region_at(a).object_id, original);
    EXPECT_EQ(region_at(a).shadow_depth, 0);
    release(a, SIZE);
}

/* ---- a task's account ---- */

/* A task's virtual size is what it has allocated, touched or not. [KI task_info] */
TEST(virtual_size_counts_what_is_allocated)
{
    vm_size_t before = basic_info(SELF).virtual_size;
    vm_address_t a = fresh(1UL << 30);

    REQUIRE_TRUE(a != 0);
    EXPECT_EQ(basic_info(SELF).virtual_size, before + (1UL << 30));
    release(a, 1UL << 29);
    EXPECT_EQ(basic_info(SELF).virtual_size, before + (1UL << 29));
    release(a + (1UL << 29), 1UL << 29);
    EXPECT_EQ(basic_info(SELF).virtual_size, before);
}

/* Its resident size is what of that is in memory, and mapped. [KI task_info] */
TEST(resident_size_counts_what_is_touched)
{
    vm_address_t a = fresh(SIZE);
    vm_size_t before = basic_info(SELF).resident_size;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 1, SIZE);
    EXPECT_EQ(basic_info(SELF).resident_size, before + SIZE);
    release(a, SIZE / 2);
    EXPECT_EQ(basic_info(SELF).resident_size, before + SIZE / 2);
    release(a + SIZE / 2, SIZE / 2);
    EXPECT_EQ(basic_info(SELF).resident_size, before);
}

/* Each first touch of a page is a fault; each later one is not. [KI task_info] */
TEST(faults_are_counted)
{
    vm_address_t a = fresh(SIZE);
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    before = events_info(SELF).faults;
    memset((void *)a, 1, SIZE);
    EXPECT_EQ(events_info(SELF).faults, before + SIZE / PAGE_SIZE);
    memset((void *)a, 2, SIZE);
    EXPECT_EQ(events_info(SELF).faults, before + SIZE / PAGE_SIZE);
    release(a, SIZE);
}

/* Copy-on-write faults are counted by themselves: one for each page that is copied. [KI task_info] */
TEST(copies_are_counted)
{
    vm_address_t a = lettered(8), b = 0;
    uint32_t before;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_remap(SELF, &b, SIZE, 0, TRUE, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    before = events_info(SELF).cow_faults;
    for (int i = 0; i < 5; i++)
        BYTE(b + i * PAGE_SIZE) = 'x';
    EXPECT_EQ(events_info(SELF).cow_faults, before + 5);
    BYTE(b) = 'y';
    EXPECT_EQ(events_info(SELF).cow_faults, before + 5);
    release(a, SIZE);
    release(b, SIZE);
}

/* How much a task may map can be limited; above the limit an allocation fails with
 * KERN_RESOURCE_SHORTAGE, whoever makes it, and what was given back can be had again. [host_priv.defs] */
TEST(virtual_memory_can_be_limited)
{
    struct task_limits_info info = {{0}, {0}};
    mach_msg_type_number_t count = TASK_LIMITS_INFO_COUNT;
    vm_address_t a = 0, b = 0, data = lettered(8);
    task_limits_t limits;
    vm_prot_t cur, max;
    task_t task;

    REQUIRE_TRUE(data != 0);
    REQUIRE_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    REQUIRE_KR(task_info(task, TASK_LIMITS_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    EXPECT_EQ(info.used.virtual_memory, 0);
    limits = info.limit;
    limits.virtual_memory = 3 * SIZE;
    REQUIRE_KR(task_set_limits(test_host_priv(), task, limits), KERN_SUCCESS);
    EXPECT_KR(vm_allocate(task, &a, 3 * SIZE + 1, TRUE), KERN_RESOURCE_SHORTAGE);
    EXPECT_KR(vm_allocate(task, &a, ~0UL >> 16, TRUE), KERN_RESOURCE_SHORTAGE);
    EXPECT_KR(vm_allocate(task, &a, 2 * SIZE, TRUE), KERN_SUCCESS);
    EXPECT_KR(vm_allocate(task, &b, 2 * SIZE, TRUE), KERN_RESOURCE_SHORTAGE);
    EXPECT_KR(vm_remap(task, &b, 2 * SIZE, 0, TRUE, task, a, FALSE, &cur, &max, VM_INHERIT_COPY),
              KERN_RESOURCE_SHORTAGE);
    EXPECT_KR(vm_remap(task, &b, SIZE, 0, TRUE, SELF, data, FALSE, &cur, &max, VM_INHERIT_COPY),
              KERN_SUCCESS); /* all of it now */
    EXPECT_KR(vm_map(task, &b, PAGE_SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                     VM_INHERIT_COPY), KERN_RESOURCE_SHORTAGE);
    EXPECT_KR(set_byte_of(task, a, 'x'), KERN_SUCCESS); /* what it has it may use */
    EXPECT_KR(vm_deallocate(task, a, SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_allocate(task, &a, SIZE, FALSE), KERN_SUCCESS);
    count = TASK_LIMITS_INFO_COUNT;
    REQUIRE_KR(task_info(task, TASK_LIMITS_INFO, (task_info_t)&info, &count), KERN_SUCCESS);
    EXPECT_EQ(info.used.virtual_memory, 3 * SIZE);
    EXPECT_EQ(info.limit.virtual_memory, 3 * SIZE);
    task_terminate(task);
    mach_port_deallocate(SELF, task);
    release(data, SIZE);
}

/* A flavor there is not, and too little room, are KERN_INVALID_ARGUMENT. [KI task_info] */
TEST(unknown_flavors_are_refused)
{
    natural_t info[TASK_INFO_MAX];
    mach_msg_type_number_t count = TASK_INFO_MAX;

    EXPECT_KR(task_info(SELF, 9999, info, &count), KERN_INVALID_ARGUMENT);
    count = TASK_BASIC_INFO_COUNT - 1;
    EXPECT_KR(task_info(SELF, TASK_BASIC_INFO, info, &count), KERN_INVALID_ARGUMENT);
}

/* ---- the machine's ---- */

/* Each page is free, active, inactive or wired: they add up. [KI vm_statistics] */
TEST(pages_add_up)
{
    struct vm_statistics stats = statistics();

    EXPECT_EQ(stats.pagesize, PAGE_SIZE);
    EXPECT_TRUE(stats.total_count > 0 && stats.free_count > 0 && stats.wire_count > 0);
    EXPECT_TRUE(stats.free_count + stats.active_count + stats.inactive_count + stats.wire_count
                <= stats.total_count + 8); /* of what another CPU is at */
    EXPECT_TRUE(stats.free_count + stats.active_count + stats.inactive_count + stats.wire_count + 8
                >= stats.total_count);
}

/* Any task's port will do to ask. [KI vm_statistics] */
TEST(statistics_by_a_task_are_the_machines)
{
    struct vm_statistics before = statistics(), stats = {0};

    REQUIRE_KR(vm_statistics(SELF, &stats), KERN_SUCCESS);
    EXPECT_EQ(stats.pagesize, PAGE_SIZE);
    EXPECT_EQ(stats.total_count, before.total_count);
    EXPECT_TRUE(stats.faults >= before.faults && stats.zero_fill_count >= before.zero_fill_count);
    EXPECT_KR(vm_statistics(mach_thread_self_cached(), &stats), KERN_INVALID_ARGUMENT);
}

/* What is allocated, touched and copied shows in the counters of all tasks together. [KI
 * vm_statistics] */
TEST(statistics_count_zero_fills_and_copies)
{
    struct vm_statistics before = statistics(), after;
    vm_address_t a = lettered(8), b = 0;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    after = statistics();
    EXPECT_TRUE(after.zero_fill_count >= before.zero_fill_count + 8);
    EXPECT_TRUE(after.faults >= before.faults + 8);
    EXPECT_TRUE(after.free_count + 8 <= before.free_count);
    REQUIRE_KR(vm_remap(SELF, &b, SIZE, 0, TRUE, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    BYTE(b) = 'x';
    EXPECT_TRUE(statistics().cow_faults >= before.cow_faults + 1);
    release(a, SIZE);
    release(b, SIZE);
}

TEST_MAIN
