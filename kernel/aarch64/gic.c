/*
 * The interrupt controller, GICv2 (Arm IHI 0048). A distributor with all lines, and for each CPU an
 * interface that says which one to take. INTIDs 0..15 are sent by CPUs to each other (SGI), 16..31
 * are each CPU's own (PPI: its timer), from 32 on the devices' (SPI).
 *
 * A device's line is masked when it has fired, its driver (a user task) is sent a message, and the
 * line stays masked until the driver says so: kern/device.c.
 */
#include "board.h"
#include "regs.h"
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/sched.h>
#include <vm/pmap.h>

/* Distributor */
#define GICD_CTLR         0x000
#define GICD_TYPER        0x004
#define GICD_TYPER_LINES(typer) ((((typer) & 0x1f) + 1) * 32)
#define GICD_ISENABLER    0x100 /* one bit a line: write 1 to set ... */
#define GICD_ICENABLER    0x180 /* ... or to clear: no lock is needed */
#define GICD_ICPENDR      0x280
#define GICD_IPRIORITYR   0x400 /* one byte a line */
#define GICD_ITARGETSR    0x800 /* one byte a line: bit n = CPU interface n; below 32: own */
#define GICD_ICFGR        0xc00 /* two bits a line: bit 1 = edge */
#define GICD_SGIR         0xf00
#define GICD_SGIR_TARGETS 16
#define GICD_SIZE         0x1000

/* CPU interface */
#define GICC_CTLR         0x000
#define GICC_PMR          0x004
#define GICC_IAR          0x00c
#define GICC_EOIR         0x010
#define GICC_SIZE         0x1000
#define GIC_ENABLE        1
#define GICC_PMR_ALL      0xff  /* lets every priority through */
#define GIC_PRIORITY      0xa0  /* one for all: the kernel does not nest interrupts */

#define INTID_MASK        0x3ff /* of IAR; the rest names the sender of an SGI */
#define INTID_SPI         32
#define INTID_SPECIAL     1020  /* from here on: none pending */

#define SGI_POKE          0     /* look at your thread's ast and your run queue */
#define SGI_STOP          1     /* the kernel panics: stop */

static volatile uint8_t *distributor;
static volatile uint8_t *interface;
static uint32_t lines;
static uint8_t target[MAX_CPUS]; /* each CPU's bit in ITARGETSR and SGIR */

static void gicd_write(uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(distributor + reg) = value;
}

static uint32_t gicd_read(uint32_t reg)
{
    return *(volatile uint32_t *)(distributor + reg);
}

static void gicc_write(uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(interface + reg) = value;
}

/* The device tree says of each device's line whether it is edge or level triggered:
 * interrupts = <type number flags> (binding arm,gic; flags 1, 2: edge, 4, 8: level). */
static void configure_node(const struct fdt_node *node, void *arg)
{
    uint32_t type, number, flags;

    for (uint32_t i = 0; fdt_cell(node, "interrupts", i, &type) &&
                         fdt_cell(node, "interrupts", i + 1, &number) &&
                         fdt_cell(node, "interrupts", i + 2, &flags);
         i += 3) {
        uint32_t intid = INTID_SPI + number;
        uint32_t reg = GICD_ICFGR + intid / 16 * 4;

        if (type == 0 && intid < lines && (flags & 3) != 0)
            gicd_write(reg, gicd_read(reg) | 2U << (intid % 16 * 2));
    }
}

void gic_init(void)
{
    distributor = kernel_map_device(board.gic_distributor, GICD_SIZE);
    interface = kernel_map_device(board.gic_cpu, GICC_SIZE);
    lines = MIN(GICD_TYPER_LINES(gicd_read(GICD_TYPER)), INTID_SPECIAL);
    gicd_write(GICD_CTLR, 0);
    gic_cpu_init(); /* for target[0] */
    for (uint32_t i = INTID_SPI; i < lines; i += 32) {
        gicd_write(GICD_ICENABLER + i / 8, ~0U);
        gicd_write(GICD_ICPENDR + i / 8, ~0U);
    }
    for (uint32_t i = INTID_SPI; i < lines; i++) {
        distributor[GICD_IPRIORITYR + i] = GIC_PRIORITY;
        distributor[GICD_ITARGETSR + i] = target[0];
    }
    fdt_for_each_node(phys_to_virt(boot_info.fdt_start), configure_node, NULL);
    gicd_write(GICD_CTLR, GIC_ENABLE);
}

/* The banked part: this CPU's SGIs and PPIs, and its interface. */
void gic_cpu_init(void)
{
    uint32_t own = 0;

    for (uint32_t i = 0; i < INTID_SPI; i += 4)
        own |= gicd_read(GICD_ITARGETSR + i); /* a single-CPU GIC may read 0 for unused ones */
    own |= own >> 16;
    own |= own >> 8;
    target[current_cpu()->number] = own & 0xff;
    gicd_write(GICD_ICENABLER, ~0U);
    for (uint32_t i = 0; i < INTID_SPI; i++)
        distributor[GICD_IPRIORITYR + i] = GIC_PRIORITY;
    gicd_write(GICD_ISENABLER, 1U << SGI_POKE | 1U << SGI_STOP | 1U << board.timer_intid);
    gicc_write(GICC_PMR, GICC_PMR_ALL);
    gicc_write(GICC_CTLR, GIC_ENABLE);
}

uint32_t irq_line_count(void)
{
    return lines;
}

void irq_mask(uint32_t intid)
{
    if (intid >= INTID_SPI && intid < lines)
        gicd_write(GICD_ICENABLER + intid / 32 * 4, 1U << intid % 32);
}

void irq_unmask(uint32_t intid)
{
    if (intid >= INTID_SPI && intid < lines)
        gicd_write(GICD_ISENABLER + intid / 32 * 4, 1U << intid % 32);
}

void machine_poke_cpu(uint32_t cpu)
{
    dsb(ishst); /* what it is to see is in memory before the interrupt */
    gicd_write(GICD_SGIR, (uint32_t)target[cpu] << GICD_SGIR_TARGETS | SGI_POKE);
}

void machine_stop_other_cpus(void)
{
    uint32_t self = current_cpu()->number;

    if (distributor == NULL)
        return;
    dsb(ishst);
    for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
        if (cpu != self)
            gicd_write(GICD_SGIR, (uint32_t)target[cpu] << GICD_SGIR_TARGETS | SGI_STOP);
    }
}

void irq_handler(void)
{
    struct cpu *cpu = current_cpu();

    for (;;) {
        uint32_t iar = *(volatile uint32_t *)(interface + GICC_IAR);
        uint32_t intid = iar & INTID_MASK;

        if (intid >= INTID_SPECIAL)
            return;
        cpu->interrupts++;
        if (intid >= INTID_SPI)
            irq_mask(intid); /* before its end: a level line would fire again at once */
        gicc_write(GICC_EOIR, iar);
        if (intid == board.timer_intid)
            timer_irq();
        else if (intid >= INTID_SPI)
            device_interrupt(intid);
        else if (intid == SGI_STOP)
            machine_halt();
        /* SGI_POKE: being here is all it is for; the way out looks at thread->ast. */
    }
}
