/*
 * Mach by example, 22: allocating memory. A task's addresses are its own to give out: what it
 * allocates is zero, takes no page before it is touched, and is gone as soon as it says so.
 */
#include "mach_memory.h"
#include "mach_exc.h"

#define SIZE (8 * PAGE_SIZE)

/* ---- vm_allocate ---- */

/* New memory reads as zeros. [KI vm_allocate] */
TEST(new_memory_is_zero)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    EXPECT_TRUE(is_filled(a, 0, SIZE));
    release(a, SIZE);
}

/* So does memory at a place where there was other memory before. [KI vm_allocate] */
TEST(memory_allocated_again_is_zero_again)
{
    vm_address_t a = lettered(8);

    REQUIRE_TRUE(a != 0);
    release(a, SIZE);
    REQUIRE_KR(vm_allocate(SELF, &a, SIZE, FALSE), KERN_SUCCESS);
    EXPECT_TRUE(is_filled(a, 0, SIZE));
    release(a, SIZE);
}

/* Memory takes a page when it is touched, and not before. [KP, virtual memory] */
TEST(a_page_is_taken_when_touched)
{
    uint32_t before = anonymous_pages();
    vm_address_t a = fresh(64UL << 20);

    REQUIRE_TRUE(a != 0);
    EXPECT_EQ(anonymous_pages(), before);
    BYTE(a + (32UL << 20)) = 1;
    EXPECT_EQ(anonymous_pages(), before + 1);
    BYTE(a + (32UL << 20) + PAGE_SIZE - 1) = 1; /* the same page */
    EXPECT_EQ(anonymous_pages(), before + 1);
    BYTE(a + (32UL << 20) + PAGE_SIZE) = 1;
    EXPECT_EQ(anonymous_pages(), before + 2);
    release(a, 64UL << 20);
}

/* A terabyte that nobody touches costs one map entry. [vm_map.h] */
TEST(untouched_memory_costs_one_entry)
{
    uint32_t entries = map_entries(), pages = anonymous_pages();
    vm_address_t a = fresh(1UL << 40);

    REQUIRE_TRUE(a != 0);
    EXPECT_EQ(map_entries(), entries + 1);
    EXPECT_EQ(anonymous_pages(), pages);
    release(a, 1UL << 40);
}

