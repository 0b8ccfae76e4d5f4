/*
 * Devices for drivers in user space: registers mapped, interrupts as messages, memory for DMA. Read
 * mach/device.defs and mach/device_notify.h first.
 *
 * AN INTERRUPT becomes a message without allocating anything: the message, with its send right, was
 * made when the driver registered. The line stays masked until the driver acknowledges, and that is
 * when the next message is made. So at most one is under way, an interrupt that nobody waits for
 * costs one entry, and a driver that died leaves its line masked: its message goes to a dead port.
 */
#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_port.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/zone.h>
#include <mach/device_notify.h>
#include <mach/device_server.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#define FIRST_SHARED_INTID 32 /* below are each CPU's own: the timer, the pokes [GICv2 2.2.1] */

struct device {
    uint32_t refs;            /* atomic: one while its port is alive, one for each use */
    bool master;
    uint64_t base;            /* of the registers, physical; fixed */
    vm_size_t size;           /* 0: none */
    uint32_t intid;           /* 0: none */
    struct ipc_port *self;
    /* ---- owned by irq_lock ---- */
    struct ipc_port *port;    /* where interrupts are sent (a send right), or NULL */
    struct ipc_kmsg *kmsg;    /* the next message; NULL: sent, and not acknowledged */
    uint32_t count;           /* interrupts taken */
    struct dma_memory *dma;   /* allocated through this device */
};

/* Memory the device was told of stays until the device port is given up, even when the driver's task and
 * its mapping are gone: nobody has stopped the device from writing there yet. */
struct dma_memory {
    struct dma_memory *next;
    vm_object_t object;       /* a reference */
};

static zone_t device_zone;

/* Who has registered for which line. The lock is held around masking and unmasking, so that both
 * agree. */
static struct device **irq_owners;
static spinlock_t irq_lock = SPINLOCK_INITIALIZER(LOCK_IRQ);

static struct device *device_alloc(uint64_t base, vm_size_t size, uint32_t intid)
{
    struct device *device = zalloc_zeroed(device_zone);

    if (device == NULL)
        return NULL;
    device->refs = 1;
    device->base = base;
    device->size = size;
    device->intid = intid;
    device->self = ipc_port_alloc_kernel(IKOT_DEVICE, device);
    if (device->self == NULL) {
        zfree(device_zone, device);
        return NULL;
    }
    return device;
}

kern_return_t device_create(device_t master, uint64_t base, vm_size_t size, int intid,
                            device_t *out)
{
    uint64_t end;
    struct device *device;

    if (master == NULL || !master->master)
        return KERN_INVALID_ARGUMENT;
    if (__builtin_add_overflow(base, size, &end) || end >= KERNBASE)
        return KERN_INVALID_ADDRESS;
    if (size != 0 && trunc_page(base) < boot_info.ram_end && round_page(end) > boot_info.ram_start)
        return KERN_INVALID_ADDRESS;
    if (intid != 0 && (intid < FIRST_SHARED_INTID || (uint32_t)intid >= irq_line_count()))
        return KERN_INVALID_VALUE;
    device = device_alloc(base, size, intid);
    if (device == NULL)
        return KERN_RESOURCE_SHORTAGE;
    __atomic_fetch_add(&device->refs, 1, __ATOMIC_RELAXED); /* the caller's */
    *out = device;
    return KERN_SUCCESS;
}

kern_return_t device_tree(device_t master, vm_map_copy_t *tree, mach_msg_type_number_t *size)
{
    if (master == NULL || !master->master)
        return KERN_INVALID_ARGUMENT;
    *size = boot_info.fdt_size;
    return vm_map_copyin_kernel(phys_to_virt(boot_info.fdt_start), boot_info.fdt_size, tree);
}

