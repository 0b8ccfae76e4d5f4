/*
 * virtio_blk.c: a virtio block device. Read virtio.h before. [VIRTIO 1.2, 5.2]
 *
 * The device moves data between the disk and memory it knows by physical address, so each request
 * that is under way has a slot: 16 KiB of such memory for the blocks, a header that says what to
 * do, and a byte for the outcome. Requests that find no slot free wait in a queue, in order. An
 * interrupt is a message; it ends requests, answers their clients, and starts those that wait.
 *
 *   slot: [ header | blocks (device reads or writes) | status ]   one chain of three descriptors
 */
#include "disk.h"

#include <errno.h>
#include <mach/device.h>
#include <mach/device_notify.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <ports.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/disk_server.h>
#include <servers/driver.h>
#include <stdlib.h>
#include <string.h>
#include <virtio.h>

/* Feature bits [5.2.3]. */
#define VIRTIO_BLK_F_RO    (1ULL << 5)
#define VIRTIO_BLK_F_FLUSH (1ULL << 9)

/* Request types and outcomes [5.2.6]. */
#define VIRTIO_BLK_T_IN    0
#define VIRTIO_BLK_T_OUT   1
#define VIRTIO_BLK_T_FLUSH 4
#define VIRTIO_BLK_S_OK    0

#define CONFIG_CAPACITY 0 /* in sectors, 64 bits [5.2.4] */
#define SECTOR_SIZE     512
#define SECTORS         (DISK_BLOCK_SIZE / SECTOR_SIZE) /* in a block */

#define SLOTS          16
#define DESCRIPTORS    (SLOTS * 4) /* three a request, to a power of two */
#define SLOT_DATA      (DISK_BLOCKS_MAX * DISK_BLOCK_SIZE)
#define STATUS_PENDING 0xff /* before the device has written it */

struct header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* The part of a slot that is not blocks; an array of them in a page of DMA memory. */
struct control {
    struct header header;
    uint8_t status;
    uint8_t pad[15];
};

struct slot {
    struct slot *next_free;
    struct control *control;
    uint64_t control_physical;
    char *data;
    uint64_t data_physical;
    enum disk_op op;
    mach_port_t reply;
    uint32_t bytes;
};

/* A request that waits for a slot. */
struct waiting {
    struct waiting *next;
    struct disk_request request;
    char data[]; /* of a write */
};

static struct virtio_device device;
static struct virtio_queue queue;
static struct slot slots[SLOTS];
static struct slot *free_slots;
static struct waiting *first_waiting;
static struct waiting **last_waiting = &first_waiting;
static struct port_object intr;
static const struct port_class intr_class = {.name = "disk interrupt"};

/* Gives the device a request. The slot is taken from the free list. */
static void start_in_slot(const struct disk_request *request, const char *data)
{
    static const uint32_t type[] = {
        [DISK_READ] = VIRTIO_BLK_T_IN,
        [DISK_WRITE] = VIRTIO_BLK_T_OUT,
        [DISK_FLUSH] = VIRTIO_BLK_T_FLUSH,
    };
    struct slot *s = free_slots;
    struct virtio_segment segment[3];
    unsigned n = 0;

    free_slots = s->next_free;
    s->op = request->op;
    s->reply = request->reply;
    s->bytes = request->count * DISK_BLOCK_SIZE;
    s->control->header.type = type[request->op];
    s->control->header.reserved = 0;
    s->control->header.sector = request->op == DISK_FLUSH ? 0 : request->block * SECTORS;
    s->control->status = STATUS_PENDING;
    if (request->op == DISK_WRITE)
        memcpy(s->data, data, s->bytes);

    segment[n++] = (struct virtio_segment){s->control_physical, sizeof(struct header), false};
    if (request->op != DISK_FLUSH)
        segment[n++] = (struct virtio_segment){s->data_physical, s->bytes,
                                               request->op == DISK_READ};
    segment[n++] = (struct virtio_segment){
        s->control_physical + offsetof(struct control, status), 1, true};
    /* There are more descriptors than all slots need, so this cannot fail. */
    (void)virtio_queue_add(&queue, segment, n, s);
}

/* Puts a request behind those that wait. */
static kern_return_t wait_for_slot(const struct disk_request *request)
{
    size_t bytes = request->op == DISK_WRITE ? (size_t)request->count * DISK_BLOCK_SIZE : 0;
    struct waiting *w = malloc(sizeof *w + bytes);

    if (w == NULL)
        return unix_err(ENOMEM);
    w->next = NULL;
    w->request = *request;
    if (bytes != 0)
        memcpy(w->data, request->data, bytes);
    *last_waiting = w;
    last_waiting = &w->next;
    return MIG_NO_REPLY;
}

