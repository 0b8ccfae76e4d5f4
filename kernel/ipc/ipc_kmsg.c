/*
 * Messages in the kernel: their buffers, and their end. Read ipc/ipc_kmsg.h before; then
 * ipc_copyin.c and ipc_copyout.c for how names become rights and rights names.
 */
#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_right.h>
#include <kern/cpu.h>
#include <kern/ledger.h>
#include <vm/vm_map.h>

/* ---- buffers --------------------------------------------------------------------------------- */

/* Room for the largest notification (a port descriptor) and a trailer. */
#define IKM_NOTE_CAPACITY 80
static_assert(sizeof(mach_msg_base_t) + sizeof(mach_msg_port_descriptor_t) + MAX_TRAILER_SIZE
              <= IKM_NOTE_CAPACITY, "notifications fit");

#define IKM_SIZE(capacity) (offsetof(struct ipc_kmsg, ikm_inline) + (capacity))

static zone_t kmsg_zone;
static zone_t note_zone;
static uint32_t large_count; /* atomic: those from kalloc */

static ipc_kmsg_t kmsg_set_up(ipc_kmsg_t kmsg, mach_msg_size_t size, uint32_t capacity)
{
    kmsg->ikm_remote = IP_NULL;
    kmsg->ikm_local = IP_NULL;
    kmsg->ikm_sender.val[0] = 0;
    kmsg->ikm_sender.val[1] = 0;
    kmsg->ikm_capacity = capacity;
    kmsg->ikm_circular = false;
    kmsg->ikm_client = NULL;
    kmsg->ikm_header = (mach_msg_header_t *)kmsg->ikm_inline;
    kmsg->ikm_header->msgh_bits = 0;
    kmsg->ikm_header->msgh_size = size;
    return kmsg;
}

/* What is not in the CPU's cache. */
static __attribute__((noinline)) ipc_kmsg_t alloc_other(mach_msg_size_t size, uint32_t capacity)
{
    ipc_kmsg_t kmsg;

    if (capacity <= IKM_SMALL_SIZE) {
        struct cpu *cpu = current_cpu();

        kmsg = cpu->kmsg_second;
        cpu->kmsg_second = NULL;
        if (kmsg == NULL)
            kmsg = zalloc(kmsg_zone);
        return kmsg == NULL ? NULL : kmsg_set_up(kmsg, size, IKM_SMALL_SIZE);
    }
    if (IKM_SIZE(capacity) > PAGE_SIZE && capacity <= IKM_LARGE_SIZE) {
        ipc_kmsg_t *cache = &current_cpu()->kmsg_large;

        capacity = IKM_LARGE_SIZE;
        kmsg = *cache;
        *cache = NULL;
        if (kmsg != NULL)
            return kmsg_set_up(kmsg, size, capacity);
    }
    kmsg = kalloc(IKM_SIZE(capacity));
    if (kmsg == NULL)
        return NULL;
    __atomic_fetch_add(&large_count, 1, __ATOMIC_RELAXED);
    return kmsg_set_up(kmsg, size, capacity);
}

ipc_kmsg_t ipc_kmsg_alloc(mach_msg_size_t size)
{
    uint32_t capacity = ((size + 3) & ~3U) + MAX_TRAILER_SIZE;
    ipc_kmsg_t *cache = &current_cpu()->kmsg_cache;
    ipc_kmsg_t kmsg = *cache;

    if (__builtin_expect(capacity > IKM_SMALL_SIZE || kmsg == NULL, 0))
        return alloc_other(size, capacity);
    *cache = NULL;
    return kmsg_set_up(kmsg, size, IKM_SMALL_SIZE);
}

ipc_kmsg_t ipc_kmsg_alloc_second(mach_msg_size_t size)
{
    return alloc_other(size, ((size + 3) & ~3U) + MAX_TRAILER_SIZE);
}

ipc_kmsg_t ipc_kmsg_alloc_note(void)
{
    ipc_kmsg_t kmsg = zalloc(note_zone);

    return kmsg == NULL ? NULL : kmsg_set_up(kmsg, sizeof(mach_msg_header_t), IKM_NOTE_CAPACITY);
}

static __attribute__((noinline)) void free_other(ipc_kmsg_t kmsg)
{
    if (kmsg->ikm_capacity == IKM_SMALL_SIZE) {
        if (current_cpu()->kmsg_second == NULL)
            current_cpu()->kmsg_second = kmsg;
        else
            zfree(kmsg_zone, kmsg);
    } else if (kmsg->ikm_capacity & IKM_CHARGED) {
        kmsg->ikm_capacity &= ~IKM_CHARGED;
        ledger_credit_message(kmsg->ikm_ledger, kmsg->ikm_capacity != IKM_NOTE_CAPACITY,
                              kmsg->ikm_charge);
        ipc_kmsg_free(kmsg);
    } else if (kmsg->ikm_capacity == IKM_NOTE_CAPACITY) {
        zfree(note_zone, kmsg);
    } else if (kmsg->ikm_capacity == IKM_LARGE_SIZE && current_cpu()->kmsg_large == NULL) {
        current_cpu()->kmsg_large = kmsg;
    } else {
        kfree(kmsg, IKM_SIZE(kmsg->ikm_capacity));
        __atomic_fetch_sub(&large_count, 1, __ATOMIC_RELAXED);
    }
}

