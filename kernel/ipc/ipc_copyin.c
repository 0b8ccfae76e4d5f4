/*
 * The sending half of a message's translation: what the sender names becomes what it is.
 *
 * Read ipc/ipc_kmsg.h and mach/message.h before, and ipc_right.c for single rights. All or
 * nothing, in three steps:
 *   memory   out-of-line data is copied (copy-on-write), arrays of names are read. May block.
 *   rights   in one hold of the space's lock; if one is wrong those before it are put back, last
 *            first, so that nobody ever saw them gone
 *   commit   nothing can fail any more: receive rights leave the space, memory that is to be
 *            deallocated goes, notifications are sent
 */
#include <ipc/ipc_body.h>
#include <ipc/ipc_kobject.h>
#include <kern/memory_gone.h>
#include <kern/task.h>
#include <kern/zone.h>
#include <vm/vm_map.h>

/* Rights that one message may carry: interrupts are off while they are looked up. */
#define IPC_MESSAGE_RIGHTS_MAX 16384

mach_msg_return_t ipc_kmsg_get(const mach_msg_header_t *user, mach_msg_size_t size,
                               ipc_kmsg_t *kmsgp)
{
    ipc_kmsg_t kmsg;

    if (size < sizeof(mach_msg_header_t))
        return MACH_SEND_MSG_TOO_SMALL;
    if (size > MACH_MSG_SIZE_MAX)
        return MACH_SEND_TOO_LARGE;
    while ((kmsg = ipc_kmsg_alloc(size)) == NULL)
        if (!memory_again())
            return MACH_SEND_NO_BUFFER;
    if (__builtin_expect(size > IKM_SMALL_SIZE, 0) && !ipc_kmsg_charge(kmsg, current_ledger())) {
        ipc_kmsg_free(kmsg);
        return MACH_SEND_NO_BUFFER;
    }
    if (copyin(user, kmsg->ikm_header, size) != 0) {
        ipc_kmsg_free(kmsg);
        return MACH_SEND_INVALID_DATA;
    }
    if (size % 4 != 0) /* the trailer begins at a whole word */
        memset((char *)kmsg->ikm_header + size, 0, 4 - size % 4);
    kmsg->ikm_header->msgh_size = size;
    kmsg->ikm_sender = current_task()->token;
    *kmsgp = kmsg;
    return MACH_MSG_SUCCESS;
}

/* ---- the header ------------------------------------------------------------------------------ */

/* The two rights of the header. Space locked and active. */
static mach_msg_return_t copyin_header(ipc_kmsg_t kmsg, ipc_space_t space, struct ipc_batch *batch)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_type_name_t remote = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
    mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
    mach_port_name_t dest_name = header->msgh_remote_port;
    mach_port_name_t reply_name = header->msgh_local_port;
    bool reply_moves = local == MACH_MSG_TYPE_MOVE_SEND || local == MACH_MSG_TYPE_MOVE_SEND_ONCE;
    bool has_reply = reply_name != MACH_PORT_NAME_NULL && reply_name != MACH_PORT_NAME_DEAD;
    ipc_port_t dest = IP_NULL;
    ipc_port_t reply = reply_name == MACH_PORT_NAME_DEAD ? IP_DEAD : IP_NULL;
    mach_msg_return_t mr = MACH_SEND_INVALID_REPLY;

    if (ipc_entry_lookup(space, dest_name) == NULL)
        return MACH_SEND_INVALID_DEST;
    /* Both may be the same name: what stays behind is taken first, then what moves away. */
    if (has_reply && !reply_moves
        && ipc_right_copyin(space, reply_name, local, batch, &reply) != KERN_SUCCESS)
        return MACH_SEND_INVALID_REPLY;
    if (ipc_right_copyin(space, dest_name, remote, batch, &dest) != KERN_SUCCESS
        || dest == IP_DEAD) {
        mr = MACH_SEND_INVALID_DEST;
        goto undo;
    }
    if (has_reply && reply_moves
        && ipc_right_copyin(space, reply_name, local, batch, &reply) != KERN_SUCCESS)
        goto undo;
    kmsg->ikm_remote = dest;
    kmsg->ikm_local = reply;
    return MACH_MSG_SUCCESS;

