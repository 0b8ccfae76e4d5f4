/*
 * The Mach traps by number, counted from the end: vectors.S jumps to mach_trap_table[MACH_TRAP_COUNT - 1 +
 * x16] with the user's x0..x7 as arguments and gives back the result in x0. To add a trap: a number in
 * mach/traps.h, a function, a line here.
 */
#include <ipc/ipc_kobject.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/thread.h>
#include <kern/traps.h>
#include <mach/traps.h>

typedef uint64_t (*mach_trap_t)(void); /* of any arguments */

/*
 * A number that no trap has: EXC_SYSCALL with the number, as signed 32 bits, and 0 (a UNIX system call would
 * say 1). When exception returns, a handler may have served the call, and changed the thread's registers in
 * machine.frame: what is returned goes into x0, so it must be what the handler left there.
 */
static uint64_t unknown_trap(void)
{
    struct trapframe *frame = current_thread()->machine.frame;

    exception(EXC_SYSCALL, (int32_t)frame->x[16], 0);
    return frame->x[0];
}

/*
 * thread_set_self_state_trap, whose error is the result. But when it has set ARM_THREAD_STATE64, all
 * registers were set, the result's among them, and what is returned must not change x0.
 */
static uint64_t set_self_state(thread_state_flavor_t flavor, vm_address_t state,
                               mach_msg_type_number_t count)
{
    kern_return_t kr = thread_set_self_state_trap(flavor, state, count);

    if (kr == KERN_SUCCESS && flavor == ARM_THREAD_STATE64)
        return current_thread()->machine.frame->x[0];
    return kr;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"     /* the range first, then those that exist */
#pragma GCC diagnostic ignored "-Wcast-function-type"
#define TRAP(name, function) [MACH_TRAP_COUNT - 1 + MACH_TRAP_##name] = (mach_trap_t)(function)
const mach_trap_t mach_trap_table[MACH_TRAP_COUNT] = {
    [0 ... MACH_TRAP_COUNT - 1] = unknown_trap,
    TRAP(vm_allocate, vm_allocate_trap),
    TRAP(vm_deallocate, vm_deallocate_trap),
    TRAP(vm_read_overwrite, vm_read_overwrite_trap),
    TRAP(mach_port_deallocate, mach_port_deallocate_trap),
    TRAP(mach_port_request_notification, mach_port_request_notification_trap),
    TRAP(reply_port, mach_reply_port_trap),
    TRAP(thread_self, mach_thread_self_trap),
    TRAP(task_self, mach_task_self_trap),
    TRAP(host_self, mach_host_self_trap),
    TRAP(msg, mach_msg_fast),
    TRAP(semaphore_signal, semaphore_signal_trap),
    TRAP(semaphore_signal_all, semaphore_signal_all_trap),
    TRAP(semaphore_signal_thread, semaphore_signal_thread_trap),
    TRAP(semaphore_wait, semaphore_wait_trap),
    TRAP(semaphore_wait_signal, semaphore_wait_signal_trap),
    TRAP(semaphore_timedwait, semaphore_timedwait_trap),
    TRAP(swtch_pri, swtch_pri_trap),
    TRAP(swtch, swtch_trap),
    TRAP(thread_switch, thread_switch_trap),
    TRAP(clock_sleep, clock_sleep_trap),
    TRAP(timebase_info, mach_timebase_info_trap),
    TRAP(wait_until, mach_wait_until_trap),
    TRAP(debug_print, debug_print_trap),
    TRAP(thread_set_self_state, set_self_state),
};
#pragma GCC diagnostic pop
