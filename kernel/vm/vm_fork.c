/*
 * A child's address space: each entry of the parent's shared, copied, or left out, as its
 * inheritance says. Copies are lazy (vm_map_copy.c), so the cost grows with the number of entries,
 * not of pages.
 *
 * The parent's map is locked for one entry at a time. Other threads of the parent that go on
 * writing would make the child's picture of later entries later, locked or not.
 */
#include "vm_internal.h"

/* Registers cannot be copied; such an entry, marked for copying, is left out. */
static bool inherited(vm_map_entry_t entry)
{
    if (entry->inheritance == VM_INHERIT_NONE)
        return false;
    return entry->inheritance == VM_INHERIT_SHARE || entry->object == NULL || !entry->object->device
           || entry->object->normal;
}

vm_map_t vm_map_fork(vm_map_t parent, struct ledger *ledger)
{
    vm_map_t child = vm_map_create(ledger);
    vm_address_t va = 0;

    if (child == NULL)
        return NULL;
    for (;;) {
        enum vm_copy_mode mode = VM_COPY_REMAP;
        vm_map_entry_t entry, copy;
        vm_address_t end = 0;
        kern_return_t kr;

        spin_lock(&parent->lock);
        entry = vm_map_entry_at_or_above(parent, va);
        while (entry != NULL && !inherited(entry))
            entry = vm_map_entry_next(parent, entry);
        if (entry != NULL) {
            va = MAX(va, entry->start);
            end = entry->end;
            if (entry->inheritance == VM_INHERIT_SHARE)
                mode = VM_SHARE;
        }
        spin_unlock(&parent->lock);
        if (entry == NULL)
            return child;

        kr = vm_map_copy_step(parent, va, end, mode, &copy);
        if (kr == KERN_INVALID_ADDRESS)
            continue; /* another thread unmapped it meanwhile */
        if (kr != KERN_SUCCESS)
            break;
        if (!ledger_has_room(ledger, sizeof(*copy))) {
            vm_map_entry_dispose(copy);
            break;
        }
        va = copy->end;
        spin_lock(&child->lock);
        vm_map_entry_link(child, copy, NULL);
        vm_map_simplify(child, copy);
        spin_unlock(&child->lock);
        preempt_point();
    }
    vm_map_deallocate(child);
    return NULL;
}
