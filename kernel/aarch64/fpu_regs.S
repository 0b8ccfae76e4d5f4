/*
 * All FP and SIMD registers to and from a struct arm_neon_state64 (mach/thread_status.h): v0..v31,
 * then FPSR and FPCR as words. FPEN must allow it. See fpu.c.
 */
    .arch_extension fp
    .arch_extension simd
    .cfi_sections .debug_frame
    .text

    .macro all_registers op
    .irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30
    vpair \op, \n, %(\n+1)
    .endr
    .endm
    .altmacro
    .macro vpair op, n, m
    \op     q\n, q\m, [x0, #(\n * 16)]
    .endm

    .global fpu_save
    .type   fpu_save, %function
fpu_save:
    .cfi_startproc
    all_registers stp
    mrs     x1, fpsr
    mrs     x2, fpcr
    add     x0, x0, #512
    stp     w1, w2, [x0]
    ret
    .cfi_endproc
    .size   fpu_save, . - fpu_save

    .global fpu_load
    .type   fpu_load, %function
fpu_load:
    .cfi_startproc
    all_registers ldp
    add     x0, x0, #512
    ldp     w1, w2, [x0]
    msr     fpsr, x1
    msr     fpcr, x2
    ret
    .cfi_endproc
    .size   fpu_load, . - fpu_load
