/*
 * The routines of mach/mach_port.defs: what a task does to its names, but for notifications
 * (mach_port_notify.c) and sets (mach_port_set.c). Contracts are in the .defs; rights change in
 * ipc_right.c.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_mqueue.h>
#include <ipc/ipc_notify.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_right.h>
#include <kern/zone.h>
#include <mach/mach_port_server.h>

/* ---- making names ---------------------------------------------------------------------------- */

/* What a new name is to denote. */
struct new_right {
    mach_port_type_t type;
    void *object;
};

static kern_return_t new_right_make(ipc_space_t space, mach_port_right_t right,
                                    struct new_right *new)
{
    switch (right) {
    case MACH_PORT_RIGHT_RECEIVE:
        new->object = ipc_port_alloc(space->ledger);
        break;
    case MACH_PORT_RIGHT_PORT_SET:
        new->object = ipc_pset_alloc(space->ledger);
        break;
    case MACH_PORT_RIGHT_DEAD_NAME:
        new->type = MACH_PORT_TYPE_DEAD_NAME | 1; /* with a user reference */
        new->object = NULL;
        return KERN_SUCCESS;
    default:
        return KERN_INVALID_VALUE;
    }
    new->type = MACH_PORT_TYPE(right);
    return new->object == NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}

static void new_right_drop(struct new_right *new)
{
    if (new->type & MACH_PORT_TYPE_RECEIVE)
        ipc_port_release_receive(new->object);
    else if (new->type & MACH_PORT_TYPE_PORT_SET)
        ipc_pset_destroy(new->object);
}

