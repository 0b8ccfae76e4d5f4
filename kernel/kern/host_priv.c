/*
 * host_priv.defs: what the holder of the privileged host port may do. Read host.c first. (Those of
 * its routines that are about memory are in vm/.)
 */
#include <grade.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/task.h>
#include <kern/zone.h>
#include <mach/host_priv_server.h>

kern_return_t host_reboot(host_priv_t host, int options)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    if (options != 0 && options != 1)
        return KERN_INVALID_ARGUMENT;
    grade_flag(GRADE_OFF);
    machine_reboot(options);
}

kern_return_t host_get_special_port(host_priv_t host, int which, mach_port_t *port)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    switch (which) {
    case HOST_PORT:
        *port = ipc_port_make_send(realhost.self);
        return KERN_SUCCESS;
    case HOST_PRIV_PORT:
        *port = ipc_port_make_send(realhost.priv_self);
        return KERN_SUCCESS;
    case HOST_DEVICE_PORT:
        *port = ipc_port_make_send(realhost.device_master);
        return KERN_SUCCESS;
    default:
        return KERN_INVALID_ARGUMENT;
    }
}

kern_return_t host_tasks(host_priv_t host, mach_port_array_t *out, mach_msg_type_number_t *count)
{
    mach_port_t *ports;
    task_t *tasks;
    uint32_t n;
    kern_return_t kr;

    if (host == NULL)
        return KERN_INVALID_HOST;
    kr = task_list(&tasks, &n);
    if (kr != KERN_SUCCESS)
        return kr;
    /* In place: a port takes the room of the task it was made of, and its reference. */
    ports = (mach_port_t *)tasks;
    for (uint32_t i = 0; i < n; i++)
        ports[i] = convert_task_to_port(tasks[i]);
    *out = ports;
    *count = n;
    return KERN_SUCCESS;
}

kern_return_t task_set_security_token(host_priv_t host, task_t task, security_token_t token)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    if (token.val[0] == 0 && token.val[1] == 0)
        return KERN_INVALID_VALUE;
    spin_lock(&task->lock);
    /* Senders read it without the lock, as one word: never half of it. */
    __atomic_store(&task->token, &token, __ATOMIC_RELAXED);
    spin_unlock(&task->lock);
    return KERN_SUCCESS;
}

kern_return_t task_set_limits(host_priv_t host, task_t task, task_limits_t limits)
{
    uint64_t values[LEDGER_ITEMS] = {
        [LEDGER_NAMES] = limits.names,
        [LEDGER_MESSAGES] = limits.messages,
        [LEDGER_MESSAGE_BYTES] = limits.message_bytes,
        [LEDGER_MEMORY] = limits.kernel_memory,
        [LEDGER_VIRTUAL] = limits.virtual_memory,
    };

    if (host == NULL)
        return KERN_INVALID_HOST;
    if (task == NULL || task->ledger == NULL)
        return KERN_INVALID_ARGUMENT;
    for (int i = 0; i < LEDGER_ITEMS; i++)
        __atomic_store_n(&task->ledger->limit[i], values[i], __ATOMIC_RELAXED);
    spin_lock(&task->lock);
    if (task->space != NULL)
        __atomic_store_n(&task->space->entry_limit, MIN(limits.names, UINT32_MAX), __ATOMIC_RELAXED);
    spin_unlock(&task->lock);
    return KERN_SUCCESS;
}

kern_return_t task_set_vm_privilege(host_priv_t host, task_t task, boolean_t privileged)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    if (task == NULL || task->map == NULL)
        return KERN_INVALID_ARGUMENT;
    task->vm_privileged = privileged != 0;
    pmap_pin(task->map->pmap, privileged != 0);
    return KERN_SUCCESS;
}

kern_return_t host_grade_log(host_priv_t host, char *text, mach_msg_type_number_t length)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    return grade_append(text, length) ? KERN_SUCCESS : KERN_NO_SPACE;
}
