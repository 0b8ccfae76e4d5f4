/*
 * virtio.c: the parts all virtio drivers share. Read virtio.h, and the sections of VIRTIO 1.2 it
 * names.
 */
#include <mach/device.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <virtio.h>

/* Registers, as indices of 32-bit words [4.2.2]. */
enum {
    MAGIC = 0x000 / 4,
    VERSION = 0x004 / 4,
    DEVICE_ID = 0x008 / 4,
    DEVICE_FEATURES = 0x010 / 4,
    DEVICE_FEATURES_SEL = 0x014 / 4,
    DRIVER_FEATURES = 0x020 / 4,
    DRIVER_FEATURES_SEL = 0x024 / 4,
    QUEUE_SEL = 0x030 / 4,
    QUEUE_SIZE_MAX = 0x034 / 4,
    QUEUE_SIZE = 0x038 / 4,
    QUEUE_READY = 0x044 / 4,
    QUEUE_NOTIFY = 0x050 / 4,
    INTERRUPT_STATUS = 0x060 / 4,
    INTERRUPT_ACK = 0x064 / 4,
    STATUS = 0x070 / 4,
    QUEUE_DESC = 0x080 / 4,   /* each of these three: low word, high word */
    QUEUE_DRIVER = 0x090 / 4, /* the available ring */
    QUEUE_DEVICE = 0x0a0 / 4, /* the used ring */
    CONFIG_GENERATION = 0x0fc / 4,
    CONFIG = 0x100 / 4,
};

#define MAGIC_VALUE    0x74726976 /* "virt" */
#define VERSION_MODERN 2

/* Device status bits [2.1]. */
#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER      2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8

/* Descriptor flags [2.7.5]. */
#define DESC_NEXT  1
#define DESC_WRITE 2

/* Alignment of a queue's parts [2.7]. */
#define DESC_ALIGN  16
#define USED_ALIGN  4

/* What was written to memory before is seen by the device, which other observers' order includes,
 * before what comes after; and likewise for reads. */
static void barrier(void)
{
    __asm__ volatile("dmb sy" ::: "memory");
}

static uint64_t offered_features(struct virtio_device *dev)
{
    uint64_t low;

    dev->regs[DEVICE_FEATURES_SEL] = 0;
    low = dev->regs[DEVICE_FEATURES];
    dev->regs[DEVICE_FEATURES_SEL] = 1;
    return low | (uint64_t)dev->regs[DEVICE_FEATURES] << 32;
}

void virtio_reset(struct virtio_device *dev)
{
    dev->regs[STATUS] = 0;
    while (dev->regs[STATUS] != 0) /* the device says so when it is done [4.2.2.2] */
        swtch();
}

