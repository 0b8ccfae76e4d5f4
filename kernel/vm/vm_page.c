/*
 * Page frames: the free list, contiguous runs, the queues of page replacement, and the hash table
 * that finds the page of (object, offset). Read vm/vm_page.h first.
 *
 * Life of a frame: free -> grabbed (NOQUEUE: the kernel's, or being filled) -> inserted in an
 * object and activated -> inactive -> active again, or freed. Wiring takes it off the queues.
 *
 * page->object is written with the object's lock held and, if the page is on a queue, with
 * LOCK_VM_PAGE too: so the page-out thread, which comes from the queue and has only that lock, can
 * trust it for long enough to try the object's lock.
 */
#include "vm_internal.h"

#include <machine/cpu.h>

struct vm_page_counts vm_counts;

static struct vm_page *pages;     /* of all RAM, by frame number */
static phys_addr_t first_phys;
static uint32_t page_total;
static uint32_t contiguous_hint;  /* where the last search for a run ended */

static spinlock_t queue_lock = SPINLOCK_INITIALIZER(LOCK_VM_PAGE);
static struct queue queues[4];    /* by VM_PAGE_*; NOQUEUE stays empty */
static uint32_t *const queue_counts[4] = {&vm_counts.free, &vm_counts.wired, &vm_counts.active,
                                          &vm_counts.inactive};

#define HASH_LOCKS 64
static struct vm_page **buckets;
static uint64_t bucket_mask;
static spinlock_t bucket_locks[HASH_LOCKS];

/* To another queue's tail (free: head, so that warm frames go first). queue_lock held. */
static inline __attribute__((always_inline)) void page_set_queue(vm_page_t page, uint8_t queue)
{
    if (page->queue != VM_PAGE_NOQUEUE)
        queue_remove(&page->pageq);
    (*queue_counts[page->queue])--;
    (*queue_counts[queue])++;
    page->queue = queue;
    if (queue == VM_PAGE_FREE)
        enqueue_head(&queues[queue], &page->pageq);
    else if (queue != VM_PAGE_NOQUEUE)
        enqueue_tail(&queues[queue], &page->pageq);
}

static vm_page_t page_grab(uint32_t keep)
{
    vm_page_t page = NULL;

    spin_lock(&queue_lock);
    if (vm_counts.free > keep || (vm_counts.free > 0 && vm_page_privileged())) {
        page = queue_first(&queues[VM_PAGE_FREE], struct vm_page, pageq);
        page_set_queue(page, VM_PAGE_NOQUEUE);
    }
    spin_unlock(&queue_lock);
    return page;
}

vm_page_t vm_page_grab(void)
{
    return page_grab(vm_counts.free_reserved);
}

vm_page_t vm_page_grab_user(void)
{
    return page_grab(2 * vm_counts.free_reserved);
}

void vm_page_release(vm_page_t page)
{
    assert(page->queue != VM_PAGE_FREE && page->wire_count == 0 && page->pv_list == NULL);
    page->busy = page->wanted = page->absent = page->error = false;
    page->dirty = page->precious = page->reference = false;
    page->page_lock = page->unlock_request = 0;
    page->pmap_flags = 0;
    spin_lock(&queue_lock);
    page->object = NULL;
    page_set_queue(page, VM_PAGE_FREE);
    spin_unlock(&queue_lock);
    if (__atomic_load_n(&vm_memory_waiters, __ATOMIC_RELAXED) != 0)
        vm_memory_freed();
}

/* Frames [first, first + count) are free; else *stop is the last that is not. queue_lock held. */
static bool run_is_free(uint32_t first, uint32_t count, uint32_t *stop)
{
    for (uint32_t i = first + count; i-- > first;) {
        if (pages[i].queue != VM_PAGE_FREE) {
            *stop = i;
            return false;
        }
    }
    return true;
}

