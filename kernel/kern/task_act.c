/*
 * task.defs: what the holder of a task's port may do to it. Read kern/task.h and task.c first.
 * Every routine may be handed NULL for a task that is dead, or a port that is no task.
 */
#include <ipc/ipc_port.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/task.h>
#include <kern/zone.h>
#include <mach/task_server.h>
#include <vm/vm_map.h>

kern_return_t task_create(task_t parent_task, boolean_t inherit_memory, task_t *child_task)
{
    if (parent_task == NULL || parent_task == kernel_task)
        return KERN_INVALID_ARGUMENT;
    return task_create_internal(parent_task, inherit_memory, child_task);
}

/* A thread of the task that may be in user mode at this moment, with a reference; NULL: there is
 * none. */
static thread_t find_running(task_t task)
{
    struct thread *thread;
    struct thread *found = NULL;

    spin_lock(&task->lock);
    queue_for_each (thread, &task->threads, struct thread, task_link) {
        if (thread != current_thread() && __atomic_load_n(&thread->on_cpu, __ATOMIC_SEQ_CST)) {
            thread_reference(thread);
            found = thread;
            break;
        }
    }
    spin_unlock(&task->lock);
    return found;
}

kern_return_t task_suspend(task_t task)
{
    struct thread *thread;

    if (task == NULL || task == kernel_task)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    if (!task->active || task->suspend_count == INT32_MAX) {
        spin_unlock(&task->lock);
        return KERN_FAILURE;
    }
    if (task->suspend_count++ == 0) {
        queue_for_each (thread, &task->threads, struct thread, task_link)
            thread_hold_for_task(thread, true);
    }
    spin_unlock(&task->lock);
    /* Each of them has AST_HALT now: once seen off its CPU, it does not enter user mode again. */
    while ((thread = find_running(task)) != NULL) {
        thread_wait_off_cpu(thread, false);
        thread_deallocate(thread);
    }
    return KERN_SUCCESS;
}

kern_return_t task_resume(task_t task)
{
    struct thread *thread;
    kern_return_t kr = KERN_FAILURE;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    if (task->active && task->suspend_count > 0) {
        if (--task->suspend_count == 0) {
            queue_for_each (thread, &task->threads, struct thread, task_link)
                thread_hold_for_task(thread, false);
        }
        kr = KERN_SUCCESS;
    }
    spin_unlock(&task->lock);
    return kr;
}

kern_return_t task_threads(task_t task, mach_port_array_t *threads, mach_msg_type_number_t *count)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    for (;;) {
        uint32_t room = task->thread_count; /* may change until the lock is held */
        uint32_t n = 0;
        mach_port_t *ports = NULL;
        struct thread *thread;

        if (room > 0 && (ports = kalloc(room * sizeof(mach_port_t))) == NULL)
            return KERN_RESOURCE_SHORTAGE;
        spin_lock(&task->lock);
        if (task->thread_count == room) { /* exactly: who frees the array knows only the count */
            queue_for_each (thread, &task->threads, struct thread, task_link)
                ports[n++] = thread->self != NULL ? ipc_port_make_send(thread->self)
                                                  : MACH_PORT_NULL;
            spin_unlock(&task->lock);
            *threads = ports;
            *count = n;
            return KERN_SUCCESS;
        }
        spin_unlock(&task->lock);
        if (room > 0)
            kfree(ports, room * sizeof(mach_port_t));
    }
}

/* ---- information ---- */

/* Of the living and the dead threads. The task's lock is held. */
static void add_up(task_t task, uint64_t *user, uint64_t *system, struct task_events_info *events)
{
    struct thread *thread;

    *user = task->dead_user_time;
    *system = task->dead_system_time;
    events->csw = task->dead_csw;
    events->syscalls_mach = task->dead_traps;
    events->messages_received = task->messages_received;
    queue_for_each (thread, &task->threads, struct thread, task_link) {
        *user += thread->user_time;
        *system += thread->system_time;
        events->csw += thread->csw + thread->handoffs;
        events->syscalls_mach += thread->traps;
        events->messages_received += thread->handoffs;
    }
}

static time_value_t time_value(uint64_t ticks)
{
    time_value64_t time;

    time_from_machine(ticks, &time);
    return (time_value_t){time.seconds, time.nanoseconds / 1000};
}

static kern_return_t limits_info(task_t task, void *out)
{
    struct task_limits_info info = {{0}, {0}};
    task_limits_t *parts[] = {&info.limit, &info.used};

    if (task->ledger == NULL)
        return KERN_INVALID_ARGUMENT;
    for (int i = 0; i < 2; i++) {
        const uint64_t *values = i == 0 ? task->ledger->limit : task->ledger->used;

        *parts[i] = (task_limits_t){values[LEDGER_NAMES], values[LEDGER_MESSAGES],
                                    values[LEDGER_MESSAGE_BYTES], values[LEDGER_MEMORY],
                                    values[LEDGER_VIRTUAL]};
    }
    spin_lock(&task->lock);
    if (task->space != NULL)
        info.used.names = task->space->entry_count;
    if (task->map != NULL)
        info.used.virtual_memory += task->map->size;
    spin_unlock(&task->lock);
    memcpy(out, &info, sizeof(info));
    return KERN_SUCCESS;
}

