/*
 * From the first C function to the first task. The calls below are in the order in which the parts
 * of the kernel depend on each other: a good order to read them in, too.
 */
#include <grade.h>
#include <ipc/ipc_space.h>
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/trace.h>
#include <kern/zone.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#define MIN_MEMORY_MIB 32

void kmain(uint64_t fdt_phys);

/* The first thread: whatever may block is done in here. */
static void startup(void *unused)
{
    vm_pageout_init();  /* the thread that finds pages when they run out */
    bootstrap_create(); /* the first task */
    thread_terminate_self();
}

/* Called by the machine's first instructions (aarch64/boot.S), on the boot stack of the first CPU,
 * with the MMU on and interrupts masked. */
void kmain(uint64_t fdt_phys)
{
    machine_init(fdt_phys);         /* device tree, kernel page tables, console, interrupts, time */
    grade_init(boot_info.bootargs); /* takes the grading nonce out of the boot arguments */

    uint64_t memory = (boot_info.ram_end - boot_info.ram_start) >> 20;

    if (memory < MIN_MEMORY_MIB)
        panic("%lu MiB of memory, at least %d are needed: give QEMU -m 128M", (unsigned long)memory,
              MIN_MEMORY_MIB);

    trace_init();     /* a record of what happens, if asked for */
    vm_page_init();   /* all page frames */
    zone_init();      /* kernel memory: zalloc, kalloc */
    pmap_init();      /* address translation */
    sched_init();     /* run queues, wait queues, time-outs */
    vm_object_init(); /* memory objects */
    vm_map_init();    /* address spaces */
    ledger_init(boot_info.ram_end - boot_info.ram_start); /* what tasks may use of all that */
    ipc_init();       /* ports, messages */
    task_init();
    thread_init();
    host_init();      /* the host's ports */
    clock_init();
    calendar_init();  /* the time of day, as somebody will tell it */
    semaphore_init();
    gsync_init();
    device_init();

    sched_create_idle_threads();
    machine_start_cpus(); /* the others; each goes to sched_start_cpu, too */
    printf("Ostia: %u of %u CPUs, %lu MiB\n", cpu_count, boot_info.cpus, (unsigned long)memory);
    if (kernel_thread("startup", startup, NULL, PRIORITY_KERNEL) == NULL)
        panic("kmain: no memory for the first thread");
    sched_start_cpu();
}
