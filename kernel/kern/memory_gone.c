/*
 * Memory and swap space are gone, and a page fault cannot be served: who pays? Not whoever happened to
 * touch a page just then. A call that can fail has failed by itself (KERN_RESOURCE_SHORTAGE). A fault
 * cannot, so the task with the largest claim on memory gets an exception, EXC_BAD_ACCESS with code
 * KERN_RESOURCE_SHORTAGE, as for a fault of its own; the others wait until that has made room. If it
 * does not within about a second, perhaps since its handler is itself waiting for memory, the task is
 * terminated. While a task is ending nobody is blamed: its memory is about to come free, and it does not
 * count among the tasks any more. Read vm/vm_pageout.c before, which says when memory is gone.
 */
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/memory_gone.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <mach/thread_act_server.h>
#include <vm/vm_map.h>

#define BLAME_MAX 20 /* times a task is blamed, and gives nothing back, before it is terminated */
#define REST_MS   50 /* between two times */
#define ROOM (8 * PAGE_SIZE) /* more than any one step needs that is tried again: then it met its limit */

/* The task that has most, of those that may be blamed; with a reference. NULL: there is none. */
static task_t largest(void)
{
    task_t task, best = NULL;
    uint64_t most = 0;

    for (task = task_next(NULL); task != NULL; task = task_next(task)) {
        uint64_t claim;

        if (task == kernel_task || task->vm_privileged)
            continue;
        claim = vm_map_claim(task->map);
        if (claim > most) {
            if (best != NULL)
                task_deallocate(best);
            task_reference(task);
            best = task;
            most = claim;
        }
    }
    return best;
}

/* One of its threads gets the exception; in a wait, that ends first. */
static void blame(task_t task)
{
    thread_t thread = NULL;

    spin_lock(&task->lock);
    if (task->blamed++ == 0 && !queue_empty(&task->threads)) {
        thread = queue_first(&task->threads, struct thread, task_link);
        thread_reference(thread);
    }
    spin_unlock(&task->lock);
    if (task->blamed > BLAME_MAX)
        task_terminate(task);
    if (thread == NULL)
        return;
    ast_set(thread, AST_NO_MEMORY);
    thread_abort(thread); /* the short way into a wait heeds AST_ABORT */
    thread_deallocate(thread);
}

/* Would waiting not help, or must it not be done? The current task has met its own limit, say. */
static bool must_fail(void)
{
    return !ledger_has_room(current_ledger(), ROOM) || (current_thread()->ast & AST_TERMINATE)
           || vm_page_privileged();
}

bool memory_gone(void)
{
    bool mine = false;
    uint32_t begun;

    if (must_fail())
        return true;
    if (vm_memory_is_enough())
        return false;
    begun = task_ends_begun();
    if (!task_is_ending()) {
        task_t task = largest();
        bool still = task_ends_begun() == begun; /* else one that it did not find may be larger */

        mine = still && (task == NULL || task == current_task());
        if (still && !mine)
            blame(task);
        if (task != NULL)
            task_deallocate(task);
    }
    if (!mine)
        thread_sleep_until(deadline_after_ms(REST_MS));
    return mine;
}

bool memory_again(void)
{
    return !must_fail() && (vm_page_wait(false) || !memory_gone());
}

void memory_gone_exception(void)
{
    exception(EXC_BAD_ACCESS, KERN_RESOURCE_SHORTAGE, 0); /* may not return */
}
