/*
 * Mach by example, 28: another task's memory. Who has a task's port can do with its memory what the
 * task itself can: that is how programs are loaded, processes forked and debugged.
 */
#include "mach_memory.h"
#include "mach_exc.h"

#define SIZE (4 * PAGE_SIZE)

/* A task without threads and memory. */
static task_t empty_task(void)
{
    task_t task = MACH_PORT_NULL;

    EXPECT_KR(task_create(SELF, FALSE, &task), KERN_SUCCESS);
    return task;
}

static void end_task(task_t task)
{
    task_terminate(task);
    mach_port_deallocate(SELF, task);
}

/* ---- a task that does not run ---- */

/* Memory is allocated in another task, at the place that task has free, and not in one's own. [KI
 * vm_allocate] */
TEST(allocate_for_another_task)
{
    task_t task = empty_task();
    vm_address_t a = 0x7000000000, here = a;

    REQUIRE_KR(vm_allocate(task, &a, SIZE, FALSE), KERN_SUCCESS);
    EXPECT_EQ(seen_by(task, a), 0);
    EXPECT_KR(vm_allocate(task, &a, SIZE, FALSE), KERN_NO_SPACE);
    EXPECT_KR(readable(a), KERN_INVALID_ADDRESS);
    EXPECT_KR(vm_allocate(SELF, &here, SIZE, FALSE), KERN_SUCCESS);
    release(here, SIZE);
    end_task(task);
}

/* What is written there is read there. [KI vm_write] */
TEST(write_and_read_another_task)
{
    task_t task = empty_task();
    vm_address_t a = fresh_in(task, SIZE), data = lettered(4);
    mach_msg_type_number_t count;
    vm_offset_t back;

    REQUIRE_TRUE(a != 0 && data != 0);
    REQUIRE_KR(vm_write(task, a + 100, data, SIZE - 100), KERN_SUCCESS);
    REQUIRE_KR(vm_read(task, a + 100, SIZE - 100, &back, &count), KERN_SUCCESS);
    EXPECT_EQ(count, SIZE - 100);
    EXPECT_TRUE(memcmp((void *)back, (void *)data, SIZE - 100) == 0);
    release(back, count);
    release(data, SIZE);
    end_task(task);
}

/* Its pages can be copied over others of it. [KI vm_copy] */
TEST(copy_inside_another_task)
{
    task_t task = empty_task();
    vm_address_t a = fresh_in(task, SIZE);

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(set_byte_of(task, a, 'x'), KERN_SUCCESS);
    REQUIRE_KR(vm_copy(task, a, PAGE_SIZE, a + 2 * PAGE_SIZE), KERN_SUCCESS);
    EXPECT_EQ(seen_by(task, a + 2 * PAGE_SIZE), 'x');
    end_task(task);
}

