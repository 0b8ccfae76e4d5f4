/*
 * Kernel stacks: 8 KiB each, mapped in slots of 16 KiB from KSTACK_BASE on, of which the lower half
 * is never mapped: an overflow faults instead of overwriting someone's memory, and the vectors can
 * tell it by one bit of SP (asm_offsets.h).
 *
 *      slot n:  | guard 8 KiB, not mapped | stack 8 KiB |
 *
 * Each CPU keeps some free ones, linked through their lowest words, so that a thread usually costs
 * no mapping and no TLB invalidation. Slots whose stacks were given up are linked, too: through
 * their own page table entries, of which an invalid one has 63 bits that mean nothing to the
 * hardware.
 */
#include "asm_offsets.h"
#include "board.h"
#include "pmap_internal.h"
#include <kern/debug.h>

#define KSTACK_REGION (1UL << 39)    /* one L0 entry: 33 million stacks */
#define KSTACK_PAGES  (KSTACK_SIZE / PAGE_SIZE)
#define CACHE_MAX     8              /* a CPU's spare stacks */

#define KSTACK_PTE \
    (PTE_VALID | PTE_TABLE | PTE_ATTR(MAIR_NORMAL) | PTE_INNER | PTE_AF | PTE_UXN | PTE_PXN)

struct spare {
    struct spare *next;
    uint32_t count; /* in the list from here on */
};

/* ---- owned by kernel_pmap->lock ---- */
static uint64_t slots_used;     /* slots below this were in use at some time */
static uint64_t free_slot;      /* first of the free list, as slot number + 1; 0: empty */

static vm_offset_t slot_stack(uint64_t slot)
{
    return KSTACK_BASE + slot * KSTACK_SLOT + KSTACK_SIZE;
}

/* A slot's table entry for its stack's first page; the second follows. NULL: out of memory. */
static uint64_t *slot_pte(uint64_t slot)
{
    return pmap_pte_make(kernel_pmap, slot_stack(slot));
}

/* Maps the pages in a free slot; 0: out of memory or of slots. */
static vm_offset_t map_stack(vm_page_t const pages[KSTACK_PAGES])
{
    uint64_t slot = 0;
    uint64_t *pte = NULL;

    spin_lock(&kernel_pmap->lock);
    if (free_slot != 0) {
        slot = free_slot - 1;
        pte = slot_pte(slot); /* exists */
        free_slot = *pte >> 1;
    } else if (slots_used < KSTACK_REGION / KSTACK_SLOT) {
        slot = slots_used;
        pte = slot_pte(slot);
        if (pte != NULL)
            slots_used++;
    }
    if (pte != NULL) {
        for (unsigned i = 0; i < KSTACK_PAGES; i++)
            pte_write(&pte[i], pages[i]->phys | KSTACK_PTE);
        dsb(ishst);
        isb();
    }
    spin_unlock(&kernel_pmap->lock);
    return pte == NULL ? 0 : slot_stack(slot);
}

vm_offset_t kstack_alloc(void)
{
    struct cpu *cpu = current_cpu();
    struct spare *spare = cpu->stack_cache;
    vm_page_t pages[KSTACK_PAGES];
    vm_offset_t stack;
    unsigned have;

    if (spare != NULL) {
        cpu->stack_cache = spare->next;
        return (vm_offset_t)spare;
    }
    for (have = 0; have < KSTACK_PAGES; have++) {
        pages[have] = vm_page_grab();
        if (pages[have] == NULL)
            goto fail;
    }
    stack = map_stack(pages);
    if (stack == 0)
        goto fail;
    return stack;

fail:
    while (have-- > 0)
        vm_page_release(pages[have]);
    return 0;
}

static void unmap_stack(vm_offset_t stack)
{
    uint64_t slot = (stack - KSTACK_BASE) / KSTACK_SLOT;
    vm_page_t pages[KSTACK_PAGES];
    uint64_t *pte;

    spin_lock(&kernel_pmap->lock);
    pte = slot_pte(slot);
    for (unsigned i = 0; i < KSTACK_PAGES; i++) {
        pages[i] = vm_page_of_phys(pte[i] & PTE_ADDRESS);
        pte_write(&pte[i], 0);
    }
    tlb_begin();
    for (unsigned i = 0; i < KSTACK_PAGES; i++)
        tlb_flush_kernel_page(stack + i * PAGE_SIZE);
    tlb_end();
    pte_write(pte, free_slot << 1); /* bit 0, VALID, is clear */
    free_slot = slot + 1;
    spin_unlock(&kernel_pmap->lock);
    for (unsigned i = 0; i < KSTACK_PAGES; i++)
        vm_page_release(pages[i]);
}

void kstack_free(vm_offset_t stack)
{
    struct cpu *cpu = current_cpu();
    struct spare *first = cpu->stack_cache;
    struct spare *spare = (struct spare *)stack;

    if (first != NULL && first->count == CACHE_MAX) {
        unmap_stack(stack);
        return;
    }
    spare->next = first;
    spare->count = first == NULL ? 1 : first->count + 1;
    cpu->stack_cache = spare;
}
