/*
 * Copies of a pager's object that were promised, and the first who wants to write to it. Read vm_map_copy.c
 * first.
 *
 * A lazy copy of memory that a pager backs shows the pager's object itself, as long as nobody can write to
 * that. Before it is mapped for writing for the first time (`writable`), what all of it shows is therefore
 * copied into an anonymous object, `copy`, the snapshot. All lazy copies there are were made before, and so
 * show the same: one object is enough for them, and it never changes. They find it where they found the
 * pager's: a fault that comes by an entry with needs_copy, or down from a shadow, goes to `copy` instead
 * (snapshot_of). Copies that are made later are made at once.
 *
 * A copy may reach beyond the end of what the pager has, and its size says nothing about where that is. So
 * what is copied ends where the pager says that it has nothing; behind that the pager is asked, as before.
 *
 * The writer pays for a snapshot, as for memory of his address space; and it is a claim of all who have the
 * object mapped (vm_map_claim).
 *
 *      lazy entry ----> pager's object <---- entry that writes     copy is held by the object, and goes
 *      shadow --------> |                                          when nobody has that mapped any more
 *                       copy
 */
#include "vm_internal.h"

/* One page more for a snapshot that is made for a mapping of `room` bytes: it is memory of the map's task, as
 * if it were mapped there, and is paid for (LEDGER_VIRTUAL) until the snapshot goes. */
static bool pay(vm_object_t snapshot, vm_map_t map, vm_size_t room)
{
    struct ledger *ledger = map->ledger;

    if (ledger == NULL)
        return true;
    if (!vm_map_may_grow(map, room + PAGE_SIZE))
        return false;
    if (snapshot->payer == NULL && !ledger_charge(ledger, sizeof(*snapshot))) /* which keeps the ledger */
        return false;
    snapshot->payer = ledger;
    __atomic_fetch_add(&ledger->used[LEDGER_VIRTUAL], PAGE_SIZE, __ATOMIC_RELAXED);
    return true;
}

void vm_snapshot_drop(vm_object_t snapshot)
{
    if (snapshot != NULL && snapshot->payer != NULL) {
        __atomic_fetch_sub(&snapshot->payer->used[LEDGER_VIRTUAL], snapshot->size, __ATOMIC_RELAXED);
        ledger_credit(snapshot->payer, sizeof(*snapshot));
    }
    vm_object_deallocate(snapshot);
}

/* Copies [offset, offset + size) into a new object, whose size is less if the pager says that it has nothing
 * there (KERN_MEMORY_ERROR: a file has ended, say). map: of whom it is a snapshot, with room; or NULL. */
static kern_return_t copy_pages(vm_object_t from, vm_offset_t offset, vm_size_t size, vm_map_t map,
                                vm_size_t room, vm_object_t *result)
{
    vm_object_t object = vm_object_allocate(0);
    kern_return_t kr = object != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
    bool refused = false;

    while (kr == KERN_SUCCESS && object->size < size) {
        vm_page_t page = vm_page_grab_user();

        if (page == NULL) {
            kr = vm_memory_wait(true);
            continue;
        }
        kr = vm_object_read_bytes(from, false, offset + object->size, vm_page_address(page), PAGE_SIZE,
                                  &refused);
        if (kr == KERN_SUCCESS && map != NULL && !pay(object, map, room))
            kr = KERN_RESOURCE_SHORTAGE;
        if (kr != KERN_SUCCESS) {
            vm_page_release(page);
            break;
        }
        page->dirty = true;
        spin_lock(&object->lock);
        vm_page_insert(page, object, object->size);
        vm_page_activate(page);
        object->size += PAGE_SIZE;
        spin_unlock(&object->lock);
        if (!preempt_point())
            kr = KERN_ABORTED;
    }
    if (refused && kr == KERN_MEMORY_ERROR)
        kr = KERN_SUCCESS;
    if (kr == KERN_SUCCESS)
        *result = object;
    else
        vm_snapshot_drop(object);
    return kr;
}

kern_return_t vm_object_copy(vm_object_t from, vm_offset_t offset, vm_size_t size, vm_object_t *result)
{
    vm_object_t copy = NULL;
    kern_return_t kr = copy_pages(from, offset, size, NULL, 0, &copy);

    if (kr == KERN_SUCCESS && copy->size < size) {
        copy->size = size;
        copy->shadow = from; /* with the caller's reference */
        copy->shadow_offset = offset;
        copy->depth = 1;
        spin_lock(&from->lock);
        vm_object_link_shadow(copy, from);
        spin_unlock(&from->lock);
    } else {
        vm_object_deallocate(from);
    }
    *result = copy;
    return kr;
}

bool vm_object_promise(vm_object_t object)
{
    bool may;

    spin_lock(&object->lock);
    may = object->copy_strategy == MEMORY_OBJECT_COPY_DELAY && !object->writable && object->copy == NULL;
    object->cow_refs += may;
    object->refs += may;
    spin_unlock(&object->lock);
    return may;
}

void vm_object_end_promise(vm_object_t object)
{
    spin_lock(&object->lock);
    object->cow_refs--;
    spin_unlock(&object->lock);
    vm_object_deallocate(object);
}

/* Who has a page of the object mapped looks for it again. */
static void unmap_all(vm_object_t object)
{
    vm_offset_t at = 0;
    vm_page_t page;

    do {
        spin_lock(&object->lock);
        page = vm_object_next_page(object, at, ~PAGE_MASK);
        for (int i = 0; i < VM_BATCH && page != NULL; i++) {
            pmap_page_protect(page, VM_PROT_NONE);
            at = page->offset + PAGE_SIZE;
            page = vm_object_next_page(object, at, ~PAGE_MASK);
        }
        spin_unlock(&object->lock);
        preempt_point();
    } while (page != NULL);
}

kern_return_t vm_object_make_writable(vm_object_t object, vm_map_t map, vm_size_t room)
{
    vm_object_t copy = NULL;
    vm_size_t size = 0;
    bool ready = false;

    while (!ready) {
        spin_lock(&object->lock);
        if (object->cow_refs == 0 && object->shadow_count == 0)
            object->writable = true; /* nobody has a copy */
        ready = object->writable || object->copy != NULL;
        if (!ready && copy != NULL && (copy->size < size || size >= object->size)) {
            object->copy = copy;
            copy = NULL;
            ready = true;
        }
        size = round_page(object->size);
        spin_unlock(&object->lock);
        vm_snapshot_drop(copy); /* another was quicker, or it has grown meanwhile */
        copy = NULL;
        if (!ready) {
            kern_return_t kr = copy_pages(object, 0, size, map, room, &copy);

            if (kr != KERN_SUCCESS)
                return kr;
        }
    }
    if (!object->writable) {
        unmap_all(object); /* nobody writes before that */
        spin_lock(&object->lock);
        object->writable = true;
        spin_unlock(&object->lock);
    }
    return KERN_SUCCESS;
}