kern_return_t virtio_open(struct virtio_device *dev, device_t port, uint32_t id, uint64_t wanted)
{
    vm_address_t base;
    kern_return_t kr = device_map(port, mach_task_self(), &base);

    if (kr != KERN_SUCCESS)
        return kr;
    dev->regs = (volatile uint32_t *)base;
    dev->device = port;
    if (dev->regs[MAGIC] != MAGIC_VALUE || dev->regs[VERSION] != VERSION_MODERN ||
        dev->regs[DEVICE_ID] != id)
        return KERN_INVALID_ARGUMENT;
    virtio_reset(dev);
    dev->regs[STATUS] = STATUS_ACKNOWLEDGE;
    dev->regs[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
    dev->features = offered_features(dev) & (wanted | VIRTIO_F_VERSION_1);
    dev->regs[DRIVER_FEATURES_SEL] = 0;
    dev->regs[DRIVER_FEATURES] = (uint32_t)dev->features;
    dev->regs[DRIVER_FEATURES_SEL] = 1;
    dev->regs[DRIVER_FEATURES] = (uint32_t)(dev->features >> 32);
    dev->regs[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
    if (!(dev->features & VIRTIO_F_VERSION_1) || !(dev->regs[STATUS] & STATUS_FEATURES_OK))
        return KERN_NOT_SUPPORTED;
    return KERN_SUCCESS;
}

void virtio_start(struct virtio_device *dev)
{
    barrier();
    dev->regs[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK;
}

uint32_t virtio_config32(struct virtio_device *dev, uint32_t offset)
{
    return dev->regs[CONFIG + offset / 4];
}

uint64_t virtio_config64(struct virtio_device *dev, uint32_t offset)
{
    uint32_t generation;
    uint64_t value;

    do { /* until it did not change between the halves [4.2.2.1] */
        generation = dev->regs[CONFIG_GENERATION];
        value = virtio_config32(dev, offset);
        value |= (uint64_t)virtio_config32(dev, offset + 4) << 32;
    } while (generation != dev->regs[CONFIG_GENERATION]);
    return value;
}

static void set_address(struct virtio_device *dev, uint32_t reg, uint64_t physical)
{
    dev->regs[reg] = (uint32_t)physical;
    dev->regs[reg + 1] = (uint32_t)(physical >> 32);
}

kern_return_t virtio_queue_init(struct virtio_queue *q, struct virtio_device *dev, uint16_t index,
                                uint16_t max_size)
{
    vm_size_t avail_at;
    vm_size_t used_at;
    vm_size_t bytes;
    vm_address_t memory;
    uint64_t physical;
    uint32_t size = 1;
    uint32_t limit;
    kern_return_t kr;

    dev->regs[QUEUE_SEL] = index;
    limit = dev->regs[QUEUE_SIZE_MAX];
    if (limit == 0 || dev->regs[QUEUE_READY] != 0)
        return KERN_FAILURE;
    while (size * 2 <= limit && size * 2 <= max_size)
        size *= 2;

    avail_at = size * sizeof(struct virtq_desc);
    used_at = avail_at + sizeof(struct virtq_avail) + (size + 1) * sizeof(uint16_t);
    used_at = (used_at + USED_ALIGN - 1) & ~(vm_size_t)(USED_ALIGN - 1);
    bytes = used_at + sizeof(struct virtq_used) + size * sizeof(struct virtq_used_elem) +
            sizeof(uint16_t);
    q->cookie = calloc(size, sizeof q->cookie[0]);
    if (q->cookie == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kr = device_dma_allocate(dev->device, mach_task_self(), round_page(bytes), &memory, &physical);
    if (kr != KERN_SUCCESS) {
        free(q->cookie);
        return kr;
    }
    q->device = dev;
    q->index = index;
    q->size = (uint16_t)size;
    q->desc = (struct virtq_desc *)memory;
    q->avail = (volatile struct virtq_avail *)(memory + avail_at);
    q->used = (volatile struct virtq_used *)(memory + used_at);
    q->used_seen = 0;
    q->free_head = 0;
    q->free_count = (uint16_t)size;
    for (uint32_t i = 0; i < size; i++)
        q->desc[i].next = (uint16_t)(i + 1);

    dev->regs[QUEUE_SIZE] = size;
    set_address(dev, QUEUE_DESC, physical);
    set_address(dev, QUEUE_DRIVER, physical + avail_at);
    set_address(dev, QUEUE_DEVICE, physical + used_at);
    barrier();
    dev->regs[QUEUE_READY] = 1;
    return KERN_SUCCESS;
}

bool virtio_queue_add(struct virtio_queue *q, const struct virtio_segment *segment, unsigned n,
                      void *cookie)
{
    uint16_t head = q->free_head;
    uint16_t at = head;
    uint16_t last = head;

    if (n == 0 || n > q->free_count)
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct virtq_desc *d = &q->desc[at];

        d->addr = segment[i].physical;
        d->len = segment[i].length;
        d->flags = (uint16_t)((segment[i].device_writes ? DESC_WRITE : 0) |
                              (i + 1 < n ? DESC_NEXT : 0));
        last = at;
        at = d->next; /* the free list is the chain */
    }
    q->free_head = q->desc[last].next;
    q->free_count = (uint16_t)(q->free_count - n);
    q->cookie[head] = cookie;
    q->avail->ring[q->avail->idx % q->size] = head;
    barrier(); /* the entry before the index that shows it */
    q->avail->idx++;
    return true;
}

void virtio_queue_notify(struct virtio_queue *q)
{
    barrier();
    q->device->regs[QUEUE_NOTIFY] = q->index;
}

void *virtio_queue_next_done(struct virtio_queue *q, uint32_t *written)
{
    while (q->used_seen != q->used->idx) {
        uint32_t head;
        uint16_t last;
        uint16_t n = 1;
        void *cookie;

        barrier(); /* the index before the entry it shows */
        head = q->used->ring[q->used_seen % q->size].id;
        *written = q->used->ring[q->used_seen % q->size].len;
        q->used_seen++;
        if (head >= q->size || q->cookie[head] == NULL)
            continue; /* a device that makes things up */
        cookie = q->cookie[head];
        q->cookie[head] = NULL;
        for (last = (uint16_t)head; q->desc[last].flags & DESC_NEXT; last = q->desc[last].next)
            n++;
        q->desc[last].next = q->free_head;
        q->free_head = (uint16_t)head;
        q->free_count = (uint16_t)(q->free_count + n);
        return cookie;
    }
    return NULL;
}

void virtio_interrupt_ack(struct virtio_device *dev)
{
    dev->regs[INTERRUPT_ACK] = dev->regs[INTERRUPT_STATUS];
    barrier();
}
