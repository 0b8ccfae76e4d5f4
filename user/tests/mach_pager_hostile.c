/*
 * Mach by example, 33: pagers that lie. Whoever maps an object trusts its pager for that memory, and for
 * nothing else: a pager that answers wrongly, late or never hurts who mapped its object, for a time, and
 * nobody besides.
 */
#include "mach_object.h"
#include "mach_exc.h"

/* How long the kernel waits for a pager here; else it is half a minute. */
TEST_ARGS("pager_timeout=1500");

#define PAGES 32
#define SIZE  (PAGES * PAGE_SIZE)

/* A job that reads a page of the object in its own task, and has asked for it. */
static boolean_t ask_for(struct object *o, struct job *job, vm_size_t page)
{
    *job = (struct job){.run = job_peek, .task = o->task, .address = o->address + page * PAGE_SIZE};
    return job_begin(job) && hear(o, REQUEST) && heard.offset == page * PAGE_SIZE;
}

/* ---- wrong answers ---- */

/* Data at an offset inside a page is refused, and who waits goes on waiting for an answer.
 * [memory_object_control.defs] */
TEST(data_at_a_wrong_offset_is_refused)
{
    static const vm_offset_t offsets[] = {1, PAGE_SIZE - 1, 1UL << 63, -PAGE_SIZE, ~0UL};
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && ask_for(&o, &job, 0));
    for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        memory_object_data_supply(o.control, offsets[i], letters(7, 1), PAGE_SIZE, VM_PROT_NONE, FALSE,
                                  NO_REPLY);
        memory_object_data_unavailable(o.control, offsets[i], PAGE_SIZE + (offsets[i] >> 63));
    }
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    object_end(&o);
}

/* Data that is no whole number of pages is refused, and none is not data. [memory_object_control.defs] */
TEST(data_of_a_wrong_size_is_refused)
{
    static const vm_size_t sizes[] = {1, 100, PAGE_SIZE - 1, PAGE_SIZE + 1};
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && ask_for(&o, &job, 0));
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        memory_object_data_supply(o.control, 0, letters(7, 2), sizes[i], VM_PROT_NONE, FALSE, NO_REPLY);
    memory_object_data_supply(o.control, 0, 0, 0, VM_PROT_NONE, FALSE, NO_REPLY);
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    object_end(&o);
}

/* Data for another page than was asked for is that page's; who waits for this one goes on waiting. [KI
 * memory_object_data_supply] */
