/*
 * Mach by example, 26: mapping. vm_map says all there is to say of a region when it is made; vm_remap
 * shows memory that is there at another place as well. (Memory objects: chapters 30 to 33.)
 */
#include "mach_memory.h"

#define SIZE (4 * PAGE_SIZE)

static kern_return_t map_zeros(vm_address_t *address, boolean_t anywhere, vm_prot_t cur, vm_prot_t max)
{
    return vm_map(SELF, address, SIZE, 0, anywhere, MACH_PORT_NULL, 0, FALSE, cur, max,
                  VM_INHERIT_COPY);
}

static kern_return_t remap(vm_address_t *address, vm_address_t source, vm_size_t size, boolean_t copy)
{
    vm_prot_t cur, max;

    return vm_remap(SELF, address, size, 0, TRUE, SELF, source, copy, &cur, &max, VM_INHERIT_COPY);
}

/* ---- vm_map ---- */

/* Without a memory object it is zero-filled memory, as of vm_allocate. [KI vm_map] */
TEST(map_of_no_object_is_zero_filled)
{
    vm_address_t a = 0;

    REQUIRE_KR(map_zeros(&a, TRUE, VM_PROT_DEFAULT, VM_PROT_ALL), KERN_SUCCESS);
    EXPECT_TRUE(is_filled(a, 0, SIZE));
    BYTE(a) = 'x';
    release(a, SIZE);
}

/* Protections and inheritance are as asked for. [KI vm_map] */
TEST(map_gives_what_was_asked_for)
{
    struct vm_region_info info;
    vm_address_t a = 0;

    REQUIRE_KR(vm_map(SELF, &a, SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ,
                      VM_PROT_DEFAULT, VM_INHERIT_NONE), KERN_SUCCESS);
    info = region_at(a);
    EXPECT_EQ(info.protection, VM_PROT_READ);
    EXPECT_EQ(info.max_protection, VM_PROT_DEFAULT);
    EXPECT_EQ(info.inheritance, VM_INHERIT_NONE);
    EXPECT_EQ(region_size(a), SIZE);
    release(a, SIZE);
}

/* The bits of the mask are 0 in the address. [KI vm_map] */
TEST(map_aligns_by_the_mask)
{
    for (int shift = 12; shift < 40; shift += 3) {
        vm_address_t mask = (1UL << shift) - 1, a = 0;

        REQUIRE_KR(vm_map(SELF, &a, SIZE, mask, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
                          VM_PROT_ALL, VM_INHERIT_COPY), KERN_SUCCESS);
        EXPECT_EQ(a & mask, 0);
        release(a, SIZE);
    }
}

