/*
 * Mach by example, 39: who pays for what the kernel says to pagers. A pager that does not listen, or that
 * answers what it has not heard, cannot fill memory with the kernel's messages: they are charged to the task
 * that made the kernel send them, until the pager hears them.
 */
#include "mach_object.h"
#include "mach_limits.h"

/* How long the kernel waits for a pager here; else it is half a minute. */
TEST_ARGS("pager_timeout=1500");

#define PAGES 32
#define SIZE  (PAGES * PAGE_SIZE)
#define MOST  8 /* messages */

static boolean_t messages_come_to(uint64_t count)
{
    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 2) {
        if (used(SELF).messages == count)
            return TRUE;
        sleep_ms(2);
    }
    return FALSE;
}

static void limit_messages(task_limits_t limits, uint64_t messages)
{
    limits.messages = messages;
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
}

/* Requests for data that the pager answers without having heard them. At the limit a fault cannot ask: its
 * pager might as well be silent. [ledger.h] */
TEST(who_asks_for_data_pays)
{
    task_limits_t all = limit(SELF);
    uint64_t before;
    struct object o;
    struct job job;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    before = used(SELF).messages;
    for (int i = 0; i <= MOST; i++) {
        job = (struct job){.run = job_peek, .address = o.address + 3 * i * PAGE_SIZE};
        if (i == MOST)
            limit_messages(all, before + MOST);
        REQUIRE_TRUE(job_begin(&job));
        if (i < MOST) {
            EXPECT_TRUE(messages_come_to(before + i + 1) && job_waits(&job));
            EXPECT_KR(supply(&o, 3 * i, 1, VM_PROT_NONE, FALSE), KERN_SUCCESS);
        }
        EXPECT_KR(job_end(&job), i < MOST ? KERN_SUCCESS : KERN_MEMORY_ERROR);
    }
    limit_messages(all, all.messages);
    for (int i = 0; i < MOST; i++)
        EXPECT_TRUE(hear(&o, REQUEST));
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(used(SELF).messages, before);
    object_end(&o);
}

/* Wishes for an access, which the pager refuses again and again without having heard of them. [ledger.h] */
TEST(who_wants_an_access_pays)
{
    struct job job = {.run = job_poke, .byte = 'x'};
    task_limits_t all = limit(SELF);
    uint64_t before, own;
    struct object o;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    EXPECT_KR(supply(&o, 0, 1, VM_PROT_WRITE, FALSE), KERN_SUCCESS);
    before = used(SELF).messages;
    job.address = o.address;
    REQUIRE_TRUE(job_begin(&job) && job_waits(&job));
    own = used(SELF).messages - before - 1; /* the job's: the data on its way to the kernel */
    limit_messages(all, before + own + MOST);
    for (int i = 1; i <= MOST; i++) {
        EXPECT_TRUE(messages_come_to(before + own + i) && job_waits(&job));
        EXPECT_KR(memory_object_lock_request(o.control, 0, PAGE_SIZE, MEMORY_OBJECT_RETURN_NONE, FALSE,
                                             VM_PROT_WRITE, NO_REPLY), KERN_SUCCESS);
    }
    EXPECT_KR(job_end(&job), KERN_MEMORY_ERROR);
    limit_messages(all, all.messages);
    for (int i = 0; i < MOST; i++)
        EXPECT_TRUE(hear(&o, UNLOCK));
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(used(SELF).messages, before);
    EXPECT_EQ(seen_by(SELF, o.address), 'a');
    object_end(&o);
}

/* The first word about an object, by whoever maps it; who may send no message cannot map what nobody has
 * mapped. The last word is not charged, and as often as the first. [ledger.h] */
TEST(who_maps_pays)
{
    task_limits_t all = limit(SELF);
    uint64_t before;
    struct object o;

    NEED_HOST_PRIV();
    object_make(&o, SIZE);
    before = used(SELF).messages;
    limit_messages(all, before + MOST);
    for (int i = 0; i <= MOST; i++) {
        struct job job = {.run = job_map, .size = SIZE, .object = o.port};

        REQUIRE_TRUE(job_begin(&job));
        if (i < MOST) {
            EXPECT_TRUE(messages_come_to(before + i + 1) && job_waits(&job));
            EXPECT_KR(thread_abort((thread_t)job.port), KERN_SUCCESS);
        }
        EXPECT_KR(job_end(&job), i < MOST ? KERN_ABORTED : KERN_RESOURCE_SHORTAGE);
    }
    limit_messages(all, all.messages);
    for (int i = 0; i < MOST; i++) {
        EXPECT_TRUE(hear(&o, INIT));
        mach_port_deallocate(SELF, heard.control);
        EXPECT_TRUE(hear(&o, TERMINATE));
    }
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(used(SELF).messages, before);
    object_forget(&o);
}

static void dirty_and_clean(struct object *o, mach_port_t reply)
{
    BYTE(o->address) = 'x';
    EXPECT_KR(memory_object_lock_request(o->control, 0, PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, FALSE,
                                         VM_PROT_NO_CHANGE, reply, ONCE), KERN_SUCCESS);
}

/* Returns that a task has asked for are messages of its own until they are taken, and at its limit there
 * are no more; the page stays changed. [ledger.h] */
TEST(who_asks_for_returns_pays)
{
    task_limits_t before, all, limits;
    struct object o;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE) && object_fill(&o, 1));
    before = used(SELF);
    all = limits = limit(SELF);
    for (int i = 1; i <= MOST; i++) {
        dirty_and_clean(&o, MACH_PORT_NULL);
        EXPECT_EQ(used(SELF).messages, before.messages + i);
    }
    limits.messages = before.messages + MOST;
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, limits), KERN_SUCCESS);
    for (int i = 0; i < MOST; i++)
        dirty_and_clean(&o, MACH_PORT_NULL);
    EXPECT_EQ(used(SELF).messages, limits.messages);
    EXPECT_KR(task_set_limits(test_host_priv(), SELF, all), KERN_SUCCESS);
    for (int i = 0; i < MOST; i++)
        EXPECT_TRUE(hear(&o, RETURN));
    EXPECT_TRUE(hear_nothing(&o));
    EXPECT_EQ(used(SELF).messages, before.messages);
    EXPECT_TRUE(used(SELF).kernel_memory <= before.kernel_memory);
    lock_pages(&o, 0, 1, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    EXPECT_TRUE(hear(&o, RETURN) && heard.bytes[0] == 'x');
    EXPECT_TRUE(hear(&o, LOCKED));
    object_end(&o);
}

/* And so is the word that it was done. [KI memory_object_lock_request, ledger.h] */
TEST(who_asks_for_an_answer_pays)
{
    task_limits_t before;
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, NONE));
    before = used(SELF);
    for (int i = 0; i < 20; i++)
        lock_pages(&o, 0, 1, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NO_CHANGE);
    EXPECT_EQ(used(SELF).messages, before.messages + 20);
    for (int i = 0; i < 20; i++)
        EXPECT_TRUE(hear(&o, LOCKED));
    EXPECT_EQ(used(SELF).messages, before.messages);
    object_end(&o);
}

TEST_MAIN
