/*
 * Mach by example, 38: copies of what a pager backs. A copy shows what was there when it was made, whoever
 * writes to the object afterwards, and by whatever mapping. The pages are copied when they must be.
 */
#include "mach_object.h"
#include "mach_limits.h"

#define PAGES 16 /* a message of so many is not copied into the kernel */
#define SIZE  (PAGES * PAGE_SIZE)

/* Maps it as a program maps a file it only reads: for ever, if max says so. */
static kern_return_t job_map_to_read(struct job *job)
{
    return vm_map(job->task, &job->address, job->size, 0, TRUE, job->object, 0, job->copy, VM_PROT_READ,
                  VM_PROT_READ, VM_INHERIT_COPY);
}

/* An object that nobody can write to yet, with its first pages in memory. */
static boolean_t map_to_read(struct object *o, vm_size_t filled)
{
    struct job job = {.run = job_map_to_read, .size = SIZE};

    object_make(o, SIZE);
    job.object = o->port;
    if (!job_begin(&job) || !hear(o, INIT))
        return FALSE;
    o->control = heard.control;
    if (memory_object_ready(o->control, FALSE, DELAY) != KERN_SUCCESS || job_end(&job) != KERN_SUCCESS)
        return FALSE;
    o->address = job.address;
    return object_fill(o, filled);
}

/* Does memory show the letters that the pager supplied, from page `first` on? */
static boolean_t shows_letters(vm_address_t at, vm_size_t first)
{
    for (vm_size_t page = first; page < PAGES; page++)
        if (BYTE(at + page * PAGE_SIZE) != (char)('a' + page))
            return FALSE;
    return TRUE;
}

static void overwrite(vm_address_t at)
{
    for (vm_size_t page = 0; page < PAGES; page++)
        BYTE(at + page * PAGE_SIZE) = 'Z';
}

static mach_msg_return_t send_memory(mach_port_t to, vm_address_t address)
{
    struct ool m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to},
        .body = {.msgh_descriptor_count = 1},
        .memory = {.address = address, .size = SIZE, .copy = MACH_MSG_VIRTUAL_COPY,
                   .type = MACH_MSG_OOL_DESCRIPTOR},
    };

    return mach_msg(&m.header, MACH_SEND_MSG, OOL_SIZE, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

/* Memory in a message is what it was when it was sent, although its object, which nobody could write to
 * then, is mapped for writing and written to before it is received. [vm_snapshot.c] */
TEST(a_message_on_its_way_is_not_written_to)
{
    mach_port_t port = new_port_send();
    vm_address_t writer;
    struct object o;
    struct ool m;

    REQUIRE_TRUE(map_to_read(&o, PAGES));
    EXPECT_TRUE(shows_letters(o.address, 0));
    REQUIRE_KR(send_memory(port, o.address), MACH_MSG_SUCCESS);
    writer = object_map_again(&o, FALSE);
    REQUIRE_TRUE(writer != 0);
    overwrite(writer);
    EXPECT_EQ(BYTE(o.address), 'Z'); /* this is no copy */
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 0, MACH_PORT_NULL),
               MACH_MSG_SUCCESS);
    EXPECT_TRUE(shows_letters((vm_address_t)m.memory.address, 0));
    EXPECT_KR(vm_deallocate(SELF, (vm_address_t)m.memory.address, SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, writer, SIZE), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
    object_end(&o);
}

/* And so is a private mapping: pages that were read, that were not, and that were written to; and a child's
 * copy of it. [vm_snapshot.c] */
