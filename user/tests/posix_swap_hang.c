/*
 * The default pager hangs: the system goes on with the memory there is, and has its swap space again when
 * the pager goes on. While it hangs this program asks nothing of any server, and its own pages are wired:
 * some of a server's may be with the pager, and then it waits for them.
 */
#include "posix_test.h"

#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/vm_map.h>

TEST_LIMIT(300);
TEST_MEMORY(64);

#define SIZE    (72UL << 20) /* what 64 MiB cannot hold */
#define WAIT_MS 30000

static task_t find_pager(void)
{
    task_t found = MACH_PORT_NULL;
    mach_msg_type_number_t count;
    mach_port_t *tasks;
    char name[32];

    if (host_tasks(test_host_priv(), &tasks, &count) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        if (found == MACH_PORT_NULL && task_get_name(tasks[i], name) == KERN_SUCCESS
            && strcmp(name, "pager") == 0)
            found = tasks[i];
        else
            mach_port_deallocate(mach_task_self(), tasks[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)tasks, count * sizeof(*tasks));
    return found;
}

static void fill(vm_address_t at)
{
    for (vm_size_t done = 0; done < SIZE; done += PAGE_SIZE)
        *(volatile vm_size_t *)(at + done) = done;
}

/* Wires a task's memory, or (prot NONE) unwires it. */
static void wire_all(task_t task, vm_prot_t prot)
{
    struct vm_region_info info;
    vm_address_t at = 0;
    vm_size_t size;

    for (; vm_region(task, &at, &size, &info) == KERN_SUCCESS; at += size)
        if (info.protection != VM_PROT_NONE && size < (8UL << 20))
            vm_wire(test_host_priv(), task, at, size, prot & info.protection);
}

/* What a thread of another task does: it needs no stack. */
static void fill_and_wait(vm_address_t at)
{
    fill(at);
    for (;;)
        continue;
}

/* A task without a handler for exceptions, that fills more memory than there is; KERN_SUCCESS if it began. */
static kern_return_t make_hog(task_t *hog, thread_t *thread)
{
    static char stack[16384] __attribute__((aligned(16)));
    arm_thread_state64_t state = {.sp = (uint64_t)stack + sizeof stack, .pc = (uint64_t)fill_and_wait};
    vm_address_t at = 0;
    kern_return_t kr = task_create(mach_task_self(), TRUE, hog);

    wire_all(*hog, VM_PROT_ALL);
    if (kr == KERN_SUCCESS)
        kr = vm_allocate(*hog, &at, SIZE, TRUE);
    if (kr == KERN_SUCCESS)
        kr = task_set_exception_ports(*hog, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT,
                                      THREAD_STATE_NONE);
    state.x[0] = at;
    if (kr == KERN_SUCCESS)
        kr = thread_create_running(*hog, ARM_THREAD_STATE64, (thread_state_t)&state,
                                   ARM_THREAD_STATE64_COUNT, thread);
    return kr;
}

static int fill_and_check(void)
{
    vm_address_t at = 0;

    if (vm_allocate(mach_task_self(), &at, SIZE, TRUE) != KERN_SUCCESS)
        return 1;
    fill(at);
    for (vm_size_t done = 0; done < SIZE; done += PAGE_SIZE)
        if (*(volatile vm_size_t *)(at + done) != done)
            return 2;
    return 0;
}

/* Is the task of that right dead? */
static boolean_t is_dead(task_t task)
{
    mach_port_type_t type = 0;

    return mach_port_type(mach_task_self(), task, &type) == KERN_SUCCESS && (type & MACH_PORT_TYPE_DEAD_NAME);
}

/* Memory is gone then, and the largest task pays; nobody waits for the pager for ever. */
TEST(a_default_pager_that_hangs_is_no_swap_space)
{
    task_t pager = find_pager(), hog;
    thread_t thread;
    int ms;

    REQUIRE_TRUE(pager != MACH_PORT_NULL);
    wire_all(mach_task_self(), VM_PROT_ALL);
    REQUIRE_EQ(task_suspend(pager), KERN_SUCCESS);
    REQUIRE_EQ(make_hog(&hog, &thread), KERN_SUCCESS);
    for (ms = 0; ms < WAIT_MS && !is_dead(hog); ms += 10)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10);
    EXPECT_EQ(task_resume(pager), KERN_SUCCESS);
    wire_all(mach_task_self(), VM_PROT_NONE);
    EXPECT_TRUE(ms < WAIT_MS);
    task_terminate(hog);
    mach_port_deallocate(mach_task_self(), hog);
    mach_port_deallocate(mach_task_self(), thread);
    mach_port_deallocate(mach_task_self(), pager);
}

/* And when it goes on there is swap space again. */
TEST(the_swap_space_is_back_when_the_pager_is)
{
    char output[64];

    EXPECT_EQ(run_child(fill_and_check), 0);
    EXPECT_EQ(shell("echo a | cat", output, sizeof(output)), 0);
    EXPECT_STREQ(output, "a\n");
}

POSIX_TEST_MAIN
