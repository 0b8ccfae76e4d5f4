/*
 * The machine-dependent part of a thread. Offsets are known to assembly (aarch64/asm_offsets.h,
 * checked by static assertions).
 */
#ifndef _MACHINE_THREAD_H_
#define _MACHINE_THREAD_H_

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipc_kmsg;
struct ipc_port;
struct pmap;
struct thread;
struct cpu;

/* The user's registers, at the top of the kernel stack, from the entry of a trap to its return. */
struct trapframe {
    uint64_t x[31];
    uint64_t sp;     /* SP_EL0 */
    uint64_t pc;     /* ELR_EL1 */
    uint64_t cpsr;   /* SPSR_EL1 */
};

/* A thread that is switched out: where it goes on. All else is on its stack (machine_switch). */
struct switchframe {
    uint64_t fp;
    uint64_t lr;
    uint64_t sp;
};

struct machine_thread {
    struct cpu *cpu;              /* where it runs: FIRST, see current_cpu() */
    struct trapframe *frame;      /* top of the kernel stack; fixed */
    struct switchframe context;
    uint64_t tpidr;               /* TPIDR_EL0 while switched out */
    struct pmap *pmap;            /* its task's, or NULL; fixed */
    struct arm_neon_state64 *fp;  /* made at the first use of FP */
    uint32_t fp_cpu;              /* CPU whose registers hold its FP state, or ~0 */
    union {
        struct {
            bool stepping;        /* to take a debug exception after one instruction */
            bool fp_live;         /* it has used its FP registers since it was switched to */
        };
        uint16_t special;         /* any of these: a switch has more to do */
    };
};

/* The rare part of a switch: debug exceptions, FP registers. */
void machine_switch_special(struct machine_thread *old, struct machine_thread *new);

/* Bytes of kernel memory that belong to a thread beside its structure: stack and FP state. */
#define MACHINE_THREAD_SIZE (2 * PAGE_SIZE + sizeof(struct arm_neon_state64))

/* A fresh thread's stack and context, such that its first switch-in continues in thread_continue(),
 * which releases the outgoing thread's lock, then calls entry(arg), or goes to user mode (NULL).
 * KERN_RESOURCE_SHORTAGE. */
kern_return_t machine_thread_create(struct thread *thread, void (*entry)(void *), void *arg);
/* Provided by kern: the first thing a fresh thread runs, with the thread that ran before it,
 * whose lock it releases. On its return the machine calls entry(arg), or goes to user mode. */
void thread_continue(struct thread *old);
/* Frees the stack; the thread does not run any more. Not on its own stack. */
void machine_thread_destroy(struct thread *thread);
/*
 * Switches stacks: the current thread *self is set aside, and where it goes on once somebody switches
 * to it is behind this, with the thread that ran before it as the result, and *self once more (it was
 * `new` to that one). To the compiler it is an instruction that leaves no register as it was, so what
 * is of use later lies on the stack, and nothing else is saved. Inline for that: a function would save
 * x19 to x28 for its caller, and then once more for the other thread.
 */
static inline __attribute__((always_inline)) struct thread *machine_switch(struct thread **self,
                                                                           struct thread *new)
{
    register struct thread *x0 __asm__("x0") = *self;
    register struct thread *x1 __asm__("x1") = new;

    __asm__ volatile("   adr x3, 1f\n"
                     "   mov x2, sp\n"
                     "   stp x29, x3, [x0, %[fp]]\n"
                     "   str x2, [x0, %[sp]]\n"
                     "   ldr x2, [x1, %[sp]]\n"
                     "   ldp x29, x3, [x1, %[fp]]\n"
                     "   mov sp, x2\n"
                     "   msr tpidr_el1, x1\n" /* from here on current_thread() is new */
                     "   br x3\n"
                     "1:\n"
                     : "+r"(x0), "+r"(x1)
                     : [fp] "i"(offsetof(struct machine_thread, context.fp)),
                       [sp] "i"(offsetof(struct machine_thread, context.sp))
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                       "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24",
                       "x25", "x26", "x27", "x28", "x30", "memory", "cc");
    *self = x1;
    return x0;
}
/* Before machine_switch: what belongs to old but is not in its kernel stack goes to memory, what
 * belongs to new is loaded: all but the address space (pmap_activate). The kernel uses none of
 * it. */
static inline void machine_switch_prepare(struct thread *old_thread, struct thread *new_thread)
{
    struct machine_thread *old = (struct machine_thread *)old_thread;
    struct machine_thread *new = (struct machine_thread *)new_thread;

    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(old->tpidr));
    __asm__ volatile("msr tpidr_el0, %0" ::"r"(new->tpidr));
    if (__builtin_expect(old->special | new->special, 0) != 0)
        machine_switch_special(old, new);
}
/*
 * The hand-over of mach_msg_fast.c, after thread_switch_begin: the rest of the arguments is
 * mach_msg_arrive's, which runs as new, on its stack; whose result is new's trap's. When old is switched to
 * it begins in mach_msg_continue, as from its trap. A jump: so nothing is saved before it for a return.
 */
static inline __attribute__((always_inline, noreturn)) void
machine_handoff(struct thread *old, struct thread *new, mach_port_name_t local_port,
                mach_port_seqno_t seqno, mach_msg_id_t id, struct ipc_port *reply,
                struct ipc_kmsg *kmsg)
{
    register struct thread *x0 __asm__("x0") = old;
    register struct thread *x1 __asm__("x1") = new;
    register uint32_t w2 __asm__("w2") = local_port;
    register uint32_t w3 __asm__("w3") = seqno;
    register uint32_t w4 __asm__("w4") = id;
    register struct ipc_port *x5 __asm__("x5") = reply;
    register struct ipc_kmsg *x6 __asm__("x6") = kmsg;

    __asm__ volatile("b handoff" ::"r"(x0), "r"(x1), "r"(w2), "r"(w3), "r"(w4), "r"(x5), "r"(x6)
                     : "memory");
    __builtin_unreachable();
}
/* Ends the current thread's trap, with the registers in its frame. No locks. */
void thread_exception_return(void) __attribute__((noreturn));
/* User state, by flavor. The thread is stopped, or current at a trap. */
kern_return_t machine_thread_get_state(struct thread *thread, thread_state_flavor_t flavor,
                                       thread_state_t state, mach_msg_type_number_t *count);
kern_return_t machine_thread_set_state(struct thread *thread, thread_state_flavor_t flavor,
                                       const natural_t *state, mach_msg_type_number_t count);

#endif