vm_page_t vm_page_grab_contiguous(uint32_t count, vm_size_t align)
{
    uint32_t step = align > PAGE_SIZE ? align / PAGE_SIZE : 1;
    /* Frame numbers count from first_phys, alignment from 0. */
    uint32_t skew = (first_phys / PAGE_SIZE) & (step - 1);
    vm_page_t found = NULL;

    if (count == 0 || count > page_total)
        return NULL;
    if (count == 1 && step == 1)
        return vm_page_grab();
    spin_lock(&queue_lock);
    /* Next fit: from the hint to the end, then all of it. */
    for (int round = 0; round < 2 && found == NULL; round++) {
        uint32_t i = round == 0 ? contiguous_hint : 0;
        uint32_t stop;

        if (vm_counts.free < count + (vm_page_privileged() ? 0 : vm_counts.free_reserved))
            break;
        for (i = ((i + skew + step - 1) & ~(step - 1)) - skew; i + count <= page_total;) {
            if (run_is_free(i, count, &stop)) {
                found = &pages[i];
                contiguous_hint = i + count;
                break;
            }
            i = ((stop + 1 + skew + step - 1) & ~(step - 1)) - skew;
        }
    }
    for (uint32_t i = 0; found != NULL && i < count; i++)
        page_set_queue(&found[i], VM_PAGE_NOQUEUE);
    spin_unlock(&queue_lock);
    return found;
}

vm_page_t vm_page_of_phys(phys_addr_t phys)
{
    uint64_t index = (phys - first_phys) >> PAGE_SHIFT;

    return phys < first_phys || index >= page_total ? NULL : &pages[index];
}

/* ---- the hash table ---- */

