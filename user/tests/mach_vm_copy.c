/*
 * Mach by example, 25: reading, writing and copying memory by messages. vm_read gives a copy to who
 * asks, vm_write and vm_copy overwrite what is there; all or nothing, as far as that can be known
 * before.
 */
#include "mach_memory.h"

#define SIZE (8 * PAGE_SIZE)

/* Memory in which every byte tells where it is. */
static vm_address_t patterned(vm_size_t size)
{
    vm_address_t a = fresh(size);

    for (vm_size_t i = 0; a != 0 && i < size; i++)
        ((uint8_t *)a)[i] = (uint8_t)(i * 7 + (i >> PAGE_SHIFT));
    return a;
}

static boolean_t same(vm_address_t a, vm_address_t b, vm_size_t size)
{
    return memcmp((void *)a, (void *)b, size) == 0;
}

/* Reads size bytes at a and gives them to check, with their address. */
static void read_case(vm_address_t a, vm_size_t size)
{
    mach_msg_type_number_t count = 0;
    vm_offset_t data = 0;

    REQUIRE_KR(vm_read(SELF, a, size, &data, &count), KERN_SUCCESS);
    EXPECT_EQ(count, size);
    EXPECT_TRUE(data != 0 && (data + size <= a || data >= a + size));
    EXPECT_TRUE(same(data, a, size));
    release(data, count);
}

/* ---- vm_read ---- */

/* Memory is read as it is, from any byte on, and as much as one likes. [KI vm_read] */
TEST(read_of_every_size_and_place)
{
    static const vm_size_t sizes[] = {1, 8, 100, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
                                      2 * PAGE_SIZE, 2 * PAGE_SIZE + 1, 5 * PAGE_SIZE};
    static const vm_offset_t offsets[] = {0, 1, 2047, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 5};
    vm_address_t a = patterned(SIZE);

    REQUIRE_TRUE(a != 0);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned j = 0; j < sizeof offsets / sizeof *offsets; j++)
            read_case(a + offsets[j], sizes[i]);
    release(a, SIZE);
}

/* What was read is the reader's own: writing to it changes nothing else. [KI vm_read] */
TEST(what_was_read_is_ones_own)
{
    static const vm_size_t sizes[] = {10, SIZE}; /* copied by value, and lazily */
    vm_address_t a = lettered(8);

    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < 2; i++) {
        mach_msg_type_number_t count;
        vm_offset_t data;

        REQUIRE_KR(vm_read(SELF, a, sizes[i], &data, &count), KERN_SUCCESS);
        memset((void *)data, 'r', sizes[i]);
        EXPECT_TRUE(is_filled(a, 'a', PAGE_SIZE));
        EXPECT_TRUE(is_filled(data, 'r', sizes[i]));
        release(data, count);
    }
    release(a, SIZE);
}

/* It is what was there at the time, whatever is written later. [KI vm_read] */
TEST(read_gives_a_snapshot)
{
    mach_msg_type_number_t count;
    vm_address_t a = lettered(8);
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_read(SELF, a, SIZE, &data, &count), KERN_SUCCESS);
    memset((void *)a, 'z', SIZE);
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(data + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    release(a, SIZE); /* also if it is no more there */
    EXPECT_EQ(BYTE(data + PAGE_SIZE), 'b');
    release(data, count);
}

/* Memory that nobody touched reads as zeros, and reading it takes no page of it. [KI vm_read] */
TEST(read_of_untouched_memory)
{
    vm_address_t a = fresh(4UL << 20);
    mach_msg_type_number_t count;
    uint32_t before = anonymous_pages();
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_read(SELF, a, 4UL << 20, &data, &count), KERN_SUCCESS);
    EXPECT_EQ(BYTE(data + (2UL << 20)), 0);
    EXPECT_TRUE(anonymous_pages() <= before + 1); /* the one just looked at */
    release(data, count);
    release(a, 4UL << 20);
}

/* A range may have many regions, each with its protection; the copy has one, with none of these. [KI
 * vm_read] */