/* Its protection holds for its memory, whoever writes to it. [KI vm_protect] */
TEST(protect_another_task)
{
    task_t task = empty_task();
    vm_address_t a = fresh_in(task, SIZE);
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_protect(task, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
    EXPECT_KR(set_byte_of(task, a, 'x'), KERN_PROTECTION_FAILURE);
    EXPECT_KR(set_byte_of(task, a + PAGE_SIZE, 'x'), KERN_SUCCESS);
    EXPECT_EQ(region_of(task, a, &size).protection, VM_PROT_READ);
    EXPECT_EQ(size, PAGE_SIZE);
    end_task(task);
}

/* Its children inherit what it was told they should. [KI vm_inherit] */
TEST(inheritance_of_another_task)
{
    task_t task = empty_task(), child;
    vm_address_t a = fresh_in(task, SIZE);

    REQUIRE_TRUE(a != 0);
    REQUIRE_KR(vm_inherit(task, a, SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_KR(task_create(task, TRUE, &child), KERN_SUCCESS);
    EXPECT_KR(set_byte_of(child, a, 'c'), KERN_SUCCESS);
    EXPECT_EQ(seen_by(task, a), 'c');
    end_task(child);
    end_task(task);
}

/* What another task has can be mapped here, shared: a window into it. [OSF vm_remap] */
TEST(a_window_into_another_task)
{
    task_t task = empty_task();
    vm_address_t a = fresh_in(task, SIZE), here = 0;
    vm_prot_t cur, max;

    REQUIRE_TRUE(a != 0);
    EXPECT_KR(set_byte_of(task, a, 't'), KERN_SUCCESS);
    REQUIRE_KR(vm_remap(SELF, &here, SIZE, 0, TRUE, task, a, FALSE, &cur, &max, VM_INHERIT_NONE),
               KERN_SUCCESS);
    EXPECT_EQ(BYTE(here), 't');
    BYTE(here + PAGE_SIZE) = 'm';
    EXPECT_EQ(seen_by(task, a + PAGE_SIZE), 'm');
    end_task(task);
    EXPECT_EQ(BYTE(here), 't'); /* the memory outlives the task */
    release(here, SIZE);
}

/* And one's own can be given to another, shared or copied. [OSF vm_remap] */
TEST(memory_given_to_another_task)
{
    task_t task = empty_task();
    vm_address_t mine = lettered(4), shared = 0, copied = 0;
    vm_prot_t cur, max;

    REQUIRE_TRUE(mine != 0);
    REQUIRE_KR(vm_remap(task, &shared, SIZE, 0, TRUE, SELF, mine, FALSE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    REQUIRE_KR(vm_remap(task, &copied, SIZE, 0, TRUE, SELF, mine, TRUE, &cur, &max, VM_INHERIT_COPY),
               KERN_SUCCESS);
    BYTE(mine) = 'x';
    EXPECT_EQ(seen_by(task, shared), 'x');
    EXPECT_EQ(seen_by(task, copied), 'a');
    EXPECT_EQ(seen_by(task, copied + 3 * PAGE_SIZE), 'd');
    end_task(task);
    release(mine, SIZE);
}

/* What a task has in memory is told of it, and goes with it. [KI task_info] */
TEST(a_tasks_memory_goes_with_it)
{
    uint32_t before = anonymous_pages();
    task_t task = empty_task();
    vm_address_t a = fresh_in(task, SIZE);
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    for (vm_size_t i = 0; i < SIZE; i += PAGE_SIZE)
        EXPECT_KR(set_byte_of(task, a + i, 'x'), KERN_SUCCESS);
    EXPECT_EQ(region_of(task, a, &size).resident_pages, 4);
    EXPECT_EQ(anonymous_pages(), before + 4);
    end_task(task);
    for (int tries = 0; tries < 100 && anonymous_pages() != before; tries++)
        sleep_ms(5);
    EXPECT_EQ(anonymous_pages(), before);
}

/* ---- a task that runs ---- */

/* In the child: counts in *address, for ever. */
static void count_for_ever(uint64_t address)
{
    for (;;) {
        WORD(address) = WORD(address) + 1;
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
    }
}

/* A running child whose exceptions come to port, counting in the memory at a. */
static boolean_t start_counting(struct child *child, mach_port_t port, vm_address_t a)
{
    uint64_t word = 0;

    if (child_make_watched(child, port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT) != KERN_SUCCESS
        || child_run(child, count_for_ever, a) != KERN_SUCCESS)
        return FALSE;
    for (int tries = 0; tries < 1000 && word < 10; tries++) {
        sleep_ms(1);
        peek(child->task, (uint64_t *)a, &word);
    }
    return word >= 10;
}

/* Memory can be taken from a task while it uses it: its next access is an exception. [KI
 * vm_deallocate] */
TEST(deallocate_under_a_running_task)
{
    mach_port_t port = new_port_send();
    vm_address_t a = fresh(SIZE);
    struct child child;

    REQUIRE_TRUE(a != 0 && start_counting(&child, port, a));
    EXPECT_KR(vm_deallocate(child.task, a, SIZE), KERN_SUCCESS);
    REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
    EXPECT_EQ(caught.code[0], KERN_INVALID_ADDRESS);
    EXPECT_EQ(caught.code[1], a);
    child_end(&child);
    mach_port_destroy(SELF, port);
    release(a, SIZE);
}

static struct child counting;
static vm_address_t counted;

static kern_return_t allow_writing(void)
{
    return vm_protect(counting.task, counted, PAGE_SIZE, FALSE, VM_PROT_DEFAULT);
}

/* So can the right to write to it; given back by who is told of the exception, it goes on. [KI
 * vm_protect] */
TEST(protect_under_a_running_task)
{
    mach_port_t port = new_port_send();
    uint64_t then = 0, now = 0;

    counted = fresh(SIZE);
    REQUIRE_TRUE(counted != 0 && start_counting(&counting, port, counted));
    for (int i = 0; i < 5; i++) {
        EXPECT_KR(vm_protect(counting.task, counted, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_SUCCESS);
        on_exception = NULL;
        peek(counting.task, (uint64_t *)counted, &then);
        sleep_ms(2);
        peek(counting.task, (uint64_t *)counted, &now);
        EXPECT_EQ(now, then); /* not one more write, on any CPU */
        on_exception = allow_writing;
        REQUIRE_KR(serve_exception(port), MACH_MSG_SUCCESS);
        EXPECT_EQ(caught.code[0], KERN_PROTECTION_FAILURE);
        for (int tries = 0; tries < 1000 && now == then; tries++) {
            sleep_ms(1);
            peek(counting.task, (uint64_t *)counted, &now);
        }
        EXPECT_TRUE(now > then);
    }
    child_end(&counting);
    mach_port_destroy(SELF, port);
    release(counted, SIZE);
}

/* What is written into a running task's memory it sees at once. [KI vm_write] */
TEST(write_under_a_running_task)
{
    mach_port_t port = new_port_send();
    vm_address_t a = fresh(SIZE);
    struct child child;
    uint64_t word = 0;

    REQUIRE_TRUE(a != 0 && start_counting(&child, port, a));
    EXPECT_KR(task_suspend(child.task), KERN_SUCCESS);
    EXPECT_KR(poke(child.task, (uint64_t *)a, 1UL << 40), KERN_SUCCESS);
    EXPECT_KR(task_resume(child.task), KERN_SUCCESS);
    for (int tries = 0; tries < 1000 && word <= 1UL << 40; tries++) {
        sleep_ms(1);
        peek(child.task, (uint64_t *)a, &word);
    }
    EXPECT_TRUE(word > 1UL << 40 && word < 1UL << 41);
    child_end(&child);
    mach_port_destroy(SELF, port);
    release(a, SIZE);
}

/* A window into a running task's memory shows what it does. [OSF vm_remap] */
TEST(a_window_into_a_running_task)
{
    mach_port_t port = new_port_send();
    vm_address_t a = fresh(SIZE), here = 0;
    struct child child;
    vm_prot_t cur, max;
    uint64_t then;

    REQUIRE_TRUE(a != 0 && start_counting(&child, port, a));
    REQUIRE_KR(vm_remap(SELF, &here, SIZE, 0, TRUE, child.task, a, FALSE, &cur, &max, VM_INHERIT_NONE),
               KERN_SUCCESS);
    then = WORD(here);
    for (int tries = 0; tries < 1000 && WORD(here) == then; tries++)
        sleep_ms(1);
    EXPECT_TRUE(WORD(here) > then);
    child_end(&child);
    mach_port_destroy(SELF, port);
    release(a, SIZE);
    release(here, SIZE);
}

/* ---- who is no task ---- */

/* A task that has ended has no memory: the call fails. [task.defs] */
TEST(a_dead_task_has_no_memory)
{
    task_t task = empty_task();
    vm_address_t a = fresh_in(task, SIZE), b = 0;
    struct vm_region_info info;
    vm_size_t size;
    char byte;

    REQUIRE_KR(task_terminate(task), KERN_SUCCESS);
    REQUIRE_TRUE(wait_until_dead(task));
    EXPECT_KR(vm_allocate(task, &b, SIZE, TRUE), MACH_SEND_INVALID_DEST);
    EXPECT_KR(byte_of(task, a, &byte), MACH_SEND_INVALID_DEST);
    EXPECT_KR(set_byte_of(task, a, 'x'), MACH_SEND_INVALID_DEST);
    EXPECT_KR(vm_deallocate(task, a, SIZE), MACH_SEND_INVALID_DEST);
    EXPECT_KR(vm_region(task, &b, &size, &info), MACH_SEND_INVALID_DEST);
    mach_port_deallocate(SELF, task);
}

/* A port of something else gives no access to anybody's memory. [vm_map.defs] */
TEST(another_port_is_no_task)
{
    mach_port_t host = mach_host_self(), thread = mach_thread_self_cached();
    vm_address_t a = 0;
    vm_prot_t cur, max;

    EXPECT_TRUE(vm_allocate(host, &a, SIZE, TRUE) != KERN_SUCCESS);
    EXPECT_TRUE(vm_allocate(thread, &a, SIZE, TRUE) != KERN_SUCCESS);
    EXPECT_TRUE(vm_allocate(MACH_PORT_NULL, &a, SIZE, TRUE) != KERN_SUCCESS);
    EXPECT_KR(vm_remap(SELF, &a, SIZE, 0, TRUE, host, (vm_address_t)&counting & ~PAGE_MASK, FALSE, &cur,
                       &max, VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(a, 0);
    mach_port_deallocate(SELF, host);
}

TEST_MAIN