static inline uint64_t bucket_of(const struct vm_object *object, vm_offset_t offset)
{
    /* Objects lie 16-aligned in zones; the multiplier (2^64 / golden ratio) spreads them. */
    return ((((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15UL >> 32) + (offset >> PAGE_SHIFT))
           & bucket_mask;
}

vm_page_t vm_page_lookup(struct vm_object *object, vm_offset_t offset)
{
    uint64_t bucket;
    vm_page_t page;

    if (object->resident_count == 0)
        return NULL;
    bucket = bucket_of(object, offset);
    spin_lock(&bucket_locks[bucket % HASH_LOCKS]);
    for (page = buckets[bucket]; page != NULL; page = page->hash_next)
        if (page->object == object && page->offset == offset)
            break;
    spin_unlock(&bucket_locks[bucket % HASH_LOCKS]);
    return page;
}

static uint32_t *population(struct vm_object *object)
{
    return object->internal ? &vm_counts.anonymous : &vm_counts.external;
}

/* page->object for a page that may be on a queue: see the head of this file. */
static void page_set_object(vm_page_t page, struct vm_object *object)
{
    if (page->queue == VM_PAGE_NOQUEUE) {
        page->object = object;
        return;
    }
    spin_lock(&queue_lock);
    page->object = object;
    spin_unlock(&queue_lock);
}

void vm_page_insert(vm_page_t page, struct vm_object *object, vm_offset_t offset)
{
    uint64_t bucket = bucket_of(object, offset);

    assert(page->object == NULL && page_aligned(offset));
    page->offset = offset;
    page_set_object(page, object);
    enqueue_tail(&object->pages, &page->memq);
    object->resident_count++;
    spin_lock(&bucket_locks[bucket % HASH_LOCKS]);
    page->hash_next = buckets[bucket];
    buckets[bucket] = page;
    spin_unlock(&bucket_locks[bucket % HASH_LOCKS]);
    __atomic_fetch_add(population(object), 1, __ATOMIC_RELAXED);
}

/* All of vm_page_remove but page->object, which the caller clears. */
static void page_unhash(vm_page_t page)
{
    struct vm_object *object = page->object;
    uint64_t bucket = bucket_of(object, page->offset);
    vm_page_t *link;

    spin_lock(&bucket_locks[bucket % HASH_LOCKS]);
    for (link = &buckets[bucket]; *link != page; link = &(*link)->hash_next)
        ;
    *link = page->hash_next;
    spin_unlock(&bucket_locks[bucket % HASH_LOCKS]);
    queue_remove(&page->memq);
    object->resident_count--;
    __atomic_fetch_sub(population(object), 1, __ATOMIC_RELAXED);
}

void vm_page_remove(vm_page_t page)
{
    page_unhash(page);
    page_set_object(page, NULL);
}

void vm_page_free(vm_page_t page)
{
    page_unhash(page);
    if (page->wanted)
        event_wakeup(page); /* they look again, and find it gone */
    page->wire_count = 0;
    vm_page_release(page);
}

/* ---- queues ---- */

void vm_page_activate(vm_page_t page)
{
    if (page->wire_count != 0)
        return;
    spin_lock(&queue_lock);
    page_set_queue(page, VM_PAGE_ACTIVE);
    spin_unlock(&queue_lock);
}

void vm_page_deactivate(vm_page_t page)
{
    if (page->wire_count != 0)
        return;
    spin_lock(&queue_lock);
    page_set_queue(page, VM_PAGE_INACTIVE);
    spin_unlock(&queue_lock);
}

void vm_page_wire(vm_page_t page)
{
    if (page->wire_count++ != 0)
        return;
    if (page->object != NULL)
        page->object->wired = true;
    spin_lock(&queue_lock);
    page_set_queue(page, VM_PAGE_NOQUEUE);
    spin_unlock(&queue_lock);
}

void vm_page_unwire(vm_page_t page)
{
    assert(page->wire_count > 0);
    if (--page->wire_count == 0)
        vm_page_activate(page);
}

void vm_page_wakeup_done(vm_page_t page)
{
    page->busy = false;
    if (page->wanted) {
        page->wanted = false;
        event_wakeup(page);
    }
}

void vm_page_written(vm_page_t page)
{
    page->dirty = true;
    if (!(page->pmap_flags & PMAP_PAGE_ICACHE))
        return;
    /* Whoever executes it faults again, and pmap_enter syncs again. */
    pmap_page_protect(page, VM_PROT_NONE);
    spin_lock(&page->pv_lock);
    page->pmap_flags &= ~PMAP_PAGE_ICACHE;
    spin_unlock(&page->pv_lock);
}

vm_page_t vm_page_oldest(uint8_t queue, vm_object_t *locked_object)
{
    vm_page_t page = NULL;

    spin_lock(&queue_lock);
    if (!queue_empty(&queues[queue])) {
        vm_object_t object;

        page = queue_first(&queues[queue], struct vm_page, pageq);
        object = page->object;
        /* To the tail in any case: if its object is being used by another CPU, it had its turn. */
        page_set_queue(page, queue);
        *locked_object = object != NULL && spin_try_lock(&object->lock) ? object : NULL;
    }
    spin_unlock(&queue_lock);
    return page;
}

/* ---- boot ---- */

static bool is_reserved(phys_addr_t phys)
{
    const struct boot_info *b = &boot_info;
    phys_addr_t end = phys + PAGE_SIZE;

    return (end > b->kernel_start && phys < MAX(b->kernel_end, b->free_start))
           || (end > b->fdt_start && phys < b->fdt_start + b->fdt_size)
           || (end > b->archive_start && phys < b->archive_start + b->archive_size);
}

void vm_page_init(void)
{
    uint64_t bucket_count = 1;

    first_phys = round_page(boot_info.ram_start);
    page_total = (trunc_page(boot_info.ram_end) - first_phys) >> PAGE_SHIFT;
    while (bucket_count < page_total / 2)
        bucket_count *= 2;
    bucket_mask = bucket_count - 1;
    pages = boot_alloc(page_total * sizeof(*pages), 64);
    buckets = boot_alloc(bucket_count * sizeof(*buckets), 64);
    for (int i = 0; i < HASH_LOCKS; i++)
        spin_lock_init(&bucket_locks[i], LOCK_VM_HASH);
    for (int i = 0; i < 4; i++)
        queue_init(&queues[i]);

    vm_counts.total = vm_counts.wired = page_total;
    for (uint32_t i = page_total; i-- > 0;) { /* downwards: the lowest are handed out first */
        vm_page_t page = &pages[i];

        page->phys = first_phys + (phys_addr_t)i * PAGE_SIZE;
        queue_init(&page->pageq);
        queue_init(&page->memq);
        page->pv_lock = (spinlock_t)SPINLOCK_INITIALIZER(LOCK_PV); /* no call: there are many */
        page->queue = VM_PAGE_NOQUEUE;
        if (!is_reserved(page->phys))
            page_set_queue(page, VM_PAGE_FREE);
    }
}
