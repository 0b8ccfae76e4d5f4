/*
 * Mach by example, 35: pagers when memory is short. A machine of 64 MiB, and objects of more: changed pages
 * go to their pagers, and who writes waits for them. A pager that takes nothing back keeps its own pages in
 * memory, and nobody else's.
 */
#include "mach_object.h"

TEST_MEMORY(64);
TEST_LIMIT(60);
/* How long the kernel waits for a pager here; else it is half a minute. */
TEST_ARGS("pager_timeout=3000");

#define SIZE  (80UL << 20)
#define STUCK 512 /* pages */
#define LARGE 8192 /* pages: half of the machine's */

static volatile uint64_t taken;
static volatile uint64_t resting; /* the pager receives nothing */

/* In a thread: a pager that has only zeros, and forgets what it gets back. */
static void *serve(void *arg)
{
    struct object *o = arg;

    do {
        while (resting)
            sleep_ms(1);
        if (!hear_within(o->port, 100))
            continue;
        if (heard.what == REQUEST)
            memory_object_data_unavailable(o->control, heard.offset, heard.size);
        else if (heard.what == RETURN)
            taken += heard.size / PAGE_SIZE;
    } while (heard.what != TERMINATE);
    return NULL;
}

/* Writes to all pages of an object whose pager serves; then it ends. */
static void write_all(void)
{
    struct object o;
    cthread_t pager;
    vm_size_t at;

    taken = 0;
    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    pager = cthread_fork(serve, &o);
    for (at = 0; at < SIZE && set_byte(o.address + at, 'x') == KERN_SUCCESS; at += PAGE_SIZE)
        continue;
    EXPECT_EQ(at, SIZE);
    EXPECT_TRUE(taken > 0);
    EXPECT_KR(memory_object_destroy(o.control, KERN_FAILURE), KERN_SUCCESS); /* the rest is not needed */
    EXPECT_KR(vm_deallocate(SELF, o.address, SIZE), KERN_SUCCESS);
    cthread_join(pager);
    object_forget(&o);
}

/* A pager that writes what it gets back is waited for, however fast memory is filled: nobody is told that it
 * is gone. [vm_pageout.c] */
TEST(a_pager_that_keeps_up_is_waited_for)
{
    write_all();
}

/* A pager that does not take back what was changed keeps nobody else's pages in memory.
 * [vm_pageout.c] */
TEST(a_pager_that_is_stuck_is_alone)
{
    struct object stuck;

    REQUIRE_TRUE(object_map(&stuck, STUCK * PAGE_SIZE, FALSE, NONE) && object_fill(&stuck, STUCK));
    for (vm_size_t page = 0; page < STUCK; page++)
        BYTE(stuck.address + page * PAGE_SIZE) = 'x';
    write_all();
    object_end(&stuck);
}

/* Maps an object of LARGE pages, and changes all of them. */
static boolean_t make_large(struct object *o, cthread_t *pager)
{
    taken = resting = 0;
    if (!object_map(o, LARGE * PAGE_SIZE, FALSE, NONE))
        return FALSE;
    *pager = cthread_fork(serve, o);
    for (vm_size_t at = 0; at < o->size; at += PAGE_SIZE)
        if (set_byte(o->address + at, 'x') != KERN_SUCCESS)
            return FALSE;
    resting = 1;
    sleep_ms(200); /* it rests now */
    return TRUE;
}

static uint32_t queued(mach_port_t port)
{
    mach_port_status_t status;

    return mach_port_get_receive_status(SELF, port, &status) == KERN_SUCCESS ? status.mps_msgcount : 0;
}

/* At its end a large object that was changed is returned as fast as its pager takes it, and no faster. Who
 * maps it meanwhile has it again; in the end the pager has all. [memory_object_end.c] */
TEST(an_end_waits_for_its_pager)
{
    struct object o;
    cthread_t pager;
    vm_address_t again;

    REQUIRE_TRUE(make_large(&o, &pager));
    EXPECT_KR(vm_deallocate(SELF, o.address, o.size), KERN_SUCCESS);
    sleep_ms(200);
    EXPECT_TRUE(queued(o.port) > 0 && queued(o.port) <= 128);
    again = object_map_again(&o, FALSE);
    REQUIRE_TRUE(again != 0);
    EXPECT_EQ(BYTE(again + (LARGE - 1) * PAGE_SIZE), 'x'); /* the kernel has it still */
    EXPECT_KR(vm_deallocate(SELF, again, o.size), KERN_SUCCESS);
    resting = 0;
    cthread_join(pager); /* it has heard that the object ended */
    EXPECT_EQ(taken, LARGE);
    object_forget(&o);
}

/* If a pager takes nothing of that, and memory is needed, its data is lost when its time is over.
 * [memory_object_end.c] */
TEST(an_end_does_not_wait_for_ever)
{
    vm_address_t a = fresh(40UL << 20);
    kern_return_t kr = KERN_SUCCESS;
    struct object o;
    cthread_t pager;

    REQUIRE_TRUE(a != 0 && make_large(&o, &pager));
    EXPECT_KR(vm_deallocate(SELF, o.address, o.size), KERN_SUCCESS);
    for (vm_size_t at = 0, tries = 0; at < 40UL << 20 && tries < 200; tries += kr != KERN_SUCCESS) {
        kr = set_byte(a + at, 'y');
        if (kr == KERN_SUCCESS)
            at += PAGE_SIZE;
        else
            sleep_ms(50);
    }
    EXPECT_KR(kr, KERN_SUCCESS);
    resting = 0;
    cthread_join(pager);
    EXPECT_TRUE(taken < LARGE);
    release(a, 40UL << 20);
    object_forget(&o);
}

static struct {
    vm_address_t region;
    vm_size_t size;
    volatile uint64_t done;
} eater;

/* In a child: touches its memory. */
static void eat(uint64_t unused)
{
    for (vm_size_t at = 0; at < eater.size; at += PAGE_SIZE)
        BYTE(eater.region + at) = 1;
    eater.done = 1;
    for (;;)
        sleep_ms(1000);
}

/* What was copied so that one may write is claimed by who has the object mapped: it is he who ends when
 * memory is gone, not who has less. [vm_map_claim] */
TEST(what_was_copied_for_a_writer_is_claimed)
{
    mach_port_t host = mach_host_self();
    struct vm_statistics s;
    vm_address_t at = 0;
    struct child child;
    struct object o;
    cthread_t pager;
    task_t writer;

    REQUIRE_KR(host_vm_statistics(host, &s), KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    object_make(&o, (vm_size_t)s.free_count / 20 * 11 * PAGE_SIZE);
    taken = resting = 0;
    REQUIRE_KR(task_create(SELF, FALSE, &writer), KERN_SUCCESS);
    o.task = writer;
    REQUIRE_TRUE(object_enter(&o, TRUE, FALSE, DELAY));
    pager = cthread_fork(serve, &o);
    REQUIRE_KR(vm_map(writer, &at, PAGE_SIZE, 0, TRUE, o.port, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
                      VM_INHERIT_NONE), KERN_SUCCESS);
    eater.size = (vm_size_t)s.free_count / 2 * PAGE_SIZE;
    REQUIRE_KR(vm_allocate(SELF, &eater.region, eater.size, TRUE), KERN_SUCCESS);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, eat, 0), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(writer));
    EXPECT_TRUE(wait_for_peek(child.task, &eater.done, 1));
    child_end(&child);
    EXPECT_KR(vm_deallocate(SELF, eater.region, eater.size), KERN_SUCCESS);
    task_terminate(writer);
    cthread_join(pager);
    object_forget(&o);
}

TEST_MAIN
