/*
 * Mach by example, 30: memory objects. A task maps a port; whoever receives on that port is asked for the
 * pages as they are touched, and says what is in them. Read mach/memory_object.defs beside it.
 */
#include "mach_object.h"

#define PAGES 64
#define SIZE  (PAGES * PAGE_SIZE)

/* ---- the beginning ---- */

/* The first mapping says memory_object_init with the page size; vm_map waits until the pager is ready.
 * [KI memory_object_init] */
TEST(mapping_waits_until_the_pager_is_ready)
{
    struct job job = {.run = job_map, .size = SIZE};
    struct object o;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT));
    EXPECT_EQ(heard.size, PAGE_SIZE);
    EXPECT_EQ(heard.object, o.port);
    o.control = heard.control;
    EXPECT_TRUE(job_waits(&job));
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_KR(memory_object_ready(o.control, FALSE, NONE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    o.address = job.address;
    object_end(&o);
}

/* Each later mapping shows the same pages, and says nothing to the pager. [KI memory_object_init] */
TEST(one_object_for_all_mappings)
{
    struct object o;
    vm_address_t again;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 2));
    again = object_map_again(&o, FALSE);
    REQUIRE_TRUE(again != 0);
    EXPECT_TRUE(hear_nothing(&o));
    BYTE(o.address) = 'x';
    EXPECT_EQ(BYTE(again), 'x');
    BYTE(again + PAGE_SIZE) = 'y';
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'y');
    release(again, SIZE);
    object_end(&o);
}

/* Each object has a control port of its own. [KI memory_object_init] */
TEST(each_object_has_its_own_control_port)
{
    struct object o, p;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_map(&p, SIZE, FALSE, NONE));
    EXPECT_TRUE(o.control != p.control);
    REQUIRE_TRUE(object_fill(&o, 1));
    EXPECT_KR(memory_object_data_unavailable(p.control, 0, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address), 'a');
    object_end(&o);
    object_end(&p);
}

/* A region of a pager's memory tells so, and its offset in the object. [vm_map.defs] */
TEST(region_tells_of_the_pager)
{
    struct job job = {.run = job_map, .size = PAGE_SIZE, .offset = 3 * PAGE_SIZE};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job));
    REQUIRE_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_TRUE(region_at(o.address).external_pager && region_at(job.address).external_pager);
    EXPECT_TRUE(!region_at(o.address).anonymous);
    EXPECT_EQ(region_at(job.address).offset, 3 * PAGE_SIZE);
    EXPECT_EQ(region_at(job.address).object_id, region_at(o.address).object_id);
    REQUIRE_TRUE(object_fill(&o, 4));
    EXPECT_EQ(BYTE(job.address), 'd');
    release(job.address, PAGE_SIZE);
    object_end(&o);
}

/* ---- requests ---- */

/* A touch asks for the page, and waits for the answer; a second one asks no more. [KI
 * memory_object_data_request] */
TEST(a_touch_asks_for_the_page)
{
    struct job job = {.run = job_read};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_TRUE(hear_nothing(&o)); /* nobody has touched it */
    job.address = o.address + 5 * PAGE_SIZE + 17;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_EQ(heard.offset, 5 * PAGE_SIZE);
    EXPECT_EQ(heard.size, PAGE_SIZE);
    EXPECT_EQ(heard.access, VM_PROT_READ);
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'f');
    EXPECT_EQ(BYTE(o.address + 5 * PAGE_SIZE), 'f');
    EXPECT_TRUE(hear_nothing(&o));
    object_end(&o);
}

/* A write is asked for as one; what is written goes into the page that came. [KI
 * memory_object_data_request] */
TEST(a_write_says_so)
{
    struct job job = {.run = job_write, .byte = 'w'};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    job.address = o.address + PAGE_SIZE;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_TRUE(heard.access & VM_PROT_WRITE);
    EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'w');
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE + 1), 'b');
    object_end(&o);
}

