/*
 * Memory in transit, and copies of address ranges. Read vm/vm_map.h, vm_object.h first.
 *
 * A small piece of memory (VM_MAP_COPY_SMALL) is copied by value. A larger one becomes a list of
 * map entries that refer to the same objects, with needs_copy on both sides: nothing is copied
 * before somebody writes. That works where nobody can write past the promise, so not for memory
 * that is shared (or a pager's, and mapped writable), nor for wired memory, which must not fault:
 * it is copied page by page.
 */
#include "vm_internal.h"

#include <machine/cpu.h>

/* To protect a page by itself takes as long as to look at so many in a table. */
#define PAGES_PER_FEW 16

/* ---- entries ---- */

void vm_map_entries_discard(struct queue *entries)
{
    struct queue *link;

    while ((link = dequeue_head(entries)) != NULL) {
        vm_map_entry_dispose(queue_entry(link, struct vm_map_entry, link));
        preempt_point();
    }
}

/* Bytes of kernel memory that these entries are. */
static vm_size_t entries_size(struct queue *entries)
{
    vm_map_entry_t entry;
    vm_size_t size = 0;

    queue_for_each (entry, entries, struct vm_map_entry, link)
        size += sizeof(*entry);
    return size;
}

/* May a copy of the entry be made by reference? *promised: an object that is to be told when it is made. Map
 * locked. */
static bool can_share_lazily(vm_map_entry_t entry, vm_object_t *promised)
{
    vm_object_t object = entry->object;

    if (object == NULL || entry->needs_copy)
        return true;
    if (entry->wired_count != 0 || entry->in_transition || entry->shared || object->wired)
        return false;
    if (object->device)
        return object->normal && !(entry->max_protection & VM_PROT_WRITE);
    if (object->internal)
        return true;
    if (!vm_object_promise(object))
        return false;
    *promised = object;
    return true;
}

/* Before an object becomes one that others wait for to be written: if it shadows another that only
 * it needs, and holds less, its pages go down into that one, which takes its place.
 * (vm_object_collapse would move the larger number up.) So a task that forks again and again does
 * not pay for all its memory each time. Map locked. */
static void collapse_down(vm_map_entry_t entry)
{
    vm_object_t upper = entry->object;
    vm_object_t lower;
    bool done = false;

    if (upper == NULL || entry->needs_copy || entry->shared || entry->in_transition)
        return;
    spin_lock(&upper->lock);
    lower = upper->shadow;
    if (!upper->internal || lower == NULL || upper->refs != 1 || upper->shadow_offset != 0
        || entry->offset != 0) {
        spin_unlock(&upper->lock);
        return;
    }
    spin_lock_second(&lower->lock);
    if (lower->internal && lower->refs == 1 && lower->size == upper->size && upper->swapped == 0
        && upper->resident_count <= lower->resident_count
        && upper->resident_count <= 4 * VM_BATCH) {
        while (!queue_empty(&upper->pages)) {
            vm_page_t page = queue_first(&upper->pages, struct vm_page, memq);
            vm_page_t old = vm_page_lookup(lower, page->offset);
            vm_offset_t offset = page->offset;

            if (old != NULL) {
                if (old->pv_list != NULL)
                    pmap_page_protect(old, VM_PROT_NONE);
                vm_page_free(old);
            }
            vm_swap_forget(lower, offset);
            vm_object_move_page(page, lower, offset);
        }
        vm_object_unlink_shadow(upper, lower);
        entry->object = lower;
        done = true;
    }
    spin_unlock(&lower->lock);
    spin_unlock(&upper->lock);
    if (done)
        vm_object_free(upper);
}

/* A physical copy of [start, end), which is inside one entry of the map; pages never touched stay
 * so. */
