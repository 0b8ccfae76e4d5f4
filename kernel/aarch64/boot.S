/*
 * The first instructions of each CPU: from the boot loader (or PSCI) to C in the upper half.
 *
 *   image_head     arm64 Image header, then: drop from EL2 if entered there, build boot tables,
 *                  clear .bss, MMU on, jump up, kmain(device tree)
 *   secondary_head PSCI CPU_ON comes here: EL2 -> EL1, MMU on with the same tables, jump up,
 *                  machine_secondary(cpu)
 *
 * The boot tables show 1 GiB blocks, at their physical address (TTBR0) and KERNBASE above it
 * (TTBR1): the one with the kernel and the one with the device tree. machine_init replaces TTBR1's
 * by those of kernel_map.c. Read regs.h before, and Documentation of the Image header: "Booting
 * AArch64 Linux".
 */
#include "asm_offsets.h"
#include "regs.h"

    .cfi_sections .debug_frame

/* ---- the Image header ---- */
    .section .head.text, "ax"
    .global image_head
image_head:
    b       primary_start           // code0: the header is jumped to
    .long   0                       // code1
    .quad   0x200000                // text_offset from a 2 MiB boundary near the start of RAM
    .quad   kernel_image_size      // image_size: with .bss
    .quad   2                       // flags: little-endian, 4 KiB pages
    .quad   0, 0, 0
    .ascii  "ARM\x64"               // magic
    .long   0                       // no PE header

/* Enters EL1 if in EL2; clobbers x9, x10. lr is kept. */
    .macro enter_el1
    mrs     x9, CurrentEL
    cmp     x9, #(2 << 2)
    b.ne    1f
    mov     x9, #HCR_RW
    msr     hcr_el2, x9
    mov     x9, #CPTR_EL2_RES1
    msr     cptr_el2, x9
    msr     hstr_el2, xzr
    mrs     x9, cnthctl_el2
    orr     x9, x9, #CNTHCTL_EL1
    msr     cnthctl_el2, x9
    msr     cntvoff_el2, xzr        // the virtual counter is the physical one
    mrs     x9, midr_el1            // EL1 sees what the CPU is
    msr     vpidr_el2, x9
    mrs     x9, mpidr_el1
    msr     vmpidr_el2, x9
    msr     vttbr_el2, xzr
    mrs     x9, id_aa64dfr0_el1
    ubfx    x9, x9, #DFR0_PMUVER_SHIFT, #4
    mov     x10, #0
    cbz     x9, 2f                  // no performance monitor
    cmp     x9, #DFR0_PMUVER_IMPDEF
    b.eq    2f
    mrs     x10, pmcr_el0
    ubfx    x10, x10, #PMCR_N_SHIFT, #5
2:  msr     mdcr_el2, x10           // all event counters are EL1's, nothing traps
    ldr     x9, =SCTLR_OFF
    msr     sctlr_el1, x9
    mov     x9, #(SPSR_DAIF | SPSR_EL1H)
    msr     spsr_el2, x9
    adr     x9, 1f
    msr     elr_el2, x9
    eret
1:
    .endm

/* MMU and caches on; x0 = physical address of TTBR1's table. Clobbers x9, x10. */
    .macro enable_mmu
    ldr     x9, =MAIR_VALUE
    msr     mair_el1, x9
    mrs     x10, id_aa64mmfr0_el1
    and     x9, x10, #0xf           // PARange
    cmp     x9, #PARANGE_48
    b.ls    1f
    mov     x9, #PARANGE_48
1:  lsl     x9, x9, #TCR_IPS_SHIFT
    ubfx    x10, x10, #MMFR0_ASIDBITS_SHIFT, #4
    cmp     x10, #MMFR0_ASIDBITS_16
    b.ne    2f
    orr     x9, x9, #TCR_AS
2:  ldr     x10, =TCR_VALUE
    orr     x9, x9, x10
    msr     tcr_el1, x9
    adrp    x9, boot_l0_low
    msr     ttbr0_el1, x9
    msr     ttbr1_el1, x0
    tlbi    vmalle1
    dsb     nsh
    isb
    ldr     x9, =SCTLR_BOOT
    msr     sctlr_el1, x9
    isb
    .endm

    .text
    .type   primary_start, %function
