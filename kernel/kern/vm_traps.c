/*
 * vm_allocate, vm_deallocate and vm_read_overwrite without a message, as on XNU: what a program does most
 * with its address space is done by a trap, as long as it is its own. Read mach/traps.h and vm/vm_user.c
 * before.
 *
 * A name that stands for anything else than the caller's task, be it another task or a port that somebody
 * has put in its place, is MACH_SEND_INVALID_DEST: libmach then sends the message
 * (user/lib/libmach/traps.S).
 */
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/traps.h>
#include <mach/vm_map_server.h>
#include <machine/cpu.h>
#include <vm/vm_map.h>

#define COPY_STEP (16 * PAGE_SIZE) /* that much without asking whether another thread is to run */

/* The caller's map, if the name is a send right to its task. It stays while the caller is here. */
static vm_map_t own_map(mach_port_name_t name)
{
    return is_own_task(name) ? current_map() : NULL;
}

kern_return_t vm_allocate_trap(mach_port_name_t target, vm_address_t address, vm_size_t size,
                               boolean_t anywhere)
{
    vm_map_t map = own_map(target);
    vm_address_t place;
    kern_return_t kr;

    if (map == NULL)
        return MACH_SEND_INVALID_DEST;
    if (copyin((const void *)address, &place, sizeof(place)) != KERN_SUCCESS)
        return KERN_INVALID_ADDRESS;
    kr = vm_allocate(map, &place, size, anywhere);
    if (kr == KERN_SUCCESS && copyout(&place, (void *)address, sizeof(place)) != KERN_SUCCESS) {
        vm_deallocate(map, place, size);
        kr = KERN_INVALID_ADDRESS;
    }
    return kr;
}

kern_return_t vm_deallocate_trap(mach_port_name_t target, vm_address_t address, vm_size_t size)
{
    vm_map_t map = own_map(target);

    return map != NULL ? vm_deallocate(map, address, size) : MACH_SEND_INVALID_DEST;
}

/* A memcpy that reports a fault instead of dying of it: so a program can read a file that it has mapped
 * (user/lib/libc/window.c), though its pager may fail. */
kern_return_t vm_read_overwrite_trap(mach_port_name_t target, vm_address_t address, vm_size_t size,
                                     vm_address_t data)
{
    if (own_map(target) == NULL)
        return MACH_SEND_INVALID_DEST;
    while (size > COPY_STEP) {
        if (copyacross((const void *)address, (void *)data, COPY_STEP) != KERN_SUCCESS)
            return KERN_INVALID_ADDRESS;
        address += COPY_STEP;
        data += COPY_STEP;
        size -= COPY_STEP;
        preempt_point();
        if (current_thread()->ast & AST_TERMINATE)
            return KERN_ABORTED;
    }
    return copyacross((const void *)address, (void *)data, size);
}