static kern_return_t copy_physically(vm_map_t map, vm_address_t start, vm_address_t end,
                                     vm_map_entry_t copy)
{
    vm_object_t object = vm_object_allocate(end - start);
    vm_page_t page = NULL;
    kern_return_t kr = object != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;

    for (vm_address_t va = start; kr == KERN_SUCCESS && va < end; va += PAGE_SIZE) {
        bool present;

        while (page == NULL && (page = vm_page_grab_user()) == NULL && kr == KERN_SUCCESS)
            kr = vm_memory_wait(true);
        if (kr != KERN_SUCCESS)
            break;
        kr = vm_map_copy_page(map, va, page, &present);
        if (kr == KERN_SUCCESS && present) {
            page->dirty = true;
            spin_lock(&object->lock);
            vm_page_insert(page, object, va - start);
            vm_page_activate(page);
            spin_unlock(&object->lock);
            page = NULL;
        }
        if (kr == KERN_SUCCESS && !preempt_point())
            kr = KERN_ABORTED;
    }
    if (page != NULL)
        vm_page_release(page);
    if (kr != KERN_SUCCESS) {
        vm_object_deallocate(object);
        return kr;
    }
    copy->start = start;
    copy->end = end;
    copy->object = object;
    copy->offset = 0;
    copy->needs_copy = false;
    return KERN_SUCCESS;
}

/* Fills in `copy`, an entry that refers to what [start, end) of entry shows. Map locked. */
static void refer(vm_map_entry_t entry, vm_address_t start, vm_address_t end, vm_map_entry_t copy)
{
    copy->start = start;
    copy->end = end;
    copy->object = entry->object;
    copy->offset = 0;
    copy->needs_copy = false;
    if (entry->object == NULL)
        return;
    copy->offset = entry->offset + (start - entry->start);
    spin_lock(&entry->object->lock);
    entry->object->refs++;
    spin_unlock(&entry->object->lock);
}

/* Both show the same pages from now on, whoever writes. Map locked. */
static kern_return_t share(vm_map_entry_t entry, vm_address_t start, vm_address_t end,
                           vm_map_entry_t copy)
{
    kern_return_t kr = vm_map_entry_make_object(entry);

    if (kr == KERN_SUCCESS)
        kr = vm_map_entry_shadow(entry);
    if (kr != KERN_SUCCESS)
        return kr;
    entry->shared = true;
    refer(entry, start, end, copy);
    copy->shared = true;
    return KERN_SUCCESS;
}

/* Takes write access from what the entry shows. Only pages of its own object can have been mapped with it;
 * if they are few in the range they are found by that. Map locked. */
static void protect_pages(vm_map_t map, vm_map_entry_t entry)
{
    vm_prot_t prot = entry->protection & ~VM_PROT_WRITE;
    vm_object_t object = entry->object;
    vm_page_t page;

    if (!(entry->protection & VM_PROT_WRITE))
        return;
    if (object->resident_count
        > MIN(VM_BATCH, (entry->end - entry->start) / (PAGE_SIZE * PAGES_PER_FEW))) {
        pmap_protect(map->pmap, entry->start, entry->end, prot);
        return;
    }
    spin_lock(&object->lock);
    queue_for_each(page, &object->pages, struct vm_page, memq) {
        vm_address_t va = entry->start + (page->offset - entry->offset);

        if (page->pv_list != NULL && page->offset >= entry->offset && va < entry->end)
            pmap_protect(map->pmap, va, va + PAGE_SIZE, prot);
    }
    spin_unlock(&object->lock);
}

/* Both keep what is there now. Map locked. */
static kern_return_t copy_lazily(vm_map_t map, vm_map_entry_t entry, vm_address_t start,
                                 vm_address_t end, vm_map_entry_t copy)
{
    bool freeze = !entry->needs_copy && entry->object != NULL && entry->object->internal;

    /* Only the part that is copied is to fault again. */
    if (freeze) {
        if (entry->start < start && (entry = vm_map_clip(map, entry, start)) == NULL)
            return KERN_RESOURCE_SHORTAGE;
        if (end < entry->end && vm_map_clip(map, entry, end) == NULL)
            return KERN_RESOURCE_SHORTAGE;
        protect_pages(map, entry);
        collapse_down(entry);
        vm_map_entry_freeze(entry);
    }
    refer(entry, start, end, copy);
    vm_map_entry_freeze(copy);
    if (freeze)
        vm_map_simplify(map, entry); /* its neighbours may have been copied before */
    return KERN_SUCCESS;
}

