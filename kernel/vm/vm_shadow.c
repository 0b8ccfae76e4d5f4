/*
 * The chains of shadows that copy-on-write makes, and how they are kept short. Read vm/vm_object.h and
 * vm_object.c first.
 *
 *      entry --> O --shadow--> B --shadow--> C        a page is looked for in O, then B, then C;
 *                                                     new pages (copies, zeros) go to O
 *
 * Chains grow by forks and must shrink again. Four things keep them, and what lies in them, small; none
 * changes what can be seen through any object:
 *   absorb   nobody but O refers to B: B's pages move up to O, and B goes;
 *   bypass   O has a page of its own for every one of B's that it could see: O shadows C instead;
 *   drop     nobody but O refers to B any more, which is larger: what O hides of it goes at once;
 *   bound    the chain is long although nothing of that applies: the pages of one B are copied up to its O,
 *            until O needs B no more. Of all pairs the one with the smallest B is taken, so old, large
 *            objects are copied rarely (as in a log-structured merge).
 * A merge takes its time: it holds no locks over a page, and faults for each, so pages may be in the swap
 * space, and memory short. Meanwhile both objects are marked as `merging`. No page then comes to B from
 * below, so what has been looked at stays covered.
 *
 * Locks: the shadowing object before its shadow. refs, shadow_count, shadowers and pages are each object's
 * own.
 */
#include "vm_internal.h"

#include <machine/spin.h>

#ifndef CHAIN_MAX    /* tests on the host have their own */
#define CHAIN_MAX 12 /* objects below the top, beyond which pages are copied up */
#endif

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
            vm_object_discard_page(page);
        else
            vm_object_move_page(page, object, offset);
    }
    return queue_empty(&backing->pages) && vm_swap_move_up(object, backing);
}

/* Does object have a page for each of backing's that it could see? Gives up early on large ones, unless
 * there is nothing that it lacks. */
static bool covers(vm_object_t object, vm_object_t backing)
{
    vm_page_t page;
    vm_offset_t offset;
    int looked = 0;

    if (object->resident_count == object->size >> PAGE_SHIFT)
        return true;
    queue_for_each(page, &backing->pages, struct vm_page, memq) {
        if (++looked > 2 * VM_BATCH)
            return false;
        if (in_window(object, page, &offset) && !vm_object_has(object, offset))
            return false;
    }
    return vm_swap_covers(object, backing);
}

/* Object comes to shadow what backing, its shadow, of which it needs nothing more, shadows. Both are locked;
 * backing is unlocked, and goes if that was the last reference to it. */
static void step_around(vm_object_t object, vm_object_t backing)
{
    vm_object_t next = backing->shadow;
    bool last = backing->refs == 1;

    if (next != NULL) {
        spin_lock_second(&next->lock);
        if (last)
            vm_object_unlink_shadow(backing, next); /* its reference becomes object's */
        else
            next->refs++;
        vm_object_link_shadow(object, next);
        spin_unlock(&next->lock);
    }
    object->shadow = next;
    object->shadow_offset += backing->shadow_offset;
    vm_object_unlink_shadow(object, backing);
    backing->refs--;
    spin_unlock(&backing->lock);
    if (last)
        vm_object_free(backing);
}

void vm_object_collapse(vm_object_t object)
{
    vm_object_t backing;

    while (!object->merging && (backing = object->shadow) != NULL) {
        spin_lock_second(&backing->lock);
        /* Of a pager's object nothing can be said about what it lacks. */
        if (!backing->internal
            || !(backing->refs == 1 ? absorb(object, backing) : covers(object, backing))) {
            spin_unlock(&backing->lock);
            return;
        }
        step_around(object, backing);
    }
}

/* ---- the last who needs an object shadows it ---- */

/* Nothing that upper, which is locked, hides of an object that it alone needs is to stay: goes on with that
 * by a batch of pages. The smaller of the two decides what it costs. */
static void drop_hidden(vm_object_t upper)
{
    vm_object_t lower = upper->shadow;

    if (lower == NULL)
        return;
    spin_lock_second(&lower->lock);
    if (!lower->internal || lower->refs != 1 || upper->resident_count >= lower->resident_count
        || upper->swapped != 0) {
        spin_unlock(&lower->lock);
        vm_object_collapse(upper);
        return;
    }
    for (uint32_t i = 0; i < VM_BATCH && i < upper->resident_count; i++) {
        vm_page_t page = queue_first(&upper->pages, struct vm_page, memq);
        vm_offset_t offset = page->offset + upper->shadow_offset;
        vm_page_t hidden = vm_page_lookup(lower, offset);

        queue_remove(&page->memq); /* behind the others: the next batch begins with those */
        enqueue_tail(&upper->pages, &page->memq);
        if (hidden != NULL)
            vm_object_discard_page(hidden);
        vm_swap_forget(lower, offset);
    }
    spin_unlock(&lower->lock);
}

vm_object_t vm_object_leave(vm_object_t lower)
{
    vm_object_t upper = (vm_object_t)lower->shadowers;
    uint32_t batches;
    bool last;

    if (!spin_try_lock(&upper->lock)) {
        spin_unlock(&lower->lock); /* its holder may want this very lock */
        machine_spin_pause();
        return lower;
    }
    lower->refs--;
    batches = MIN(upper->resident_count, lower->resident_count) / VM_BATCH + 1;
    spin_unlock(&lower->lock);
    if (upper->refs == 0) { /* and about to give up the other */
        spin_unlock(&upper->lock);
        return NULL;
    }
    upper->refs++;
    while (batches-- > 0) {
        drop_hidden(upper);
        spin_unlock(&upper->lock);
        preempt_point();
        spin_lock(&upper->lock);
    }
    last = upper->refs == 1;
    upper->refs -= !last;
    spin_unlock(&upper->lock);
    return last ? upper : NULL;
}

