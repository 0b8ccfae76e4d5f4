/*
 * The context switch, and a thread's first steps.
 *
 * A switch is a function call that returns in another thread: so only what a function must preserve
 * is saved. The scheduler holds the outgoing thread's lock across it (kern/sched.h); the incoming
 * side gets that thread as the result and releases its lock.
 */
#include "asm_offsets.h"

    .cfi_sections .debug_frame
    .text

/* struct thread *machine_switch(struct thread *old, struct thread *new) */
    .global machine_switch
    .type   machine_switch, %function
machine_switch:
    .cfi_startproc
    add     x8, x0, #TH_CONTEXT
    mov     x9, sp
    stp     x19, x20, [x8], #16
    stp     x21, x22, [x8], #16
    stp     x23, x24, [x8], #16
    stp     x25, x26, [x8], #16
    stp     x27, x28, [x8], #16
    stp     x29, x30, [x8], #16
    str     x9, [x8]
    add     x8, x1, #TH_CONTEXT
    ldp     x19, x20, [x8], #16
    ldp     x21, x22, [x8], #16
    ldp     x23, x24, [x8], #16
    ldp     x25, x26, [x8], #16
    ldp     x27, x28, [x8], #16
    ldp     x29, x30, [x8], #16
    ldr     x9, [x8]
    mov     sp, x9
    msr     tpidr_el1, x1           // from here on current_thread() is new
    ret                             // x0 is still old
    .cfi_endproc
    .size   machine_switch, . - machine_switch

/*
 * Where a fresh thread's saved lr points (thread.c): x0 = the thread before it, x19 = entry or 0,
 * x20 = its argument. SP is at the trapframe, as at every entry from user mode.
 */
    .global thread_start
    .type   thread_start, %function
thread_start:
    .cfi_startproc
    .cfi_undefined x30
    bl      thread_continue
    cbz     x19, user_return
    mov     x0, x20
    blr     x19
    bl      thread_returned         // a kernel thread must not
    .cfi_endproc
    .size   thread_start, . - thread_start
