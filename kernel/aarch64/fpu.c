/*
 * FP and SIMD registers, switched lazily. At first CPACR_EL1.FPEN lets their use at EL0 trap; a thread's
 * first use after it was switched in loads them and allows it. A thread that has used them is saved
 * when it is switched out: so a state in memory is never stale, and threads can move between CPUs.
 * If it comes back to the same CPU and nobody else has used the registers there, they need no
 * loading.
 *
 * The kernel itself is built without them (-mgeneral-regs-only). Only copyio.S uses some, and puts them back.
 */
#include "board.h"
#include "regs.h"
#include <kern/debug.h>
#include <kern/thread.h>
#include <kern/zone.h>
#include <vm/vm_page.h>

extern void fpu_save(struct arm_neon_state64 *state);       /* fpu_regs.S */
extern void fpu_load(const struct arm_neon_state64 *state);

#define NO_CPU (~0U)

static zone_t fpu_zone;

void fpu_init(void)
{
    fpu_zone = zone_create("fp state", sizeof(struct arm_neon_state64));
}

void fpu_trap(void)
{
    struct thread *thread = current_thread();
    struct cpu *cpu;

    while (thread->machine.fp == NULL) {
        thread->machine.fp = zalloc_zeroed(fpu_zone);
        if (thread->machine.fp == NULL && !vm_page_wait(true))
            return; /* terminated or aborted: if it goes on, it traps again */
    }
    cpu = current_cpu();
    write_sysreg(cpacr_el1, CPACR_FPEN);
    isb();
    thread->machine.fp_live = true;
    if (cpu->fp_owner != thread || thread->machine.fp_cpu != cpu->number) {
        fpu_load(thread->machine.fp);
        cpu->fp_owner = thread;
        thread->machine.fp_cpu = cpu->number;
    }
}

void fpu_save_current(void)
{
    struct machine_thread *self = &current_thread()->machine;

    if (!self->fp_live)
        return;
    self->fp_live = false;
    fpu_save(self->fp);
    write_sysreg(cpacr_el1, CPACR_FPEN_EL1);
    isb();
}

/* The thread ends. What a CPU still has in its registers is nobody's: fp_owner may point to a
 * thread that is freed, but is believed only together with that thread's fp_cpu. */
void fpu_release(struct thread *thread)
{
    if (thread->machine.fp != NULL)
        zfree(fpu_zone, thread->machine.fp);
    thread->machine.fp = NULL;
    thread->machine.fp_cpu = NO_CPU;
}

kern_return_t fpu_get_state(struct thread *thread, struct arm_neon_state64 *state)
{
    if (thread == current_thread())
        fpu_save_current();
    if (thread->machine.fp != NULL)
        *state = *thread->machine.fp;
    else
        memset(state, 0, sizeof(*state)); /* as the first use would find it */
    return KERN_SUCCESS;
}

kern_return_t fpu_set_state(struct thread *thread, const struct arm_neon_state64 *state)
{
    if (thread == current_thread())
        fpu_save_current();
    if (thread->machine.fp == NULL) {
        thread->machine.fp = zalloc(fpu_zone);
        if (thread->machine.fp == NULL)
            return KERN_RESOURCE_SHORTAGE;
    }
    *thread->machine.fp = *state;
    thread->machine.fp_cpu = NO_CPU; /* the registers are out of date */
    return KERN_SUCCESS;
}
