/*
 * Page replacement: a second-chance clock, and what happens when memory runs out.
 *
 *        fault                 no longer at the front: the clock's hand
 *   ---> active queue ---------------------------------------------> inactive queue ---> reclaimed
 *              ^                  (its reference bit is cleared)           |
 *              +------------------- referenced meanwhile ------------------+
 *
 * Reclaiming a page of a pager's object: clean, its frame is free at once; dirty, it goes to the
 * pager (memory_object_return.c), and the frame is free when that has written it. Anonymous pages
 * go to the default pager in the same way (vm_swap.c), if there is one and it has room.
 *
 * Pagers are slow, and some are stuck. So that not all memory goes to them at once, page-out sends no more
 * while they have LAUNDRY_MAX pages to write. What they all have had for PATIENCE_MS, and nothing moved, does
 * not count from then on: its pagers are stuck, and the others may have as much. An object's pager is sent
 * no more while it has LAUNDRY_MAX pages of that object: so one that is stuck hurts who maps its objects.
 *
 * Levels of free pages: reserve      below it only the page-out thread gets any
 *                       2 * reserve  below it faults of user tasks wait
 *                       4 * reserve  the target: below it the page-out thread works
 * A pass that frees next to nothing while memory is short is fruitless: who waits then gets
 * KERN_RESOURCE_SHORTAGE, and the thread rests a while before it tries again. From then on a page here
 * and there wakes nobody: it would be the next one's at once, and nobody would get anywhere (thrashing).
 */
#include "vm_internal.h"

#define RESERVE_SHARE 128 /* of all pages: one in so many is reserve */
#define RESERVE_MIN   16
#define RESERVE_MAX   256
#define REST_MS       100 /* after a fruitless pass */
#define PATIENCE_MS   1000 /* with pagers that write nothing, or next to nothing: is theirs a busy host? */
#define LOOK_MS       10   /* between two looks at what they wrote */
#define FRUIT_SHARE   4   /* a pass that frees less than so much of the reserve is fruitless */
#define SWAP_REST_MS  2   /* while the default pager has LAUNDRY_MAX pages to write */
#define PAGEOUT_PRIORITY 90
#define WAIT_AGAIN    (-1)

uint32_t vm_memory_waiters;
uint32_t vm_laundry_count;
uint32_t vm_swap_laundry;

static thread_t pageout_thread;
static uint32_t fruitless_passes; /* atomic; also the event of those who wait for memory */
static bool gone;                 /* atomic: the last pass was fruitless */
static bool poked;                /* atomic; also the page-out thread's event */
static uint32_t stuck;            /* of vm_laundry_count: what is not waited for; page-out thread's */

bool vm_page_privileged(void)
{
    return pageout_thread != NULL
           && (current_thread() == pageout_thread || current_task()->vm_privileged);
}

void vm_pageout_poke(void)
{
    if (!__atomic_exchange_n(&poked, true, __ATOMIC_ACQ_REL))
        event_wakeup(&poked);
}

bool vm_memory_is_enough(void)
{
    uint32_t reserve = vm_counts.free_reserved;

    return vm_counts.free
           > 2 * reserve + (__atomic_load_n(&gone, __ATOMIC_RELAXED) ? reserve / FRUIT_SHARE : 0);
}

void vm_memory_freed(void)
{
    if (vm_memory_is_enough())
        event_wakeup(&fruitless_passes);
}

kern_return_t vm_memory_wait(bool interruptible)
{
    uint32_t noted = __atomic_load_n(&fruitless_passes, __ATOMIC_ACQUIRE);
    kern_return_t kr = WAIT_AGAIN;

    if (pageout_thread == NULL || vm_page_privileged())
        return KERN_RESOURCE_SHORTAGE;
    __atomic_fetch_add(&vm_memory_waiters, 1, __ATOMIC_ACQ_REL);
    do {
        bool interrupted;

        event_assert_wait(&fruitless_passes, interruptible, DEADLINE_NONE);
        if (vm_memory_is_enough() || __atomic_load_n(&fruitless_passes, __ATOMIC_ACQUIRE) != noted)
            event_wakeup(&fruitless_passes); /* came true before we slept: do not */
        else
            vm_pageout_poke();
        interrupted = thread_block() == THREAD_INTERRUPTED;
        if (interrupted)
            kr = KERN_ABORTED;
        else if (vm_memory_is_enough())
            kr = KERN_SUCCESS;
        else if (__atomic_load_n(&fruitless_passes, __ATOMIC_ACQUIRE) != noted)
            kr = KERN_RESOURCE_SHORTAGE;
    } while (kr == WAIT_AGAIN);
    __atomic_fetch_sub(&vm_memory_waiters, 1, __ATOMIC_ACQ_REL);
    return kr;
}

bool vm_page_wait(bool interruptible)
{
    return vm_memory_wait(interruptible) == KERN_SUCCESS;
}

/* ---- the clock ---- */

static uint32_t target(void)
{
    return 4 * vm_counts.free_reserved;
}

/* Pages that pagers have to write, and may be expected to. */
static uint32_t under_way(void)
{
    uint32_t all = __atomic_load_n(&vm_laundry_count, __ATOMIC_RELAXED);

    stuck = MIN(stuck, all);
    return all - stuck;
}

/* May its pager be sent no more of it? */
static bool is_full(vm_object_t object)
{
    return vm_laundry_is_full(object)
           || (object != vm_swap_object && under_way() >= LAUNDRY_MAX);
}

/* Gives pagers time. True: it was worth it, or may be: they wrote a fair number, or other pagers may be sent
 * something now. */