static kern_return_t start(const struct disk_request *request, char *data)
{
    (void)data; /* a read's blocks go out with its reply, later */
    if (request->op == DISK_FLUSH && !(device.features & VIRTIO_BLK_F_FLUSH))
        return KERN_SUCCESS; /* the device has no cache that is not safe */
    if (free_slots == NULL || first_waiting != NULL)
        return wait_for_slot(request);
    start_in_slot(request, request->data);
    virtio_queue_notify(&queue);
    return MIG_NO_REPLY;
}

/* Answers the client of a slot the device is done with. */
static void finish(struct slot *s, uint32_t written)
{
    kern_return_t result = KERN_SUCCESS;

    if (s->control->status != VIRTIO_BLK_S_OK || (s->op == DISK_READ && written < s->bytes))
        result = unix_err(EIO);
    switch (s->op) { /* a client that died meanwhile is no failure of ours */
    case DISK_READ:
        (void)S_disk_read_reply(s->reply, result, s->data, s->bytes);
        break;
    case DISK_WRITE:
        (void)S_disk_write_reply(s->reply, result);
        break;
    case DISK_FLUSH:
        (void)S_disk_flush_reply(s->reply, result);
        break;
    }
    s->next_free = free_slots;
    free_slots = s;
}

static void start_waiting(void)
{
    bool any = false;

    while (first_waiting != NULL && free_slots != NULL) {
        struct waiting *w = first_waiting;

        first_waiting = w->next;
        if (first_waiting == NULL)
            last_waiting = &first_waiting;
        start_in_slot(&w->request, w->data);
        free(w);
        any = true;
    }
    if (any)
        virtio_queue_notify(&queue);
}

boolean_t virtio_blk_intr_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    struct slot *s;
    uint32_t written;

    if (in->msgh_id != DEVICE_INTR_NOTIFY_ID || intr.port == MACH_PORT_NULL ||
        in->msgh_local_port != intr.port)
        return FALSE;
    virtio_interrupt_ack(&device);
    while ((s = virtio_queue_next_done(&queue, &written)) != NULL)
        finish(s, written);
    start_waiting();
    (void)device_intr_ack(device.device); /* one that came meanwhile is pending, and comes now */
    mig_no_reply(in, out);
    return TRUE;
}

static kern_return_t make_slots(void)
{
    vm_address_t control;
    vm_address_t data;
    uint64_t control_physical;
    uint64_t data_physical;
    kern_return_t kr;

    kr = device_dma_allocate(device.device, mach_task_self(),
                             round_page(SLOTS * sizeof(struct control)), &control,
                             &control_physical);
    if (kr == KERN_SUCCESS)
        kr = device_dma_allocate(device.device, mach_task_self(), SLOTS * SLOT_DATA, &data,
                                 &data_physical);
    if (kr != KERN_SUCCESS)
        return kr;
    for (uint32_t i = 0; i < SLOTS; i++) {
        slots[i].control = (struct control *)control + i;
        slots[i].control_physical = control_physical + i * sizeof(struct control);
        slots[i].data = (char *)data + i * SLOT_DATA;
        slots[i].data_physical = data_physical + i * SLOT_DATA;
        slots[i].next_free = free_slots;
        free_slots = &slots[i];
    }
    return KERN_SUCCESS;
}

/* The driver's steps after it has its device. */
static kern_return_t set_up(device_t port)
{
    mach_port_t to_intr;
    kern_return_t kr = virtio_open(&device, port, VIRTIO_ID_BLOCK,
                                   VIRTIO_BLK_F_RO | VIRTIO_BLK_F_FLUSH);

    if (kr == KERN_SUCCESS)
        kr = virtio_queue_init(&queue, &device, 0, DESCRIPTORS);
    if (kr == KERN_SUCCESS && queue.size < SLOTS * 3)
        kr = KERN_NOT_SUPPORTED;
    if (kr == KERN_SUCCESS)
        kr = make_slots();
    if (kr == KERN_SUCCESS)
        kr = ports_create(&intr, &intr_class);
    if (kr != KERN_SUCCESS)
        return kr;
    to_intr = ports_make_send(&intr);
    if (to_intr == MACH_PORT_NULL)
        return KERN_RESOURCE_SHORTAGE;
    return device_intr_register(device.device, to_intr);
}

const struct disk *virtio_blk_open(const char **why)
{
    static struct disk disk = {.start = start};
    mach_port_t server;
    device_t port;

    if (bootstrap_look_up(bootstrap_port, SERVICE_DEVICE, &server) != KERN_SUCCESS ||
        driver_claim(server, "virtio,mmio", VIRTIO_ID_BLOCK, 0, &port) != KERN_SUCCESS)
        return NULL;
    if (set_up(port) != KERN_SUCCESS) {
        *why = "the virtio disk cannot be used (is virtio-mmio modern: force-legacy=false?)";
        return NULL;
    }
    disk.blocks = virtio_config64(&device, CONFIG_CAPACITY) / SECTORS;
    disk.read_only = device.features & VIRTIO_BLK_F_RO;
    virtio_start(&device);
    return &disk;
}
