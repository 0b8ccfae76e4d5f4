/*
 * virtio.h: a virtio device on the memory-mapped transport, and its split virtqueues. [Virtual I/O
 * Device (VIRTIO) 1.2: 2.7 split virtqueues, 3.1 initialization, 4.2 MMIO]
 *
 * A queue is three arrays in memory shared with the device:
 *
 *   descriptors   [ address, length, flags, next ] ...   buffers; chained by next
 *   available     [ idx | head, head, head ... ]         driver -> device: chains to work on
 *   used          [ idx | (head, length) ... ]           device -> driver: chains done
 *
 * The driver owns descriptors until it puts their chain's head into the available ring, and again
 * from when it finds it in the used ring. What the device writes is checked before it is used as
 * an index.
 */
#ifndef _VIRTIO_H_
#define _VIRTIO_H_

#include <mach/mach_types.h>
#include <stdbool.h>

/* Device ids [5]. */
#define VIRTIO_ID_NET   1
#define VIRTIO_ID_BLOCK 2

/* Feature bits that every device may have [6]. */
#define VIRTIO_F_VERSION_1 (1ULL << 32)

struct virtio_device {
    volatile uint32_t *regs;
    device_t device;   /* the kernel's port for the registers and the interrupt line */
    uint64_t features; /* agreed on */
};

struct virtq_desc {
    uint64_t addr; /* physical */
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct virtq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};

struct virtq_used_elem {
    uint32_t id;
    uint32_t len;
};

struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};

struct virtio_queue {
    struct virtio_device *device;
    uint16_t index;
    uint16_t size;      /* descriptors; a power of two */
    uint16_t free_head; /* of the list of free descriptors, linked by next */
    uint16_t free_count;
    uint16_t used_seen; /* how far the used ring has been read */
    struct virtq_desc *desc;
    volatile struct virtq_avail *avail;
    volatile struct virtq_used *used;
    void **cookie; /* by head of chain: what the driver gave virtio_queue_add */
};

/* A piece of a request. */
struct virtio_segment {
    uint64_t physical;
    uint32_t length;
    bool device_writes;
};

/*
 * Takes the device behind `port` (whose right it keeps) from reset to FEATURES_OK: of the features
 * in `wanted` those it offers are agreed on; VERSION_1 is a must. KERN_INVALID_ARGUMENT: no modern
 * virtio device of that id; KERN_NOT_SUPPORTED: it refuses the features.
 */
kern_return_t virtio_open(struct virtio_device *dev, device_t port, uint32_t id, uint64_t wanted);

/* Sets up queue `index` with at most max_size descriptors. KERN_RESOURCE_SHORTAGE, KERN_FAILURE. */
kern_return_t virtio_queue_init(struct virtio_queue *q, struct virtio_device *dev, uint16_t index,
                                uint16_t max_size);

/* All queues are set up: the device may work. */
void virtio_start(struct virtio_device *dev);

/* Words of the device's configuration; 64-bit ones are read whole. offset in bytes. */
uint32_t virtio_config32(struct virtio_device *dev, uint32_t offset);
uint64_t virtio_config64(struct virtio_device *dev, uint32_t offset);

/* Hands the device a chain of n segments. cookie (not NULL) comes back when it is done. False: too
 * few descriptors are free. The device looks at it after virtio_queue_notify at the latest. */
bool virtio_queue_add(struct virtio_queue *q, const struct virtio_segment *segment, unsigned n,
                      void *cookie);
void virtio_queue_notify(struct virtio_queue *q);

/* The cookie of a chain that is done, and the bytes the device wrote; NULL: none. */
void *virtio_queue_next_done(struct virtio_queue *q, uint32_t *written);

/* Acknowledges to the device the interrupts it raised. To be called before looking at the
 * queues. */
void virtio_interrupt_ack(struct virtio_device *dev);

/* Stops the device: it touches no memory of ours any more. */
void virtio_reset(struct virtio_device *dev);

#endif
