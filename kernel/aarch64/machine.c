/*
 * Bringing the machine up: the first thing in kmain, the other CPUs, memory and arguments from the
 * boot loader. Order: boot.S, machine_boot_cpu, machine_init here, then what each line of it names.
 */
#include "board.h"
#include "asm_offsets.h"
#include "regs.h"
#include <kern/debug.h>
#include <kern/sched.h>
#include <kern/thread.h>
#include <vm/pmap.h>

extern char kernel_start[], kernel_end[]; /* kernel.ld */
extern char secondary_head[];             /* boot.S */

/* What runs until a CPU's idle thread does: just enough of a thread to be current. [0] is known to
 * boot.S. */
struct thread boot_threads[MAX_CPUS];

/* What secondary_head gets: boot.S knows the layout. */
struct boot_cpu {
    uint64_t stack_top;
    struct thread *thread;
};

void machine_boot_cpu(void);
void machine_secondary(void) __attribute__((noreturn));

static void adopt_cpu(uint32_t number, uint64_t mpidr)
{
    struct cpu *cpu = &cpus[number];

    boot_threads[number].machine.cpu = cpu;
    boot_threads[number].machine.fp_cpu = ~0U;
    cpu->number = number;
    cpu->mpidr = mpidr;
    cpu->current = &boot_threads[number];
}

/* Called by boot.S before kmain, so that current_cpu() and locks work from its first line. */
void machine_boot_cpu(void)
{
    adopt_cpu(0, read_sysreg(mpidr_el1) & 0xff00ffffff);
    cpu_count = 1;
}

/* The registers that say what EL0 may do, the same on each CPU. */
static void machine_cpu_setup(void)
{
    uint64_t pmu = read_sysreg(id_aa64dfr0_el1) >> DFR0_PMUVER_SHIFT & 0xf;

    write_sysreg(ttbr0_el1, virt_to_phys(boot_empty));
    write_sysreg(sctlr_el1, SCTLR_FINAL);
    isb();
    __asm__ volatile("tlbi vmalle1" ::: "memory"); /* the identity map, and what lacked WXN */
    dsb(nsh);
    write_sysreg(cpacr_el1, CPACR_FPEN_EL1); /* FP traps: fpu.c */
    write_sysreg(cntkctl_el1, CNTKCTL_EL0VCTEN);
    write_sysreg(tpidrro_el0, 0);           /* EL0 can read it */
    write_sysreg(tpidr_el0, 0);
    write_sysreg(mdscr_el1, 0);
    write_sysreg(oslar_el1, 0);             /* the OS lock, set by reset, forbids single step */
    if (pmu != DFR0_PMUVER_NONE && pmu != DFR0_PMUVER_IMPDEF) {
        write_sysreg(pmcr_el0, PMCR_ENABLE);
        write_sysreg(pmevtyper0_el0, PMEVTYPER_INST_RETIRED);
        write_sysreg(pmcntenset_el0, PMCNTEN_0_AND_CYCLES);
        write_sysreg(pmuserenr_el0, PMUSERENR_EN);
    }
    isb();
}

/*
 * Device tree, final page tables, console, interrupt controller, this CPU's registers and timer. No
 * interrupt comes before the first thread runs, since they stay masked.
 */
void machine_init(uint64_t fdt_phys)
{
    boot_info.kernel_start = virt_to_phys(kernel_start);
    boot_info.kernel_end = virt_to_phys(kernel_end);
    boot_info.fdt_start = fdt_phys;
    if (!board_read(phys_to_virt(fdt_phys)))
        panic("machine_init: no device tree at %#lx", fdt_phys); /* unseen: there is no console */
    if (boot_info.ram_end == 0)
        panic("machine_init: the device tree has no memory node with the kernel in it");
    boot_info.free_start = round_page(boot_info.kernel_end);
    kernel_map_init();
    uart_init();
    machine_cpu_setup();
    if (board.gic_distributor == 0 || board.gic_cpu == 0)
        panic("machine_init: no GICv2 in the device tree: QEMU wants -M virt,gic-version=2");
    if (board.timer_intid == 0)
        panic("machine_init: no arm,armv8-timer in the device tree");
    gic_init();
    gic_cpu_init();
    timer_cpu_init(boot_number("jitter"));
}

/* On a secondary CPU, from boot.S, with the MMU on, a stack and a current thread. */
void machine_secondary(void)
{
    machine_cpu_setup();
    gic_cpu_init();
    timer_cpu_init(boot_number("jitter"));
    __atomic_fetch_add(&cpu_count, 1, __ATOMIC_RELEASE);
    __asm__ volatile("sev");
    sched_start_cpu();
}

