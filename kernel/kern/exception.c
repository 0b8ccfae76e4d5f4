/*
 * Exceptions: what user code did wrong becomes a message to whoever answers for it, the thread's
 * handler, else the task's. Read mach/exception.h and mach/exc.defs first.
 *
 * The faulting thread itself sends, in the kernel, and waits for the reply. KERN_SUCCESS means "go
 * on", perhaps with other registers; anything else, "not mine". A thread that nobody answers for
 * takes its task along: it could only fault for ever.
 */
#include <ipc/ipc_port.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/exc_user.h>

/* ---- who answers for what ---- */

kern_return_t exception_actions_set(struct task *task, struct exception_action *actions,
                                    exception_mask_t mask, mach_port_t port,
                                    exception_behavior_t behavior, thread_state_flavor_t flavor,
                                    struct ipc_port *const *self)
{
    struct ipc_port *old[EXC_TYPES_COUNT] = {NULL};
    int count = 0;

    if ((mask & ~EXC_MASK_ALL) != 0)
        return KERN_INVALID_ARGUMENT;
    if (port != MACH_PORT_NULL) {
        if (behavior < EXCEPTION_DEFAULT || behavior > EXCEPTION_STATE_IDENTITY)
            return KERN_INVALID_ARGUMENT;
        if (behavior != EXCEPTION_DEFAULT && flavor != ARM_THREAD_STATE64
            && flavor != ARM_NEON_STATE64 && flavor != ARM_TLS_STATE64)
            return KERN_INVALID_ARGUMENT;
    }
    spin_lock(&task->lock);
    if (*self == NULL) {
        spin_unlock(&task->lock);
        return KERN_TERMINATED;
    }
    for (int i = 0; i < EXC_TYPES_COUNT; i++) {
        if ((mask & EXC_MASK(i)) == 0)
            continue;
        old[count++] = actions[i].port;
        actions[i] = (struct exception_action){ipc_port_copy_send(port), behavior, flavor};
    }
    spin_unlock(&task->lock);
    while (count > 0)
        ipc_port_release_send(old[--count]);
    ipc_port_release_send(port);
    return KERN_SUCCESS;
}

kern_return_t exception_actions_get(struct task *task, struct exception_action *actions,
                                    exception_type_t type, mach_port_t *port,
                                    exception_behavior_t *behavior, thread_state_flavor_t *flavor)
{
    if (type < 0 || type >= EXC_TYPES_COUNT || (EXC_MASK_ALL & EXC_MASK(type)) == 0)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    *port = ipc_port_copy_send(actions[type].port);
    *behavior = actions[type].behavior;
    *flavor = actions[type].flavor;
    spin_unlock(&task->lock);
    return KERN_SUCCESS;
}

void exception_actions_clear(struct exception_action *actions)
{
    for (int i = 0; i < EXC_TYPES_COUNT; i++) {
        ipc_port_release_send(actions[i].port);
        actions[i].port = IP_NULL;
    }
}

/* ---- telling them ---- */

/* The RPC failed before the message, and the rights in it, were the receiver's. A handler cannot make
 * us believe that: mig_kernel_reply_error lets no such code through. (Nor do the arrays we send exceed
 * their limits: the stub has no other error of its own.) */
static bool send_failed(kern_return_t kr)
{
    return (kr & ~MACH_MSG_MASK & ~0xff) == (MACH_SEND_IN_PROGRESS & ~0xff);
}

/* Sends to one handler, whose send right is the caller's and stays so, and does what the reply
 * says. */
static kern_return_t raise(struct exception_action *action, exception_type_t type, int64_t *code)
{
    struct thread *self = current_thread();
    natural_t old_state[THREAD_STATE_MAX];
    natural_t new_state[THREAD_STATE_MAX];
    mach_msg_type_number_t old_count = THREAD_STATE_MAX;
    mach_msg_type_number_t new_count = THREAD_STATE_MAX;
    mach_port_t thread_port = MACH_PORT_NULL;
    mach_port_t task_port = MACH_PORT_NULL;
    int flavor = action->flavor;
    kern_return_t kr;

    if (action->behavior != EXCEPTION_STATE) {
        thread_reference(self);
        thread_port = convert_thread_to_port(self);
        task_reference(self->task);
        task_port = convert_task_to_port(self->task);
    }
    if (action->behavior == EXCEPTION_DEFAULT) {
        kr = exception_raise(action->port, thread_port, task_port, type, code, EXCEPTION_CODE_MAX);
        goto out;
    }
    kr = machine_thread_get_state(self, flavor, old_state, &old_count);
    if (kr != KERN_SUCCESS) {
        ipc_port_release_send(thread_port);
        ipc_port_release_send(task_port);
        return kr;
    }
    if (action->behavior == EXCEPTION_STATE)
        kr = exception_raise_state(action->port, type, code, EXCEPTION_CODE_MAX, &flavor, old_state,
                                   old_count, new_state, &new_count);
    else
        kr = exception_raise_state_identity(action->port, thread_port, task_port, type, code,
                                            EXCEPTION_CODE_MAX, &flavor, old_state, old_count,
                                            new_state, &new_count);
    if (kr == KERN_SUCCESS && flavor != THREAD_STATE_NONE)
        kr = machine_thread_set_state(self, flavor, new_state, new_count);
out:
    if (send_failed(kr)) {
        ipc_port_release_send(thread_port);
        ipc_port_release_send(task_port);
    }
    return kr;
}

/* Asks the handler in actions[type], if there is one. True: the thread may go on. */
static bool ask(struct exception_action *actions, exception_type_t type, int64_t *code)
{
    struct task *task = current_task();
    struct exception_action action;
    kern_return_t kr;

    spin_lock(&task->lock);
    action = actions[type];
    action.port = ipc_port_copy_send(action.port);
    spin_unlock(&task->lock);
    if (!IP_VALID(action.port))
        return false;
    kr = raise(&action, type, code);
    ipc_port_release_send(action.port);
    /* Aborted (a signal, a debugger, the task's end): back to the border. If the cause is still
     * there, the thread faults again. */
    return kr == KERN_SUCCESS || kr == MACH_RCV_INTERRUPTED || kr == MACH_SEND_INTERRUPTED;
}

void exception(exception_type_t type, int64_t code, int64_t subcode)
{
    struct thread *self = current_thread();
    struct task *task = self->task;
    int64_t codes[EXCEPTION_CODE_MAX] = {code, subcode};
    arm_thread_state64_t state = {.pc = 0};
    mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;

    assert(type > 0 && type < EXC_TYPES_COUNT);
    if ((self->ast & AST_TERMINATE) != 0)
        return;
    if (ask(self->exc_actions, type, codes) || ask(task->exc_actions, type, codes))
        return;
    if ((self->ast & AST_TERMINATE) != 0)
        return;
    machine_thread_get_state(self, ARM_THREAD_STATE64, (thread_state_t)&state, &count);
    printf("task %s ended by exception %d, code 0x%lx 0x%lx, at pc 0x%lx (sp 0x%lx, lr 0x%lx)\n",
           task->name[0] != '\0' ? task->name : "(no name)", type, (unsigned long)code,
           (unsigned long)subcode, (unsigned long)state.pc, (unsigned long)state.sp,
           (unsigned long)state.lr);
    task_terminate(task);
}