primary_start:
    .cfi_startproc
    .cfi_undefined x30              // a debugger's backtrace ends here
    msr     daifset, #0xf
    mov     x20, x0                 // device tree
    enter_el1

    // Loaded where the link address says? The tables below assume it. (image_head is at LOAD.)
    adrp    x21, image_head
    ldr     x9, =image_head_phys
    cmp     x21, x9
    b.ne    halt

    // Boot tables: four pages, cleared by stores that bypass the cache; what the cache may hold of
    // them is dropped first, and again afterwards (speculation).
    adrp    x9, boot_tables
    adrp    x10, boot_tables_end
1:  dc      ivac, x9
    stp     xzr, xzr, [x9], #16
    cmp     x9, x10
    b.lo    1b

    // L0[0] of both halves -> one L1 table, with a block for the kernel's and for the device tree's
    // GiB.
    adrp    x9, boot_l1
    orr     x10, x9, #(PTE_VALID | PTE_TABLE)
    adrp    x11, boot_l0_low
    str     x10, [x11]
    adrp    x11, boot_l0_high
    str     x10, [x11]
    ldr     x12, =(PTE_VALID | PTE_ATTR(MAIR_NORMAL) | PTE_INNER | PTE_AF)
    lsr     x11, x21, #L1_SHIFT
    orr     x10, x12, x11, lsl #L1_SHIFT
    str     x10, [x9, x11, lsl #3]
    lsr     x11, x20, #L1_SHIFT
    cmp     x11, #TABLE_ENTRIES
    b.hs    halt
    orr     x10, x12, x11, lsl #L1_SHIFT
    str     x10, [x9, x11, lsl #3]
    dsb     sy
    adrp    x9, boot_tables
    adrp    x10, boot_tables_end
1:  dc      ivac, x9
    add     x9, x9, #16             // lines are at least this long
    cmp     x9, x10
    b.lo    1b
    dsb     sy

    adrp    x0, boot_l0_high
    enable_mmu
    ldr     x9, =1f
    br      x9
1:                                  // in the upper half
    ldr     x9, =bss_start
    ldr     x10, =bss_end
2:  stp     xzr, xzr, [x9], #16     // both are page aligned
    cmp     x9, x10
    b.lo    2b
    ldr     x9, =boot_stack_top
    mov     sp, x9
    ldr     x9, =vectors
    msr     vbar_el1, x9
    ldr     x9, =boot_threads       // a struct thread to be current, machine_boot_cpu fills it in
    msr     tpidr_el1, x9
    isb
    mov     x29, #0                 // end of the frame pointers
    mov     x30, #0
    bl      machine_boot_cpu
    mov     x0, x20
    bl      kmain
halt:
    wfe
    b       halt
    .cfi_endproc

/* x0: physical address of the CPU's struct boot_cpu {stack top, thread}, in the linear map,
 * cached. */
    .global secondary_head
    .type   secondary_head, %function
secondary_head:
    .cfi_startproc
    .cfi_undefined x30
    msr     daifset, #0xf
    mov     x20, x0
    enter_el1
    adrp    x0, kernel_l0
    enable_mmu
    ldr     x9, =1f
    br      x9
1:  ldr     x9, =KERNBASE
    add     x20, x20, x9
    ldp     x9, x10, [x20]
    mov     sp, x9
    msr     tpidr_el1, x10
    ldr     x9, =vectors
    msr     vbar_el1, x9
    isb
    mov     x29, #0
    mov     x30, #0
    bl      machine_secondary       // does not return
    b       halt
    .cfi_endproc

/*
 * void boot_replace_ttbr1(uint64_t table): TTBR1 := table. The new tables show the same memory in
 * other block sizes, so the old must be out of the TLB before (break-before-make, D5.10.1): while
 * nothing is mapped in the upper half, this runs in the identity map. Interrupts are masked.
 */
    .global boot_replace_ttbr1
    .type   boot_replace_ttbr1, %function
boot_replace_ttbr1:
    .cfi_startproc
    ldr     x9, =KERNBASE
    adr     x10, 1f
    sub     x10, x10, x9
    adrp    x11, boot_empty         // all zero
    sub     x11, x11, x9
    br      x10
1:  msr     ttbr1_el1, x11
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     ttbr1_el1, x0
    isb
    ret                             // to the upper half
    .cfi_endproc
    .ltorg

    .section .boot_tables, "aw", %nobits
    .balign 4096
boot_tables:
boot_l0_low:
    .skip   4096
boot_l0_high:
    .skip   4096
boot_l1:
    .skip   4096
    .global boot_empty
boot_empty:                         // an address space with nothing in it: TTBR0 of kernel threads
    .skip   4096
boot_tables_end:
