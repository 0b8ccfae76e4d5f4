/*
 * Exception vectors, and the way back to user mode.
 *
 * An exception from EL0 finds SP_EL1 at the top of the thread's kernel stack, saves all the user's
 * registers there as a struct trapframe, and runs C with interrupts masked. The two kinds of `svc`
 * are told from everything else by one comparison each, because they are what the system's speed
 * hangs on: a Mach trap goes straight to its routine with its arguments where the user put them.
 *
 * In EL1 interrupts stay masked (kern/lock.h), so all that may happen is a synchronous fault: of
 * copyin and copyout (trap.c continues at the fix-up), or a bug.
 *
 * Read before: machine/thread.h, asm_offsets.h. After: trap.c.
 */
#include "asm_offsets.h"
#include "regs.h"
#include <mach/traps.h>

    .cfi_sections .debug_frame

/* Where the trapframe's registers are, for a debugger: CFA is the frame; 31 is SP, 32 the PC. */
    .macro cfi_trapframe
    .cfi_signal_frame
    .cfi_return_column 32
    .cfi_def_cfa sp, 0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    .cfi_offset \n, TF_X(\n)
    .endr
    .cfi_offset 31, TF_SP
    .cfi_offset 32, TF_PC
    .endm

/* Everything but x8, x9 and SP into the frame at sp. Clobbers x8, x9. */
    .macro save_registers
    stp     x0, x1, [sp, #TF_X(0)]
    stp     x2, x3, [sp, #TF_X(2)]
    stp     x4, x5, [sp, #TF_X(4)]
    stp     x6, x7, [sp, #TF_X(6)]
    stp     x10, x11, [sp, #TF_X(10)]
    stp     x12, x13, [sp, #TF_X(12)]
    stp     x14, x15, [sp, #TF_X(14)]
    stp     x16, x17, [sp, #TF_X(16)]
    stp     x18, x19, [sp, #TF_X(18)]
    stp     x20, x21, [sp, #TF_X(20)]
    stp     x22, x23, [sp, #TF_X(22)]
    stp     x24, x25, [sp, #TF_X(24)]
    stp     x26, x27, [sp, #TF_X(26)]
    stp     x28, x29, [sp, #TF_X(28)]
    mrs     x8, elr_el1
    mrs     x9, spsr_el1
    stp     x8, x9, [sp, #TF_PC]
    .endm

    .macro save_user
    save_registers
    mrs     x8, sp_el0
    stp     x30, x8, [sp, #TF_X(30)]
    add     x29, sp, #TF_X(29)      // (x29, x30) saved there are a frame record
    .endm

    .macro restore_registers
    ldp     x0, x1, [sp, #TF_X(0)]
    ldp     x2, x3, [sp, #TF_X(2)]
    ldp     x4, x5, [sp, #TF_X(4)]
    ldp     x6, x7, [sp, #TF_X(6)]
    ldp     x8, x9, [sp, #TF_X(8)]
    ldp     x10, x11, [sp, #TF_X(10)]
    ldp     x12, x13, [sp, #TF_X(12)]
    ldp     x14, x15, [sp, #TF_X(14)]
    ldp     x16, x17, [sp, #TF_X(16)]
    ldp     x18, x19, [sp, #TF_X(18)]
    ldp     x20, x21, [sp, #TF_X(20)]
    ldp     x22, x23, [sp, #TF_X(22)]
    ldp     x24, x25, [sp, #TF_X(24)]
    ldp     x26, x27, [sp, #TF_X(26)]
    ldp     x28, x29, [sp, #TF_X(28)]
    .endm

/* A vector that nothing legitimate reaches: trap_unexpected(frame, esr, index) panics. */
    .macro bad_vector index
    .balign 128
    sub     sp, sp, #TF_SIZE
    stp     x8, x9, [sp, #TF_X(8)]
    mov     x8, #\index
    b       unexpected
    .endm

    .section .text.vectors, "ax"
    .balign 2048                    // VBAR_EL1 (D13.2.145)
    .global vectors
    .type   vectors, %function
vectors:
    .cfi_startproc
    cfi_trapframe
    /* From EL1 with SP_EL0: never used. */
    bad_vector 0
    bad_vector 1
    bad_vector 2
    bad_vector 3

    /* From EL1: sync. */
    .balign 128
    // Is there stack? Bit 13 says so (asm_offsets.h), looked at without a register to spare.
    sub     sp, sp, #TF_SIZE
    add     sp, sp, x0              // sp' = sp + x0
    sub     x0, sp, x0              // x0' = sp
    tbz     x0, #KSTACK_SHIFT, overflow
    sub     x0, sp, x0              // x0
    sub     sp, sp, x0              // sp
    stp     x8, x9, [sp, #TF_X(8)]
    b       kernel_sync
    bad_vector 5
    bad_vector 6
    bad_vector 7

    /* From EL0, AArch64: sync. */
    .balign 128
    sub     sp, sp, #TF_SIZE
    stp     x8, x9, [sp, #TF_X(8)]
    mrs     x9, esr_el1
    ldr     w8, =ESR_MACH_TRAP
    cmp     w9, w8
    b.eq    mach_trap
    sub     w8, w8, #MACH_TRAP_SVC  // ESR_UNIX_TRAP
    cmp     w9, w8
    b.eq    unix_trap
    b       user_sync

    /* From EL0: IRQ. */
    .balign 128
    sub     sp, sp, #TF_SIZE
    stp     x8, x9, [sp, #TF_X(8)]
    b       user_irq
    bad_vector 10
    bad_vector 11                   // SError: an external abort; whose, cannot be known

    /* From EL0, AArch32: never entered, SPSR.M[4] is always 0. */
    bad_vector 12
    bad_vector 13
    bad_vector 14
    bad_vector 15
    .balign 128

/* ---- Mach traps: number in x16, arguments in x0..x7 ---- */
mach_trap:
    save_user
    mrs     x10, tpidr_el1
    ldr     w9, [x10, #TH_TRAPS]
    add     w9, w9, #1
    str     w9, [x10, #TH_TRAPS]
    cmn     w16, #MACH_TRAP_COUNT   // numbers are negative
    csel    w8, w16, wzr, hi        // number 0 is unknown, too; and no speculation beyond the table
    adr     x9, mach_trap_table + 8 * (MACH_TRAP_COUNT - 1)
    ldr     x9, [x9, w8, sxtw #3]
    blr     x9
    mrs     x10, tpidr_el1
    ldr     w8, [x10, #TH_AST]
    cbnz    w8, trap_return
    ldp     x8, x9, [sp, #TF_PC]
    msr     elr_el1, x8
    msr     spsr_el1, x9
    ldp     x30, x8, [sp, #TF_X(30)]
    msr     sp_el0, x8
    // x0 is the result. x20 to x27 are what they were: a C function preserves them, and who changes
    // the frame of a thread that is in the kernel sets its AST_REGISTERS.
    ldr     x1, [sp, #TF_X(1)]
    ldp     x2, x3, [sp, #TF_X(2)]
    ldp     x4, x5, [sp, #TF_X(4)]
    ldp     x6, x7, [sp, #TF_X(6)]
    ldp     x8, x9, [sp, #TF_X(8)]
    ldp     x10, x11, [sp, #TF_X(10)]
    ldp     x12, x13, [sp, #TF_X(12)]
    ldp     x14, x15, [sp, #TF_X(14)]
    ldp     x16, x17, [sp, #TF_X(16)]
    ldp     x18, x19, [sp, #TF_X(18)]
    ldp     x28, x29, [sp, #TF_X(28)]
    add     sp, sp, #TF_SIZE
    eret

    .ltorg

/* ---- UNIX system calls: back to the task's own emulation, at once ---- */
unix_trap:
    mrs     x8, tpidr_el1
    ldr     x8, [x8, #TH_TASK]
    ldr     x9, [x8, #TASK_EMULATION]
    cbz     x9, user_sync           // none: EXC_SYSCALL
    ldr     w16, [x8, #TASK_SYSCALLS_UNIX]
    add     w16, w16, #1
    str     w16, [x8, #TASK_SYSCALLS_UNIX]
    mrs     x16, elr_el1            // where it returns to
    mrs     x17, spsr_el1
    and     x17, x17, #SPSR_NZCV
    msr     elr_el1, x9
    ldp     x8, x9, [sp, #TF_X(8)]
    add     sp, sp, #TF_SIZE
    eret

/* ---- all other synchronous exceptions: trap.c ---- */
user_sync:
    save_user
    mov     x0, sp
    mrs     x1, esr_el1
    bl      trap_user
    b       user_return

user_irq:
    save_user
    bl      irq_handler
    b       user_return

/* The end of a Mach trap with result x0 for who was not there all the time. */
    .global trap_return
trap_return:
    str     x0, [sp, #TF_X(0)]
/* The end of every trap but the Mach ones: does what thread->ast asks for, then to user mode. */
    .global user_return
user_return:
    mrs     x19, tpidr_el1
    ldr     w8, [x19, #TH_AST]
    cbnz    w8, user_ast
user_restore:
    ldp     x8, x9, [sp, #TF_PC]
    msr     elr_el1, x8
    msr     spsr_el1, x9
    ldp     x30, x8, [sp, #TF_X(30)]
    msr     sp_el0, x8
    restore_registers
    add     sp, sp, #TF_SIZE
    eret

user_ast:
    bl      ast_taken
    ldr     w8, [x19, #TH_AST]      // what came while this thread was not running
    tst     w8, #AST_STOPS_RETURN
    b.ne    user_ast
    b       user_restore

/* ---- a fault in the kernel: trap_kernel returns if it was served or fixed up ---- */
kernel_sync:
    save_registers
    add     x8, sp, #TF_SIZE
    stp     x30, x8, [sp, #TF_X(30)]
    add     x29, sp, #TF_X(29)
    mov     x0, sp
    mrs     x1, esr_el1
    bl      trap_kernel
    ldp     x8, x9, [sp, #TF_PC]
    msr     elr_el1, x8
    msr     spsr_el1, x9
    ldr     x30, [sp, #TF_X(30)]
    restore_registers
    add     sp, sp, #TF_SIZE
    eret

/* SP_EL0, of no more use, says which vector. */
unexpected:
    msr     sp_el0, x8
    save_registers
    add     x8, sp, #TF_SIZE
    stp     x30, x8, [sp, #TF_X(30)]
    add     x29, sp, #TF_X(29)
    mov     x0, sp
    mrs     x1, esr_el1
    mrs     x2, sp_el0
    bl      trap_unexpected

/* The stack is used up: panic on a stack of its own. x0 = the sp that would have been, sp = that
 * + x0. */
overflow:
    sub     x0, sp, x0              // the true x0
    msr     tpidr_el0, x0           // this CPU's user state is of no use any more
    sub     x0, sp, x0              // the sp that would have been
    msr     sp_el0, x0
    adrp    x0, overflow_stack_top
    add     x0, x0, :lo12:overflow_stack_top
    sub     sp, x0, #TF_SIZE
    mrs     x0, tpidr_el0
    stp     x8, x9, [sp, #TF_X(8)]
    save_registers
    mrs     x8, sp_el0
    add     x8, x8, #TF_SIZE
    stp     x30, x8, [sp, #TF_X(30)]
    add     x29, sp, #TF_X(29)
    mov     x0, sp
    mrs     x1, esr_el1
    bl      trap_stack_overflow
    .cfi_endproc
    .size   vectors, . - vectors

/* One for all CPUs: the first to overflow stops the others. Laid out like all (asm_offsets.h). */
    .bss
    .balign KSTACK_SLOT
    .skip   KSTACK_SIZE
    .skip   KSTACK_SIZE
overflow_stack_top:
