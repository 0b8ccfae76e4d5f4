/*
 * Offsets that assembly needs. Static assertions in thread.c check each against the C structures,
 * so a changed structure is a compile error that names the line to change here.
 */
#ifndef _AARCH64_ASM_OFFSETS_H_
#define _AARCH64_ASM_OFFSETS_H_

/* struct trapframe */
#define TF_X(n)   ((n) * 8)
#define TF_SP     248
#define TF_PC     256
#define TF_CPSR   264
#define TF_SIZE   272

/* struct thread; struct machine_thread is its first member */
#define TH_CPU     0
#define TH_FRAME   8
#define TH_CONTEXT 16 /* struct switchframe: fp, lr, sp */
#define TH_TPIDR   40
#define TH_PMAP    48
#define TH_SPECIAL 68
#define TH_AST     72
#define TH_TASK    80
#define TH_TRAPS   88
#define TH_ITH_OPTION 120

/* thread->ast: the bits that must be dealt with before user mode: all but AST_ABORT, which waits
 * for the thread's next wait. */
#define AST_STOPS_RETURN 31

#define RCV_TRAILER_MASK 0xf000000 /* MACH_RCV_TRAILER_ELEMENTS(0xf) */

/* struct cpu, struct pmap */
#define CPU_PMAP       32
#define CPU_GENERATION 40
#define PMAP_ASID      0
#define PMAP_TTBR0     8
#define ASID_BITS      16

/* struct task */
#define TASK_EMULATION     24
#define TASK_SYSCALLS_UNIX 60

/* Kernel stacks: 8 KiB in a 16 KiB slot whose lower half is not mapped. So bit 13 of a stack
 * pointer is 1 on the stack, and 0 right below it: one instruction finds an overflow. */
#define KSTACK_SHIFT 13
#define KSTACK_SIZE  (1 << KSTACK_SHIFT)
#define KSTACK_SLOT  (2 * KSTACK_SIZE)
#define KSTACK_BASE  0xffff800000000000 /* the region of slots: kstack.c */
#define KVA_BASE     0xffff808000000000 /* memory of several pages: kva.c */

#endif
