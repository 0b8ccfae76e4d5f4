/*
 * Mach by example, 31: the pager's hold on its pages. With memory_object_lock_request it gets them back,
 * has them thrown away, or forbids accesses; the kernel asks when a forbidden access is wanted after all.
 * That is enough for files, and for memory that two machines share.
 */
#include "mach_object.h"
#include <mach/host_priv.h>

#define PAGES 32
#define SIZE  (PAGES * PAGE_SIZE)
#define DIRTY MEMORY_OBJECT_RETURN_DIRTY
#define ALL   MEMORY_OBJECT_RETURN_ALL
#define LEAVE MEMORY_OBJECT_RETURN_NONE
#define KEEP  VM_PROT_NO_CHANGE

/* An object whose first so many pages are in memory. */
static boolean_t filled(struct object *o, vm_size_t pages)
{
    return object_map(o, SIZE, FALSE, NONE) && object_fill(o, pages);
}

/* The pages [first, first + pages) come back next, dirty or not, kept or not. */
static boolean_t returned(struct object *o, vm_size_t first, vm_size_t pages, boolean_t dirty,
                          boolean_t kept)
{
    return hear(o, RETURN) && heard.offset == first * PAGE_SIZE && heard.size == pages * PAGE_SIZE
           && heard.dirty == dirty && heard.kept == kept;
}

/* ---- clean ---- */

/* Cleaning returns what was written, and the kernel keeps it: nothing is asked for afterwards. [KI
 * memory_object_lock_request] */
TEST(clean_returns_what_was_written)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 4));
    BYTE(o.address + 2 * PAGE_SIZE) = 'X';
    EXPECT_KR(lock_pages(&o, 0, PAGES, DIRTY, FALSE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 2, 1, TRUE, TRUE));
    EXPECT_EQ(heard.bytes[0], 'X');
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(BYTE(o.address + 2 * PAGE_SIZE), 'X');
    EXPECT_TRUE(hear_nothing(&o));
    object_end(&o);
}

/* What was returned is clean: it is returned again only when it was written again. [KI
 * memory_object_data_return] */
TEST(what_was_returned_is_clean)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 1));
    for (int i = 0; i < 3; i++) {
        BYTE(o.address) = (char)('0' + i);
        EXPECT_KR(lock_pages(&o, 0, 1, DIRTY, FALSE, KEEP), KERN_SUCCESS);
        EXPECT_TRUE(returned(&o, 0, 1, TRUE, TRUE));
        EXPECT_EQ(heard.bytes[0], '0' + i);
        EXPECT_TRUE(hear(&o, LOCKED));
        EXPECT_KR(lock_pages(&o, 0, 1, DIRTY, FALSE, KEEP), KERN_SUCCESS);
        EXPECT_TRUE(hear(&o, LOCKED));
    }
    object_end(&o);
}

/* What is returned is what was there at that moment, whoever writes on. [KI memory_object_data_return] */
TEST(what_is_returned_is_a_snapshot)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 1));
    BYTE(o.address) = '1';
    EXPECT_KR(lock_pages(&o, 0, 1, DIRTY, FALSE, KEEP), KERN_SUCCESS);
    BYTE(o.address) = '2'; /* before the pager looks */
    EXPECT_TRUE(returned(&o, 0, 1, TRUE, TRUE));
    EXPECT_EQ(heard.bytes[0], '1');
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_KR(lock_pages(&o, 0, 1, DIRTY, FALSE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 0, 1, TRUE, TRUE));
    EXPECT_EQ(heard.bytes[0], '2');
    EXPECT_TRUE(hear(&o, LOCKED));
    object_end(&o);
}

/* Dirty pages side by side come in one message; a clean one between them makes it two. [vm_internal.h] */
TEST(neighbours_are_returned_together)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 12));
    for (int i = 1; i < 9; i++)
        if (i != 5)
            BYTE(o.address + i * PAGE_SIZE) = (char)('0' + i);
    EXPECT_KR(lock_pages(&o, 0, PAGES, DIRTY, FALSE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 1, 4, TRUE, TRUE));
    EXPECT_TRUE(memcmp(heard.bytes, "1234", 4) == 0);
    EXPECT_TRUE(returned(&o, 6, 3, TRUE, TRUE));
    EXPECT_TRUE(memcmp(heard.bytes, "678", 3) == 0);
    EXPECT_TRUE(hear(&o, LOCKED));
    object_end(&o);
}

