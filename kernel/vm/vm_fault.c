/*
 * Page faults: how memory comes to be there.
 *
 * A fault finds the entry, then looks for the page down the chain of objects from the entry's own
 * (the top). It ends in one of five ways:
 *   resident     the page is in the top, or may be shown read-only from below: map it
 *   copy         it is below, and is to be written: a copy of it goes into the top
 *   steal        the same, but nobody else needs the one below: it moves up instead
 *   zero fill    it is nowhere: a page of zeros goes into the top
 *   page in      a pager has it: ask, sleep
 *
 * The map's lock and the object's are held from the look-up to pmap_enter, so nothing that was
 * found can change before it is used. What has to wait (a pager, a busy page, memory) lets go of
 * everything, sleeps, and STARTS AGAIN from the look-up: there is nothing to verify after a sleep,
 * because nothing is believed from before it. Read vm_object.c on chains first.
 */
#include "vm_internal.h"

#include <mach/memory_object_user.h>

#define FAULT_RETRY (-1) /* slept: look again from the start */

struct vm_fault {
    /* set by the caller */
    vm_map_t map;         /* locked, or NULL: the object is held by a reference */
    vm_object_t top;
    vm_offset_t offset;   /* of the page, in top */
    vm_prot_t access;     /* WRITE: the page must be top's own */
    bool own;             /* it must be so although it will not be written (wiring) */
    bool no_zero_fill;    /* a page that is nowhere: leave page NULL */
    bool lazy;            /* for a lazy copy of a pager's object, top: shows its snapshot (vm_snapshot.c) */
    bool interruptible;
    uint64_t deadline;    /* of waiting for pagers, all in all; 0: not begun */
    /* result: owner is locked, and the map; other objects are not */
    vm_page_t page;       /* NULL: memory of a device object, at phys (0: see no_zero_fill) */
    phys_addr_t phys;
    vm_object_t owner;    /* where the page is; NULL: there is no object, and no_zero_fill */
    bool copied;          /* a new page hides one from below, which may still be mapped at va */
    bool refused;         /* on failure: the code is the pager's, for this page */
};

/* Lets go of everything but `object`, the one in which the search stands. */
static void unlock_others(struct vm_fault *f, vm_object_t object)
{
    if (object != f->top)
        spin_unlock(&f->top->lock);
    if (f->map != NULL)
        spin_unlock(&f->map->lock);
}

static void unlock_all(struct vm_fault *f, vm_object_t object)
{
    spin_unlock(&object->lock);
    unlock_others(f, object);
}

static kern_return_t wait_for_memory(struct vm_fault *f)
{
    kern_return_t kr = vm_memory_wait(f->interruptible);

    return kr == KERN_SUCCESS ? FAULT_RETRY : kr;
}

static kern_return_t after_wait(wait_result_t result)
{
    switch (result) {
    case THREAD_TIMED_OUT:
        return KERN_MEMORY_ERROR; /* the pager is silent */
    case THREAD_INTERRUPTED:
        return KERN_ABORTED;
    default:
        return FAULT_RETRY;
    }
}

/* The page-out thread waits for the default pager however long it takes; so does who needs a page that it
 * has. It is trusted, and what it has is nowhere else: an error would end a task that has done nothing
 * wrong. */
static uint64_t pager_deadline(struct vm_fault *f, vm_object_t object)
{
    if (object == vm_swap_object)
        return DEADLINE_NONE;
    if (f->deadline == 0)
        f->deadline = memory_object_deadline();
    return f->deadline;
}

/* Sleeps until something changes about a page that cannot be used now. */
static kern_return_t wait_for_page(struct vm_fault *f, vm_object_t object, vm_page_t page)
{
    page->wanted = true;
    event_assert_wait(page, f->interruptible, pager_deadline(f, object));
    unlock_all(f, object);
    return after_wait(thread_block());
}