/* Address and size are rounded out, so that all of the range is in whole pages. [KI vm_allocate] */
TEST(a_range_is_rounded_out_to_pages)
{
    vm_address_t a = fresh(4 * PAGE_SIZE), b = a + PAGE_SIZE + 17;

    REQUIRE_TRUE(a != 0);
    release(a, 4 * PAGE_SIZE);
    REQUIRE_KR(vm_allocate(SELF, &b, PAGE_SIZE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(b, a + PAGE_SIZE);
    EXPECT_KR(readable(a), KERN_INVALID_ADDRESS);
    EXPECT_KR(readable(a + PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(readable(a + 3 * PAGE_SIZE - 1), KERN_SUCCESS); /* it touched two pages */
    EXPECT_KR(readable(a + 3 * PAGE_SIZE), KERN_INVALID_ADDRESS);
    release(b, 2 * PAGE_SIZE);
}

/* Anywhere, the kernel begins to look at the address given. [KI vm_allocate] */
TEST(anywhere_begins_at_the_hint)
{
    const vm_address_t hint = 0x500000000000;
    vm_address_t a = hint, b = hint, c = hint;

    REQUIRE_KR(vm_allocate(SELF, &a, SIZE, TRUE), KERN_SUCCESS);
    EXPECT_EQ(a, hint);
    REQUIRE_KR(vm_allocate(SELF, &b, SIZE, TRUE), KERN_SUCCESS);
    EXPECT_EQ(b, hint + SIZE); /* the first place behind what is taken */
    release(a, SIZE);
    REQUIRE_KR(vm_allocate(SELF, &c, SIZE / 2, TRUE), KERN_SUCCESS);
    EXPECT_EQ(c, hint); /* what was given back is found again */
    release(c, SIZE / 2);
    release(b, SIZE);
}

/* A hole that is too small is passed by. [KI vm_allocate] */
TEST(a_hole_too_small_is_passed_by)
{
    const vm_address_t base = 0x500000000000;
    vm_address_t a = base, b = base, c = base;

    REQUIRE_KR(vm_allocate(SELF, &a, 4 * PAGE_SIZE, FALSE), KERN_SUCCESS);
    release(a + PAGE_SIZE, PAGE_SIZE);
    REQUIRE_KR(vm_allocate(SELF, &b, 2 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_EQ(b, base + 4 * PAGE_SIZE);
    REQUIRE_KR(vm_allocate(SELF, &c, PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_EQ(c, base + PAGE_SIZE);
    release(base, 6 * PAGE_SIZE);
}

/* When nothing is free above the hint, memory is found below it. [vm_map.c] */
TEST(anywhere_goes_round_to_the_bottom)
{
    vm_address_t a = LAST_PAGE;

    REQUIRE_KR(vm_allocate(SELF, &a, SIZE, TRUE), KERN_SUCCESS);
    EXPECT_TRUE(a != 0 && a < LAST_PAGE);
    release(a, SIZE);
}

/* A place of which any part is taken is KERN_NO_SPACE, and nothing is allocated. [KI vm_allocate] */
TEST(a_taken_place_is_no_space)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    release(a, PAGE_SIZE);
    for (vm_size_t skip = 0; skip < SIZE; skip += PAGE_SIZE) {
        vm_address_t b = a + skip;

        EXPECT_KR(vm_allocate(SELF, &b, SIZE, FALSE), KERN_NO_SPACE);
        EXPECT_EQ(b, a + skip);
    }
    EXPECT_KR(readable(a), KERN_INVALID_ADDRESS);
    release(a, SIZE);
}

/* Nothing at all cannot be allocated: KERN_INVALID_ARGUMENT. [vm_map.defs] */
TEST(size_zero_is_refused)
{
    vm_address_t a = 0;

    EXPECT_KR(vm_allocate(SELF, &a, 0, TRUE), KERN_INVALID_ARGUMENT);
    a = 0x500000000000;
    EXPECT_KR(vm_allocate(SELF, &a, 0, FALSE), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_deallocate(SELF, a, 0), KERN_INVALID_ARGUMENT);
}

/* A range that wraps around is KERN_INVALID_ARGUMENT. [vm_map.defs] */
TEST(a_range_that_wraps_is_refused)
{
    vm_address_t a = SIZE;

    EXPECT_KR(vm_allocate(SELF, &a, ~0UL, FALSE), KERN_INVALID_ARGUMENT);
    a = ~0UL - PAGE_SIZE;
    EXPECT_KR(vm_allocate(SELF, &a, 3 * PAGE_SIZE, FALSE), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_deallocate(SELF, SIZE, ~0UL), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_deallocate(SELF, ~0UL, 2), KERN_INVALID_ARGUMENT);
}

/* Addresses that no task has are KERN_INVALID_ADDRESS; more than there are, anywhere, is
 * KERN_NO_SPACE. [vm_map.defs] */
TEST(the_address_space_has_an_end)
{
    vm_address_t a = VM_MAX_ADDRESS;

    EXPECT_KR(vm_allocate(SELF, &a, PAGE_SIZE, FALSE), KERN_INVALID_ADDRESS);
    a = LAST_PAGE;
    EXPECT_KR(vm_allocate(SELF, &a, 2 * PAGE_SIZE, FALSE), KERN_INVALID_ADDRESS);
    a = KERNEL_ADDRESS;
    EXPECT_KR(vm_allocate(SELF, &a, PAGE_SIZE, FALSE), KERN_INVALID_ADDRESS);
    a = 0;
    EXPECT_KR(vm_allocate(SELF, &a, VM_MAX_ADDRESS, TRUE), KERN_NO_SPACE);
    EXPECT_KR(vm_allocate(SELF, &a, VM_MAX_ADDRESS + 1, TRUE), KERN_NO_SPACE);
    EXPECT_KR(vm_allocate(SELF, &a, 1UL << 63, TRUE), KERN_NO_SPACE);
}

/* The last page can be had; page 0 only by who asks for it. [vm_types.h] */
TEST(the_first_and_the_last_page)
{
    vm_address_t first = 0, last = LAST_PAGE, any = 0;

    REQUIRE_KR(vm_allocate(SELF, &last, PAGE_SIZE, FALSE), KERN_SUCCESS);
    BYTE(last + PAGE_SIZE - 1) = 1;
    release(last, PAGE_SIZE);
    REQUIRE_KR(vm_allocate(SELF, &any, PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_TRUE(any >= VM_MIN_ADDRESS);
    release(any, PAGE_SIZE);
    REQUIRE_KR(vm_allocate(SELF, &first, PAGE_SIZE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(first, 0);
    release(first, PAGE_SIZE);
}

/* Neighbours that are alike are one region. [vm_map.c] */
TEST(neighbours_become_one_region)
{
    vm_address_t a = fresh(256 * PAGE_SIZE);
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    release(a, 256 * PAGE_SIZE);
    before = map_entries();
    for (int i = 0; i < 256; i++) { /* from both ends to the middle */
        vm_address_t at = a + (i % 2 ? 255 - i / 2 : i / 2) * PAGE_SIZE;

        REQUIRE_KR(vm_allocate(SELF, &at, PAGE_SIZE, FALSE), KERN_SUCCESS);
    }
    EXPECT_EQ(map_entries(), before + 1);
    EXPECT_EQ(region_size(a), 256 * PAGE_SIZE);
    release(a, 256 * PAGE_SIZE);
}

/* Memory that grows page by page, and is used, is one region, too. [vm_map.c] */
TEST(memory_that_grows_is_one_region)
{
    vm_address_t a = fresh(256 * PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    release(a, 256 * PAGE_SIZE);
    for (int i = 0; i < 256; i++) {
        vm_address_t at = a + i * PAGE_SIZE;

        REQUIRE_KR(vm_allocate(SELF, &at, PAGE_SIZE, FALSE), KERN_SUCCESS);
        BYTE(at) = (char)i;
    }
    EXPECT_EQ(region_size(a), 256 * PAGE_SIZE);
    for (int i = 0; i < 256; i++)
        EXPECT_EQ((uint8_t)BYTE(a + i * PAGE_SIZE), i);
    release(a, 256 * PAGE_SIZE);
}

/* ---- vm_deallocate ---- */

/* Pages are free when their memory is deallocated. [KI vm_deallocate] */
TEST(deallocate_frees_the_pages)
{
    vm_address_t a = lettered(8);
    uint32_t before = anonymous_pages();

    REQUIRE_TRUE(a != 0);
    release(a + 2 * PAGE_SIZE, 3 * PAGE_SIZE);
    EXPECT_EQ(anonymous_pages(), before - 3);
    release(a, SIZE);
    EXPECT_EQ(anonymous_pages(), before - 8);
}

/* A part of a region can be deallocated; the rest keeps its contents. [KI vm_deallocate] */
TEST(deallocate_leaves_the_rest)
{
    vm_address_t a = lettered(8);

    REQUIRE_TRUE(a != 0);
    release(a + 3 * PAGE_SIZE, PAGE_SIZE);
    for (int i = 0; i < 8; i++) {
        EXPECT_KR(readable(a + i * PAGE_SIZE), i == 3 ? KERN_INVALID_ADDRESS : KERN_SUCCESS);
        if (i != 3)
            EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    }
    release(a, SIZE);
}

/* Pages of which the range holds only a part go whole. [KI vm_deallocate] */
TEST(deallocate_takes_whole_pages)
{
    vm_address_t a = lettered(4);

    REQUIRE_TRUE(a != 0);
    release(a + 2 * PAGE_SIZE - 1, 2);
    EXPECT_KR(readable(a + PAGE_SIZE), KERN_INVALID_ADDRESS);
    EXPECT_KR(readable(a + 2 * PAGE_SIZE), KERN_INVALID_ADDRESS);
    EXPECT_EQ(BYTE(a), 'a');
    EXPECT_EQ(BYTE(a + 3 * PAGE_SIZE), 'd');
    release(a, 4 * PAGE_SIZE);
}

/* Where nothing is, nothing is deallocated, and that is no error. [vm_map.defs] */
TEST(deallocate_of_holes_is_no_error)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    for (vm_size_t i = 0; i < SIZE; i += 2 * PAGE_SIZE)
        release(a + i, PAGE_SIZE);
    release(a, SIZE);
    release(a, SIZE);
    EXPECT_EQ(region_size(a), 0);
}

/* The traps vm_allocate and vm_deallocate are for one's own task; of any other name they say
 * MACH_SEND_INVALID_DEST, and the message does it. [traps.h] */
TEST(traps_are_for_ones_own_task)
{
    mach_port_t port = new_port_send();
    struct child child;
    vm_address_t a = 0;

    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    mach_port_t others[] = {child.task, port, mach_thread_self_cached(), MACH_PORT_NULL, MACH_PORT_DEAD,
                            0x7654321};

    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        EXPECT_KR(vm_allocate_trap(others[i], &a, PAGE_SIZE, TRUE), MACH_SEND_INVALID_DEST);
        EXPECT_KR(vm_deallocate_trap(others[i], (vm_address_t)others & ~PAGE_MASK, PAGE_SIZE),
                  MACH_SEND_INVALID_DEST);
        EXPECT_KR(vm_read_overwrite_trap(others[i], (vm_address_t)others, 1, (vm_address_t)&a),
                  MACH_SEND_INVALID_DEST);
    }
    EXPECT_EQ(a, 0);
    EXPECT_KR(vm_allocate_trap(SELF, &a, PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a), 0);
    EXPECT_KR(vm_allocate_trap(SELF, &a, PAGE_SIZE, FALSE), KERN_NO_SPACE);
    EXPECT_KR(vm_deallocate_trap(SELF, a, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(readable(a), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_allocate(child.task, &a, PAGE_SIZE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(region_size(a), 0);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* Who cannot be told where the memory is has been given none. [traps.h] */
TEST(a_trap_that_cannot_answer_allocates_nothing)
{
    vm_address_t a = lettered(1);
    uint32_t before = map_entries();

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_allocate_trap(SELF, (vm_address_t *)a, PAGE_SIZE, TRUE), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_allocate_trap(SELF, (vm_address_t *)8, PAGE_SIZE, TRUE), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_allocate_trap(SELF, (vm_address_t *)KERNEL_ADDRESS, PAGE_SIZE, TRUE),
              KERN_INVALID_ADDRESS);
    EXPECT_EQ(map_entries(), before);
    release(a, PAGE_SIZE);
}

/* A trap copies memory of any size and alignment, and says so where it cannot. [traps.h] */
TEST(reading_over_oneself)
{
    const vm_size_t most = 40 * PAGE_SIZE;
    vm_address_t from = lettered(41), to = 0;

    REQUIRE_TRUE(from != 0);
    REQUIRE_KR(vm_allocate(SELF, &to, most + PAGE_SIZE, TRUE), KERN_SUCCESS);
    for (vm_size_t size = 0; size <= most; size = size * 3 + 1) {
        vm_size_t skew = size % 17;

        BYTE(to + 5 + size) = 77;
        EXPECT_KR(vm_read_overwrite_trap(SELF, from + skew, size, to + 5), KERN_SUCCESS);
        EXPECT_EQ(memcmp((void *)(to + 5), (void *)(from + skew), size), 0);
        EXPECT_EQ(BYTE(to + 5 + size), 77);
    }
    EXPECT_KR(vm_protect(SELF, from + PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_protect(SELF, to + PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_read_overwrite_trap(SELF, from, PAGE_SIZE, to), KERN_SUCCESS);
    EXPECT_KR(vm_read_overwrite_trap(SELF, from, PAGE_SIZE + 1, to), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read_overwrite_trap(SELF, from, PAGE_SIZE, to + 1), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read_overwrite_trap(SELF, from, 1, KERNEL_ADDRESS), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read_overwrite_trap(SELF, KERNEL_ADDRESS, 1, to), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read_overwrite_trap(SELF, from, ~0UL, to), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_read_overwrite_trap(SELF, from, VM_MAX_ADDRESS, to), KERN_INVALID_ADDRESS);
    release(from, 41 * PAGE_SIZE);
    release(to, most + PAGE_SIZE);
}

static void read_byte(uint64_t address)
{
    BYTE(address);
    task_terminate(SELF);
}

/* Whoever touches memory that is gone gets EXC_BAD_ACCESS with KERN_INVALID_ADDRESS and the
 * address. [KI exception_raise] */
TEST(deallocated_memory_is_an_exception)
{
    mach_port_t port = new_port_send();
    vm_address_t a = lettered(2);
    struct child child;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT),
               KERN_SUCCESS);
    REQUIRE_KR(vm_deallocate(child.task, a + PAGE_SIZE, PAGE_SIZE), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, read_byte, a + PAGE_SIZE + 5), KERN_SUCCESS);
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
    EXPECT_EQ(caught.code[0], KERN_INVALID_ADDRESS);
    EXPECT_EQ(caught.code[1], a + PAGE_SIZE + 5);
    child_end(&child);
    mach_port_destroy(SELF, port);
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'b'); /* ours is another's no more */
    release(a, 2 * PAGE_SIZE);
}

/* A map has room for as many regions as there is memory, and each is found. [vm_map_tree.c] */
TEST(ten_thousand_regions)
{
    enum { REGIONS = 10000 };
    uint32_t before = map_entries();
    vm_address_t a = fresh(2 * REGIONS * PAGE_SIZE);
    int wrong = 0;

    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < REGIONS; i++)
        wrong += vm_deallocate(SELF, a + (2 * i + 1) * PAGE_SIZE, PAGE_SIZE) != KERN_SUCCESS;
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(map_entries(), before + REGIONS);
    for (int i = 0; i < REGIONS; i += 97)
        wrong += region_size(a + 2 * i * PAGE_SIZE) != PAGE_SIZE
                 || region_size(a + (2 * i + 1) * PAGE_SIZE) != 0;
    EXPECT_EQ(wrong, 0);
    release(a, 2 * REGIONS * PAGE_SIZE);
    EXPECT_EQ(map_entries(), before);
}

TEST_MAIN
