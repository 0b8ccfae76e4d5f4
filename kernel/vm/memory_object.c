/*
 * The pager's side speaks: the routines of mach/memory_object_control.defs, and the request that
 * they answer. Read mach/memory_object.defs, then memory_object_table.c.
 *
 * A page that was asked for is in its object already, busy and absent, with a frame. Whoever faults
 * on it waits for its event. Supply fills the frame; unavailable clears it; error leaves its code
 * in it. Nothing that a pager says is believed: offsets, sizes and answers to questions never asked
 * are checked or do no harm but to its own object.
 */
#include "vm_internal.h"

#include <ipc/ipc_kobject.h>
#include <machine/cpu.h>
#include <mach/memory_object_control_server.h>
#include <mach/memory_object_user.h>

kern_return_t memory_object_request(vm_object_t object, vm_offset_t offset, vm_prot_t access,
                                    vm_object_t also, vm_map_t map, thread_t *receiver)
{
    uint32_t count = 0, want;
    kern_return_t kr;

    /* Who reads on where the last request ended gets twice as much each time. */
    want = offset != 0 && offset == object->next_request
               ? MIN(2 * object->cluster, MEMORY_OBJECT_CLUSTER_MAX) : 1;
    want = MIN(want, (object->size - offset + PAGE_MASK) >> PAGE_SHIFT);
    for (vm_offset_t at = offset; count < want; at += PAGE_SIZE, count++) {
        vm_page_t page = NULL;

        if (count == 0 || vm_page_lookup(object, at) == NULL)
            page = vm_page_grab_user();

        if (page == NULL)
            break;
        page->busy = true;
        page->absent = true;
        vm_page_insert(page, object, at);
    }
    if (count > 0) {
        object->cluster = count;
        object->next_request = offset + count * PAGE_SIZE;
        object->requests += count;
        object->refs++;
    }
    spin_unlock(&object->lock);
    if (also != NULL)
        spin_unlock(&also->lock);
    if (map != NULL)
        spin_unlock(&map->lock);
    if (count == 0)
        return KERN_RESOURCE_SHORTAGE;

    vm_count(pageins);
    __atomic_fetch_add(&current_task()->pageins, 1, __ATOMIC_RELAXED);
    /* The default pager answers what it has heard, and nobody's fault must fail for what else he has sent. */
    kr = mach_msg_ask_pager(object->pager, object->control, offset, count * PAGE_SIZE, access,
                            object != vm_swap_object ? current_ledger() : NULL, receiver);
    if (kr == KERN_SUCCESS)
        return kr;
    spin_lock(&object->lock);
    if (object->pager_dead)
        kr = object->error;
    else if (kr == MACH_SEND_TIMED_OUT)
        kr = KERN_MEMORY_ERROR; /* it has heard nothing for long */
    else
        kr = kr == MACH_SEND_NO_BUFFER ? KERN_RESOURCE_SHORTAGE : KERN_MEMORY_FAILURE;
    for (uint32_t i = 0; i < count; i++) {
        vm_page_t page = vm_page_lookup(object, offset + i * PAGE_SIZE);

        if (page != NULL && page->absent) {
            vm_page_free(page);
            object->requests--;
        }
    }
    vm_object_wakeup(object);
    spin_unlock(&object->lock);
    vm_object_deallocate(object);
    return kr;
}

/* A page that was absent is no more so: it is usable, or has an error. Object locked. */
static void answered(vm_object_t object, vm_page_t page)
{
    page->absent = false;
    vm_page_activate(page);
    vm_page_wakeup_done(page);
}

/* Counts an answer. Object locked. */
static void one_less(vm_object_t object)
{
    object->requests--;
    vm_object_wakeup(object);
}

void memory_object_fail_requests(vm_object_t object)
{
    vm_page_t page, next;

    queue_for_each_safe(page, next, &object->pages, struct vm_page, memq) {
        if (page->absent) {
            vm_page_free(page);
            object->requests--;
        } else if (page->wanted) { /* for an unlock that will not come */
            page->wanted = false;
            event_wakeup(page);
        }
    }
    vm_object_wakeup(object);
}

/* ---- what the routines have in common ---- */

