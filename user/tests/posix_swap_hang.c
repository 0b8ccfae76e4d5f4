/*
 * The default pager is silent for longer than other pagers may be: who needs what it has waits, and goes on
 * when the pager does. While it is silent this program asks nothing of any server, and its own pages are
 * wired: some of a server's may be with the pager.
 */
#include "posix_test.h"

#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/vm_map.h>

TEST_LIMIT(600);
TEST_MEMORY(64);
/* How long the kernel waits for pagers here; else it is half a minute. The disk is to be faster. */
TEST_ARGS("pager_timeout=8000");

#define SIZE      (64UL << 20) /* what 64 MiB cannot hold */
#define FIRST     (8UL << 20)  /* of that; what left memory first */
#define SILENT_MS 10000
#define END_MS    280000 /* the host may be busy */

/* What the child says, in a page that it shares with this. */
static struct progress {
    volatile uint64_t filled;
    volatile uint64_t go; /* the pager is silent now */
    volatile uint64_t checked;
    volatile uint64_t wrong;
} *progress;

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

static void rest(unsigned ms)
{
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, ms);
}

/* What a thread of the child does; it needs no server for that. */
static void fill_and_check(vm_address_t at)
{
    for (vm_size_t done = 0; done < SIZE; done += PAGE_SIZE)
        *(volatile vm_size_t *)(at + done) = done;
    progress->filled = 1;
    while (!progress->go)
        rest(1);
    for (vm_size_t done = 0; done < FIRST; done += PAGE_SIZE)
        progress->wrong += *(volatile vm_size_t *)(at + done) != done;
    progress->checked = 1;
    for (;;)
        rest(1000);
}

/* A task without a handler for exceptions, that fills more memory than there is; KERN_SUCCESS if it began. */
static kern_return_t begin_child(task_t *child, thread_t *thread)
{
    static char stack[16384] __attribute__((aligned(16)));
    arm_thread_state64_t state = {.sp = (uint64_t)stack + sizeof stack, .pc = (uint64_t)fill_and_check};
    vm_address_t at = 0;
    kern_return_t kr = task_create(mach_task_self(), TRUE, child);

    if (kr != KERN_SUCCESS)
        return kr;
    wire_all(*child, VM_PROT_ALL);
    kr = vm_allocate(*child, &at, SIZE, TRUE);
    if (kr == KERN_SUCCESS)
        kr = task_set_exception_ports(*child, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT,
                                      THREAD_STATE_NONE);
    state.x[0] = at;
    if (kr == KERN_SUCCESS)
        kr = thread_create_running(*child, ARM_THREAD_STATE64, (thread_state_t)&state,
                                   ARM_THREAD_STATE64_COUNT, thread);
    return kr;
}

static int comes(volatile uint64_t *flag)
{
    for (int ms = 0; ms < END_MS && *flag == 0; ms += 10)
        rest(10);
    return *flag != 0;
}

/* What a program wrote is there again, however long that takes. */
TEST(who_needs_what_the_default_pager_has_waits)
{
    task_t pager = find_pager(), child;
    vm_address_t page = 0;
    thread_t thread;

    REQUIRE_TRUE(pager != MACH_PORT_NULL);
    REQUIRE_EQ(vm_allocate(mach_task_self(), &page, PAGE_SIZE, TRUE), KERN_SUCCESS);
    REQUIRE_EQ(vm_inherit(mach_task_self(), page, PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    progress = (struct progress *)page;
    progress->go = 0;
    wire_all(mach_task_self(), VM_PROT_ALL);
    REQUIRE_EQ(begin_child(&child, &thread), KERN_SUCCESS);
    EXPECT_TRUE(comes(&progress->filled));
    EXPECT_EQ(task_suspend(pager), KERN_SUCCESS);
    progress->go = 1;
    rest(SILENT_MS);
    EXPECT_EQ(progress->checked, 0);
    EXPECT_EQ(task_resume(pager), KERN_SUCCESS);
    EXPECT_TRUE(comes(&progress->checked));
    EXPECT_EQ(progress->wrong, 0);
    wire_all(mach_task_self(), VM_PROT_NONE);
    task_terminate(child);
    mach_port_deallocate(mach_task_self(), child);
    mach_port_deallocate(mach_task_self(), thread);
    mach_port_deallocate(mach_task_self(), pager);
    EXPECT_EQ(vm_deallocate(mach_task_self(), page, PAGE_SIZE), KERN_SUCCESS);
}

POSIX_TEST_MAIN