/* One after the other, so that numbers have no gap if one does not start. */
void machine_start_cpus(void)
{
    static struct boot_cpu boot_cpu;
    uint64_t self = read_sysreg(mpidr_el1) & 0xff00ffffff;
    uint64_t patience = machine_time_frequency(); /* a second */

    fpu_init();
    for (uint32_t i = 0; i < boot_info.cpus && board.psci; i++) {
        uint32_t number = cpu_count;
        vm_offset_t stack;
        uint64_t start;
        int64_t error;

        if (board.mpidr[i] == self)
            continue;
        stack = kstack_alloc();
        if (stack == 0)
            panic("machine_start_cpus: no memory for the stack of CPU %u", number);
        adopt_cpu(number, board.mpidr[i]);
        boot_cpu.stack_top = stack + KSTACK_SIZE;
        boot_cpu.thread = &boot_threads[number];
        dsb(ish);
        error = psci_cpu_on(board.mpidr[i], virt_to_phys(secondary_head), virt_to_phys(&boot_cpu));
        start = machine_time();
        while (error == 0 && __atomic_load_n(&cpu_count, __ATOMIC_ACQUIRE) == number) {
            if (machine_time() - start > patience)
                panic("machine_start_cpus: CPU %lx was started, but is not heard of",
                      board.mpidr[i]);
            __asm__ volatile("yield"); /* icount: the others' turn */
        }
        if (error != 0) {
            kstack_free(stack);
            printf("CPU %lx did not start: PSCI error %ld\n", board.mpidr[i], error);
        }
    }
}

#define ISR_I (1UL << 7) /* ISR_EL1: an IRQ is pending */

/* Instead of sleeping, for about a thousand instructions; then the other CPUs' turn (icount). */
static void idle_awake(void)
{
    for (int i = 0; i < 300 && !(read_sysreg(isr_el1) & ISR_I); i++)
        continue;
    __asm__ volatile("yield" ::: "memory");
}

/*
 * With jitter (timer.c) CPU 0 stays awake: when all CPUs sleep, QEMU's icount moves the clock on in
 * another host thread, which may look at it before the last CPU's instructions are counted, or
 * after. Then a seed would be another interleaving each time.
 */
void machine_idle(void)
{
    struct cpu *cpu = current_cpu();

    dsb(sy); /* what others must see before we sleep (D1.16.2) */
    if (cpu->jitter != 0 && cpu->number == 0)
        idle_awake();
    else
        __asm__ volatile("wfi" ::: "memory"); /* ends with an interrupt, though it is masked */
    machine_take_interrupts();
}

void machine_take_interrupts(void)
{
    if (read_sysreg(isr_el1) & ISR_I)
        irq_handler();
}

void machine_reboot(int options)
{
    if (options == 0)
        psci_off();
    else
        psci_reset();
    panic("machine_reboot: PSCI did not %s", options == 0 ? "switch off" : "reset");
}

void machine_halt(void)
{
    for (;;)
        __asm__ volatile("wfi");
}

/* ---- boot arguments, boot memory ---- */

bool boot_arg(const char *key, char *buf, size_t size)
{
    size_t key_length = strlen(key);
    const char *at = boot_info.bootargs;

    for (;;) {
        while (*at == ' ')
            at++;
        if (*at == 0)
            return false;
        if (strncmp(at, key, key_length) == 0 &&
            (at[key_length] == '=' || at[key_length] == ' ' || at[key_length] == 0)) {
            at += key_length;
            if (*at == '=')
                at++;
            while (size > 1 && *at != 0 && *at != ' ') {
                *buf++ = *at++;
                size--;
            }
            if (size > 0)
                *buf = 0;
            return true;
        }
        while (*at != 0 && *at != ' ')
            at++;
    }
}

uint64_t boot_number(const char *key)
{
    char text[24] = "";
    uint64_t number = 0;

    boot_arg(key, text, sizeof(text));
    for (const char *digit = text; *digit >= '0' && *digit <= '9'; digit++)
        number = number * 10 + (*digit - '0');
    return number;
}

/* Moves [start, start+size) behind a reserved range that it touches. */
static bool avoid(uint64_t *start, uint64_t size, uint64_t reserved, uint64_t reserved_size)
{
    if (reserved_size == 0 || *start >= reserved + reserved_size || *start + size <= reserved)
        return false;
    *start = reserved + reserved_size;
    return true;
}

void *boot_alloc(size_t size, size_t align)
{
    uint64_t start = boot_info.free_start;

    do {
        start = (start + align - 1) & ~(uint64_t)(align - 1);
    } while (avoid(&start, size, boot_info.archive_start, boot_info.archive_size) ||
             avoid(&start, size, boot_info.fdt_start, boot_info.fdt_size));
    if (size > boot_info.ram_end - boot_info.ram_start || start + size > boot_info.ram_end)
        panic("boot_alloc: %zu bytes wanted, memory ends at %#lx and is given out up to %#lx", size,
              boot_info.ram_end, boot_info.free_start);
    boot_info.free_start = start + size;
    return memset(phys_to_virt(start), 0, size);
}