TEST(a_private_mapping_is_not_written_to)
{
    vm_address_t copy, writer;
    struct child child;
    struct object o;

    REQUIRE_TRUE(map_to_read(&o, PAGES));
    copy = object_map_again(&o, TRUE);
    REQUIRE_TRUE(copy != 0);
    EXPECT_EQ(BYTE(copy + 5 * PAGE_SIZE), 'f');
    EXPECT_KR(vm_inherit(SELF, copy, SIZE, VM_INHERIT_COPY), KERN_SUCCESS);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    BYTE(copy) = 'P';
    writer = object_map_again(&o, FALSE);
    REQUIRE_TRUE(writer != 0);
    overwrite(writer);
    EXPECT_EQ(BYTE(copy), 'P');
    EXPECT_EQ(BYTE(copy + 1), 'a');
    EXPECT_TRUE(shows_letters(copy, 1));
    for (vm_size_t page = 0; page < PAGES; page++)
        EXPECT_EQ(seen_by(child.task, copy + page * PAGE_SIZE), 'a' + page);
    BYTE(copy + 7 * PAGE_SIZE) = 'Q';
    EXPECT_EQ(BYTE(copy + 7 * PAGE_SIZE + 1), 'h');
    EXPECT_EQ(BYTE(writer + 7 * PAGE_SIZE), 'Z');
    child_end(&child);
    EXPECT_KR(vm_deallocate(SELF, copy, SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, writer, SIZE), KERN_SUCCESS);
    object_end(&o);
}

/* A private mapping of what can be written to already is made at once, and shows nothing that is written
 * later. [vm_snapshot.c] */
TEST(a_private_mapping_of_what_is_written_is_a_snapshot)
{
    vm_address_t copy;
    struct object o;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, DELAY) && object_fill(&o, PAGES));
    BYTE(o.address) = 'W';
    copy = object_map_again(&o, TRUE);
    REQUIRE_TRUE(copy != 0);
    overwrite(o.address);
    EXPECT_EQ(BYTE(copy), 'W');
    EXPECT_TRUE(shows_letters(copy, 1));
    EXPECT_KR(vm_deallocate(SELF, copy, SIZE), KERN_SUCCESS);
    object_end(&o);
}

/* What copies will need is asked of the pager before the object is mapped for writing; if it has an error
 * instead, it is not mapped, and the copies are as they were. [vm_snapshot.c] */
TEST(copies_come_before_the_first_writer)
{
    struct job job = {.run = job_map, .size = SIZE};
    vm_address_t copy;
    vm_size_t asked = 0;
    struct object o;

    REQUIRE_TRUE(map_to_read(&o, 4));
    copy = object_map_again(&o, TRUE);
    REQUIRE_TRUE(copy != 0);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job) && hear(&o, REQUEST));
    EXPECT_EQ(heard.offset, 4 * PAGE_SIZE);
    EXPECT_KR(memory_object_data_error(o.control, 0, SIZE, KERN_NO_ACCESS), KERN_SUCCESS);
    EXPECT_KR(job_end(&job), KERN_NO_ACCESS);
    EXPECT_EQ(BYTE(copy + 3 * PAGE_SIZE), 'd');
    REQUIRE_TRUE(job_begin(&job));
    while (asked < PAGES - 4 && hear(&o, REQUEST)) {
        asked += heard.size / PAGE_SIZE;
        EXPECT_KR(supply_heard(&o), KERN_SUCCESS);
    }
    EXPECT_EQ(asked, PAGES - 4);
    EXPECT_KR(job_end(&job), KERN_SUCCESS);
    overwrite(job.address);
    EXPECT_TRUE(shows_letters(copy, 0));
    EXPECT_KR(vm_deallocate(SELF, copy, SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, job.address, SIZE), KERN_SUCCESS);
    object_end(&o);
}

/* How the job ends when the pager has `pages` pages, and nothing behind them. */
static kern_return_t served_end(struct object *o, struct job *job, vm_size_t pages)
{
    while (!job->done) {
        if (!hear_within(o->port, 5) || heard.what != REQUEST)
            continue;
        for (vm_size_t page = heard.offset / PAGE_SIZE, n = heard.size / PAGE_SIZE; n > 0; page++, n--)
            EXPECT_KR(page < pages ? supply(o, page, 1, VM_PROT_NONE, FALSE)
                                   : memory_object_data_error(o->control, page * PAGE_SIZE, PAGE_SIZE,
                                                              KERN_MEMORY_ERROR),
                      KERN_SUCCESS);
    }
    return job_end(job);
}

