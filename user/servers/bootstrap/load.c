/*
 * A program of the boot archive becomes a task. Read user/include/elf_load.h first.
 */
#include "bootstrap.h"

#include <elf_load.h>
#include <mach/host_priv.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <string.h>

#define STACK_WIRED (16 << 10) /* bytes; what of the stack is used beyond that is pinned when it is touched */

/* Wires what the task has mapped now, and pins what it will touch. */
static kern_return_t pin(task_t task, vm_address_t sp)
{
    kern_return_t kr = task_set_vm_privilege(host_priv, task, TRUE);
    vm_address_t address = 0;
    vm_size_t size = 0;
    vm_region_info_data_t info;

    while (kr == KERN_SUCCESS && vm_region(task, &address, &size, &info) == KERN_SUCCESS) {
        vm_address_t end = address + size;

        if (address + STACK_WIRED < sp && sp < end)
            address = trunc_page(sp - STACK_WIRED);
        if (info.protection != VM_PROT_NONE)
            kr = vm_wire(host_priv, task, address, end - address, info.protection);
        address = end;
    }
    return kr;
}

kern_return_t load_program(const char *program, mach_port_t bootstrap, boolean_t pinned, task_t *task)
{
    static struct elf_image image; /* large; there is one thread here */
    struct elf_source source = {NULL, MACH_PORT_NULL};
    arm_thread_state64_t state;
    const char *last;
    size_t size;
    vm_address_t sp;
    thread_t thread;
    kern_return_t kr;

    source.bytes = archive_find(program, &size);
    if (source.bytes == NULL)
        return KERN_INVALID_NAME;
    kr = elf_check(source.bytes, size, size, &image);
    if (kr != KERN_SUCCESS)
        return kr;

    kr = task_create(mach_task_self(), FALSE, task);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = elf_map(*task, &image, &source);
    if (kr == KERN_SUCCESS)
        kr = elf_stack(*task, &image, 1, 0, program, strlen(program) + 1, NULL, 0, &sp);
    if (kr == KERN_SUCCESS)
        kr = task_set_special_port(*task, TASK_BOOTSTRAP_PORT, bootstrap);
    if (kr == KERN_SUCCESS)
        kr = task_set_special_port(*task, TASK_HOST_PORT, host_port);
    if (kr == KERN_SUCCESS && pinned)
        kr = pin(*task, sp);
    last = strrchr(program, '/');
    if (kr == KERN_SUCCESS)
        kr = task_set_name(*task, (char *)(last != NULL ? last + 1 : program));
    if (kr == KERN_SUCCESS) {
        memset(&state, 0, sizeof(state));
        state.pc = image.entry;
        state.sp = sp;
        kr = thread_create_running(*task, ARM_THREAD_STATE64, (thread_state_t)&state,
                                   ARM_THREAD_STATE64_COUNT, &thread);
    }
    if (kr != KERN_SUCCESS) {
        task_terminate(*task);
        mach_port_deallocate(mach_task_self(), *task);
        return kr;
    }
    mach_port_deallocate(mach_task_self(), thread);
    return KERN_SUCCESS;
}