/* *name chosen by the caller, or (null) by us. */
static kern_return_t allocate(ipc_space_t space, mach_port_right_t right, mach_port_name_t *name)
{
    struct ipc_entry *entry;
    struct new_right new;
    kern_return_t kr = new_right_make(space, right, &new);

    if (kr != KERN_SUCCESS)
        return kr;
    is_lock(space);
    if (!space->active)
        kr = KERN_INVALID_TASK;
    else if (*name == MACH_PORT_NAME_NULL)
        kr = ipc_entry_alloc(space, &entry);
    else
        kr = ipc_entry_alloc_new_name(space, *name, &entry);
    if (kr != KERN_SUCCESS) {
        is_unlock(space);
        new_right_drop(&new);
        return kr;
    }
    entry->object = new.object;
    entry->bits |= new.type;
    *name = ipc_entry_name(entry);
    if (new.type & MACH_PORT_TYPE_RECEIVE) { /* nobody else knows the port yet */
        entry->port->receiver_name = *name;
        entry->port->receiver = space;
    } else if (new.type & MACH_PORT_TYPE_PORT_SET) {
        entry->pset->name = *name;
    }
    is_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_allocate(ipc_space_t space, mach_port_right_t right, mach_port_name_t *name)
{
    if (space == NULL)
        return KERN_INVALID_TASK;
    *name = MACH_PORT_NAME_NULL;
    return allocate(space, right, name);
}

kern_return_t mach_port_allocate_name(ipc_space_t space, mach_port_right_t right,
                                      mach_port_name_t name)
{
    if (space == NULL)
        return KERN_INVALID_TASK;
    if (name == MACH_PORT_NAME_NULL || name == MACH_PORT_NAME_DEAD)
        return KERN_INVALID_VALUE;
    return allocate(space, right, &name);
}

kern_return_t mach_port_rename(ipc_space_t space, mach_port_name_t old_name,
                               mach_port_name_t new_name)
{
    struct ipc_entry *entry;
    kern_return_t kr;

    if (new_name == MACH_PORT_NAME_NULL || new_name == MACH_PORT_NAME_DEAD)
        return KERN_INVALID_VALUE;
    kr = ipc_right_lookup(space, old_name, &entry);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = ipc_right_rename(space, entry, new_name);
    is_unlock(space);
    return kr;
}

/* ---- giving up ------------------------------------------------------------------------------- */

kern_return_t mach_port_destroy(ipc_space_t space, mach_port_name_t name)
{
    struct ipc_entry *entry;
    kern_return_t kr = ipc_right_lookup(space, name, &entry);
    if (kr != KERN_SUCCESS)
        return kr;
    if ((entry->bits & MACH_PORT_TYPE_RECEIVE) && entry->port->guarded) {
        is_unlock(space);
        return KERN_INVALID_RIGHT;
    }
    ipc_right_destroy(space, entry);
    return KERN_SUCCESS;
}

kern_return_t mach_port_deallocate(ipc_space_t space, mach_port_name_t name)
{
    struct ipc_entry *entry;
    kern_return_t kr = ipc_right_lookup(space, name, &entry);
    return kr == KERN_SUCCESS ? ipc_right_dealloc(space, entry) : kr;
}

kern_return_t mach_port_mod_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
                                 mach_port_delta_t delta)
{
    struct ipc_entry *entry;
    kern_return_t kr;

    if (right >= MACH_PORT_RIGHT_NUMBER)
        return KERN_INVALID_VALUE;
    kr = ipc_right_lookup(space, name, &entry);
    return kr == KERN_SUCCESS ? ipc_right_delta(space, entry, right, delta) : kr;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static mach_port_type_t entry_type(const struct ipc_entry *entry)
{
    return (entry->bits & IE_BITS_TYPE) | (entry->request != 0 ? MACH_PORT_TYPE_DNREQUEST : 0);
}

kern_return_t mach_port_type(ipc_space_t space, mach_port_name_t name, mach_port_type_t *type)
{
    struct ipc_entry *entry;
    kern_return_t kr = ipc_right_lookup(space, name, &entry);
    if (kr != KERN_SUCCESS)
        return kr;
    *type = entry_type(entry);
    is_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_get_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
                                 mach_port_urefs_t *refs)
{
    struct ipc_entry *entry;
    kern_return_t kr;

    if (right >= MACH_PORT_RIGHT_NUMBER)
        return KERN_INVALID_VALUE;
    kr = ipc_right_lookup(space, name, &entry);
    if (kr != KERN_SUCCESS)
        return kr;
    *refs = 0;
    if (entry->bits & MACH_PORT_TYPE(right)) {
        *refs = 1; /* a receive right or a set counts none */
        if (right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME)
            *refs = entry->bits & IE_BITS_UREFS;
    }
    is_unlock(space);
    return KERN_SUCCESS;
}

/* ---- all names ------------------------------------------------------------------------------- */

static void info_of(struct ipc_entry *entry, ipc_info_name_t *info)
{
    ipc_port_t port = entry->port;

    *info = (ipc_info_name_t){.iin_name = ipc_entry_name(entry),
                              .iin_type = entry_type(entry),
                              .iin_urefs = entry->bits & IE_BITS_UREFS};
    /* 16 is the alignment of kernel objects: the difference tells them apart and no addresses. */
    info->iin_object = (uintptr_t)entry->object / 16;
    if (!(entry->bits & MACH_PORT_TYPE_PORT_RIGHTS))
        return;
    ip_lock(port);
    info->iin_msgcount = port->msgcount + port->so_notes;
    info->iin_qlimit = port->qlimit;
    info->iin_srights = port->srights;
    info->iin_kotype = port->kotype;
    ip_unlock(port);
}

/* All names into a kalloc'ed array, which may have more room than names. A leaf at a time is
 * looked at under the space's lock: names that come and go meanwhile may or may not be in it. */
static kern_return_t collect(ipc_space_t space, ipc_info_name_t **infop, uint32_t *room,
                             uint32_t *countp)
{
    const uint32_t slack = 32; /* for names made while we allocate */
    ipc_info_name_t *info;
    struct ipc_entry *entry;
    uint32_t index = 0, count = 0;

    *room = __atomic_load_n(&space->entry_count, __ATOMIC_RELAXED) + slack;
    info = kalloc(*room * sizeof(*info));
    if (info == NULL)
        return KERN_RESOURCE_SHORTAGE;
    do {
        uint32_t leaf;

        is_lock(space);
        if (!space->active) {
            is_unlock(space);
            kfree(info, *room * sizeof(*info));
            return KERN_INVALID_TASK;
        }
        entry = ipc_entry_next(space, &index);
        for (leaf = index / IPC_LEAF_ENTRIES; entry != NULL && index / IPC_LEAF_ENTRIES == leaf
             && count < *room; entry = ipc_entry_next(space, &index)) {
            ipc_right_check(space, entry);
            info_of(entry, &info[count++]);
            index++;
        }
        is_unlock(space);
    } while (entry != NULL && count < *room);
    *infop = info;
    *countp = count;
    return KERN_SUCCESS;
}

kern_return_t mach_port_space_info(ipc_space_t space, vm_map_copy_t *copy,
                                   mach_msg_type_number_t *count)
{
    ipc_info_name_t *info;
    kern_return_t kr;
    uint32_t room;

    if (space == NULL)
        return KERN_INVALID_TASK;
    kr = collect(space, &info, &room, count);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = vm_map_copyin_kernel(info, *count * sizeof(*info), copy);
    kfree(info, room * sizeof(*info));
    return kr;
}

kern_return_t mach_port_names(ipc_space_t space, vm_map_copy_t *names,
                              mach_msg_type_number_t *name_count, vm_map_copy_t *types,
                              mach_msg_type_number_t *type_count)
{
    ipc_info_name_t *info;
    uint32_t room, count;
    uint32_t *words;
    kern_return_t kr;

    if (space == NULL)
        return KERN_INVALID_TASK;
    kr = collect(space, &info, &room, &count);
    if (kr != KERN_SUCCESS)
        return kr;
    words = kalloc(room * sizeof(*words));
    if (words == NULL) {
        kr = KERN_RESOURCE_SHORTAGE;
        goto out;
    }
    for (uint32_t i = 0; i < count; i++)
        words[i] = info[i].iin_name;
    kr = vm_map_copyin_kernel(words, count * sizeof(*words), names);
    if (kr != KERN_SUCCESS)
        goto out_words;
    for (uint32_t i = 0; i < count; i++)
        words[i] = info[i].iin_type;
    kr = vm_map_copyin_kernel(words, count * sizeof(*words), types);
    if (kr != KERN_SUCCESS && *names != VM_MAP_COPY_NULL)
        vm_map_copy_discard(*names);
    *name_count = *type_count = count;
out_words:
    kfree(words, room * sizeof(*words));
out:
    kfree(info, room * sizeof(*info));
    return kr;
}

/* ---- receive rights -------------------------------------------------------------------------- */

kern_return_t mach_port_get_receive_status(ipc_space_t space, mach_port_name_t name,
                                           mach_port_status_t *status)
{
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, name, &port);
    if (kr != KERN_SUCCESS)
        return kr;
    *status = (mach_port_status_t){
        .mps_pset = ipc_pset_name(port),
        .mps_seqno = port->seqno,
        .mps_mscount = port->mscount,
        .mps_qlimit = port->qlimit,
        .mps_msgcount = port->msgcount + port->so_notes,
        .mps_sorights = port->sorights,
        .mps_srights = port->srights != 0,
        .mps_pdrequest = port->pdrequest != NULL,
        .mps_nsrequest = port->nsrequest != NULL,
        .mps_flags = (port->guarded ? MACH_PORT_STATUS_FLAG_GUARDED : 0)
                     | (port->strict ? MACH_PORT_STATUS_FLAG_STRICT_GUARD : 0),
    };
    ip_unlock(port);
    is_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_set_qlimit(ipc_space_t space, mach_port_name_t name,
                                   mach_port_msgcount_t qlimit)
{
    ipc_port_t port;
    kern_return_t kr;

    if (qlimit > MACH_PORT_QLIMIT_MAX)
        return KERN_INVALID_VALUE;
    kr = ipc_right_lookup_receive(space, name, &port);
    if (kr != KERN_SUCCESS)
        return kr;
    port->qlimit = qlimit;
    ipc_mqueue_admit(port, qlimit);
    ip_unlock(port);
    is_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_set_mscount(ipc_space_t space, mach_port_name_t name,
                                    mach_port_mscount_t mscount)
{
    ipc_kmsg_t note = NULL;
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, name, &port);
    if (kr != KERN_SUCCESS)
        return kr;
    port->mscount = mscount;
    /* A no-senders request may have waited for just this count. */
    if (port->nsrequest != NULL && port->srights == 0
        && ipc_note_value(port->nsrequest) <= mscount) {
        note = port->nsrequest;
        port->nsrequest = NULL;
        ipc_note_set_count(note, mscount);
    }
    ip_unlock(port);
    is_unlock(space);
    if (note != NULL)
        ipc_kmsg_send_always(note);
    return KERN_SUCCESS;
}

kern_return_t mach_port_set_seqno(ipc_space_t space, mach_port_name_t name, mach_port_seqno_t seqno)
{
    ipc_port_t port;
    kern_return_t kr = ipc_right_lookup_receive(space, name, &port);
    if (kr != KERN_SUCCESS)
        return kr;
    port->seqno = seqno;
    ip_unlock(port);
    is_unlock(space);
    return KERN_SUCCESS;
}

/* ---- rights from and for others -------------------------------------------------------------- */

kern_return_t mach_port_insert_right(ipc_space_t space, mach_port_name_t name, mach_port_t poly,
                                     mach_msg_type_name_t disposition)
{
    if (space == NULL)
        return KERN_INVALID_TASK;
    if (name == MACH_PORT_NAME_NULL || name == MACH_PORT_NAME_DEAD
        || !MACH_MSG_TYPE_PORT_ANY_RIGHT(disposition))
        return KERN_INVALID_VALUE;
    if (!IP_VALID(poly))
        return KERN_INVALID_CAPABILITY;
    return ipc_right_copyout_name(space, poly, disposition, name);
}

kern_return_t mach_port_extract_right(ipc_space_t space, mach_port_name_t name,
                                      mach_msg_type_name_t desired_type, mach_port_t *poly,
                                      mach_msg_type_name_t *disposition)
{
    struct ipc_batch batch;
    kern_return_t kr = KERN_INVALID_TASK;

    if (space == NULL)
        return KERN_INVALID_TASK;
    if (!MACH_MSG_TYPE_PORT_ANY(desired_type))
        return KERN_INVALID_VALUE;
    ipc_batch_init(&batch);
    is_lock(space);
    if (space->active)
        kr = ipc_right_copyin(space, name, desired_type, &batch, poly);
    if (kr == KERN_SUCCESS && desired_type == MACH_MSG_TYPE_MOVE_RECEIVE)
        ipc_right_commit_receive(*poly);
    is_unlock(space);
    ipc_batch_finish(&batch);
    *disposition = ipc_right_arrives(desired_type);
    return kr;
}
