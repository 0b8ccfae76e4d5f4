/*
 * Mach by example, 32: the life of a memory object. It begins with the first mapping and ends after the
 * last, or later, if the pager lets the kernel keep its pages; and it can end before its time.
 */
#include "mach_object.h"

#define PAGES 16
#define SIZE  (PAGES * PAGE_SIZE)

/* ---- the end ---- */

/* When nobody maps an object any more, what was written is returned, and then it is terminated. [KI
 * memory_object_terminate] */
TEST(the_last_unmapping_terminates)
{
    struct object o;
    vm_address_t again;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 4));
    again = object_map_again(&o, FALSE);
    BYTE(o.address + 2 * PAGE_SIZE) = 'X';
    release(o.address, SIZE);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(BYTE(again + 2 * PAGE_SIZE), 'X');
    release(again, SIZE);
    REQUIRE_TRUE(hear(&o, RETURN));
    EXPECT_EQ(heard.offset, 2 * PAGE_SIZE);
    EXPECT_EQ(heard.size, PAGE_SIZE);
    EXPECT_EQ(heard.bytes[0], 'X');
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* A terminated object's control port is dead. [KI memory_object_terminate] */
TEST(termination_ends_the_control_port)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    release(o.address, SIZE);
    EXPECT_TRUE(hear(&o, TERMINATE));
    EXPECT_TRUE(wait_until_dead(o.control));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), MACH_SEND_INVALID_DEST);
    object_forget(&o);
}

/* Mapped again after that, it begins anew, with another control port. [KI memory_object_init] */
TEST(an_object_can_be_mapped_anew)
{
    struct object o;
    mach_port_t first;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 1));
    first = o.control;
    release(o.address, SIZE);
    EXPECT_TRUE(hear(&o, TERMINATE));
    REQUIRE_TRUE(object_enter(&o, FALSE, FALSE, NONE));
    EXPECT_TRUE(o.control != first);
    EXPECT_EQ(region_at(o.address).resident_pages, 0);
    mach_port_deallocate(SELF, first);
    object_end(&o);
}

/* A part of a mapping is enough to keep it, whichever. [KI memory_object_terminate] */
TEST(a_part_of_a_mapping_keeps_the_object)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, PAGES));
    release(o.address, 5 * PAGE_SIZE);
    release(o.address + 6 * PAGE_SIZE, 10 * PAGE_SIZE);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(BYTE(o.address + 5 * PAGE_SIZE), 'f');
    object_end(&o);
}

/* A child's mapping keeps it when the parent has none any more. [KI vm_inherit] */
TEST(a_childs_mapping_keeps_the_object)
{
    struct object o;
    struct child child;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 2));
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    release(o.address, SIZE);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(seen_by(child.task, o.address + PAGE_SIZE), 'b');
    child_end(&child);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* So does a copy that somebody made of it, as far as it has not been written. [KP, shadow objects] */
TEST(a_copy_keeps_the_object)
{
    mach_msg_type_number_t count;
    struct object o;
    vm_offset_t data;

    object_make(&o, SIZE);
    REQUIRE_TRUE(object_enter(&o, TRUE, FALSE, DELAY) && object_fill(&o, PAGES));
    REQUIRE_KR(vm_read(SELF, o.address, SIZE, &data, &count), KERN_SUCCESS);
    release(o.address, SIZE);
    EXPECT_TRUE(hear_nothing(&o));
    for (int i = 0; i < PAGES; i++)
        EXPECT_EQ(BYTE(data + i * PAGE_SIZE), 'a' + i);
    release(data, count);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* A task's end unmaps what it had mapped. [KI task_terminate] */
TEST(the_end_of_a_task_ends_its_mappings)
{
    struct job job = {.run = job_poke, .byte = 'p'};
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && object_fill(&o, 1));
    job.task = o.task;
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job));
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    task_terminate(o.task);
    EXPECT_TRUE(hear(&o, RETURN) && heard.bytes[0] == 'p');
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* ---- the cache ---- */

/* If the pager said it may be, an object nobody maps is kept with its pages: mapped again, nothing is
 * asked for. [KI memory_object_ready] */
TEST(a_cached_object_keeps_its_pages)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, TRUE, DELAY) && object_fill(&o, 4));
    release(o.address, SIZE);
    EXPECT_TRUE(hear_nothing(&o));
    o.address = object_map_again(&o, FALSE);
    REQUIRE_TRUE(o.address != 0);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(BYTE(o.address + i * PAGE_SIZE), 'a' + i);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_KR(memory_object_change_attributes(o.control, FALSE, DELAY, NO_REPLY), KERN_SUCCESS);
    object_end(&o);
}

/* An object that has no page in memory is not worth keeping. [memory_object_end.c] */
TEST(an_object_without_pages_is_not_cached)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, TRUE, DELAY));
    release(o.address, SIZE);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* The pager can withdraw what it allowed: a cached object ends at once. [KI
 * memory_object_change_attributes] */
