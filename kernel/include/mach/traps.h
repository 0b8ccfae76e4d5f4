/*
 * The two doors into the kernel. `svc #0x80`: a Mach trap, its (negative) number in x16, arguments
 * in x0..x7, result in x0; all other registers but x16, x17 and flags are kept (MIG-made stubs count
 * on it: mach/inline_traps.h). `svc #0`: a UNIX system call, number in x8, redirected to the task's
 * emulation entry (task_set_emulation): the kernel puts the return address in x16 and the trap's
 * flags in x17, and jumps there. Usable from assembly.
 */
#ifndef _MACH_TRAPS_H_
#define _MACH_TRAPS_H_

#define MACH_TRAP_SVC 0x80
#define UNIX_TRAP_SVC 0

#define MACH_TRAP_vm_allocate           (-10)
#define MACH_TRAP_vm_deallocate         (-12)
#define MACH_TRAP_vm_read_overwrite     (-13) /* of ours: XNU has another here */
#define MACH_TRAP_mach_port_deallocate  (-18)
#define MACH_TRAP_reply_port            (-26)
#define MACH_TRAP_thread_self           (-27)
#define MACH_TRAP_task_self             (-28)
#define MACH_TRAP_host_self             (-29)
#define MACH_TRAP_msg                   (-31)
#define MACH_TRAP_semaphore_signal      (-33)
#define MACH_TRAP_semaphore_signal_all  (-34)
#define MACH_TRAP_semaphore_signal_thread (-35)
#define MACH_TRAP_semaphore_wait        (-36)
#define MACH_TRAP_semaphore_wait_signal (-37)
#define MACH_TRAP_semaphore_timedwait   (-38)
#define MACH_TRAP_swtch_pri             (-59)
#define MACH_TRAP_swtch                 (-60)
#define MACH_TRAP_thread_switch         (-61)
#define MACH_TRAP_clock_sleep           (-62)
#define MACH_TRAP_mach_port_request_notification (-77)
#define MACH_TRAP_timebase_info         (-89)
#define MACH_TRAP_wait_until            (-90)
#define MACH_TRAP_debug_print           (-100) /* (buf, len): bytes straight to the early console */
#define MACH_TRAP_thread_set_self_state (-101) /* (flavor, state, count): see thread_status.h */
#define MACH_TRAP_COUNT                 128    /* numbers -1 .. -127 */

#ifndef __ASSEMBLER__
#include <mach/mach_types.h>
#ifndef KERNEL
/* mach_port.defs and vm_map.defs have their contracts. MACH_SEND_INVALID_DEST: the name is not a right to the
 * caller's own task; mach_port_deallocate and so on are these, and the message where they do not do. */
kern_return_t mach_port_deallocate_trap(ipc_space_t task, mach_port_name_t name);
kern_return_t mach_port_request_notification_trap(ipc_space_t task, mach_port_name_t name,
                                                  mach_msg_id_t msgid, mach_port_mscount_t sync,
                                                  mach_port_t notify, mach_msg_type_name_t notify_type,
                                                  mach_port_t *previous);
kern_return_t vm_allocate_trap(vm_map_t task, vm_address_t *address, vm_size_t size,
                               boolean_t anywhere);
kern_return_t vm_deallocate_trap(vm_map_t task, vm_address_t address, vm_size_t size);
/* Copies size bytes from address to data, both the caller's own. KERN_INVALID_ADDRESS: there is no such
 * memory, or its pager has failed, or it may not be read, or written to; some was copied, perhaps. */
kern_return_t vm_read_overwrite_trap(vm_map_t task, vm_address_t address, vm_size_t size,
                                     vm_address_t data);
mach_port_name_t mach_reply_port(void); /* a new receive right; MACH_PORT_NULL if out of memory */
mach_port_name_t mach_thread_self(void); /* each adds a user reference to a send right */
mach_port_name_t mach_task_self_trap(void);
mach_port_name_t mach_host_self(void);
kern_return_t semaphore_signal(semaphore_t semaphore);
kern_return_t semaphore_signal_all(semaphore_t semaphore);
kern_return_t semaphore_signal_thread(semaphore_t semaphore, thread_t thread);
kern_return_t semaphore_wait(semaphore_t semaphore);
kern_return_t semaphore_wait_signal(semaphore_t wait, semaphore_t signal);
/* Waits at most sec seconds and nsec nanoseconds: KERN_OPERATION_TIMED_OUT. */
kern_return_t semaphore_timedwait(semaphore_t semaphore, uint64_t sec, uint64_t nsec);
boolean_t swtch_pri(int priority); /* yield; TRUE if someone else ran */
boolean_t swtch(void);
kern_return_t thread_switch(mach_port_name_t thread, int option, mach_msg_timeout_t time);
/* Sleeps until (TIME_ABSOLUTE) or for (TIME_RELATIVE); *wakeup gets the time it woke. */
kern_return_t clock_sleep_trap(int sleep_type, uint64_t sec, uint64_t nsec, time_value64_t *wakeup);
kern_return_t mach_wait_until(uint64_t deadline); /* a CNTVCT value */
/* A difference of CNTVCT values * numer / denom is nanoseconds. */
kern_return_t mach_timebase_info(mach_timebase_info_t info);
kern_return_t debug_print(const char *text, vm_size_t length);
kern_return_t thread_set_self_state(thread_state_flavor_t flavor, const void *state,
                                    mach_msg_type_number_t count);
extern mach_port_t mach_task_self_; /* cached at start, and after fork */
#define mach_task_self() mach_task_self_
#endif
#endif

#endif