kern_return_t vm_map_copy_step(vm_map_t map, vm_address_t start, vm_address_t end,
                               enum vm_copy_mode mode, vm_map_entry_t *result)
{
    vm_map_entry_t copy = vm_map_entry_alloc();
    vm_object_t promised = NULL;
    vm_map_entry_t entry;
    kern_return_t kr = KERN_SUCCESS;
    bool physical = false;

    if (copy == NULL)
        return KERN_RESOURCE_SHORTAGE;
    spin_lock(&map->lock);
    entry = vm_map_lookup(map, start);
    if (entry == NULL)
        kr = KERN_INVALID_ADDRESS;
    else if (mode == VM_COPY_READ && !(entry->protection & VM_PROT_READ))
        kr = KERN_PROTECTION_FAILURE;
    if (kr == KERN_SUCCESS) {
        end = MIN(end, entry->end);
        copy->protection = entry->protection;
        copy->max_protection = entry->max_protection;
        copy->inheritance = entry->inheritance;
        if (mode == VM_SHARE)
            kr = share(entry, start, end, copy);
        else if (can_share_lazily(entry, &promised))
            kr = copy_lazily(map, entry, start, end, copy);
        else if (entry->object->device && !entry->object->normal)
            kr = KERN_PROTECTION_FAILURE; /* registers have no copies */
        else
            physical = true;
    }
    spin_unlock(&map->lock);
    if (promised != NULL)
        vm_object_end_promise(promised); /* the copy has its own */
    if (physical)
        kr = copy_physically(map, start, end, copy);
    if (kr != KERN_SUCCESS) {
        vm_map_entry_free(copy);
        return kr;
    }
    *result = copy;
    return KERN_SUCCESS;
}

kern_return_t vm_map_copy_range(vm_map_t map, vm_address_t start, vm_address_t end,
                                enum vm_copy_mode mode, struct queue *entries)
{
    kern_return_t kr;

    queue_init(entries);
    spin_lock(&map->lock);
    kr = vm_map_check(map, start, end, mode == VM_COPY_READ ? VM_PROT_READ : VM_PROT_NONE, false);
    spin_unlock(&map->lock);
    for (vm_address_t va = start; kr == KERN_SUCCESS && va < end;) {
        vm_map_entry_t copy;
        vm_size_t size;

        kr = vm_map_copy_step(map, va, end, mode, &copy);
        if (kr != KERN_SUCCESS)
            break;
        size = copy->end - copy->start;
        copy->start = va - start;
        copy->end = copy->start + size;
        enqueue_tail(entries, &copy->link);
        va += size;
        preempt_point();
    }
    if (kr != KERN_SUCCESS)
        vm_map_entries_discard(entries);
    return kr;
}

kern_return_t vm_map_insert_entries(vm_map_t map, vm_address_t *address, vm_size_t size,
                                    vm_address_t mask, bool anywhere, struct queue *entries)
{
    vm_address_t place = *address;
    vm_map_entry_t next;
    struct queue *link;
    kern_return_t kr;

    if (!ledger_has_room(map->ledger, entries_size(entries)))
        return KERN_RESOURCE_SHORTAGE;
    spin_lock(&map->lock);
    kr = vm_map_place(map, &place, size, mask, anywhere, &next);
    if (kr == KERN_SUCCESS) {
        while ((link = dequeue_head(entries)) != NULL) {
            vm_map_entry_t entry = queue_entry(link, struct vm_map_entry, link);

            entry->start += place;
            entry->end += place;
            vm_map_entry_link(map, entry, next);
            next = vm_map_entry_next(map, vm_map_simplify(map, entry));
        }
        *address = place;
    }
    spin_unlock(&map->lock);
    return kr;
}

