/*
 * Mach by example, 23: protection. Each page of a task may be read, written or executed, or not; and
 * there is a most that it may ever be, which can only become less.
 */
#include "mach_memory.h"
#include "mach_exc.h"

#define SIZE (8 * PAGE_SIZE)

static void read_byte(uint64_t address)
{
    BYTE(address);
    task_terminate(SELF);
}

static void write_byte(uint64_t address)
{
    BYTE(address) = '!';
    task_terminate(SELF);
}

static void jump_to(uint64_t address)
{
    ((void (*)(void))address)();
    task_terminate(SELF);
}

/* What a child that does this gets, with this memory inherited: the exception's first code; or
 * KERN_SUCCESS, if it came to its end. */
static kern_return_t outcome(void (*act)(uint64_t), vm_address_t address)
{
    mach_port_t port = new_port_send();
    struct child child;
    kern_return_t kr;

    EXPECT_KR(child_make_watched(&child, port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT),
              KERN_SUCCESS);
    EXPECT_KR(child_run(&child, act, address), KERN_SUCCESS);
    for (kr = KERN_FAILURE; kr == KERN_FAILURE;) {
        struct small m;

        if (type_of(child.task) & MACH_PORT_TYPE_DEAD_NAME)
            kr = KERN_SUCCESS;
        else if (receive_word(port, &m, 2) == MACH_RCV_TOO_LARGE) /* it is an exception's */
            kr = KERN_ABORTED;
    }
    child_end(&child);
    mach_port_destroy(SELF, port);
    return kr;
}

/* The exception that the act gets, told by its code and address. */
static void expect_exception(void (*act)(uint64_t), vm_address_t address, kern_return_t code)
{
    mach_port_t port = new_port_send();
    struct child child;

    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT),
               KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, act, address), KERN_SUCCESS);
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
    EXPECT_EQ(caught.code[0], code);
    EXPECT_EQ(caught.code[1], address);
    child_end(&child);
    mach_port_destroy(SELF, port);
}

/* ---- what a protection does ---- */

/* Memory that may only be read cannot be written: EXC_BAD_ACCESS with KERN_PROTECTION_FAILURE. [KI
 * vm_protect] */
TEST(read_only_memory_cannot_be_written)
{
    vm_address_t a = lettered(2);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a), 'a');
    expect_exception(write_byte, a + 7, KERN_PROTECTION_FAILURE);
    EXPECT_KR(set_byte(a, 'x'), KERN_PROTECTION_FAILURE);
    EXPECT_EQ(BYTE(a), 'a');
    release(a, 2 * PAGE_SIZE);
}

/* Memory without any access cannot be read, but is there. [KI vm_protect] */
TEST(inaccessible_memory_cannot_be_read)
{
    vm_address_t a = lettered(2), b = a;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    expect_exception(read_byte, a + 9, KERN_PROTECTION_FAILURE);
    EXPECT_KR(readable(a), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_allocate(SELF, &b, PAGE_SIZE, FALSE), KERN_NO_SPACE);
    release(a, 2 * PAGE_SIZE);
}

/* What was in a page is there again when it may be read again. [KI vm_protect] */
TEST(contents_survive_a_change)
{
    vm_address_t a = lettered(4);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, 4 * PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, a, 4 * PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
    for (int i = 0; i < 4; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    BYTE(a) = 'A';
    release(a, 4 * PAGE_SIZE);
}

/* Protection is by the page: its neighbours are as they were. [KI vm_protect] */
TEST(protection_is_by_the_page)
{
    vm_address_t a = lettered(3);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + PAGE_SIZE, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(set_byte(a + PAGE_SIZE - 1, 'x'), KERN_SUCCESS);
    EXPECT_KR(set_byte(a + PAGE_SIZE, 'x'), KERN_PROTECTION_FAILURE);
    EXPECT_KR(set_byte(a + 2 * PAGE_SIZE - 1, 'x'), KERN_PROTECTION_FAILURE);
    EXPECT_KR(set_byte(a + 2 * PAGE_SIZE, 'x'), KERN_SUCCESS);
    BYTE(a) = BYTE(a + 2 * PAGE_SIZE) = 'y';
    release(a, 3 * PAGE_SIZE);
}

/* A range that begins or ends in a page has all of it. [KI vm_protect] */
TEST(a_range_is_rounded_out)
{
    vm_address_t a = lettered(4);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + 2 * PAGE_SIZE - 1, 2, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_EQ(region_at(a).protection, VM_PROT_DEFAULT);
    EXPECT_EQ(region_at(a + PAGE_SIZE).protection, VM_PROT_READ);
    EXPECT_EQ(region_at(a + 2 * PAGE_SIZE).protection, VM_PROT_READ);
    EXPECT_EQ(region_at(a + 3 * PAGE_SIZE).protection, VM_PROT_DEFAULT);
    release(a, 4 * PAGE_SIZE);
}

/* Memory that may not be executed is not; when it may, it is. [KI vm_protect] */
TEST(execution_is_a_right_of_its_own)
{
    static const uint32_t return_instruction = 0xd65f03c0;
    int flush = MATTR_VAL_ICACHE_FLUSH;
    vm_address_t a = fresh(PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    *(uint32_t *)a = return_instruction;
    expect_exception(jump_to, a, KERN_PROTECTION_FAILURE);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, READ_EXECUTE), KERN_SUCCESS);
    REQUIRE_KR(vm_machine_attribute(SELF, a, PAGE_SIZE, MATTR_CACHE, &flush), KERN_SUCCESS);
    EXPECT_KR(outcome(jump_to, a), KERN_SUCCESS);
    EXPECT_KR(outcome(write_byte, a), KERN_ABORTED);
    release(a, PAGE_SIZE);
}