TEST(read_across_regions)
{
    mach_msg_type_number_t count;
    vm_address_t a = lettered(8);
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < 8; i += 2)
        REQUIRE_KR(vm_protect(SELF, a + i * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_KR(vm_read(SELF, a, SIZE, &data, &count), KERN_SUCCESS);
    for (int i = 0; i < 8; i++) {
        EXPECT_TRUE(is_filled(data + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
        BYTE(data + i * PAGE_SIZE) = 'w';
    }
    release(data, count);
    release(a, SIZE);
}

/* What may not be read is KERN_PROTECTION_FAILURE, were it one byte. [KI vm_read] */
TEST(read_of_unreadable_memory)
{
    mach_msg_type_number_t count;
    vm_address_t a = lettered(8);
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + 4 * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_read(SELF, a, SIZE, &data, &count), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_read(SELF, a + 3 * PAGE_SIZE, PAGE_SIZE + 1, &data, &count), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_read(SELF, a + 4 * PAGE_SIZE, 1, &data, &count), KERN_PROTECTION_FAILURE);
    read_case(a, 4 * PAGE_SIZE);
    release(a, SIZE);
}

/* What is not there is KERN_INVALID_ADDRESS, were it one byte. [KI vm_read] */
TEST(read_of_nothing)
{
    mach_msg_type_number_t count;
    vm_address_t a = lettered(8);
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_read(SELF, a, SIZE + 1, &data, &count), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read(SELF, a + SIZE - 4, 5, &data, &count), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read(SELF, a - 1, 1, &data, &count), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read(SELF, KERNEL_ADDRESS, 8, &data, &count), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read(SELF, LAST_PAGE, 2 * PAGE_SIZE, &data, &count), KERN_INVALID_ADDRESS);
    release(a, SIZE);
}

/* No bytes, or more than a message can name, are KERN_INVALID_ARGUMENT. [vm_map.defs] */
TEST(read_of_impossible_sizes)
{
    mach_msg_type_number_t count;
    vm_address_t a = lettered(1);
    vm_offset_t data;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_read(SELF, a, 0, &data, &count), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_read(SELF, a, 1UL << 32, &data, &count), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_read(SELF, a, ~0UL, &data, &count), KERN_INVALID_ARGUMENT);
    release(a, PAGE_SIZE);
}

/* ---- vm_write ---- */

/* The bytes given replace as many, and no other. [KI vm_write] */
TEST(write_of_every_size_and_place)
{
    static const vm_size_t sizes[] = {1, 100, PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE + 1,
                                      5 * PAGE_SIZE + 3};
    static const vm_offset_t offsets[] = {0, 1, PAGE_SIZE - 1, PAGE_SIZE + 5};
    vm_address_t a = fresh(SIZE), from = patterned(SIZE);

    REQUIRE_TRUE(a != 0 && from != 0);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned j = 0; j < sizeof offsets / sizeof *offsets; j++) {
            vm_offset_t offset = offsets[j], end = offset + sizes[i];

            memset((void *)a, '.', SIZE);
            EXPECT_KR(vm_write(SELF, a + offset, from + 3, sizes[i]), KERN_SUCCESS);
            EXPECT_TRUE(is_filled(a, '.', offset));
            EXPECT_TRUE(same(a + offset, from + 3, sizes[i]));
            EXPECT_TRUE(is_filled(a + end, '.', SIZE - end));
        }
    release(a, SIZE);
    release(from, SIZE);
}

/* What was given stays the caller's, and later changes of it are not seen. [KI vm_write] */
TEST(write_leaves_the_source)
{
    vm_address_t a = fresh(SIZE), from = lettered(8);

    REQUIRE_TRUE(a != 0 && from != 0);
    REQUIRE_KR(vm_write(SELF, a, from, SIZE), KERN_SUCCESS);
    EXPECT_EQ(BYTE(from + PAGE_SIZE), 'b');
    memset((void *)from, 'z', SIZE);
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    release(from, SIZE);
    release(a, SIZE);
}

/* One page that may not be written fails it all: KERN_PROTECTION_FAILURE, and no byte has changed.
 * [KI vm_write] */
