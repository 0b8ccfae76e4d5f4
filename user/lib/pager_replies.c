/*
 * What the kernel sends only to pagers that ask for it: that it wants a lock undone, of one that locks pages,
 * and answers to requests with a reply port. One that does not gets these from here. Weak: a pager may have a
 * routine of its own. Read memory_object.defs before.
 */
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/memory_object_server.h>

#define WEAK kern_return_t __attribute__((weak))

WEAK S_memory_object_data_unlock(mach_port_t object, mach_port_t control, vm_offset_t offset,
                                 vm_size_t length, vm_prot_t access)
{
    return mach_port_deallocate(mach_task_self(), control);
}

WEAK S_memory_object_lock_completed(mach_port_t object, mach_port_t control, vm_offset_t offset,
                                    vm_size_t length)
{
    return mach_port_deallocate(mach_task_self(), control);
}

WEAK S_memory_object_supply_completed(mach_port_t object, mach_port_t control, vm_offset_t offset,
                                      vm_size_t length, kern_return_t result, vm_offset_t error_offset)
{
    return mach_port_deallocate(mach_task_self(), control);
}

WEAK S_memory_object_change_completed(mach_port_t object, boolean_t may_cache, int copy_strategy)
{
    return KERN_SUCCESS;
}