/* Memory is never writable and executable at once: KERN_PROTECTION_FAILURE. [vm_map.defs] */
TEST(write_with_execute_is_refused)
{
    vm_address_t a = fresh(PAGE_SIZE), b = 0;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_ALL), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_WRITE | VM_PROT_EXECUTE),
              KERN_PROTECTION_FAILURE);
    EXPECT_EQ(region_at(a).protection, VM_PROT_DEFAULT);
    EXPECT_KR(vm_map(SELF, &b, PAGE_SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_ALL, VM_PROT_ALL,
                     VM_INHERIT_COPY), KERN_PROTECTION_FAILURE);
    release(a, PAGE_SIZE);
}

/* ---- the maximum ---- */

/* Below its maximum a protection can rise and fall. [KI vm_protect] */
TEST(protection_moves_below_the_maximum)
{
    static const vm_prot_t each[] = {VM_PROT_NONE, VM_PROT_READ, VM_PROT_DEFAULT, READ_EXECUTE,
                                     VM_PROT_EXECUTE, VM_PROT_WRITE, VM_PROT_DEFAULT};
    vm_address_t a = fresh(PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    for (unsigned i = 0; i < sizeof each / sizeof *each; i++) {
        EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, each[i]), KERN_SUCCESS);
        EXPECT_EQ(region_at(a).protection, each[i]);
        EXPECT_EQ(region_at(a).max_protection, VM_PROT_ALL);
    }
    release(a, PAGE_SIZE);
}

/* A lower maximum lowers the protection with it. [KI vm_protect] */
TEST(a_lower_maximum_lowers_the_protection)
{
    vm_address_t a = lettered(1);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, READ_EXECUTE), KERN_SUCCESS);
    EXPECT_EQ(region_at(a).max_protection, READ_EXECUTE);
    EXPECT_EQ(region_at(a).protection, VM_PROT_READ);
    EXPECT_KR(set_byte(a, 'x'), KERN_PROTECTION_FAILURE);
    EXPECT_EQ(BYTE(a), 'a');
    release(a, PAGE_SIZE);
}

/* A protection above the maximum is KERN_PROTECTION_FAILURE. [KI vm_protect] */
TEST(no_protection_above_the_maximum)
{
    vm_address_t a = lettered(1);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, READ_EXECUTE), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    release(a, PAGE_SIZE);
}

/* A maximum never rises: KERN_PROTECTION_FAILURE. [KI vm_protect] */
TEST(a_maximum_never_rises)
{
    vm_address_t a = fresh(PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_ALL), KERN_PROTECTION_FAILURE);
    EXPECT_EQ(region_at(a).max_protection, VM_PROT_READ);
    release(a, PAGE_SIZE);
}

/* What may never be accessed any more can still be deallocated. [KI vm_deallocate] */
TEST(memory_without_a_maximum_can_be_deallocated)
{
    vm_address_t a = lettered(1);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_PROTECTION_FAILURE);
    release(a, PAGE_SIZE);
    REQUIRE_KR(vm_allocate(SELF, &a, PAGE_SIZE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(region_at(a).max_protection, VM_PROT_ALL); /* the maximum was the memory's, not the place's */
    release(a, PAGE_SIZE);
}

/* ---- all or nothing ---- */

/* A hole in the range is KERN_INVALID_ADDRESS, and no page has changed. [vm_map.defs] */
TEST(a_hole_fails_the_whole_range)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    release(a + 5 * PAGE_SIZE, PAGE_SIZE);
    EXPECT_KR(vm_protect(SELF, a, SIZE, FALSE, VM_PROT_READ), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_protect(SELF, a, SIZE, TRUE, VM_PROT_READ), KERN_INVALID_ADDRESS);
    for (int i = 0; i < 8; i++)
        if (i != 5) {
            EXPECT_EQ(region_at(a + i * PAGE_SIZE).protection, VM_PROT_DEFAULT);
            EXPECT_EQ(region_at(a + i * PAGE_SIZE).max_protection, VM_PROT_ALL);
        }
    release(a, SIZE);
}