/* What is done to a page of object: below the top it is only read. */
static vm_prot_t access_of(struct vm_fault *f, vm_object_t object)
{
    return object == f->top ? f->access : VM_PROT_READ;
}

/* The pager said there is an error: the page's frame holds its code. The first to see it gets
 * it. */
static kern_return_t take_error(struct vm_fault *f, vm_object_t object, vm_page_t page)
{
    kern_return_t code = *(kern_return_t *)vm_page_address(page);

    f->refused = true;
    vm_page_free(page);
    unlock_all(f, object);
    return code;
}

/* The pager forbids this access: ask it, once, to allow it; wait. */
static kern_return_t wait_for_unlock(struct vm_fault *f, vm_object_t object, vm_page_t page)
{
    vm_prot_t ask = access_of(f, object) & page->page_lock & ~page->unlock_request;
    vm_offset_t offset = page->offset;
    kern_return_t kr;

    if (object->pager_dead) {
        kr = object->error;
        unlock_all(f, object);
        return kr;
    }
    if (ask == 0)
        return wait_for_page(f, object, page);
    page->unlock_request |= ask;
    object->refs++;
    unlock_all(f, object);
    kr = sender_pays(memory_object_data_unlock(object->pager, object->control, offset, PAGE_SIZE, ask));
    if (kr == MACH_SEND_NO_BUFFER || kr == MACH_SEND_TIMED_OUT) { /* whoever wants it asks again */
        spin_lock(&object->lock);
        page = vm_page_lookup(object, offset);
        if (page != NULL) {
            page->unlock_request &= ~ask;
            if (page->wanted)
                event_wakeup(page);
            page->wanted = false;
        }
        spin_unlock(&object->lock);
    }
    vm_object_deallocate(object);
    if (kr == MACH_SEND_TIMED_OUT)
        return KERN_MEMORY_ERROR; /* it has heard nothing for long */
    return kr == MACH_SEND_NO_BUFFER ? wait_for_memory(f) : FAULT_RETRY;
}

/* The pager has been asked for the page. If a thread of its has the request, and is not woken yet (`pager`),
 * that gets the CPU, if we still have to wait. The request has left us a reference to the object: it goes
 * before the wait, or the object would stay as long. (The last one cannot go under the lock.) */
static kern_return_t wait_for_pager(struct vm_fault *f, vm_object_t object, vm_offset_t offset,
                                    thread_t pager)
{
    vm_page_t page;

    spin_lock(&object->lock);
    page = vm_page_lookup(object, offset);
    if (pager == NULL || object->refs == 1 || page == NULL || !page->absent) {
        spin_unlock(&object->lock);
        if (pager != NULL)
            thread_go(pager, THREAD_AWAKENED);
        vm_object_deallocate(object);
        return FAULT_RETRY;
    }
    object->refs--;
    page->wanted = true;
    event_assert_wait(page, f->interruptible, pager_deadline(f, object));
    spin_unlock(&object->lock);
    return after_wait(thread_block_handoff(pager));
}

/* The page is not in memory, and the object has a pager. */
static kern_return_t page_in(struct vm_fault *f, vm_object_t object, vm_offset_t offset)
{
    thread_t pager;
    kern_return_t kr;

    if (object->pager_dead || offset >= object->size) {
        kr = object->pager_dead ? object->error : KERN_MEMORY_ERROR;
        unlock_all(f, object);
        return kr;
    }
    if (!object->ready || object->returning != 0
        || object->requests >= MEMORY_OBJECT_REQUESTS_MAX) {
        unlock_others(f, object);
        return after_wait(vm_object_wait(object, f->interruptible, pager_deadline(f, object)));
    }
    kr = memory_object_request(object, offset, access_of(f, object),
                               object != f->top ? f->top : NULL, f->map, &pager);
    if (kr == KERN_SUCCESS)
        return wait_for_pager(f, object, offset, pager);
    return kr == KERN_RESOURCE_SHORTAGE ? wait_for_memory(f) : kr;
}

