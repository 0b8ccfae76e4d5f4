/*
 * Copies between the kernel and the current task, and from one place of that to another.
 *
 * The loads and stores marked USER touch user memory with the kernel's own rights, and may fault:
 * the fault is served like the user's own (trap.c), or, when it cannot be, the copy goes on at the
 * fix-up that the exception table names for the instruction. Nothing is said about how much was
 * copied then. Before that the range is checked to lie below VM_MAX_ADDRESS: a user's pointer never
 * reaches the kernel's half. Unaligned accesses are fine on normal memory.
 *
 * Much is copied through the vector registers q0 to q7. They are some thread's, and put back before anything
 * else can run: so a fault of a WIDE instruction is not served, but goes to its fix-up at once, which
 * puts them back and lets the other loop meet the fault.
 */
#include <mach/kern_return.h>

#define WIDE_MIN   320 /* bytes: from here on saving the registers pays */
#define EX_AT_ONCE 1   /* in a fix-up's address: trap.c */

    .arch_extension fp
    .arch_extension simd
    .cfi_sections .debug_frame

    .macro USER instruction:vararg
9998: \instruction
    .pushsection .ex_table, "a"
    .balign 8
    .quad   9998b, copy_fault
    .popsection
    .endm

    .macro WIDE_USER instruction:vararg
9998: \instruction
    .pushsection .ex_table, "a"
    .balign 8
    .quad   9998b, 22f + EX_AT_ONCE
    .popsection
    .endm

/* Fails unless x0 + x2 <= VM_MAX_ADDRESS, without overflow. Clobbers x3, x4. */
    .macro check_range user, size
    mov     x4, #0x0001000000000000 // VM_MAX_ADDRESS
    adds    x3, \user, \size
    b.cs    copy_fault
    cmp     x3, x4
    b.hi    copy_fault
    .endm

/* 64 bytes a turn (128 if there are many), then 16, then the bits of the rest. `from` and `to` wrap the
 * instructions: one of them is USER, and so for wide ones. Registers: \src, \dst pointers, x2 size. */
    .macro copy src, dst, from, to, wide_from, wide_to
    cmp     x2, #WIDE_MIN
    b.hs    20f
12: subs    x2, x2, #64
    b.lo    2f