static bool laundry_helps(void)
{
    uint32_t before = under_way();
    uint32_t fair = vm_counts.free_reserved / FRUIT_SHARE;
    uint32_t left = before;

    if (before == 0)
        return false;
    for (int ms = 0; ms < PATIENCE_MS && left != 0 && left + fair > before; ms += LOOK_MS) {
        thread_sleep_until(deadline_after_ms(LOOK_MS));
        left = under_way();
    }
    if (left >= before)
        stuck += left;
    return left >= before || left + fair <= before;
}

/* Tries to get rid of a page that nobody used lately. Object locked; unlocks. True: it is free, or
 * on its way. */
static bool evict(vm_object_t object, vm_page_t page)
{
    bool evicted = false;

    if (page->busy || page->wire_count != 0 || object->swap_laundry || pmap_is_pinned(page)) {
        vm_page_activate(page);
    } else if (object->pager == NULL) {
        pmap_page_evict(page);
        if (!page->dirty && !pmap_is_modified(page) && vm_swap_slot(object, page->offset) != 0) {
            vm_page_free(page);
            evicted = true;
        } else if (vm_swap_available() && !is_full(vm_swap_object)) {
            return memory_object_swap_out(object, page);
        } else {
            vm_page_activate(page);
        }
    } else if (page->error || object->pager_dead) {
        pmap_page_evict(page);
        vm_page_free(page);
        evicted = true;
    } else {
        pmap_page_evict(page);
        if (page->dirty || page->precious || pmap_is_modified(page)) {
            if (!is_full(object))
                return memory_object_page_out(object, page) == KERN_SUCCESS;
            vm_page_activate(page);
        } else {
            vm_page_free(page);
            evicted = object != vm_swap_object; /* read ahead in vain: nothing is gained by that */
        }
    }
    spin_unlock(&object->lock);
    return evicted;
}

/* The hand moves on by one page: from active to inactive. */
static void refill_inactive(void)
{
    vm_object_t object;
    vm_page_t page = vm_page_oldest(VM_PAGE_ACTIVE, &object);

    if (page == NULL || object == NULL)
        return;
    if (!page->busy) {
        page->reference = false;
        pmap_clear_reference(page);
        vm_page_deactivate(page);
    }
    spin_unlock(&object->lock);
}

static bool reclaim_one(void)
{
    vm_object_t object;
    vm_page_t page = vm_page_oldest(VM_PAGE_INACTIVE, &object);

    if (page == NULL || object == NULL)
        return false;
    if (page->reference || pmap_is_referenced(page)) {
        vm_page_activate(page);
        vm_count(reactivations);
        spin_unlock(&object->lock);
        return false;
    }
    return evict(object, page);
}

/* One pass: until the target is reached, but over no page more than about twice. True: it paid: the
 * target is reached, or a fair number was freed, or will be. A few clean pages would be back at once. */
static bool pageout_pass(void)
{
    uint32_t budget = 2 * (vm_counts.active + vm_counts.inactive);
    uint32_t evicted = 0;

    if (vm_counts.external == 0 && !vm_swap_available())
        budget = 0; /* all is anonymous: nothing can go */
    for (uint32_t i = 0; i < budget && vm_counts.free < target(); i++) {
        while (vm_swap_available() && is_full(vm_swap_object))
            thread_sleep_until(deadline_after_ms(SWAP_REST_MS));
        /* A page has to stay inactive for a while, or its second chance is none. */
        if (3 * vm_counts.inactive < vm_counts.active) {
            for (int n = 0; n < VM_BATCH; n++)
                refill_inactive();
            pmap_flush_references();
        }
        evicted += reclaim_one();
        if (i % VM_BATCH == 0)
            preempt_point();
    }
    while (vm_counts.free < target() && memory_object_cache_trim())
        evicted++;
    return vm_counts.free >= target() || evicted >= vm_counts.free_reserved / FRUIT_SHARE;
}

/* Objects that wait for their pagers to write something, and may end then. */
static void end_objects(void)
{
    bool more = true;

    while (more) {
        more = memory_object_end_some();
        preempt_point();
    }
}

static void pageout(void *unused)
{
    for (;;) {
        event_assert_wait(&poked, false, DEADLINE_NONE);
        if (__atomic_load_n(&poked, __ATOMIC_ACQUIRE))
            event_wakeup(&poked); /* before we slept; asleep and poked, nobody would poke us again */
        thread_block();
        __atomic_store_n(&poked, true, __ATOMIC_RELEASE); /* no pokes while at work */
        end_objects();
        if (vm_counts.free >= target() || pageout_pass()) {
            __atomic_store_n(&gone, false, __ATOMIC_RELAXED);
        } else if (__atomic_load_n(&vm_swap_laundry, __ATOMIC_RELAXED) != 0) {
            thread_sleep_until(deadline_after_ms(SWAP_REST_MS)); /* it comes free soon */
        } else if (!laundry_helps()) {
            __atomic_store_n(&gone, true, __ATOMIC_RELAXED);
            if (!vm_memory_is_enough())
                __atomic_fetch_add(&fruitless_passes, 1, __ATOMIC_ACQ_REL);
            event_wakeup(&fruitless_passes);
            thread_sleep_until(deadline_after_ms(REST_MS));
        }
        __atomic_store_n(&poked, false, __ATOMIC_RELEASE);
        if ((!vm_memory_is_enough() && __atomic_load_n(&vm_memory_waiters, __ATOMIC_RELAXED) != 0)
            || memory_object_may_end())
            vm_pageout_poke(); /* theirs may have been swallowed */
    }
}

void vm_pageout_init(void)
{
    vm_counts.free_reserved = MAX(RESERVE_MIN, MIN(RESERVE_MAX, vm_counts.total / RESERVE_SHARE));
    pageout_thread = kernel_thread("pageout", pageout, NULL, PAGEOUT_PRIORITY);
}
