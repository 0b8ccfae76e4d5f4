/*
 * The host, its ports; clocks, semaphores and devices as kernel objects; exceptions; the boot task.
 */
#ifndef _KERN_HOST_H_
#define _KERN_HOST_H_

#include <kern/sched.h>
#include <kern/thread.h>
#include <mach/mach_types.h>

struct host {
    struct ipc_port *self;
    struct ipc_port *priv_self;
    struct ipc_port *device_master;
};
extern struct host realhost;

host_t convert_port_to_host(mach_port_t port);           /* accepts the privileged port too */
host_priv_t convert_port_to_host_priv(mach_port_t port);
clock_serv_t convert_port_to_clock(mach_port_t port);
mach_port_t convert_clock_to_port(clock_serv_t clock);
/* NULL: there is no such clock. */
clock_serv_t clock_lookup(int clock_id);
semaphore_t convert_port_to_semaphore(mach_port_t port); /* takes a reference */
mach_port_t convert_semaphore_to_port(semaphore_t semaphore);
void semaphore_dereference(semaphore_t semaphore);
/* No send rights to its port are left: nobody can signal it any more. Called without locks. */
void semaphore_no_senders(semaphore_t semaphore);
uint32_t semaphore_total(void);
/* All semaphores of a dying task. */
void semaphore_destroy_all(struct task *task);
device_t convert_port_to_device(mach_port_t port);       /* takes a reference */
mach_port_t convert_device_to_port(device_t device);
void device_deallocate(device_t device);
/* No send rights to its port are left: its interrupt line is given up. Called without locks. */
void device_no_senders(device_t device);
/* All alarms a dying task has set. */
void clock_alarm_cancel_all(struct task *task);
void host_init(void);
void device_init(void);
void clock_init(void);
void calendar_init(void);
void semaphore_init(void);
void gsync_init(void);
/* A shared peripheral interrupt was taken (interrupt context, no locks held). The line is masked
 * first by irq_mask, and unmasked by device_intr_ack. */
void device_interrupt(uint32_t intid);

/*
 * The current thread's user code caused an exception: tells the thread's, then the task's handler,
 * and waits. Returns when the thread may go on in user mode (its state perhaps changed); if nobody
 * handles it, the task is terminated. Called by trap code, no locks held, may block.
 */
void exception(exception_type_t type, int64_t code, int64_t subcode);
/* What is left of it when the answer has come, or mr says why not; kmsg, consumed, may be NULL: then that is
 * no answer. On an empty stack; for mach_msg_raise.c. */
void exception_answered(mach_msg_return_t mr, struct ipc_kmsg *kmsg) __attribute__((noreturn));
/* The bodies of task_/thread_set_exception_ports and _get_exception_port, on the EXC_TYPES_COUNT
 * actions of a task or a thread, which task's lock guards. *self is its own port, NULL once it is
 * dead: KERN_TERMINATED. set consumes port on success. */
kern_return_t exception_actions_set(struct task *task, struct exception_action *actions,
                                    exception_mask_t mask, mach_port_t port,
                                    exception_behavior_t behavior, thread_state_flavor_t flavor,
                                    struct ipc_port *const *self);
kern_return_t exception_actions_get(struct task *task, struct exception_action *actions,
                                    exception_type_t type, mach_port_t *port,
                                    exception_behavior_t *behavior, thread_state_flavor_t *flavor);
/* Releases all rights in actions, which nobody else can reach any more. No locks held. */
void exception_actions_clear(struct exception_action *actions);

/* Makes the first task from `bootstrap` in the boot archive (bootstrap.c). */
void bootstrap_create(void);

#endif