void ipc_kmsg_free(ipc_kmsg_t kmsg)
{
    ipc_kmsg_t *cache = &current_cpu()->kmsg_cache;

    if (__builtin_expect(kmsg->ikm_capacity == IKM_SMALL_SIZE && *cache == NULL, 1))
        *cache = kmsg;
    else
        free_other(kmsg);
}

/* Bytes of kernel memory that a message holds beside its buffer. A right may be all that keeps a dead port:
 * it costs as much as one. */
static uint32_t body_cost(mach_msg_header_t *header)
{
    mach_msg_descriptor_t *d = ikm_descriptors(header);
    mach_msg_descriptor_t *end;
    uint64_t cost = 0;

    if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return 0;
    end = d + ((mach_msg_base_t *)header)->body.msgh_descriptor_count;
    for (; d < end; d++) {
        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR)
            cost += sizeof(struct ipc_port);
        else if (d->port.type == MACH_MSG_OOL_DESCRIPTOR)
            cost += vm_map_copy_cost((vm_map_copy_t)d->out_of_line.address);
        else if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
            cost += d->ool_ports.count * (sizeof(ipc_port_t) + sizeof(struct ipc_port));
    }
    return MIN(cost, INT32_MAX); /* (it would be over any limit) */
}

bool ipc_kmsg_charge(ipc_kmsg_t kmsg, struct ledger *ledger)
{
    uint32_t capacity = kmsg->ikm_capacity & ~IKM_CHARGED;
    uint32_t charged = kmsg->ikm_capacity & IKM_CHARGED ? kmsg->ikm_charge : 0;
    uint32_t cost = IKM_SIZE(capacity) + body_cost(kmsg->ikm_header);

    if (ledger == NULL || cost <= charged)
        return true;
    assert(charged == 0 || kmsg->ikm_ledger == ledger);
    if (!ledger_charge_message(ledger, charged == 0 && capacity != IKM_NOTE_CAPACITY,
                               cost - charged))
        return false;
    kmsg->ikm_capacity |= IKM_CHARGED;
    kmsg->ikm_charge = cost;
    kmsg->ikm_ledger = ledger;
    return true;
}

uint32_t ipc_kmsg_total(void)
{
    uint32_t total = zone_count(kmsg_zone) + zone_count(note_zone) + large_count;

    for (uint32_t i = 0; i < MAX_CPUS; i++)
        total -= (cpus[i].kmsg_cache != NULL) + (cpus[i].kmsg_second != NULL)
                 + (cpus[i].kmsg_large != NULL);
    return total;
}

void ipc_kmsg_init(void)
{
    kmsg_zone = zone_create("messages", sizeof(struct ipc_kmsg));
    note_zone = zone_create("notifications", IKM_SIZE(IKM_NOTE_CAPACITY));
}

/* ---- destroying ------------------------------------------------------------------------------ */

void ipc_kmsg_clean_body(mach_msg_header_t *header, struct ipc_work *work)
{
    mach_msg_descriptor_t *d = ikm_descriptors(header);
    mach_msg_descriptor_t *end;

    if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return;
    end = d + ((mach_msg_base_t *)header)->body.msgh_descriptor_count;
    for (; d < end; d++) {
        switch (d->port.type) {
        case MACH_MSG_PORT_DESCRIPTOR:
            ipc_right_release((ipc_port_t)d->port.kport, d->port.disposition, work);
            break;
        case MACH_MSG_OOL_DESCRIPTOR:
            if (d->out_of_line.address != 0)
                vm_map_copy_discard((vm_map_copy_t)d->out_of_line.address);
            break;
        case MACH_MSG_OOL_PORTS_DESCRIPTOR: {
            ipc_port_t *ports = (ipc_port_t *)d->ool_ports.address;

            if (ports == NULL)
                break;
            for (uint32_t i = 0; i < d->ool_ports.count; i++)
                ipc_right_release(ports[i], d->ool_ports.disposition, work);
            kfree(ports, d->ool_ports.count * sizeof(*ports));
            break;
        }
        }
    }
    header->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
}

void ipc_kmsg_clean(ipc_kmsg_t kmsg, struct ipc_work *work)
{
    mach_msg_header_t *header = kmsg->ikm_header;

    ipc_right_release(kmsg->ikm_remote, MACH_MSGH_BITS_REMOTE(header->msgh_bits), work);
    ipc_right_release(kmsg->ikm_local, MACH_MSGH_BITS_LOCAL(header->msgh_bits), work);
    kmsg->ikm_remote = IP_NULL;
    kmsg->ikm_local = IP_NULL;
    ipc_kmsg_clean_body(header, work);
}

void ipc_kmsg_begin_transit(ipc_kmsg_t kmsg)
{
    mach_msg_header_t *header = kmsg->ikm_header;
    mach_msg_descriptor_t *d = ikm_descriptors(header);
    mach_msg_descriptor_t *end;

    if (!(header->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return;
    end = d + ((mach_msg_base_t *)header)->body.msgh_descriptor_count;
    for (; d < end; d++) /* (no interface passes an array of receive rights) */
        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR
            && d->port.disposition == MACH_MSG_TYPE_PORT_RECEIVE
            && IP_VALID((ipc_port_t)d->port.kport)
            && !ipc_port_begin_transit((ipc_port_t)d->port.kport, kmsg->ikm_remote))
            kmsg->ikm_circular = true;
}

void ipc_kmsg_destroy(ipc_kmsg_t kmsg)
{
    struct ipc_work work;

    ipc_work_init(&work);
    enqueue_tail(&work.destroy, &kmsg->ikm_link);
    ipc_work_run(&work);
}

