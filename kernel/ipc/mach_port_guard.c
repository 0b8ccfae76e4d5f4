/*
 * The routines of mach/mach_port.defs that keep a receive right from being given up by mistake, and that
 * mark what comes to it: guards, construct and destruct, protected payload. Contracts are in the .defs.
 *
 * A guard is a number that who made the port keeps to himself: another part of the program that has the
 * name, perhaps an old one, cannot destroy the right. It changes with space and port locked, so that either
 * lock is enough to look at it, and does not outlast the right's stay in the space.
 */
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_right.h>
#include <mach/mach_port_server.h>

kern_return_t mach_port_guard(ipc_space_t space, mach_port_name_t name, uint64_t guard,
                              boolean_t strict)
{
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, name, &port);

    if (kr != KERN_SUCCESS)
        return kr;
    if (port->guarded) {
        kr = KERN_INVALID_ARGUMENT;
    } else {
        port->guarded = true;
        port->strict = strict != 0;
        port->guard = guard;
    }
    ip_unlock(port);
    is_unlock(space);
    return kr;
}

kern_return_t mach_port_unguard(ipc_space_t space, mach_port_name_t name, uint64_t guard)
{
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, name, &port);

    if (kr != KERN_SUCCESS)
        return kr;
    if (port->guarded && port->guard == guard)
        port->guarded = port->strict = false;
    else
        kr = KERN_INVALID_ARGUMENT;
    ip_unlock(port);
    is_unlock(space);
    return kr;
}

kern_return_t mach_port_construct(ipc_space_t space, mach_port_options_t options, uint64_t context,
                                  mach_port_name_t *name)
{
    const uint32_t known = MPO_CONTEXT_AS_GUARD | MPO_QLIMIT | MPO_INSERT_SEND_RIGHT | MPO_STRICT;
    struct ipc_entry *entry;
    ipc_port_t port;
    kern_return_t kr;

    if ((options.flags & ~known)
        || ((options.flags & MPO_QLIMIT) && options.qlimit > MACH_PORT_QLIMIT_MAX))
        return KERN_INVALID_VALUE;
    kr = mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, name);
    if (kr == KERN_SUCCESS) /* fails if another thread has guessed the name, and destroyed it */
        kr = ipc_right_lookup_receive(space, *name, &port);
    if (kr != KERN_SUCCESS)
        return kr;
    if (options.flags & MPO_QLIMIT)
        port->qlimit = options.qlimit;
    if (options.flags & MPO_CONTEXT_AS_GUARD) {
        port->guarded = true;
        port->strict = (options.flags & MPO_STRICT) != 0;
        port->guard = context;
    }
    entry = ipc_entry_lookup(space, *name);
    if ((options.flags & MPO_INSERT_SEND_RIGHT) && !(entry->bits & MACH_PORT_TYPE_SEND)) {
        port->mscount++;
        port->srights++;
        ipc_entry_set(entry, MACH_PORT_TYPE_SEND_RECEIVE, 1);
    }
    ip_unlock(port);
    is_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_destruct(ipc_space_t space, mach_port_name_t name, mach_port_delta_t srdelta,
                                 uint64_t guard)
{
    struct ipc_entry *entry;
    kern_return_t kr = ipc_right_lookup(space, name, &entry);
    int64_t urefs;

    if (kr != KERN_SUCCESS)
        return kr;
    urefs = (int64_t)ipc_entry_urefs(entry) + srdelta;
    if (!(entry->bits & MACH_PORT_TYPE_RECEIVE))
        kr = KERN_INVALID_RIGHT;
    else if (srdelta > 0 || urefs < 0)
        kr = KERN_INVALID_VALUE;
    else if (entry->port->guarded && entry->port->guard != guard)
        kr = KERN_INVALID_ARGUMENT;
    if (kr != KERN_SUCCESS) {
        is_unlock(space);
        return kr;
    }
    if (urefs == 0) {
        ipc_right_destroy(space, entry);
        return KERN_SUCCESS;
    }
    entry->bits += srdelta;
    ip_lock(entry->port);
    entry->port->guarded = false;
    ip_unlock(entry->port);
    return ipc_right_delta(space, entry, MACH_PORT_RIGHT_RECEIVE, -1);
}

kern_return_t mach_port_set_protected_payload(ipc_space_t space, mach_port_name_t name,
                                              uint64_t payload)
{
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, name, &port);

    if (kr != KERN_SUCCESS)
        return kr;
    port->protected_payload = payload;
    ip_unlock(port);
    is_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_clear_protected_payload(ipc_space_t space, mach_port_name_t name)
{
    return mach_port_set_protected_payload(space, name, 0);
}
