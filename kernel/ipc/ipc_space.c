/*
 * Spaces: their life. The table is in ipc_entry.c.
 */
#include <ipc/ipc_entry.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <ipc/ipc_space.h>
#include <kern/ledger.h>
#include <kern/memory_gone.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/zone.h>

static zone_t space_zone;

/* Neither has a table, nor ends. */
struct ipc_space ipc_space_kernel_data = {.refs = 1, .active = true,
                                          .lock = SPINLOCK_INITIALIZER(LOCK_IPC_SPACE)};
struct ipc_space ipc_space_reply_data = {.refs = 1, .active = true,
                                         .lock = SPINLOCK_INITIALIZER(LOCK_IPC_SPACE)};

kern_return_t ipc_space_create(struct task *task, ipc_space_t *spacep)
{
    ipc_space_t space = ledger_zalloc(task->ledger, space_zone, sizeof(*space));
    kern_return_t kr;

    if (space == NULL)
        return KERN_RESOURCE_SHORTAGE;
    spin_lock_init(&space->lock, LOCK_IPC_SPACE);
    space->refs = 1;
    space->active = true;
    space->task = task;
    space->ledger = task->ledger;
    space->entry_limit = task->ledger != NULL ? MIN(task->ledger->limit[LEDGER_NAMES], UINT32_MAX)
                                              : UINT32_MAX;
    kr = ipc_entry_table_init(space);
    if (kr != KERN_SUCCESS) {
        ledger_zfree(space->ledger, space_zone, space, sizeof(*space));
        return kr;
    }
    *spacep = space;
    return KERN_SUCCESS;
}

void ipc_space_terminate(ipc_space_t space)
{
    const uint32_t steps_per_preemption = 64;
    struct ipc_entry *entry;
    uint32_t index = 0;

    is_lock(space);
    if (!space->active) {
        is_unlock(space);
        return;
    }
    /* From now on nobody else uses the table. */
    space->active = false;
    space->task = NULL;
    is_unlock(space);

    for (uint32_t step = 1;; step++) {
        is_lock(space);
        ipc_entry_unspare(space);
        entry = space->entry_count != 0 ? ipc_entry_next(space, &index) : NULL;
        if (entry == NULL)
            break;
        ipc_right_destroy(space, entry);
        if (step % steps_per_preemption == 0)
            preempt_point();
    }
    space->empty_leaf = 0;
    is_unlock(space);
    ipc_entry_table_destroy(space);
}

void ipc_space_free(ipc_space_t space)
{
    if (space->active)
        ipc_space_terminate(space);
    ledger_zfree(space->ledger, space_zone, space, sizeof(*space));
}

mach_port_name_t ipc_space_copyout_send(ipc_space_t space, ipc_port_t port)
{
    mach_port_name_t name = MACH_PORT_NAME_NULL;
    kern_return_t kr = KERN_INVALID_TASK;

    if (port == IP_NULL)
        return MACH_PORT_NAME_NULL;
    if (port == IP_DEAD)
        return MACH_PORT_NAME_DEAD;
    is_lock(space);
    if (space->active)
        kr = ipc_right_copyout(space, port, MACH_MSG_TYPE_PORT_SEND, &name);
    is_unlock(space);
    if (kr != KERN_SUCCESS) {
        ipc_port_release_send(port);
        return MACH_PORT_NAME_NULL;
    }
    return name;
}

ipc_port_t ipc_space_lookup_port(ipc_space_t space, mach_port_name_t name)
{
    ipc_port_t port = IP_NULL;
    struct ipc_entry *entry;

    if (ipc_right_lookup(space, name, &entry) != KERN_SUCCESS)
        return IP_NULL;
    if (entry->bits & MACH_PORT_TYPE_SEND_RECEIVE) {
        port = entry->port;
        ip_reference(port);
    }
    is_unlock(space);
    return port;
}

bool ipc_space_again(ipc_space_t space)
{
    return space->entry_count < space->entry_limit && memory_again();
}

uint32_t ipc_space_total(void)
{
    return zone_count(space_zone);
}

void ipc_space_init(void)
{
    space_zone = zone_create("ipc spaces", sizeof(struct ipc_space));
}
