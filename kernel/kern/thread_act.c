/*
 * thread_act.defs: what the holder of a thread's port may do to it; and the traps of a thread about
 * itself. Read kern/thread.h and thread.c first. Every routine may be handed NULL for a thread that
 * is dead, or a port that is no thread.
 */
#include <ipc/ipc_port.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/inherit.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/traps.h>
#include <mach/thread_act_server.h>

kern_return_t thread_create(task_t parent_task, thread_t *child_thread)
{
    if (parent_task == NULL || parent_task == kernel_task)
        return KERN_INVALID_ARGUMENT;
    return thread_create_in(parent_task, child_thread);
}

kern_return_t thread_terminate(thread_t thread)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    thread_terminate_async(thread);
    return KERN_SUCCESS;
}

kern_return_t thread_resume(thread_t thread)
{
    return thread == NULL ? KERN_INVALID_ARGUMENT : thread_release(thread);
}

/* All waits inside the kernel that can be interrupted at all can be restarted by who gets
 * *_INTERRUPTED or KERN_ABORTED; what cannot is a wait that is not interruptible: it goes on, and
 * the next interruptible one on the way to user mode fails. */
kern_return_t thread_abort(thread_t thread)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    if (thread == current_thread())
        return KERN_SUCCESS;
    spin_lock(&thread->lock);
    ast_set(thread, AST_ABORT);
    spin_unlock(&thread->lock);
    if (thread_interrupt(thread))
        ast_clear(thread, AST_ABORT);
    return KERN_SUCCESS;
}

kern_return_t thread_abort_safely(thread_t thread)
{
    bool uninterruptible;

    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&thread->lock);
    uninterruptible = thread->state == TH_WAITING && !thread->interruptible;
    spin_unlock(&thread->lock);
    return uninterruptible ? KERN_FAILURE : thread_abort(thread);
}

/* May thread's user registers be looked at? Waits until it has come to rest. */
static kern_return_t thread_settle(thread_t thread)
{
    bool stopped;

    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    if (thread == current_thread())
        return KERN_SUCCESS;
    spin_lock(&thread->lock);
    stopped = thread->active && (thread->suspend_count > 0 || thread->task_held);
    spin_unlock(&thread->lock);
    if (!stopped)
        return KERN_FAILURE;
    thread_wait_off_cpu(thread, true);
    return KERN_SUCCESS;
}

/* Its registers may be copied, now: lock held. The lock keeps it from ending, and its frame from
 * going; and being stopped, from user mode: on its way there it wants the lock. */
static kern_return_t check_settled(thread_t thread)
{
    if (!thread->active)
        return KERN_TERMINATED;
    if (thread == current_thread())
        return KERN_SUCCESS;
    return thread->on_cpu || (thread->suspend_count == 0 && !thread->task_held) ? KERN_FAILURE
                                                                                : KERN_SUCCESS;
}

/* thread_set_state for a thread that has come to rest, if it is not running again by now. */
static kern_return_t set_settled(thread_t thread, thread_state_flavor_t flavor,
                                 const natural_t *state, mach_msg_type_number_t count)
{
    kern_return_t kr;

    spin_lock(&thread->lock);
    kr = check_settled(thread);
    if (kr == KERN_SUCCESS)
        kr = machine_thread_set_state(thread, flavor, state, count);
    spin_unlock(&thread->lock);
    return kr;
}

kern_return_t thread_create_running(task_t parent_task, thread_state_flavor_t flavor,
                                    thread_state_t new_state, mach_msg_type_number_t count,
                                    thread_t *child_thread)
{
    kern_return_t kr = thread_create(parent_task, child_thread);

    if (kr != KERN_SUCCESS)
        return kr;
    kr = set_settled(*child_thread, flavor, new_state, count);
    if (kr == KERN_SUCCESS)
        kr = thread_release(*child_thread);
    if (kr != KERN_SUCCESS) {
        thread_terminate_async(*child_thread);
        thread_deallocate(*child_thread);
        *child_thread = NULL;
    }
    return kr;
}

kern_return_t thread_get_state(thread_t thread, thread_state_flavor_t flavor,
                               thread_state_t old_state, mach_msg_type_number_t *count)
{
    kern_return_t kr = thread_settle(thread);

    if (kr != KERN_SUCCESS)
        return kr;
    spin_lock(&thread->lock);
    kr = check_settled(thread);
    if (kr == KERN_SUCCESS)
        kr = machine_thread_get_state(thread, flavor, old_state, count);
    spin_unlock(&thread->lock);
    return kr;
}

kern_return_t thread_set_state(thread_t thread, thread_state_flavor_t flavor,
                               thread_state_t new_state, mach_msg_type_number_t count)
{
    kern_return_t kr = thread_settle(thread);

    return kr == KERN_SUCCESS ? set_settled(thread, flavor, new_state, count) : kr;
}

static time_value_t time_value(uint64_t ticks)
{
    time_value64_t time;

    time_from_machine(ticks, &time);
    return (time_value_t){time.seconds, time.nanoseconds / 1000};
}

