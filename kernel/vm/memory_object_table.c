/*
 * Which object belongs to which pager's port, and how such objects begin. Their end is in
 * memory_object_end.c.
 *
 *   vm_object_enter --init--> (waits) --ready--> in use --last reference--> cached --> in use again
 *                                                   \                        |  memory is low
 *                                                    \---- may not be cached |
 *                                                                            v
 *                             data_return of what is dirty, then --terminate--> gone
 *
 * The object stays in the table until memory_object_terminate is sent.
 * Locks: LOCK_VM_PAGER guards the table and the cache, and is taken before an object's lock.
 */
#include "vm_internal.h"

#include <ipc/ipc_port.h>
#include <ipc/ipc_space.h>
#include <machine/cpu.h>
#include <mach/memory_object_user.h>

#define TABLE_SIZE 256
#define PAGER_TIMEOUT_MS 30000 /* boot argument pager_timeout=ms */

spinlock_t memory_object_lock = SPINLOCK_INITIALIZER(LOCK_VM_PAGER);
static struct queue table[TABLE_SIZE]; /* vm_object.pager_link */
static uint32_t pager_timeout_ms = PAGER_TIMEOUT_MS;

uint64_t memory_object_deadline(void)
{
    return deadline_after_ms(pager_timeout_ms);
}

static struct queue *bucket(ipc_port_t pager)
{
    return &table[((uintptr_t)pager >> 4) * 0x9e3779b97f4a7c15UL >> 56];
}

static vm_object_t find(ipc_port_t pager)
{
    vm_object_t object;

    queue_for_each(object, bucket(pager), struct vm_object, pager_link)
        if (object->pager == pager)
            return object;
    return NULL;
}

/* An object that someone names who holds no reference: with one if it is (still) in the table. */
static vm_object_t find_by_address(vm_object_t address)
{
    vm_object_t object, found = NULL;

    spin_lock(&memory_object_lock);
    for (int i = 0; i < TABLE_SIZE && found == NULL; i++)
        queue_for_each(object, &table[i], struct vm_object, pager_link)
            if (object == address)
                found = object;
    if (found != NULL) {
        spin_lock(&found->lock);
        if (found->alive)
            found->refs++;
        spin_unlock(&found->lock);
        if (!found->alive)
            found = NULL;
    }
    spin_unlock(&memory_object_lock);
    return found;
}

/* ---- the beginning ---- */

/* An object with its control port, in no table. */
static vm_object_t make(ipc_port_t pager, vm_size_t size)
{
    vm_object_t object = vm_object_new(size);

    if (object == NULL)
        return NULL;
    object->control = ipc_port_alloc_kernel(IKOT_MEMORY_CONTROL, object);
    if (object->control == IP_NULL) {
        vm_object_free(object);
        return NULL;
    }
    object->pager = ipc_port_copy_send(pager);
    return object;
}

static void unmake(vm_object_t object)
{
    ipc_port_dealloc_kernel(object->control);
    ipc_port_release_send(object->pager);
    vm_object_free(object);
}

void memory_object_give_up(vm_object_t object, kern_return_t error)
{
    spin_lock(&object->lock);
    object->pager_dead = true;
    object->error = error;
    memory_object_fail_requests(object);
    spin_unlock(&object->lock);
    if (object->ending)
        vm_pageout_poke();
}

/* Finds the object, or puts `fresh` (may be NULL) in the table. NULL: neither. Blocks while an old
 * one is being terminated. */
static kern_return_t look_up(ipc_port_t pager, vm_size_t size, vm_object_t fresh,
                             vm_object_t *result)
{
    for (;;) {
        vm_object_t object;

        spin_lock(&memory_object_lock);
        object = find(pager);
        if (object == NULL) {
            if (fresh != NULL)
                enqueue_tail(bucket(pager), &fresh->pager_link);
            spin_unlock(&memory_object_lock);
            *result = fresh;
            return KERN_SUCCESS;
        }
        spin_lock(&object->lock);
        if (object->alive) {
            object->refs++;
            object->size = MAX(object->size, size);
            object->reused = true;
            spin_unlock(&object->lock);
            if (!object->ending && !queue_unlinked(&object->cache_link)) {
                queue_remove(&object->cache_link);
                vm_count(hits);
            }
            spin_unlock(&memory_object_lock);
            *result = object;
            return KERN_SUCCESS;
        }
        object->wanted = true;
        event_assert_wait(object, true, memory_object_deadline());
        spin_unlock(&object->lock);
        spin_unlock(&memory_object_lock);
        switch (thread_block()) {
        case THREAD_TIMED_OUT:
            return KERN_MEMORY_ERROR;
        case THREAD_INTERRUPTED:
            return KERN_ABORTED;
        default:
            break;
        }
    }
}

