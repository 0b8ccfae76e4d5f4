/*
 * A task: a port space, an address space, threads, special ports.
 */
#ifndef _KERN_TASK_H_
#define _KERN_TASK_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/thread.h>
#include <mach/mach_types.h>

#define TASK_NAME_SIZE 32

struct task {
    uint32_t refs;              /* atomic */
    struct vm_map *map;         /* fixed while active */
    struct ipc_space *space;    /* fixed while active */
    vm_address_t emulation;     /* unix_syscall entry, or 0; plain word, read by the trap */
    security_token_t token;     /* written under lock, read by senders as one 64-bit word */

    /* ---- event counters: relaxed; the last is counted by assembly (asm_offsets.h) ---- */
    uint32_t faults, pageins, cow_faults, messages_sent, messages_received, syscalls_unix;
    struct ledger *ledger;      /* fixed; NULL: the kernel's own task */

    uint32_t blamed;            /* for the want of memory, and not heard yet: memory_gone.c; plain */
    bool vm_privileged;         /* written once: see task_set_vm_privilege */

    /* ---- owned by lock ---- */
    spinlock_t lock;
    bool active;
    struct queue threads;       /* struct thread.task_link */
    uint32_t thread_count;
    uint32_t suspend_count;
    struct ipc_port *self;      /* kernel port */
    struct ipc_port *host;      /* special ports: send rights */
    struct ipc_port *bootstrap;
    struct exception_action exc_actions[EXC_TYPES_COUNT];
    struct queue semaphores;    /* struct semaphore, those the task owns */
    struct queue alarms;        /* struct alarm (clock.c), those it has set */
    uint64_t dead_user_time;    /* of threads that are gone */
    uint64_t dead_system_time;
    uint32_t dead_csw;
    uint32_t dead_traps;
    char name[TASK_NAME_SIZE];
    struct queue all_link;      /* in the list of all tasks: owned by its lock (task.c) */
};

extern struct task *kernel_task; /* threads of the kernel; no space, the kernel map */

/* A new task without threads, as task_create of task.defs; parent may be NULL (the first). The
 * caller gets one reference. */
kern_return_t task_create_internal(task_t parent, bool inherit_memory, task_t *child);
void task_reference(task_t task);
void task_deallocate(task_t task);
/* Ends all threads, releases space and map. From one of its own threads: does not return from the
 * trap. */
kern_return_t task_terminate(task_t task);
task_t convert_port_to_task(mach_port_t port);
mach_port_t convert_task_to_port(task_t task);
/* The same port, for its map / space: with a reference; NULL if the task is dead. */
vm_map_t convert_port_to_map(mach_port_t port);
ipc_space_t convert_port_to_space(mach_port_t port);
/* The last thread of a dying task, or who ended a task without threads: gives back all it held. The
 * caller holds a reference. May block. */
void task_cleanup(task_t task);
/* All live tasks, each with a reference, into an array of *count (kalloc'ed: kfree it with
 * *count * sizeof(task_t)). KERN_RESOURCE_SHORTAGE. */
kern_return_t task_list(task_t **tasks, uint32_t *count);
/* The live task after this one (NULL: the first), with a reference; takes the one to `task`. NULL: it
 * was the last, or is dead. */
task_t task_next(task_t task);
/* Is a task coming to its end, whose memory will soon be free? Not one for which that takes too long. */
bool task_is_ending(void);
/* How many have begun to end since boot. */
uint32_t task_ends_begun(void);
void task_init(void);
uint32_t task_total(void);

#define current_task()  (current_thread()->task)
#define current_space() (current_task()->space)
#define current_map()   (current_task()->map)
#define current_ledger() (current_task()->ledger)

#endif
