/*
 * memcpy, memmove, memset: 16 bytes an instruction, in pairs of general registers, so that a
 * program that only moves bytes never makes the kernel switch the FP registers. Unaligned access
 * is fine in ordinary memory.
 */
    .macro FUNCTION name
    .globl  \name
    .type   \name, %function
    .balign 16
\name:
    .cfi_startproc
    .endm

    .macro END name
    .cfi_endproc
    .size   \name, . - \name
    .endm

    .text

/*
 * void *memmove(void *to, const void *from, size_t size)
 *
 * Forward, unless `to` lies inside the source. The last (or first) 16 bytes are loaded before
 * anything is stored and are stored at the end, so the loop in between need not stop exactly.
 */
    FUNCTION memmove
    sub     x3, x0, x1
    cmp     x3, x2
    b.lo    10f                     // from < to < from + size: backward
    // memcpy's code, for memmove's callers
    b       memcpy

10: cmp     x2, #16
    b.lo    20f
    ldp     x12, x13, [x1]
    add     x8, x1, x2
    add     x9, x0, x2
    sub     x2, x2, #16
11: cmp     x2, #64
    b.lt    12f
    ldp     x4, x5, [x8, #-16]
    ldp     x6, x7, [x8, #-32]
    ldp     x10, x11, [x8, #-48]
    ldp     x14, x15, [x8, #-64]!
    stp     x4, x5, [x9, #-16]
    stp     x6, x7, [x9, #-32]
    stp     x10, x11, [x9, #-48]
    stp     x14, x15, [x9, #-64]!
    sub     x2, x2, #64
    b       11b
12: cbz     x2, 14f
13: ldp     x4, x5, [x8, #-16]!
    stp     x4, x5, [x9, #-16]!
    subs    x2, x2, #16
    b.gt    13b
14: stp     x12, x13, [x0]
    ret
20: b       memcpy                  // short ones load everything before they store
    END memmove

    .macro move64
    ldp     x4, x5, [x1], #64
    ldp     x6, x7, [x1, #-48]
    ldp     x10, x11, [x1, #-32]
    ldp     x14, x15, [x1, #-16]
    stp     x4, x5, [x3], #64
    stp     x6, x7, [x3, #-48]
    stp     x10, x11, [x3, #-32]
    stp     x14, x15, [x3, #-16]
    .endm

/* void *memcpy(void *restrict to, const void *restrict from, size_t size) */
    FUNCTION memcpy
    add     x8, x1, x2              // ends of both
    add     x9, x0, x2
    cmp     x2, #16
    b.lo    30f
    ldp     x12, x13, [x8, #-16]
    mov     x3, x0
    subs    x2, x2, #64
    b.lt    22f
    subs    x2, x2, #192            // (256 at a time, while there are)
    b.lt    18f
17: .rept   4
    move64
    .endr
    subs    x2, x2, #256
    b.ge    17b
18: adds    x2, x2, #192
    b.lt    22f
21: move64
    subs    x2, x2, #64
    b.ge    21b
22: adds    x2, x2, #48             // of what is left 16 bytes are in x12 and x13
    b.le    24f
23: ldp     x4, x5, [x1], #16
    stp     x4, x5, [x3], #16
    subs    x2, x2, #16
    b.gt    23b
24: stp     x12, x13, [x9, #-16]
    ret

    // Below 16: the first and the last 8, 4 or 2 bytes, which overlap in the middle.
30: tbz     x2, #3, 31f
    ldr     x4, [x1]
    ldr     x5, [x8, #-8]
    str     x4, [x0]
    str     x5, [x9, #-8]
    ret
31: tbz     x2, #2, 32f
    ldr     w4, [x1]
    ldr     w5, [x8, #-4]
    str     w4, [x0]
    str     w5, [x9, #-4]
    ret
32: tbz     x2, #1, 33f
    ldrh    w4, [x1]
    ldrh    w5, [x8, #-2]
    strh    w4, [x0]
    strh    w5, [x9, #-2]
    ret
33: cbz     x2, 34f
    ldrb    w4, [x1]
    strb    w4, [x0]
34: ret
    END memcpy

/* void *memset(void *to, int byte, size_t size) */
    FUNCTION memset
    and     x1, x1, #0xff
    mov     x3, #0x0101010101010101
    mul     x1, x1, x3
    add     x9, x0, x2              // end
    cmp     x2, #16
    b.lo    50f
    mov     x3, x0
    sub     x2, x2, #16
41: cmp     x2, #64
    b.lt    42f
    stp     x1, x1, [x3]
    stp     x1, x1, [x3, #16]
    stp     x1, x1, [x3, #32]
    stp     x1, x1, [x3, #48]
    add     x3, x3, #64
    sub     x2, x2, #64
    b       41b
42: cbz     x2, 44f
43: stp     x1, x1, [x3], #16
    subs    x2, x2, #16
    b.gt    43b
44: stp     x1, x1, [x9, #-16]
    ret
50: tbz     x2, #3, 51f
    str     x1, [x0]
    str     x1, [x9, #-8]
    ret
51: tbz     x2, #2, 52f
    str     w1, [x0]
    str     w1, [x9, #-4]
    ret
52: tbz     x2, #1, 53f
    strh    w1, [x0]
    strh    w1, [x9, #-2]
    ret
53: cbz     x2, 54f
    strb    w1, [x0]
54: ret
    END memset

    .section .note.GNU-stack, "", %progbits
