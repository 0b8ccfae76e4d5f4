/*
 * Objects: references, and the chains of shadows that copy-on-write makes. Read vm/vm_object.h
 * first.
 *
 *      entry --> O --shadow--> B --shadow--> C        a page is looked for in O, then B, then C;
 *                                                     new pages (copies, zeros) go to O
 *
 * Chains grow by forks and must shrink again. With O locked, three things keep them short, none of
 * which changes what can be seen through any object:
 *   absorb   nobody but O refers to B: B's pages move up to O, and B goes;
 *   bypass   O has a page of its own for every one of B's that it could see: O shadows C instead;
 *   bound    the chain is long although neither applies: pages of B are copied up to O until a
 *            bypass does. Of all pairs the one with the smallest B is taken, so old, large objects
 *            are copied rarely (as in a log-structured merge).
 * Locks: the shadowing object before its shadow. refs, shadow_count and pages are each object's
 * own.
 */
#include "vm_internal.h"

#define CHAIN_MAX 12 /* objects below the top, beyond which pages are copied up */

static zone_t object_zone;

vm_object_t vm_object_new(vm_size_t size)
{
    vm_object_t object = zalloc(object_zone);

    if (object == NULL)
        return NULL;
    *object = (struct vm_object){0};
    spin_lock_init(&object->lock, LOCK_VM_OBJECT);
    queue_init(&object->pages);
    queue_init(&object->pager_link);
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

        __atomic_fetch_sub(object->swap_laundry ? &vm_swap_laundry : &vm_laundry_count, pages,
                           __ATOMIC_RELAXED);
        laundry_done(object->laundry_of, pages);
        ledger_credit_message(object->payer, 1, LAUNDRY_COST);
    }
    laundry_done(object, 1);
}

/* Frees a page nobody can get at any more. Object locked. */
static void discard_page(vm_page_t page)
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
            discard_page(queue_first(&object->pages, struct vm_page, memq));
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
        vm_object_free(object);
        if (shadow != NULL) {
            spin_lock(&shadow->lock);
            shadow->shadow_count--;
            spin_unlock(&shadow->lock);
        }
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
            discard_page(page);
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

/* ---- chains ---- */

/* Is page, of the backing object, within what object can see? Then *offset is its place in
 * object. */
static bool in_window(vm_object_t object, vm_page_t page, vm_offset_t *offset)
{
    *offset = page->offset - object->shadow_offset;
    return page->offset >= object->shadow_offset && *offset < object->size;
}

/* Moves backing's pages up, some at a time: true when it has none left. */
static bool absorb(vm_object_t object, vm_object_t backing)
{
    for (int i = 0; i < VM_BATCH && !queue_empty(&backing->pages); i++) {
        vm_page_t page = queue_first(&backing->pages, struct vm_page, memq);
        vm_offset_t offset;

        if (page->busy)
            return false;
        if (!in_window(object, page, &offset) || vm_object_has(object, offset))
            discard_page(page);
        else
            vm_object_move_page(page, object, offset);
    }
    return queue_empty(&backing->pages) && vm_swap_move_up(object, backing);
}

/* Does object have a page for each of backing's that it could see? Gives up early on large ones. */
static bool covers(vm_object_t object, vm_object_t backing)
{
    vm_page_t page;
    vm_offset_t offset;
    int looked = 0;

    queue_for_each(page, &backing->pages, struct vm_page, memq) {
        if (++looked > 2 * VM_BATCH)
            return false;
        if (in_window(object, page, &offset) && !vm_object_has(object, offset))
            return false;
    }
    return vm_swap_covers(object, backing);
}

void vm_object_collapse(vm_object_t object)
{
    vm_object_t backing, next;

    while ((backing = object->shadow) != NULL) {
        spin_lock_second(&backing->lock);
        if (!backing->internal)
            break; /* a pager's: nothing can be said of what it lacks */
        next = backing->shadow;
        if (backing->refs == 1) {
            if (!absorb(object, backing))
                break;
            /* Our reference to backing goes, backing's to next becomes ours. */
            object->shadow = next;
            object->shadow_offset += backing->shadow_offset;
            spin_unlock(&backing->lock);
            vm_object_free(backing);
        } else {
            if (!covers(object, backing))
                break;
            if (next != NULL) {
                spin_lock_second(&next->lock);
                next->refs++;
                next->shadow_count++;
                spin_unlock(&next->lock);
            }
            object->shadow = next;
            object->shadow_offset += backing->shadow_offset;
            backing->refs--;
            backing->shadow_count--;
            spin_unlock(&backing->lock);
        }
    }
    if (backing != NULL)
        spin_unlock(&backing->lock);
}

/* Copies up to a batch of backing's pages that object lacks. */
static void copy_up(vm_object_t object, vm_object_t backing)
{
    vm_page_t page, copy;
    vm_offset_t offset;
    int copied = 0;

    queue_for_each(page, &backing->pages, struct vm_page, memq) {
        if (page->busy || !in_window(object, page, &offset) || vm_object_has(object, offset))
            continue;
        if (copied++ == VM_BATCH || (copy = vm_page_grab_user()) == NULL)
            return;
        pmap_copy_page(page, copy);
        copy->dirty = true;
        /* Who maps the old page through object must come to the new one before writing to it. */
        pmap_page_protect(page, VM_PROT_NONE);
        vm_page_insert(copy, object, offset);
        vm_page_activate(copy);
    }
}

/* Goes `steps` objects down the chain, hand over hand. The top stays locked, so does the result. */
static vm_object_t descend(vm_object_t top, int steps)
{
    vm_object_t object = top;

    while (steps-- > 0 && object->shadow != NULL) {
        vm_object_t next = object->shadow;

        spin_lock_second(&next->lock);
        if (object != top)
            spin_unlock(&object->lock);
        object = next;
    }
    return object;
}

void vm_object_bound_chain(vm_object_t object)
{
    vm_object_t upper = object, lower;
    uint32_t smallest = ~0U;
    int depth = 0, place = -1;

    /* Find the pair below us whose lower half is smallest. */
    while ((lower = upper->shadow) != NULL) {
        spin_lock_second(&lower->lock);
        if (lower->internal && depth > 0
            && lower->resident_count < smallest) {
            smallest = lower->resident_count;
            place = depth;
        }
        if (upper != object)
            spin_unlock(&upper->lock);
        upper = lower;
        depth++;
    }
    if (upper != object)
        spin_unlock(&upper->lock);
    if (depth <= CHAIN_MAX || place < 0)
        return;

    upper = descend(object, place);
    lower = upper->shadow;
    if (upper != object && upper->internal && lower != NULL) {
        spin_lock_second(&lower->lock);
        if (lower->internal)
            copy_up(upper, lower);
        spin_unlock(&lower->lock);
        vm_object_collapse(upper);
    }
    if (upper != object)
        spin_unlock(&upper->lock);
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
