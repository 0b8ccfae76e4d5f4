/*
 * The device server: reads the device tree, and gives each driver a port to its own device
 * (driver.defs).
 *
 * It alone holds the device master port. What it hands out reaches one device's registers and
 * interrupt line; the kernel enforces that. A driver that was restarted claims its device again and
 * gets a new port; the device is reset first, and what the old driver held for it is freed.
 */
#include "fdt.h"

#include <errno.h>
#include <mach/device.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <ports.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/driver_server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 4096

/* virtio-mmio registers [Virtual I/O Device 1.2, 4.2.2] */
#define VIRTIO_MAGIC       0x74726976
#define VIRTIO_DEVICE_ID   2  /* word index of offset 8 */
#define VIRTIO_STATUS      28 /* of offset 0x70; writing 0 resets the device */

/* Interrupt specifier of the GIC: type, number, flags [Linux binding arm,gic: 3 cells]. */
#define GIC_SPI       0
#define GIC_SPI_FIRST 32
#define GIC_PPI_FIRST 16

static device_t master;
static const char *tree;
static size_t tree_size;

static const struct port_class service_class = {.name = "device service"};
static struct port_object service;

/*
 * A device that was claimed. We keep a right to its port too: so the memory its driver gave it for DMA
 * outlives the driver, until the next one claims the device and we have reset it.
 */
struct claimed {
    struct claimed *next;
    uint64_t base;
    device_t device;
};

static struct claimed *all_claimed;

struct claim {
    const char *compatible;
    uint32_t virtio_id;
    uint32_t index;      /* matches still to be passed over */
    mach_port_t device;  /* out */
    kern_return_t error;
};

/* A number of `count` cells. */
static uint64_t cells(const struct fdt_property *property, unsigned first, uint32_t count)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < count; i++)
        value = value << 32 | fdt_cell(property, first + i);
    return value;
}

/* The virtio device id behind a device port, 0: none is plugged in. */
static uint32_t virtio_id(device_t device)
{
    vm_address_t address;
    uint32_t id = 0;

    if (device_map(device, mach_task_self(), &address) != KERN_SUCCESS)
        return 0;
    if (*(volatile uint32_t *)address == VIRTIO_MAGIC)
        id = ((volatile uint32_t *)address)[VIRTIO_DEVICE_ID];
    vm_deallocate(mach_task_self(), trunc_page(address), PAGE_SIZE);
    return id;
}

/* The device stops using the memory of a driver that may be dead. */
static void reset_virtio(device_t device)
{
    vm_address_t address;

    if (device_map(device, mach_task_self(), &address) != KERN_SUCCESS)
        return;
    if (*(volatile uint32_t *)address == VIRTIO_MAGIC) {
        ((volatile uint32_t *)address)[VIRTIO_STATUS] = 0;
        while (((volatile uint32_t *)address)[VIRTIO_STATUS] != 0)
            swtch();
    }
    vm_deallocate(mach_task_self(), trunc_page(address), PAGE_SIZE);
}

/* Notes that the device at base was handed out; what its last driver left is given up. */
static kern_return_t note_claim(uint64_t base, device_t device)
{
    struct claimed *c = all_claimed;

    while (c != NULL && c->base != base)
        c = c->next;
    if (c == NULL) {
        c = calloc(1, sizeof(*c));
        if (c == NULL)
            return KERN_RESOURCE_SHORTAGE;
        c->base = base;
        c->next = all_claimed;
        all_claimed = c;
    } else {
        reset_virtio(c->device);
        mach_port_deallocate(mach_task_self(), c->device);
    }
    c->device = device;
    return mach_port_mod_refs(mach_task_self(), device, MACH_PORT_RIGHT_SEND, 1);
}

/* fdt_walk visitor: 1 when the device claimed has been found (or an error came). */
static int match(const struct fdt_node *node, void *arg)
{
    struct claim *claim = arg;
    const struct fdt_property *reg = fdt_property(node, "reg");
    const struct fdt_property *interrupts = fdt_property(node, "interrupts");
    uint64_t base, size;
    int intid = 0;

    if (!fdt_has_string(fdt_property(node, "compatible"), claim->compatible) || reg == NULL)
        return 0;
    base = cells(reg, 0, node->address_cells);
    size = cells(reg, node->address_cells, node->size_cells);
    if (interrupts != NULL)
        intid = (int)fdt_cell(interrupts, 1) +
                (fdt_cell(interrupts, 0) == GIC_SPI ? GIC_SPI_FIRST : GIC_PPI_FIRST);
    claim->error = device_create(master, base, size, intid, &claim->device);
    if (claim->error != KERN_SUCCESS)
        return 1;
    if ((claim->virtio_id == 0 || virtio_id(claim->device) == claim->virtio_id) &&
        claim->index-- == 0) {
        claim->error = note_claim(base, claim->device);
        return 1;
    }
    mach_port_deallocate(mach_task_self(), claim->device);
    return 0;
}

kern_return_t S_driver_claim(mach_port_t server, const char *compatible, uint32_t id,
                             uint32_t index, mach_port_t *device)
{
    struct claim claim = {compatible, id, index, MACH_PORT_NULL, KERN_SUCCESS};

    (void)server;
    if (fdt_walk(tree, tree_size, match, &claim) != 1)
        return unix_err(ENODEV);
    *device = claim.device;
    return claim.error;
}

struct query {
    const char *path;
    const char *property;
    const struct fdt_property *found;
    struct fdt_property copy;
};

static int find_property(const struct fdt_node *node, void *arg)
{
    struct query *query = arg;

    if (strcmp(node->path, query->path) != 0)
        return 0;
    query->found = fdt_property(node, query->property);
    if (query->found != NULL)
        query->copy = *query->found;
    return 1;
}

kern_return_t S_driver_property(mach_port_t server, const char *path, const char *property,
                                char *value, mach_msg_type_number_t *valueCnt)
{
    struct query query = {path, property, NULL, {NULL, NULL, 0}};

    (void)server;
    fdt_walk(tree, tree_size, find_property, &query);
    if (query.found == NULL)
        return unix_err(ENOENT);
    if (query.copy.length > *valueCnt)
        return unix_err(EOVERFLOW);
    memcpy(value, query.copy.value, query.copy.length);
    *valueCnt = query.copy.length;
    return KERN_SUCCESS;
}

int main(void)
{
    static const mig_demux_t demuxers[] = {driver_server, NULL};
    mach_msg_type_number_t length;
    vm_offset_t data;
    mach_port_t receive;
    kern_return_t kr;

    kr = bootstrap_privileged_port(bootstrap_port, "device", &master);
    if (kr == KERN_SUCCESS)
        kr = device_tree(master, &data, &length);
    if (kr == KERN_SUCCESS)
        kr = bootstrap_check_in(bootstrap_port, SERVICE_DEVICE, &receive);
    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&service, &service_class, receive);
    if (kr != KERN_SUCCESS) {
        printf("device: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    tree = (const char *)data;
    tree_size = length;
    ports_serve(demuxers, MESSAGE_MAX);
}