TEST(data_for_another_page_does_not_help)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && ask_for(&o, &job, 4));
    EXPECT_KR(supply(&o, 3, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(supply(&o, 5, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(supply(&o, 4, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'e');
    EXPECT_EQ(seen_by(o.task, o.address + 3 * PAGE_SIZE), 'd');
    object_end(&o);
}

/* Data beyond the object's end is dropped, so a pager cannot fill memory with what nobody can see.
 * [memory_object.c] */
TEST(data_beyond_the_end_is_dropped)
{
    struct host_counters before, after;
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    counters(&before);
    for (vm_size_t page = PAGES; page < 4 * PAGES; page += CLUSTER)
        EXPECT_KR(supply(&o, page, CLUSTER, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    counters(&after);
    EXPECT_EQ(after.pager_pages, before.pager_pages);
    EXPECT_KR(supply(&o, PAGES - 1, 3, VM_PROT_NONE, FALSE), KERN_SUCCESS); /* one page is within */
    counters(&after);
    EXPECT_EQ(after.pager_pages, before.pager_pages + 1);
    object_end(&o);
}

/* Accesses to be forbidden that are none are refused. [memory_object_control.defs] */
TEST(wrong_locks_are_refused)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && ask_for(&o, &job, 0));
    supply(&o, 0, 1, 0x700, FALSE);
    supply(&o, 0, 1, -1, FALSE);
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    lock_pages(&o, 0, 1, 3, FALSE, VM_PROT_NO_CHANGE);
    lock_pages(&o, 0, 1, -1, FALSE, VM_PROT_NO_CHANGE);
    lock_pages(&o, 0, 1, MEMORY_OBJECT_RETURN_NONE, TRUE, 0x77);
    memory_object_lock_request(o.control, 5, PAGE_SIZE, 0, TRUE, 0, NO_REPLY);
    memory_object_lock_request(o.control, 0, 5, 0, TRUE, 0, NO_REPLY);
    memory_object_lock_request(o.control, PAGE_SIZE, -PAGE_SIZE, 0, TRUE, 0, NO_REPLY);
    EXPECT_TRUE(hear_nothing(&o)); /* no one of them was completed */
    EXPECT_EQ(seen_by(o.task, o.address), 'a');
    object_end(&o);
}

/* A copy strategy that is none leaves the object as it was: not ready. [memory_object_control.defs] */
TEST(wrong_attributes_are_refused)
{
    struct job job = {.run = job_map, .size = SIZE};
    boolean_t ready, may_cache;
    struct object o;
    int strategy;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT));
    o.control = heard.control;
    memory_object_ready(o.control, TRUE, 1000);
    memory_object_ready(o.control, TRUE, -1);
    memory_object_change_attributes(o.control, TRUE, 77, o.port, ONCE);
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(memory_object_get_attributes(o.control, &ready, &may_cache, &strategy), KERN_SUCCESS);
    EXPECT_TRUE(!ready && !may_cache);
    EXPECT_KR(memory_object_ready(o.control, FALSE, NONE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    o.address = job.address;
    EXPECT_TRUE(hear_nothing(&o));
    object_end(&o);
}

/* An answer to one object says nothing about another. [KI memory_object_data_supply] */
TEST(an_answer_to_the_wrong_object_does_not_help)
{
    struct object o, p;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && object_map_apart(&p, SIZE) && ask_for(&o, &job, 0));
    EXPECT_KR(supply(&p, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(memory_object_data_error(p.control, 0, SIZE, KERN_NO_ACCESS), KERN_SUCCESS);
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(supply(&o, 2, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    object_end(&o);
    object_end(&p);
}

/* ---- too many answers ---- */

/* Who answers twice is heard once: what is in memory is not overwritten. [KI memory_object_data_supply] */
TEST(a_second_answer_is_ignored)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && ask_for(&o, &job, 0));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(memory_object_data_supply(o.control, 0, letters(7, 1), PAGE_SIZE, VM_PROT_ALL, TRUE,
                                        NO_REPLY), KERN_SUCCESS);
    EXPECT_KR(memory_object_data_unavailable(o.control, 0, SIZE), KERN_SUCCESS);
    EXPECT_KR(memory_object_data_error(o.control, 0, SIZE, KERN_NO_ACCESS), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'a');
    EXPECT_EQ(seen_by(o.task, o.address), 'a'); /* readable, as the first answer said */
    object_end(&o);
}

/* Errors and zeros for pages that nobody asked for do nothing. [KI memory_object_data_unavailable] */
TEST(answers_nobody_waits_for_do_nothing)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    EXPECT_KR(memory_object_data_error(o.control, 0, SIZE, KERN_NO_ACCESS), KERN_SUCCESS);
    EXPECT_KR(memory_object_data_unavailable(o.control, 0, 1UL << 40), KERN_SUCCESS);
    REQUIRE_TRUE(ask_for(&o, &job, 3)); /* they left no page behind */
    EXPECT_KR(supply(&o, 3, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_EQ(job.byte, 'd');
    object_end(&o);
}

/* Ready and destroy can be said as often as a pager likes. [KI memory_object_destroy] */
TEST(said_twice_is_said_once)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    for (int i = 0; i < 5; i++)
        EXPECT_KR(memory_object_ready(o.control, FALSE, NONE), KERN_SUCCESS);
    REQUIRE_TRUE(ask_for(&o, &job, 0));
    for (int i = 0; i < 5; i++)
        EXPECT_KR(memory_object_destroy(o.control, KERN_NO_ACCESS), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_NO_ACCESS);
    EXPECT_KR(memory_object_ready(o.control, FALSE, NONE), KERN_SUCCESS); /* does not bring it back */
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    REQUIRE_TRUE(job_begin(&job));
    EXPECT_KR(job_end(&job), KERN_NO_ACCESS);
    object_end(&o);
}

/* ---- no answer ---- */

/* A pager that never answers: the fault fails in time with KERN_MEMORY_ERROR. An answer that comes later
 * serves who asks later. [memory_object.defs] */
TEST(a_silent_pager_is_a_memory_error)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && ask_for(&o, &job, 0));
    EXPECT_KR(job_end(&job), KERN_MEMORY_ERROR);
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(seen_by(o.task, o.address), 'a');
    object_end(&o);
}

static void read_byte(uint64_t address)
{
    BYTE(address);
    task_terminate(SELF);
}

/* For a program that is EXC_BAD_ACCESS with that code, and the address. [exception.h] */
TEST(a_silent_pager_is_an_exception)
{
    mach_port_t port = new_port_send();
    struct object o;
    struct child child;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    REQUIRE_KR(child_make_watched(&child, port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT),
               KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, read_byte, o.address + PAGE_SIZE + 3), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, REQUEST));
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
    EXPECT_EQ(caught.code[0], KERN_MEMORY_ERROR);
    EXPECT_EQ(caught.code[1], o.address + PAGE_SIZE + 3);
    child_end(&child);
    mach_port_destroy(SELF, port);
    object_end(&o);
}

/* A pager that is never ready: vm_map fails in time with KERN_MEMORY_ERROR. [vm_object.h] */
TEST(a_pager_that_is_never_ready)
{
    struct job job = {.run = job_map, .size = SIZE};
    struct object o;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT));
    o.control = heard.control;
    EXPECT_KR(job_end(&job), KERN_MEMORY_ERROR);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* A pager that never allows an access it forbade: KERN_MEMORY_ERROR, and what is allowed still is. [KI
 * memory_object_data_unlock] */