kern_return_t task_info(task_t task, int flavor, task_info_t out, mach_msg_type_number_t *count)
{
    uint64_t user, system;
    struct task_events_info events;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    if (flavor == TASK_BASIC_INFO && *count >= TASK_BASIC_INFO_COUNT) {
        struct task_basic_info info = {0};

        spin_lock(&task->lock);
        add_up(task, &user, &system, &events);
        info.suspend_count = task->suspend_count;
        info.thread_count = task->thread_count;
        if (task->map != NULL) {
            info.virtual_size = task->map->size;
            info.resident_size = pmap_resident_count(task->map->pmap) * PAGE_SIZE;
        }
        spin_unlock(&task->lock);
        info.user_time = time_value(user);
        info.system_time = time_value(system);
        memcpy(out, &info, sizeof(info));
        *count = TASK_BASIC_INFO_COUNT;
        return KERN_SUCCESS;
    }
    if (flavor == TASK_EVENTS_INFO && *count >= TASK_EVENTS_INFO_COUNT) {
        struct task_events_info info = {
            .faults = task->faults,
            .pageins = task->pageins,
            .cow_faults = task->cow_faults,
            .messages_sent = task->messages_sent,
            .syscalls_unix = task->syscalls_unix,
        };

        spin_lock(&task->lock);
        add_up(task, &user, &system, &info);
        spin_unlock(&task->lock);
        memcpy(out, &info, sizeof(info));
        *count = TASK_EVENTS_INFO_COUNT;
        return KERN_SUCCESS;
    }
    if (flavor == TASK_LIMITS_INFO && *count >= TASK_LIMITS_INFO_COUNT) {
        *count = TASK_LIMITS_INFO_COUNT;
        return limits_info(task, out);
    }
    return KERN_INVALID_ARGUMENT;
}

kern_return_t task_set_name(task_t task, const char *name)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    strlcpy(task->name, name, sizeof(task->name));
    spin_unlock(&task->lock);
    return KERN_SUCCESS;
}

kern_return_t task_get_name(task_t task, char *name)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    strlcpy(name, task->name, TASK_NAME_SIZE);
    spin_unlock(&task->lock);
    return KERN_SUCCESS;
}

kern_return_t task_set_emulation(task_t task, vm_address_t entry)
{
    if (task == NULL || (entry & 3) != 0 || entry >= VM_MAX_ADDRESS)
        return KERN_INVALID_ARGUMENT;
    __atomic_store_n(&task->emulation, entry, __ATOMIC_RELAXED);
    return KERN_SUCCESS;
}

/* ---- special and exception ports ---- */

kern_return_t task_get_special_port(task_t task, int which, mach_port_t *port)
{
    kern_return_t kr = KERN_SUCCESS;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    if (!task->active)
        kr = KERN_TERMINATED;
    else if (which == TASK_KERNEL_PORT)
        *port = ipc_port_make_send(task->self);
    else if (which == TASK_HOST_PORT)
        *port = ipc_port_copy_send(task->host);
    else if (which == TASK_BOOTSTRAP_PORT)
        *port = ipc_port_copy_send(task->bootstrap);
    else
        kr = KERN_INVALID_ARGUMENT;
    spin_unlock(&task->lock);
    return kr;
}

/* TASK_KERNEL_PORT cannot be set: what names a task is the kernel's alone. Consumes port on
 * success. */
kern_return_t task_set_special_port(task_t task, int which, mach_port_t port)
{
    struct ipc_port **place;
    mach_port_t old;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    if (which == TASK_HOST_PORT)
        place = &task->host;
    else if (which == TASK_BOOTSTRAP_PORT)
        place = &task->bootstrap;
    else
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    if (!task->active) {
        spin_unlock(&task->lock);
        return KERN_TERMINATED;
    }
    old = *place;
    *place = port;
    spin_unlock(&task->lock);
    ipc_port_release_send(old);
    return KERN_SUCCESS;
}

kern_return_t task_set_exception_ports(task_t task, exception_mask_t mask, mach_port_t port,
                                       exception_behavior_t behavior, thread_state_flavor_t flavor)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    return exception_actions_set(task, task->exc_actions, mask, port, behavior, flavor,
                                 &task->self);
}

kern_return_t task_get_exception_port(task_t task, exception_type_t exception, mach_port_t *port,
                                      exception_behavior_t *behavior, thread_state_flavor_t *flavor)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    return exception_actions_get(task, task->exc_actions, exception, port, behavior, flavor);
}
