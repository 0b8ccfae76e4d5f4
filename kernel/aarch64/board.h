/*
 * What the device tree says about the board, and what the files of aarch64/ tell only each other.
 */
#ifndef _AARCH64_BOARD_H_
#define _AARCH64_BOARD_H_

#include <kern/cpu.h>
#include <machine/thread.h>
#include <stdbool.h>
#include <stdint.h>

struct board {
    uint64_t uart;                  /* PL011 registers; physical addresses, 0: none */
    uint64_t gic_distributor;
    uint64_t gic_cpu;
    uint32_t timer_intid;           /* of the virtual timer */
    bool psci;                      /* there is a PSCI ... */
    bool psci_smc;                  /* ... reached by smc, else by hvc */
    uint64_t mpidr[MAX_CPUS];       /* of each CPU described, boot_info.cpus of them */
};
extern struct board board;
/* Fills board and boot_info from the device tree (a pointer in the linear map). False: it is
 * none. */
bool board_read(void *fdt);

/* ---- fdt.c ---- */
struct fdt_node {
    const char *name;
    const uint32_t *properties;     /* first token after the name */
    const char *strings;
    uint32_t depth;                 /* 0: the root */
    uint32_t address_cells;         /* the parent's: how to read `reg` */
    uint32_t size_cells;
};
bool fdt_valid(const void *fdt);
/* Its size, without the unused end (QEMU leaves a MiB), which is cut off: memory for others. */
uint32_t fdt_pack(void *fdt);
/* Calls visit for each node, parents first. */
void fdt_for_each_node(const void *fdt, void (*visit)(const struct fdt_node *node, void *arg),
                       void *arg);
/* The property's bytes and length; NULL: there is none. */
const void *fdt_property(const struct fdt_node *node, const char *name, uint32_t *length);
/* Is the string among the (0-terminated) strings of the property? */
bool fdt_has_string(const struct fdt_node *node, const char *name, const char *string);
/* Entry `index` of `reg`. */
bool fdt_reg(const struct fdt_node *node, uint32_t index, uint64_t *address, uint64_t *size);
/* Cell `index` of a property of 32-bit cells; false: shorter. */
bool fdt_cell(const struct fdt_node *node, const char *name, uint32_t index, uint32_t *value);

/* ---- kernel_map.c ---- */
extern uint64_t kernel_l0[];        /* TTBR1's table */
extern uint64_t boot_empty[];       /* TTBR0's when there is no task: maps nothing (boot.S) */
/* Builds the final tables of the upper half and switches this CPU to them. */
void kernel_map_init(void);
/* Maps registers into the linear map; returns where. At boot only. */
void *kernel_map_device(uint64_t phys, uint64_t size);

/* ---- this CPU's own parts, called on each ---- */
void gic_init(void);                /* the distributor: once */
void gic_cpu_init(void);
void timer_cpu_init(uint64_t jitter_seed);
void timer_irq(void);
/* Takes all pending interrupts. Interrupts masked, no locks held. */
void irq_handler(void);
void uart_init(void);
void fpu_init(void);

/* ---- psci.c ---- */
int64_t psci_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t context);
void psci_off(void);
void psci_reset(void);

/* ---- kstack.c ---- */
/* A kernel stack: its lowest mapped address; 0: out of memory. */
vm_offset_t kstack_alloc(void);
/* Not the one in use. */
void kstack_free(vm_offset_t stack);

/* ---- fpu.c ---- */
/* The current thread used FP while it was off: loads its registers. May block for memory. */
void fpu_trap(void);
/* The current thread is switched out, or its state is wanted in memory: saves what is loaded. */
void fpu_save_current(void);
void fpu_release(struct thread *thread);
kern_return_t fpu_get_state(struct thread *thread, struct arm_neon_state64 *state);
kern_return_t fpu_set_state(struct thread *thread, const struct arm_neon_state64 *state);

#endif
