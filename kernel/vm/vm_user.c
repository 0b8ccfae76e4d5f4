/*
 * The routines of mach/vm_map.defs, and vm_wire: what a task may ask about an address space.
 * Whatever the caller sends is checked here or in the function that does the work; the contracts
 * are in the .defs.
 */
#include "vm_internal.h"

#include <ipc/ipc_port.h>
#include <mach/host_priv_server.h>
#include <mach/vm_map_server.h>

/* The pages that hold [address, address + size): KERN_INVALID_ARGUMENT if it is empty, wraps, or
 * there is no map; KERN_INVALID_ADDRESS if it leaves the address space. */
static kern_return_t page_range(vm_map_t map, vm_address_t address, vm_size_t size,
                                vm_address_t *start, vm_address_t *end)
{
    if (map == NULL || size == 0 || address + size - 1 < address)
        return KERN_INVALID_ARGUMENT;
    if (address >= map->max || size > map->max - address)
        return KERN_INVALID_ADDRESS;
    *start = trunc_page(address);
    *end = round_page(address + size);
    return KERN_SUCCESS;
}

kern_return_t vm_allocate(vm_map_t map, vm_address_t *address, vm_size_t size, boolean_t anywhere)
{
    vm_address_t start = trunc_page(*address), end;
    kern_return_t kr;

    kr = page_range(map, anywhere ? 0 : *address, size, &start, &end);
    if (kr == KERN_INVALID_ADDRESS && anywhere)
        return KERN_NO_SPACE;
    if (kr != KERN_SUCCESS)
        return kr;
    size = end - start;
    if (anywhere)
        start = trunc_page(*address);
    kr = vm_map_enter(map, &start, size, 0, anywhere != 0, NULL, 0, false, VM_PROT_DEFAULT,
                      VM_PROT_ALL, VM_INHERIT_DEFAULT);
    if (kr == KERN_SUCCESS)
        *address = start;
    return kr;
}

kern_return_t vm_deallocate(vm_map_t map, vm_address_t address, vm_size_t size)
{
    vm_address_t start, end;
    kern_return_t kr = page_range(map, address, size, &start, &end);

    return kr == KERN_SUCCESS ? vm_map_remove(map, start, end) : kr;
}

kern_return_t vm_protect(vm_map_t map, vm_address_t address, vm_size_t size, boolean_t set_maximum,
                         vm_prot_t prot)
{
    vm_address_t start, end;
    vm_map_entry_t entry;
    kern_return_t kr = page_range(map, address, size, &start, &end);

    if (kr != KERN_SUCCESS)
        return kr;
    if (prot & ~VM_PROT_ALL)
        return KERN_INVALID_ARGUMENT;
    if (!set_maximum && (prot & VM_PROT_WRITE) && (prot & VM_PROT_EXECUTE))
        return KERN_PROTECTION_FAILURE;
    spin_lock(&map->lock);
    kr = vm_map_check(map, start, end, prot, true);
    if (kr == KERN_SUCCESS)
        kr = vm_map_clip_range(map, start, end);
    if (kr == KERN_SUCCESS) {
        for (entry = vm_map_lookup(map, start); entry != NULL && entry->start < end;
             entry = vm_map_entry_next(map, entry)) {
            if (set_maximum)
                entry->max_protection = prot;
            entry->protection = set_maximum ? entry->protection & prot : prot;
        }
        pmap_protect(map->pmap, start, end, prot);
        vm_map_simplify_range(map, start, end);
    }
    spin_unlock(&map->lock);
    return kr;
}

kern_return_t vm_inherit(vm_map_t map, vm_address_t address, vm_size_t size,
                         vm_inherit_t inheritance)
{
    vm_address_t start, end;
    vm_map_entry_t entry;
    kern_return_t kr = page_range(map, address, size, &start, &end);

    if (kr != KERN_SUCCESS)
        return kr;
    if (inheritance < VM_INHERIT_SHARE || inheritance > VM_INHERIT_NONE)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&map->lock);
    kr = vm_map_check(map, start, end, VM_PROT_NONE, false);
    if (kr == KERN_SUCCESS)
        kr = vm_map_clip_range(map, start, end);
    if (kr == KERN_SUCCESS) {
        for (entry = vm_map_lookup(map, start); entry != NULL && entry->start < end;
             entry = vm_map_entry_next(map, entry))
            entry->inheritance = inheritance;
        vm_map_simplify_range(map, start, end);
    }
    spin_unlock(&map->lock);
    return kr;
}

kern_return_t vm_read(vm_map_t map, vm_address_t address, vm_size_t size, vm_map_copy_t *data,
                      mach_msg_type_number_t *count)
{
    kern_return_t kr;

    if (map == NULL || size == 0 || size != (mach_msg_type_number_t)size)
        return KERN_INVALID_ARGUMENT;
    kr = vm_map_copyin(map, address, size, false, data);
    if (kr == KERN_SUCCESS)
        *count = size;
    return kr;
}

kern_return_t vm_write(vm_map_t map, vm_address_t address, vm_map_copy_t data,
                       mach_msg_type_number_t count)
{
    if (map == NULL || data == VM_MAP_COPY_NULL)
        return KERN_INVALID_ARGUMENT;
    return vm_map_copy_overwrite(map, address, data);
}

kern_return_t vm_copy(vm_map_t map, vm_address_t source, vm_size_t size, vm_address_t dest)
{
    vm_map_copy_t copy;
    kern_return_t kr;

    if (map == NULL || size == 0 || !page_aligned(source) || !page_aligned(size)
        || !page_aligned(dest))
        return KERN_INVALID_ARGUMENT;
    kr = vm_map_copyin(map, source, size, false, &copy);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = vm_map_copy_overwrite(map, dest, copy);
    if (kr != KERN_SUCCESS)
        vm_map_copy_discard(copy);
    return kr;
}

kern_return_t vm_map(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask,
                     boolean_t anywhere, mach_port_t pager, vm_offset_t offset, boolean_t copy,
                     vm_prot_t cur, vm_prot_t max, vm_inherit_t inheritance)
{
    vm_address_t start = trunc_page(*address), end;
    vm_object_t object = NULL, private;
    bool needs_copy = false;
    kern_return_t kr;

    kr = page_range(map, anywhere ? 0 : *address, size, &start, &end);
    if (kr == KERN_INVALID_ADDRESS && anywhere)
        return KERN_NO_SPACE;
    if (kr != KERN_SUCCESS)
        return kr;
    size = end - start;
    if (anywhere)
        start = trunc_page(*address);
    if (pager == MACH_PORT_NULL)
        offset = 0;
    if (!page_aligned(offset) || offset + size < offset || ((cur | max) & ~VM_PROT_ALL)
        || inheritance < VM_INHERIT_SHARE || inheritance > VM_INHERIT_NONE)
        return KERN_INVALID_ARGUMENT;
    if ((cur & ~max) || ((cur & VM_PROT_WRITE) && (cur & VM_PROT_EXECUTE)))
        return KERN_PROTECTION_FAILURE;
    if (!vm_map_may_grow(map, size))
        return KERN_RESOURCE_SHORTAGE; /* before anything is copied */
    if (pager != MACH_PORT_NULL) {
        kr = vm_object_enter(pager, offset + size, &object);
        if (kr != KERN_SUCCESS)
            return kr;
        if (copy && vm_object_promise(object)) {
            needs_copy = true;
        } else if (copy) {
            kr = vm_object_copy(object, offset, size, &private);
            if (kr != KERN_SUCCESS)
                return kr;
            object = private;
            offset = 0;
        } else if (max & VM_PROT_WRITE) {
            kr = vm_object_make_writable(object, map, size);
            if (kr != KERN_SUCCESS) {
                vm_object_deallocate(object);
                return kr;
            }
        }
    }
    kr = vm_map_enter(map, &start, size, mask, anywhere != 0, object, offset, needs_copy, cur, max,
                      inheritance);
    if (needs_copy)
        vm_object_end_promise(object); /* the entry has its own */
    if (kr != KERN_SUCCESS) {
        vm_object_deallocate(object);
        return kr;
    }
    *address = start;
    ipc_port_release_send(pager);
    return KERN_SUCCESS;
}

kern_return_t vm_remap(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask,
                       boolean_t anywhere, vm_map_t source, vm_address_t source_address,
                       boolean_t copy, vm_prot_t *cur, vm_prot_t *max, vm_inherit_t inheritance)
{
    vm_address_t place = trunc_page(*address), start, end;
    struct queue entries;
    vm_map_entry_t entry;
    vm_prot_t all_cur = VM_PROT_ALL, all_max = VM_PROT_ALL;
    kern_return_t kr = page_range(source, source_address, size, &start, &end);

    if (kr != KERN_SUCCESS)
        return kr;
    if (map == NULL || inheritance < VM_INHERIT_SHARE || inheritance > VM_INHERIT_NONE)
        return KERN_INVALID_ARGUMENT;
    kr = vm_map_copy_range(source, start, end, copy ? VM_COPY_REMAP : VM_SHARE, &entries);
    if (kr != KERN_SUCCESS)
        return kr;
    queue_for_each(entry, &entries, struct vm_map_entry, link) {
        entry->inheritance = inheritance;
        all_cur &= entry->protection;
        all_max &= entry->max_protection;
    }
    kr = vm_map_insert_entries(map, &place, end - start, mask, anywhere != 0, &entries);
    if (kr != KERN_SUCCESS) {
        vm_map_entries_discard(&entries);
        return kr;
    }
    *address = place;
    *cur = all_cur;
    *max = all_max;
    return KERN_SUCCESS;
}

/* Pages of the object within the entry. Object locked. */
static uint32_t resident_pages(vm_map_entry_t entry, vm_object_t object)
{
    vm_size_t size = entry->end - entry->start;
    uint32_t count = 0;
    vm_page_t page;

    if (entry->offset == 0 && size >= object->size)
        return object->resident_count;
    queue_for_each(page, &object->pages, struct vm_page, memq)
        count += page->offset - entry->offset < size;
    return count;
}

kern_return_t vm_region(vm_map_t map, vm_address_t *address, vm_size_t *size,
                        vm_region_info_data_t *info)
{
    vm_map_entry_t entry;
    vm_object_t object;
    bool anonymous;

    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    *info = (vm_region_info_data_t){.anonymous = TRUE};
    spin_lock(&map->lock);
    entry = vm_map_entry_at_or_above(map, *address);
    if (entry == NULL) {
        spin_unlock(&map->lock);
        return KERN_NO_SPACE;
    }
    *address = entry->start;
    *size = entry->end - entry->start;
    info->protection = entry->protection;
    info->max_protection = entry->max_protection;
    info->inheritance = entry->inheritance;
    info->shared = entry->shared;
    info->needs_copy = entry->needs_copy;
    info->wired_count = entry->wired_count;
    info->offset = entry->offset;
    object = entry->object;
    if (object != NULL) {
        spin_lock(&object->lock);
        info->object_id = ((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15UL; /* tells no address */
        info->resident_pages = resident_pages(entry, object);
        info->shadow_depth = vm_object_depth(object, &anonymous);
        info->anonymous = anonymous;
        info->external_pager = object->pager != NULL;
        info->ref_count = object->refs;
        spin_unlock(&object->lock);
    }
    spin_unlock(&map->lock);
    return KERN_SUCCESS;
}

kern_return_t vm_msync(vm_map_t map, vm_address_t address, vm_size_t size, vm_sync_t flags)
{
    vm_address_t start, end;
    kern_return_t kr = page_range(map, address, size, &start, &end);
    bool wait = flags & VM_SYNC_SYNCHRONOUS;

    if (kr != KERN_SUCCESS)
        return kr;
    if ((flags & ~(VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE))
        || (wait && (flags & VM_SYNC_ASYNCHRONOUS)))
        return KERN_INVALID_ARGUMENT;
    spin_lock(&map->lock);
    kr = vm_map_check(map, start, end, VM_PROT_NONE, false);
    spin_unlock(&map->lock);
    while (kr == KERN_SUCCESS && start < end) {
        vm_object_t object = NULL;
        vm_offset_t from = 0, to = 0;
        vm_map_entry_t entry;

        spin_lock(&map->lock);
        entry = vm_map_lookup(map, start);
        if (entry == NULL) {
            kr = KERN_INVALID_ADDRESS;
        } else {
            if (entry->object != NULL && entry->object->pager != NULL && !entry->object->internal) {
                object = entry->object;
                from = entry->offset + (start - entry->start);
                to = entry->offset + (MIN(end, entry->end) - entry->start);
                vm_object_reference(object);
            }
            start = entry->end;
        }
        spin_unlock(&map->lock);
        if (object == NULL)
            continue;
        kr = memory_object_clean(object, from, to, MEMORY_OBJECT_RETURN_ALL,
                                 flags & VM_SYNC_INVALIDATE, VM_PROT_NO_CHANGE, wait);
        vm_object_deallocate(object);
    }
    return kr;
}

kern_return_t vm_machine_attribute(vm_map_t map, vm_address_t address, vm_size_t size,
                                   vm_machine_attribute_t attribute,
                                   vm_machine_attribute_val_t *value)
{
    vm_address_t start, end;
    kern_return_t kr = page_range(map, address, size, &start, &end);

    if (kr != KERN_SUCCESS)
        return kr;
    if (attribute != MATTR_CACHE
        || (*value != MATTR_VAL_ICACHE_FLUSH && *value != MATTR_VAL_DCACHE_FLUSH))
        return KERN_INVALID_ARGUMENT;
    spin_lock(&map->lock);
    kr = vm_map_check(map, start, end, VM_PROT_NONE, false);
    spin_unlock(&map->lock);
    /* Data caches are coherent here; only the instruction stream needs help. */
    if (kr == KERN_SUCCESS && *value == MATTR_VAL_ICACHE_FLUSH)
        pmap_sync_icache(map->pmap, start, end - start);
    return kr;
}

kern_return_t vm_wire(host_priv_t host, vm_map_t map, vm_address_t address, vm_size_t size,
                      vm_prot_t access)
{
    vm_address_t start, end;
    kern_return_t kr = page_range(map, address, size, &start, &end);

    if (host == NULL)
        return KERN_INVALID_ARGUMENT;
    return kr == KERN_SUCCESS ? vm_map_wire(map, start, end, access) : kr;
}