static kern_return_t wait_until_ready(vm_object_t object)
{
    uint64_t deadline = memory_object_deadline();
    kern_return_t kr;

    for (;;) {
        spin_lock(&object->lock);
        if (object->pager_dead || object->ready) {
            kr = object->pager_dead ? object->error : KERN_SUCCESS;
            spin_unlock(&object->lock);
            return kr;
        }
        switch (vm_object_wait(object, true, deadline)) {
        case THREAD_TIMED_OUT:
            return KERN_MEMORY_ERROR;
        case THREAD_INTERRUPTED:
            return KERN_ABORTED;
        default:
            break;
        }
    }
}

kern_return_t memory_object_open(mach_port_t pager, vm_size_t size, vm_object_t *result)
{
    vm_object_t object, fresh;
    kern_return_t kr;
    bool usable;

    if (!IP_VALID(pager))
        return KERN_INVALID_ARGUMENT;
    ip_lock(pager);
    usable = pager->active && pager->receiver != ipc_space_kernel;
    ip_unlock(pager);
    if (!usable)
        return KERN_INVALID_ARGUMENT;
    vm_count(lookups);
    kr = look_up(pager, size, NULL, &object);
    if (kr != KERN_SUCCESS)
        return kr;
    if (object == NULL) {
        /* Might the pager be told? Else there is to be no object, not even for a moment. */
        if (!ledger_charge_message(current_ledger(), 1, sizeof(struct ipc_kmsg)))
            return KERN_RESOURCE_SHORTAGE;
        ledger_credit_message(current_ledger(), 1, sizeof(struct ipc_kmsg));
        fresh = make(pager, size);
        if (fresh == NULL)
            return KERN_RESOURCE_SHORTAGE;
        if (fresh->pager != pager) { /* it died */
            unmake(fresh);
            return KERN_INVALID_ARGUMENT;
        }
        kr = look_up(pager, size, fresh, &object);
        if (kr != KERN_SUCCESS || object != fresh)
            unmake(fresh); /* another was quicker */
        if (kr != KERN_SUCCESS)
            return kr;
        if (object == fresh
            && (ipc_port_watch(pager, IKOT_MEMORY_CONTROL, object) != KERN_SUCCESS
                || sender_pays(memory_object_init(pager, object->control, PAGE_SIZE)) != KERN_SUCCESS))
            memory_object_give_up(object, KERN_MEMORY_FAILURE);
    }
    *result = object;
    return KERN_SUCCESS;
}

kern_return_t vm_object_enter(mach_port_t pager, vm_size_t size, vm_object_t *result)
{
    kern_return_t kr = memory_object_open(pager, size, result);

    if (kr != KERN_SUCCESS)
        return kr;
    kr = wait_until_ready(*result);
    if (kr != KERN_SUCCESS)
        vm_object_deallocate(*result);
    return kr;
}

/* ---- what ipc tells us ---- */

static void take_reference(void *object)
{
    vm_object_reference(object);
}

memory_object_control_t convert_port_to_memory_control(mach_port_t port)
{
    vm_object_t object = ipc_port_kobject(port, IKOT_MEMORY_CONTROL, take_reference);
    bool alive;

    if (object == NULL)
        return NULL;
    spin_lock(&object->lock);
    alive = object->alive;
    spin_unlock(&object->lock);
    if (alive)
        return object;
    vm_object_deallocate(object);
    return NULL;
}

/* A pager that dropped the control port before it said ready can never say it. */
void memory_object_no_senders(vm_object_t address)
{
    vm_object_t object = find_by_address(address);

    if (object == NULL)
        return;
    if (!object->ready)
        memory_object_give_up(object, KERN_MEMORY_FAILURE);
    vm_object_deallocate(object);
}

void memory_object_pager_died(vm_object_t address)
{
    vm_object_t object = find_by_address(address);
    bool dead;

    if (object == NULL)
        return;
    ip_lock(object->pager);
    dead = !object->pager->active;
    ip_unlock(object->pager);
    if (dead)
        memory_object_give_up(object, KERN_MEMORY_FAILURE);
    vm_object_deallocate(object);
}

void memory_object_init_tables(void)
{
    for (int i = 0; i < TABLE_SIZE; i++)
        queue_init(&table[i]);
    if (boot_number("pager_timeout") != 0)
        pager_timeout_ms = boot_number("pager_timeout");
}