/* A mask with gaps is KERN_INVALID_ARGUMENT, one beyond the address space KERN_NO_SPACE. [vm_map.defs] */
TEST(map_wants_a_mask_of_low_bits)
{
    vm_address_t a = 0;

    EXPECT_KR(vm_map(SELF, &a, SIZE, 0x5000, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
                     VM_PROT_ALL, VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_map(SELF, &a, SIZE, ~0UL, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
                     VM_PROT_ALL, VM_INHERIT_COPY), KERN_NO_SPACE);
}

/* A protection above the maximum is KERN_PROTECTION_FAILURE. [vm_map.defs] */
TEST(map_wants_the_protection_below_the_maximum)
{
    vm_address_t a = 0;

    EXPECT_KR(map_zeros(&a, TRUE, VM_PROT_DEFAULT, VM_PROT_READ), KERN_PROTECTION_FAILURE);
    EXPECT_KR(map_zeros(&a, TRUE, VM_PROT_EXECUTE, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
    EXPECT_KR(map_zeros(&a, TRUE, VM_PROT_READ, VM_PROT_NONE), KERN_PROTECTION_FAILURE);
}

/* Unknown protections and inheritances are KERN_INVALID_ARGUMENT. [vm_map.defs] */
TEST(map_refuses_unknown_values)
{
    vm_address_t a = 0;

    EXPECT_KR(map_zeros(&a, TRUE, 8, 8), KERN_INVALID_ARGUMENT);
    EXPECT_KR(map_zeros(&a, TRUE, VM_PROT_READ, VM_PROT_READ | 0x100), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_map(SELF, &a, SIZE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ, 3),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_map(SELF, &a, 0, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                     VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
}

/* A place that is taken is KERN_NO_SPACE: mapping replaces nothing. [KI vm_map] */
TEST(map_replaces_nothing)
{
    vm_address_t a = lettered(4), b = a + 2 * PAGE_SIZE;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(map_zeros(&b, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL), KERN_NO_SPACE);
    EXPECT_EQ(BYTE(b), 'c');
    release(a, SIZE);
    EXPECT_KR(map_zeros(&b, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL), KERN_SUCCESS);
    EXPECT_EQ(b, a + 2 * PAGE_SIZE);
    release(b, SIZE);
}

/* Dead names and the kernel's own ports are no memory objects: KERN_INVALID_ARGUMENT. [vm_map.defs] */
TEST(map_wants_a_pager_for_an_object)
{
    mach_port_t dead = new_port_send();
    vm_address_t a = 0;

    mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_RECEIVE, -1);
    EXPECT_KR(vm_map(SELF, &a, SIZE, 0, TRUE, dead, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                     VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_map(SELF, &a, SIZE, 0, TRUE, SELF, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                     VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_map(SELF, &a, SIZE, 0, TRUE, mach_thread_self_cached(), 0, FALSE, VM_PROT_READ,
                     VM_PROT_READ, VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    mach_port_deallocate(SELF, dead);
}

/* An offset in an object is a multiple of the page size, and the range must not wrap; else it is
 * KERN_INVALID_ARGUMENT, and the pager never hears of it. [vm_map.defs] */
TEST(map_wants_a_possible_offset)
{
    mach_port_t object = new_port_send();
    vm_address_t a = 0;
    struct small m;

    EXPECT_KR(vm_map(SELF, &a, SIZE, 0, TRUE, object, 8, FALSE, VM_PROT_READ, VM_PROT_READ,
                     VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_map(SELF, &a, SIZE, 0, TRUE, object, -PAGE_SIZE, FALSE, VM_PROT_READ, VM_PROT_READ,
                     VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    EXPECT_KR(receive_word(object, &m, 0), MACH_RCV_TIMED_OUT);
    mach_port_destroy(SELF, object);
}

/* ---- vm_remap ---- */

/* Memory can be seen at two places: what is written at one is read at the other, also in pages that
 * nobody had touched before. [OSF vm_remap] */
TEST(remap_shows_the_same_memory)
{
    vm_address_t a = fresh(SIZE), b = 0;

    REQUIRE_TRUE(a != 0);
    BYTE(a) = 'a';
    REQUIRE_KR(remap(&b, a, SIZE, FALSE), KERN_SUCCESS);
    EXPECT_TRUE(b != a);
    EXPECT_EQ(BYTE(b), 'a');
    BYTE(b + PAGE_SIZE) = 'b';
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'b');
    BYTE(a + 2 * PAGE_SIZE) = 'c';
    EXPECT_EQ(BYTE(b + 2 * PAGE_SIZE), 'c');
    release(a, SIZE);
    EXPECT_EQ(BYTE(b), 'a'); /* it is there as long as it is seen anywhere */
    release(b, SIZE);
}

/* With copy, each has its own from then on. [OSF vm_remap] */
TEST(remap_with_copy_is_a_copy)
{
    vm_address_t a = lettered(4), b = 0;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(remap(&b, a, SIZE, TRUE), KERN_SUCCESS);
    BYTE(a) = 'x';
    BYTE(b + PAGE_SIZE) = 'y';
    EXPECT_EQ(BYTE(b), 'a');
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'b');
    release(a, SIZE);
    EXPECT_EQ(BYTE(b + 2 * PAGE_SIZE), 'c');
    release(b, SIZE);
}

/* A copy of what is shared is the copier's alone, and the others go on sharing. [OSF vm_remap] */
TEST(remap_copies_what_is_shared)
{
    vm_address_t a = lettered(4), shared = 0, copy = 0;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(remap(&shared, a, SIZE, FALSE), KERN_SUCCESS);
    REQUIRE_KR(remap(&copy, a, SIZE, TRUE), KERN_SUCCESS);
    BYTE(shared) = 'x';
    EXPECT_EQ(BYTE(a), 'x');
    EXPECT_EQ(BYTE(copy), 'a');
    BYTE(copy + PAGE_SIZE) = 'y';
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'b');
    EXPECT_EQ(BYTE(shared + PAGE_SIZE), 'b');
    release(a, SIZE);
    release(shared, SIZE);
    release(copy, SIZE);
}

/* A part of a region can be mapped, from any page on. [OSF vm_remap] */
TEST(remap_of_a_part)
{
    vm_address_t a = lettered(4), b = 0;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(remap(&b, a + PAGE_SIZE, 2 * PAGE_SIZE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(BYTE(b), 'b');
    BYTE(b + PAGE_SIZE) = 'x';
    EXPECT_EQ(BYTE(a + 2 * PAGE_SIZE), 'x');
    EXPECT_EQ(region_size(b), 2 * PAGE_SIZE);
    release(a, SIZE);
    release(b, 2 * PAGE_SIZE);
}

/* The protections told are those that all of the range has; each page keeps its own. [OSF vm_remap] */
TEST(remap_tells_the_least_protections)
{
    vm_address_t a = lettered(4), b = 0;
    vm_prot_t cur = 0, max = 0;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, a + PAGE_SIZE, PAGE_SIZE, TRUE, VM_PROT_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(vm_remap(SELF, &b, SIZE, 0, TRUE, SELF, a, FALSE, &cur, &max, VM_INHERIT_NONE),
               KERN_SUCCESS);
    EXPECT_EQ(cur, VM_PROT_READ);
    EXPECT_EQ(max, VM_PROT_DEFAULT);
    EXPECT_KR(set_byte(b, 'x'), KERN_PROTECTION_FAILURE);
    EXPECT_KR(set_byte(b + PAGE_SIZE, 'x'), KERN_SUCCESS);
    EXPECT_EQ(region_at(b + 3 * PAGE_SIZE).max_protection, VM_PROT_ALL);
    EXPECT_EQ(region_at(b).inheritance, VM_INHERIT_NONE); /* the argument's, not the source's */
    release(a, SIZE);
    release(b, SIZE);
}

/* What is not there cannot be mapped: KERN_INVALID_ADDRESS, and none of the rest is. [OSF vm_remap] */
TEST(remap_of_a_hole)
{
    vm_address_t a = lettered(4), b = 0;
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    release(a + 2 * PAGE_SIZE, PAGE_SIZE);
    before = map_entries();
    EXPECT_KR(remap(&b, a, SIZE, FALSE), KERN_INVALID_ADDRESS);
    EXPECT_KR(remap(&b, a, SIZE, TRUE), KERN_INVALID_ADDRESS);
    EXPECT_EQ(b, 0);
    EXPECT_EQ(map_entries(), before);
    release(a, SIZE);
}

/* A place that is taken is KERN_NO_SPACE; both stay as they were. [OSF vm_remap] */
TEST(remap_replaces_nothing)
{
    vm_address_t a = lettered(4), b = a + SIZE - PAGE_SIZE;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_remap(SELF, &b, SIZE, 0, FALSE, SELF, a, TRUE, &cur, &max, VM_INHERIT_COPY),
              KERN_NO_SPACE);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(BYTE(a + i * PAGE_SIZE), 'a' + i);
    BYTE(a) = 'x';
    release(a, SIZE);
}

/* ---- caches and files ---- */

/* Instructions just written are run once their range is flushed. [KI vm_machine_attribute] */
TEST(code_can_be_written_and_run)
{
    vm_address_t a = fresh(PAGE_SIZE);
    int (*function)(void) = (int (*)(void))a;

    REQUIRE_TRUE(a != 0);
    for (uint32_t i = 1; i <= 3; i++) {
        int flush = MATTR_VAL_ICACHE_FLUSH;

        REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_DEFAULT), KERN_SUCCESS);
        ((uint32_t *)a)[0] = 0x52800000 | (i * 111) << 5; /* mov w0, #imm */
        ((uint32_t *)a)[1] = 0xd65f03c0;                  /* ret */
        REQUIRE_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, READ_EXECUTE), KERN_SUCCESS);
        REQUIRE_KR(vm_machine_attribute(SELF, a, PAGE_SIZE, MATTR_CACHE, &flush), KERN_SUCCESS);
        EXPECT_EQ(function(), i * 111);
    }
    release(a, PAGE_SIZE);
}

/* Attributes there are not, and values they have not, are KERN_INVALID_ARGUMENT; a hole is
 * KERN_INVALID_ADDRESS. [vm_map.defs] */
TEST(attributes_that_do_not_exist)
{
    vm_address_t a = fresh(SIZE);
    int value = MATTR_VAL_ICACHE_FLUSH;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_machine_attribute(SELF, a, SIZE, 77, &value), KERN_INVALID_ARGUMENT);
    release(a + PAGE_SIZE, PAGE_SIZE);
    EXPECT_KR(vm_machine_attribute(SELF, a, SIZE, MATTR_CACHE, &value), KERN_INVALID_ADDRESS);
    value = 99;
    EXPECT_KR(vm_machine_attribute(SELF, a, PAGE_SIZE, MATTR_CACHE, &value), KERN_INVALID_ARGUMENT);
    release(a, SIZE);
}

/* Memory that no pager wants has nothing to be written back: vm_msync succeeds at once, and keeps the
 * contents. [OSF vm_msync] */
TEST(msync_of_anonymous_memory)
{
    vm_address_t a = lettered(4);

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(vm_msync(SELF, a, SIZE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
    EXPECT_KR(vm_msync(SELF, a, SIZE, VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'b');
    EXPECT_KR(vm_msync(SELF, a, SIZE, VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS),
              KERN_INVALID_ARGUMENT);
    EXPECT_KR(vm_msync(SELF, a, SIZE, 8), KERN_INVALID_ARGUMENT);
    release(a + PAGE_SIZE, PAGE_SIZE);
    EXPECT_KR(vm_msync(SELF, a, SIZE, VM_SYNC_SYNCHRONOUS), KERN_INVALID_ADDRESS);
    release(a, SIZE);
}

TEST_MAIN
