/*
 * Virtual memory of one task: each routine of vm_map.defs and each of its error codes, demand zero.
 * (mach_cow.c: between tasks. mach_pager.c: memory that a user task pages.)
 */
#include "mach_test.h"

#define TOP (VM_MAX_ADDRESS - PAGE_SIZE)
#define KERNEL_ADDRESS 0xffff000040000000UL

/* Fresh zero-filled memory; 0: none. */
static vm_address_t fresh(vm_size_t size)
{
    vm_address_t address = 0;

    return vm_allocate(SELF, &address, size, TRUE) == KERN_SUCCESS ? address : 0;
}

/* Can one byte be read, or written? As an error code, and not as an exception. */
static kern_return_t readable(vm_address_t address)
{
    mach_msg_type_number_t count;
    vm_offset_t data;
    kern_return_t kr = vm_read(SELF, address, 1, &data, &count);

    if (kr == KERN_SUCCESS)
        vm_deallocate(SELF, data, count);
    return kr;
}

static kern_return_t writable(vm_address_t address)
{
    char byte = 'w';

    return vm_write(SELF, address, (vm_offset_t)&byte, 1);
}

static struct vm_region_info region_at(vm_address_t address, vm_size_t *size)
{
    struct vm_region_info info;
    vm_address_t start = address;

    memset(&info, 0, sizeof info);
    *size = 0;
    if (vm_region(SELF, &start, size, &info) != KERN_SUCCESS || start > address)
        *size = 0; /* nothing is there */
    return info;
}

static boolean_t is_filled(const char *at, char value, vm_size_t size)
{
    for (vm_size_t i = 0; i < size; i++)
        if (at[i] != value)
            return FALSE;
    return TRUE;
}

/* ---- allocate, deallocate ---- */