/* What can be read at `at` of an object whose pager has so many pages. */
static kern_return_t served_read(struct object *o, vm_address_t at, vm_size_t pages, char *byte)
{
    struct job job = {.run = job_peek, .address = at};
    kern_return_t kr = job_begin(&job) ? served_end(o, &job, pages) : KERN_FAILURE;

    *byte = job.byte;
    return kr;
}

/* A copy may reach far beyond the end of what the pager has: nobody is kept from writing by that. The copy
 * shows what it did, and behind the end whatever there is. [vm_snapshot.c] */
TEST(a_copy_beyond_the_end_keeps_nobody_from_writing)
{
    struct job job = {.run = job_map, .size = SIZE};
    vm_address_t copy = 0;
    struct object o;
    char byte;

    REQUIRE_TRUE(map_to_read(&o, 4));
    REQUIRE_KR(vm_map(SELF, &copy, 1UL << 40, 0, TRUE, o.port, 0, TRUE, VM_PROT_DEFAULT, VM_PROT_ALL,
                      VM_INHERIT_COPY), KERN_SUCCESS);
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job));
    REQUIRE_KR(served_end(&o, &job, PAGES), KERN_SUCCESS);
    overwrite(job.address);
    EXPECT_TRUE(shows_letters(copy, 0));
    EXPECT_KR(served_read(&o, copy + SIZE, PAGES, &byte), KERN_MEMORY_ERROR);
    BYTE(copy) = 'P';
    EXPECT_KR(served_read(&o, copy + SIZE, PAGES, &byte), KERN_MEMORY_ERROR);
    EXPECT_TRUE(shows_letters(copy, 1));
    EXPECT_KR(served_read(&o, copy + SIZE, PAGES + 1, &byte), KERN_SUCCESS);
    EXPECT_EQ(byte, 'a' + PAGES);
    EXPECT_KR(vm_deallocate(SELF, copy, 1UL << 40), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, job.address, SIZE), KERN_SUCCESS);
    object_end(&o);
}

/* And so may one that is made at once, since the object is mapped for writing. [vm_snapshot.c] */
TEST(a_copy_at_once_may_go_beyond_the_end)
{
    struct job job = {.run = job_map, .size = 2 * SIZE, .copy = TRUE};
    struct object o;
    char byte;

    REQUIRE_TRUE(object_map(&o, SIZE, FALSE, DELAY) && object_fill(&o, PAGES));
    job.object = o.port;
    REQUIRE_TRUE(job_begin(&job));
    REQUIRE_KR(served_end(&o, &job, PAGES), KERN_SUCCESS);
    overwrite(o.address);
    EXPECT_TRUE(shows_letters(job.address, 0));
    EXPECT_KR(served_read(&o, job.address + SIZE, PAGES, &byte), KERN_MEMORY_ERROR);
    EXPECT_KR(served_read(&o, job.address + SIZE, PAGES + 1, &byte), KERN_SUCCESS);
    EXPECT_EQ(byte, 'a' + PAGES);
    EXPECT_KR(vm_deallocate(SELF, job.address, 2 * SIZE), KERN_SUCCESS);
    object_end(&o);
}

static kern_return_t map_page_to_write(task_t task, mach_port_t object, vm_address_t *address)
{
    *address = 0;
    return vm_map(task, address, PAGE_SIZE, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
                  VM_INHERIT_NONE);
}

/* What is copied for a writer is his, as if it were mapped in his address space, until it goes. Above his
 * limit he cannot write, and nothing has changed. [vm_snapshot.c] */
