/*
 * What becomes of an exception. vectors.S has saved the registers, and served by itself what is hot
 * (Mach traps, UNIX system calls); everything else comes here:
 *
 *   from user mode   a page fault to vm_fault, first use of FP to fpu.c, and what the program did
 *                    wrong to exception(), which asks its handlers
 *   from the kernel  a page fault of copyin or copyout to vm_fault, or on to its fix-up; all else
 *                    is a bug, and panics
 *
 * A page fault is first shown to the pmap, which may have caused it alone (pmap_fault).
 */
#include "board.h"
#include "regs.h"
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/memory_gone.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <vm/vm_map.h>

void trap_user(struct trapframe *frame, uint64_t esr);
void trap_kernel(struct trapframe *frame, uint64_t esr);
void trap_unexpected(struct trapframe *frame, uint64_t esr, uint64_t vector)
    __attribute__((noreturn));
void trap_stack_overflow(struct trapframe *frame, uint64_t esr) __attribute__((noreturn));

static const struct trapframe *fatal_frame;

const struct trapframe *machine_fault_frame(void)
{
    return fatal_frame;
}

/* kernel.ld: pairs made by copyio.S, in ascending order of instruction. */
struct ex_entry {
    uint64_t instruction;
    uint64_t fixup; /* with EX_AT_ONCE: the fault is not to be served before that */
};
#define EX_AT_ONCE 1
extern const struct ex_entry ex_table_start[], ex_table_end[];

static bool is_page_fault(uint64_t esr)
{
    uint64_t type = FSC_TYPE(esr);

    return type == FSC_TRANSLATION || type == FSC_ACCESS_FLAG || type == FSC_PERMISSION;
}

static vm_prot_t data_access(uint64_t esr)
{
    return (esr & ESR_WNR) && !(esr & ESR_CM) ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ;
}

/* Makes the access possible, for whoever made it: KERN_SUCCESS, or as vm_fault. */
static kern_return_t serve_fault(struct vm_map *map, uint64_t esr, vm_address_t va,
                                 vm_prot_t access)
{
    if (va >= VM_MAX_ADDRESS)
        return KERN_INVALID_ADDRESS; /* the kernel's half */
    if (FSC_TYPE(esr) != FSC_TRANSLATION && pmap_fault(map->pmap, va, access))
        return KERN_SUCCESS;
    return vm_fault(map, va, access, true);
}

static void user_fault(uint64_t esr, vm_prot_t access)
{
    uint64_t far = read_sysreg(far_el1);
    kern_return_t kr;

    if (is_page_fault(esr)) {
        kr = serve_fault(current_map(), esr, far, access);
        if (kr == KERN_SUCCESS || kr == KERN_ABORTED)
            return; /* aborted: user_return sees to what is to happen, then it faults again */
        if (kr == KERN_RESOURCE_SHORTAGE && !memory_gone())
            return;
    } else if (ESR_FSC(esr) == FSC_ALIGNMENT) {
        kr = EXC_ARM_ALIGN;
    } else if (FSC_TYPE(esr) == FSC_ADDRESS_SIZE) {
        kr = KERN_INVALID_ADDRESS;
    } else {
        kr = KERN_MEMORY_ERROR; /* an external abort: a device register that is not there */
    }
    exception(EXC_BAD_ACCESS, kr, far);
}

/*
 * Not allowed, or not known: EXC_BAD_INSTRUCTION with EXC_ARM_UNDEFINED and the instruction's 32 bits (0 if
 * they cannot be read). May block; no locks held.
 */
static void bad_instruction(const struct trapframe *frame)
{
    uint32_t instruction = 0;

    /* It stays 0 if it cannot be read. */
    copyin((const void *)frame->pc, &instruction, sizeof(instruction));
    exception(EXC_BAD_INSTRUCTION, EXC_ARM_UNDEFINED, instruction);
}

/*
 * The CPU has done one instruction with PSTATE.SS set: that is over, for the thread (machine.stepping) and
 * for this CPU (MDSCR_EL1); then EXC_BREAKPOINT with EXC_ARM_SINGLESTEP and where the program is now.
 */
