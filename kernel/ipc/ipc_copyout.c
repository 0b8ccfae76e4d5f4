/*
 * The receiving half of a message's translation: rights get names in the receiver, memory
 * addresses.
 *
 * Read ipc_copyin.c before. A receive can fail in the middle, for want of names or memory, or
 * because the user's buffer cannot be written: what has no name is released, and nothing is lost
 * track of. Memory that others use up is waited for, as in a page fault: the message may be one that
 * somebody waits for, a pager's request or data.
 */
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_right.h>
#include <kern/memory_gone.h>
#include <kern/task.h>
#include <kern/zone.h>
#include <vm/vm_map.h>

/* A right to a name; on failure it is released, *name is null, and MACH_MSG_IPC_* says why. */
static mach_msg_return_t copyout_right(ipc_space_t space, ipc_port_t port,
                                       mach_msg_type_name_t disposition, mach_port_name_t *name,
                                       struct ipc_work *work)
{
    kern_return_t kr;

    if (!IP_VALID(port)) {
        *name = port == IP_NULL ? MACH_PORT_NAME_NULL : MACH_PORT_NAME_DEAD;
        return MACH_MSG_SUCCESS;
    }
    do {
        kr = KERN_INVALID_TASK;
        is_lock(space);
        if (space->active)
            kr = ipc_right_copyout(space, port, ipc_right_arrives(disposition), name);
        is_unlock(space);
    } while (kr == KERN_RESOURCE_SHORTAGE && ipc_space_again(space));
    if (kr == KERN_SUCCESS)
        return MACH_MSG_SUCCESS;
    ipc_right_release(port, disposition, work);
    *name = MACH_PORT_NAME_NULL;
    return kr == KERN_NO_SPACE ? MACH_MSG_IPC_SPACE : MACH_MSG_IPC_KERNEL;
}

static mach_msg_return_t memory_error(kern_return_t kr)
{
    return kr == KERN_NO_SPACE ? MACH_MSG_VM_SPACE : MACH_MSG_VM_KERNEL;
}

/* Was there too little memory for `size` bytes in the map, and may there be some again? Nobody waits for a
 * limit of the task's own; a page more, since where the data begin in a page is kept. */
static bool again(kern_return_t kr, vm_map_t map, vm_size_t size)
{
    return kr == KERN_RESOURCE_SHORTAGE && vm_map_may_grow(map, round_page(size) + PAGE_SIZE)
           && memory_again();
}

static mach_msg_return_t copyout_region(mach_msg_ool_descriptor_t *d, vm_map_t map)
{
    vm_map_copy_t copy = (vm_map_copy_t)d->address;
    vm_address_t address = 0;
    kern_return_t kr;

    d->deallocate = FALSE;
    d->address = 0;
    if (copy == VM_MAP_COPY_NULL) {
        d->size = 0;
        return MACH_MSG_SUCCESS;
    }
    do
        kr = vm_map_copyout(map, &address, copy);
    while (again(kr, map, d->size));
    if (kr != KERN_SUCCESS) {
        vm_map_copy_discard(copy);
        d->size = 0;
        return memory_error(kr);
    }
    d->address = address;
    return MACH_MSG_SUCCESS;
}

/* An array of rights: memory for the names first, since names without a place to tell them are
 * lost. */
static mach_msg_return_t copyout_ports(mach_msg_ool_ports_descriptor_t *d, ipc_space_t space,
                                       vm_map_t map, struct ipc_work *work)
{
    ipc_port_t *ports = (ipc_port_t *)d->address;
    mach_port_name_t *names = (mach_port_name_t *)ports; /* takes their place, from below */
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    vm_size_t size = d->count * sizeof(*ports);
    uint32_t count = d->count;
    vm_address_t address = 0;
    kern_return_t kr;

    d->deallocate = FALSE;
    d->address = 0;
    if (ports == NULL) {
        d->count = 0;
        return MACH_MSG_SUCCESS;
    }
    do
        kr = vm_map_enter(map, &address, round_page(count * sizeof(*names)), 0, true, NULL, 0, false,
                          VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_DEFAULT);
    while (again(kr, map, count * sizeof(*names)));
    if (kr != KERN_SUCCESS) {
        for (uint32_t i = 0; i < count; i++)
            ipc_right_release(ports[i], d->disposition, work);
        kfree(ports, size);
        d->count = 0;
        return memory_error(kr);
    }
    for (uint32_t i = 0; i < count; i++) {
        mach_port_name_t name;

        mr |= copyout_right(space, ports[i], d->disposition, &name, work);
        names[i] = name;
    }
    /* This fails only if another thread of the receiver unmapped the place, or memory is gone. */
    if (copyout(names, (void *)address, count * sizeof(*names)) != 0)
        mr |= MACH_MSG_VM_KERNEL;
    kfree(ports, size);
    d->address = address;
    return mr;
}