/* ---- copies ---- */

/* Are so many bytes of data allocated with the structure? */
static bool with_data(vm_size_t bytes)
{
    return sizeof(struct vm_map_copy) + bytes <= PAGE_SIZE;
}

static void copy_free(vm_map_copy_t copy, vm_size_t bytes)
{
    if (!with_data(bytes))
        kfree(copy->data, bytes);
    kfree(copy, sizeof(*copy) + (with_data(bytes) ? bytes : 0));
}

static vm_map_copy_t copy_alloc(vm_size_t size, vm_size_t bytes)
{
    vm_map_copy_t copy = kalloc(sizeof(*copy) + (with_data(bytes) ? bytes : 0));

    if (copy == NULL)
        return NULL;
    copy->size = size;
    copy->offset = 0;
    queue_init(&copy->entries);
    copy->data = with_data(bytes) ? (uint8_t *)(copy + 1) : kalloc(bytes);
    if (copy->data == NULL) {
        copy_free(copy, 0);
        return NULL;
    }
    return copy;
}

/* Data is in copy->data, rather than in entries. */
static bool by_value(vm_map_copy_t copy)
{
    return queue_empty(&copy->entries);
}

vm_size_t vm_map_copy_cost(vm_map_copy_t copy)
{
    if (copy == VM_MAP_COPY_NULL)
        return 0;
    return sizeof(*copy) + (by_value(copy) ? copy->size : entries_size(&copy->entries));
}

void vm_map_copy_discard(vm_map_copy_t copy)
{
    if (copy == VM_MAP_COPY_NULL)
        return;
    if (by_value(copy)) {
        copy_free(copy, copy->size);
        return;
    }
    vm_map_entries_discard(&copy->entries);
    copy_free(copy, 0);
}

static kern_return_t copyin_bytes(vm_map_t map, vm_address_t src, vm_size_t len,
                                  vm_map_copy_t *result)
{
    vm_map_copy_t copy = copy_alloc(len, len);
    kern_return_t kr = KERN_FAILURE;

    if (copy == NULL)
        return KERN_RESOURCE_SHORTAGE;
    /* The quick way; if that fails the slow one finds out why. */
    if (map == current_map())
        kr = copyin((const void *)src, copy->data, len);
    if (kr != KERN_SUCCESS)
        kr = vm_map_read_bytes(map, src, copy->data, len);
    if (kr != KERN_SUCCESS) {
        vm_map_copy_discard(copy);
        return kr;
    }
    *result = copy;
    return KERN_SUCCESS;
}

