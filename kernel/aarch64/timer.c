/*
 * The CPU's timer: the virtual timer of the Generic Timer (D11.2), one a CPU, comparing CNTVCT with
 * a deadline. What the deadlines are for is kern/timer.c's.
 *
 * With the boot argument jitter=SEED each CPU's timer fires in between, too, at seeded
 * pseudo-random intervals around 10 us. Nothing is done then; but QEMU's icount, which runs CPUs
 * one after the other for very long, changes to the next one there, so that a seed is an
 * interleaving that can be replayed: to the instruction, if the machine is the same
 * (-M virt,dtb-randomness=off: else each run's device tree is another) and no disk is at work.
 */
#include "board.h"
#include "regs.h"
#include <grade.h>
#include <kern/sched.h>

#define JITTER_MEAN_NS 10000
#define NO_DEADLINE    (~0UL)

static struct {
    uint64_t deadline; /* kern/timer.c's */
    uint64_t jitter;   /* or an earlier one of ours */
} due[MAX_CPUS];

uint64_t machine_time_frequency(void)
{
    return read_sysreg(cntfrq_el0);
}

static void program(uint32_t cpu)
{
    uint64_t first = due[cpu].deadline < due[cpu].jitter ? due[cpu].deadline : due[cpu].jitter;

    write_sysreg(cntv_cval_el0, first);
    isb(); /* the interrupt's line follows now, not after the GIC was asked */
}

void machine_timer_set(uint64_t deadline)
{
    uint32_t cpu = current_cpu()->number;

    due[cpu].deadline = deadline;
    program(cpu);
}

/* xorshift64 (Marsaglia 2003): half to one and a half times the mean. */
static uint64_t jitter_interval(struct cpu *cpu)
{
    uint64_t mean = machine_time_frequency() / (1000000000 / JITTER_MEAN_NS);
    uint64_t x = cpu->jitter;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    cpu->jitter = x;
    return mean / 2 + x % mean;
}

/* jitter_seed 0: none. */
void timer_cpu_init(uint64_t jitter_seed)
{
    struct cpu *cpu = current_cpu();

    due[cpu->number].deadline = NO_DEADLINE;
    due[cpu->number].jitter = NO_DEADLINE;
    cpu->jitter = jitter_seed;
    if (jitter_seed != 0) {
        cpu->jitter = jitter_seed * MAX_CPUS + cpu->number + 1; /* each CPU another sequence */
        due[cpu->number].jitter = machine_time() + jitter_interval(cpu);
    }
    program(cpu->number);
    write_sysreg(cntv_ctl_el0, CNTV_CTL_ENABLE);
    isb();
}

/* The timer's interrupt was taken. */
void timer_irq(void)
{
    struct cpu *cpu = current_cpu();
    uint64_t now = machine_time();

    if (cpu->number == 0)
        grade_tick();
    if (now >= due[cpu->number].jitter)
        due[cpu->number].jitter = now + jitter_interval(cpu);
    if (now >= due[cpu->number].deadline) {
        due[cpu->number].deadline = NO_DEADLINE;
        timer_interrupt(); /* sets the next one */
    }
    program(cpu->number);
}