TEST(a_pager_that_never_unlocks)
{
    struct job job = {.run = job_poke, .byte = 'x'};
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_WRITE, FALSE), KERN_SUCCESS);
    job.task = o.task;
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, UNLOCK));
    EXPECT_KR(job_end(&job), KERN_MEMORY_ERROR);
    EXPECT_EQ(seen_by(o.task, o.address), 'a');
    object_end(&o);
}

/* A pager that does not take what is returned: vm_msync gives up in time. [OSF vm_msync] */
TEST(a_pager_that_takes_nothing_back)
{
    struct job job = {.run = job_sync, .size = SIZE};
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 1));
    BYTE(o.address) = 'x';
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job));
    EXPECT_KR(job_end(&job), KERN_MEMORY_ERROR);
    EXPECT_TRUE(hear(&o, RETURN) && heard.bytes[0] == 'x'); /* it is with him all the same */
    object_end(&o);
}

/* A pager that receives nothing at all, with a queue that is full: the kernel never waits to send.
 * [memory_object.defs] */
TEST(a_pager_that_does_not_listen)
{
    enum { READERS = 12 };
    struct job job[READERS];
    struct object o;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    EXPECT_KR(mach_port_set_qlimit(SELF, o.port, 1), KERN_SUCCESS);
    for (int i = 0; i < READERS; i++) {
        job[i] = (struct job){.run = job_peek, .task = o.task, .address = o.address + 2 * i * PAGE_SIZE};
        REQUIRE_TRUE(job_begin(&job[i]));
    }
    for (int i = 0; i < READERS; i++)
        EXPECT_KR(job_end(&job[i]), KERN_MEMORY_ERROR);
    for (int i = 0; i < READERS; i++)
        EXPECT_TRUE(hear(&o, REQUEST));
    object_end(&o);
}

/* A pager that touches its own memory waits for itself, and for no longer than others. [KP, external
 * memory managers] */
TEST(a_pager_that_waits_for_itself)
{
    struct object o;
    char byte;

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    EXPECT_KR(byte_of(o.task, o.address, &byte), KERN_MEMORY_ERROR);
    EXPECT_TRUE(hear(&o, REQUEST));
    object_end(&o);
}

/* Data that is itself the page asked for can never come: who asked gets an error, not the kernel.
 * [memory_object.c] */
TEST(a_pager_that_supplies_its_own_page)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    job = (struct job){.run = job_peek, .task = SELF, .address = o.address};
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    memory_object_data_supply(o.control, 0, o.address, 3 * PAGE_SIZE, VM_PROT_NONE, FALSE, NO_REPLY);
    EXPECT_TRUE(job_end(&job) != KERN_SUCCESS);
    while (hear_within(o.port, SILENT_MS))
        ;
    EXPECT_KR(memory_object_destroy(o.control, KERN_FAILURE), KERN_SUCCESS);
    object_end(&o);
}

/* ---- the end in the middle ---- */

/* A pager that dies with a request in hand: KERN_MEMORY_FAILURE, for all who wait. [KI
 * memory_object_data_request] */
TEST(a_pager_that_dies_in_mid_request)
{
    struct object o;
    struct job job[3];

    REQUIRE_TRUE(object_map_apart(&o, SIZE));
    for (int i = 0; i < 3; i++) {
        REQUIRE_TRUE(ask_for(&o, &job[i], 2 * i));
        EXPECT_TRUE(job_waits(&job[i]));
    }
    mach_port_mod_refs(SELF, o.port, MACH_PORT_RIGHT_RECEIVE, -1);
    for (int i = 0; i < 3; i++)
        EXPECT_KR(job_end(&job[i]), KERN_MEMORY_FAILURE);
    object_forget(&o);
}

/* One that dies before it was ready: vm_map is told. [vm_object.h] */
TEST(a_pager_that_dies_before_it_is_ready)
{
    struct job job = {.run = job_map, .size = SIZE};
    struct object o;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT) && job_waits(&job));
    o.control = heard.control;
    mach_port_mod_refs(SELF, o.port, MACH_PORT_RIGHT_RECEIVE, -1);
    EXPECT_KR(job_end(&job), KERN_MEMORY_FAILURE);
    object_forget(&o);
}