/* The anonymous page at offset of the locked object is in the swap space. KERN_SUCCESS: it is the
 * object's again; it keeps its slot. Else nothing is locked. */
static __attribute__((noinline)) kern_return_t swap_in(struct vm_fault *f, vm_object_t object,
                                                       vm_offset_t offset, uint32_t slot)
{
    vm_object_t swap = vm_swap_object;
    vm_page_t page;

    spin_lock_second(&swap->lock);
    page = vm_page_lookup(swap, (vm_offset_t)slot * PAGE_SIZE);
    if (page != NULL && !page->busy && !page->error) {
        vm_page_remove(page);
        spin_unlock(&swap->lock);
        vm_page_insert(page, object, offset);
        return KERN_SUCCESS;
    }
    /* As for any pager's page; `object` is one lock more. */
    if (object != f->top)
        spin_unlock(&object->lock);
    if (page == NULL)
        return page_in(f, swap, (vm_offset_t)slot * PAGE_SIZE);
    return page->busy ? wait_for_page(f, swap, page) : take_error(f, swap, page);
}

/* A page of zeros, or a copy of `from` (a page of the locked object below), becomes the top's
 * own. */
static kern_return_t fill_top(struct vm_fault *f, vm_object_t object, vm_page_t from)
{
    vm_object_t top = f->top;
    vm_page_t page;

    if (from != NULL && object == top->shadow && object->refs == 1 && object->internal
        && from->wire_count == 0 && !from->busy) {
        vm_object_move_page(from, top, f->offset); /* steal: who maps it read-only through top is
                                                     * still right to */
        page = from;
    } else {
        page = vm_page_grab_user();
        if (page == NULL) {
            unlock_all(f, object);
            return wait_for_memory(f);
        }
        if (from != NULL) {
            pmap_copy_page(from, page);
        } else if (f->phys != 0) {
            memcpy(vm_page_address(page), phys_to_virt(f->phys), PAGE_SIZE);
            from = vm_page_of_phys(f->phys);
        } else {
            pmap_zero_page(page);
        }
        f->copied = from != NULL;
        /* Others may have the old page mapped through top. */
        if (f->copied && (top->refs > 1 || f->map == NULL))
            pmap_page_protect(from, VM_PROT_NONE);
        page->dirty = true;
        vm_page_insert(page, top, f->offset);
    }
    if (from != NULL) {
        vm_count(cow_faults);
        __atomic_fetch_add(&current_task()->cow_faults, 1, __ATOMIC_RELAXED);
    } else {
        vm_count(zero_fills);
    }
    if (object != top) {
        bool deep = object != top->shadow;

        spin_unlock(&object->lock);
        if (deep || top->shadow->refs == 1)
            vm_object_collapse(top);
    }
    f->page = page;
    f->phys = 0;
    f->owner = top;
    return KERN_SUCCESS;
}

/* What a lazy copy of the locked object shows at offset: the object or, where it has one, its snapshot, which
 * is locked instead then. */
static vm_object_t snapshot_of(vm_object_t object, vm_offset_t offset)
{
    vm_object_t copy = object->copy;

    if (__builtin_expect(copy == NULL || offset >= copy->size, 1))
        return object;
    spin_lock_second(&copy->lock);
    spin_unlock(&object->lock);
    return copy;
}

/* Finds, or makes, the page. KERN_SUCCESS: as described at struct vm_fault. Anything else: nothing
 * is locked any more; FAULT_RETRY: begin again. */