TEST(what_is_copied_for_a_writer_is_his)
{
    vm_address_t copy, at, more = 0;
    task_limits_t limits;
    struct object o;
    uint32_t before;
    task_t task;

    NEED_HOST_PRIV();
    REQUIRE_TRUE(map_to_read(&o, PAGES));
    copy = object_map_again(&o, TRUE);
    REQUIRE_TRUE(copy != 0);
    REQUIRE_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    limits = limit(task);
    limits.virtual_memory = SIZE;
    REQUIRE_KR(task_set_limits(test_host_priv(), task, limits), KERN_SUCCESS);
    before = anonymous_pages();
    EXPECT_KR(map_page_to_write(task, o.port, &at), KERN_RESOURCE_SHORTAGE);
    EXPECT_EQ(used(task).virtual_memory, 0);
    EXPECT_EQ(anonymous_pages(), before);
    EXPECT_TRUE(shows_letters(copy, 0));
    limits.virtual_memory = SIZE + PAGE_SIZE;
    REQUIRE_KR(task_set_limits(test_host_priv(), task, limits), KERN_SUCCESS);
    REQUIRE_KR(map_page_to_write(task, o.port, &at), KERN_SUCCESS);
    EXPECT_EQ(used(task).virtual_memory, SIZE + PAGE_SIZE);
    EXPECT_KR(vm_allocate(task, &more, PAGE_SIZE, TRUE), KERN_RESOURCE_SHORTAGE);
    EXPECT_KR(vm_deallocate(task, at, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_EQ(used(task).virtual_memory, SIZE); /* the copy needs it still */
    EXPECT_TRUE(shows_letters(copy, 0));
    EXPECT_KR(vm_deallocate(SELF, copy, SIZE), KERN_SUCCESS);
    object_end(&o);
    EXPECT_EQ(used(task).virtual_memory, 0);
    task_terminate(task);
    mach_port_deallocate(SELF, task);
}

static volatile uint64_t written;
static vm_address_t looked_at;

/* In a thread: reads a copy again and again, by way of the pages that are mapped and of the kernel. */
static void *look(void *arg)
{
    int *wrong = arg;

    do {
        *wrong += !shows_letters(looked_at, 0);
        *wrong += seen_by(SELF, looked_at + 3 * PAGE_SIZE) != 'd';
    } while (!written);
    *wrong += !shows_letters(looked_at, 0);
    return NULL;
}

/* Whoever looks at a copy in the moment when the first writer comes sees nothing of it. [vm_snapshot.c] */
TEST(copies_are_looked_at_as_the_writer_comes)
{
    for (int round = 0; round < 20; round++) {
        vm_address_t writer;
        cthread_t thread;
        struct object o;
        int wrong = 0;

        REQUIRE_TRUE(map_to_read(&o, PAGES));
        looked_at = object_map_again(&o, TRUE);
        REQUIRE_TRUE(looked_at != 0);
        written = 0;
        thread = cthread_fork(look, &wrong);
        REQUIRE_TRUE(thread != NULL);
        writer = object_map_again(&o, FALSE);
        REQUIRE_TRUE(writer != 0);
        overwrite(writer);
        written = 1;
        cthread_join(thread);
        EXPECT_EQ(wrong, 0);
        EXPECT_KR(vm_deallocate(SELF, looked_at, SIZE), KERN_SUCCESS);
        EXPECT_KR(vm_deallocate(SELF, writer, SIZE), KERN_SUCCESS);
        object_end(&o);
    }
}

/* When nobody has the object mapped any more, what was copied for others goes. [vm_snapshot.c] */
TEST(a_snapshot_goes_with_the_mappings)
{
    uint32_t before = anonymous_pages();
    vm_address_t copy, writer;
    struct object o;

    REQUIRE_TRUE(map_to_read(&o, PAGES));
    copy = object_map_again(&o, TRUE);
    writer = object_map_again(&o, FALSE);
    REQUIRE_TRUE(copy != 0 && writer != 0);
    EXPECT_TRUE(anonymous_pages() >= before + PAGES);
    EXPECT_KR(vm_deallocate(SELF, writer, SIZE), KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, copy, SIZE), KERN_SUCCESS);
    object_end(&o);
    EXPECT_TRUE(anonymous_pages() < before + PAGES);
}

TEST_MAIN
