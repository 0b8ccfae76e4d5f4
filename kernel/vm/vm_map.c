/*
 * Address spaces: entries made, found, cut, joined and removed. Read vm/vm_map.h first,
 * vm_map_tree.c for how entries are found, vm_fault.c for how they come to show anything.
 *
 * An operation on a range first checks all of it, then cuts the entries at the range's two ends
 * (the only step that can run out of memory), then works on whole entries, and at last joins
 * neighbours that have become alike: so it happens completely or not at all, and a protection
 * flipped a million times leaves no more entries than before.
 *
 * Who may look at an object through which entries? Without needs_copy and shared, the entries that
 * refer to one object show disjoint parts of it: pieces of what once was one entry. So the pages
 * under such an entry are its own, and go when it goes.
 */
#include "vm_internal.h"

#include <machine/cpu.h>

static zone_t map_zone;
static zone_t entry_zone;

/* Where vm_allocate(anywhere) starts to look: above what programs are linked at, and their
 * heaps. */
#define DEFAULT_PLACE ((vm_address_t)0x10000000)

vm_map_entry_t vm_map_entry_alloc(void)
{
    vm_map_entry_t entry = zalloc(entry_zone);

    if (entry != NULL) /* what comes before is vm_map_entry_link's to set */
        __builtin_memset(&entry->start, 0, sizeof(*entry) - offsetof(struct vm_map_entry, start));
    return entry;
}

void vm_map_entry_free(vm_map_entry_t entry)
{
    zfree(entry_zone, entry);
}

vm_map_t vm_map_create(struct ledger *ledger)
{
    vm_map_t map = ledger_zalloc(ledger, map_zone, sizeof(*map));

    if (map == NULL)
        return NULL;
    map->ledger = ledger;
    map->pmap = pmap_create(ledger);
    if (map->pmap == NULL) {
        ledger_zfree(ledger, map_zone, map, sizeof(*map));
        return NULL;
    }
    spin_lock_init(&map->lock, LOCK_VM_MAP);
    queue_init(&map->entries);
    map->refs = 1;
    map->max = VM_MAX_ADDRESS;
    map->seed = (uint32_t)machine_time() | 1; /* who knew the priorities could make the tree a list */
    return map;
}

void vm_map_reference(vm_map_t map)
{
    __atomic_fetch_add(&map->refs, 1, __ATOMIC_RELAXED);
}