static kern_return_t fault_page(struct vm_fault *f)
{
    bool own = (f->access & VM_PROT_WRITE) || f->own;
    vm_object_t object = f->top;
    vm_offset_t offset = f->offset;
    kern_return_t kr;
    vm_page_t page;
    uint32_t slot;

    f->page = NULL;
    f->phys = 0;
    spin_lock(&object->lock);
    if (f->lazy)
        f->top = object = snapshot_of(object, offset);
    for (;;) {
        vm_object_t next = object->shadow;

        page = vm_page_lookup(object, offset);
        if (page != NULL) {
            if (page->busy)
                return wait_for_page(f, object, page);
            if (page->error)
                return take_error(f, object, page);
            if (page->page_lock & access_of(f, object))
                return wait_for_unlock(f, object, page);
            break;
        }
        if (object->pager != NULL)
            return page_in(f, object, offset);
        if (__builtin_expect(object->swapped != 0, 0)
            && (slot = vm_swap_slot(object, offset)) != 0) {
            kr = swap_in(f, object, offset, slot);
            if (kr != KERN_SUCCESS)
                return kr;
            continue;
        }
        if (object->device) {
            f->phys = object->device_phys + offset;
            break;
        }
        if (next == NULL)
            break;
        spin_lock_second(&next->lock);
        offset += object->shadow_offset;
        next = snapshot_of(next, offset);
        if (object != f->top)
            spin_unlock(&object->lock);
        object = next;
    }
    if (page == NULL && f->phys == 0) {
        if (!f->no_zero_fill)
            return fill_top(f, object, NULL);
    } else if (own && object != f->top) {
        return fill_top(f, object, page);
    }
    if (object != f->top)
        spin_unlock(&f->top->lock);
    f->page = page;
    f->owner = object;
    return KERN_SUCCESS;
}

static void release(struct vm_fault *f)
{
    spin_unlock(&f->owner->lock);
    if (f->map != NULL)
        spin_unlock(&f->map->lock);
}

/* Puts the page where page replacement finds it. The owner is locked. */
static void note_use(vm_page_t page)
{
    if (page->queue == VM_PAGE_NOQUEUE)
        vm_page_activate(page);
    else
        page->reference = true;
}

/* A chain has become too long by a new shadow. The map is locked, and gets unlocked. */
static __attribute__((noinline)) kern_return_t bound_chain(vm_map_t map, vm_object_t shadow)
{
    vm_object_reference(shadow);
    spin_unlock(&map->lock);
    vm_object_bound_chain(shadow);
    vm_object_deallocate(shadow);
    return FAULT_RETRY;
}

/* The page at va for this access, by way of the map. KERN_SUCCESS: *entry, f's result, locks held.
 * Else as vm_fault, nothing locked. f: only the flags need be set. */
static kern_return_t resolve(vm_map_t map, vm_address_t va, vm_prot_t access, struct vm_fault *f,
                             vm_map_entry_t *found)
{
    vm_map_entry_t entry;
    kern_return_t kr;

    f->map = map;
    f->access = access;
    f->page = NULL;
    f->phys = 0;
    f->owner = NULL;
    f->copied = false;
    do {
        spin_lock(&map->lock);
        entry = vm_map_lookup(map, va);
        if (entry == NULL || (access & ~entry->protection)) {
            spin_unlock(&map->lock);
            return entry == NULL ? KERN_INVALID_ADDRESS : KERN_PROTECTION_FAILURE;
        }
        kr = KERN_SUCCESS;
        if (entry->object == NULL && f->no_zero_fill) {
            *found = entry;
            return KERN_SUCCESS; /* only the map is locked */
        }
        f->top = entry->object;
        f->lazy = false;
        if (f->top == NULL) {
            kr = vm_map_entry_make_object(entry);
            f->top = entry->object;
        } else if (entry->needs_copy) {
            if (!(access & VM_PROT_WRITE) && !f->own) {
                f->lazy = true;
            } else if ((kr = vm_map_entry_shadow(entry)) == KERN_SUCCESS) {
                entry = vm_map_simplify(map, entry);
                f->top = entry->object;
                if (vm_object_is_deep(f->top)) {
                    kr = bound_chain(map, f->top);
                    continue;
                }
            }
        }
        if (kr != KERN_SUCCESS) {
            spin_unlock(&map->lock);
            kr = wait_for_memory(f);
            continue;
        }
        f->offset = entry->offset + (trunc_page(va) - entry->start);
        kr = fault_page(f);
    } while (kr == FAULT_RETRY);
    *found = entry;
    return kr;
}

