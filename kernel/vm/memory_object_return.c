/*
 * Pages on their way back to a pager: for memory_object_lock_request, vm_msync, page-out, and at an
 * object's end.
 *
 * What is returned travels in an anonymous object of its own, the laundry: pages are moved to it
 * (when they leave the object) or copied (when the kernel keeps them), and a message gives it to
 * the pager. When the pager has deallocated the memory the laundry object goes: that tells how much
 * is under way, and, for who waits, when it has arrived.
 */
#include "vm_internal.h"

#include <mach/memory_object_user.h>

#define BUFFER_WAIT_MS 10 /* until memory for a message may be free */

struct laundry {
    vm_object_t object;  /* holds the pages, from offset 0 on */
    vm_map_copy_t copy;  /* a message's view of it */
    vm_offset_t offset;  /* of the first page, in the pager's object */
    uint32_t count;
    bool dirty;          /* all are; or none, and they are precious */
    bool kept;           /* the kernel has a copy of each */
};

/* Everything that sending will need. False: out of memory. Never blocks. */
static bool laundry_init(struct laundry *l)
{
    vm_map_entry_t entry = vm_map_entry_alloc();

    l->count = 0;
    l->object = vm_object_allocate(0);
    l->copy = kalloc(sizeof(*l->copy));
    if (entry != NULL && l->object != NULL && l->copy != NULL) {
        queue_init(&l->copy->entries);
        l->copy->offset = 0;
        entry->object = l->object;
        enqueue_tail(&l->copy->entries, &entry->link);
        return true;
    }
    if (entry != NULL)
        vm_map_entry_free(entry);
    if (l->object != NULL)
        vm_object_free(l->object); /* nobody knows it */
    if (l->copy != NULL)
        kfree(l->copy, sizeof(*l->copy));
    return false;
}

static bool is_dirty(vm_page_t page)
{
    return page->dirty || pmap_is_modified(page);
}

static bool to_be_returned(vm_page_t page, memory_object_return_t how)
{
    if (page->busy || page->error || how == MEMORY_OBJECT_RETURN_NONE)
        return false;
    return is_dirty(page) || (page->precious && how == MEMORY_OBJECT_RETURN_ALL);
}

/* Takes one page of the locked object into the laundry. False: no memory for its copy. */
static bool take(struct laundry *l, vm_object_t object, vm_page_t page)
{
    vm_page_t clean = page;

    if (l->kept) {
        clean = vm_page_grab();
        if (clean == NULL)
            return false;
        pmap_page_protect(page, VM_PROT_READ); /* no write between copy and clear */
        pmap_copy_page(page, clean);
        pmap_clear_modify(page);
        page->dirty = false;
        page->precious = false;
    } else {
        pmap_page_protect(page, VM_PROT_NONE);
        if (page->wanted)
            event_wakeup(page);
        page->wanted = false;
        page->precious = false;
        page->page_lock = page->unlock_request = 0;
        vm_page_remove(page);
    }
    clean->dirty = true;
    vm_page_insert(clean, l->object, l->count * PAGE_SIZE);
    vm_page_activate(clean);
    l->count++;
    return true;
}

/* Sends the laundry, which object->returning counts and payer has paid for; it is consumed. Until it is
 * sent, nobody asks for these pages again: the pager would give out what it had before. wait: until the
 * pager has deallocated it. */
