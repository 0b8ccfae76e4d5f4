/*
 * Threads: birth, references, suspension, death. Read kern/thread.h and sched.c first; thread_act.c
 * has the calls user programs make.
 *
 * A THREAD'S END. Whoever wants a thread gone sets AST_TERMINATE and ends its wait
 * (thread_terminate_async); the thread itself does the rest when it is about to return to user mode
 * (thread_terminate_self), so that it holds nothing of the kernel's any more; and since it cannot
 * free the stack it stands on, the thread that runs next does that (thread_continue, thread_reap).
 * The last thread of a dying task takes the task's space and memory along.
 */
#include <ipc/ipc_port.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/inherit.h>
#include <kern/ledger.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/zone.h>

static zone_t thread_zone;

/* What a thread is charged as: with its stack, its port, and the one for answers to the kernel. */
#define THREAD_COST (sizeof(struct thread) + MACHINE_THREAD_SIZE + 2 * sizeof(struct ipc_port))

/* A thread of task, in no list, suspended once, never run. One reference (its being alive). */
static thread_t thread_alloc(struct task *task, void (*entry)(void *), void *arg, int priority)
{
    struct thread *thread = ledger_zalloc(task->ledger, thread_zone, THREAD_COST);

    if (thread == NULL)
        return NULL;
    thread->task = task;
    spin_lock_init(&thread->lock, LOCK_THREAD);
    thread->state = TH_SUSPENDED;
    thread->suspend_count = 1;
    thread->ast = AST_HALT;
    thread->active = true;
    thread->priority = priority;
    thread->max_priority = MAX(priority, PRIORITY_USER_MAX);
    thread->sched_priority = priority;
    queue_init(&thread->wait_link);
    queue_init(&thread->run_link);
    queue_init(&thread->task_link);
    thread->runq_cpu = -1;
    timer_init(&thread->wait_timer, thread_wait_expired);
    if (machine_thread_create(thread, entry, arg) != KERN_SUCCESS) {
        ledger_zfree(task->ledger, thread_zone, thread, THREAD_COST);
        return NULL;
    }
    task_reference(task);
    /* Last: an old hint may find the thread from now on (inherit.c). */
    __atomic_store_n(&thread->refs, 1, __ATOMIC_RELEASE);
    return thread;
}

kern_return_t thread_create_in(struct task *task, thread_t *out)
{
    struct thread *thread = thread_alloc(task, NULL, NULL, PRIORITY_USER);
    struct ipc_port *port;

    if (thread == NULL)
        return KERN_RESOURCE_SHORTAGE;
    port = ipc_port_alloc_kernel(IKOT_THREAD, thread);
    if (port == NULL) {
        thread_reap(thread);
        return KERN_RESOURCE_SHORTAGE;
    }
    spin_lock(&task->lock);
    if (!task->active) {
        spin_unlock(&task->lock);
        ipc_port_dealloc_kernel(port);
        thread_reap(thread);
        return KERN_TERMINATED;
    }
    __atomic_fetch_add(&thread->refs, 2, __ATOMIC_RELAXED); /* in the list, the caller's */
    thread->self = port;
    thread->task_held = task->suspend_count > 0;
    enqueue_tail(&task->threads, &thread->task_link);
    task->thread_count++;
    spin_unlock(&task->lock);
    *out = thread;
    return KERN_SUCCESS;
}

thread_t kernel_thread_create(const char *name, void (*entry)(void *), void *arg, int priority)
{
    struct thread *thread = thread_alloc(kernel_task, entry, arg, priority);

    if (thread == NULL)
        return NULL;
    thread->suspend_count = 0;
    thread->ast = 0;
    spin_lock(&kernel_task->lock);
    enqueue_tail(&kernel_task->threads, &thread->task_link);
    kernel_task->thread_count++;
    spin_unlock(&kernel_task->lock);
    return thread;
}

thread_t kernel_thread(const char *name, void (*entry)(void *), void *arg, int priority)
{
    struct thread *thread = kernel_thread_create(name, entry, arg, priority);

    if (thread == NULL)
        return NULL;
    spin_lock(&thread->lock);
    thread_setrun(thread);
    spin_unlock(&thread->lock);
    return thread;
}

void thread_reference(thread_t thread)
{
    __atomic_fetch_add(&thread->refs, 1, __ATOMIC_RELAXED);
}