static kern_return_t fault(vm_map_t map, vm_address_t va, vm_prot_t access, bool interruptible,
                           bool wire)
{
    struct vm_fault f;
    vm_map_entry_t entry;
    vm_prot_t prot;
    kern_return_t kr;

    f.own = wire;
    f.no_zero_fill = false;
    f.interruptible = interruptible;
    f.deadline = 0;
    va = trunc_page(va);
    do {
        kr = resolve(map, va, access, &f, &entry);
        if (kr != KERN_SUCCESS)
            return kr;
        prot = entry->protection;
        if (entry->needs_copy || f.owner != entry->object)
            prot &= ~VM_PROT_WRITE;
        if (f.page == NULL) {
            vm_page_t frame = vm_page_of_phys(f.phys);

            kr = f.owner->normal && frame != NULL
                     ? pmap_enter(map->pmap, va, frame, prot, false)
                     : pmap_enter_device(map->pmap, va, f.phys, prot);
        } else if (wire && f.page->wire_count == UINT16_MAX) {
            release(&f);
            return KERN_RESOURCE_SHORTAGE;
        } else {
            prot &= ~f.page->page_lock;
            if (access & VM_PROT_WRITE)
                f.page->dirty = true;
            if ((prot & VM_PROT_WRITE) && f.page->dirty)
                prot |= PMAP_WRITTEN;
            kr = pmap_enter(map->pmap, va, f.page, prot, wire);
            if (kr == KERN_SUCCESS && wire && entry->wired_count == 0)
                vm_page_wire(f.page);
            else
                note_use(f.page);
        }
        if (kr != KERN_SUCCESS && f.copied) /* what is mapped is no more what the top shows */
            pmap_remove(map->pmap, va, va + PAGE_SIZE);
        release(&f);
        /* No tables: because memory is short, or because the task may have no more of it. */
        if (kr == KERN_RESOURCE_SHORTAGE && ledger_has_room(map->ledger, PMAP_TABLES_MAX * PAGE_SIZE))
            kr = wait_for_memory(&f);
    } while (kr == FAULT_RETRY);
    return kr;
}

kern_return_t vm_fault(vm_map_t map, vm_address_t va, vm_prot_t prot, bool interruptible)
{
    vm_count(faults);
    __atomic_fetch_add(&current_task()->faults, 1, __ATOMIC_RELAXED);
    if (vm_counts.free < 4 * vm_counts.free_reserved)
        vm_pageout_poke();
    return fault(map, va, prot, interruptible, false);
}

kern_return_t vm_fault_wire(vm_map_t map, vm_address_t va, vm_prot_t prot)
{
    return fault(map, va, prot, true, true);
}

/* ---- bytes, and pages, without a mapping ---- */

static const void *found_bytes(const struct vm_fault *f)
{
    return f->page != NULL ? vm_page_address(f->page) : phys_to_virt(f->phys);
}

kern_return_t vm_map_read_bytes(vm_map_t map, vm_address_t va, void *buf, vm_size_t size)
{
    while (size > 0) {
        struct vm_fault f = {.interruptible = true, .no_zero_fill = true};
        vm_size_t n = MIN(size, PAGE_SIZE - (va & PAGE_MASK));
        vm_map_entry_t entry;
        kern_return_t kr = resolve(map, va, VM_PROT_READ, &f, &entry);

        if (kr != KERN_SUCCESS)
            return kr;
        if (f.page == NULL && f.phys == 0) {
            memset(buf, 0, n);
        } else if (f.page == NULL && !f.owner->normal) {
            kr = KERN_PROTECTION_FAILURE; /* registers: reading may do things */
        } else {
            memcpy(buf, (const char *)found_bytes(&f) + (va & PAGE_MASK), n);
            if (f.page != NULL)
                note_use(f.page);
        }
        if (f.owner != NULL)
            spin_unlock(&f.owner->lock);
        spin_unlock(&map->lock);
        if (kr != KERN_SUCCESS)
            return kr;
        va += n;
        buf = (char *)buf + n;
        size -= n;
        preempt_point();
    }
    return KERN_SUCCESS;
}