TEST(write_to_read_only_memory)
{
    vm_address_t a = lettered(8), from = fresh(SIZE);

    REQUIRE_TRUE(a != 0 && from != 0);
    REQUIRE_KR(vm_protect(SELF, a + 7 * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_write(SELF, a, from, SIZE), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_write(SELF, a + 7 * PAGE_SIZE - 2, from, 4), KERN_PROTECTION_FAILURE);
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    release(a, SIZE);
    release(from, SIZE);
}

/* A hole, too: KERN_INVALID_ADDRESS. [KI vm_write] */
TEST(write_to_a_hole)
{
    vm_address_t a = lettered(8), from = fresh(SIZE);

    REQUIRE_TRUE(a != 0 && from != 0);
    release(a + 6 * PAGE_SIZE, PAGE_SIZE);
    EXPECT_KR(vm_write(SELF, a, from, SIZE), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_write(SELF, a + 6 * PAGE_SIZE - 2, from, 4), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_write(SELF, KERNEL_ADDRESS, from, 8), KERN_INVALID_ADDRESS);
    for (int i = 0; i < 6; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    release(a, SIZE);
    release(from, SIZE);
}

/* Data that is not there cannot be written: the send fails with MACH_SEND_INVALID_MEMORY. [KI
 * mach_msg] */
TEST(write_from_nothing)
{
    vm_address_t a = lettered(1), nothing = fresh(PAGE_SIZE);

    REQUIRE_TRUE(a != 0 && nothing != 0);
    release(nothing, PAGE_SIZE);
    EXPECT_KR(vm_write(SELF, a, nothing, 8), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(vm_write(SELF, a, KERNEL_ADDRESS, 8), MACH_SEND_INVALID_MEMORY);
    EXPECT_KR(vm_write(SELF, a, a, 0), KERN_INVALID_ARGUMENT); /* and no data is none */
    EXPECT_TRUE(is_filled(a, 'a', PAGE_SIZE));
    release(a, PAGE_SIZE);
}

/* ---- vm_copy ---- */

/* Pages are copied over others of the same task; from then on each is by itself. [KI vm_copy] */
TEST(copy_replaces_pages)
{
    vm_address_t a = lettered(8), b = fresh(SIZE);

    REQUIRE_TRUE(a != 0 && b != 0);
    memset((void *)b, '.', SIZE);
    REQUIRE_KR(vm_copy(SELF, a + 2 * PAGE_SIZE, 4 * PAGE_SIZE, b + PAGE_SIZE), KERN_SUCCESS);
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(b + i * PAGE_SIZE, i >= 1 && i < 5 ? 'b' + i : '.', PAGE_SIZE));
    BYTE(a + 2 * PAGE_SIZE) = 'x';
    BYTE(b + 2 * PAGE_SIZE) = 'y';
    EXPECT_EQ(BYTE(b + PAGE_SIZE), 'c');
    EXPECT_EQ(BYTE(a + 3 * PAGE_SIZE), 'd');
    release(a, SIZE);
    release(b, SIZE);
}

/* Where the two ranges overlap the target gets what the source was before. [KI vm_copy] */
TEST(copy_of_overlapping_ranges)
{
    vm_address_t a = lettered(8);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_copy(SELF, a, 6 * PAGE_SIZE, a + 2 * PAGE_SIZE), KERN_SUCCESS); /* upwards */
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, i < 2 ? 'a' + i : 'a' + i - 2, PAGE_SIZE));
    REQUIRE_KR(vm_copy(SELF, a + 2 * PAGE_SIZE, 6 * PAGE_SIZE, a), KERN_SUCCESS); /* and back */
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, i < 6 ? 'a' + i : 'a' + i - 2, PAGE_SIZE));
    REQUIRE_KR(vm_copy(SELF, a, SIZE, a), KERN_SUCCESS);
    EXPECT_TRUE(is_filled(a, 'a', PAGE_SIZE));
    release(a, SIZE);
}

/* Memory that nobody touched is copied as zeros. [KI vm_copy] */
TEST(copy_of_untouched_memory)
{
    vm_address_t a = fresh(SIZE), b = lettered(8);

    REQUIRE_TRUE(a != 0 && b != 0);
    REQUIRE_KR(vm_copy(SELF, a, SIZE, b), KERN_SUCCESS);
    EXPECT_TRUE(is_filled(b, 0, SIZE));
    release(a, SIZE);
    release(b, SIZE);
}

/* Addresses and size are of whole pages: KERN_INVALID_ARGUMENT otherwise. [vm_map.defs] */
TEST(copy_is_of_whole_pages)
{
    vm_address_t a = lettered(4), b = fresh(4 * PAGE_SIZE);

    REQUIRE_TRUE(a != 0 && b != 0);
    EXPECT_KR(vm_copy(SELF, a + 8, PAGE_SIZE, b), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_copy(SELF, a, PAGE_SIZE, b + 8), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_copy(SELF, a, 100, b), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_copy(SELF, a, 0, b), KERN_INVALID_ARGUMENT);
    EXPECT_TRUE(is_filled(b, 0, 4 * PAGE_SIZE));
    release(a, 4 * PAGE_SIZE);
    release(b, 4 * PAGE_SIZE);
}

/* The source must be readable and the target writable, all of both; nothing is changed otherwise.
 * [KI vm_copy] */
TEST(copy_wants_both_ranges_whole)
{
    vm_address_t a = lettered(8), b = fresh(SIZE);

    REQUIRE_TRUE(a != 0 && b != 0);
    REQUIRE_KR(vm_protect(SELF, a + 7 * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_copy(SELF, a, SIZE, b), KERN_PROTECTION_FAILURE);
    release(a + 7 * PAGE_SIZE, PAGE_SIZE);
    EXPECT_KR(vm_copy(SELF, a, SIZE, b), KERN_INVALID_ADDRESS);
    REQUIRE_KR(vm_protect(SELF, b + 5 * PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_copy(SELF, a, 6 * PAGE_SIZE, b), KERN_PROTECTION_FAILURE);
    release(b + 5 * PAGE_SIZE, PAGE_SIZE);
    EXPECT_KR(vm_copy(SELF, a, 6 * PAGE_SIZE, b), KERN_INVALID_ADDRESS);
    EXPECT_TRUE(is_filled(b, 0, 5 * PAGE_SIZE));
    release(a, SIZE);
    release(b, SIZE);
}

TEST_MAIN
