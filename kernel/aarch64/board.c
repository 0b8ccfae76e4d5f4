/*
 * The board, as the device tree describes it: memory, CPUs, console, interrupt controller, timer,
 * how CPUs are started, and what the boot loader passed on. Bindings: Linux
 * Documentation/devicetree/bindings, named at each node. Read fdt.c before.
 */
#include "board.h"
#include <kern/debug.h>

struct board board;
struct boot_info boot_info;

#define PPI_BASE 16 /* INTID of private peripheral interrupt 0 (GICv2 specification, 2.2.1) */

static bool enabled(const struct fdt_node *node)
{
    uint32_t length;
    const char *status = fdt_property(node, "status", &length);

    return status == NULL || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

/* `linux,initrd-start` and -end: one cell or two. */
static uint64_t read_number(const struct fdt_node *node, const char *name)
{
    uint32_t high, low;

    if (!fdt_cell(node, name, 0, &high))
        return 0;
    return fdt_cell(node, name, 1, &low) ? (uint64_t)high << 32 | low : high;
}

static void read_chosen(const struct fdt_node *node)
{
    uint32_t length;
    const char *args = fdt_property(node, "bootargs", &length);

    if (args != NULL)
        strlcpy(boot_info.bootargs, args, sizeof(boot_info.bootargs));
    boot_info.archive_start = read_number(node, "linux,initrd-start");
    boot_info.archive_size = read_number(node, "linux,initrd-end") - boot_info.archive_start;
}

/* The range with the kernel in it, and what is joined to it. */
static void read_memory(const struct fdt_node *node)
{
    uint64_t start, size;

    for (uint32_t i = 0; fdt_reg(node, i, &start, &size); i++) {
        if (start <= boot_info.kernel_start && boot_info.kernel_start < start + size) {
            boot_info.ram_start = start;
            boot_info.ram_end = start + size;
        } else if (start == boot_info.ram_end && boot_info.ram_end != 0) {
            boot_info.ram_end = start + size;
        }
    }
}

static void read_cpu(const struct fdt_node *node)
{
    uint64_t mpidr, size;

    if (boot_info.cpus == MAX_CPUS || !fdt_reg(node, 0, &mpidr, &size))
        return;
    if (boot_info.cpus > 0 && !fdt_has_string(node, "enable-method", "psci"))
        return; /* no other way to start it is known */
    board.mpidr[boot_info.cpus++] = mpidr;
}

/* arm,armv8-timer: interrupts = <type number flags> x secure, non-secure, virtual, hypervisor */
static void read_timer(const struct fdt_node *node)
{
    uint32_t number;

    if (fdt_cell(node, "interrupts", 2 * 3 + 1, &number))
        board.timer_intid = PPI_BASE + number;
}

static void read_node(const struct fdt_node *node, void *arg)
{
    uint64_t size;

    if (node->depth == 1 && strcmp(node->name, "chosen") == 0) {
        read_chosen(node);
    } else if (fdt_has_string(node, "device_type", "memory")) {
        if (enabled(node)) /* QEMU's secure RAM is not for us */
            read_memory(node);
    } else if (fdt_has_string(node, "device_type", "cpu")) {
        read_cpu(node);
    } else if (fdt_has_string(node, "compatible", "arm,psci-0.2") ||
               fdt_has_string(node, "compatible", "arm,psci-1.0")) {
        board.psci = true;
        board.psci_smc = fdt_has_string(node, "method", "smc");
    } else if (fdt_has_string(node, "compatible", "arm,pl011")) {
        if (board.uart == 0 && enabled(node))
            fdt_reg(node, 0, &board.uart, &size);
    } else if (fdt_has_string(node, "compatible", "arm,cortex-a15-gic") ||
               fdt_has_string(node, "compatible", "arm,gic-400")) {
        fdt_reg(node, 0, &board.gic_distributor, &size);
        fdt_reg(node, 1, &board.gic_cpu, &size);
    } else if (fdt_has_string(node, "compatible", "arm,armv8-timer")) {
        read_timer(node);
    }
}

bool board_read(void *fdt)
{
    if (!fdt_valid(fdt))
        return false;
    boot_info.fdt_size = fdt_pack(fdt);
    fdt_for_each_node(fdt, read_node, NULL);
    return true;
}