kern_return_t vm_map_write_bytes(vm_map_t map, vm_address_t va, const void *buf, vm_size_t size)
{
    while (size > 0) {
        struct vm_fault f = {.interruptible = true};
        vm_size_t n = MIN(size, PAGE_SIZE - (va & PAGE_MASK));
        vm_map_entry_t entry;
        kern_return_t kr = resolve(map, va, VM_PROT_WRITE, &f, &entry);

        if (kr != KERN_SUCCESS)
            return kr;
        if (f.page == NULL) {
            kr = KERN_PROTECTION_FAILURE;
        } else {
            memcpy((char *)vm_page_address(f.page) + (va & PAGE_MASK), buf, n);
            vm_page_written(f.page);
            note_use(f.page);
            if (f.copied)
                pmap_remove(map->pmap, trunc_page(va), trunc_page(va) + PAGE_SIZE);
        }
        release(&f);
        if (kr != KERN_SUCCESS)
            return kr;
        va += n;
        buf = (const char *)buf + n;
        size -= n;
        preempt_point();
    }
    return KERN_SUCCESS;
}

kern_return_t vm_object_read_bytes(vm_object_t object, bool lazy, vm_offset_t offset, void *buf,
                                   vm_size_t size, bool *refused)
{
    while (size > 0) {
        struct vm_fault f = {.top = object, .offset = trunc_page(offset), .access = VM_PROT_READ,
                             .lazy = lazy, .interruptible = true, .no_zero_fill = true};
        vm_size_t n = MIN(size, PAGE_SIZE - (offset & PAGE_MASK));
        kern_return_t kr;

        while ((kr = fault_page(&f)) == FAULT_RETRY)
            ;
        if (kr != KERN_SUCCESS) {
            if (refused != NULL)
                *refused = f.refused;
            return kr;
        }
        if (f.page == NULL && f.phys == 0)
            memset(buf, 0, n);
        else
            memcpy(buf, (const char *)found_bytes(&f) + (offset & PAGE_MASK), n);
        release(&f);
        offset += n;
        buf = (char *)buf + n;
        size -= n;
        preempt_point();
    }
    return KERN_SUCCESS;
}

kern_return_t vm_object_own_page(vm_object_t object, vm_offset_t offset)
{
    struct vm_fault f = {.top = object, .offset = offset, .access = VM_PROT_READ, .own = true,
                         .interruptible = true, .no_zero_fill = true};
    kern_return_t kr;

    while ((kr = fault_page(&f)) == FAULT_RETRY)
        ;
    if (kr != KERN_SUCCESS)
        return kr;
    if (f.page != NULL)
        note_use(f.page);
    release(&f);
    return KERN_SUCCESS;
}

kern_return_t vm_map_copy_page(vm_map_t map, vm_address_t va, vm_page_t to, bool *present)
{
    struct vm_fault f = {.interruptible = true, .no_zero_fill = true};
    vm_map_entry_t entry;
    kern_return_t kr;

    kr = resolve(map, va, VM_PROT_NONE, &f, &entry);
    if (kr != KERN_SUCCESS)
        return kr;
    *present = f.page != NULL || f.phys != 0;
    if (f.page != NULL)
        pmap_copy_page(f.page, to);
    else if (f.phys != 0)
        memcpy(vm_page_address(to), phys_to_virt(f.phys), PAGE_SIZE);
    if (f.owner != NULL)
        spin_unlock(&f.owner->lock);
    spin_unlock(&map->lock);
    return KERN_SUCCESS;
}