1:  \from   ldp x4, x5, [\src]
    \from   ldp x6, x7, [\src, #16]
    \from   ldp x8, x9, [\src, #32]
    \from   ldp x10, x11, [\src, #48]
    \to     stp x4, x5, [\dst]
    \to     stp x6, x7, [\dst, #16]
    \to     stp x8, x9, [\dst, #32]
    \to     stp x10, x11, [\dst, #48]
    add     \src, \src, #64
    add     \dst, \dst, #64
    subs    x2, x2, #64
    b.hs    1b
2:  adds    x2, x2, #(64 - 16)      // carries (no borrow) if 16 are left
    b.mi    4f
3:  \from   ldp x4, x5, [\src], #16
    \to     stp x4, x5, [\dst], #16
    subs    x2, x2, #16
    b.hs    3b
4:  ands    x2, x2, #15             // subtracting 16s has left the low bits alone
    b.ne    5f
    mov     w0, #KERN_SUCCESS
    ret
5:  tbz     x2, #3, 6f
    \from   ldr x4, [\src], #8
    \to     str x4, [\dst], #8
6:  tbz     x2, #2, 7f
    \from   ldr w4, [\src], #4
    \to     str w4, [\dst], #4
7:  tbz     x2, #1, 8f
    \from   ldrh w4, [\src], #2
    \to     strh w4, [\dst], #2
8:  tbz     x2, #0, 10f
    \from   ldrb w4, [\src]
    \to     strb w4, [\dst]
10: mov     w0, #KERN_SUCCESS
    ret

20: add     x9, \src, x2            // the ends: a fault may find the pointers moved
    add     x10, \dst, x2
    sub     x2, x2, #128
    stp     q0, q1, [sp, #-128]!
    .cfi_adjust_cfa_offset 128
    stp     q2, q3, [sp, #32]
    stp     q4, q5, [sp, #64]
    stp     q6, q7, [sp, #96]
21: \wide_from ldp q0, q1, [\src], #128
    \wide_from ldp q2, q3, [\src, #-96]
    \wide_from ldp q4, q5, [\src, #-64]
    \wide_from ldp q6, q7, [\src, #-32]
    \wide_to stp q0, q1, [\dst], #128
    \wide_to stp q2, q3, [\dst, #-96]
    \wide_to stp q4, q5, [\dst, #-64]
    \wide_to stp q6, q7, [\dst, #-32]
    subs    x2, x2, #128
    b.hs    21b
22: add     x2, x2, #128            // are left
    sub     \src, x9, x2
    sub     \dst, x10, x2
    ldp     q2, q3, [sp, #32]
    ldp     q4, q5, [sp, #64]
    ldp     q6, q7, [sp, #96]
    ldp     q0, q1, [sp], #128
    .cfi_adjust_cfa_offset -128
    b       12b
    .endm

    .macro KERN instruction:vararg
    \instruction
    .endm

    .text
/* int copyin(const void *user, void *kernel, size_t size) */
    .global copyin
    .type   copyin, %function
copyin:
    .cfi_startproc
    check_range x0, x2
    copy    x0, x1, USER, KERN, WIDE_USER, KERN
    .cfi_endproc
    .size   copyin, . - copyin

/* int copyout(const void *kernel, void *user, size_t size) */
    .global copyout
    .type   copyout, %function
copyout:
    .cfi_startproc
    check_range x1, x2
    copy    x0, x1, KERN, USER, KERN, WIDE_USER
    .cfi_endproc
    .size   copyout, . - copyout

/* int copyacross(const void *user_from, void *user_to, size_t size) */
    .global copyacross
    .type   copyacross, %function
copyacross:
    .cfi_startproc
    check_range x0, x2
    check_range x1, x2
    copy    x0, x1, USER, USER, WIDE_USER, WIDE_USER
    .cfi_endproc
    .size   copyacross, . - copyacross

/* size_t copy_wide(void *to, const void *from, size_t size): memcpy of a multiple of 128 bytes, not 0,
 * through registers on loan. `from` may be the user's: no fault is served, but the copy ends there, and the
 * result is how much is left. Not before machine_cpu_setup. */
    .global copy_wide
    .type   copy_wide, %function
copy_wide:
    .cfi_startproc
    stp     q0, q1, [sp, #-128]!
    .cfi_adjust_cfa_offset 128
    stp     q2, q3, [sp, #32]
    stp     q4, q5, [sp, #64]
    stp     q6, q7, [sp, #96]
1:  WIDE_USER ldp q0, q1, [x1], #128
    WIDE_USER ldp q2, q3, [x1, #-96]
    WIDE_USER ldp q4, q5, [x1, #-64]
    WIDE_USER ldp q6, q7, [x1, #-32]
    stp     q0, q1, [x0], #128
    stp     q2, q3, [x0, #-96]
    stp     q4, q5, [x0, #-64]
    stp     q6, q7, [x0, #-32]
    subs    x2, x2, #128
    b.ne    1b
22: mov     x0, x2
    ldp     q2, q3, [sp, #32]
    ldp     q4, q5, [sp, #64]
    ldp     q6, q7, [sp, #96]
    ldp     q0, q1, [sp], #128
    .cfi_adjust_cfa_offset -128
    ret
    .cfi_endproc
    .size   copy_wide, . - copy_wide

    .type   copy_fault, %function
copy_fault:
    .cfi_startproc
    mov     w0, #KERN_INVALID_ADDRESS
    ret
    .cfi_endproc
    .size   copy_fault, . - copy_fault