TEST(a_cached_object_can_be_ended)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, TRUE, DELAY) && object_fill(&o, 4));
    release(o.address, SIZE);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_KR(memory_object_change_attributes(o.control, FALSE, DELAY, NO_REPLY), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* What was written to a cached object is not lost: it is returned when asked for, or at its end. [KI
 * memory_object_lock_request] */
TEST(a_cached_object_can_be_cleaned)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, TRUE, DELAY) && object_fill(&o, 4));
    BYTE(o.address) = '1';
    release(o.address, SIZE);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_KR(lock_pages(&o, 0, PAGES, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE),
              KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, RETURN) && heard.bytes[0] == '1');
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_KR(memory_object_destroy(o.control, KERN_SUCCESS), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* In a child: writes to memory until there is no more. */
static void eat_memory(uint64_t unused)
{
    for (;;) {
        vm_address_t a = 0;

        if (vm_allocate(SELF, &a, 1 << 20, TRUE) != KERN_SUCCESS)
            break;
        for (vm_size_t at = 0; at < 1 << 20; at += PAGE_SIZE)
            BYTE(a + at) = 1;
    }
}

/* When memory is short, cached objects are given up. [KP, object cache] */
TEST(cached_objects_go_when_memory_is_short)
{
    uint32_t before = anonymous_pages();
    struct object o;
    struct child child;

    REQUIRE_TRUE(object_map(&o, SIZE, TRUE, DELAY) && object_fill(&o, PAGES));
    release(o.address, SIZE);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, eat_memory, 0), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, TERMINATE));
    child_end(&child);
    while (anonymous_pages() > before + 256) /* a large task takes a while to end */
        sleep_ms(2);
    object_forget(&o);
}

/* ---- attributes ---- */

/* The attributes are what the pager said last. [KI memory_object_get_attributes] */
TEST(attributes_can_be_asked)
{
    struct job job = {.run = job_map, .size = SIZE};
    boolean_t ready = TRUE, may_cache = TRUE;
    struct object o;
    int strategy;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT));
    o.control = heard.control;
    EXPECT_KR(memory_object_get_attributes(o.control, &ready, &may_cache, &strategy), KERN_SUCCESS);
    EXPECT_TRUE(!ready && !may_cache);
    EXPECT_KR(memory_object_ready(o.control, TRUE, DELAY), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_KR(memory_object_get_attributes(o.control, &ready, &may_cache, &strategy), KERN_SUCCESS);
    EXPECT_TRUE(ready && may_cache);
    EXPECT_EQ(strategy, DELAY);
    EXPECT_KR(memory_object_change_attributes(o.control, FALSE, NONE, NO_REPLY), KERN_SUCCESS);
    EXPECT_KR(memory_object_get_attributes(o.control, &ready, &may_cache, &strategy), KERN_SUCCESS);
    EXPECT_TRUE(ready && !may_cache);
    EXPECT_EQ(strategy, NONE);
    o.address = job.address;
    object_end(&o);
}

/* The pager is told that a change is made, if it asks to be. [KI memory_object_change_completed] */
TEST(a_change_can_be_confirmed)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(memory_object_change_attributes(o.control, TRUE, DELAY, o.port, ONCE), KERN_SUCCESS);
    REQUIRE_TRUE(hear(&o, CHANGED));
    EXPECT_TRUE(heard.may_cache);
    EXPECT_EQ(heard.strategy, DELAY);
    object_end(&o);
}

/* ---- before its time ---- */

/* The pager can give an object up: its pages are gone, and faults get the reason it gave. [KI
 * memory_object_destroy] */
TEST(a_destroyed_object_fails_faults)
{
    struct job job = {.run = job_peek};
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && object_fill(&o, 2));
    EXPECT_EQ(seen_by(o.task, o.address), 'a');
    EXPECT_KR(memory_object_destroy(o.control, KERN_NO_ACCESS), KERN_SUCCESS);
    job.task = o.task;
    for (int i = 0; i < 3; i++) { /* pages that were there, and one that was not */
        job.address = o.address + i * PAGE_SIZE;
        REQUIRE_TRUE(job_begin(&job));
        EXPECT_KR(job_end(&job), KERN_NO_ACCESS);
    }
    EXPECT_TRUE(hear_nothing(&o));
    object_end(&o);
}

/* Who waits for a page at that moment gets the reason, too. [KI memory_object_destroy] */
TEST(a_destroyed_object_wakes_who_waits)
{
    struct job job = {.run = job_peek};
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    job.task = o.task;
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST) && job_waits(&job));
    EXPECT_KR(memory_object_destroy(o.control, KERN_NO_ACCESS), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_NO_ACCESS);
    object_end(&o);
}

/* An object can be destroyed before it is ready: vm_map fails with the reason. [KI
 * memory_object_destroy] */
TEST(an_object_can_be_refused)
{
    struct job job = {.run = job_map, .size = SIZE};
    struct object o;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT));
    o.control = heard.control;
    EXPECT_KR(memory_object_destroy(o.control, KERN_NO_ACCESS), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_NO_ACCESS);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* When the pager's port dies, who waits gets KERN_MEMORY_FAILURE, and so does every later fault. [KI
 * memory_object_data_request] */
TEST(a_dead_pager_fails_faults)
{
    struct job job = {.run = job_peek};
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    job.task = o.task;
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST) && job_waits(&job));
    mach_port_mod_refs(SELF, o.port, MACH_PORT_RIGHT_RECEIVE, -1);
    EXPECT_KR(job_end(&job), KERN_MEMORY_FAILURE);
    job.address += PAGE_SIZE;
    REQUIRE_TRUE(job_begin(&job));
    EXPECT_KR(job_end(&job), KERN_MEMORY_FAILURE);
    object_forget(&o);
}

/* What is in memory of a dead pager's object can be used on; when it ends there is nowhere for it to
 * go. [memory_object_end.c] */
TEST(a_dead_pagers_pages_are_dropped)
{
    struct host_counters before, after;
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 2));
    mach_port_mod_refs(SELF, o.port, MACH_PORT_RIGHT_RECEIVE, -1);
    BYTE(o.address) = 'X';
    EXPECT_EQ(BYTE(o.address), 'X');
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'b');
    counters(&before);
    release(o.address, SIZE);
    counters(&after);
    EXPECT_EQ(after.pager_pages, before.pager_pages - 2);
    object_forget(&o);
}

TEST_MAIN
