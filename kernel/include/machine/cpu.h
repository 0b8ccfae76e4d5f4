/*
 * What the rest of the kernel may ask of the CPU and the board.
 */
#ifndef _MACHINE_CPU_H_
#define _MACHINE_CPU_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mach/vm_types.h>

struct thread;
struct cpu;
struct trapframe;

/* TPIDR_EL1 holds the current thread; thread->machine.cpu its CPU. */
static inline struct thread *current_thread(void)
{
    struct thread *thread;

    /* Not volatile: within one function the current thread does not change. */
    __asm__("mrs %0, tpidr_el1" : "=r"(thread));
    return thread;
}
/* The CPU this thread is on. Changes over anything that may block: do not keep it. */
#define current_cpu() (*(struct cpu *volatile *)current_thread()) /* machine.cpu is first */

/* The counter: 64 bits, monotonic, the same on all CPUs. */
static inline uint64_t machine_time(void)
{
    uint64_t now;

    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(now));
    return now;
}
/* The same for statistics: it may be read some instructions early. */
static inline uint64_t machine_time_roughly(void)
{
    uint64_t now;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(now));
    return now;
}
uint64_t machine_time_frequency(void); /* Hz */
/* The next timer interrupt of this CPU, at or after the deadline (~0: none). */
void machine_timer_set(uint64_t deadline);

/* Interrupt lines (GICv2 INTIDs). Mask/unmask any shared line, from any CPU. */
void irq_mask(uint32_t intid);
void irq_unmask(uint32_t intid);
uint32_t irq_line_count(void); /* INTIDs at and above do not exist */
/* Makes another CPU enter the kernel and look at its current thread's ast / its run queue. */
void machine_poke_cpu(uint32_t cpu);

/* Waits for an interrupt and takes what is pending (idle loop; interrupts are masked on entry
 * and on return). */
void machine_idle(void);
/* Takes pending interrupts now, without waiting: for preempt_point. */
void machine_take_interrupts(void);

/* Starts the other CPUs (PSCI), and counts them in cpu_count; each ends in sched_start_cpu(), on
 * a stack and a struct thread made for it here (current_thread(), current_cpu() work from the
 * start). */
void machine_start_cpus(void);
void machine_reboot(int options) __attribute__((noreturn)); /* 0 power off, 1 reset */
/* ---- for panic and backtrace ---- */
void machine_stop_other_cpus(void);
void machine_halt(void) __attribute__((noreturn)); /* this CPU, for ever */
/* The registers of the fault in the kernel that led to a panic; NULL: it was none. */
const struct trapframe *machine_fault_frame(void);
bool machine_is_text(uint64_t va);          /* an instruction of the kernel's */
bool machine_is_kernel_memory(uint64_t va); /* readable, and ordinary memory of the kernel's */

/* The early console: bytes to the PL011, polled. No lock: see printf.c. */
void console_write(const char *text, size_t length);

/* ---- user memory: the current task's. Returns 0, or KERN_INVALID_ADDRESS with nothing said about
 * how much was copied. May block on a fault: no locks held. ---- */
int copyin(const void *user, void *kernel, size_t size);
int copyout(const void *kernel, void *user, size_t size);
int copyacross(const void *user_from, void *user_to, size_t size);
size_t copy_wide(void *to, const void *from, size_t size); /* for memcpy, and for this: see copyio.S */
/* A page's bytes. False: they cannot be read without a fault. None is served: so this does not block, and
 * locks may be held. */
static inline bool copyin_page_at_once(const void *user, void *page)
{
    return (uintptr_t)user <= VM_MAX_ADDRESS - PAGE_SIZE && copy_wide(page, user, PAGE_SIZE) == 0;
}

/* ---- boot information, read from the device tree by machine_init ---- */
struct boot_info {
    uint64_t ram_start, ram_end;     /* physical */
    uint64_t kernel_start, kernel_end;
    uint64_t fdt_start, fdt_size;
    uint64_t archive_start, archive_size; /* the boot archive; 0: none */
    char bootargs[2048];
    uint32_t cpus;                   /* described by the device tree, at most MAX_CPUS */
    uint64_t free_start;             /* boot_alloc gave out memory below this */
};
extern struct boot_info boot_info;
/* Value of `key=` in the boot arguments copied to buf (cut at size); false if it is not there. A
 * word without `=` gives "". */
bool boot_arg(const char *key, char *buf, size_t size);
/* The same of a decimal number: 0 if the argument is not there, or is none. */
uint64_t boot_number(const char *key);
/* Memory for the kernel's lifetime, before vm_page_init; zeroed; panics when there is none. */
void *boot_alloc(size_t size, size_t align);
/* First thing in kmain: device tree, final page tables, vectors, GIC, timer of this CPU. */
void machine_init(uint64_t fdt_phys);

#endif
