/*
 * Kernel memory of several pages that are not neighbours: for kalloc, when there is no run of free
 * frames, as is usual when memory is short. Each piece is mapped in a slot of KVA_SLOT bytes, what is
 * behind it is not. Read kstack.c before, which keeps its slots in the same way.
 *
 * A few pieces that were given up stay as they are, pages and all: a mapping that is taken away
 * costs every CPU a flush of its TLB.
 */
#include "asm_offsets.h"
#include "board.h"
#include "pmap_internal.h"
#include <kern/debug.h>

#define KVA_SLOT   (KVA_PAGES_MAX * PAGE_SIZE)
#define KVA_REGION (1UL << 39) /* one L0 entry */
#define KVA_PTE \
    (PTE_VALID | PTE_TABLE | PTE_ATTR(MAIR_NORMAL) | PTE_INNER | PTE_AF | PTE_UXN | PTE_PXN)

/* ---- owned by kernel_pmap->lock, as in kstack.c ---- */
static uint64_t slots_used;
static uint64_t free_slot;
static void *spares[4];
static uint32_t spare_count;

/* The pages mapped in the slot at va. */
static uint32_t mapped(const uint64_t *pte)
{
    uint32_t n = 0;

    while (n < KVA_PAGES_MAX && (pte[n] & PTE_VALID))
        n++;
    return n;
}

/* A spare piece of at least `count` pages, or NULL. */
static void *take_spare(uint32_t count)
{
    void *spare = NULL;

    spin_lock(&kernel_pmap->lock);
    for (uint32_t i = 0; i < spare_count && spare == NULL; i++) {
        if (mapped(pmap_pte_make(kernel_pmap, (vm_offset_t)spares[i])) >= count) {
            spare = spares[i];
            spares[i] = spares[--spare_count];
        }
    }
    spin_unlock(&kernel_pmap->lock);
    return spare;
}

void *kva_alloc(uint32_t count)
{
    void *spare = take_spare(count);
    vm_page_t pages[KVA_PAGES_MAX];
    uint64_t slot = 0;
    uint64_t *pte = NULL;
    uint32_t have = 0;

    if (spare != NULL)
        return spare;
    while (have < count && have < KVA_PAGES_MAX && (pages[have] = vm_page_grab()) != NULL)
        have++;
    if (have == count) {
        spin_lock(&kernel_pmap->lock);
        slot = free_slot != 0 ? free_slot - 1 : slots_used;
        if (slot < KVA_REGION / KVA_SLOT)
            pte = pmap_pte_make(kernel_pmap, KVA_BASE + slot * KVA_SLOT);
        if (pte != NULL) {
            if (free_slot != 0)
                free_slot = *pte >> 1;
            else
                slots_used++;
            for (uint32_t i = 0; i < count; i++)
                pte_write(&pte[i], pages[i]->phys | KVA_PTE);
            dsb(ishst);
            isb();
        }
        spin_unlock(&kernel_pmap->lock);
    }
    if (pte != NULL)
        return (void *)(KVA_BASE + slot * KVA_SLOT);
    while (have-- > 0)
        vm_page_release(pages[have]);
    return NULL;
}

bool kva_free(void *address)
{
    vm_offset_t va = (vm_offset_t)address;
    vm_page_t pages[KVA_PAGES_MAX];
    uint64_t *pte;
    uint32_t count;

    if (va < KVA_BASE)
        return false;
    spin_lock(&kernel_pmap->lock);
    if (spare_count < sizeof(spares) / sizeof(spares[0])) {
        spares[spare_count++] = address;
        spin_unlock(&kernel_pmap->lock);
        return true;
    }
    pte = pmap_pte_make(kernel_pmap, va); /* exists */
    count = mapped(pte);
    for (uint32_t i = 0; i < count; i++) {
        pages[i] = vm_page_of_phys(pte[i] & PTE_ADDRESS);
        pte_write(&pte[i], 0);
    }
    tlb_begin();
    for (uint32_t i = 0; i < count; i++)
        tlb_flush_kernel_page(va + i * PAGE_SIZE);
    tlb_end();
    pte_write(pte, free_slot << 1);
    free_slot = (va - KVA_BASE) / KVA_SLOT + 1;
    spin_unlock(&kernel_pmap->lock);
    for (uint32_t i = 0; i < count; i++)
        vm_page_release(pages[i]);
    return true;
}
