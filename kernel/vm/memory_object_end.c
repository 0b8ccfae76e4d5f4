/*
 * How objects with a pager end. Nobody uses one any more, and it may not be cached, or memory is low: then
 * what was changed goes back to the pager, all else is dropped, and memory_object_terminate is the last it
 * hears. Who wants to map it in this moment waits: so the pager has all its data back before it is asked for
 * any again.
 *
 * A pager gets LAUNDRY_MAX pages at once, here as in page-out; it needs memory itself to take more. What is
 * left then is put off: the object is `ending`, in the care of the page-out thread, which sends more when the
 * pager has let go of some (vm_object_free), and never waits. It is still alive meanwhile; who maps it simply
 * has it again. If a pager has let go of nothing in the time it may take for an answer, and memory is short,
 * its data is lost.
 */
#include "vm_internal.h"

#include <ipc/ipc_port.h>
#include <machine/cpu.h>
#include <mach/memory_object_user.h>

static struct queue cache = QUEUE_INITIALIZER(cache);   /* unused objects, the oldest first */
static struct queue ending = QUEUE_INITIALIZER(ending); /* put off; by cache_link, too */

/* Ends an object (not alive, nothing in it is dirty; the caller has its one reference, which is consumed).
 * No locks held. */
static void terminate(vm_object_t object)
{
    ipc_port_t control;

    vm_snapshot_drop(object->copy);
    vm_object_free_pages(object);
    ipc_port_unwatch(object->pager);
    control = ipc_port_make_send(object->control);
    if (memory_object_terminate(object->pager, control) != KERN_SUCCESS)
        ipc_port_release_send(control);
    spin_lock(&memory_object_lock);
    queue_remove(&object->pager_link);
    spin_lock(&object->lock);
    vm_object_wakeup(object);
    spin_unlock(&object->lock);
    spin_unlock(&memory_object_lock);
    ipc_port_dealloc_kernel(object->control);
    ipc_port_release_send(object->pager);
    memory_object_release(object);
}

/* Does anybody but the caller have a reference? Then the caller's is given up: the other ends it later. */
static bool is_used(vm_object_t object)
{
    bool used = object->refs > 1;

    object->refs -= used;
    return used;
}

/* Ends an object of which nobody but the caller has a reference, which is consumed. False: its pager has to
 * write something first. */
static bool end(vm_object_t object)
{
    bool used, reused;

    spin_lock(&object->lock);
    used = is_used(object);
    object->reused = false;
    spin_unlock(&object->lock);
    if (used)
        return true;
    if (!object->pager_dead && !memory_object_return_all(object))
        return false;
    spin_lock(&memory_object_lock);
    spin_lock(&object->lock);
    used = is_used(object);
    reused = object->reused;
    if (!used && !reused)
        object->alive = false;
    spin_unlock(&object->lock);
    spin_unlock(&memory_object_lock);
    if (!used && !reused)
        terminate(object);
    return used || !reused;
}

/* The page-out thread is to try again. */
static void put_off(vm_object_t object)
{
    spin_lock(&memory_object_lock);
    spin_lock(&object->lock);
    object->ending = true;
    enqueue_tail(&ending, &object->cache_link);
    spin_unlock(&object->lock);
    spin_unlock(&memory_object_lock);
}

static void end_or_put_off(vm_object_t object)
{
    if (end(object))
        return;
    object->deadline = memory_object_deadline();
    put_off(object);
    vm_pageout_poke(); /* what the pager let go of before that said nothing */
}

void memory_object_release(vm_object_t object)
{
    enum { KEEP, END, FREE } fate = KEEP;
    vm_object_t copy = NULL;

    spin_lock(&memory_object_lock);
    spin_lock(&object->lock);
    if (--object->refs == 0) {
        copy = object->copy; /* nobody is left to whom it would matter */
        object->copy = NULL;
        object->writable = false;
        if (!object->alive) {
            fate = FREE; /* whoever used the control port longer than it lived */
        } else if (!object->may_cache || object->pager_dead || object->resident_count == 0) {
            fate = END;
            object->refs = 1;
            queue_remove(&object->cache_link);
        } else if (queue_unlinked(&object->cache_link)) {
            enqueue_tail(&cache, &object->cache_link);
        }
    }
    spin_unlock(&object->lock);
    spin_unlock(&memory_object_lock);
    vm_snapshot_drop(copy);
    if (fate == END)
        end_or_put_off(object);
    else if (fate == FREE)
        vm_object_free(object);
}

bool memory_object_cache_trim(void)
{
    vm_object_t object, victim = NULL;

    spin_lock(&memory_object_lock);
    queue_for_each(object, &cache, struct vm_object, cache_link) {
        spin_lock(&object->lock);
        if (object->refs == 0) {
            victim = object;
            victim->refs = 1;
        }
        spin_unlock(&object->lock);
        if (victim != NULL)
            break;
    }
    if (victim != NULL)
        queue_remove(&victim->cache_link);
    spin_unlock(&memory_object_lock);
    if (victim != NULL)
        end_or_put_off(victim);
    return victim != NULL;
}

/* Has its pager room for more of it, or is there nothing to wait for? */
static bool can_go_on(vm_object_t object)
{
    return object->pager_dead || object->refs > 1 || !vm_laundry_is_full(object)
           || (machine_time() > object->deadline && !vm_memory_is_enough());
}

/* The first that can go on; NULL: there is none. memory_object_lock is held. */
static vm_object_t first_to_go_on(void)
{
    vm_object_t object;

    queue_for_each(object, &ending, struct vm_object, cache_link)
        if (can_go_on(object))
            return object;
    return NULL;
}

bool memory_object_may_end(void)
{
    bool may;

    spin_lock(&memory_object_lock);
    may = first_to_go_on() != NULL;
    spin_unlock(&memory_object_lock);
    return may;
}

bool memory_object_end_some(void)
{
    vm_object_t object;
    uint32_t before;
    bool ended;

    spin_lock(&memory_object_lock);
    object = first_to_go_on();
    if (object != NULL) {
        spin_lock(&object->lock);
        queue_remove(&object->cache_link);
        object->ending = false;
        spin_unlock(&object->lock);
    }
    spin_unlock(&memory_object_lock);
    if (object == NULL)
        return false;
    before = object->resident_count;
    if (vm_laundry_is_full(object) && machine_time() > object->deadline && object->refs == 1)
        memory_object_give_up(object, KERN_MEMORY_ERROR);
    ended = end(object);
    if (!ended) {
        if (object->resident_count < before)
            object->deadline = memory_object_deadline();
        put_off(object);
    }
    return ended || vm_laundry_is_full(object); /* else memory is short */
}