static kern_return_t copyin_entries(vm_map_t map, vm_address_t start, vm_address_t end,
                                    vm_map_copy_t *result)
{
    vm_map_copy_t copy = copy_alloc(0, 0);
    struct queue entries;
    kern_return_t kr;

    if (copy == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kr = vm_map_copy_range(map, start, end, VM_COPY_READ, &entries);
    if (kr != KERN_SUCCESS) {
        copy_free(copy, 0);
        return kr;
    }
    /* To the new head: first and last entry must point to it. */
    queue_insert_after(&entries, &copy->entries);
    queue_remove(&entries);
    *result = copy;
    return KERN_SUCCESS;
}

kern_return_t vm_map_copyin(vm_map_t map, vm_address_t src, vm_size_t len, bool src_destroy,
                            vm_map_copy_t *copy)
{
    kern_return_t kr = KERN_RESOURCE_SHORTAGE;

    *copy = VM_MAP_COPY_NULL;
    if (len == 0)
        return KERN_SUCCESS;
    if (src >= map->max || len > map->max - src)
        return KERN_INVALID_ADDRESS;
    if (len <= VM_MAP_COPY_SMALL)
        kr = copyin_bytes(map, src, len, copy);
    if (kr == KERN_RESOURCE_SHORTAGE) { /* large; or no pages in a row are left for a small one */
        kr = copyin_entries(map, trunc_page(src), round_page(src + len), copy);
        if (kr == KERN_SUCCESS) {
            (*copy)->size = len;
            (*copy)->offset = src & PAGE_MASK;
        }
    }
    if (kr == KERN_SUCCESS && src_destroy) {
        kr = vm_map_remove(map, trunc_page(src), round_page(src + len));
        if (kr != KERN_SUCCESS) {
            vm_map_copy_discard(*copy);
            *copy = VM_MAP_COPY_NULL;
        }
    }
    return kr;
}

/* An anonymous object filled with these bytes. NULL: out of memory. */
static vm_object_t object_of_bytes(const void *data, vm_size_t size)
{
    vm_object_t object = vm_object_allocate(round_page(size));

    for (vm_size_t done = 0; object != NULL && done < size; done += PAGE_SIZE) {
        vm_size_t n = MIN(size - done, PAGE_SIZE);
        vm_page_t page;

        while ((page = vm_page_grab_user()) == NULL) {
            if (vm_memory_wait(true) != KERN_SUCCESS) {
                vm_object_deallocate(object);
                return NULL;
            }
        }
        memcpy(vm_page_address(page), (const char *)data + done, n);
        memset((char *)vm_page_address(page) + n, 0, PAGE_SIZE - n);
        page->dirty = true;
        spin_lock(&object->lock);
        vm_page_insert(page, object, done);
        vm_page_activate(page);
        spin_unlock(&object->lock);
    }
    return object;
}

/* The receiver will look at small data at once: map its pages now, and save it the faults. A
 * failure means no more than that it takes them. */
static void enter_pages(vm_map_t map, vm_address_t start, vm_size_t size)
{
    vm_map_entry_t entry;

    spin_lock(&map->lock);
    entry = vm_map_lookup(map, start);
    if (entry != NULL && entry->object != NULL && !entry->needs_copy
        && entry->end - start >= size) {
        spin_lock(&entry->object->lock);
        for (vm_address_t va = start; va < start + size; va += PAGE_SIZE) {
            vm_page_t page = vm_page_lookup(entry->object, entry->offset + (va - entry->start));

            if (page != NULL && !page->busy)
                pmap_enter(map->pmap, va, page, VM_PROT_DEFAULT | PMAP_WRITTEN, false);
        }
        spin_unlock(&entry->object->lock);
    }
    spin_unlock(&map->lock);
}

kern_return_t vm_map_copyout(vm_map_t map, vm_address_t *dst, vm_map_copy_t copy)
{
    vm_address_t address = 0;
    vm_map_entry_t entry;
    vm_object_t object;
    kern_return_t kr;

    *dst = 0;
    if (copy == VM_MAP_COPY_NULL)
        return KERN_SUCCESS;
    if (by_value(copy)) {
        object = object_of_bytes(copy->data, copy->size);
        if (object == NULL)
            return KERN_RESOURCE_SHORTAGE;
        kr = vm_map_enter(map, &address, object->size, 0, true, object, 0, false, VM_PROT_DEFAULT,
                          VM_PROT_ALL, VM_INHERIT_DEFAULT);
        if (kr != KERN_SUCCESS) {
            vm_object_deallocate(object);
            return kr;
        }
        enter_pages(map, address, round_page(copy->size));
    } else {
        queue_for_each(entry, &copy->entries, struct vm_map_entry, link) {
            entry->protection = VM_PROT_DEFAULT;
            entry->max_protection = VM_PROT_ALL;
            entry->inheritance = VM_INHERIT_DEFAULT;
        }
        kr = vm_map_insert_entries(map, &address, round_page(copy->offset + copy->size), 0, true,
                                   &copy->entries);
        if (kr != KERN_SUCCESS)
            return kr;
        *dst = address + copy->offset;
        copy_free(copy, 0);
        return KERN_SUCCESS;
    }
    *dst = address;
    vm_map_copy_discard(copy);
    return KERN_SUCCESS;
}

kern_return_t vm_map_copy_read(vm_map_copy_t copy, vm_offset_t offset, void *buf, vm_size_t size)
{
    vm_map_entry_t entry;
    vm_offset_t at;
    kern_return_t kr;

    if (size == 0)
        return KERN_SUCCESS;
    if (copy == VM_MAP_COPY_NULL || offset > copy->size || size > copy->size - offset)
        return KERN_INVALID_ARGUMENT;
    if (by_value(copy)) {
        memcpy(buf, copy->data + offset, size);
        return KERN_SUCCESS;
    }
    at = copy->offset + offset;
    queue_for_each(entry, &copy->entries, struct vm_map_entry, link) {
        vm_size_t n;

        if (size == 0)
            break;
        if (at >= entry->end)
            continue;
        n = MIN(size, entry->end - at);
        if (entry->object == NULL) {
            memset(buf, 0, n);
        } else {
            kr = vm_object_read_bytes(entry->object, entry->needs_copy, entry->offset + (at - entry->start),
                                      buf, n, NULL);
            if (kr != KERN_SUCCESS)
                return kr;
        }
        at += n;
        buf = (char *)buf + n;
        size -= n;
    }
    return KERN_SUCCESS;
}

kern_return_t vm_map_copy_overwrite(vm_map_t map, vm_address_t dst, vm_map_copy_t copy)
{
    vm_size_t size = copy != VM_MAP_COPY_NULL ? copy->size : 0;
    vm_page_t bounce;
    kern_return_t kr;

    if (size == 0)
        return KERN_SUCCESS;
    if (dst >= map->max || size > map->max - dst)
        return KERN_INVALID_ADDRESS;
    spin_lock(&map->lock);
    kr = vm_map_check(map, trunc_page(dst), round_page(dst + size), VM_PROT_WRITE, false);
    spin_unlock(&map->lock);
    if (kr != KERN_SUCCESS)
        return kr;
    if (by_value(copy)) {
        kr = vm_map_write_bytes(map, dst, copy->data, size);
    } else {
        bounce = vm_page_grab_user();
        if (bounce == NULL)
            return KERN_RESOURCE_SHORTAGE;
        for (vm_size_t done = 0; kr == KERN_SUCCESS && done < size;) {
            vm_size_t n = MIN(size - done, PAGE_SIZE - ((dst + done) & PAGE_MASK));

            kr = vm_map_copy_read(copy, done, vm_page_address(bounce), n);
            if (kr == KERN_SUCCESS)
                kr = vm_map_write_bytes(map, dst + done, vm_page_address(bounce), n);
            if (kr == KERN_SUCCESS && !preempt_point())
                kr = KERN_ABORTED; /* the thread is to end */
            done += n;
        }
        vm_page_release(bounce);
    }
    if (kr == KERN_SUCCESS)
        vm_map_copy_discard(copy);
    return kr;
}

kern_return_t vm_map_copyin_kernel(const void *data, vm_size_t size, vm_map_copy_t *result)
{
    vm_map_copy_t copy;
    vm_map_entry_t entry;

    *result = VM_MAP_COPY_NULL;
    if (size == 0)
        return KERN_SUCCESS;
    if (size <= VM_MAP_COPY_SMALL) {
        copy = copy_alloc(size, size);
        if (copy == NULL)
            return KERN_RESOURCE_SHORTAGE;
        memcpy(copy->data, data, size);
        *result = copy;
        return KERN_SUCCESS;
    }
    copy = copy_alloc(size, 0);
    entry = vm_map_entry_alloc();
    if (copy == NULL || entry == NULL)
        goto no_memory;
    entry->object = object_of_bytes(data, size);
    if (entry->object == NULL)
        goto no_memory;
    entry->end = round_page(size);
    enqueue_tail(&copy->entries, &entry->link);
    *result = copy;
    return KERN_SUCCESS;

no_memory:
    if (entry != NULL)
        vm_map_entry_free(entry);
    if (copy != NULL)
        copy_free(copy, 0);
    return KERN_RESOURCE_SHORTAGE;
}