/* However many wait for a page, it is asked for once, and all go on. [KI memory_object_data_request] */
TEST(a_page_is_asked_for_once)
{
    enum { READERS = 5 };
    struct job job[READERS];
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    for (int i = 0; i < READERS; i++) {
        job[i] = (struct job){.run = job_read, .address = o.address + i};
        REQUIRE_TRUE(job_begin(&job[i]) && job_waits(&job[i]));
    }
    REQUIRE_TRUE(hear(&o, REQUEST));
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    for (int i = 0; i < READERS; i++) {
        EXPECT_KR(job_end(&job[i]), KERN_SUCCESS);
        EXPECT_EQ(job[i].byte, 'a');
    }
    object_end(&o);
}

/* Several pages may be asked for at a time, and answered in any order. [KI memory_object_data_supply] */
TEST(requests_are_answered_in_any_order)
{
    static const int page[] = {40, 7, 21};
    struct job job[3];
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    for (int i = 0; i < 3; i++) {
        job[i] = (struct job){.run = job_read, .address = o.address + page[i] * PAGE_SIZE};
        REQUIRE_TRUE(job_begin(&job[i]) && hear(&o, REQUEST));
        EXPECT_EQ(heard.offset, page[i] * PAGE_SIZE);
    }
    for (int i = 2; i >= 0; i--) {
        EXPECT_TRUE(job_waits(&job[i]));
        EXPECT_KR(supply(&o, page[i], 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
        EXPECT_KR(job_end(&job[i]), KERN_SUCCESS);
        EXPECT_EQ(job[i].byte, 'a' + page[i] % 26);
    }
    object_end(&o);
}

/* Who reads page after page has ever more of them asked for at once, up to a limit. [vm_internal.h] */
TEST(sequential_reading_asks_ahead)
{
    static const int expected[] = {1, 2, 4, 8, 16, 16, 16, 1};
    struct job job = {.run = job_scan, .size = SIZE};
    struct object o;
    vm_offset_t at = 0;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job));
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
        REQUIRE_TRUE(hear(&o, REQUEST));
        EXPECT_EQ(heard.offset, at);
        EXPECT_EQ(heard.size, expected[i] * PAGE_SIZE);
        at += heard.size;
        EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    }
    EXPECT_EQ(at, SIZE); /* the last request ended with the object */
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    object_end(&o);
}

/* Who reads here and there has one page asked for at a time. [vm_internal.h] */
TEST(random_reading_asks_for_single_pages)
{
    static const int page[] = {3, 50, 20, 22, 60, 10};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    for (unsigned i = 0; i < sizeof page / sizeof *page; i++) {
        struct job job = {.run = job_read, .address = o.address + page[i] * PAGE_SIZE};

        REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
        EXPECT_EQ(heard.offset, page[i] * PAGE_SIZE);
        EXPECT_EQ(heard.size, PAGE_SIZE);
        EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
        EXPECT_KR(job_end(&job), KERN_SUCCESS);
    }
    object_end(&o);
}

/* Reading ahead ends at a page that is in memory already. [memory_object.c] */
TEST(reading_ahead_stops_at_what_is_there)
{
    struct job job = {.run = job_scan, .size = 8 * PAGE_SIZE};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 5, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job));
    for (int i = 0; i < 3; i++) { /* 0; 1 and 2; 3 and 4 */
        REQUIRE_TRUE(hear(&o, REQUEST));
        EXPECT_EQ(heard.size, (i == 0 ? 1 : 2) * PAGE_SIZE);
        EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    }
    do { /* the silence may be this machine's, which has others to run */
        while (hear_within(o.port, SILENT_MS))
            EXPECT_TRUE(heard.what == REQUEST && heard.offset >= 6 * PAGE_SIZE
                        && supply_heard(&o) == KERN_SUCCESS);
    } while (!__atomic_load_n(&job.done, __ATOMIC_ACQUIRE));
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    object_end(&o);
}

/* An object has so many pages asked for at a time and no more; who wants others waits for answers.
 * [vm_internal.h] */
