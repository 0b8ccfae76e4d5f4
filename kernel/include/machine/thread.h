/*
 * The machine-dependent part of a thread. Offsets are known to assembly (aarch64/asm_offsets.h,
 * checked by static assertions).
 */
#ifndef _MACHINE_THREAD_H_
#define _MACHINE_THREAD_H_

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

struct thread;
struct cpu;

/* The user's registers, at the top of the kernel stack, from the entry of a trap to its return. */
struct trapframe {
    uint64_t x[31];
    uint64_t sp;     /* SP_EL0 */
    uint64_t pc;     /* ELR_EL1 */
    uint64_t cpsr;   /* SPSR_EL1 */
};

/* Callee-saved registers of a thread that is switched out. */
struct switchframe {
    uint64_t x19_x28[10];
    uint64_t fp;
    uint64_t lr;
    uint64_t sp;
};

struct machine_thread {
    struct cpu *cpu;              /* where it runs: FIRST, see current_cpu() */
    struct trapframe *frame;      /* top of the kernel stack; fixed */
    struct switchframe context;
    uint64_t tpidr;               /* TPIDR_EL0 while switched out */
    struct arm_neon_state64 *fp;  /* made at the first use of FP */
    uint32_t fp_cpu;              /* CPU whose registers hold its FP state, or ~0 */
    bool stepping;                /* to take a debug exception after one instruction */
};

/* A fresh thread's stack and context, such that its first switch-in continues in thread_continue(),
 * which releases the outgoing thread's lock, then calls entry(arg), or goes to user mode (NULL).
 * KERN_RESOURCE_SHORTAGE. */
kern_return_t machine_thread_create(struct thread *thread, void (*entry)(void *), void *arg);
/* Provided by kern: the first thing a fresh thread runs, with the thread that ran before it,
 * whose lock it releases. On its return the machine calls entry(arg), or goes to user mode. */
void thread_continue(struct thread *old);
/* Frees the stack; the thread does not run any more. Not on its own stack. */
void machine_thread_destroy(struct thread *thread);
/* Switches registers and stack; returns in `new`'s context, when it was switched to, with the
 * thread that ran before it: whose lock the caller then releases. Both locks... see sched.c. */
struct thread *machine_switch(struct thread *old, struct thread *new);
/* Around machine_switch: TTBR0, TPIDR, FP trap. */
void machine_switch_prepare(struct thread *old, struct thread *new);
/* User state, by flavor. The thread is stopped, or current at a trap. */
kern_return_t machine_thread_get_state(struct thread *thread, thread_state_flavor_t flavor,
                                       thread_state_t state, mach_msg_type_number_t *count);
kern_return_t machine_thread_set_state(struct thread *thread, thread_state_flavor_t flavor,
                                       const natural_t *state, mach_msg_type_number_t count);

#endif
