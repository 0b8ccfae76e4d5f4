/*
 * The routines of mach/mach_port.defs about port sets. Read ipc/ipc_pset.h before.
 */
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <kern/zone.h>
#include <mach/mach_port_server.h>

/* Space locked and active. */
static kern_return_t find_set(ipc_space_t space, mach_port_name_t name, struct ipc_pset **pset)
{
    struct ipc_entry *entry = ipc_entry_lookup(space, name);

    if (entry == NULL)
        return KERN_INVALID_NAME;
    if (!(entry->bits & MACH_PORT_TYPE_PORT_SET))
        return KERN_INVALID_RIGHT;
    *pset = entry->pset;
    return KERN_SUCCESS;
}

/* On success space and port are locked. */
static kern_return_t find_both(ipc_space_t space, mach_port_name_t member, mach_port_name_t set,
                               ipc_port_t *port, struct ipc_pset **pset)
{
    kern_return_t kr = ipc_right_lookup_receive(space, member, port);

    if (kr != KERN_SUCCESS)
        return kr;
    kr = find_set(space, set, pset);
    if (kr != KERN_SUCCESS) {
        ip_unlock(*port);
        is_unlock(space);
    }
    return kr;
}

kern_return_t mach_port_insert_member(ipc_space_t space, mach_port_name_t name,
                                      mach_port_name_t set)
{
    struct ipc_pset_link *link;
    struct ipc_pset *pset;
    ipc_port_t port;
    kern_return_t kr;

    link = ipc_pset_link_alloc(space);
    if (link == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kr = find_both(space, name, set, &port, &pset);
    if (kr == KERN_SUCCESS) {
        if (ipc_pset_find(port, pset) != NULL)
            kr = KERN_ALREADY_IN_SET;
        else
            ipc_pset_join(port, pset, link);
        ip_unlock(port);
        is_unlock(space);
    }
    if (kr != KERN_SUCCESS)
        ipc_pset_link_free(link);
    return kr;
}

kern_return_t mach_port_extract_member(ipc_space_t space, mach_port_name_t name,
                                       mach_port_name_t set)
{
    struct ipc_pset_link *link;
    struct ipc_pset *pset;
    ipc_port_t port;
    kern_return_t kr;

    kr = find_both(space, name, set, &port, &pset);
    if (kr != KERN_SUCCESS)
        return kr;
    link = ipc_pset_find(port, pset);
    if (link != NULL)
        ipc_pset_leave(link);
    ip_unlock(port);
    is_unlock(space);
    return link != NULL ? KERN_SUCCESS : KERN_NOT_IN_SET;
}

/* Out of all sets. */
static kern_return_t remove_member(ipc_space_t space, mach_port_name_t member)
{
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, member, &port);

    if (kr != KERN_SUCCESS)
        return kr;
    if (queue_empty(&port->psets))
        kr = KERN_NOT_IN_SET;
    ipc_pset_leave_all(port);
    ip_unlock(port);
    is_unlock(space);
    return kr;
}

kern_return_t mach_port_move_member(ipc_space_t space, mach_port_name_t member,
                                    mach_port_name_t after)
{
    struct ipc_pset_link *link;
    struct ipc_pset *pset;
    ipc_port_t port;
    kern_return_t kr;

    if (after == MACH_PORT_NAME_NULL)
        return remove_member(space, member);
    link = ipc_pset_link_alloc(space);
    if (link == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kr = find_both(space, member, after, &port, &pset);
    if (kr != KERN_SUCCESS) {
        ipc_pset_link_free(link);
        return kr;
    }
    ipc_pset_leave_all(port);
    ipc_pset_join(port, pset, link);
    ip_unlock(port);
    is_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_get_set_status(ipc_space_t space, mach_port_name_t name,
                                       vm_map_copy_t *members, mach_msg_type_number_t *count)
{
    mach_port_name_t *names = NULL;
    uint32_t room = 0;
    struct ipc_pset *pset;
    kern_return_t kr;

    if (space == NULL)
        return KERN_INVALID_TASK;
    for (;;) { /* until the array has room for all */
        struct ipc_pset_link *link;
        uint32_t n = 0;

        is_lock(space);
        kr = space->active ? find_set(space, name, &pset) : KERN_INVALID_TASK;
        if (kr != KERN_SUCCESS) {
            is_unlock(space);
            break;
        }
        spin_lock(&pset->lock);
        *count = pset->member_count;
        if (*count <= room)
            queue_for_each(link, &pset->members, struct ipc_pset_link, member)
                names[n++] = link->port->receiver_name; /* fixed while the space is locked */
        spin_unlock(&pset->lock);
        is_unlock(space);
        if (n == *count) {
            kr = vm_map_copyin_kernel(names, n * sizeof(*names), members);
            break;
        }
        if (names != NULL)
            kfree(names, room * sizeof(*names));
        room = *count;
        names = kalloc(room * sizeof(*names));
        if (names == NULL)
            return KERN_RESOURCE_SHORTAGE;
    }
    if (names != NULL)
        kfree(names, room * sizeof(*names));
    return kr;
}