/* ---- long chains ---- */

uint32_t vm_object_depth(vm_object_t object, bool *anonymous)
{
    vm_object_t below = object, next;
    uint32_t depth = 0;

    /* The first stays locked, the others hand over hand: nothing in the chain can go meanwhile. */
    while ((next = below->shadow) != NULL) {
        spin_lock_second(&next->lock);
        if (below != object)
            spin_unlock(&below->lock);
        below = next;
        depth++;
    }
    *anonymous = below->internal; /* others shadow none */
    if (below != object)
        spin_unlock(&below->lock);
    return depth;
}

bool vm_object_is_deep(vm_object_t object)
{
    bool anonymous;

    if (object->depth <= CHAIN_MAX)
        return false;
    /* It was one more at each shadow. Now it is what has come of it since. */
    spin_lock(&object->lock);
    object->depth = MIN(vm_object_depth(object, &anonymous), UINT16_MAX);
    spin_unlock(&object->lock);
    return object->depth > CHAIN_MAX;
}

/* May the pages of lower, its shadow, be copied up to upper? Both are locked. */
static bool can_merge(vm_object_t upper, vm_object_t lower)
{
    return lower->internal && !upper->merging && !lower->merging;
}

/* Chooses, in a chain that is too long, the object below `top` to be merged with its own shadow, and begins:
 * both get a reference. False: there is none. */
static bool begin_merge(vm_object_t top, vm_object_t *merge_upper, vm_object_t *merge_lower)
{
    vm_object_t upper = top, lower;
    uint32_t smallest = ~0U;
    int depth = 0, place = 0;
    bool begun = false;

    spin_lock(&top->lock);
    while ((lower = upper->shadow) != NULL) {
        spin_lock_second(&lower->lock);
        if (depth > 0 && can_merge(upper, lower)
            && lower->resident_count + lower->swapped < smallest) {
            smallest = lower->resident_count + lower->swapped;
            place = depth;
        }
        if (upper != top)
            spin_unlock(&upper->lock);
        upper = lower;
        depth++;
    }
    if (upper != top)
        spin_unlock(&upper->lock);

    /* Down again to the pair; it may have changed. */
    upper = top;
    for (int n = depth > CHAIN_MAX ? place : 0; n >= 0 && (lower = upper->shadow) != NULL; n--) {
        spin_lock_second(&lower->lock);
        if (n == 0 && upper != top && can_merge(upper, lower)) {
            upper->merging = lower->merging = begun = true;
            upper->refs++;
            lower->refs++;
            *merge_upper = upper;
            *merge_lower = lower;
        }
        if (upper != top)
            spin_unlock(&upper->lock);
        upper = lower;
    }
    if (upper != top)
        spin_unlock(&upper->lock);
    spin_unlock(&top->lock);
    return begun;
}

/* The lowest page of [start, end) that object has, in memory or in the swap space; end: none. Locked. */
static vm_offset_t next_of(vm_object_t object, vm_offset_t start, vm_offset_t end)
{
    vm_page_t page = vm_object_next_page(object, start, end);

    return vm_swap_next(object, start, page != NULL ? page->offset : end);
}

/* Looks, from *offset on, for a page of lower that upper lacks, by a batch: *offset is where it got to, in
 * upper. Both are locked. */
static bool find_missing(vm_object_t upper, vm_object_t lower, vm_offset_t *offset)
{
    vm_offset_t skip = upper->shadow_offset;

    for (int i = 0; i < VM_BATCH; i++) {
        *offset = next_of(lower, *offset + skip, upper->size + skip) - skip;
        if (*offset == upper->size)
            return false;
        if (!vm_object_has(upper, *offset))
            return true;
        *offset += PAGE_SIZE;
    }
    return false;
}

/* Copies pages up from lower until upper needs it no more; gives up the references. False: it did not come to
 * that. */
static bool merge(vm_object_t upper, vm_object_t lower)
{
    kern_return_t kr = KERN_SUCCESS;
    vm_offset_t offset = 0;
    bool still = true, covered = false;

    while (kr == KERN_SUCCESS && still && !covered) {
        bool missing = false;

        spin_lock(&upper->lock);
        still = upper->shadow == lower;
        if (still) {
            spin_lock_second(&lower->lock);
            missing = find_missing(upper, lower, &offset);
            spin_unlock(&lower->lock);
        }
        covered = offset == upper->size;
        spin_unlock(&upper->lock);
        if (missing)
            kr = vm_object_own_page(upper, offset);
        if (!preempt_point())
            kr = KERN_ABORTED;
    }
    spin_lock(&upper->lock);
    spin_lock_second(&lower->lock);
    upper->merging = lower->merging = false;
    if (covered && upper->shadow == lower) {
        step_around(upper, lower);
        vm_object_collapse(upper); /* of those further down it may need none now */
    } else {
        spin_unlock(&lower->lock);
    }
    spin_unlock(&upper->lock);
    vm_object_deallocate(upper);
    vm_object_deallocate(lower);
    return covered;
}

void vm_object_bound_chain(vm_object_t object)
{
    vm_object_t upper, lower;

    while (begin_merge(object, &upper, &lower) && merge(upper, lower))
        continue;
}
