/*
 * Kernel objects as receivers. A request to a kernel port is not queued: its routine runs at once,
 * in the sender's thread, and the reply is delivered by the same trap.
 *
 * The routines are called through tables made by MIG from the .defs (mig_kernel.h). Read that
 * before.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/memory_gone.h>
#include <mig_kernel.h>
#include <vm/vm_object.h>

extern const struct mig_kernel_subsystem mach_host_subsystem, host_priv_subsystem, clock_subsystem,
    memory_object_control_subsystem, device_subsystem, mach_port_subsystem, task_subsystem,
    thread_act_subsystem, vm_map_subsystem, semaphore_subsystem, gsync_subsystem;

static const struct mig_kernel_subsystem *const subsystems[] = {
    &mach_host_subsystem, &host_priv_subsystem, &clock_subsystem, &memory_object_control_subsystem,
    &device_subsystem,    &mach_port_subsystem, &task_subsystem,  &thread_act_subsystem,
    &vm_map_subsystem,    &semaphore_subsystem, &gsync_subsystem,
};

/* Each hundred of message ids belongs to one subsystem at most. */
#define ID_HUNDREDS 64
static const struct mig_kernel_subsystem *by_hundred[ID_HUNDREDS];

void ipc_kobject_init(void)
{
    for (uint32_t i = 0; i < sizeof(subsystems) / sizeof(subsystems[0]); i++) {
        const struct mig_kernel_subsystem *subsystem = subsystems[i];

        for (int h = subsystem->start / 100; h <= (subsystem->end - 1) / 100; h++) {
            if (h >= ID_HUNDREDS || by_hundred[h] != NULL)
                panic("ipc_kobject_init: subsystems %d and %d share the ids from %d on",
                      subsystem->start, h < ID_HUNDREDS ? by_hundred[h]->start : 0, h * 100);
            by_hundred[h] = subsystem;
        }
    }
}

mig_kernel_stub_t ipc_kobject_routine(mach_msg_id_t id, mach_msg_size_t *reply_size)
{
    uint32_t hundred = (uint32_t)id / 100;
    const struct mig_kernel_subsystem *subsystem =
        hundred < ID_HUNDREDS ? by_hundred[hundred] : NULL;
    mig_kernel_stub_t routine = NULL;

    if (subsystem != NULL
        && (uint32_t)(id - subsystem->start) < (uint32_t)(subsystem->end - subsystem->start))
        routine = subsystem->routines[id - subsystem->start];
    *reply_size = routine != NULL ? subsystem->max_reply_size : sizeof(mig_reply_error_t);
    return routine;
}

ipc_kmsg_t ipc_kobject_reply(ipc_kmsg_t request, ipc_kmsg_t reply)
{
    mach_msg_header_t *out = reply->ikm_header;

    reply->ikm_remote = request->ikm_local;
    out->msgh_bits |= MACH_MSGH_BITS_LOCAL(request->ikm_header->msgh_bits);
    request->ikm_local = IP_NULL;
    ipc_kmsg_destroy(request);
    if (!IP_VALID(reply->ikm_remote)) {
        ipc_kmsg_destroy(reply);
        return NULL;
    }
    ipc_kmsg_begin_transit(reply);
    return reply;
}

ipc_kmsg_t ipc_kobject_server(ipc_kmsg_t request)
{
    mach_msg_size_t size;
    mig_kernel_stub_t routine = ipc_kobject_routine(request->ikm_header->msgh_id, &size);
    ipc_kmsg_t reply;

    while ((reply = ipc_kmsg_alloc(size)) == NULL && memory_again())
        ;
    if (reply != NULL && ipc_kobject_call(routine, request, reply->ikm_header))
        return ipc_kobject_reply(request, reply);
    /* No answer, or no memory for it: then who waits gets a send-once notification. */
    if (reply != NULL)
        ipc_kmsg_free(reply);
    ipc_kmsg_destroy(request);
    return NULL;
}

/* ---- what ports tell the objects they stand for ---------------------------------------------- */

static void take_object(void *object)
{
    vm_object_reference(object);
}

void ipc_kobject_no_senders(ipc_port_t port, enum ipc_kobject_type type, void *kobject)
{
    semaphore_t semaphore;
    vm_object_t object;
    device_t device;

    switch (type) {
    case IKOT_SEMAPHORE:
        semaphore = convert_port_to_semaphore(port);
        if (semaphore != NULL) {
            semaphore_no_senders(semaphore);
            semaphore_dereference(semaphore);
        }
        break;
    case IKOT_DEVICE:
        device = convert_port_to_device(port);
        if (device != NULL) {
            device_no_senders(device);
            device_deallocate(device);
        }
        break;
    case IKOT_MEMORY_CONTROL:
        object = ipc_port_kobject(port, type, take_object);
        if (object != NULL) {
            memory_object_no_senders(object);
            vm_object_deallocate(object);
        }
        break;
    default: /* the others live by themselves */
        break;
    }
}

void ipc_kobject_port_died(enum ipc_kobject_type type, void *kobject)
{
    assert(type == IKOT_MEMORY_CONTROL);
    memory_object_pager_died(kobject);
}