void vm_map_deallocate(vm_map_t map)
{
    if (map == NULL || __atomic_sub_fetch(&map->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    vm_map_terminate(map);
    pmap_destroy(map->pmap);
    ledger_zfree(map->ledger, map_zone, map, sizeof(*map));
}

void vm_map_terminate(vm_map_t map)
{
    spin_lock(&map->lock);
    map->ended = true; /* a vm_allocate under way elsewhere comes too late */
    spin_unlock(&map->lock);
    vm_map_remove(map, map->min, map->max); /* cuts nothing, so it cannot fail */
}

vm_map_entry_t vm_map_lookup(vm_map_t map, vm_address_t address)
{
    vm_map_entry_t entry = map->hint;

    if (entry != NULL && entry->start <= address && address < entry->end)
        return entry;
    entry = vm_map_entry_at_or_above(map, address);
    if (entry == NULL || entry->start > address)
        return NULL;
    map->hint = entry;
    return entry;
}

/* ---- entries and their objects ---- */

kern_return_t vm_map_entry_make_object(vm_map_entry_t entry)
{
    if (entry->object != NULL)
        return KERN_SUCCESS;
    entry->object = vm_object_allocate(entry->end - entry->start);
    entry->offset = 0;
    return entry->object != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

void vm_map_entry_freeze(vm_map_entry_t entry)
{
    if (entry->object == NULL || entry->needs_copy)
        return;
    entry->needs_copy = true;
    spin_lock(&entry->object->lock);
    entry->object->cow_refs++;
    spin_unlock(&entry->object->lock);
}

kern_return_t vm_map_entry_shadow(vm_map_entry_t entry)
{
    vm_object_t old = entry->object;
    vm_object_t shadow;

    if (!entry->needs_copy)
        return KERN_SUCCESS;
    spin_lock(&old->lock);
    if (old->internal && old->cow_refs == 1 && old->shadow_count == 0) {
        /* All copies are gone: the object is this entry's alone again. */
        old->cow_refs = 0;
        spin_unlock(&old->lock);
        entry->needs_copy = false;
        return KERN_SUCCESS;
    }
    spin_unlock(&old->lock);
    shadow = vm_object_allocate(entry->end - entry->start);
    if (shadow == NULL)
        return KERN_RESOURCE_SHORTAGE;
    spin_lock(&old->lock);
    old->cow_refs--;
    vm_object_link_shadow(shadow, old);
    vm_object_collapse(old); /* its contents are final now: the time to tidy below it */
    spin_unlock(&old->lock);
    shadow->shadow = old; /* the entry's reference */
    shadow->depth = old->depth + (old->depth != UINT16_MAX);
    shadow->shadow_offset = entry->offset;
    entry->object = shadow;
    entry->offset = 0;
    entry->needs_copy = false;
    return KERN_SUCCESS;
}

kern_return_t vm_map_object_at(vm_map_t map, vm_address_t va, vm_object_t *object,
                               vm_offset_t *offset)
{
    kern_return_t kr = KERN_INVALID_ADDRESS;
    bool shadowed = false;
    vm_map_entry_t entry;

    spin_lock(&map->lock);
    entry = vm_map_lookup(map, va);
    if (entry != NULL && (entry->protection & VM_PROT_READ))
        kr = vm_map_entry_make_object(entry);
    if (kr == KERN_SUCCESS && (entry->protection & VM_PROT_WRITE)) {
        shadowed = entry->needs_copy;
        kr = vm_map_entry_shadow(entry);
    }
    if (kr == KERN_SUCCESS) {
        *object = entry->object;
        *offset = entry->offset + (va - entry->start);
        vm_object_reference(entry->object);
    }
    spin_unlock(&map->lock);
    if (kr == KERN_SUCCESS && shadowed && vm_object_is_deep(*object))
        vm_object_bound_chain(*object);
    return kr;
}

void vm_map_unwire_pages(vm_map_entry_t entry, vm_address_t start, vm_address_t end)
{
    vm_object_t object = entry->object;

    if (object == NULL)
        return;
    spin_lock(&object->lock);
    for (vm_address_t va = start; va < end; va += PAGE_SIZE) {
        vm_page_t page = vm_page_lookup(object, entry->offset + (va - entry->start));

        if (page != NULL && page->wire_count != 0)
            vm_page_unwire(page);
    }
    spin_unlock(&object->lock);
}

/* Can nobody else see the pages under the entry? Object locked. */
static bool owns_pages(vm_map_entry_t entry, vm_object_t object)
{
    return object->internal && !entry->shared && !entry->needs_copy && object->cow_refs == 0
           && object->shadow_count == 0;
}

void vm_map_entry_dispose(vm_map_entry_t entry)
{
    vm_object_t object = entry->object;
    bool own;

    if (entry->wired_count != 0)
        vm_map_unwire_pages(entry, entry->start, entry->end);
    if (object != NULL && !(object->internal && object->refs == 1)) { /* else all of it goes */
        spin_lock(&object->lock);
        object->cow_refs -= entry->needs_copy;
        own = owns_pages(entry, object) && object->refs > 1
              && (object->resident_count != 0 || object->swapped != 0);
        spin_unlock(&object->lock);
        if (own)
            vm_object_page_remove(object, entry->offset, entry->offset + entry->end - entry->start);
    }
    vm_object_deallocate(object);
    vm_map_entry_free(entry);
}

uint64_t vm_map_claim(vm_map_t map)
{
    vm_object_t last = NULL;
    vm_map_entry_t entry;
    uint64_t claim = 0;

    spin_lock(&map->lock);
    queue_for_each(entry, &map->entries, struct vm_map_entry, link) {
        vm_object_t object = entry->object;
        uint64_t pages = (entry->end - entry->start) >> PAGE_SHIFT;

        if (object == NULL)
            continue;
        spin_lock(&object->lock);
        if (object->internal)
            claim += MIN(pages, (uint64_t)object->resident_count + object->swapped);
        else if (object->copy != NULL && object != last) /* the same for whatever part is mapped */
            claim += object->copy->resident_count + object->copy->swapped;
        spin_unlock(&object->lock);
        last = object;
    }
    spin_unlock(&map->lock);
    return claim;
}

/* ---- cutting and joining ---- */

vm_map_entry_t vm_map_clip(vm_map_t map, vm_map_entry_t entry, vm_address_t at)
{
    vm_map_entry_t upper = ledger_has_room(map->ledger, sizeof(*upper)) ? vm_map_entry_alloc() : NULL;

    if (upper == NULL)
        return NULL;
    assert(entry->start < at && at < entry->end);
    *upper = *entry;
    upper->start = at;
    if (entry->object != NULL) {
        upper->offset = entry->offset + (at - entry->start);
        spin_lock(&entry->object->lock);
        entry->object->refs++;
        entry->object->cow_refs += entry->needs_copy;
        spin_unlock(&entry->object->lock);
    }
    vm_map_entry_resize(map, entry, entry->start, at);
    vm_map_entry_link(map, upper, vm_map_entry_next(map, entry));
    return upper;
}

kern_return_t vm_map_clip_range(vm_map_t map, vm_address_t start, vm_address_t end)
{
    vm_map_entry_t entry = vm_map_lookup(map, start);

    if (entry != NULL && entry->start < start && vm_map_clip(map, entry, start) == NULL)
        return KERN_RESOURCE_SHORTAGE;
    entry = vm_map_lookup(map, end - 1);
    if (entry != NULL && end < entry->end && vm_map_clip(map, entry, end) == NULL) {
        entry = vm_map_lookup(map, start);
        if (entry != NULL)
            vm_map_simplify(map, entry);
        return KERN_RESOURCE_SHORTAGE;
    }
    return KERN_SUCCESS;
}

/* Does b continue a? */
static bool alike(vm_map_entry_t a, vm_map_entry_t b)
{
    return a->end == b->start && a->object == b->object
           && (a->object == NULL || b->offset == a->offset + (a->end - a->start))
           && a->protection == b->protection && a->max_protection == b->max_protection
           && a->inheritance == b->inheritance && a->needs_copy == b->needs_copy
           && a->shared == b->shared && a->wired_count == b->wired_count && !a->in_transition
           && !b->in_transition && !a->leaving && !b->leaving;
}

/* Joins upper to lower, which it continues. Its reference to the object is one of two: not the
 * last. */
static void join(vm_map_t map, vm_map_entry_t lower, vm_map_entry_t upper)
{
    vm_address_t end = upper->end;

    if (upper->object != NULL) {
        spin_lock(&upper->object->lock);
        upper->object->refs--;
        upper->object->cow_refs -= upper->needs_copy;
        spin_unlock(&upper->object->lock);
    }
    vm_map_entry_unlink(map, upper);
    vm_map_entry_resize(map, lower, lower->start, end);
    vm_map_entry_free(upper);
}

vm_map_entry_t vm_map_simplify(vm_map_t map, vm_map_entry_t entry)
{
    vm_map_entry_t prev = vm_map_entry_prev(map, entry);
    vm_map_entry_t next = vm_map_entry_next(map, entry);

    if (next != NULL && alike(entry, next))
        join(map, entry, next);
    if (prev != NULL && alike(prev, entry)) {
        join(map, prev, entry);
        return prev;
    }
    return entry;
}

void vm_map_simplify_range(vm_map_t map, vm_address_t start, vm_address_t end)
{
    vm_map_entry_t entry = vm_map_entry_at_or_above(map, start);

    while (entry != NULL && entry->start <= end) {
        entry = vm_map_simplify(map, entry);
        entry = vm_map_entry_next(map, entry);
    }
}

kern_return_t vm_map_check(vm_map_t map, vm_address_t start, vm_address_t end, vm_prot_t prot,
                           bool of_max)
{
    vm_map_entry_t entry = vm_map_lookup(map, start);

    for (;;) {
        if (entry == NULL || entry->start > start)
            return KERN_INVALID_ADDRESS;
        if (prot & ~(of_max ? entry->max_protection : entry->protection))
            return KERN_PROTECTION_FAILURE;
        if (entry->end >= end)
            return KERN_SUCCESS;
        start = entry->end;
        entry = vm_map_entry_next(map, entry);
    }
}

/* ---- mapping ---- */

bool vm_map_may_grow(vm_map_t map, vm_size_t size)
{
    const struct ledger *ledger = map->ledger;

    return ledger == NULL
           || map->size + ledger->used[LEDGER_VIRTUAL] + size <= ledger->limit[LEDGER_VIRTUAL];
}

kern_return_t vm_map_place(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask,
                           bool anywhere, vm_map_entry_t *next)
{
    vm_address_t place = *address;

    if (size == 0 || !page_aligned(place) || !page_aligned(size))
        return KERN_INVALID_ARGUMENT;
    if (size > map->max)
        return KERN_NO_SPACE;
    if (map->ended)
        return KERN_TERMINATED;
    if (!vm_map_may_grow(map, size))
        return KERN_RESOURCE_SHORTAGE;
    if (!anywhere) {
        if (place > map->max - size)
            return KERN_INVALID_ADDRESS;
        *next = vm_map_entry_at_or_above(map, place);
        return *next == NULL || (*next)->start >= place + size ? KERN_SUCCESS : KERN_NO_SPACE;
    }
    mask |= PAGE_MASK;
    if (mask & (mask + 1))
        return KERN_INVALID_ARGUMENT; /* not of the form 2^n - 1 */
    if (mask >= map->max)
        return KERN_NO_SPACE;
    if (place == 0)
        place = DEFAULT_PLACE;
    place = MAX(place, VM_MIN_ADDRESS);
    /* With room to align in, any gap that is found will do. From the hint up, then from the
     * bottom. */
    if (!vm_map_find_space(map, place, size + (mask - PAGE_MASK), map->max, &place, next)
        && !vm_map_find_space(map, VM_MIN_ADDRESS, size + (mask - PAGE_MASK), map->max, &place, next))
        return KERN_NO_SPACE;
    *address = (place + mask) & ~mask;
    return KERN_SUCCESS;
}

/* New zero-filled memory just above prev (may be NULL), with the same attributes: the entry grows, and its
 * object, as long as nobody else can see into that. False: make a new entry. */
static bool extend(vm_map_t map, vm_map_entry_t prev, vm_address_t start, vm_address_t end, vm_prot_t cur,
                   vm_prot_t max, vm_inherit_t inheritance)
{
    vm_object_t object;
    vm_offset_t old_end, new_end;
    bool fits;

    if (prev == NULL || prev->end != start || prev->protection != cur
        || prev->max_protection != max || prev->inheritance != inheritance || prev->needs_copy
        || prev->shared || prev->wired_count != 0 || prev->in_transition || prev->leaving)
        return false;
    object = prev->object;
    if (object != NULL) {
        old_end = prev->offset + (prev->end - prev->start);
        new_end = old_end + (end - start);
        spin_lock(&object->lock);
        fits = object->internal && object->refs == 1 && object->shadow_count == 0
               && object->shadow == NULL
               && (object->size <= old_end
                   || (vm_object_next_page(object, old_end, new_end) == NULL
                       && vm_swap_next(object, old_end, new_end) == new_end));
        if (fits)
            object->size = MAX(object->size, new_end);
        spin_unlock(&object->lock);
        if (!fits)
            return false;
    }
    vm_map_entry_resize(map, prev, prev->start, end);
    vm_map_simplify(map, prev);
    return true;
}

kern_return_t vm_map_enter(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask,
                           bool anywhere, vm_object_t object, vm_offset_t offset, bool needs_copy,
                           vm_prot_t cur, vm_prot_t max, vm_inherit_t inheritance)
{
    vm_map_entry_t entry, next;
    vm_address_t place = *address;
    kern_return_t kr;

    if (((cur | max) & ~VM_PROT_ALL) || inheritance < VM_INHERIT_SHARE
        || inheritance > VM_INHERIT_NONE || !page_aligned(offset) || offset + size < offset)
        return KERN_INVALID_ARGUMENT;
    if ((cur & ~max) || (cur & VM_PROT_WRITE && cur & VM_PROT_EXECUTE))
        return KERN_PROTECTION_FAILURE;
    spin_lock(&map->lock);
    kr = vm_map_place(map, &place, size, mask, anywhere, &next);
    if (kr != KERN_SUCCESS)
        goto out;
    if (object == NULL
        && extend(map, vm_map_entry_prev(map, next), place, place + size, cur, max, inheritance))
        goto done;
    entry = ledger_has_room(map->ledger, sizeof(*entry)) ? vm_map_entry_alloc() : NULL;
    if (entry == NULL) {
        kr = KERN_RESOURCE_SHORTAGE;
        goto out;
    }
    entry->start = place;
    entry->end = place + size;
    entry->object = object;
    entry->offset = object != NULL ? offset : 0;
    entry->protection = cur;
    entry->max_protection = max;
    entry->inheritance = inheritance;
    if (needs_copy)
        vm_map_entry_freeze(entry);
    vm_map_entry_link(map, entry, next);
    if (object == NULL && next != NULL && alike(entry, next))
        join(map, entry, next);
done:
    *address = place;
out:
    spin_unlock(&map->lock);
    return kr;
}

/* Takes the mappings of a big entry away piece by piece, so that the one pass that must hold the
 * map's lock finds little left to do. Faults may bring some back: that only costs time. */
static void remove_mappings_early(pmap_t pmap, vm_address_t start, vm_size_t size,
                                  uint32_t resident)
{
    uint32_t pieces = resident / (8 * VM_BATCH) + 1;
    vm_size_t step = round_page(size / pieces + PAGE_SIZE);

    for (vm_size_t done = 0; done < size; done += step) {
        pmap_remove(pmap, start + done, start + MIN(done + step, size));
        preempt_point();
    }
}

/* Of a big entry, how many pages of it may be mapped at most; 0: few. */
static uint32_t most_mapped(vm_map_t map, vm_map_entry_t entry)
{
    const uint32_t few = 16 * VM_BATCH;
    uint32_t pages;

    if (entry->end - entry->start <= few * PAGE_SIZE || entry->object == NULL)
        return 0;
    pages = MIN(pmap_resident_count(map->pmap), entry->object->resident_count);
    return pages > few ? pages : 0;
}

/* Unmaps a few pages at one end of an entry, which becomes smaller: nothing need be made for what goes.
 * False: they are not such. Map locked. */
static bool trim(vm_map_t map, vm_map_entry_t entry, vm_address_t start, vm_address_t end)
{
    vm_object_t object = entry->object;
    vm_offset_t offset = entry->offset + (start - entry->start);
    bool own = false;

    if (start < entry->start || end > entry->end || (start == entry->start) == (end == entry->end)
        || end - start >= VM_BATCH * PAGE_SIZE || entry->in_transition || entry->wired_count != 0)
        return false;
    pmap_remove(map->pmap, start, end);
    if (object != NULL) {
        spin_lock(&object->lock);
        own = owns_pages(entry, object);
        spin_unlock(&object->lock);
    }
    if (own)
        vm_object_page_remove(object, offset, offset + (end - start));
    if (end == entry->end) {
        vm_map_entry_resize(map, entry, entry->start, start);
    } else {
        entry->offset += object != NULL ? end - start : 0;
        vm_map_entry_resize(map, entry, end, entry->end);
    }
    return true;
}

/* Unmaps an entry, and disposes of it. The map is locked, and gets unlocked. */
static inline __attribute__((always_inline)) void remove_entry(vm_map_t map, vm_map_entry_t entry)
{
    pmap_remove(map->pmap, entry->start, entry->end);
    if (entry->wired_count != 0)
        map->wired_size -= entry->end - entry->start;
    vm_map_entry_unlink(map, entry);
    spin_unlock(&map->lock);
    vm_map_entry_dispose(entry);
}

/* The first entry of the range that is leaving, or NULL. What came in meanwhile stays. Map locked. */
static vm_map_entry_t first_leaving(vm_map_t map, vm_address_t start, vm_address_t end)
{
    vm_map_entry_t entry = vm_map_entry_at_or_above(map, start);

    while (entry != NULL && entry->start < end && !entry->leaving)
        entry = vm_map_entry_next(map, entry);
    return entry != NULL && entry->start < end ? entry : NULL;
}

/* All entries of the range are cut and marked before the first goes: marked ones stay inside it, whatever
 * others do to the map while it is unlocked, so there is nothing left that could fail. */
kern_return_t vm_map_remove(vm_map_t map, vm_address_t start, vm_address_t end)
{
    kern_return_t kr = KERN_SUCCESS;
    vm_address_t early = start; /* up to here remove_mappings_early has been */
    vm_map_entry_t entry, next;
    bool more;

    if (start >= end)
        return KERN_SUCCESS;
    spin_lock(&map->lock);
    entry = vm_map_lookup(map, start);
    if (entry == NULL || entry->start != start || entry->end != end) {
        if (entry != NULL && trim(map, entry, start, end)) {
            spin_unlock(&map->lock);
            return KERN_SUCCESS;
        }
        kr = vm_map_clip_range(map, start, end);
        if (kr != KERN_SUCCESS) {
            spin_unlock(&map->lock);
            return kr;
        }
        entry = vm_map_entry_at_or_above(map, start);
    } else if (!entry->in_transition && most_mapped(map, entry) == 0) { /* as nearly always: just one */
        remove_entry(map, entry);
        return KERN_SUCCESS;
    }
    for (next = entry; next != NULL && next->start < end; next = vm_map_entry_next(map, next))
        next->leaving = true;
    while (entry != NULL && entry->start < end) {
        uint32_t resident = most_mapped(map, entry);

        if (entry->in_transition) { /* being wired: that ends by itself */
            map->transition_wanted = true;
            event_assert_wait(map, false, DEADLINE_NONE);
            spin_unlock(&map->lock);
            thread_block();
        } else if (resident != 0 && entry->start >= early) {
            vm_address_t from = entry->start;
            vm_size_t size = entry->end - entry->start;

            early = entry->end;
            spin_unlock(&map->lock);
            remove_mappings_early(map->pmap, from, size, resident);
        } else {
            next = vm_map_entry_next(map, entry);
            start = entry->end;
            more = next != NULL && next->start < end;
            remove_entry(map, entry);
            if (!more)
                return KERN_SUCCESS;
            preempt_point();
        }
        spin_lock(&map->lock);
        entry = first_leaving(map, start, end);
    }
    spin_unlock(&map->lock);
    return KERN_SUCCESS;
}

/* ---- wiring ---- */

/* Ends the transition of [start, end): counts it as wired, or (undo) unwires the pages up to
 * `done`. */
static void finish_wiring(vm_map_t map, vm_address_t start, vm_address_t end, vm_address_t done,
                          bool undo)
{
    vm_map_entry_t entry;

    spin_lock(&map->lock);
    for (entry = vm_map_lookup(map, start); entry != NULL && entry->start < end;
         entry = vm_map_entry_next(map, entry)) {
        entry->in_transition = false;
        if (undo && entry->wired_count == 0 && entry->start < done)
            vm_map_unwire_pages(entry, entry->start, MIN(entry->end, done));
        if (undo)
            continue;
        if (entry->wired_count++ == 0)
            map->wired_size += entry->end - entry->start;
    }
    vm_map_simplify_range(map, start, end);
    if (map->transition_wanted) {
        map->transition_wanted = false;
        event_wakeup(map);
    }
    spin_unlock(&map->lock);
}

static kern_return_t unwire(vm_map_t map, vm_address_t start, vm_address_t end)
{
    vm_map_entry_t entry;
    kern_return_t kr;

    spin_lock(&map->lock);
    kr = vm_map_check(map, start, end, VM_PROT_NONE, false);
    for (entry = vm_map_lookup(map, start);
         kr == KERN_SUCCESS && entry != NULL && entry->start < end;
         entry = vm_map_entry_next(map, entry))
        if (entry->wired_count == 0 || entry->in_transition)
            kr = KERN_INVALID_ARGUMENT;
    if (kr == KERN_SUCCESS)
        kr = vm_map_clip_range(map, start, end);
    if (kr == KERN_SUCCESS) {
        for (entry = vm_map_lookup(map, start); entry != NULL && entry->start < end;
             entry = vm_map_entry_next(map, entry)) {
            if (--entry->wired_count != 0)
                continue;
            vm_map_unwire_pages(entry, entry->start, entry->end);
            map->wired_size -= entry->end - entry->start;
        }
        vm_map_simplify_range(map, start, end);
    }
    spin_unlock(&map->lock);
    return kr;
}

kern_return_t vm_map_wire(vm_map_t map, vm_address_t start, vm_address_t end, vm_prot_t prot)
{
    vm_map_entry_t entry;
    kern_return_t kr;

    if (start >= end || !page_aligned(start) || !page_aligned(end) || end > map->max
        || (prot & ~VM_PROT_ALL))
        return KERN_INVALID_ARGUMENT;
    if (prot == VM_PROT_NONE)
        return unwire(map, start, end);

again:
    spin_lock(&map->lock);
    kr = vm_map_check(map, start, end, prot, false);
    for (entry = vm_map_lookup(map, start);
         kr == KERN_SUCCESS && entry != NULL && entry->start < end;
         entry = vm_map_entry_next(map, entry)) {
        if (entry->in_transition) {
            map->transition_wanted = true;
            event_assert_wait(map, true, DEADLINE_NONE);
            spin_unlock(&map->lock);
            if (thread_block() == THREAD_INTERRUPTED)
                return KERN_ABORTED;
            goto again;
        }
        if (entry->wired_count == UINT16_MAX)
            kr = KERN_RESOURCE_SHORTAGE;
    }
    if (kr == KERN_SUCCESS)
        kr = vm_map_clip_range(map, start, end);
    if (kr == KERN_SUCCESS)
        for (entry = vm_map_lookup(map, start); entry != NULL && entry->start < end;
             entry = vm_map_entry_next(map, entry))
            entry->in_transition = true;
    spin_unlock(&map->lock);

    for (vm_address_t va = start; kr == KERN_SUCCESS && va < end; va += PAGE_SIZE) {
        kr = vm_fault_wire(map, va, prot);
        if (kr == KERN_SUCCESS && !preempt_point()) {
            kr = KERN_ABORTED;
            va += PAGE_SIZE; /* this one was wired */
        }
        if (kr != KERN_SUCCESS) {
            finish_wiring(map, start, end, va, true);
            return kr;
        }
    }
    if (kr == KERN_SUCCESS)
        finish_wiring(map, start, end, end, false);
    return kr;
}

void vm_map_init(void)
{
    map_zone = zone_create("vm_map", sizeof(struct vm_map));
    entry_zone = zone_create("vm_map_entry", sizeof(struct vm_map_entry));
}

uint32_t vm_map_total(void)
{
    return zone_count(map_zone);
}

uint32_t vm_map_entry_total(void)
{
    return zone_count(entry_zone);
}