static mach_msg_return_t copyout_body(mach_msg_header_t *header, ipc_space_t space, vm_map_t map,
                                      struct ipc_work *work)
{
    mach_msg_descriptor_t *d = ikm_descriptors(header);
    mach_msg_descriptor_t *end = d + ((mach_msg_base_t *)header)->body.msgh_descriptor_count;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    mach_port_name_t name;

    for (; d < end; d++) {
        switch (d->port.type) {
        case MACH_MSG_PORT_DESCRIPTOR:
            d->port.disposition = ipc_right_arrives(d->port.disposition);
            mr |= copyout_right(space, (ipc_port_t)d->port.kport, d->port.disposition, &name, work);
            d->port.kport = name;
            d->port.pad1 = 0;
            d->port.pad2 = 0;
            break;
        case MACH_MSG_OOL_DESCRIPTOR:
            mr |= copyout_region(&d->out_of_line, map);
            break;
        case MACH_MSG_OOL_PORTS_DESCRIPTOR:
            d->ool_ports.disposition = ipc_right_arrives(d->ool_ports.disposition);
            mr |= copyout_ports(&d->ool_ports, space, map, work);
            break;
        }
    }
    return mr;
}

mach_msg_return_t ipc_kmsg_copyout_body(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map)
{
    struct ipc_work work;
    mach_msg_return_t mr;

    ipc_work_init(&work);
    mr = copyout_body(kmsg->ikm_header, space, map, &work);
    ipc_work_run(&work);
    return mr == MACH_MSG_SUCCESS ? mr : MACH_RCV_BODY_ERROR | mr;
}

/* What an accepted message leaves to be done for its sender's side. */
static void copyout_note(ipc_kmsg_t kmsg)
{
    ipc_kmsg_t note = kmsg->ikm_note;

    kmsg->ikm_note = NULL;
    if (__builtin_expect(note != NULL, 0))
        ipc_kmsg_send_always(note);
}

void ipc_kmsg_strip(ipc_kmsg_t kmsg)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_bits_t bits = header->msgh_bits;
    struct ipc_work work;

    copyout_note(kmsg);
    ipc_work_init(&work);
    ipc_kmsg_clean(kmsg, &work);
    ipc_work_run(&work);
    header->msgh_bits = MACH_MSGH_BITS(0, MACH_MSGH_BITS_REMOTE(bits));
    header->msgh_remote_port = MACH_PORT_NAME_NULL;
}

mach_msg_return_t ipc_kmsg_copyout(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_bits_t bits = header->msgh_bits;
    mach_msg_return_t mr;
    struct ipc_work work;

    copyout_note(kmsg);
    ipc_work_init(&work);
    mr = copyout_right(space, kmsg->ikm_local, MACH_MSGH_BITS_LOCAL(bits),
                       &header->msgh_remote_port, &work);
    kmsg->ikm_local = IP_NULL;
    if (__builtin_expect(mr != MACH_MSG_SUCCESS, 0)) {
        ipc_kmsg_strip(kmsg);
        return MACH_RCV_HEADER_ERROR | mr;
    }
    header->msgh_bits = (bits & MACH_MSGH_BITS_COMPLEX)
                        | MACH_MSGH_BITS(MACH_MSGH_BITS_LOCAL(bits), MACH_MSGH_BITS_REMOTE(bits));
    if (__builtin_expect(bits & MACH_MSGH_BITS_COMPLEX, 0))
        return ipc_kmsg_copyout_body(kmsg, space, map);
    return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_kmsg_copyout_pseudo(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_bits_t bits = header->msgh_bits;
    mach_msg_return_t mr;
    struct ipc_work work;

    ipc_work_init(&work);
    mr = copyout_right(space, kmsg->ikm_remote, MACH_MSGH_BITS_REMOTE(bits),
                       &header->msgh_remote_port, &work);
    mr |= copyout_right(space, kmsg->ikm_local, MACH_MSGH_BITS_LOCAL(bits),
                        &header->msgh_local_port, &work);
    kmsg->ikm_remote = IP_NULL;
    kmsg->ikm_local = IP_NULL;
    if (bits & MACH_MSGH_BITS_COMPLEX)
        mr |= copyout_body(header, space, map, &work);
    ipc_work_run(&work);
    return mr;
}

/* ---- to the user's buffer -------------------------------------------------------------------- */

mach_msg_size_t ipc_trailer_size(mach_msg_option_t option)
{
    switch (MACH_RCV_TRAILER_GET(option)) {
    case MACH_RCV_TRAILER_NULL:
        return 0;
    case MACH_RCV_TRAILER_SEQNO:
        return offsetof(mach_msg_security_trailer_t, msgh_sender);
    case MACH_RCV_TRAILER_SENDER:
        return sizeof(mach_msg_security_trailer_t);
    default:
        return sizeof(mach_msg_payload_trailer_t);
    }
}

mach_msg_size_t ipc_kmsg_room(ipc_kmsg_t kmsg, mach_msg_option_t option)
{
    mach_msg_size_t size = kmsg->ikm_header->msgh_size;
    mach_msg_size_t trailer = ipc_trailer_size(option);

    return trailer == 0 ? size : ((size + 3) & ~3U) + trailer;
}

/* The names and regions that a receiver could not be told of go again. */
static void take_back(ipc_kmsg_t kmsg, ipc_space_t space, vm_map_t map)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_descriptor_t *d = ikm_descriptors(header);
    struct ipc_batch batch;
    ipc_port_t port = IP_NULL;

    ipc_batch_init(&batch);
    is_lock(space);
    if (space->active)
        ipc_right_copyin(space, header->msgh_remote_port, MACH_MSGH_BITS_REMOTE(header->msgh_bits),
                         &batch, &port);
    is_unlock(space);
    ipc_batch_finish(&batch);
    kmsg->ikm_local = port;
    header->msgh_bits = (header->msgh_bits & MACH_MSGH_BITS_COMPLEX)
                        | MACH_MSGH_BITS(0, MACH_MSGH_BITS_REMOTE(header->msgh_bits));
    if (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) {
        for (uint32_t i = 0; i < ((mach_msg_base_t *)header)->body.msgh_descriptor_count; i++)
            if (d[i].port.type != MACH_MSG_PORT_DESCRIPTOR)
                d[i].out_of_line.deallocate = TRUE;
        if (ipc_kmsg_copyin_body(kmsg, space, map) != MACH_MSG_SUCCESS)
            header->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX; /* other threads have used them already */
    }
    ipc_kmsg_destroy(kmsg);
}

mach_msg_return_t ipc_kmsg_put(ipc_kmsg_t kmsg, mach_msg_header_t *user, mach_msg_option_t option,
                               ipc_space_t space, vm_map_t map)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_size_t size = ipc_kmsg_room(kmsg, option);
    mach_msg_size_t trailer_size = ipc_trailer_size(option);

    if (trailer_size != 0) {
        mach_msg_payload_trailer_t *trailer = (void *)((char *)header + size - trailer_size);

        trailer->msgh_trailer_type = 0;
        trailer->msgh_trailer_size = trailer_size;
        trailer->msgh_seqno = header->msgh_seqno;
        trailer->msgh_sender = kmsg->ikm_sender; /* (there is room for the largest) */
        trailer->msgh_payload = kmsg->ikm_payload;
    }
    if (__builtin_expect(copyout(header, user, size) != 0, 0)) {
        take_back(kmsg, space, map);
        return MACH_RCV_INVALID_DATA;
    }
    ipc_kmsg_free(kmsg);
    return MACH_MSG_SUCCESS;
}
