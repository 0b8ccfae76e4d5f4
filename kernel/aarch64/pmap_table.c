/*
 * Translation tables: finding, making and freeing them, on the way from L0 to a page's descriptor.
 * What the descriptors of pages mean is pmap.c's. Read pmap_internal.h before.
 */
#include "pmap_internal.h"
#include <kern/debug.h>
#include <kern/ledger.h>

uint64_t *pmap_table_alloc(struct pmap *pmap)
{
    vm_page_t page;

    if (!ledger_charge(pmap->ledger, PAGE_SIZE))
        return NULL;
    page = vm_page_grab();
    if (page == NULL) {
        ledger_credit(pmap->ledger, PAGE_SIZE);
        return NULL;
    }
    pmap_zero_page(page);
    enqueue_tail(&pmap->tables, &page->memq);
    return vm_page_address(page);
}

static void table_free(struct pmap *pmap, vm_page_t page)
{
    ledger_credit(pmap->ledger, PAGE_SIZE);
    queue_remove(&page->memq);
    vm_page_release(page);
}

/* The L2 descriptor for va, or NULL. */
uint64_t *pmap_l2(const struct pmap *pmap, vm_address_t va)
{
    uint64_t l0 = pte_read(&pmap->l0[table_index(va, L0_SHIFT)]);
    uint64_t l1;

    if (l0 == 0)
        return NULL;
    l1 = pte_read(&table_of(l0)[table_index(va, L1_SHIFT)]);
    if (l1 == 0)
        return NULL;
    return &table_of(l1)[table_index(va, L2_SHIFT)];
}

uint64_t *pmap_pte(const struct pmap *pmap, vm_address_t va)
{
    uint64_t *l2 = pmap_l2(pmap, va);

    if (l2 == NULL || pte_read(l2) == 0)
        return NULL;
    return &table_of(pte_read(l2))[table_index(va, L3_SHIFT)];
}

void pmap_l2_clear(struct pmap *pmap, uint64_t *l2, vm_address_t va)
{
    vm_page_t l3 = vm_page_of_phys(*l2 & PTE_ADDRESS);

    pte_write(l2, 0);
    tlb_begin();
    tlb_flush_walk(pmap, va);
    tlb_end();
    table_free(pmap, l3);
}

/* The table that an entry points to; made if there is none. NULL: out of memory. */
static uint64_t *table_make(struct pmap *pmap, uint64_t *entry)
{
    uint64_t *table;

    if (*entry != 0)
        return table_of(*entry);
    table = pmap_table_alloc(pmap);
    if (table != NULL)
        pte_write(entry, virt_to_phys(table) | PTE_VALID | PTE_TABLE);
    return table;
}

/* Tables made before memory ran out stay: they are empty, and go with the pmap. */
uint64_t *pmap_l2_make(struct pmap *pmap, vm_address_t va)
{
    uint64_t *l1;
    uint64_t *l2 = pmap_l2(pmap, va);

    if (l2 != NULL && *l2 != 0)
        return l2;
    l1 = table_make(pmap, &pmap->l0[table_index(va, L0_SHIFT)]);
    if (l1 == NULL)
        return NULL;
    l2 = table_make(pmap, &l1[table_index(va, L1_SHIFT)]);
    if (l2 == NULL)
        return NULL;
    l2 += table_index(va, L2_SHIFT);
    return table_make(pmap, l2) != NULL ? l2 : NULL;
}

uint64_t *pmap_pte_make(struct pmap *pmap, vm_address_t va)
{
    uint64_t *l2 = pmap_l2_make(pmap, va);

    return l2 == NULL ? NULL : &table_of(*l2)[table_index(va, L3_SHIFT)];
}

/* What the L2 descriptor forbids for all 512 pages is written into their own descriptors, and
 * the L2 descriptor relieved. Nothing changes for the CPUs, until a page's rights grow. */
void pmap_push_down(struct pmap *pmap, uint64_t *l2, vm_address_t va)
{
    uint64_t *l3 = table_of(*l2);
    uint64_t clear = *l2 & PTE_TABLE_RDONLY ? PTE_SW_WRITE : 0;
    uint64_t set = (*l2 & PTE_TABLE_RDONLY ? PTE_RDONLY : 0) | (*l2 & PTE_TABLE_UXN ? PTE_UXN : 0);

    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        uint64_t pte = pte_read(&l3[i]);

        if ((pte & PTE_VALID) && ((pte & clear) || (~pte & set)))
            pte_update(&l3[i], clear, set);
    }
    dsb(ishst); /* a walk that sees the relieved table sees the restricted pages */
    pte_write(l2, *l2 & ~PTE_TABLE_LIMITS);
    tlb_begin();
    tlb_flush_walk(pmap, va);
    tlb_end();
}

void pmap_free_tables(struct pmap *pmap)
{
    vm_page_t page, next;

    queue_for_each_safe(page, next, &pmap->tables, struct vm_page, memq)
        table_free(pmap, page);
}

/* The L2 entry in use for *va, or for the next higher address below end that has one, to which
 * *va is moved; NULL: there is none. What has no tables is passed over in the largest steps. */
uint64_t *pmap_next_l2(struct pmap *pmap, vm_address_t *va, vm_address_t end)
{
    while (*va < end) {
        uint64_t l0 = pte_read(&pmap->l0[table_index(*va, L0_SHIFT)]);
        uint64_t l1;
        uint64_t *l2;

        if (l0 == 0) {
            *va = (*va | ((1UL << L0_SHIFT) - 1)) + 1;
            continue;
        }
        l1 = pte_read(&table_of(l0)[table_index(*va, L1_SHIFT)]);
        if (l1 == 0) {
            *va = (*va | ((1UL << L1_SHIFT) - 1)) + 1;
            continue;
        }
        l2 = &table_of(l1)[table_index(*va, L2_SHIFT)];
        if (pte_read(l2) != 0)
            return l2;
        *va = (*va | (L2_SIZE - 1)) + 1;
    }
    return NULL;
}
