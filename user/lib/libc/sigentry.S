/*
 * Where a signal enters a program, and leaves it. Read sigdeliver.c before.
 *
 * All registers go into a ucontext_t on the stack, and are loaded from there at the end, by one trap:
 * an instruction that jumps needs a register for where to.
 */
#include <mach/traps.h>

/* ucontext_t (signal.h); sigdeliver.c checks these. */
#define UC_REGS   56
#define UC_SP     304
#define UC_PC     312
#define UC_PSTATE 320
#define UC_VREGS  336
#define UC_FPSR   848
#define UC_SIZE   864

#define ARM_THREAD_STATE64       6  /* mach/thread_status.h, which is not for assembly */
#define ARM_THREAD_STATE64_COUNT 68

    /* x0 to x30 */
    .macro SAVE_GENERAL
    stp     x0, x1, [sp, #UC_REGS]
    stp     x2, x3, [sp, #UC_REGS + 16]
    stp     x4, x5, [sp, #UC_REGS + 32]
    stp     x6, x7, [sp, #UC_REGS + 48]
    stp     x8, x9, [sp, #UC_REGS + 64]
    stp     x10, x11, [sp, #UC_REGS + 80]
    stp     x12, x13, [sp, #UC_REGS + 96]
    stp     x14, x15, [sp, #UC_REGS + 112]
    stp     x16, x17, [sp, #UC_REGS + 128]
    stp     x18, x19, [sp, #UC_REGS + 144]
    stp     x20, x21, [sp, #UC_REGS + 160]
    stp     x22, x23, [sp, #UC_REGS + 176]
    stp     x24, x25, [sp, #UC_REGS + 192]
    stp     x26, x27, [sp, #UC_REGS + 208]
    stp     x28, x29, [sp, #UC_REGS + 224]
    str     x30, [sp, #UC_REGS + 240]
    .endm

    .macro FP how
    \how    q0, q1, [sp, #UC_VREGS]
    \how    q2, q3, [sp, #UC_VREGS + 32]
    \how    q4, q5, [sp, #UC_VREGS + 64]
    \how    q6, q7, [sp, #UC_VREGS + 96]
    \how    q8, q9, [sp, #UC_VREGS + 128]
    \how    q10, q11, [sp, #UC_VREGS + 160]
    \how    q12, q13, [sp, #UC_VREGS + 192]
    \how    q14, q15, [sp, #UC_VREGS + 224]
    \how    q16, q17, [sp, #UC_VREGS + 256]
    \how    q18, q19, [sp, #UC_VREGS + 288]
    \how    q20, q21, [sp, #UC_VREGS + 320]
    \how    q22, q23, [sp, #UC_VREGS + 352]
    \how    q24, q25, [sp, #UC_VREGS + 384]
    \how    q26, q27, [sp, #UC_VREGS + 416]
    \how    q28, q29, [sp, #UC_VREGS + 448]
    \how    q30, q31, [sp, #UC_VREGS + 480]
    .endm

    .macro SAVE_FP
    FP      stp
    mrs     x2, fpsr
    mrs     x3, fpcr
    str     w2, [sp, #UC_FPSR]
    str     w3, [sp, #UC_FPSR + 4]
    .endm

    .text

/* The proc server has sent the thread here: x0 is a cookie, all else is as it was. */
    .globl  __signal_entry
    .type   __signal_entry, %function
    .balign 16
__signal_entry:
    sub     sp, sp, #UC_SIZE
    SAVE_GENERAL
    SAVE_FP
    mov     x1, x0
    mov     x0, sp
    bl      __signal_deliver
resume:
    ldr     w2, [sp, #UC_FPSR]
    ldr     w3, [sp, #UC_FPSR + 4]
    msr     fpsr, x2
    msr     fpcr, x3
    FP      ldp
    mov     x0, #ARM_THREAD_STATE64
    add     x1, sp, #UC_REGS
    mov     x2, #ARM_THREAD_STATE64_COUNT
    mov     x16, #MACH_TRAP_thread_set_self_state
    svc     #MACH_TRAP_SVC
    brk     #1                      // the ucontext is no longer there
    .size   __signal_entry, . - __signal_entry

/* void __signal_call(const sig_info_t *info): a signal at this very place, which it returns to. */
    .globl  __signal_call
    .type   __signal_call, %function
    .balign 16
__signal_call:
    sub     sp, sp, #UC_SIZE
    SAVE_GENERAL
    SAVE_FP
    add     x2, sp, #UC_SIZE
    mrs     x3, nzcv
    stp     x2, x30, [sp, #UC_SP]   // goes on where it was called
    stp     x3, xzr, [sp, #UC_PSTATE]
    mov     x1, x0
    mov     x0, sp
    bl      __signal_deliver_info
    b       resume
    .size   __signal_call, . - __signal_call

/* void __signal_on_stack(handler, int signal, siginfo_t *info, ucontext_t *context, void *sp) */
    .globl  __signal_on_stack
    .type   __signal_on_stack, %function
    .balign 16
__signal_on_stack:
    stp     x29, x30, [sp, #-16]!
    mov     x29, sp
    mov     x9, x0
    mov     sp, x4
    mov     x0, x1
    mov     x1, x2
    mov     x2, x3
    blr     x9
    mov     sp, x29
    ldp     x29, x30, [sp], #16
    ret
    .size   __signal_on_stack, . - __signal_on_stack

    .section .note.GNU-stack, "", %progbits
