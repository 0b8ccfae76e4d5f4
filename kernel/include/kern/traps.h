/*
 * The Mach traps that kern/ implements, under the names the trap table uses. Arguments are as the
 * user program gave them: nothing about them is believed. (mach/traps.h has the contracts;
 * ipc/ipc_kobject.h the traps of ipc.)
 */
#ifndef _KERN_TRAPS_H_
#define _KERN_TRAPS_H_

#include <mach/mach_types.h>

/* Is the name a send right to the caller's own task? */
bool is_own_task(mach_port_name_t name);
/* One's own port names: mach_port_traps.c. previous: user address of a mach_port_name_t. */
kern_return_t mach_port_deallocate_trap(mach_port_name_t target, mach_port_name_t name);
kern_return_t mach_port_request_notification_trap(mach_port_name_t target, mach_port_name_t name,
                                                  mach_msg_id_t id, mach_port_mscount_t sync,
                                                  mach_port_name_t notify,
                                                  mach_msg_type_name_t disposition,
                                                  vm_address_t previous);
/* One's own address space: vm_traps.c. address: user address of a vm_address_t. May block. */
kern_return_t vm_allocate_trap(mach_port_name_t target, vm_address_t address, vm_size_t size,
                               boolean_t anywhere);
kern_return_t vm_deallocate_trap(mach_port_name_t target, vm_address_t address, vm_size_t size);
kern_return_t vm_read_overwrite_trap(mach_port_name_t target, vm_address_t address, vm_size_t size,
                                     vm_address_t data);
/* Semaphores: KERN_INVALID_NAME or _RIGHT for a name that is none; KERN_TERMINATED. Waits
 * block. */
kern_return_t semaphore_signal_trap(mach_port_name_t semaphore);
kern_return_t semaphore_signal_all_trap(mach_port_name_t semaphore);
kern_return_t semaphore_signal_thread_trap(mach_port_name_t semaphore, mach_port_name_t thread);
kern_return_t semaphore_wait_trap(mach_port_name_t semaphore);
kern_return_t semaphore_wait_signal_trap(mach_port_name_t wait, mach_port_name_t signal);
kern_return_t semaphore_timedwait_trap(mach_port_name_t semaphore, uint64_t sec, uint64_t nsec);
/* Yielding: TRUE if another thread ran. */
boolean_t swtch_pri_trap(int priority);
boolean_t swtch_trap(void);
/* thread: MACH_PORT_NAME_NULL, or one to run next; a name that is none is ignored. May block. */
kern_return_t thread_switch_trap(mach_port_name_t thread, int option, mach_msg_timeout_t time);
/* wakeup: user address of a time_value64_t, or 0. */
kern_return_t clock_sleep_trap(int sleep_type, uint64_t sec, uint64_t nsec, vm_address_t wakeup);
kern_return_t mach_wait_until_trap(uint64_t deadline);
/* info: user address of a mach_timebase_info_data_t. */
kern_return_t mach_timebase_info_trap(vm_address_t info);
/* Bytes at the user address to the early console, no server in between. */
kern_return_t debug_print_trap(vm_address_t text, vm_size_t length);
/* state: user address of count words. */
kern_return_t thread_set_self_state_trap(thread_state_flavor_t flavor, vm_address_t state,
                                         mach_msg_type_number_t count);

#endif