/* One page that must not be so keeps all from changing. [KI vm_protect] */
TEST(one_page_that_forbids_it_fails_all)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + 7 * PAGE_SIZE, PAGE_SIZE, TRUE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(vm_protect(SELF, a, SIZE, FALSE, READ_EXECUTE), KERN_PROTECTION_FAILURE);
    EXPECT_EQ(region_at(a).protection, VM_PROT_DEFAULT);
    EXPECT_EQ(region_size(a), 7 * PAGE_SIZE);
    release(a, SIZE);
}

/* Bits that are no access are KERN_INVALID_ARGUMENT. [vm_map.defs] */
TEST(unknown_protections_are_refused)
{
    vm_address_t a = fresh(PAGE_SIZE);

    REQUIRE_TRUE(a != 0);
    for (int bit = 3; bit < 31; bit++) {
        EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, 1 << bit), KERN_INVALID_ARGUMENT);
        EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, TRUE, VM_PROT_READ | 1 << bit), KERN_INVALID_ARGUMENT);
    }
    EXPECT_EQ(region_at(a).protection, VM_PROT_DEFAULT);
    release(a, PAGE_SIZE);
}

/* ---- regions ---- */

/* Only the range's ends cut regions, and what is alike again is joined again. [vm_map.c] */
TEST(regions_are_cut_and_joined)
{
    vm_address_t a = fresh(SIZE);
    uint32_t before = map_entries();

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a + 2 * PAGE_SIZE, 4 * PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_EQ(map_entries(), before + 2);
    EXPECT_EQ(region_size(a), 2 * PAGE_SIZE);
    EXPECT_EQ(region_size(a + 2 * PAGE_SIZE), 4 * PAGE_SIZE);
    EXPECT_EQ(region_size(a + 6 * PAGE_SIZE), 2 * PAGE_SIZE);
    REQUIRE_KR(vm_protect(SELF, a, SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_EQ(map_entries(), before);
    EXPECT_EQ(region_size(a), SIZE);
    release(a, SIZE);
}

/* A protection flipped ten thousand times leaves as many regions as before. [vm_map.c] */
TEST(flipping_protections_does_not_grow_the_map)
{
    vm_address_t a = lettered(8);
    uint32_t before = map_entries();

    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < 10000; i++)
        REQUIRE_KR(vm_protect(SELF, a + i * 3 % 8 * PAGE_SIZE, PAGE_SIZE, FALSE,
                              i / 8 % 2 ? VM_PROT_DEFAULT : VM_PROT_READ), KERN_SUCCESS);
    EXPECT_TRUE(map_entries() <= before + 7);
    REQUIRE_KR(vm_protect(SELF, a, SIZE, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
    EXPECT_EQ(map_entries(), before);
    for (int i = 0; i < 8; i++)
        EXPECT_TRUE(is_filled(a + i * PAGE_SIZE, 'a' + i, PAGE_SIZE));
    release(a, SIZE);
}

/* Memory that is shared is protected in each mapping by itself. [KI vm_protect] */
TEST(a_mapping_has_its_own_protection)
{
    vm_address_t a = lettered(1), b = 0;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_remap(SELF, &b, PAGE_SIZE, 0, TRUE, SELF, a, FALSE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, b, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    BYTE(a) = 'x';
    EXPECT_EQ(BYTE(b), 'x');
    EXPECT_KR(set_byte(b, 'y'), KERN_PROTECTION_FAILURE);
    release(a, PAGE_SIZE);
    release(b, PAGE_SIZE);
}

/* A copy keeps its protection, and what is protected while it is copied stays private when it is
 * writable again. [KP, copy on write] */
TEST(protection_does_not_undo_copy_on_write)
{
    vm_address_t a = lettered(2);
    struct child child;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    EXPECT_KR(set_byte_of(child.task, a, 'c'), KERN_PROTECTION_FAILURE);
    REQUIRE_KR(vm_protect(child.task, a, PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
    EXPECT_KR(set_byte_of(child.task, a, 'c'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a), 'a');
    BYTE(a) = 'p';
    BYTE(a + PAGE_SIZE) = 'q';
    EXPECT_EQ(seen_by(child.task, a), 'c');
    EXPECT_EQ(seen_by(child.task, a + PAGE_SIZE), 'b');
    child_end(&child);
    release(a, 2 * PAGE_SIZE);
}

TEST_MAIN
