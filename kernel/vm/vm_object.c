/*
 * Objects: their beginning, their references and pages, and their end. Read vm/vm_object.h first, and
 * vm_shadow.c for the chains that copy-on-write makes of them.
 */
#include "vm_internal.h"

static zone_t object_zone;

vm_object_t vm_object_new(vm_size_t size)
{
    vm_object_t object = zalloc(object_zone);

    if (object == NULL)
        return NULL;
    *object = (struct vm_object){0};
    spin_lock_init(&object->lock, LOCK_VM_OBJECT);
    queue_init(&object->pages);
    queue_init(&object->cache_link);
    queue_init(&object->chunks);
    object->refs = 1;
    object->laundry_pages = 1;
    object->size = size;
    object->alive = true;
    return object;
}

vm_object_t vm_object_allocate(vm_size_t size)
{
    vm_object_t object = vm_object_new(size);

    if (object != NULL)
        object->internal = true;
    return object;
}

vm_object_t vm_object_allocate_device(phys_addr_t phys, vm_size_t size)
{
    vm_object_t object = vm_object_new(size);

    if (object != NULL) {
        object->device = true;
        object->device_phys = phys;
        object->normal = vm_page_of_phys(phys) != NULL;
    }
    return object;
}

void vm_object_reference(vm_object_t object)
{
    spin_lock(&object->lock);
    object->refs++;
    spin_unlock(&object->lock);
}

/* The structure stays as long as a laundry counts in it. */
static void laundry_done(vm_object_t object, uint32_t pages)
{
    if (__atomic_sub_fetch(&object->laundry_pages, pages, __ATOMIC_ACQ_REL) == 0)
        zfree(object_zone, object);
}

void vm_object_free(vm_object_t object)
{
    assert(object->resident_count == 0 && object->swapped == 0);
    if (object->laundry_of != NULL) { /* the pager has let go of what it was to write */
        uint32_t pages = object->size >> PAGE_SHIFT;
        bool waited_for = object->laundry_of->ending;

        __atomic_fetch_sub(object->swap_laundry ? &vm_swap_laundry : &vm_laundry_count, pages,
                           __ATOMIC_RELAXED);
        laundry_done(object->laundry_of, pages);
        if (waited_for)
            vm_pageout_poke();
        ledger_credit_message(object->payer, 1, LAUNDRY_COST);
    }
    laundry_done(object, 1);
}

void vm_object_discard_page(vm_page_t page)
{
    if (page->pv_list != NULL)
        pmap_page_protect(page, VM_PROT_NONE);
    vm_page_free(page);
}

void vm_object_free_pages(vm_object_t object)
{
    bool more = true;

    while (more) {
        spin_lock(&object->lock);
        for (int i = 0; i < VM_BATCH && !queue_empty(&object->pages); i++)
            vm_object_discard_page(queue_first(&object->pages, struct vm_page, memq));
        more = !queue_empty(&object->pages);
        if (!more)
            vm_swap_forget_range(object, 0, ~PAGE_MASK);
        spin_unlock(&object->lock);
        if (more)
            preempt_point();
    }
}

/* The last reference of an internal or device object went: a loop, for chains must not recurse. */
void vm_object_deallocate(vm_object_t object)
{
    while (object != NULL) {
        vm_object_t shadow;

        spin_lock(&object->lock);
        assert(object->refs > 0);
        if (object->refs == 2 && object->shadow_count == 1 && object->internal) {
            object = vm_object_leave(object);
            continue;
        }
        if (object->refs > 1) {
            object->refs--;
            if (object->laundry_of != NULL)
                vm_object_wakeup(object);
            spin_unlock(&object->lock);
            return;
        }
        if (!object->internal && !object->device) {
            spin_unlock(&object->lock);
            memory_object_release(object);
            return;
        }
        object->refs = 0;
        object->alive = false;
        shadow = object->shadow;
        spin_unlock(&object->lock);
        vm_object_free_pages(object);
        if (shadow != NULL) {
            spin_lock(&shadow->lock);
            vm_object_unlink_shadow(object, shadow);
            spin_unlock(&shadow->lock);
        }
        vm_object_free(object);
        object = shadow;
    }
}

vm_page_t vm_object_next_page(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
    vm_page_t page, best = NULL;
    vm_offset_t offset = start;

    if (object->resident_count == 0)
        return NULL;
    for (int i = 0; i < VM_BATCH && offset < end; i++, offset += PAGE_SIZE)
        if ((page = vm_page_lookup(object, offset)) != NULL)
            return page;
    if (offset >= end)
        return NULL;
    /* A sparse stretch: one walk over all pages is cheaper than asking for each offset. */
    queue_for_each(page, &object->pages, struct vm_page, memq)
        if (page->offset >= offset && page->offset < end
            && (best == NULL || page->offset < best->offset))
            best = page;
    return best;
}

void vm_object_page_remove(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
    vm_offset_t first = start;
    vm_page_t page;
    int batch = VM_BATCH;

    spin_lock(&object->lock);
    while ((page = vm_object_next_page(object, start, end)) != NULL) {
        start = page->offset + PAGE_SIZE;
        if (page->wire_count == 0)
            vm_object_discard_page(page);
        if (--batch == 0) {
            spin_unlock(&object->lock);
            preempt_point();
            batch = VM_BATCH;
            spin_lock(&object->lock);
        }
    }
    vm_swap_forget_range(object, first, end);
    spin_unlock(&object->lock);
}

bool vm_object_has(vm_object_t object, vm_offset_t offset)
{
    return vm_page_lookup(object, offset) != NULL || vm_swap_slot(object, offset) != 0;
}

void vm_object_move_page(vm_page_t page, vm_object_t to, vm_offset_t offset)
{
    vm_swap_forget(page->object, page->offset);
    vm_page_remove(page);
    page->dirty = true;
    vm_page_insert(page, to, offset);
}

wait_result_t vm_object_wait(vm_object_t object, bool interruptible, uint64_t deadline)
{
    object->wanted = true;
    event_assert_wait(object, interruptible, deadline);
    spin_unlock(&object->lock);
    return thread_block();
}

void vm_object_wakeup(vm_object_t object)
{
    if (object->wanted) {
        object->wanted = false;
        event_wakeup(object);
    }
}

void vm_object_init(void)
{
    object_zone = zone_create("vm_object", sizeof(struct vm_object));
    vm_swap_init();
    memory_object_init_tables();
}

uint32_t vm_object_total(void)
{
    return zone_count(object_zone);
}