TEST(outstanding_requests_are_bounded)
{
    enum { LIMIT = 64, MORE = 3 };
    static struct job job[LIMIT + MORE];
    struct object o;
    uint8_t asked[2 * (LIMIT + MORE)] = {0};

    REQUIRE_TRUE(object_map(&o, sizeof asked * PAGE_SIZE, FALSE, NONE));
    for (int i = 0; i < LIMIT + MORE; i++) { /* every other page: nothing is sequential */
        job[i] = (struct job){.run = job_read, .address = o.address + 2 * i * PAGE_SIZE};
        REQUIRE_TRUE(job_begin(&job[i]) && job_waits(&job[i]));
    }
    for (int i = 0; i < LIMIT; i++) {
        REQUIRE_TRUE(hear(&o, REQUEST));
        asked[heard.offset / PAGE_SIZE] = 1;
    }
    EXPECT_TRUE(hear_nothing(&o));
    for (unsigned i = 0; i < sizeof asked; i++)
        if (asked[i])
            EXPECT_KR(supply(&o, i, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    for (int i = 0; i < MORE; i++) {
        REQUIRE_TRUE(hear(&o, REQUEST));
        EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    }
    for (int i = 0; i < LIMIT + MORE; i++)
        EXPECT_KR(job_end(&job[i]), KERN_SUCCESS);
    object_end(&o);
}

/* ---- answers ---- */

/* Pages of one request may come one by one; who waits for one goes on when it is there. [KI
 * memory_object_data_supply] */
TEST(a_cluster_may_come_in_parts)
{
    struct job job[3];
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    for (int i = 0; i < 2; i++) { /* page 0, then 1 with 2 behind it */
        job[i] = (struct job){.run = job_read, .address = o.address + i * PAGE_SIZE};
        REQUIRE_TRUE(job_begin(&job[i]) && hear(&o, REQUEST));
    }
    EXPECT_EQ(heard.size, 2 * PAGE_SIZE);
    job[2] = (struct job){.run = job_read, .address = o.address + 2 * PAGE_SIZE};
    REQUIRE_TRUE(job_begin(&job[2]) && job_waits(&job[2]));
    EXPECT_TRUE(hear_nothing(&o)); /* it is asked for already */
    for (int i = 2; i >= 0; i--) {
        EXPECT_TRUE(!job[i].done);
        EXPECT_KR(supply(&o, i, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
        EXPECT_KR(job_end(&job[i]), KERN_SUCCESS);
        EXPECT_EQ(job[i].byte, 'a' + i);
    }
    object_end(&o);
}

/* A pager may supply what nobody has asked for: it is there when it is touched. [KI
 * memory_object_data_supply] */
TEST(data_may_come_before_it_is_asked_for)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 0, CLUSTER, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    for (int i = 0; i < CLUSTER; i++)
        EXPECT_EQ(BYTE(o.address + i * PAGE_SIZE), 'a' + i);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(region_at(o.address).resident_pages, CLUSTER);
    object_end(&o);
}

/* The pager is told when its data was taken, if it asks to be. [KI memory_object_supply_completed] */
TEST(a_supply_can_be_confirmed)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(memory_object_data_supply(o.control, 2 * PAGE_SIZE, letters(2, 3), 3 * PAGE_SIZE,
                                        VM_PROT_NONE, FALSE, o.port, ONCE), KERN_SUCCESS);
    REQUIRE_TRUE(hear(&o, SUPPLIED));
    EXPECT_KR(heard.result, KERN_SUCCESS);
    EXPECT_EQ(heard.offset, 2 * PAGE_SIZE);
    EXPECT_EQ(heard.size, 3 * PAGE_SIZE);
    EXPECT_EQ(BYTE(o.address + 4 * PAGE_SIZE), 'e');
    object_end(&o);
}

/* Data that the pager has not, memory_object_data_unavailable, is zeros. [KI
 * memory_object_data_unavailable] */
TEST(unavailable_data_is_zero)
{
    struct job job = {.run = job_read, .byte = '?'};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    job.address = o.address + PAGE_SIZE;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_KR(memory_object_data_unavailable(o.control, heard.offset, heard.size), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 0);
    EXPECT_TRUE(is_filled(o.address + PAGE_SIZE, 0, PAGE_SIZE));
    BYTE(o.address + PAGE_SIZE) = 'n'; /* a page like any other from now on */
    EXPECT_KR(lock_pages(&o, 0, PAGES, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE),
              KERN_SUCCESS);
    REQUIRE_TRUE(hear(&o, RETURN));
    EXPECT_EQ(heard.bytes[0], 'n');
    object_end(&o);
}

/* Data that cannot be had is the pager's code for who asked, and the next who asks asks anew. [KI
 * memory_object_data_error] */
TEST(an_error_is_for_who_asked)
{
    struct job job = {.run = job_peek};
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    job.task = o.task;
    job.address = o.address + 2 * PAGE_SIZE;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_KR(memory_object_data_error(o.control, heard.offset, heard.size, KERN_NO_ACCESS),
              KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_NO_ACCESS);
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_EQ(heard.offset, 2 * PAGE_SIZE);
    EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'c');
    object_end(&o);
}

/* The other pages of a request are not concerned; an error without a code is KERN_MEMORY_ERROR. [KI
 * memory_object_data_error] */
TEST(an_error_is_of_its_pages_alone)
{
    struct job job[2];
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    for (int i = 0; i < 2; i++) {
        job[i] = (struct job){.run = job_peek, .task = o.task, .address = o.address + i * PAGE_SIZE};
        REQUIRE_TRUE(job_begin(&job[i]) && hear(&o, REQUEST));
    }
    EXPECT_KR(memory_object_data_error(o.control, 0, PAGE_SIZE, KERN_SUCCESS), KERN_SUCCESS);
    EXPECT_KR(job_end(&job[0]), KERN_MEMORY_ERROR);
    EXPECT_TRUE(!job[1].done);
    EXPECT_KR(supply(&o, 1, 2, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job[1]), KERN_SUCCESS);
    EXPECT_EQ(job[1].byte, 'b');
    object_end(&o);
}

/* ---- copies ---- */

/* A copy of an object whose data only the kernel changes (MEMORY_OBJECT_COPY_DELAY) is made as it is
 * written: its writes are not the pager's business. [KI vm_map] */
TEST(a_delayed_copy_is_private)
{
    struct job job = {.run = job_write, .byte = 'P'};
    struct object o;

    object_make(&o, SIZE);
    REQUIRE_TRUE(object_enter(&o, TRUE, FALSE, DELAY));
    EXPECT_TRUE(hear_nothing(&o));
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_EQ(heard.access, VM_PROT_READ); /* the object's own page is not written */
    EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address), 'P');
    EXPECT_EQ(BYTE(o.address + 1), 'a');
    EXPECT_KR(lock_pages(&o, 0, PAGES, MEMORY_OBJECT_RETURN_ALL, FALSE, VM_PROT_NO_CHANGE),
              KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED)); /* nothing was returned before */
    EXPECT_KR(vm_deallocate(SELF, o.address, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* A copy of an object that others may change (MEMORY_OBJECT_COPY_NONE) is made at once: all of it is
 * asked for before vm_map returns. [KI vm_map] */
TEST(a_copy_of_a_changing_object_is_made_at_once)
{
    struct job job = {.run = job_map, .size = 3 * PAGE_SIZE, .copy = TRUE};
    struct object o;
    vm_size_t asked = 0;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job));
    while (asked < 3 * PAGE_SIZE) {
        REQUIRE_TRUE(hear(&o, REQUEST));
        EXPECT_TRUE(!job.done);
        asked = heard.offset + heard.size;
        EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    }
    REQUIRE_KR(job_end(&job), KERN_SUCCESS);
    BYTE(o.address) = 'x'; /* is not seen by the copy */
    BYTE(job.address + PAGE_SIZE) = 'y';
    EXPECT_EQ(BYTE(job.address), 'a');
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'b');
    release(job.address, 3 * PAGE_SIZE);
    object_end(&o);
}

/* A child shares an object's mapping as it would other memory, and the pager does not know. [KI
 * vm_inherit] */
TEST(a_mapping_is_inherited)
{
    struct object o;
    struct child child;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 2));
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    BYTE(o.address) = 'x';
    EXPECT_EQ(seen_by(child.task, o.address), 'x');
    EXPECT_KR(set_byte_of(child.task, o.address + PAGE_SIZE, 'y'), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'y');
    EXPECT_TRUE(hear_nothing(&o));
    child_end(&child);
    object_end(&o);
}

TEST_MAIN
