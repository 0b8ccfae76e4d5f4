/*
 * Spinlocks, and THE LOCK ORDER of the whole kernel.
 *
 * The kernel runs with interrupts masked: a trap keeps them masked until it returns to user mode,
 * blocks, or reaches a preemption point (sched.h). So a spinlock needs no "irq save", nothing that
 * an interrupt does can meet a lock held by the code it interrupted, and per-CPU data needs no lock
 * at all. The price: critical sections must be short, and long loops must call preempt_point().
 *
 * Locks are taken in the order of their class, lowest first; DEBUG=1 checks that at run time. Two
 * locks of one class only by spin_lock_second(), the lower address first (objects: shadowing before
 * shadow, whatever their addresses). Against the order: spin_try_lock, and on failure release
 * everything and begin again. Nothing blocks, touches user memory (but by copyin_page_at_once, which
 * serves no fault), or sends a message while holding a spinlock.
 */
#ifndef _KERN_LOCK_H_
#define _KERN_LOCK_H_

#include <stdbool.h>
#include <stdint.h>

enum lock_class {
    LOCK_TASK = 1,    /* struct task: thread list, counts, special and exception ports */
    LOCK_VM_MAP,      /* struct vm_map: entries */
    LOCK_IPC_SPACE,   /* struct ipc_space: the name table */
    LOCK_IPC_PORT,    /* struct ipc_port: everything in it, and its message queue */
    LOCK_IPC_PSET,    /* struct ipc_pset: members and waiting receivers */
    LOCK_VM_PAGER,    /* the table pager port -> object, and the list of cached objects */
    LOCK_VM_OBJECT,   /* struct vm_object and the pages in it; parent (shadowing) before shadow */
    LOCK_PMAP,        /* struct pmap: one task's page tables */
    LOCK_PV,          /* a page's list of mappings */
    LOCK_WAITQ,       /* wait queues that have a lock of their own: semaphores, events */
    LOCK_INHERIT,     /* loans of priority: inherit.c */
    LOCK_THREAD,      /* struct thread: state, priority, what it waits for */
    LOCK_RUNQ,        /* a CPU's run queue */
    LOCK_TIMER,       /* a CPU's timers */
    LOCK_ASID,        /* the ASID allocator */
    LOCK_ZONE,        /* a zone's free list */
    LOCK_VM_HASH,     /* a bucket of the (object, offset) -> page table */
    LOCK_VM_PAGE,     /* page queues and the free list */
    LOCK_IRQ,         /* which device owns an interrupt line */
    LOCK_DEVICE,      /* GIC distributor */
    LOCK_LEAF,        /* anything that takes no other lock: kernel stacks, grading log */
    LOCK_CONSOLE,
    LOCK_CLASSES
};

struct spinlock {
    uint32_t locked;
#ifdef DEBUG
    uint16_t class;
    uint16_t cpu;        /* the number + 1 of who holds it, or held it last */
    const void *pc;      /* where it was taken */
#endif
};
typedef struct spinlock spinlock_t;

/*
 * spin_lock waits (WFE) until the lock is free and takes it: acquire order; spin_unlock: release order.
 * spin_try_lock takes it only if it is free, in any order of classes. spin_lock_second is spin_lock for
 * a second lock of a class. spin_holding is for assertions: without DEBUG it is always true.
 */
void spin_lock_init(spinlock_t *lock, enum lock_class class);

#ifdef DEBUG
#define SPINLOCK_INITIALIZER(lock_class) {0, (lock_class), 0, 0}
/* The forms that check: a lock out of order, taken twice, or released by another CPU is a panic. */
void spin_lock(spinlock_t *lock);
void spin_lock_second(spinlock_t *lock);
bool spin_try_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_holding(const spinlock_t *lock);
/* Panics, naming the locks, if this CPU holds any: called wherever the kernel may block. */
void spin_assert_none(void);
/* The lock of an outgoing thread is released by the incoming one, on the same CPU: the list of held
 * locks is the CPU's, so the checker need not be told. */
#else
#include <machine/spin.h> /* the inline forms: spin_lock, spin_try_lock, spin_unlock */
#define SPINLOCK_INITIALIZER(lock_class) {0}
#define spin_lock_second(lock) spin_lock(lock)
#define spin_holding(lock)     true
#define spin_assert_none()     ((void)0)
#endif

#endif
