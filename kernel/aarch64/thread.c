/*
 * The machine-dependent part of threads: making one, what a switch does besides machine_switch
 * (machine_switch), and reading and writing a thread's user registers.
 */
#include "asm_offsets.h"
#include "board.h"
#include "pmap_internal.h"
#include "regs.h"
#include <kern/debug.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <vm/vm_map.h>

#define SAME_OFFSET(type, member, offset) \
    static_assert(offsetof(type, member) == (offset), "asm_offsets.h: " #type "." #member)
SAME_OFFSET(struct trapframe, x[1], TF_X(1));
SAME_OFFSET(struct trapframe, sp, TF_SP);
SAME_OFFSET(struct trapframe, pc, TF_PC);
SAME_OFFSET(struct trapframe, cpsr, TF_CPSR);
static_assert(sizeof(struct trapframe) == TF_SIZE && TF_SIZE % 16 == 0, "asm_offsets.h: TF_SIZE");
SAME_OFFSET(struct thread, machine.cpu, TH_CPU);
SAME_OFFSET(struct thread, machine.frame, TH_FRAME);
SAME_OFFSET(struct thread, machine.context.fp, TH_CONTEXT);
SAME_OFFSET(struct thread, machine.context.lr, TH_CONTEXT + 8);
SAME_OFFSET(struct thread, machine.context.sp, TH_CONTEXT + 16);
SAME_OFFSET(struct thread, machine.tpidr, TH_TPIDR);
SAME_OFFSET(struct thread, machine.pmap, TH_PMAP);
SAME_OFFSET(struct thread, machine.special, TH_SPECIAL);
SAME_OFFSET(struct thread, ast, TH_AST);
SAME_OFFSET(struct thread, task, TH_TASK);
SAME_OFFSET(struct cpu, pmap, CPU_PMAP);
SAME_OFFSET(struct cpu, asid_generation, CPU_GENERATION);
SAME_OFFSET(struct pmap, asid, PMAP_ASID);
SAME_OFFSET(struct pmap, ttbr0, PMAP_TTBR0);
SAME_OFFSET(struct task, emulation, TASK_EMULATION);
SAME_OFFSET(struct thread, traps, TH_TRAPS);
SAME_OFFSET(struct task, syscalls_unix, TASK_SYSCALLS_UNIX);
SAME_OFFSET(struct thread, ith_option, TH_ITH_OPTION);
static_assert(RCV_TRAILER_MASK == MACH_RCV_TRAILER_ELEMENTS(0xf), "asm_offsets.h");
static_assert(AST_STOPS_RETURN == (AST_ABORT - 1), "asm_offsets.h");

extern void thread_start(void), kernel_thread_start(void); /* switch.S */

static_assert(MACHINE_THREAD_SIZE == KSTACK_SIZE + sizeof(struct arm_neon_state64), "what it counts");

kern_return_t machine_thread_create(struct thread *thread, void (*entry)(void *), void *arg)
{
    struct machine_thread *machine = &thread->machine;
    struct vm_map *map = thread->task->map;
    vm_offset_t stack = kstack_alloc();

    if (stack == 0)
        return KERN_RESOURCE_SHORTAGE;
    memset(machine, 0, sizeof(*machine));
    thread->stack = stack;
    machine->cpu = current_cpu();
    machine->pmap = map != NULL ? map->pmap : NULL;
    machine->fp_cpu = ~0U;
    machine->frame = (struct trapframe *)(stack + KSTACK_SIZE) - 1;
    memset(machine->frame, 0, sizeof(*machine->frame));
    machine->frame->cpsr = SPSR_EL0T; /* all interrupts unmasked */
    machine->frame->x[0] = (uint64_t)arg; /* (if there is an entry: else there are no user's yet) */
    machine->frame->x[1] = (uint64_t)entry;
    machine->context.fp = (uint64_t)&machine->frame->x[29];
    machine->context.lr = (uint64_t)(entry != NULL ? kernel_thread_start : thread_start);
    machine->context.sp = (uint64_t)machine->frame;
    return KERN_SUCCESS;
}

void machine_thread_destroy(struct thread *thread)
{
    fpu_release(thread);
    kstack_free(thread->stack);
    thread->stack = 0;
}

/* switch.S: the entry of a kernel thread came back. */
void thread_returned(void)
{
    panic("the entry function of a kernel thread returned: it must call thread_terminate_self");
}

void machine_switch_special(struct machine_thread *old, struct machine_thread *new)
{
    if (old->fp_live)
        fpu_save_current();
    if (old->stepping || new->stepping)
        write_sysreg(mdscr_el1, new->stepping ? MDSCR_SS : 0);
}

/* ---- user registers ---- */

/* A trapframe is laid out like the state that the user sees. */
#define SAME_PLACE(member, field) \
    static_assert(offsetof(struct trapframe, member) == offsetof(struct arm_thread_state64, field), \
                  "trapframe." #member)
SAME_PLACE(x[29], fp);
SAME_PLACE(x[30], lr);
SAME_PLACE(sp, sp);
SAME_PLACE(pc, pc);
SAME_PLACE(cpsr, cpsr);
static_assert(sizeof(struct trapframe) == sizeof(struct arm_thread_state64), "and has its pad");

/* A trapframe, from or to any address, in pairs of registers and without a loop: exceptions are made of such
 * copies. */
static inline __attribute__((always_inline)) void copy_frame(void *to, const void *from)
{
    struct pair {
        uint64_t a, b;
    } __attribute__((packed, may_alias)) *out = to;
    const struct pair *in = from;

#pragma GCC unroll 17
    for (size_t i = 0; i < sizeof(struct trapframe) / sizeof(*out); i++) {
        uint64_t a = in[i].a, b = in[i].b;

        out[i].a = a;
        out[i].b = b;
    }
}

/* The current thread's: for a trap that loads all of them at its end. Of the flags only the condition codes
 * are the user's to choose: never the mode, never masks. */
static void set_registers(struct thread *thread, const natural_t *state)
{
    struct trapframe *frame = thread->machine.frame;

    copy_frame(frame, state);
    frame->cpsr = SPSR_EL0T | (frame->cpsr & (SPSR_NZCV | SPSR_SS));
    thread->machine.stepping = frame->cpsr & SPSR_SS;
    if (thread != current_thread())
        ast_set(thread, AST_REGISTERS);
    else
        write_sysreg(mdscr_el1, thread->machine.stepping ? MDSCR_SS : 0);
}

/* (Large things on the stack: these two are not inlined.) */
static __attribute__((noinline)) kern_return_t get_fp(struct thread *thread, natural_t *state)
{
    struct arm_neon_state64 registers;

    fpu_get_state(thread, &registers);
    memcpy(state, &registers, sizeof(registers));
    return KERN_SUCCESS;
}

static __attribute__((noinline)) kern_return_t set_fp(struct thread *thread, const natural_t *state)
{
    struct arm_neon_state64 registers;

    memcpy(&registers, state, sizeof(registers));
    return fpu_set_state(thread, &registers);
}

kern_return_t machine_thread_get_state(struct thread *thread, thread_state_flavor_t flavor,
                                       thread_state_t state, mach_msg_type_number_t *count)
{
    switch (flavor) {
    case ARM_THREAD_STATE64:
        if (*count < ARM_THREAD_STATE64_COUNT)
            return KERN_INVALID_ARGUMENT;
        copy_frame(state, thread->machine.frame);
        *count = ARM_THREAD_STATE64_COUNT;
        return KERN_SUCCESS;
    case ARM_NEON_STATE64:
        if (*count < ARM_NEON_STATE64_COUNT)
            return KERN_INVALID_ARGUMENT;
        *count = ARM_NEON_STATE64_COUNT;
        return get_fp(thread, state);
    case ARM_TLS_STATE64: {
        struct arm_tls_state64 tls = {thread->machine.tpidr};

        if (*count < ARM_TLS_STATE64_COUNT)
            return KERN_INVALID_ARGUMENT;
        if (thread == current_thread())
            tls.tpidr_el0 = read_sysreg(tpidr_el0);
        __builtin_memcpy(state, &tls, sizeof(tls));
        *count = ARM_TLS_STATE64_COUNT;
        return KERN_SUCCESS;
    }
    default:
        return KERN_INVALID_ARGUMENT;
    }
}

kern_return_t machine_thread_set_state(struct thread *thread, thread_state_flavor_t flavor,
                                       const natural_t *state, mach_msg_type_number_t count)
{
    switch (flavor) {
    case ARM_THREAD_STATE64:
        if (count != ARM_THREAD_STATE64_COUNT)
            return KERN_INVALID_ARGUMENT;
        set_registers(thread, state);
        return KERN_SUCCESS;
    case ARM_NEON_STATE64:
        return count == ARM_NEON_STATE64_COUNT ? set_fp(thread, state) : KERN_INVALID_ARGUMENT;
    case ARM_TLS_STATE64: {
        struct arm_tls_state64 tls;

        if (count != ARM_TLS_STATE64_COUNT)
            return KERN_INVALID_ARGUMENT;
        __builtin_memcpy(&tls, state, sizeof(tls));
        thread->machine.tpidr = tls.tpidr_el0;
        if (thread == current_thread())
            write_sysreg(tpidr_el0, tls.tpidr_el0);
        return KERN_SUCCESS;
    }
    default:
        return KERN_INVALID_ARGUMENT;
    }
}