undo:
    if (dest != IP_NULL)
        ipc_right_undo(space, dest_name, remote, batch, dest);
    if (has_reply && !reply_moves)
        ipc_right_undo(space, reply_name, local, batch, reply);
    return mr;
}

static void undo_header(ipc_kmsg_t kmsg, ipc_space_t space, struct ipc_batch *batch)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_type_name_t remote = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
    mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
    bool reply_moves = local == MACH_MSG_TYPE_MOVE_SEND || local == MACH_MSG_TYPE_MOVE_SEND_ONCE;
    bool has_reply = header->msgh_local_port != MACH_PORT_NAME_NULL
                     && header->msgh_local_port != MACH_PORT_NAME_DEAD;

    if (has_reply && reply_moves)
        ipc_right_undo(space, header->msgh_local_port, local, batch, kmsg->ikm_local);
    ipc_right_undo(space, header->msgh_remote_port, remote, batch, kmsg->ikm_remote);
    if (has_reply && !reply_moves)
        ipc_right_undo(space, header->msgh_local_port, local, batch, kmsg->ikm_local);
    kmsg->ikm_remote = IP_NULL;
    kmsg->ikm_local = IP_NULL;
}

static bool header_valid(const mach_msg_header_t *header)
{
    mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);

    if (header->msgh_bits & ~MACH_MSGH_BITS_USER)
        return false;
    if (!MACH_MSG_TYPE_PORT_ANY_SEND(MACH_MSGH_BITS_REMOTE(header->msgh_bits)))
        return false;
    return local == 0 ? header->msgh_local_port == MACH_PORT_NAME_NULL
                      : MACH_MSG_TYPE_PORT_ANY_SEND(local);
}

/* The dispositions in the header become those of the rights. */
static void header_arrives(mach_msg_header_t *header)
{
    mach_msg_type_name_t remote = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
    mach_msg_type_name_t local = MACH_MSGH_BITS_LOCAL(header->msgh_bits);

    header->msgh_bits = (header->msgh_bits & MACH_MSGH_BITS_COMPLEX)
                        | MACH_MSGH_BITS(ipc_right_arrives(remote),
                                         local == 0 ? 0 : ipc_right_arrives(local));
}

/* ---- the body -------------------------------------------------------------------------------- */

/* Looks at all descriptors, and makes room to note down what they name. */
static mach_msg_return_t body_check(struct ipc_body *body, mach_msg_header_t *header)
{
    mach_msg_size_t room = header->msgh_size;
    uint64_t rights = 0, regions = 0;
    uint32_t count;

    if (room < sizeof(mach_msg_base_t))
        return MACH_SEND_MSG_TOO_SMALL;
    count = ((mach_msg_base_t *)header)->body.msgh_descriptor_count;
    if (count > (room - sizeof(mach_msg_base_t)) / sizeof(mach_msg_descriptor_t))
        return MACH_SEND_MSG_TOO_SMALL;
    body->memory = false;
    body->first = body->memory_end = ikm_descriptors(header);
    body->end = body->first + count;
    for (mach_msg_descriptor_t *d = body->first; d < body->end; d++) {
        switch (d->port.type) {
        case MACH_MSG_PORT_DESCRIPTOR:
            if (!MACH_MSG_TYPE_PORT_ANY(d->port.disposition))
                return MACH_SEND_INVALID_TYPE;
            rights++;
            break;
        case MACH_MSG_OOL_DESCRIPTOR:
            if (d->out_of_line.copy > MACH_MSG_ALLOCATE)
                return MACH_SEND_INVALID_TYPE;
            body->memory = true;
            regions += d->out_of_line.deallocate && d->out_of_line.size != 0;
            break;
        case MACH_MSG_OOL_PORTS_DESCRIPTOR:
            if (d->ool_ports.copy > MACH_MSG_ALLOCATE
                || !MACH_MSG_TYPE_PORT_ANY(d->ool_ports.disposition))
                return MACH_SEND_INVALID_TYPE;
            body->memory = true;
            rights += d->ool_ports.count;
            regions += d->ool_ports.deallocate && d->ool_ports.count != 0;
            break;
        default:
            return MACH_SEND_INVALID_TYPE;
        }
    }
    if (rights > IPC_MESSAGE_RIGHTS_MAX)
        return MACH_SEND_TOO_LARGE;
    body->right_count = rights;
    body->region_count = regions;
    body->rights = body->few_rights;
    body->regions = body->few_regions;
    if (rights > sizeof(body->few_rights) / sizeof(body->few_rights[0])
        && (body->rights = kalloc(rights * sizeof(*body->rights))) == NULL)
        return MACH_SEND_NO_BUFFER;
    if (regions > sizeof(body->few_regions) / sizeof(body->few_regions[0])
        && (body->regions = kalloc(regions * sizeof(*body->regions))) == NULL) {
        if (body->rights != body->few_rights)
            kfree(body->rights, rights * sizeof(*body->rights));
        return MACH_SEND_NO_BUFFER;
    }
    return MACH_MSG_SUCCESS;
}

static void body_forget(struct ipc_body *body)
{
    if (body->rights != body->few_rights)
        kfree(body->rights, body->right_count * sizeof(*body->rights));
    if (body->regions != body->few_regions)
        kfree(body->regions, body->region_count * sizeof(*body->regions));
}

/* An array of names becomes a kalloc'ed array of 64-bit slots. */
static mach_msg_return_t copyin_names(mach_msg_ool_ports_descriptor_t *d)
{
    const void *user = (const void *)d->address;
    mach_port_name_t *names;
    uint64_t *slots;

    d->address = 0;
    if (d->count == 0)
        return MACH_MSG_SUCCESS;
    slots = kalloc(d->count * sizeof(*slots));
    if (slots == NULL)
        return MACH_SEND_NO_BUFFER;
    names = (mach_port_name_t *)slots + d->count; /* the upper half, widened from below */
    if (copyin(user, names, d->count * sizeof(*names)) != 0) {
        kfree(slots, d->count * sizeof(*slots));
        return MACH_SEND_INVALID_MEMORY;
    }
    for (uint32_t i = 0; i < d->count; i++)
        slots[i] = names[i];
    d->address = (uint64_t)slots;
    return MACH_MSG_SUCCESS;
}

static mach_msg_return_t copyin_region(mach_msg_ool_descriptor_t *d, vm_map_t map)
{
    vm_map_copy_t copy = VM_MAP_COPY_NULL;
    kern_return_t kr = KERN_SUCCESS;

    if (d->size != 0)
        kr = vm_map_copyin(map, d->address, d->size, false, &copy);
    d->address = (uint64_t)copy;
    if (kr == KERN_RESOURCE_SHORTAGE)
        return MACH_SEND_NO_BUFFER;
    return kr == KERN_SUCCESS ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_MEMORY;
}

/* Step one: memory, and a note of each right and region. */
static mach_msg_return_t copyin_memory(struct ipc_body *body, vm_map_t map)
{
    struct body_right *right = body->rights;
    struct body_region *region = body->regions;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    for (mach_msg_descriptor_t *d = body->first; d < body->end; d++) {
        struct body_region here = {d->out_of_line.address, d->out_of_line.size};

        switch (d->port.type) {
        case MACH_MSG_PORT_DESCRIPTOR:
            d->port.kport = d->port.name;
            *right++ = (struct body_right){&d->port.kport, d->port.name, d->port.disposition};
            break;
        case MACH_MSG_OOL_DESCRIPTOR:
            mr = copyin_region(&d->out_of_line, map);
            break;
        case MACH_MSG_OOL_PORTS_DESCRIPTOR:
            here.size = d->ool_ports.count * sizeof(mach_port_name_t);
            mr = copyin_names(&d->ool_ports);
            for (uint32_t i = 0; mr == MACH_MSG_SUCCESS && i < d->ool_ports.count; i++) {
                uint64_t *slot = (uint64_t *)d->ool_ports.address + i;

                *right++ = (struct body_right){slot, *slot, d->ool_ports.disposition};
            }
            break;
        }
        if (mr != MACH_MSG_SUCCESS)
            break;
        if (d->port.type != MACH_MSG_PORT_DESCRIPTOR && d->out_of_line.deallocate && here.size != 0)
            *region++ = here;
        body->memory_end = d + 1;
    }
    return mr;
}

static void undo_memory(struct ipc_body *body)
{
    for (mach_msg_descriptor_t *d = body->first; d < body->memory_end; d++) {
        if (d->port.type == MACH_MSG_OOL_DESCRIPTOR && d->out_of_line.address != 0)
            vm_map_copy_discard((vm_map_copy_t)d->out_of_line.address);
        else if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR && d->ool_ports.count != 0)
            kfree((void *)d->ool_ports.address, d->ool_ports.count * sizeof(uint64_t));
    }
}

static bool is_name(mach_port_name_t name)
{
    return name != MACH_PORT_NAME_NULL && name != MACH_PORT_NAME_DEAD;
}

static void undo_rights(struct ipc_body *body, uint32_t done, ipc_space_t space,
                        struct ipc_batch *batch)
{
    while (done-- > 0) {
        struct body_right *right = &body->rights[done];

        if (is_name(right->name))
            ipc_right_undo(space, right->name, right->disposition, batch, (ipc_port_t)*right->slot);
    }
}

/* Step two: the rights. Space locked and active. */
static mach_msg_return_t copyin_rights(struct ipc_body *body, ipc_space_t space,
                                       struct ipc_batch *batch)
{
    for (uint32_t i = 0; i < body->right_count; i++) {
        struct body_right *right = &body->rights[i];
        ipc_port_t port = right->name == MACH_PORT_NAME_NULL ? IP_NULL : IP_DEAD;

        if (is_name(right->name)
            && ipc_right_copyin(space, right->name, right->disposition, batch, &port)
                   != KERN_SUCCESS) {
            undo_rights(body, i, space, batch);
            return MACH_SEND_INVALID_RIGHT;
        }
        *right->slot = (uint64_t)port;
    }
    return MACH_MSG_SUCCESS;
}

/* Step three, with the space locked: receive rights leave it, and are in transit to dest. */
static void commit_rights(struct ipc_body *body, ipc_kmsg_t kmsg)
{
    for (uint32_t i = 0; i < body->right_count; i++) {
        ipc_port_t port = (ipc_port_t)*body->rights[i].slot;

        if (body->rights[i].disposition != MACH_MSG_TYPE_MOVE_RECEIVE || !IP_VALID(port))
            continue;
        ipc_right_commit_receive(port);
        if (kmsg->ikm_remote != IP_NULL && !ipc_port_begin_transit(port, kmsg->ikm_remote))
            kmsg->ikm_circular = true;
    }
}

/* The dispositions in the body become those of the rights. */
static void body_arrives(struct ipc_body *body)
{
    for (mach_msg_descriptor_t *d = body->first; d < body->end; d++) {
        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR)
            d->port.disposition = ipc_right_arrives(d->port.disposition);
        else if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
            d->ool_ports.disposition = ipc_right_arrives(d->ool_ports.disposition);
    }
}

static void remove_regions(struct ipc_body *body, vm_map_t map)
{
    for (uint32_t i = 0; i < body->region_count; i++) {
        vm_address_t start = trunc_page(body->regions[i].address);

        /* (If it went meanwhile by another thread's hand there is nothing left to do.) */
        vm_map_remove(map, start, round_page(body->regions[i].address + body->regions[i].size));
    }
}

static mach_msg_return_t copyin_complex(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map,
                                        bool with_header)
{
    struct ipc_batch batch;
    struct ipc_body body;
    mach_msg_return_t mr = body_check(&body, kmsg->ikm_header);

    if (mr != MACH_MSG_SUCCESS)
        return mr;
    ipc_batch_init(&batch);
    mr = copyin_memory(&body, map);
    if (mr == MACH_MSG_SUCCESS && body.memory && !ipc_kmsg_charge(kmsg, current_ledger()))
        mr = MACH_SEND_NO_BUFFER;
    if (mr != MACH_MSG_SUCCESS)
        goto out_memory;
    is_lock(space);
    mr = MACH_SEND_INVALID_DEST;
    if (!space->active)
        goto out_unlock;
    if (with_header && (mr = copyin_header(kmsg, space, &batch)) != MACH_MSG_SUCCESS)
        goto out_unlock;
    mr = copyin_rights(&body, space, &batch);
    if (mr != MACH_MSG_SUCCESS)
        goto out_header;
    commit_rights(&body, kmsg);
    is_unlock(space);
    ipc_batch_finish(&batch);
    body_arrives(&body);
    remove_regions(&body, map);
    body_forget(&body);
    return MACH_MSG_SUCCESS;

out_header:
    if (with_header)
        undo_header(kmsg, space, &batch);
out_unlock:
    is_unlock(space);
    ipc_batch_finish(&batch);
out_memory:
    undo_memory(&body);
    body_forget(&body);
    return mr;
}

mach_msg_return_t ipc_kmsg_copyin(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_return_t mr = MACH_SEND_INVALID_DEST;
    struct ipc_batch batch;

    if (!header_valid(header))
        return MACH_SEND_INVALID_HEADER;
    if (__builtin_expect(header->msgh_bits & MACH_MSGH_BITS_COMPLEX, 0)) {
        mr = copyin_complex(kmsg, space, map, true);
    } else {
        ipc_batch_init(&batch);
        is_lock(space);
        if (__builtin_expect(space->active, 1))
            mr = copyin_header(kmsg, space, &batch);
        is_unlock(space);
        ipc_batch_finish(&batch);
    }
    if (mr == MACH_MSG_SUCCESS)
        header_arrives(header);
    return mr;
}

mach_msg_return_t ipc_kmsg_copyin_body(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map)
{
    return copyin_complex(kmsg, space, map, false);
}

/* ---- for mach_msg_fast ----------------------------------------------------------------------- */

bool ipc_body_begin(struct ipc_body *body, mach_msg_header_t *header, vm_map_t map)
{
    bool wanted;

    if (body_check(body, header) != MACH_MSG_SUCCESS)
        return false;
    ipc_batch_init(&body->batch);
    wanted = body->region_count == 0 && body->rights == body->few_rights;
    for (mach_msg_descriptor_t *d = body->first; wanted && d < body->end; d++)
        wanted = d->port.type == MACH_MSG_OOL_DESCRIPTOR
                 || d->port.disposition != MACH_MSG_TYPE_MOVE_RECEIVE;
    if (wanted && copyin_memory(body, map) == MACH_MSG_SUCCESS)
        return true;
    ipc_body_cancel(body);
    return false;
}

bool ipc_body_copyin(struct ipc_body *body, ipc_space_t space)
{
    if (copyin_rights(body, space, &body->batch) != MACH_MSG_SUCCESS)
        return false;
    if (!queue_empty(&body->batch.deleted)) {
        ipc_body_undo(body, space);
        return false;
    }
    body_arrives(body);
    return true;
}

void ipc_body_undo(struct ipc_body *body, ipc_space_t space)
{
    undo_rights(body, body->right_count, space, &body->batch);
}

void ipc_body_cancel(struct ipc_body *body)
{
    ipc_batch_finish(&body->batch);
    undo_memory(body);
    body_forget(body);
}
