/*
 * The kernel's half of the address space: what is mapped how.
 *
 *   0xffff0000'00000000  linear map: physical address + KERNBASE
 *        RAM                 RW-  2 MiB blocks, except where the kernel image lies:
 *          text              R-X  4 KiB pages
 *          rodata            R--
 *          data, bss         RW-  less a guard page below the boot stack
 *        registers           RW-  device memory, 4 KiB pages, only those the kernel drives
 *   0xffff8000'00000000  kernel stacks (kstack.c), each with unmapped memory below
 *   0xffff8080'00000000  pieces of memory whose frames do not lie in a row (kva.c)
 *
 * Nothing is both writable and executable; EL0 can reach nothing. First symptom of a mistake here:
 * silence after the switch of TTBR1, since the vectors are unmapped, too.
 */
#include "asm_offsets.h"
#include "board.h"
#include "regs.h"
#include <kern/debug.h>
#include <vm/pmap.h>

#define KERNEL_COMMON (PTE_VALID | PTE_INNER | PTE_AF | PTE_UXN)
#define KERNEL_TEXT   (KERNEL_COMMON | PTE_ATTR(MAIR_NORMAL) | PTE_RDONLY)
#define KERNEL_RODATA (KERNEL_COMMON | PTE_ATTR(MAIR_NORMAL) | PTE_RDONLY | PTE_PXN)
#define KERNEL_DATA   (KERNEL_COMMON | PTE_ATTR(MAIR_NORMAL) | PTE_PXN)
#define KERNEL_DEVICE (KERNEL_COMMON | PTE_ATTR(MAIR_DEVICE) | PTE_PXN)

#define BLOCK_SIZE (1UL << L2_SHIFT)

extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];
extern char boot_stack_guard[], boot_stack[];
extern void boot_replace_ttbr1(uint64_t table); /* boot.S */

/* TTBR1_EL1 of every CPU. */
uint64_t kernel_l0[TABLE_ENTRIES] __attribute__((aligned(4096)));

static uint64_t *next_table(uint64_t *table, uint64_t va, unsigned shift)
{
    uint64_t *entry = &table[va >> shift & (TABLE_ENTRIES - 1)];

    if (*entry == 0)
        *entry = virt_to_phys(boot_alloc(PAGE_SIZE, PAGE_SIZE)) | PTE_VALID | PTE_TABLE;
    return phys_to_virt(*entry & PTE_ADDRESS);
}

/* [start, end) of physical memory into the linear map; page aligned, and not mapped yet. */
static void map_linear(uint64_t start, uint64_t end, uint64_t attributes)
{
    while (start < end) {
        uint64_t va = start + KERNBASE;
        uint64_t *l2 = next_table(next_table(kernel_l0, va, L0_SHIFT), va, L1_SHIFT);
        uint64_t *entry = &l2[va >> L2_SHIFT & (TABLE_ENTRIES - 1)];

        if (start % BLOCK_SIZE == 0 && end - start >= BLOCK_SIZE) {
            *entry = start | attributes; /* bit 1 clear: a block */
            start += BLOCK_SIZE;
        } else {
            uint64_t *l3 = next_table(l2, va, L2_SHIFT);

            l3[va >> L3_SHIFT & (TABLE_ENTRIES - 1)] = start | attributes | PTE_TABLE;
            start += PAGE_SIZE;
        }
    }
}

void kernel_map_init(void)
{
    uint64_t image = boot_info.kernel_start & ~(BLOCK_SIZE - 1);
    uint64_t image_end = (boot_info.kernel_end + BLOCK_SIZE - 1) & ~(BLOCK_SIZE - 1);

    map_linear(boot_info.ram_start, image, KERNEL_DATA);
    map_linear(image, boot_info.kernel_start, KERNEL_DATA);
    map_linear(boot_info.kernel_start, virt_to_phys(kernel_text_end), KERNEL_TEXT);
    map_linear(virt_to_phys(kernel_text_end), virt_to_phys(kernel_rodata_end), KERNEL_RODATA);
    map_linear(virt_to_phys(kernel_rodata_end), virt_to_phys(boot_stack_guard), KERNEL_DATA);
    map_linear(virt_to_phys(boot_stack), boot_info.kernel_end, KERNEL_DATA);
    map_linear(boot_info.kernel_end, MIN(image_end, boot_info.ram_end), KERNEL_DATA);
    if (image_end < boot_info.ram_end)
        map_linear(image_end, boot_info.ram_end, KERNEL_DATA);
    /* The device tree was found in this RAM by boot.S's tables; elsewhere it is not needed
     * again. */
    dsb(ish); /* the tables before their use */
    boot_replace_ttbr1(virt_to_phys(kernel_l0));
}

#define PAR_F 1 /* PAR_EL1.F: the translation failed (D13.2.112) */

/* Can the kernel read this address? */
static bool kernel_address_mapped(uint64_t va)
{
    __asm__ volatile("at s1e1r, %0\n isb" ::"r"(va) : "memory");
    return (read_sysreg(par_el1) & PAR_F) == 0;
}

void *kernel_map_device(uint64_t phys, uint64_t size)
{
    uint64_t start = trunc_page(phys);

    for (; start < phys + size; start += PAGE_SIZE) {
        if (!kernel_address_mapped(start + KERNBASE))
            map_linear(start, start + PAGE_SIZE, KERNEL_DEVICE);
    }
    dsb(ishst);
    isb();
    return phys_to_virt(phys);
}

bool machine_is_text(uint64_t va)
{
    return (uint64_t)kernel_start <= va && va < (uint64_t)kernel_text_end;
}

bool machine_is_kernel_memory(uint64_t va)
{
    uint64_t phys = virt_to_phys(va);

    if (va < KERNBASE || !kernel_address_mapped(va))
        return false;
    return va >= KSTACK_BASE || (boot_info.ram_start <= phys && phys < boot_info.ram_end);
}