TEST(allocated_memory_is_zero)
{
    vm_address_t a = fresh(5 * PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    EXPECT_TRUE(page_aligned(a));
    EXPECT_TRUE(is_filled((char *)a, 0, 5 * PAGE_SIZE));
    memset((void *)a, 'x', 5 * PAGE_SIZE);
    EXPECT_KR(vm_deallocate(SELF, a, 5 * PAGE_SIZE), KERN_SUCCESS);
    REQUIRE_KR(vm_allocate(SELF, &a, 5 * PAGE_SIZE, FALSE), KERN_SUCCESS); /* the same place anew */
    EXPECT_TRUE(is_filled((char *)a, 0, 5 * PAGE_SIZE));
    EXPECT_KR(vm_deallocate(SELF, a, 5 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(untouched_memory_costs_nothing)
{
    struct host_counters before, after;
    vm_address_t a;

    counters(&before);
    a = fresh(1UL << 40);
    REQUIRE_TRUE(a != 0);
    *(char *)(a + (1UL << 39)) = 1;
    counters(&after);
    EXPECT_TRUE(before.free_pages - after.free_pages < 16); /* the page, and its page tables */
    EXPECT_KR(vm_deallocate(SELF, a, 1UL << 40), KERN_SUCCESS);
}

TEST(allocate_rounds_out_to_pages)
{
    vm_address_t a = fresh(1), b;
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(readable(a + PAGE_SIZE - 1), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, a + 17, 1), KERN_SUCCESS);
    EXPECT_KR(readable(a), KERN_INVALID_ADDRESS);
    b = a + 17;
    REQUIRE_KR(vm_allocate(SELF, &b, PAGE_SIZE, FALSE), KERN_SUCCESS); /* two pages hold that range */
    EXPECT_EQ(b, a);
    region_at(a, &size);
    EXPECT_TRUE(size >= PAGE_SIZE);
    EXPECT_KR(vm_deallocate(SELF, a, 2 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(a_place_that_is_taken_is_refused)
{
    vm_address_t a = fresh(3 * PAGE_SIZE), b = a + PAGE_SIZE;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_allocate(SELF, &b, PAGE_SIZE, FALSE), KERN_NO_SPACE);
    b = a - PAGE_SIZE;
    EXPECT_KR(vm_allocate(SELF, &b, 8 * PAGE_SIZE, FALSE), KERN_NO_SPACE);
    EXPECT_KR(vm_deallocate(SELF, a, 3 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(impossible_sizes_and_places)
{
    static const vm_size_t sizes[] = {~0UL, ~0UL - PAGE_SIZE, 1UL << 63, VM_MAX_ADDRESS + 1};
    vm_address_t a = 0;

    EXPECT_KR(vm_allocate(SELF, &a, 0, TRUE), KERN_INVALID_ARGUMENT);
    for (unsigned i = 0; i < 4; i++) {
        a = 0;
        EXPECT_TRUE(vm_allocate(SELF, &a, sizes[i], TRUE) != KERN_SUCCESS);
        a = PAGE_SIZE;
        EXPECT_TRUE(vm_allocate(SELF, &a, sizes[i], FALSE) != KERN_SUCCESS);
    }
    a = 0;
    EXPECT_KR(vm_allocate(SELF, &a, VM_MAX_ADDRESS, TRUE), KERN_NO_SPACE);
    a = VM_MAX_ADDRESS;
    EXPECT_KR(vm_allocate(SELF, &a, PAGE_SIZE, FALSE), KERN_INVALID_ADDRESS);
    a = TOP;
    EXPECT_KR(vm_allocate(SELF, &a, 2 * PAGE_SIZE, FALSE), KERN_INVALID_ADDRESS);
    a = KERNEL_ADDRESS;
    EXPECT_TRUE(vm_allocate(SELF, &a, PAGE_SIZE, FALSE) != KERN_SUCCESS);
}

TEST(the_last_page_can_be_had)
{
    vm_address_t a = TOP;

    REQUIRE_KR(vm_allocate(SELF, &a, PAGE_SIZE, FALSE), KERN_SUCCESS);
    *(volatile char *)a = 1;
    EXPECT_KR(vm_deallocate(SELF, a, PAGE_SIZE), KERN_SUCCESS);
}

TEST(anywhere_is_never_page_zero)
{
    vm_address_t a = 0, zero = 0;

    REQUIRE_KR(vm_allocate(SELF, &a, PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_TRUE(a >= VM_MIN_ADDRESS);
    EXPECT_KR(vm_deallocate(SELF, a, PAGE_SIZE), KERN_SUCCESS);
    REQUIRE_KR(vm_allocate(SELF, &zero, PAGE_SIZE, FALSE), KERN_SUCCESS); /* who asks may have it */
    EXPECT_EQ(zero, 0);
    EXPECT_KR(vm_deallocate(SELF, 0, PAGE_SIZE), KERN_SUCCESS);
}

TEST(deallocate_cuts_a_hole)
{
    vm_address_t a = fresh(3 * PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 'h', 3 * PAGE_SIZE);
    EXPECT_KR(vm_deallocate(SELF, a + PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(readable(a), KERN_SUCCESS);
    EXPECT_KR(readable(a + PAGE_SIZE), KERN_INVALID_ADDRESS);
    EXPECT_TRUE(is_filled((char *)a, 'h', PAGE_SIZE));
    EXPECT_TRUE(is_filled((char *)(a + 2 * PAGE_SIZE), 'h', PAGE_SIZE));
    EXPECT_KR(vm_deallocate(SELF, a, 3 * PAGE_SIZE), KERN_SUCCESS); /* over the hole */
    EXPECT_KR(vm_deallocate(SELF, a, 3 * PAGE_SIZE), KERN_SUCCESS); /* all hole */
    EXPECT_TRUE(vm_deallocate(SELF, ~0UL - PAGE_SIZE + 1, 2 * PAGE_SIZE) != KERN_SUCCESS);
}

TEST(pages_come_back)
{
    struct host_counters before, after;

    for (int i = 0; i < 2; i++) { /* the first round may leave page tables and zones grown */
        vm_address_t a;

        counters(&before);
        a = fresh(64 * PAGE_SIZE);
        REQUIRE_TRUE(a != 0);
        memset((void *)a, 1, 64 * PAGE_SIZE);
        counters(&after);
        EXPECT_TRUE(before.free_pages - after.free_pages >= 64);
        EXPECT_KR(vm_deallocate(SELF, a, 64 * PAGE_SIZE), KERN_SUCCESS);
        counters(&after);
    }
    EXPECT_TRUE(after.free_pages + 4 >= before.free_pages);
    EXPECT_EQ(after.anonymous_pages, before.anonymous_pages);
}

/* ---- protect, inherit ---- */

TEST(protection_is_enforced)
{
    vm_address_t a = fresh(3 * PAGE_SIZE);
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    *(char *)(a + PAGE_SIZE) = 'p';
    REQUIRE_KR(vm_protect(SELF, a + PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(readable(a + PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(writable(a + PAGE_SIZE), KERN_PROTECTION_FAILURE);
    EXPECT_KR(writable(a), KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, a + PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(readable(a + PAGE_SIZE), KERN_PROTECTION_FAILURE);
    EXPECT_EQ(region_at(a + PAGE_SIZE, &size).protection, VM_PROT_NONE);
    REQUIRE_KR(vm_protect(SELF, a + PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
    EXPECT_EQ(*(char *)(a + PAGE_SIZE), 'p');
    region_at(a, &size);
    EXPECT_TRUE(size >= 3 * PAGE_SIZE); /* what was cut apart is joined again */
    EXPECT_KR(vm_deallocate(SELF, a, 3 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(writable_is_never_executable)
{
    vm_address_t a = fresh(PAGE_SIZE), b = 0;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_ALL), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_WRITE | VM_PROT_EXECUTE),
              KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ | VM_PROT_EXECUTE), KERN_SUCCESS);
    EXPECT_KR(vm_map(SELF, &b, PAGE_SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_ALL, VM_PROT_ALL,
                     VM_INHERIT_COPY), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_deallocate(SELF, a, PAGE_SIZE), KERN_SUCCESS);
}

TEST(maximum_protection_only_falls)
{
    vm_address_t a = fresh(PAGE_SIZE);
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_EQ(region_at(a, &size).protection, VM_PROT_READ); /* it is lowered with it */
    EXPECT_EQ(region_at(a, &size).max_protection, VM_PROT_READ);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_deallocate(SELF, a, PAGE_SIZE), KERN_SUCCESS);
}

TEST(a_hole_fails_the_whole_range)
{
    vm_address_t a = fresh(3 * PAGE_SIZE);
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_deallocate(SELF, a + PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_protect(SELF, a, 3 * PAGE_SIZE, FALSE, VM_PROT_READ), KERN_INVALID_ADDRESS);
    EXPECT_EQ(region_at(a, &size).protection, VM_PROT_DEFAULT); /* no partial effect */
    EXPECT_KR(vm_inherit(SELF, a, 3 * PAGE_SIZE, VM_INHERIT_NONE), KERN_INVALID_ADDRESS);
    EXPECT_EQ(region_at(a, &size).inheritance, VM_INHERIT_COPY);
    EXPECT_KR(vm_copy(SELF, a, 3 * PAGE_SIZE, a), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_deallocate(SELF, a, 3 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(bad_values_are_refused)
{
    vm_address_t a = fresh(PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, 0x80), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_inherit(SELF, a, PAGE_SIZE, 3), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_inherit(SELF, a, PAGE_SIZE, -1), KERN_INVALID_ARGUMENT);
    EXPECT_TRUE(vm_protect(SELF, a, ~0UL, FALSE, VM_PROT_READ) != KERN_SUCCESS);
    EXPECT_TRUE(vm_inherit(SELF, ~0UL - 1, 2, VM_INHERIT_NONE) != KERN_SUCCESS);
    EXPECT_TRUE(vm_protect(SELF, KERNEL_ADDRESS, PAGE_SIZE, FALSE, VM_PROT_READ) != KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, a, PAGE_SIZE), KERN_SUCCESS);
}

/* ---- read, write, copy ---- */

TEST(read_gives_a_copy)
{
    vm_size_t sizes[] = {1, 100, PAGE_SIZE, PAGE_SIZE + 1, 64 * PAGE_SIZE - 7};
    vm_address_t a = fresh(64 * PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    for (vm_size_t i = 0; i < 64 * PAGE_SIZE; i++)
        ((char *)a)[i] = (char)(i * 7 + (i >> 12));
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mach_msg_type_number_t count;
        vm_offset_t data;

        REQUIRE_KR(vm_read(SELF, a + 5, sizes[i], &data, &count), KERN_SUCCESS);
        EXPECT_EQ(count, sizes[i]);
        EXPECT_TRUE(memcmp((void *)data, (void *)(a + 5), sizes[i]) == 0);
        memset((void *)data, 0, sizes[i]); /* its own */
        EXPECT_EQ(((char *)a)[6], (char)(6 * 7));
        EXPECT_KR(vm_deallocate(SELF, data, count), KERN_SUCCESS);
    }
    EXPECT_KR(vm_deallocate(SELF, a, 64 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(read_errors)
{
    vm_address_t a = fresh(3 * PAGE_SIZE);
    mach_msg_type_number_t count;
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_read(SELF, a, 2 * PAGE_SIZE, &data, &count), KERN_PROTECTION_FAILURE);
    REQUIRE_KR(vm_deallocate(SELF, a + 2 * PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_read(SELF, a + 2 * PAGE_SIZE, 1, &data, &count), KERN_INVALID_ADDRESS);
    EXPECT_TRUE(vm_read(SELF, a, ~0UL, &data, &count) != KERN_SUCCESS);
    EXPECT_TRUE(vm_read(SELF, a, ~0UL - a, &data, &count) != KERN_SUCCESS);
    EXPECT_TRUE(vm_read(SELF, KERNEL_ADDRESS, 8, &data, &count) != KERN_SUCCESS);
    EXPECT_TRUE(vm_read(SELF, TOP, 2 * PAGE_SIZE, &data, &count) != KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, a, 3 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(write_overwrites_at_any_alignment)
{
    vm_address_t a = fresh(20 * PAGE_SIZE), b = fresh(20 * PAGE_SIZE);
    vm_size_t size = 17 * PAGE_SIZE + 3;

    REQUIRE_TRUE(a != 0 && b != 0);
    memset((void *)a, 'a', 20 * PAGE_SIZE);
    memset((void *)b, 'b', 20 * PAGE_SIZE);
    REQUIRE_KR(vm_write(SELF, b + 100, a + 11, size), KERN_SUCCESS);
    EXPECT_TRUE(is_filled((char *)b, 'b', 100));
    EXPECT_TRUE(is_filled((char *)b + 100, 'a', size));
    EXPECT_TRUE(is_filled((char *)b + 100 + size, 'b', 20 * PAGE_SIZE - 100 - size));
    REQUIRE_KR(vm_protect(SELF, b + 8 * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    memset((void *)b, 'c', PAGE_SIZE);
    EXPECT_KR(vm_write(SELF, b, a, 20 * PAGE_SIZE), KERN_PROTECTION_FAILURE);
    EXPECT_EQ(*(char *)b, 'c'); /* checked before anything is written */
    EXPECT_TRUE(vm_write(SELF, ~0UL - 3, a, 8) != KERN_SUCCESS);
    EXPECT_TRUE(vm_write(SELF, KERNEL_ADDRESS, a, 8) != KERN_SUCCESS);
    EXPECT_TRUE(vm_write(SELF, b, KERNEL_ADDRESS, 8) != KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, a, 20 * PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, b, 20 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(copy_inside_a_task)
{
    vm_address_t a = fresh(8 * PAGE_SIZE), b = fresh(8 * PAGE_SIZE);

    REQUIRE_TRUE(a != 0 && b != 0);
    memset((void *)a, '1', 8 * PAGE_SIZE);
    memset((void *)b, '2', 8 * PAGE_SIZE);
    REQUIRE_KR(vm_copy(SELF, a, 4 * PAGE_SIZE, b + PAGE_SIZE), KERN_SUCCESS);
    EXPECT_TRUE(is_filled((char *)b, '2', PAGE_SIZE));
    EXPECT_TRUE(is_filled((char *)(b + PAGE_SIZE), '1', 4 * PAGE_SIZE));
    EXPECT_TRUE(is_filled((char *)(b + 5 * PAGE_SIZE), '2', 3 * PAGE_SIZE));
    memset((void *)a, '3', PAGE_SIZE); /* neither sees what the other writes */
    memset((void *)(b + 2 * PAGE_SIZE), '4', PAGE_SIZE);
    EXPECT_TRUE(is_filled((char *)(b + PAGE_SIZE), '1', PAGE_SIZE));
    EXPECT_TRUE(is_filled((char *)(a + PAGE_SIZE), '1', PAGE_SIZE));
    REQUIRE_KR(vm_protect(SELF, b, 8 * PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_copy(SELF, a, PAGE_SIZE, b), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_copy(SELF, a + 8, PAGE_SIZE, b), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_copy(SELF, a, PAGE_SIZE, b + 8), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_deallocate(SELF, a, 8 * PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, b, 8 * PAGE_SIZE), KERN_SUCCESS);
}

/* ---- map, remap, region ---- */

TEST(map_without_an_object_is_zero_filled_and_aligned)
{
    vm_address_t a = 0;
    vm_size_t size;
    struct vm_region_info info;

    REQUIRE_KR(vm_map(SELF, &a, 2 * PAGE_SIZE, 0x1fffff, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ,
                      VM_PROT_DEFAULT, VM_INHERIT_NONE), KERN_SUCCESS);
    EXPECT_EQ(a & 0x1fffff, 0);
    EXPECT_EQ(*(char *)a, 0);
    info = region_at(a, &size);
    EXPECT_EQ(size, 2 * PAGE_SIZE);
    EXPECT_EQ(info.protection, VM_PROT_READ);
    EXPECT_EQ(info.max_protection, VM_PROT_DEFAULT);
    EXPECT_EQ(info.inheritance, VM_INHERIT_NONE);
    EXPECT_KR(vm_deallocate(SELF, a, 2 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(map_errors)
{
    mach_port_t dead = new_port_send();
    vm_address_t a = 0;

    EXPECT_KR(vm_map(SELF, &a, PAGE_SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
                     VM_PROT_READ, VM_INHERIT_COPY), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_map(SELF, &a, PAGE_SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
                     VM_PROT_ALL, 9), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_map(SELF, &a, PAGE_SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, 0x40, 0x40,
                     VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    EXPECT_TRUE(vm_map(SELF, &a, 0, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
                       VM_INHERIT_COPY) != KERN_SUCCESS);
    EXPECT_TRUE(vm_map(SELF, &a, PAGE_SIZE, 0, TRUE, mach_task_self(), 0, FALSE, VM_PROT_DEFAULT,
                       VM_PROT_ALL, VM_INHERIT_COPY) != KERN_SUCCESS); /* a kernel port is no pager */
    EXPECT_TRUE(vm_map(SELF, &a, PAGE_SIZE, 0, TRUE, dead, 5, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
                       VM_INHERIT_COPY) != KERN_SUCCESS); /* an offset inside a page */
    mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_RECEIVE, -1);
    EXPECT_TRUE(vm_map(SELF, &a, PAGE_SIZE, 0, TRUE, dead, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
                       VM_INHERIT_COPY) != KERN_SUCCESS);
    mach_port_deallocate(SELF, dead);
}

TEST(remap_shares)
{
    vm_address_t a = fresh(4 * PAGE_SIZE), b = 0;
    vm_prot_t cur = 0, max = 0;
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    *(volatile char *)a = 's';
    REQUIRE_KR(vm_remap(SELF, &b, 4 * PAGE_SIZE, 0, TRUE, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    EXPECT_EQ(cur, VM_PROT_DEFAULT);
    EXPECT_TRUE((max & VM_PROT_DEFAULT) == VM_PROT_DEFAULT);
    EXPECT_EQ(*(volatile char *)b, 's');
    *(volatile char *)(b + PAGE_SIZE) = 't'; /* a page that neither had */
    EXPECT_EQ(*(volatile char *)(a + PAGE_SIZE), 't');
    *(volatile char *)(a + 2 * PAGE_SIZE) = 'u';
    EXPECT_EQ(*(volatile char *)(b + 2 * PAGE_SIZE), 'u');
    EXPECT_TRUE(region_at(a, &size).shared);
    EXPECT_EQ(region_at(a, &size).object_id, region_at(b, &size).object_id);
    EXPECT_KR(vm_deallocate(SELF, a, 4 * PAGE_SIZE), KERN_SUCCESS);
    EXPECT_EQ(*(volatile char *)b, 's'); /* it stays as long as one maps it */
    EXPECT_KR(vm_deallocate(SELF, b, 4 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(remap_copies)
{
    vm_address_t a = fresh(4 * PAGE_SIZE), b = 0;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 'o', 4 * PAGE_SIZE);
    REQUIRE_KR(vm_remap(SELF, &b, 4 * PAGE_SIZE, 0, TRUE, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    *(volatile char *)a = 'A';
    *(volatile char *)(b + PAGE_SIZE) = 'B';
    EXPECT_EQ(*(volatile char *)b, 'o');
    EXPECT_EQ(*(volatile char *)(a + PAGE_SIZE), 'o');
    EXPECT_KR(vm_deallocate(SELF, a, 4 * PAGE_SIZE), KERN_SUCCESS);
    EXPECT_TRUE(is_filled((char *)(b + 2 * PAGE_SIZE), 'o', 2 * PAGE_SIZE));
    EXPECT_KR(vm_deallocate(SELF, b, 4 * PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_remap(SELF, &b, PAGE_SIZE, 0, TRUE, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY),
              KERN_INVALID_ADDRESS);
}

TEST(regions_come_in_order)
{
    vm_address_t a = fresh(6 * PAGE_SIZE), at;
    struct vm_region_info info;
    vm_size_t size;
    int count = 0;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + 2 * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_KR(vm_deallocate(SELF, a + 4 * PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    at = a + 4 * PAGE_SIZE;
    REQUIRE_KR(vm_region(SELF, &at, &size, &info), KERN_SUCCESS); /* the next above the hole */
    EXPECT_EQ(at, a + 5 * PAGE_SIZE);
    for (at = 0; vm_region(SELF, &at, &size, &info) == KERN_SUCCESS; at += size, count++)
        REQUIRE_TRUE(size != 0 && page_aligned(at) && page_aligned(size));
    EXPECT_TRUE(count > 5);
    at = TOP;
    EXPECT_KR(vm_region(SELF, &at, &size, &info), KERN_NO_SPACE);
    at = KERNEL_ADDRESS;
    EXPECT_KR(vm_region(SELF, &at, &size, &info), KERN_NO_SPACE);
    EXPECT_KR(vm_deallocate(SELF, a, 6 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(a_thousand_holes_leave_no_entries)
{
    struct host_counters before, after;
    vm_address_t a;

    counters(&before);
    a = fresh(2000 * PAGE_SIZE);
    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < 1000; i++)
        REQUIRE_KR(vm_deallocate(SELF, a + 2 * i * PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    for (int i = 0; i < 1000; i++)
        REQUIRE_KR(vm_protect(SELF, a + (2 * i + 1) * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ),
                   KERN_SUCCESS);
    counters(&after);
    EXPECT_TRUE(after.vm_map_entries >= before.vm_map_entries + 999);
    EXPECT_KR(vm_deallocate(SELF, a, 2000 * PAGE_SIZE), KERN_SUCCESS);
    counters(&after);
    EXPECT_TRUE(after.vm_map_entries <= before.vm_map_entries + 1);
}

/* ---- msync, machine_attribute ---- */

TEST(msync_of_anonymous_memory)
{
    vm_address_t a = fresh(2 * PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_msync(SELF, a, 2 * PAGE_SIZE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
    EXPECT_KR(vm_msync(SELF, a, 2 * PAGE_SIZE, VM_SYNC_ASYNCHRONOUS), KERN_SUCCESS);
    EXPECT_TRUE(vm_msync(SELF, a, 2 * PAGE_SIZE, 0x100) != KERN_SUCCESS);
    EXPECT_TRUE(vm_msync(SELF, a, ~0UL, VM_SYNC_SYNCHRONOUS) != KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, a, 2 * PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_msync(SELF, a, 2 * PAGE_SIZE, VM_SYNC_SYNCHRONOUS), KERN_INVALID_ADDRESS);
}

TEST(code_can_be_written_and_run)
{
    vm_address_t a = fresh(PAGE_SIZE);
    uint32_t *code = (uint32_t *)a;
    int (*function)(void) = (int (*)(void))a;
    int value = MATTR_VAL_ICACHE_FLUSH;

    REQUIRE_TRUE(a != 0);
    for (unsigned i = 1; i <= 3; i++) {
        REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
        code[0] = 0x52800000 | (i * 111) << 5; /* mov w0, #imm */
        code[1] = 0xd65f03c0;                  /* ret */
        REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ | VM_PROT_EXECUTE),
                   KERN_SUCCESS);
        REQUIRE_KR(vm_machine_attribute(SELF, a, PAGE_SIZE, MATTR_CACHE, &value), KERN_SUCCESS);
        EXPECT_EQ(function(), i * 111);
    }
    EXPECT_TRUE(vm_machine_attribute(SELF, a, PAGE_SIZE, 77, &value) != KERN_SUCCESS);
    value = 99;
    EXPECT_TRUE(vm_machine_attribute(SELF, a, PAGE_SIZE, MATTR_CACHE, &value) != KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, a, PAGE_SIZE), KERN_SUCCESS);
}

TEST_MAIN