void thread_deallocate(thread_t thread)
{
    struct task *task;

    if (thread == NULL || __atomic_sub_fetch(&thread->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    task = thread->task;
    ledger_zfree(task->ledger, thread_zone, thread, THREAD_COST);
    task_deallocate(task);
}

uint32_t thread_total(void)
{
    return zone_count(thread_zone);
}

/* ---- stopping and starting ---- */

/* The thread must stop: lock held. It is told where it runs, and does so before user mode. */
static void thread_halt(struct thread *thread)
{
    ast_set(thread, AST_HALT);
    if (thread->on_cpu && thread != current_thread())
        machine_poke_cpu(thread->machine.cpu->number);
}

/* Nothing holds the thread any more, perhaps. Lock held; true: event_wakeup(&thread->ast) after it
 * is released, for those who wait for the thread to stop. */
static bool thread_unhalt(struct thread *thread)
{
    if (thread->suspend_count > 0 || thread->task_held)
        return false;
    ast_clear(thread, AST_HALT);
    if (thread->state == TH_SUSPENDED)
        thread_setrun(thread);
    return thread->watched;
}

void thread_hold_for_task(thread_t thread, bool held)
{
    bool watched = false;

    spin_lock(&thread->lock);
    thread->task_held = held;
    if (held)
        thread_halt(thread);
    else
        watched = thread_unhalt(thread);
    spin_unlock(&thread->lock);
    if (watched)
        event_wakeup(&thread->ast);
}

/* See thread_act.defs. */
kern_return_t thread_suspend(thread_t thread)
{
    kern_return_t kr = KERN_SUCCESS;

    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&thread->lock);
    if (!thread->active) {
        kr = KERN_TERMINATED;
    } else if (thread->suspend_count == INT32_MAX) {
        kr = KERN_FAILURE;
    } else {
        thread->suspend_count++;
        thread_halt(thread);
    }
    spin_unlock(&thread->lock);
    if (kr == KERN_SUCCESS && thread != current_thread())
        thread_wait_off_cpu(thread, false);
    return kr;
}

kern_return_t thread_release(thread_t thread)
{
    kern_return_t kr = KERN_FAILURE;
    bool watched = false;

    spin_lock(&thread->lock);
    if (!thread->active) {
        kr = KERN_TERMINATED;
    } else if (thread->suspend_count > 0) {
        thread->suspend_count--;
        watched = thread_unhalt(thread);
        kr = KERN_SUCCESS;
    }
    spin_unlock(&thread->lock);
    if (watched)
        event_wakeup(&thread->ast);
    return kr;
}

/* ---- the end ---- */

void thread_terminate_async(thread_t thread)
{
    spin_lock(&thread->lock);
    thread->active = false;
    ast_set(thread, AST_TERMINATE);
    if (thread->state == TH_SUSPENDED)
        thread_setrun(thread);
    else if (thread->on_cpu && thread != current_thread())
        machine_poke_cpu(thread->machine.cpu->number);
    sched_hurry(thread);
    spin_unlock(&thread->lock);
    thread_interrupt(thread);
}

void thread_terminate_self(void)
{
    struct thread *self = current_thread();
    struct task *task = self->task;
    struct ipc_port *port;
    struct exception_action actions[EXC_TYPES_COUNT];
    bool last;

    spin_assert_none();
    inherit_waited(self);
    spin_lock(&self->lock);
    self->active = false;
    ast_set(self, AST_TERMINATE);
    spin_unlock(&self->lock);

    /* Nobody finds it from now on. It stays one of task->thread_count while it uses the task. */
    spin_lock(&task->lock);
    port = self->self;
    self->self = NULL;
    memcpy(actions, self->exc_actions, sizeof(actions));
    memset(self->exc_actions, 0, sizeof(self->exc_actions));
    spin_unlock(&task->lock);
    if (port != NULL)
        ipc_port_dealloc_kernel(port);
    exception_actions_clear(actions);
    ipc_port_dealloc_kernel(self->rpc_port);

    spin_lock(&task->lock);
    queue_remove(&self->task_link);
    task->thread_count--;
    task->dead_user_time += self->user_time;
    task->dead_system_time += self->system_time;
    task->dead_csw += self->csw + self->handoffs;
    task->messages_received += self->handoffs;
    task->dead_traps += self->traps;
    last = !task->active && task->thread_count == 0;
    spin_unlock(&task->lock);
    if (last)
        task_cleanup(task);

    if (task != kernel_task)
        thread_deallocate(self); /* the list's reference; that for being alive keeps it */
    spin_lock(&self->lock);
    thread_stop_self(self, TH_DEAD);
    panic("a dead thread was resumed: thread %p of task %p (%s)", self, task, task->name);
}

void thread_reap(struct thread *thread)
{
    timer_drain(&thread->wait_timer);
    machine_thread_destroy(thread);
    thread_deallocate(thread);
}

/* ---- ports ---- */

static void take_reference(void *thread)
{
    thread_reference(thread);
}

thread_t convert_port_to_thread(mach_port_t port)
{
    return ipc_port_kobject(port, IKOT_THREAD, take_reference);
}

mach_port_t convert_thread_to_port(thread_t thread)
{
    mach_port_t port = MACH_PORT_NULL;

    if (thread == NULL)
        return MACH_PORT_NULL;
    spin_lock(&thread->task->lock);
    if (thread->self != NULL)
        port = ipc_port_make_send(thread->self);
    spin_unlock(&thread->task->lock);
    thread_deallocate(thread);
    return port;
}

void thread_init(void)
{
    thread_zone = zone_create("threads", sizeof(struct thread));
}