/* One that throws the control port away before it was ready can never be: vm_map is told at once.
 * [vm_object.h] */
TEST(a_pager_that_drops_the_control_port)
{
    struct job job = {.run = job_map, .size = SIZE};
    struct object o;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT));
    mach_port_deallocate(SELF, heard.control);
    EXPECT_KR(job_end(&job), KERN_MEMORY_FAILURE);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* A thread that waits for a page can be called back: KERN_ABORTED, and the page may still come. [KI
 * thread_abort] */
TEST(a_fault_can_be_aborted)
{
    struct object o;
    struct job job;

    REQUIRE_TRUE(object_map_apart(&o, SIZE) && ask_for(&o, &job, 0));
    EXPECT_TRUE(job_waits(&job));
    EXPECT_KR(thread_abort((thread_t)job.port), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_ABORTED);
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(seen_by(o.task, o.address), 'a');
    object_end(&o);
}

/* So can one that waits for an object to be ready. [KI thread_abort] */
TEST(a_mapping_can_be_aborted)
{
    struct job job = {.run = job_map, .size = SIZE};
    struct object o;

    object_make(&o, SIZE);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT) && job_waits(&job));
    o.control = heard.control;
    EXPECT_KR(thread_abort((thread_t)job.port), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_ABORTED);
    EXPECT_TRUE(hear(&o, TERMINATE));
    object_forget(&o);
}

/* A task that waits for a silent pager can be terminated; its mapping goes with it. [KI task_terminate] */
TEST(who_waits_for_a_pager_can_be_ended)
{
    struct object o;
    struct child child;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, read_byte, o.address), KERN_SUCCESS);
    EXPECT_TRUE(hear(&o, REQUEST));
    EXPECT_KR(task_terminate(child.task), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    object_end(&o);
}

/* While one pager is silent, who has nothing to do with it goes on: other memory, other pagers, other
 * mappings. [KP, external memory managers] */
TEST(a_silent_pager_hurts_nobody_else)
{
    struct object silent, good;
    struct job hung, job;
    struct child child;
    vm_address_t a;

    REQUIRE_TRUE(object_map_apart(&silent, SIZE) && object_map_apart(&good, SIZE));
    REQUIRE_TRUE(ask_for(&silent, &hung, 0));
    REQUIRE_TRUE(ask_for(&good, &job, 0));
    EXPECT_KR(supply(&good, 0, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    EXPECT_KR(supply(&silent, 1, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS); /* its own other pages, too */
    EXPECT_EQ(seen_by(silent.task, silent.address + PAGE_SIZE), 'b');
    a = fresh_in(silent.task, SIZE); /* and the waiting task's other memory */
    EXPECT_KR(set_byte_of(silent.task, a, 'x'), KERN_SUCCESS);
    EXPECT_KR(vm_protect(silent.task, silent.address, SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    child_end(&child);
    EXPECT_TRUE(!hung.done);
    EXPECT_KR(job_end(&hung), KERN_MEMORY_ERROR);
    object_end(&silent);
    object_end(&good);
}

/* A pager that is silent has not said that there is nothing: who wants to write must not, and copies are as
 * they were. [vm_snapshot.c] */
TEST(a_silent_pager_is_not_at_its_end)
{
    struct job job = {.run = job_map, .size = 2 * PAGE_SIZE};
    vm_address_t copy = 0;
    struct object o;

    object_make(&o, 2 * PAGE_SIZE);
    job.object = o.port;
    job.copy = TRUE;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, INIT));
    o.control = heard.control;
    EXPECT_KR(memory_object_ready(o.control, FALSE, DELAY), KERN_SUCCESS);
    REQUIRE_KR(job_end(&job), KERN_SUCCESS);
    copy = job.address;
    job.copy = FALSE;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_KR(job_end(&job), KERN_MEMORY_ERROR);
    EXPECT_KR(supply(&o, 0, 2, VM_PROT_NONE, FALSE), KERN_SUCCESS);
    REQUIRE_TRUE(job_begin(&job));
    REQUIRE_KR(job_end(&job), KERN_SUCCESS);
    BYTE(job.address) = 'Z';
    BYTE(job.address + PAGE_SIZE) = 'Z';
    EXPECT_EQ(BYTE(copy), 'a');
    EXPECT_EQ(BYTE(copy + PAGE_SIZE), 'b');
    EXPECT_KR(vm_deallocate(SELF, copy, 2 * PAGE_SIZE), KERN_SUCCESS);
    o.address = job.address;
    object_end(&o);
}

TEST_MAIN