/* Whole pages are mapped: registers of neighbours in the same page come along. */
kern_return_t device_map(device_t device, vm_map_t map, vm_address_t *address)
{
    vm_address_t where = VM_MIN_ADDRESS;
    vm_offset_t in_page;
    vm_size_t size;
    vm_object_t object;
    kern_return_t kr;

    if (device == NULL || map == NULL || device->size == 0)
        return KERN_INVALID_ARGUMENT;
    in_page = device->base & PAGE_MASK;
    size = round_page(in_page + device->size);
    object = vm_object_allocate_device(trunc_page(device->base), size);
    if (object == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kr = vm_map_enter(map, &where, size, 0, true, object, 0, false, VM_PROT_DEFAULT,
                      VM_PROT_DEFAULT, VM_INHERIT_NONE);
    if (kr != KERN_SUCCESS) {
        vm_object_deallocate(object);
        return kr;
    }
    *address = where + in_page;
    return KERN_SUCCESS;
}

/* ---- interrupts ---- */

/* A message for the next interrupt, to port (borrowed). *kmsg NULL with KERN_SUCCESS: the port is
 * dead. */
static kern_return_t make_message(struct ipc_port *port, uint32_t intid, struct ipc_kmsg **kmsg)
{
    struct ipc_port *right = ipc_port_copy_send(port);
    device_intr_notify_t *message;

    *kmsg = NULL;
    if (!IP_VALID(right))
        return KERN_SUCCESS;
    *kmsg = ipc_kmsg_alloc(sizeof(device_intr_notify_t));
    if (*kmsg == NULL) {
        ipc_port_release_send(right);
        return KERN_RESOURCE_SHORTAGE;
    }
    message = (device_intr_notify_t *)(*kmsg)->ikm_header;
    message->header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0);
    message->header.msgh_id = DEVICE_INTR_NOTIFY_ID;
    message->intid = intid;
    (*kmsg)->ikm_remote = right;
    return KERN_SUCCESS;
}

void device_interrupt(uint32_t intid)
{
    struct ipc_kmsg *kmsg = NULL;
    struct device *device;

    spin_lock(&irq_lock);
    irq_mask(intid);
    device = irq_owners[intid];
    if (device != NULL) {
        device->count++;
        kmsg = device->kmsg;
        device->kmsg = NULL;
        if (kmsg != NULL)
            ((device_intr_notify_t *)kmsg->ikm_header)->count = device->count;
    }
    spin_unlock(&irq_lock);
    if (kmsg != NULL)
        ipc_kmsg_send_always(kmsg);
}

/* Gives up the line, if device has it. */
static void intr_unregister(struct device *device)
{
    struct ipc_port *port;
    struct ipc_kmsg *kmsg;

    if (device->intid == 0)
        return;
    spin_lock(&irq_lock);
    if (irq_owners[device->intid] == device) {
        irq_mask(device->intid);
        irq_owners[device->intid] = NULL;
    }
    port = device->port;
    kmsg = device->kmsg;
    device->port = NULL;
    device->kmsg = NULL;
    spin_unlock(&irq_lock);
    if (kmsg != NULL)
        ipc_kmsg_destroy(kmsg);
    ipc_port_release_send(port);
}

/* Is there somebody at the other end? A hint: the port's lock is not held. */
static bool port_alive(struct ipc_port *port)
{
    return IP_VALID(port) && __atomic_load_n(&port->active, __ATOMIC_RELAXED);
}

/* Consumes port, a send right, on success. */
kern_return_t device_intr_register(device_t device, mach_port_t port)
{
    struct ipc_port *old_port = NULL;
    struct ipc_kmsg *old_kmsg = NULL;
    struct ipc_kmsg *kmsg;
    struct device *owner;
    kern_return_t kr;

    if (device == NULL || device->intid == 0)
        return KERN_INVALID_ARGUMENT;
    kr = make_message(port, device->intid, &kmsg);
    if (kr != KERN_SUCCESS)
        return kr;
    if (kmsg == NULL)
        return KERN_INVALID_CAPABILITY;
    spin_lock(&irq_lock);
    owner = irq_owners[device->intid];
    if (owner != NULL && port_alive(owner->port)) {
        spin_unlock(&irq_lock);
        ipc_kmsg_destroy(kmsg);
        return KERN_FAILURE;
    }
    if (owner != NULL) { /* a dead driver's */
        old_port = owner->port;
        old_kmsg = owner->kmsg;
        owner->port = NULL;
        owner->kmsg = NULL;
    }
    irq_owners[device->intid] = device;
    device->port = port;
    device->kmsg = kmsg;
    irq_unmask(device->intid);
    spin_unlock(&irq_lock);
    if (old_kmsg != NULL)
        ipc_kmsg_destroy(old_kmsg);
    ipc_port_release_send(old_port);
    return KERN_SUCCESS;
}

/* KERN_FAILURE: not registered. KERN_RESOURCE_SHORTAGE: still masked, to be tried again. */
kern_return_t device_intr_ack(device_t device)
{
    struct ipc_port *port = NULL;
    struct ipc_kmsg *kmsg = NULL;
    bool registered;
    kern_return_t kr;

    if (device == NULL || device->intid == 0)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&irq_lock);
    registered = irq_owners[device->intid] == device;
    if (registered && device->kmsg == NULL) {
        port = device->port;
        ip_reference(port);
    }
    spin_unlock(&irq_lock);
    if (port == NULL)
        return registered ? KERN_SUCCESS : KERN_FAILURE; /* there was nothing to acknowledge */

    kr = make_message(port, device->intid, &kmsg);
    if (kmsg != NULL) {
        spin_lock(&irq_lock);
        if (irq_owners[device->intid] == device && device->port == port && device->kmsg == NULL) {
            device->kmsg = kmsg;
            kmsg = NULL;
            irq_unmask(device->intid);
        }
        spin_unlock(&irq_lock);
        if (kmsg != NULL) /* acknowledged twice at a time, or unregistered */
            ipc_kmsg_destroy(kmsg);
    }
    ip_release(port);
    return kr;
}

