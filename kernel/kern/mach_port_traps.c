/*
 * mach_port_deallocate and mach_port_request_notification without a message, as on XNU: what a program does
 * with its own port names at every turn. What is not ordinary here, be it that the task is another one or
 * that the right to be notified is none, is MACH_SEND_INVALID_DEST: libmach then sends the message
 * (user/lib/libmach/traps.S), whose error is the right one. Read mach/traps.h and mach_port.c before.
 */
#include <ipc/ipc_entry.h>
#include <ipc/ipc_port.h>
#include <ipc/ipc_right.h>
#include <kern/task.h>
#include <kern/traps.h>
#include <mach/mach_port_server.h>
#include <machine/cpu.h>

bool is_own_task(mach_port_name_t name)
{
    struct task *task = current_task();
    ipc_space_t space = task->space;
    struct ipc_entry *entry;
    bool own;

    is_lock(space);
    entry = space->active ? ipc_entry_lookup(space, name) : NULL;
    own = entry != NULL && (entry->bits & MACH_PORT_TYPE_SEND) && entry->port == task->self;
    is_unlock(space);
    return own;
}

kern_return_t mach_port_deallocate_trap(mach_port_name_t target, mach_port_name_t name)
{
    struct thread *self = current_thread();
    struct cpu *cpu = current_cpu();
    uint32_t ready = cpu->runq.count;
    kern_return_t kr;

    if (!is_own_task(target))
        return MACH_SEND_INVALID_DEST;
    kr = mach_port_deallocate(self->task->space, name);
    /* If that was a right somebody here has been told of, he goes first, if he is as important: a server is
     * done with what was closed, and waits again, when the next request comes. */
    if (cpu == current_cpu() && cpu->runq.count > ready)
        ast_set(self, AST_PREEMPT);
    return kr;
}

/* Gives the caller a name for a send-once right, if it is one. */
static kern_return_t give_name(mach_port_t port, mach_port_name_t *name)
{
    ipc_space_t space = current_task()->space;
    kern_return_t kr;

    *name = MACH_PORT_NAME_NULL;
    if (!IP_VALID(port))
        return KERN_SUCCESS;
    is_lock(space);
    kr = space->active ? ipc_right_copyout(space, port, MACH_MSG_TYPE_PORT_SEND_ONCE, name)
                       : KERN_INVALID_TASK;
    is_unlock(space);
    if (kr != KERN_SUCCESS)
        ipc_port_release_sonce(port);
    return kr;
}

/* If target is the caller's own task, and name a receive right of it: a send-once right. */
static bool make_send_once(mach_port_name_t target, mach_port_name_t name, mach_port_t *port)
{
    struct task *task = current_task();
    ipc_space_t space = task->space;
    struct ipc_entry *entry;
    bool done;

    is_lock(space);
    done = space->active && (entry = ipc_entry_lookup(space, target)) != NULL
           && (entry->bits & MACH_PORT_TYPE_SEND) && entry->port == task->self
           && (entry = ipc_entry_lookup(space, name)) != NULL && (entry->bits & MACH_PORT_TYPE_RECEIVE);
    if (done) {
        *port = entry->port;
        ip_lock(*port);
        (*port)->sorights++;
        ip_unlock(*port);
    }
    is_unlock(space);
    return done;
}

kern_return_t mach_port_request_notification_trap(mach_port_name_t target, mach_port_name_t name,
                                                  mach_msg_id_t id, mach_port_mscount_t sync,
                                                  mach_port_name_t notify,
                                                  mach_msg_type_name_t disposition, vm_address_t previous)
{
    ipc_space_t space = current_task()->space;
    mach_port_name_t old_name = MACH_PORT_NAME_NULL;
    mach_port_t port, old;
    kern_return_t kr;

    if (disposition != MACH_MSG_TYPE_MAKE_SEND_ONCE
        || copyout(&old_name, (void *)previous, sizeof(old_name)) != KERN_SUCCESS
        || !make_send_once(target, notify, &port))
        return MACH_SEND_INVALID_DEST;
    kr = mach_port_request_notification(space, name, id, sync, port, MACH_MSG_TYPE_PORT_SEND_ONCE, &old);
    if (kr != KERN_SUCCESS) {
        if (IP_VALID(port))
            ipc_port_release_sonce(port);
        return kr;
    }
    kr = give_name(old, &old_name);
    if (old_name != MACH_PORT_NAME_NULL)
        copyout(&old_name, (void *)previous, sizeof(old_name));
    return kr;
}
