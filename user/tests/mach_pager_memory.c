/*
 * Mach by example, 35: pagers when memory is short. A machine of 64 MiB, and objects of more: changed pages
 * go to their pagers, and who writes waits for them. A pager that takes nothing back keeps its own pages in
 * memory, and nobody else's.
 */
#include "mach_object.h"

TEST_MEMORY(64);
TEST_LIMIT(60);

#define SIZE  (80UL << 20)
#define STUCK 512 /* pages */

static volatile uint64_t taken;

/* In a thread: a pager that has only zeros, and forgets what it gets back. */
static void *serve(void *arg)
{
    struct object *o = arg;

    do {
        if (!hear_within(o->port, HEAR_MS))
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

TEST_MAIN
