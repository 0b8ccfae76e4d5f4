/*
 * Where a static-pie program begins: its words that are addresses were linked for 0, and are made right
 * before anything else is run. Read pie.ld, then crt0.S. Only x0 to x5 are used; sp is crt0's.
 */
#define R_AARCH64_NONE     0    // [ELF for the Arm 64-bit Architecture, 5.7]
#define R_AARCH64_RELATIVE 1027
#define RELA_SIZE          24   // r_offset, r_info, r_addend

    .hidden __image_start
    .hidden __rela_start
    .hidden __rela_end

    .section .text._start, "ax"
    .globl _start_pie
    .type _start_pie, %function
_start_pie:
    .cfi_startproc
    .cfi_undefined x30
    adrp    x0, __image_start   // linked at 0: where it is now is what to add
    add     x0, x0, #:lo12:__image_start
    adrp    x1, __rela_start
    add     x1, x1, #:lo12:__rela_start
    adrp    x2, __rela_end
    add     x2, x2, #:lo12:__rela_end
1:  cmp     x1, x2
    b.hs    _start
    ldp     x3, x4, [x1]
    ldr     x5, [x1, #16]
    add     x1, x1, #RELA_SIZE
    cbz     x4, 1b              // R_AARCH64_NONE
    cmp     x4, #R_AARCH64_RELATIVE
    b.ne    2f
    add     x5, x5, x0
    str     x5, [x0, x3]
    b       1b
2:  brk     #2                  // needs a dynamic linker
    .cfi_endproc
    .size _start_pie, . - _start_pie
    .section .note.GNU-stack, "", %progbits
