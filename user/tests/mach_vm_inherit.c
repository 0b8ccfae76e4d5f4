/*
 * Mach by example, 24: inheritance. A child's address space is made from its parent's, region by
 * region: shared with it, copied from it, or not there.
 */
#include "mach_memory.h"

#define SIZE (4 * PAGE_SIZE)

/* Memory of four lettered pages that a child inherits so. */
static vm_address_t inherited(vm_inherit_t inheritance)
{
    vm_address_t a = lettered(4);

    if (a != 0)
        EXPECT_KR(vm_inherit(SELF, a, SIZE, inheritance), KERN_SUCCESS);
    return a;
}

/* A child of a task. */
static boolean_t child_of(task_t parent, struct child *child)
{
    child->thread = MACH_PORT_NULL;
    return task_create(parent, TRUE, &child->task) == KERN_SUCCESS;
}

/* ---- the three kinds ---- */

/* Memory is inherited by copying unless told otherwise. [KI vm_inherit] */
TEST(new_memory_is_inherited_by_copy)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    EXPECT_EQ(region_at(a).inheritance, VM_INHERIT_COPY);
    release(a, SIZE);
}

/* VM_INHERIT_COPY: the child has what was there at its birth, and neither sees the other's changes.
 * [KI vm_inherit] */
TEST(copied_memory_is_each_ones_own)
{
    vm_address_t a = inherited(VM_INHERIT_COPY);
    struct child child;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &child));
    BYTE(a) = 'x';
    EXPECT_KR(set_byte_of(child.task, a + PAGE_SIZE, 'y'), KERN_SUCCESS);
    EXPECT_EQ(seen_by(child.task, a), 'a');
    EXPECT_EQ(seen_by(child.task, a + PAGE_SIZE), 'y');
    EXPECT_EQ(seen_by(child.task, a + 2 * PAGE_SIZE), 'c');
    EXPECT_EQ(BYTE(a), 'x');
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'b');
    child_end(&child);
    release(a, SIZE);
}

/* VM_INHERIT_SHARE: parent and child see what either writes. [KI vm_inherit] */
TEST(shared_memory_is_the_same_for_both)
{
    vm_address_t a = inherited(VM_INHERIT_SHARE);
    struct child child;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &child));
    BYTE(a) = 'x';
    EXPECT_EQ(seen_by(child.task, a), 'x');
    EXPECT_KR(set_byte_of(child.task, a + PAGE_SIZE, 'y'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'y');
    child_end(&child);
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'y');
    release(a, SIZE);
}

/* VM_INHERIT_NONE: nothing is there in the child, and the place is free. [KI vm_inherit] */
TEST(memory_not_inherited_leaves_its_place_free)
{
    vm_address_t a = inherited(VM_INHERIT_NONE), b = a;
    struct child child;
    char byte;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &child));
    EXPECT_KR(byte_of(child.task, a, &byte), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_allocate(child.task, &b, SIZE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(seen_by(child.task, a), 0);
    EXPECT_EQ(BYTE(a), 'a');
    child_end(&child);
    release(a, SIZE);
}

/* Memory that was never touched is shared, too, and is the same when one of the two touches it. [KI
 * vm_inherit] */
TEST(untouched_memory_can_be_shared)
{
    vm_address_t a = fresh(SIZE);
    struct child child;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_inherit(SELF, a, SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_TRUE(child_of(SELF, &child));
    EXPECT_KR(set_byte_of(child.task, a + PAGE_SIZE, 'c'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'c');
    BYTE(a + 2 * PAGE_SIZE) = 'p';
    EXPECT_EQ(seen_by(child.task, a + 2 * PAGE_SIZE), 'p');
    child_end(&child);
    release(a, SIZE);
}

/* Inheritance is by the page. [KI vm_inherit] */
TEST(inheritance_is_by_the_page)
{
    vm_address_t a = lettered(4);
    struct child child;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_inherit(SELF, a, PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, a + 2 * PAGE_SIZE + 5, 1, VM_INHERIT_NONE), KERN_SUCCESS);
    REQUIRE_TRUE(child_of(SELF, &child));
    memset((void *)a, 'z', SIZE);
    EXPECT_EQ(seen_by(child.task, a), 'z');
    EXPECT_EQ(seen_by(child.task, a + PAGE_SIZE), 'b');
    EXPECT_EQ(seen_by(child.task, a + 2 * PAGE_SIZE), 0);
    EXPECT_EQ(seen_by(child.task, a + 3 * PAGE_SIZE), 'd');
    child_end(&child);
    release(a, SIZE);
}

/* Protections are inherited with the memory: the current and the maximum. [KI task_create] */
TEST(protections_are_inherited)
{
    vm_address_t a = lettered(4);
    struct vm_region_info info;
    struct child child;
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(SELF, a, SIZE, TRUE, VM_PROT_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(vm_protect(SELF, a, SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_TRUE(child_of(SELF, &child));
    info = region_of(child.task, a, &size);
    EXPECT_EQ(info.protection, VM_PROT_READ);
    EXPECT_EQ(info.max_protection, VM_PROT_DEFAULT);
    EXPECT_KR(set_byte_of(child.task, a, 'c'), KERN_PROTECTION_FAILURE);
    child_end(&child);
    release(a, SIZE);
}

/* A child can be made without any of its parent's memory. [KI task_create] */
TEST(a_child_can_begin_empty)
{
    struct vm_region_info info;
    vm_address_t at = 0;
    vm_size_t size;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    EXPECT_KR(vm_region(child, &at, &size, &info), KERN_NO_SPACE);
    task_terminate(child);
    mach_port_deallocate(SELF, child);
}

/* ---- generations ---- */

/* What is shared is shared with grandchildren as well: the inheritance is inherited. [KI
 * vm_inherit] */
TEST(sharing_goes_on_to_grandchildren)
{
    vm_address_t a = inherited(VM_INHERIT_SHARE);
    struct child child, grandchild;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &child) && child_of(child.task, &grandchild));
    child_end(&child); /* they need no one between them */
    EXPECT_KR(set_byte_of(grandchild.task, a, 'g'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a), 'g');
    BYTE(a + PAGE_SIZE) = 'p';
    EXPECT_EQ(seen_by(grandchild.task, a + PAGE_SIZE), 'p');
    child_end(&grandchild);
    release(a, SIZE);
}

/* A copy of a copy has what its parent had at its birth, whatever their ancestors do. [KP, copy on
 * write] */
TEST(each_generation_sees_its_own_time)
{
    enum { GENERATIONS = 5 };
    struct child child[GENERATIONS];
    vm_address_t a = lettered(1);
    task_t parent = SELF;

    REQUIRE_TRUE(a != 0);
    for (int g = 0; g < GENERATIONS; g++) {
        REQUIRE_KR(set_byte_of(parent, a, '0' + g), KERN_SUCCESS);
        REQUIRE_TRUE(child_of(parent, &child[g]));
        parent = child[g].task;
    }
    BYTE(a) = 'p';
    for (int g = 0; g < GENERATIONS; g++) {
        /* its parent's byte, until it wrote one for its own child */
        EXPECT_EQ(seen_by(child[g].task, a), g == GENERATIONS - 1 ? '0' + g : '1' + g);
        EXPECT_EQ(seen_by(child[g].task, a + 1), 'a');
    }
    for (int g = 0; g < GENERATIONS; g++) {
        child_end(&child[g]);
        if (g < GENERATIONS - 1)
            EXPECT_EQ(seen_by(child[GENERATIONS - 1].task, a), '0' + GENERATIONS - 1);
    }
    EXPECT_EQ(BYTE(a), 'p');
    release(a, PAGE_SIZE);
}

/* A change of inheritance is for children to come. [KI vm_inherit] */
TEST(inheritance_is_looked_at_when_a_child_is_made)
{
    vm_address_t a = inherited(VM_INHERIT_COPY);
    struct child first, second;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &first));
    REQUIRE_KR(vm_inherit(SELF, a, SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_TRUE(child_of(SELF, &second));
    BYTE(a) = 'x';
    EXPECT_EQ(seen_by(first.task, a), 'a');
    EXPECT_EQ(seen_by(second.task, a), 'x');
    EXPECT_KR(set_byte_of(second.task, a + PAGE_SIZE, 'y'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'y');
    EXPECT_EQ(seen_by(first.task, a + PAGE_SIZE), 'b');
    child_end(&first);
    child_end(&second);
    release(a, SIZE);
}

/* Memory that is shared already, and then inherited by copy, is copied as it is then. [KI
 * vm_inherit] */
TEST(shared_memory_can_be_copied)
{
    vm_address_t a = inherited(VM_INHERIT_SHARE);
    struct child sharer, copier;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &sharer));
    REQUIRE_KR(vm_inherit(SELF, a, SIZE, VM_INHERIT_COPY), KERN_SUCCESS);
    REQUIRE_TRUE(child_of(SELF, &copier));
    EXPECT_KR(set_byte_of(sharer.task, a, 's'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a), 's');
    EXPECT_EQ(seen_by(copier.task, a), 'a');
    EXPECT_KR(set_byte_of(copier.task, a + PAGE_SIZE, 'k'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(a + PAGE_SIZE), 'b');
    EXPECT_EQ(seen_by(sharer.task, a + PAGE_SIZE), 'b');
    child_end(&copier);
    child_end(&sharer);
    release(a, SIZE);
}

/* Shared memory is there as long as one of its tasks has it. [KP, memory objects] */
TEST(shared_memory_outlives_who_shared_it)
{
    vm_address_t a = inherited(VM_INHERIT_SHARE);
    struct child child;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &child));
    BYTE(a) = 'x';
    release(a, SIZE);
    EXPECT_EQ(seen_by(child.task, a), 'x');
    EXPECT_EQ(seen_by(child.task, a + 3 * PAGE_SIZE), 'd');
    child_end(&child);
}

/* ---- what it costs ---- */

/* A child's copy takes a page for each that one of the two writes to. [KP, copy on write] */
TEST(a_copy_takes_pages_as_they_are_written)
{
    enum { PAGES = 300 }; /* more than touch_own_memory touches */
    vm_address_t a = lettered(PAGES);
    struct child child;
    uint32_t before;

    REQUIRE_TRUE(a != 0 && child_of(SELF, &child));
    touch_own_memory(); /* the stack and our variables are copied now */
    before = anonymous_pages();
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(seen_by(child.task, a + i * PAGE_SIZE), 'a' + i);
    EXPECT_EQ(anonymous_pages(), before);
    for (int i = 0; i < 10; i++)
        EXPECT_KR(set_byte_of(child.task, a + i * PAGE_SIZE, 'y'), KERN_SUCCESS);
    EXPECT_EQ(anonymous_pages(), before + 10);
    for (int i = 20; i < 25; i++)
        BYTE(a + i * PAGE_SIZE) = 'x';
    EXPECT_EQ(anonymous_pages(), before + 15);
    child_end(&child);
    release(a, PAGES * PAGE_SIZE);
}

/* A child that is made and ended a hundred times, with a page written to each time, leaves neither
 * pages nor a chain of objects. [vm_shadow.c] */
TEST(children_that_come_and_go_leave_nothing)
{
    vm_address_t a = lettered(16);
    uint32_t before = anonymous_pages();
    struct child child;

    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < 100; i++) {
        REQUIRE_TRUE(child_of(SELF, &child));
        BYTE(a + i % 16 * PAGE_SIZE) = (char)i;
        child_end(&child);
    }
    EXPECT_TRUE(region_at(a).shadow_depth < 10);
    for (int i = 0; i < 16; i++) {
        EXPECT_EQ(BYTE(a + i * PAGE_SIZE), i < 4 ? 96 + i : 80 + i);
        EXPECT_EQ(BYTE(a + i * PAGE_SIZE + 1), 'a' + i);
    }
    settle_pages();
    for (int tries = 0; tries < 100 && anonymous_pages() > before; tries++)
        sleep_ms(10);
    EXPECT_TRUE(anonymous_pages() <= before);
    release(a, 16 * PAGE_SIZE);
}

/* A parent writes so many of 300 pages while its child lives. */
static void expect_none_twice(int written)
{
    vm_address_t a = fresh(300 * PAGE_SIZE);
    struct child child;
    uint32_t before;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 'a', 300 * PAGE_SIZE);
    touch_own_memory();
    before = anonymous_pages();
    REQUIRE_TRUE(child_of(SELF, &child));
    touch_own_memory(); /* now, so that nothing of it happens at the end */
    for (int i = 0; i < written; i++)
        BYTE(a + i * PAGE_SIZE) = 'b';
    EXPECT_TRUE(anonymous_pages() >= before + written);
    child_end(&child);
    for (int tries = 0; tries < 100 && anonymous_pages() > before; tries++)
        sleep_ms(10);
    EXPECT_TRUE(anonymous_pages() <= before);
    for (int i = 0; i < 300; i++)
        EXPECT_EQ(BYTE(a + i * PAGE_SIZE), i < written ? 'b' : 'a');
    release(a, 300 * PAGE_SIZE);
}

/* Of pages that a parent has written while its child lived it has one each when the child is gone, whether
 * or not it ever faults again. [vm_shadow.c] */
TEST(what_a_parent_wrote_is_not_there_twice)
{
    expect_none_twice(300);
    expect_none_twice(100);
    expect_none_twice(1);
}

/* ---- errors ---- */

/* What is none of the three is KERN_INVALID_ARGUMENT. [vm_map.defs] */
TEST(unknown_inheritances_are_refused)
{
    static const vm_inherit_t unknown[] = {-1, 3, 4, 1 << 30};
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < 4; i++)
        EXPECT_KR(vm_inherit(SELF, a, SIZE, unknown[i]), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(region_at(a).inheritance, VM_INHERIT_COPY);
    release(a, SIZE);
}

/* A hole in the range is KERN_INVALID_ADDRESS, and no page's inheritance has changed. [vm_map.defs] */
TEST(a_hole_fails_the_whole_range)
{
    vm_address_t a = fresh(SIZE);

    REQUIRE_TRUE(a != 0);
    release(a + 2 * PAGE_SIZE, PAGE_SIZE);
    EXPECT_KR(vm_inherit(SELF, a, SIZE, VM_INHERIT_NONE), KERN_INVALID_ADDRESS);
    EXPECT_EQ(region_at(a).inheritance, VM_INHERIT_COPY);
    EXPECT_EQ(region_at(a + 3 * PAGE_SIZE).inheritance, VM_INHERIT_COPY);
    EXPECT_KR(vm_inherit(SELF, KERNEL_ADDRESS, PAGE_SIZE, VM_INHERIT_NONE), KERN_INVALID_ADDRESS);
    release(a, SIZE);
}

TEST_MAIN