/* ---- memory for DMA ---- */

/* An object of the contiguous, wired, zeroed pages from first on. */
static void fill_object(vm_object_t object, vm_page_t first, uint32_t count)
{
    spin_lock(&object->lock);
    for (uint32_t i = 0; i < count; i++) {
        vm_page_t page = vm_page_of_phys(first->phys + i * PAGE_SIZE);

        pmap_zero_page(page);
        vm_page_insert(page, object, i * PAGE_SIZE);
        vm_page_wire(page);
    }
    spin_unlock(&object->lock);
}

kern_return_t device_dma_allocate(device_t device, vm_map_t map, vm_size_t size,
                                  vm_address_t *address, uint64_t *physical)
{
    vm_address_t where = VM_MIN_ADDRESS;
    struct dma_memory *dma;
    uint32_t count;
    vm_object_t object;
    vm_page_t pages;
    kern_return_t kr;

    if (device == NULL || map == NULL)
        return KERN_INVALID_ARGUMENT;
    if (size == 0 || size > boot_info.ram_end - boot_info.ram_start)
        return KERN_INVALID_VALUE;
    size = round_page(size);
    count = size >> PAGE_SHIFT;
    dma = kalloc(sizeof(*dma));
    object = vm_object_allocate(size);
    pages = dma != NULL && object != NULL ? vm_page_grab_contiguous(count, PAGE_SIZE) : NULL;
    if (pages == NULL) {
        vm_object_deallocate(object);
        if (dma != NULL)
            kfree(dma, sizeof(*dma));
        return KERN_RESOURCE_SHORTAGE;
    }
    *physical = pages->phys;
    fill_object(object, pages, count);
    vm_object_reference(object); /* one for the map, one for the device */
    kr = vm_map_enter(map, &where, size, 0, true, object, 0, false, VM_PROT_DEFAULT,
                      VM_PROT_DEFAULT, VM_INHERIT_NONE);
    if (kr != KERN_SUCCESS) {
        vm_object_deallocate(object);
        vm_object_deallocate(object); /* and the pages with it */
        kfree(dma, sizeof(*dma));
        return kr;
    }
    spin_lock(&irq_lock);
    dma->object = object;
    dma->next = device->dma;
    device->dma = dma;
    spin_unlock(&irq_lock);
    *address = where;
    return KERN_SUCCESS;
}

/* ---- ports ---- */

static void take_reference(void *device)
{
    __atomic_fetch_add(&((struct device *)device)->refs, 1, __ATOMIC_RELAXED);
}

device_t convert_port_to_device(mach_port_t port)
{
    return ipc_port_kobject(port, IKOT_DEVICE, take_reference);
}

mach_port_t convert_device_to_port(device_t device)
{
    mach_port_t port;

    if (device == NULL)
        return MACH_PORT_NULL;
    port = ipc_port_make_send(device->self); /* there from birth to the end of senders */
    device_deallocate(device);
    return port;
}

void device_deallocate(device_t device)
{
    if (device != NULL && __atomic_sub_fetch(&device->refs, 1, __ATOMIC_ACQ_REL) == 0)
        zfree(device_zone, device);
}

/* The master stays: the privileged can always get at it. */
void device_no_senders(device_t device)
{
    struct dma_memory *dma;

    if (device->master)
        return;
    while ((dma = device->dma) != NULL) { /* nobody can add to it any more */
        device->dma = dma->next;
        vm_object_deallocate(dma->object);
        kfree(dma, sizeof(*dma));
    }
    intr_unregister(device);
    ipc_port_dealloc_kernel(device->self);
    device_deallocate(device);
}

void device_init(void)
{
    struct device *master;

    device_zone = zone_create("devices", sizeof(struct device));
    irq_owners = kalloc_zeroed(irq_line_count() * sizeof(struct device *));
    master = device_alloc(0, 0, 0);
    if (irq_owners == NULL || master == NULL)
        panic("device_init: no memory for %u interrupt lines and the master port",
              irq_line_count());
    master->master = true;
    realhost.device_master = master->self;
}