static void single_step_done(const struct trapframe *frame)
{
    current_thread()->machine.stepping = false;
    write_sysreg(mdscr_el1, 0);
    exception(EXC_BREAKPOINT, EXC_ARM_SINGLESTEP, frame->pc);
}

/* From EL0, anything but a Mach trap and a redirected system call. May block. */
void trap_user(struct trapframe *frame, uint64_t esr)
{
    switch (ESR_EC(esr)) {
    case EC_DABORT_EL0:
        user_fault(esr, data_access(esr));
        break;
    case EC_IABORT_EL0:
        user_fault(esr, VM_PROT_EXECUTE);
        break;
    case EC_FP:
        fpu_trap();
        break;
    case EC_SVC64:
        if ((uint32_t)esr == ESR_UNIX_TRAP)
            exception(EXC_SYSCALL, frame->x[8], 1); /* the task has no emulation */
        else
            bad_instruction(frame); /* an svc that is neither door */
        break;
    case EC_PC_ALIGN:
        exception(EXC_BAD_ACCESS, EXC_ARM_ALIGN, frame->pc);
        break;
    case EC_SP_ALIGN:
        exception(EXC_BAD_ACCESS, EXC_ARM_ALIGN, frame->sp);
        break;
    case EC_BRK:
    case EC_BREAKPOINT_EL0:
        exception(EXC_BREAKPOINT, EXC_ARM_BREAKPOINT, frame->pc);
        break;
    case EC_STEP_EL0:
        single_step_done(frame);
        break;
    case EC_FP_EXCEPTION:
        exception(EXC_ARITHMETIC, 0, frame->pc);
        break;
    default: /* undefined, a system register out of bounds, SVE, illegal state, ... */
        bad_instruction(frame);
        break;
    }
}

/*
 * The entry of the exception table for the instruction at pc; NULL if it has none: then a fault there is a
 * bug. Called at every fault in the kernel. The table, in [ex_table_start, ex_table_end), is sorted.
 */
static const struct ex_entry *find_fixup(uint64_t pc)
{
    const struct ex_entry *low = ex_table_start;
    const struct ex_entry *high = ex_table_end;

    while (low < high) {
        const struct ex_entry *middle = low + (high - low) / 2;

        if (middle->instruction == pc)
            return middle;
        if (middle->instruction < pc)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* From EL1: an access to user memory, or a bug. Blocks only if copyin or copyout faulted, whose callers hold
 * no locks. */
void trap_kernel(struct trapframe *frame, uint64_t esr)
{
    uint64_t far = read_sysreg(far_el1);
    const struct ex_entry *fixup = find_fixup(frame->pc);
    struct task *task = current_thread()->task;

    if (ESR_EC(esr) == EC_DABORT_EL1 && fixup != NULL && far < VM_MAX_ADDRESS && task != NULL
        && task->map != NULL) {
        kern_return_t kr = KERN_FAILURE;

        if (!(fixup->fixup & EX_AT_ONCE) && is_page_fault(esr))
            kr = serve_fault(task->map, esr, far, data_access(esr));
        if (kr != KERN_SUCCESS && (kr != KERN_RESOURCE_SHORTAGE || memory_gone()))
            frame->pc = fixup->fixup & ~(uint64_t)EX_AT_ONCE;
        return;
    }
    fatal_frame = frame;
    panic("fault in the kernel: exception class %#lx (ESR %#lx), address %#lx", ESR_EC(esr), esr,
          far);
}

static const char *const vector_kinds[4] = {"synchronous", "IRQ", "FIQ", "SError"};
static const char *const vector_origins[4] = {"EL1 with SP_EL0", "EL1", "EL0", "EL0 in AArch32"};

void trap_unexpected(struct trapframe *frame, uint64_t esr, uint64_t vector)
{
    fatal_frame = frame;
    panic("exception that cannot happen: %s from %s (ESR %#lx)", vector_kinds[vector % 4],
          vector_origins[vector / 4], esr);
}

void trap_stack_overflow(struct trapframe *frame, uint64_t esr)
{
    fatal_frame = frame;
    panic("kernel stack overflow: sp %#lx, stack of thread %p from %#lx, address %#lx (ESR %#lx)",
          frame->sp, current_thread(), current_thread()->stack, read_sysreg(far_el1), esr);
}