/* A message has so many pages and no more. [vm_internal.h] */
TEST(many_pages_are_returned_in_several_messages)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, PAGES));
    memset((void *)o.address, 'm', SIZE);
    EXPECT_KR(lock_pages(&o, 0, PAGES, DIRTY, FALSE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 0, CLUSTER, TRUE, TRUE));
    EXPECT_TRUE(returned(&o, CLUSTER, CLUSTER, TRUE, TRUE));
    EXPECT_TRUE(hear(&o, LOCKED));
    object_end(&o);
}

/* A request is about its range; the pages around it stay as they are. [KI memory_object_lock_request] */
TEST(a_request_is_about_its_range)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 6));
    memset((void *)o.address, 'r', 6 * PAGE_SIZE);
    EXPECT_KR(lock_pages(&o, 2, 2, DIRTY, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 2, 2, TRUE, FALSE));
    REQUIRE_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(heard.offset, 2 * PAGE_SIZE);
    EXPECT_EQ(heard.size, 2 * PAGE_SIZE);
    EXPECT_EQ(region_at(o.address).resident_pages, 4);
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'r');
    object_end(&o);
}

/* The pager is told that a request is done if it asks to be, after all that it returned. [KI
 * memory_object_lock_completed] */
TEST(completion_is_told_on_request)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 1));
    BYTE(o.address) = 'X';
    EXPECT_KR(memory_object_lock_request(o.control, 0, PAGE_SIZE, DIRTY, FALSE, KEEP, NO_REPLY),
              KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 0, 1, TRUE, TRUE));
    EXPECT_TRUE(hear_nothing(&o));
    object_end(&o);
}

/* ---- precious pages ---- */

/* The pager wants a precious page back although nobody wrote to it: MEMORY_OBJECT_RETURN_ALL returns it,
 * MEMORY_OBJECT_RETURN_DIRTY does not. [KI memory_object_data_supply] */
TEST(precious_pages_are_returned_clean)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(supply(&o, 1, 2, VM_PROT_NONE, TRUE), KERN_SUCCESS);
    EXPECT_KR(lock_pages(&o, 0, PAGES, DIRTY, FALSE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_KR(lock_pages(&o, 0, PAGES, ALL, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 1, 2, FALSE, FALSE));
    EXPECT_TRUE(memcmp(heard.bytes, "bc", 2) == 0);
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(region_at(o.address).resident_pages, 0);
    object_end(&o);
}

/* A precious page is returned when the object ends, too. [KI memory_object_data_return] */
TEST(precious_pages_come_back_at_the_end)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 3, 1, VM_PROT_NONE, TRUE), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address + 3 * PAGE_SIZE), 'd');
    EXPECT_KR(vm_deallocate(SELF, o.address, SIZE), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 3, 1, FALSE, FALSE));
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* What was written and what is precious only do not come in one message: a message is one or the
 * other. [KI memory_object_data_return] */
TEST(dirty_and_precious_are_told_apart)
{
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 0, 4, VM_PROT_NONE, TRUE), KERN_SUCCESS);
    BYTE(o.address + 2 * PAGE_SIZE) = 'X';
    EXPECT_KR(lock_pages(&o, 0, PAGES, ALL, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 0, 2, FALSE, FALSE));
    EXPECT_TRUE(returned(&o, 2, 1, TRUE, FALSE));
    EXPECT_TRUE(returned(&o, 3, 1, FALSE, FALSE));
    EXPECT_TRUE(hear(&o, LOCKED));
    object_end(&o);
}

/* ---- flush ---- */

/* Flushed pages are gone: the next touch asks for them, and sees what the pager has then. [KI
 * memory_object_lock_request] */
TEST(flushed_pages_are_asked_for_again)
{
    struct job job = {.run = job_read};
    struct object o;

    REQUIRE_TRUE(filled(&o, 2));
    EXPECT_EQ(BYTE(o.address), 'a');
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'b');
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_EQ(heard.offset, 0);
    EXPECT_KR(memory_object_data_unavailable(o.control, 0, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 0);
    object_end(&o);
}

/* Flushed without being returned, what was written is lost. [KI memory_object_lock_request] */
TEST(flush_without_return_loses_changes)
{
    struct job job = {.run = job_read};
    struct object o;

    REQUIRE_TRUE(filled(&o, 1));
    BYTE(o.address) = 'X';
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED)); /* and nothing before */
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    object_end(&o);
}

/* Flushed with return, it is with the pager, and nowhere else. [KI memory_object_lock_request] */
TEST(flush_with_return_moves_the_page)
{
    struct job job = {.run = job_read};
    struct object o;

    REQUIRE_TRUE(filled(&o, 1));
    BYTE(o.address) = 'X';
    EXPECT_KR(lock_pages(&o, 0, 1, DIRTY, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 0, 1, TRUE, FALSE));
    EXPECT_EQ(heard.bytes[0], 'X');
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(region_at(o.address).resident_pages, 0);
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    object_end(&o);
}

/* A flush reaches the page in every task that has it mapped. [KI memory_object_lock_request] */
TEST(flush_reaches_all_mappings)
{
    struct job job = {.run = job_read};
    struct object o;
    vm_address_t again;

    REQUIRE_TRUE(filled(&o, 1));
    again = object_map_again(&o, FALSE);
    REQUIRE_TRUE(again != 0);
    EXPECT_EQ(BYTE(o.address) + BYTE(again), 2 * 'a'); /* mapped at both */
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED));
    job.address = again;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_KR(memory_object_data_unavailable(o.control, 0, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 0);
    EXPECT_EQ(BYTE(o.address), 0);
    release(again, SIZE);
    object_end(&o);
}

/* A page that is being asked for is not there yet: a flush leaves its request alone. [KI
 * memory_object_lock_request] */
TEST(flush_leaves_requests_alone)
{
    struct job job = {.run = job_read};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_KR(lock_pages(&o, 0, PAGES, ALL, TRUE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    object_end(&o);
}

/* A wired page is cleaned, but stays. [KI vm_wire] */
TEST(wired_pages_are_not_flushed)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 2));
    REQUIRE_KR(vm_wire(test_host_priv(), SELF, o.address, PAGE_SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
    BYTE(o.address) = 'X';
    EXPECT_KR(lock_pages(&o, 0, 2, DIRTY, TRUE, KEEP), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 0, 1, TRUE, TRUE));
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(region_at(o.address).resident_pages, 1);
    EXPECT_EQ(BYTE(o.address), 'X');
    REQUIRE_KR(vm_wire(test_host_priv(), SELF, o.address, PAGE_SIZE, VM_PROT_NONE), KERN_SUCCESS);
    object_end(&o);
}

/* ---- locks ---- */

/* A page may be supplied with accesses forbidden: the first forbidden one asks the pager, and waits
 * until it is allowed. [KI memory_object_data_unlock] */
TEST(a_forbidden_write_asks)
{
    struct job job = {.run = job_write, .byte = 'W'};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 1, 1, VM_PROT_WRITE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'b'); /* reading is allowed */
    EXPECT_TRUE(hear_nothing(&o));
    job.address = o.address + PAGE_SIZE;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, UNLOCK));
    EXPECT_EQ(heard.offset, PAGE_SIZE);
    EXPECT_EQ(heard.size, PAGE_SIZE);
    EXPECT_EQ(heard.access, VM_PROT_WRITE);
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(lock_pages(&o, 1, 1, LEAVE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(BYTE(o.address + PAGE_SIZE), 'W');
    EXPECT_TRUE(hear_nothing(&o));
    object_end(&o);
}

/* Reading can be forbidden as well. [KI memory_object_data_unlock] */
TEST(a_forbidden_read_asks)
{
    struct job job = {.run = job_read};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_ALL, FALSE), KERN_SUCCESS);
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, UNLOCK));
    EXPECT_EQ(heard.access, VM_PROT_READ);
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, FALSE, VM_PROT_WRITE), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    job.run = job_write; /* which is still forbidden */
    REQUIRE_TRUE(job_begin(&job) && hear(&o, UNLOCK));
    EXPECT_EQ(heard.access, VM_PROT_WRITE);
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    object_end(&o);
}

/* A page in use can be forbidden again: its data comes back first, if asked for, and the next write
 * asks. [KI memory_object_lock_request] */
TEST(an_access_can_be_forbidden_later)
{
    struct job job = {.run = job_write, .byte = 'Z'};
    struct object o;

    REQUIRE_TRUE(filled(&o, 1));
    BYTE(o.address) = 'Y';
    EXPECT_KR(lock_pages(&o, 0, 1, DIRTY, FALSE, VM_PROT_WRITE), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 0, 1, TRUE, TRUE));
    EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(BYTE(o.address), 'Y');
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, UNLOCK));
    EXPECT_EQ(BYTE(o.address), 'Y'); /* not before it is allowed */
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address), 'Z');
    object_end(&o);
}

/* However many wait for an access, it is asked for once. [KI memory_object_data_unlock] */
TEST(an_access_is_asked_for_once)
{
    enum { WRITERS = 4 };
    struct job job[WRITERS];
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_WRITE, FALSE), KERN_SUCCESS);
    for (int i = 0; i < WRITERS; i++) {
        job[i] = (struct job){.run = job_write, .address = o.address + i, .byte = (char)('0' + i)};
        REQUIRE_TRUE(job_begin(&job[i]) && job_waits(&job[i]));
    }
    REQUIRE_TRUE(hear(&o, UNLOCK));
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, FALSE, VM_PROT_NONE), KERN_SUCCESS);
    for (int i = 0; i < WRITERS; i++)
        EXPECT_KR(job_end(&job[i]), KERN_SUCCESS);
    EXPECT_TRUE(memcmp((void *)o.address, "0123a", 5) == 0);
    object_end(&o);
}

/* A page that is flushed while an access to it is asked for is asked for anew. [KI
 * memory_object_lock_request] */
TEST(a_flush_answers_an_unlock)
{
    struct job job = {.run = job_write, .byte = 'W'};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_WRITE, FALSE), KERN_SUCCESS);
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, UNLOCK));
    EXPECT_KR(lock_pages(&o, 0, 1, LEAVE, TRUE, VM_PROT_NO_CHANGE), KERN_SUCCESS);
    for (int i = 0; i < 2; i++) { /* on another CPU the writer may ask before we are told */
        REQUIRE_TRUE(hear_within(o.port, HEAR_MS));
        if (heard.what == LOCKED)
            continue;
        REQUIRE_TRUE(heard.what == REQUEST);
        EXPECT_TRUE(heard.access & VM_PROT_WRITE);
        EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    }
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(BYTE(o.address), 'W');
    object_end(&o);
}

/* ---- vm_msync ---- */

/* A synchronous vm_msync returns when the pager has taken what was written. [OSF vm_msync] */
TEST(msync_waits_for_the_pager)
{
    struct job job = {.run = job_sync, .size = SIZE};
    struct object o;

    REQUIRE_TRUE(filled(&o, 2));
    BYTE(o.address + PAGE_SIZE) = 'S';
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && job_waits(&job));
    sleep_ms(5);
    EXPECT_TRUE(!job.done);
    EXPECT_TRUE(returned(&o, 1, 1, TRUE, TRUE)); /* hearing it deallocates the data */
    EXPECT_EQ(heard.bytes[0], 'S');
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    object_end(&o);
}

/* An asynchronous one does not wait; with VM_SYNC_INVALIDATE the pages are gone. [OSF vm_msync] */
TEST(msync_can_invalidate)
{
    struct object o;

    REQUIRE_TRUE(filled(&o, 4));
    BYTE(o.address + PAGE_SIZE) = 'S';
    EXPECT_KR(vm_msync(SELF, o.address, 2 * PAGE_SIZE, VM_SYNC_ASYNCHRONOUS), KERN_SUCCESS);
    EXPECT_TRUE(returned(&o, 1, 1, TRUE, TRUE));
    EXPECT_EQ(region_at(o.address).resident_pages, 4);
    EXPECT_KR(vm_msync(SELF, o.address, 2 * PAGE_SIZE, VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE),
              KERN_SUCCESS);
    EXPECT_EQ(region_at(o.address).resident_pages, 2);
    EXPECT_TRUE(hear_nothing(&o));
    object_end(&o);
}

TEST_MAIN