kern_return_t thread_info(thread_t thread, int flavor, thread_info_t out,
                          mach_msg_type_number_t *count)
{
    static const integer_t run_states[] = {
        [TH_RUNNABLE] = TH_STATE_RUNNING,  [TH_WAITING] = TH_STATE_WAITING,
        [TH_WAKING] = TH_STATE_RUNNING,    [TH_SUSPENDED] = TH_STATE_STOPPED,
        [TH_DEAD] = TH_STATE_HALTED,
    };
    struct thread_basic_info info = {.policy = 0};

    if (thread == NULL || flavor != THREAD_BASIC_INFO || *count < THREAD_BASIC_INFO_COUNT)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&thread->lock);
    info.user_time = time_value(thread->user_time);
    info.system_time = time_value(thread->system_time);
    info.run_state = thread->state == TH_WAITING && !thread->interruptible
                         ? TH_STATE_UNINTERRUPTIBLE
                         : run_states[thread->state];
    info.suspend_count = thread->suspend_count;
    info.base_priority = thread->priority;
    info.cur_priority = thread->sched_priority;
    info.last_cpu = thread->machine.cpu->number;
    info.cpu_usage = sched_cpu_usage(thread);
    spin_unlock(&thread->lock);
    memcpy(out, &info, sizeof(info));
    *count = THREAD_BASIC_INFO_COUNT;
    return KERN_SUCCESS;
}

/* ---- priorities ---- */

static kern_return_t set_priority(thread_t thread, int priority, int max, bool limit)
{
    kern_return_t kr = KERN_FAILURE;

    spin_lock(&thread->lock);
    if (!limit || priority <= thread->max_priority) {
        thread->priority = priority;
        thread->max_priority = limit && max > thread->max_priority ? thread->max_priority : max;
        sched_reprioritize(thread);
        kr = KERN_SUCCESS;
    }
    spin_unlock(&thread->lock);
    inherit_update(thread);
    return kr;
}

kern_return_t thread_priority(thread_t thread, int priority, boolean_t set_max)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    if (priority < 0 || priority > PRIORITY_MAX)
        return KERN_INVALID_VALUE;
    return set_priority(thread, priority, set_max ? priority : PRIORITY_MAX, true);
}

kern_return_t thread_max_priority(thread_t thread, host_priv_t host_priv, int max_priority)
{
    int priority;

    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    if (host_priv == NULL)
        return KERN_INVALID_HOST;
    if (max_priority < 0 || max_priority > PRIORITY_MAX)
        return KERN_INVALID_VALUE;
    priority = MIN(thread->priority, max_priority);
    return set_priority(thread, priority, max_priority, false);
}

/* ---- ports ---- */

kern_return_t thread_get_special_port(thread_t thread, int which, mach_port_t *port)
{
    if (thread == NULL || which != THREAD_KERNEL_PORT)
        return KERN_INVALID_ARGUMENT;
    thread_reference(thread);
    *port = convert_thread_to_port(thread);
    return KERN_SUCCESS;
}

kern_return_t thread_set_exception_ports(thread_t thread, exception_mask_t mask, mach_port_t port,
                                         exception_behavior_t behavior,
                                         thread_state_flavor_t flavor)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    return exception_actions_set(thread->task, thread->exc_actions, mask, port, behavior, flavor,
                                 &thread->self);
}

kern_return_t thread_get_exception_port(thread_t thread, exception_type_t exception,
                                        mach_port_t *port, exception_behavior_t *behavior,
                                        thread_state_flavor_t *flavor)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    return exception_actions_get(thread->task, thread->exc_actions, exception, port, behavior,
                                 flavor);
}

/* ---- traps ---- */

#define DEPRESS_MS 10 /* swtch_pri: at the latest after this long it competes again */

/* Yields at the lowest priority: to anybody at all. */
boolean_t swtch_pri_trap(int priority)
{
    struct thread *self = current_thread();
    bool ran;

    sched_depress(self, DEPRESS_MS);
    ran = thread_yield();
    sched_depress_end(self);
    return ran;
}

boolean_t swtch_trap(void)
{
    return thread_yield();
}

kern_return_t thread_switch_trap(mach_port_name_t name, int option, mach_msg_timeout_t time)
{
    struct thread *self = current_thread();
    struct thread *next = NULL;

    if (option != SWITCH_OPTION_NONE && option != SWITCH_OPTION_DEPRESS
        && option != SWITCH_OPTION_WAIT)
        return KERN_INVALID_ARGUMENT;
    if (name != MACH_PORT_NAME_NULL) {
        struct ipc_port *port = ipc_space_lookup_port(current_space(), name);

        /* A hint that cannot be followed is no error. */
        if (port != IP_NULL) {
            next = convert_port_to_thread(port);
            ip_release(port);
        }
    }
    if (option == SWITCH_OPTION_WAIT)
        thread_assert_sleep(deadline_after_ms(time));
    else if (option == SWITCH_OPTION_DEPRESS)
        sched_depress(self, time);

    if (next == NULL || !thread_switch_to(next)) {
        if (option == SWITCH_OPTION_WAIT)
            thread_block();
        else
            thread_yield();
    }
    if (option == SWITCH_OPTION_DEPRESS)
        sched_depress_end(self);
    thread_deallocate(next);
    return KERN_SUCCESS;
}

kern_return_t thread_set_self_state_trap(thread_state_flavor_t flavor, vm_address_t state,
                                         mach_msg_type_number_t count)
{
    natural_t words[THREAD_STATE_MAX];

    if (count > THREAD_STATE_MAX)
        return KERN_INVALID_ARGUMENT;
    if (copyin((const void *)state, words, count * sizeof(natural_t)) != 0)
        return KERN_INVALID_ADDRESS;
    ast_set(current_thread(), AST_REGISTERS);
    return machine_thread_set_state(current_thread(), flavor, words, count);
}
