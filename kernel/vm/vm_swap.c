/*
 * Anonymous memory on its way out of memory and back: which of its pages lie in the swap space, and
 * where. Read vm_pageout.c before, and vm_fault.c.
 *
 * The swap space is one memory object, that of the default pager, and its pages are the SLOTS. What
 * the kernel keeps here is a bit for each slot, and for each page of an anonymous object that has
 * one, its number. So the default pager is a pager like any other: it is asked for the page at an
 * offset, and is given it back. It knows of no objects, and cannot mix them up.
 *
 *      object, offset --- chunk ---> slot n ======> offset n * PAGE_SIZE of the swap object
 *
 * A slot belongs to one page of one object. A page that has come back keeps its slot while it is
 * clean, so that it need not be written again; slot and page go together. When pages move from one
 * object to another (a collapse) the slot goes along, or is given up.
 *
 * In Mach each anonymous object gets a memory object of its own (memory_object_create), and the
 * default pager keeps the table of slots. docs/design-notes.md says why it is the kernel's here.
 *
 * The boot argument swap=PAGES makes the swap space smaller than the default pager's.
 *
 * Locks: a chunk in its object's list is guarded by the object's lock, hash and bitmap by swap_lock.
 */
#include "vm_internal.h"

#include <ipc/ipc_port.h>
#include <mach/host_priv_server.h>

#define CHUNK_PAGES 16
#define CHUNK_SIZE  (CHUNK_PAGES * PAGE_SIZE)
#define CHAIN       4 /* chunks in a bucket when all slots are in use */

/* The slots of CHUNK_PAGES neighbouring pages of an object. */
struct swap_chunk {
    struct swap_chunk *hash_next;
    vm_object_t object;
    vm_offset_t base;           /* of the first page, a multiple of CHUNK_SIZE */
    struct queue link;          /* in object->chunks */
    uint32_t slot[CHUNK_PAGES]; /* 0: none */
    uint32_t used;
};

static spinlock_t swap_lock = SPINLOCK_INITIALIZER(LOCK_VM_HASH);
static zone_t chunk_zone;
static struct swap_chunk **buckets;
static uint64_t bucket_mask;
static uint64_t *slots;        /* a bit for each: 1 is in use */
static uint32_t slot_count;    /* slot 0 is never given out: it means none */
static uint32_t slot_hint;

vm_object_t vm_swap_object;

