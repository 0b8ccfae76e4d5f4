/*
 * A thread's first steps: where a new thread's saved lr points (machine/thread.h: machine_switch;
 * thread.c). x0 = the thread that ran before it, SP = its trapframe, as at every entry from user
 * mode.
 */
#include "asm_offsets.h"

    .cfi_sections .debug_frame
    .text

    .global thread_start
    .type   thread_start, %function
thread_start:
    .cfi_startproc
    .cfi_undefined x30
    bl      thread_continue
    b       user_return
    .cfi_endproc
    .size   thread_start, . - thread_start

    .global kernel_thread_start
    .type   kernel_thread_start, %function
kernel_thread_start:
    .cfi_startproc
    .cfi_undefined x30
    bl      thread_continue
    ldp     x0, x8, [sp, #TF_X(0)]  // argument and entry
    blr     x8
    bl      thread_returned         // it must not
    .cfi_endproc
    .size   kernel_thread_start, . - kernel_thread_start