static kern_return_t send(struct laundry *l, vm_object_t object, struct ledger *payer, bool wait)
{
    vm_size_t size = l->count * PAGE_SIZE;
    vm_object_t pages = l->object;
    uint64_t deadline = memory_object_deadline();
    bool timed_out = false;
    kern_return_t kr;

    pages->size = size;
    queue_first(&l->copy->entries, struct vm_map_entry, link)->end = size;
    l->copy->size = size;
    pages->laundry_of = object;
    pages->payer = payer;
    __atomic_fetch_add(&object->laundry_pages, l->count, __ATOMIC_RELAXED);
    __atomic_fetch_add(pages->swap_laundry ? &vm_swap_laundry : &vm_laundry_count, l->count,
                       __ATOMIC_RELAXED);
    __atomic_fetch_add(&vm_counts.pageouts, l->count, __ATOMIC_RELAXED);
    if (wait)
        vm_object_reference(pages);
    do {
        kr = memory_object_data_return(object->pager, object->control, l->offset, l->copy, size,
                                       l->dirty, l->kept);
        if (kr == MACH_SEND_NO_BUFFER && vm_memory_wait(false) != KERN_SUCCESS)
            thread_sleep_until(deadline_after_ms(BUFFER_WAIT_MS)); /* it is all there is of the data */
    } while (kr == MACH_SEND_NO_BUFFER);
    spin_lock(&object->lock);
    if (--object->returning == 0)
        vm_object_wakeup(object);
    spin_unlock(&object->lock);
    if (kr != KERN_SUCCESS) {
        vm_map_copy_discard(l->copy); /* a dead pager: there is nowhere for it to go */
        if (wait)
            vm_object_deallocate(pages);
        return KERN_MEMORY_FAILURE;
    }
    while (wait && !timed_out) {
        spin_lock(&pages->lock);
        if (pages->refs == 1) {
            spin_unlock(&pages->lock);
            break;
        }
        switch (vm_object_wait(pages, true, deadline)) {
        case THREAD_TIMED_OUT:
        case THREAD_INTERRUPTED:
            timed_out = true;
            break;
        default:
            break;
        }
    }
    if (wait)
        vm_object_deallocate(pages);
    return timed_out ? KERN_MEMORY_ERROR : KERN_SUCCESS;
}

/* Gathers pages to be returned from `offset` on, at most to end, while they are of one kind, and
 * sends them. Object locked (the first page is one to be returned); unlocks. *next: where to go on.
 * KERN_RESOURCE_SHORTAGE: no memory, nothing done, not paid. */
static kern_return_t return_run(vm_object_t object, vm_offset_t offset, vm_offset_t end,
                                memory_object_return_t how, bool flush, struct ledger *payer,
                                bool wait, vm_offset_t *next)
{
    vm_page_t page = vm_page_lookup(object, offset);
    struct laundry l;
    bool room = true;
    kern_return_t kr;

    if (!laundry_init(&l)) {
        spin_unlock(&object->lock);
        return KERN_RESOURCE_SHORTAGE;
    }
    l.offset = offset;
    l.dirty = is_dirty(page);
    l.kept = !flush || page->wire_count != 0;
    end = MIN(end - offset, MEMORY_OBJECT_CLUSTER_MAX * PAGE_SIZE) + offset;
    spin_lock_second(&l.object->lock);
    while (page != NULL && to_be_returned(page, how) && is_dirty(page) == l.dirty
           && (!flush || page->wire_count != 0) == l.kept && (room = take(&l, object, page))) {
        offset += PAGE_SIZE;
        page = offset < end ? vm_page_lookup(object, offset) : NULL;
    }
    spin_unlock(&l.object->lock);
    object->refs++;
    object->returning += l.count != 0;
    spin_unlock(&object->lock);
    *next = offset;
    if (l.count == 0) {
        vm_map_copy_discard(l.copy);
        vm_object_deallocate(object);
        return KERN_RESOURCE_SHORTAGE;
    }
    kr = send(&l, object, payer, wait);
    vm_object_deallocate(object);
    return kr;
}

/* What a page that need not be returned gets. Object locked. */
static void settle(vm_page_t page, bool flush, vm_prot_t lock_value)
{
    if (flush && page->wire_count == 0) {
        pmap_page_protect(page, VM_PROT_NONE);
        vm_page_free(page);
        return;
    }
    if (lock_value == VM_PROT_NO_CHANGE)
        return;
    if (lock_value & (VM_PROT_READ | VM_PROT_EXECUTE))
        pmap_page_protect(page, VM_PROT_NONE);
    else if (lock_value & VM_PROT_WRITE)
        pmap_page_protect(page, VM_PROT_READ);
    page->page_lock = lock_value;
    page->unlock_request = 0;
    if (page->wanted) {
        page->wanted = false;
        event_wakeup(page);
    }
}