static bool bad_range(vm_object_t object, vm_offset_t offset, vm_size_t size)
{
    return object == NULL || !page_aligned(offset) || !page_aligned(size) || offset + size < offset;
}

/* Rights to answer on are send-once rights, or none. */
static bool bad_reply(mach_port_t reply, mach_msg_type_name_t type)
{
    return IP_VALID(reply) && type != MACH_MSG_TYPE_PORT_SEND_ONCE;
}

/* Consumes a reply right that a message could not. */
static void finish_reply(mach_port_t reply, kern_return_t sent)
{
    if (sent != KERN_SUCCESS)
        ipc_port_release_sonce(reply);
}

static bool bad_strategy(int copy_strategy)
{
    return copy_strategy != MEMORY_OBJECT_COPY_NONE && copy_strategy != MEMORY_OBJECT_COPY_DELAY;
}

/* ---- the routines ---- */

kern_return_t memory_object_ready(memory_object_control_t object, boolean_t may_cache,
                                  int copy_strategy)
{
    if (object == NULL || bad_strategy(copy_strategy))
        return KERN_INVALID_ARGUMENT;
    spin_lock(&object->lock);
    object->may_cache = may_cache != 0;
    object->copy_strategy = copy_strategy;
    object->ready = true;
    vm_object_wakeup(object);
    spin_unlock(&object->lock);
    return KERN_SUCCESS;
}

kern_return_t memory_object_change_attributes(memory_object_control_t object, boolean_t may_cache,
                                              int copy_strategy, mach_port_t reply,
                                              mach_msg_type_name_t type)
{
    if (object == NULL || bad_strategy(copy_strategy) || bad_reply(reply, type))
        return KERN_INVALID_ARGUMENT;
    spin_lock(&object->lock);
    object->may_cache = may_cache != 0;
    object->copy_strategy = copy_strategy;
    spin_unlock(&object->lock);
    if (IP_VALID(reply))
        finish_reply(reply, memory_object_change_completed(reply, may_cache != 0, copy_strategy));
    return KERN_SUCCESS;
}

kern_return_t memory_object_get_attributes(memory_object_control_t object, boolean_t *object_ready,
                                           boolean_t *may_cache, int *copy_strategy)
{
    if (object == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&object->lock);
    *object_ready = object->ready;
    *may_cache = object->may_cache;
    *copy_strategy = object->copy_strategy;
    spin_unlock(&object->lock);
    return KERN_SUCCESS;
}

/* The page at offset that data is to go to, claimed: busy, and no more absent, so that neither a
 * second supply nor the pager's death touches it. NULL: not wanted (present already, or no
 * room). */
static vm_page_t claim(vm_object_t object, vm_offset_t offset)
{
    vm_page_t page;

    spin_lock(&object->lock);
    page = vm_page_lookup(object, offset);
    if (page != NULL && page->absent) {
        page->absent = false;
        one_less(object);
    } else if (page != NULL || object->pager_dead || offset >= object->size
               || vm_counts.free < 4 * vm_counts.free_reserved) {
        page = NULL; /* nobody asked: taken only where memory is plenty */
    } else if ((page = vm_page_grab_user()) != NULL) {
        page->busy = true;
        vm_page_insert(page, object, offset);
    }
    spin_unlock(&object->lock);
    return page;
}

kern_return_t memory_object_data_supply(memory_object_control_t object, vm_offset_t offset,
                                        vm_map_copy_t data, mach_msg_type_number_t count,
                                        vm_prot_t lock_value, boolean_t precious, mach_port_t reply,
                                        mach_msg_type_name_t type)
{
    kern_return_t kr = KERN_SUCCESS;
    vm_offset_t done = 0;

    if (bad_range(object, offset, count) || count == 0 || !object->ready
        || (lock_value & ~VM_PROT_ALL) || bad_reply(reply, type))
        return KERN_INVALID_ARGUMENT;
    for (; kr == KERN_SUCCESS && done < count; done += PAGE_SIZE) {
        vm_page_t page = claim(object, offset + done);

        if (page == NULL)
            continue;
        kr = vm_map_copy_read(data, done, vm_page_address(page), PAGE_SIZE);
        if (kr != KERN_SUCCESS)
            *(kern_return_t *)vm_page_address(page) = KERN_MEMORY_ERROR;
        spin_lock(&object->lock);
        page->error = kr != KERN_SUCCESS;
        page->page_lock = lock_value;
        page->precious = precious != 0;
        answered(object, page);
        spin_unlock(&object->lock);
        preempt_point();
    }
    if (IP_VALID(reply))
        finish_reply(reply, memory_object_supply_completed(
                                reply, object->control, offset, count, kr,
                                kr == KERN_SUCCESS ? 0 : offset + done - PAGE_SIZE));
    vm_map_copy_discard(data);
    return KERN_SUCCESS;
}

bool memory_object_supply_page(vm_object_t object, vm_offset_t offset, const void *data,
                               vm_prot_t lock_value, bool precious, thread_t *waiter)
{
    vm_page_t page;

    if (!object->alive || !object->ready || bad_range(object, offset, PAGE_SIZE)
        || (lock_value & ~VM_PROT_ALL))
        return false;
    page = vm_page_lookup(object, offset);
    if (page == NULL || !page->absent || !copyin_page_at_once(data, vm_page_address(page)))
        return false;
    one_less(object);
    page->page_lock = lock_value;
    page->precious = precious;
    *waiter = page->wanted ? event_dequeue(page) : NULL;
    page->wanted = false;
    answered(object, page);
    return true;
}

/* To every absent page of the range. code KERN_SUCCESS: zeros; else an error. */
static kern_return_t answer_range(vm_object_t object, vm_offset_t offset, vm_size_t size,
                                  kern_return_t code)
{
    vm_offset_t end = offset + size;

    if (bad_range(object, offset, size))
        return KERN_INVALID_ARGUMENT;
    for (;;) {
        vm_page_t page;

        spin_lock(&object->lock);
        page = object->requests != 0 ? vm_object_next_page(object, offset, end) : NULL;
        if (page == NULL) {
            spin_unlock(&object->lock);
            return KERN_SUCCESS;
        }
        offset = page->offset + PAGE_SIZE;
        if (page->absent) {
            one_less(object);
            if (code == KERN_SUCCESS)
                pmap_zero_page(page);
            else
                *(kern_return_t *)vm_page_address(page) = code;
            page->error = code != KERN_SUCCESS;
            answered(object, page);
        }
        spin_unlock(&object->lock);
        preempt_point();
    }
}

kern_return_t memory_object_data_unavailable(memory_object_control_t object, vm_offset_t offset,
                                             vm_size_t size)
{
    return answer_range(object, offset, size, KERN_SUCCESS);
}

kern_return_t memory_object_data_error(memory_object_control_t object, vm_offset_t offset,
                                       vm_size_t size, kern_return_t error_value)
{
    return answer_range(object, offset, size,
                        error_value != KERN_SUCCESS ? error_value : KERN_MEMORY_ERROR);
}

kern_return_t memory_object_lock_request(memory_object_control_t object, vm_offset_t offset,
                                         vm_size_t size, int should_return, boolean_t should_flush,
                                         vm_prot_t lock_value, mach_port_t reply,
                                         mach_msg_type_name_t type)
{
    kern_return_t kr;

    if (bad_range(object, offset, size) || should_return < MEMORY_OBJECT_RETURN_NONE
        || should_return > MEMORY_OBJECT_RETURN_ALL || bad_reply(reply, type)
        || (lock_value != VM_PROT_NO_CHANGE && (lock_value & ~VM_PROT_ALL)))
        return KERN_INVALID_ARGUMENT;
    kr = memory_object_clean(object, offset, offset + size, should_return, should_flush != 0,
                             lock_value, false);
    if (kr == KERN_SUCCESS && IP_VALID(reply))
        finish_reply(reply, memory_object_lock_completed(reply, object->control, offset, size));
    return kr;
}

kern_return_t memory_object_destroy(memory_object_control_t object, kern_return_t reason)
{
    if (object == NULL)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&object->lock);
    object->pager_dead = true;
    object->error = reason != KERN_SUCCESS ? reason : KERN_MEMORY_FAILURE;
    memory_object_fail_requests(object);
    spin_unlock(&object->lock);
    return memory_object_clean(object, 0, object->size, MEMORY_OBJECT_RETURN_NONE, true,
                               VM_PROT_NO_CHANGE, false);
}
