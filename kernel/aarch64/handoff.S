/*
 * Leaving a kernel stack for good: the hand-over of ipc/mach_msg_fast.c. Read that, switch.S, and
 * machine_switch_prepare (thread.c) before, which it does without a call where there is little to do.
 *
 * A thread that waits there has nothing on its kernel stack but its trapframe. So nothing need be saved
 * of it but where it goes on (continuation), and nothing restored of who goes on like this.
 */
#include "asm_offsets.h"
#include "regs.h"

    .cfi_sections .debug_frame
    .text

/* machine_handoff. x0: the outgoing thread, lock held; x1: the incoming one; x2..x6 for mach_msg_arrive. */
    .global handoff
    .type   handoff, %function
handoff:
    .cfi_startproc
    .cfi_undefined x30
    ldr     x9, [x0, #TH_FRAME]
    add     x10, x9, #TF_X(29)
    adr     x11, continuation
    stp     x10, x11, [x0, #TH_CONTEXT]             // fp, lr; no sp: continuation knows
    ldr     x12, [x0, #TH_CPU]
    ldrh    w10, [x0, #TH_SPECIAL]
    ldrh    w11, [x1, #TH_SPECIAL]
    orr     w10, w10, w11
    cbnz    w10, special

    /* pmap_activate, unless it is the same one */
1:
    ldr     x9, [x0, #TH_PMAP]
    ldr     x10, [x1, #TH_PMAP]
    cmp     x9, x10
    b.eq    2f
    adrp    x11, asid_generation
    str     x10, [x12, #CPU_PMAP]
    dmb     ish
    ldr     x11, [x11, :lo12:asid_generation]
    ldar    x13, [x10]                              // PMAP_ASID
    ldr     x14, [x12, #CPU_GENERATION]
    eor     x13, x13, x11
    eor     x14, x14, x11
    orr     x13, x14, x13, lsr #ASID_BITS
    cbnz    x13, activate
    ldr     x14, [x10, #PMAP_TTBR0]
    msr     ttbr0_el1, x14
    isb
2:  mrs     x13, tpidr_el0
    ldr     x14, [x1, #TH_TPIDR]
    str     x13, [x0, #TH_TPIDR]
    msr     tpidr_el0, x14

    ldr     x9, [x1, #TH_FRAME]
    msr     tpidr_el1, x1           // from here on current_thread() is new
    mov     sp, x9
    add     x29, x9, #TF_X(29)
    adr     x30, trap_return
    ldr     w9, [x1, #TH_ITH_OPTION]
    tst     w9, #RCV_TRAILER_MASK
    b.eq    mach_msg_arrive
    b       mach_msg_arrive_otherwise

/* What is rare, by calls. */
    .macro call function
    stp     x0, x1, [sp, #-64]!
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x12, [sp, #48]
    .ifc    \function, pmap_activate
    mov     x0, x10
    .endif
    bl      \function
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x12, [sp, #48]
    ldp     x0, x1, [sp], #64
    .endm

special:
    call    machine_switch_special
    b       1b

activate:
    str     xzr, [x12, #CPU_PMAP]
    call    pmap_activate
    b       2b

/* Whoever switches to it by machine_switch comes here: x0 = the thread before it, x1 = itself. */
continuation:
    ldr     x9, [x1, #TH_FRAME]
    mov     sp, x9
    bl      thread_continue
    adr     x30, trap_return
    b       mach_msg_continue
    .cfi_endproc
    .size   handoff, . - handoff

/* Back to user mode from anywhere in a trap: what is on the stack is left there. */
    .global thread_exception_return
    .type   thread_exception_return, %function
thread_exception_return:
    mrs     x0, tpidr_el1
    ldr     x0, [x0, #TH_FRAME]
    mov     sp, x0
    b       user_return
    .size   thread_exception_return, . - thread_exception_return