kern_return_t memory_object_clean(vm_object_t object, vm_offset_t start, vm_offset_t end,
                                  memory_object_return_t should_return, bool flush,
                                  vm_prot_t lock_value, bool wait)
{
    kern_return_t kr = KERN_SUCCESS;
    vm_page_t page;

    while (kr == KERN_SUCCESS) {
        struct ledger *payer = current_ledger();
        vm_offset_t next;

        spin_lock(&object->lock);
        page = vm_object_next_page(object, start, end);
        if (page == NULL) {
            spin_unlock(&object->lock);
            break;
        }
        start = page->offset;
        if (page->busy && !page->absent) { /* being filled: that does not last */
            page->wanted = true;
            event_assert_wait(page, false, memory_object_deadline());
            spin_unlock(&object->lock);
            thread_block();
        } else if (to_be_returned(page, should_return) && !object->pager_dead) {
            if (!ledger_charge_message(payer, 1, LAUNDRY_COST)) {
                spin_unlock(&object->lock);
                return KERN_RESOURCE_SHORTAGE;
            }
            kr = return_run(object, start, end, should_return, flush, payer, wait, &next);
            if (kr == KERN_RESOURCE_SHORTAGE) {
                ledger_credit_message(payer, 1, LAUNDRY_COST);
                kr = vm_memory_wait(true);
            } else if (flush || lock_value == VM_PROT_NO_CHANGE) {
                start = next; /* else once more, for the lock */
            }
        } else {
            start += PAGE_SIZE;
            if (!page->absent)
                settle(page, flush, lock_value);
            spin_unlock(&object->lock);
        }
        preempt_point();
    }
    return kr;
}

bool memory_object_return_all(vm_object_t object)
{
    kern_return_t kr = KERN_SUCCESS;
    vm_offset_t at = 0;

    while (kr == KERN_SUCCESS) {
        vm_page_t page;

        spin_lock(&object->lock);
        page = vm_object_next_page(object, at, ~PAGE_MASK);
        if (page == NULL) {
            spin_unlock(&object->lock);
            break;
        }
        at = page->offset;
        if (!to_be_returned(page, MEMORY_OBJECT_RETURN_ALL)) { /* it goes with the object */
            at += PAGE_SIZE;
            spin_unlock(&object->lock);
        } else if (vm_laundry_is_full(object)) {
            spin_unlock(&object->lock);
            kr = KERN_RESOURCE_SHORTAGE;
        } else {
            kr = return_run(object, at, ~PAGE_MASK, MEMORY_OBJECT_RETURN_ALL, true, NULL, false, &at);
        }
        preempt_point();
    }
    return kr != KERN_RESOURCE_SHORTAGE;
}

kern_return_t memory_object_page_out(vm_object_t object, vm_page_t page)
{
    vm_offset_t next;

    return return_run(object, page->offset, ~PAGE_MASK, MEMORY_OBJECT_RETURN_ALL, true, NULL,
                      false, &next);
}

/* May this page of an anonymous object go along with the one before it? */
static bool goes_along(vm_page_t page)
{
    return page != NULL && !page->busy && page->wire_count == 0 && is_dirty(page)
           && !page->reference && !pmap_is_referenced(page) && !pmap_is_pinned(page);
}

bool memory_object_swap_out(vm_object_t object, vm_page_t page)
{
    vm_object_t swap = vm_swap_object;
    vm_offset_t offset = page->offset;
    uint32_t want = 1, count = 0, slot;
    struct laundry l;
    bool room = true;

    if (!laundry_init(&l)) {
        spin_unlock(&object->lock);
        return false;
    }
    l.object->swap_laundry = true;
    while (want < MEMORY_OBJECT_CLUSTER_MAX
           && goes_along(vm_page_lookup(object, offset + want * PAGE_SIZE)))
        want++;
    spin_lock_second(&swap->lock);
    slot = vm_swap_alloc(want, &count);
    swap->refs++;
    swap->returning++;
    spin_unlock(&swap->lock);
    l.offset = (vm_offset_t)slot * PAGE_SIZE;
    l.dirty = true;
    l.kept = false;
    spin_lock_second(&l.object->lock);
    for (uint32_t i = 0; i < count; i++, offset += PAGE_SIZE) {
        room = room && vm_swap_set(object, offset, slot + i);
        if (room) {
            vm_page_t next = vm_page_lookup(object, offset);

            pmap_page_evict(next);
            take(&l, object, next);
        } else {
            vm_swap_release(slot + i);
        }
    }
    spin_unlock(&l.object->lock);
    spin_unlock(&object->lock);
    if (l.count != 0) {
        send(&l, swap, NULL, false);
    } else {
        vm_map_copy_discard(l.copy);
        spin_lock(&swap->lock);
        if (--swap->returning == 0)
            vm_object_wakeup(swap);
        spin_unlock(&swap->lock);
    }
    vm_object_deallocate(swap);
    return l.count != 0;
}
