/*
 * Physical to virtual: every page knows its mappings (a list of pv_entry), so that pageout,
 * copy-on-write and pagers can act on a page wherever it is mapped. Also the software modified and
 * referenced bits.
 *
 * Locks: the page's pv_lock alone; pmap_internal.h says why that is enough to reach into page
 * tables.
 */
#include "pmap_internal.h"
#include <kern/debug.h>
#include <kern/zone.h>

static zone_t pv_zone;
static bool references_cleared; /* in tables, and perhaps not in TLBs; of the page-out thread */

void pv_init(void)
{
    pv_zone = zone_create("pv", sizeof(struct pv_entry));
}

struct pv_entry *pv_alloc(void)
{
    return zalloc(pv_zone);
}

void pv_free(struct pv_entry *pv)
{
    if (pv != NULL)
        zfree(pv_zone, pv);
}

struct pv_entry *pv_remove(struct pmap *pmap, vm_address_t va, uint64_t *pte)
{
    uint64_t value = pte_read(pte);
    struct pv_entry **link;
    struct pv_entry *pv;
    vm_page_t page;

    if (value == 0)
        return NULL;
    if (!(value & PTE_SW_PV)) { /* a device: on no list, so nobody else removes it */
        pte_write(pte, 0);
        __atomic_fetch_sub(&pmap->resident, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    page = vm_page_of_phys(value & PTE_ADDRESS);
    spin_lock(&page->pv_lock);
    if (pte_read(pte) == 0) {
        spin_unlock(&page->pv_lock);
        return NULL;
    }
    for (link = &page->pv_list; (pv = *link) != NULL; link = &pv->next) {
        if (pv->pmap == pmap && pv->va == va)
            break;
    }
    if (pv == NULL)
        panic("pv_remove: pmap %p maps page %#lx at %#lx, but the page's list does not say so",
              pmap, page->phys, va);
    *link = pv->next;
    pte_write(pte, 0);
    __atomic_fetch_sub(&pmap->resident, 1, __ATOMIC_RELAXED);
    spin_unlock(&page->pv_lock);
    return pv;
}

/* Removes every mapping of page. all_flushed: what has no access flag is in no TLB. */
static void remove_all(vm_page_t page, bool all_flushed)
{
    struct pv_entry *pv;
    struct pv_entry *next;
    uint64_t cached = all_flushed ? 0 : PTE_AF;

    spin_lock(&page->pv_lock);
    if (page->pv_list == NULL) {
        spin_unlock(&page->pv_lock);
        return;
    }
    for (pv = page->pv_list; pv != NULL; pv = pv->next)
        cached |= __atomic_fetch_and(pmap_pte(pv->pmap, pv->va), ~PTE_VALID, __ATOMIC_RELAXED);
    if (cached & PTE_AF) {
        tlb_begin();
        for (pv = page->pv_list; pv != NULL; pv = pv->next)
            tlb_flush_page(pv->pmap, pv->va);
        tlb_end();
    }
    for (pv = page->pv_list; pv != NULL; pv = next) {
        next = pv->next;
        __atomic_fetch_sub(&pv->pmap->resident, 1, __ATOMIC_RELAXED);
        pte_write(pmap_pte(pv->pmap, pv->va), 0); /* now its tables, and the pmap, may go away */
        pv_free(pv);
    }
    page->pv_list = NULL;
    spin_unlock(&page->pv_lock);
}

void pmap_pin(pmap_t pmap, bool pinned)
{
    pmap->pinned = pinned;
}

bool pmap_is_pinned(vm_page_t page)
{
    struct pv_entry *pv;

    spin_lock(&page->pv_lock);
    for (pv = page->pv_list; pv != NULL && !pv->pmap->pinned; pv = pv->next)
        ;
    spin_unlock(&page->pv_lock);
    return pv != NULL;
}

/* Changes bits in every mapping of page (pv_lock held). True: some were not so already. */
static bool change_all(vm_page_t page, uint64_t clear, uint64_t set)
{
    struct pv_entry *pv;
    bool changed = false;

    for (pv = page->pv_list; pv != NULL; pv = pv->next) {
        uint64_t *pte = pmap_pte(pv->pmap, pv->va);
        uint64_t value = pte_read(pte);

        if ((value & PTE_VALID) && ((value & clear) || (~value & set))) {
            pte_update(pte, clear, set);
            changed = true;
        }
    }
    return changed;
}

/* The same, and in the TLBs. */
static void update_all(vm_page_t page, uint64_t clear, uint64_t set)
{
    struct pv_entry *pv;

    if (!change_all(page, clear, set))
        return;
    tlb_begin();
    for (pv = page->pv_list; pv != NULL; pv = pv->next)
        tlb_flush_page(pv->pmap, pv->va);
    tlb_end();
}

void pmap_page_protect(vm_page_t page, vm_prot_t prot)
{
    if (!(prot & (VM_PROT_READ | VM_PROT_EXECUTE))) {
        remove_all(page, false);
        return;
    }
    if (prot & VM_PROT_WRITE)
        return;
    spin_lock(&page->pv_lock);
    update_all(page, PTE_SW_WRITE, PTE_RDONLY);
    spin_unlock(&page->pv_lock);
}

/* A mapping through which the page was or may be written counted as modified when it was made so:
 * the flag alone tells. */
bool pmap_is_modified(vm_page_t page)
{
    return __atomic_load_n(&page->pmap_flags, __ATOMIC_RELAXED) & PMAP_PAGE_MODIFIED;
}

void pmap_clear_modify(vm_page_t page)
{
    spin_lock(&page->pv_lock);
    if (page->pmap_flags & PMAP_PAGE_MODIFIED) {
        page->pmap_flags &= ~PMAP_PAGE_MODIFIED;
        update_all(page, 0, PTE_RDONLY);
    }
    spin_unlock(&page->pv_lock);
}

bool pmap_is_referenced(vm_page_t page)
{
    return __atomic_load_n(&page->pmap_flags, __ATOMIC_RELAXED) & PMAP_PAGE_REFERENCED;
}

void pmap_clear_reference(vm_page_t page)
{
    spin_lock(&page->pv_lock);
    page->pmap_flags &= ~PMAP_PAGE_REFERENCED;
    references_cleared |= change_all(page, PTE_AF, 0);
    spin_unlock(&page->pv_lock);
}

void pmap_flush_references(void)
{
    if (!references_cleared)
        return;
    references_cleared = false;
    tlb_begin();
    tlb_flush_everything();
    tlb_end();
}

void pmap_page_evict(vm_page_t page)
{
    /* No TLB keeps an entry without access flag (D5.4.6), and those made before it was cleared are gone. */
    remove_all(page, !references_cleared);
}