static uint64_t bucket_of(vm_object_t object, vm_offset_t base)
{
    /* As in vm_page.c: 2^64 / golden ratio spreads the addresses of objects. */
    return ((((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15UL >> 32) + base / CHUNK_SIZE)
           & bucket_mask;
}

/* The object is locked, which alone adds and removes chunks of it. */
static struct swap_chunk *find(vm_object_t object, vm_offset_t offset)
{
    vm_offset_t base = offset & ~(CHUNK_SIZE - 1);
    struct swap_chunk *chunk;

    if (object->swapped == 0)
        return NULL;
    spin_lock(&swap_lock);
    for (chunk = buckets[bucket_of(object, base)]; chunk != NULL; chunk = chunk->hash_next)
        if (chunk->object == object && chunk->base == base)
            break;
    spin_unlock(&swap_lock);
    return chunk;
}

static uint32_t *slot_of(struct swap_chunk *chunk, vm_offset_t offset)
{
    return &chunk->slot[offset % CHUNK_SIZE / PAGE_SIZE];
}

uint32_t vm_swap_slot(vm_object_t object, vm_offset_t offset)
{
    struct swap_chunk *chunk = find(object, offset);

    return chunk != NULL ? *slot_of(chunk, offset) : 0;
}

/* ---- slots ---- */

static bool slot_in_use(uint32_t slot)
{
    return slots[slot / 64] >> slot % 64 & 1;
}

/* What the swap object still shows of a slot that gets a new owner would be wrong. False: the slot
 * is being read, for an owner that is gone, and cannot be used yet. The swap object is locked. */
static bool clear_slot(uint32_t slot)
{
    vm_page_t page = vm_page_lookup(vm_swap_object, (vm_offset_t)slot * PAGE_SIZE);

    if (page != NULL && page->busy)
        return false;
    if (page != NULL)
        vm_page_free(page);
    return true;
}

uint32_t vm_swap_alloc(uint32_t want, uint32_t *count)
{
    uint32_t first = 0, n = 0;

    if (vm_counts.swap_used >= vm_counts.swap_total)
        return 0;
    /* Next fit: the longest run that begins at the first free slot behind the hint. */
    for (uint32_t seen = 0, at = slot_hint; seen < slot_count && n < want; seen++, at++) {
        bool taken = true;

        if (at >= slot_count) {
            if (n > 0)
                break;
            at = 0;
        }
        if (at % 64 == 0 && slots[at / 64] == ~0UL && n == 0) {
            seen += 63;
            at += 63;
            continue;
        }
        spin_lock(&swap_lock);
        taken = slot_in_use(at);
        if (!taken) {
            slots[at / 64] |= 1UL << at % 64;
            vm_counts.swap_used++;
        }
        spin_unlock(&swap_lock);
        if (!taken && !clear_slot(at)) {
            vm_swap_release(at);
            taken = true;
        }
        if (taken && n > 0)
            break;
        if (!taken && n++ == 0)
            first = at;
    }
    slot_hint = first + n;
    *count = n;
    return n != 0 ? first : 0;
}

void vm_swap_release(uint32_t slot)
{
    spin_lock(&swap_lock);
    assert(slot_in_use(slot));
    slots[slot / 64] &= ~(1UL << slot % 64);
    vm_counts.swap_used--;
    spin_unlock(&swap_lock);
}

/* ---- pages and their slots ---- */

/* Unlinks an empty chunk. */
static void chunk_free(struct swap_chunk *chunk)
{
    struct swap_chunk **link;

    spin_lock(&swap_lock);
    for (link = &buckets[bucket_of(chunk->object, chunk->base)]; *link != chunk;
         link = &(*link)->hash_next)
        ;
    *link = chunk->hash_next;
    spin_unlock(&swap_lock);
    queue_remove(&chunk->link);
    zfree(chunk_zone, chunk);
}

static uint32_t take_slot(struct swap_chunk *chunk, vm_offset_t offset)
{
    uint32_t slot = *slot_of(chunk, offset);

    if (slot == 0)
        return 0;
    *slot_of(chunk, offset) = 0;
    chunk->object->swapped--;
    if (--chunk->used == 0)
        chunk_free(chunk);
    return slot;
}

bool vm_swap_set(vm_object_t object, vm_offset_t offset, uint32_t slot)
{
    struct swap_chunk *chunk = find(object, offset);
    uint32_t old;

    if (chunk == NULL) {
        struct swap_chunk **bucket;

        chunk = zalloc_zeroed(chunk_zone);
        if (chunk == NULL)
            return false;
        chunk->object = object;
        chunk->base = offset & ~(CHUNK_SIZE - 1);
        bucket = &buckets[bucket_of(object, chunk->base)];
        spin_lock(&swap_lock);
        chunk->hash_next = *bucket;
        *bucket = chunk;
        spin_unlock(&swap_lock);
        enqueue_tail(&object->chunks, &chunk->link);
    }
    old = *slot_of(chunk, offset);
    *slot_of(chunk, offset) = slot;
    if (old != 0) {
        vm_swap_release(old);
    } else {
        chunk->used++;
        object->swapped++;
    }
    return true;
}

void vm_swap_forget(vm_object_t object, vm_offset_t offset)
{
    struct swap_chunk *chunk = find(object, offset);
    uint32_t slot = chunk != NULL ? take_slot(chunk, offset) : 0;

    if (slot != 0)
        vm_swap_release(slot);
}

/* Calls visit for each page of [start, end) that has a slot, until one returns false: false. Visit may
 * take the slot, and no other. */
static bool for_each(vm_object_t object, vm_offset_t start, vm_offset_t end, vm_object_t other,
                     bool (*visit)(struct swap_chunk *, vm_offset_t, vm_object_t))
{
    struct swap_chunk *chunk, *next;

    queue_for_each_safe(chunk, next, &object->chunks, struct swap_chunk, link) {
        uint32_t left = chunk->used; /* the chunk goes with the last */

        for (vm_offset_t at = chunk->base; left > 0; at += PAGE_SIZE) {
            if (*slot_of(chunk, at) == 0)
                continue;
            left--;
            if (at >= start && at < end && !visit(chunk, at, other))
                return false;
        }
    }
    return true;
}

static bool visit_forget(struct swap_chunk *chunk, vm_offset_t offset, vm_object_t unused)
{
    vm_swap_release(take_slot(chunk, offset));
    return true;
}

void vm_swap_forget_range(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
    if (object->swapped != 0)
        for_each(object, start, end, NULL, visit_forget);
}

vm_offset_t vm_swap_next(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
    struct swap_chunk *chunk;

    if (object->swapped == 0)
        return end;
    queue_for_each(chunk, &object->chunks, struct swap_chunk, link)
        for (vm_offset_t at = MAX(start, chunk->base); at < MIN(end, chunk->base + CHUNK_SIZE);
             at += PAGE_SIZE)
            if (*slot_of(chunk, at) != 0)
                end = at;
    return end;
}

/* Can `above` see the page of its shadow at *offset? Then *offset is its own of it. */
static bool visible(vm_object_t above, vm_offset_t *offset)
{
    bool below = *offset < above->shadow_offset;

    *offset -= above->shadow_offset;
    return !below && *offset < above->size;
}

static bool visit_covered(struct swap_chunk *chunk, vm_offset_t offset, vm_object_t above)
{
    return !visible(above, &offset) || vm_object_has(above, offset);
}

bool vm_swap_covers(vm_object_t above, vm_object_t object)
{
    return object->swapped == 0 || for_each(object, 0, ~PAGE_MASK, above, visit_covered);
}

static bool visit_move(struct swap_chunk *chunk, vm_offset_t offset, vm_object_t above)
{
    vm_offset_t to = offset;

    /* A page that is in memory goes up by itself, dirty. */
    if (vm_page_lookup(chunk->object, offset) != NULL || !visible(above, &to)
        || vm_object_has(above, to)) {
        vm_swap_release(take_slot(chunk, offset));
        return true;
    }
    if (!vm_swap_set(above, to, *slot_of(chunk, offset)))
        return false;
    take_slot(chunk, offset);
    return true;
}

bool vm_swap_move_up(vm_object_t above, vm_object_t object)
{
    return object->swapped == 0 || for_each(object, 0, ~PAGE_MASK, above, visit_move);
}

/* ---- the default pager ---- */

bool vm_swap_available(void)
{
    return vm_swap_object != NULL && vm_swap_object->ready && !vm_swap_object->pager_dead
           && vm_counts.swap_used < vm_counts.swap_total;
}

kern_return_t vm_set_default_memory_manager(host_priv_t host, mach_port_t pager, vm_size_t size)
{
    static uint32_t begun; /* atomic */
    uint64_t count = size >> PAGE_SHIFT, bucket_count = 64;
    vm_object_t object;
    kern_return_t kr;

    if (boot_number("swap") != 0)
        count = MIN(count, boot_number("swap"));
    if (host == NULL || count < 2 || count > UINT32_MAX)
        return KERN_INVALID_ARGUMENT;
    if (__atomic_exchange_n(&begun, 1, __ATOMIC_ACQ_REL) != 0)
        return KERN_NAME_EXISTS;
    while (bucket_count < count / CHUNK_PAGES / CHAIN)
        bucket_count *= 2;
    buckets = kalloc_zeroed(bucket_count * sizeof(*buckets));
    slots = kalloc_zeroed((count + 63) / 64 * sizeof(*slots));
    kr = buckets != NULL && slots != NULL ? memory_object_open(pager, count * PAGE_SIZE, &object)
                                          : KERN_RESOURCE_SHORTAGE;
    if (kr != KERN_SUCCESS) {
        if (buckets != NULL)
            kfree(buckets, bucket_count * sizeof(*buckets));
        if (slots != NULL)
            kfree(slots, (count + 63) / 64 * sizeof(*slots));
        __atomic_store_n(&begun, 0, __ATOMIC_RELEASE);
        return kr;
    }
    bucket_mask = bucket_count - 1;
    slots[0] = 1;
    slot_count = count;
    vm_counts.swap_total = count - 1;
    ipc_port_release_send(pager);
    __atomic_store_n(&vm_swap_object, object, __ATOMIC_RELEASE);
    return KERN_SUCCESS;
}

void vm_swap_init(void)
{
    chunk_zone = zone_create("vm_swap", sizeof(struct swap_chunk));
}
