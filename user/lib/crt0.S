/*
 * Where a program begins. The stack holds argc, argv, envp and the auxiliary vector (start.c); x30
 * and x29 are 0 so that a backtrace ends here. `start` is xv6's name for the same place.
 */
    .section .text._start, "ax"
    .globl _start
    .globl start
    .type _start, %function
_start:
start:
    .cfi_startproc
    .cfi_undefined x30
    mov     x29, #0
    mov     x30, #0
    mov     x0, sp
    bl      __ostia_start
    brk     #1                  // it does not return
    .cfi_endproc
    .size _start, . - _start
    .section .note.GNU-stack, "", %progbits
