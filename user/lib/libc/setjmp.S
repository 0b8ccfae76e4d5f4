/*
 * setjmp, and longjmp's last step. jmp_buf: x19 to x30, sp, d8 to d15, then whether the signal mask was
 * saved, and the mask; longjmp.c knows where these are (setjmp.h has the size).
 */
#define TCB_SIG_BLOCKED 64 /* offsetof(struct mach_tcb, sig_blocked): longjmp.c checks it */

    .text
    .globl  setjmp
    .globl  _setjmp
    .globl  sigsetjmp
    .type   setjmp, %function
    .type   sigsetjmp, %function
    .balign 16
setjmp:
_setjmp:
    mov     w1, #0
sigsetjmp:
    .cfi_startproc
    str     x1, [x0, #168]
    cbz     w1, 1f
    mrs     x9, tpidr_el0
    ldr     x9, [x9, #TCB_SIG_BLOCKED]
    str     x9, [x0, #176]
1:  mov     x9, sp
    stp     x19, x20, [x0, #0]
    stp     x21, x22, [x0, #16]
    stp     x23, x24, [x0, #32]
    stp     x25, x26, [x0, #48]
    stp     x27, x28, [x0, #64]
    stp     x29, x30, [x0, #80]
    str     x9, [x0, #96]
    stp     d8, d9, [x0, #104]
    stp     d10, d11, [x0, #120]
    stp     d12, d13, [x0, #136]
    stp     d14, d15, [x0, #152]
    mov     w0, #0
    ret
    .cfi_endproc
    .size   setjmp, . - setjmp
    .size   sigsetjmp, . - sigsetjmp

    .globl  __longjmp
    .type   __longjmp, %function
    .balign 16
__longjmp:
    .cfi_startproc
    ldp     x19, x20, [x0, #0]
    ldp     x21, x22, [x0, #16]
    ldp     x23, x24, [x0, #32]
    ldp     x25, x26, [x0, #48]
    ldp     x27, x28, [x0, #64]
    ldp     x29, x30, [x0, #80]
    ldr     x9, [x0, #96]
    mov     sp, x9
    ldp     d8, d9, [x0, #104]
    ldp     d10, d11, [x0, #120]
    ldp     d12, d13, [x0, #136]
    ldp     d14, d15, [x0, #152]
    cmp     w1, #0
    csinc   w0, w1, wzr, ne         // 0 is told as 1
    ret
    .cfi_endproc
    .size   __longjmp, . - __longjmp

    .section .note.GNU-stack, "", %progbits
