/*
 * pmap: one address space's page tables. See vm/pmap.h for what it is to the rest of the kernel,
 * and pmap_internal.h for the rules by which descriptors change.
 *
 * Write access has two bits. SW_WRITE says that vm allows it; RDONLY, while SW_WRITE is set, that
 * the page is not modified yet: the first write faults, and pmap_fault notes it. In the same way AF
 * clear means not referenced since pmap_clear_reference. (Armv8.0 has no hardware that would do
 * either.)
 *
 * A whole L3 table can be made read-only, or not executable, by one bit of the L2 descriptor above
 * it: that makes fork of a large task cheap. The first pmap_enter below pushes the restriction down
 * into the 512 descriptors before it takes the bit away (pmap_push_down, in pmap_table.c).
 */
#include "pmap_internal.h"
#include "board.h"
#include <kern/debug.h>
#include <kern/ledger.h>

/* More pages than this to forget: forget the whole ASID instead. */
#define TLB_FLUSH_PAGES_MAX 8

#define USER_COMMON (PTE_VALID | PTE_TABLE | PTE_USER | PTE_AF | PTE_NG | PTE_PXN)

static struct pmap kernel_pmap_store;
pmap_t kernel_pmap = &kernel_pmap_store;
static zone_t pmap_zone;

void pmap_init(void)
{
    spin_lock_init(&kernel_pmap->lock, LOCK_PMAP);
    kernel_pmap->l0 = kernel_l0;
    queue_init(&kernel_pmap->tables);
    pmap_zone = zone_create("pmap", sizeof(struct pmap));
    pv_init();
    asid_init();
}

uint32_t pmap_resident_count(pmap_t pmap)
{
    return __atomic_load_n(&pmap->resident, __ATOMIC_RELAXED);
}

/* ---- life ---- */

pmap_t pmap_create(struct ledger *ledger)
{
    pmap_t pmap = ledger_zalloc(ledger, pmap_zone, sizeof(*pmap));

    if (pmap == NULL)
        return NULL;
    pmap->ledger = ledger;
    queue_init(&pmap->tables);
    pmap->l0 = pmap_table_alloc(pmap);
    if (pmap->l0 == NULL) {
        ledger_zfree(ledger, pmap_zone, pmap, sizeof(*pmap));
        return NULL;
    }
    spin_lock_init(&pmap->lock, LOCK_PMAP);
    return pmap;
}

/*
 * The pmap is in no CPU's TTBR0: threads hold their task's map, which holds it, and a kernel thread runs
 * on the empty table. Its ASID is not used again before every TLB has forgotten it (asid.c).
 */
void pmap_destroy(pmap_t pmap)
{
    assert(pmap_resident_count(pmap) == 0); /* who made the mappings has removed them */
    tlb_begin();
    tlb_flush_asid(pmap); /* cached table descriptors */
    tlb_end();
    pmap_free_tables(pmap);
    ledger_zfree(pmap->ledger, pmap_zone, pmap, sizeof(*pmap));
}

/* ---- removing ---- */

/* Removes the mapping at va; returns its pv_entry, or NULL (device memory). */
static struct pv_entry *remove_one(struct pmap *pmap, vm_address_t va, uint64_t *pte)
{
    __atomic_fetch_and(pte, ~PTE_VALID, __ATOMIC_RELAXED);
    tlb_begin();
    tlb_flush_page(pmap, va);
    tlb_end();
    return pv_remove(pmap, va, pte);
}

static inline bool is_empty4(const uint64_t *pte)
{
    return (pte_read(pte) | pte_read(pte + 1) | pte_read(pte + 2) | pte_read(pte + 3)) == 0;
}

/* The pages [first, last) of the L3 table for base: see "taking a mapping away" in
 * pmap_internal.h. */
static void remove_l3(struct pmap *pmap, uint64_t *l3, vm_address_t base, unsigned first,
                      unsigned last)
{
    unsigned at[TLB_FLUSH_PAGES_MAX]; /* the pages found, if they are few */
    unsigned found = 0;

    for (unsigned i = first; i < last; i++) {
        while (i + 4 <= last && is_empty4(&l3[i]))
            i += 4;
        if (i == last || pte_read(&l3[i]) == 0)
            continue;
        __atomic_fetch_and(&l3[i], ~PTE_VALID, __ATOMIC_RELAXED);
        if (found < TLB_FLUSH_PAGES_MAX)
            at[found] = i;
        found++;
    }
    if (found == 0)
        return;
    tlb_begin();
    if (found > TLB_FLUSH_PAGES_MAX)
        tlb_flush_asid(pmap);
    for (unsigned n = 0; n < found && found <= TLB_FLUSH_PAGES_MAX; n++)
        tlb_flush_page(pmap, base + at[n] * PAGE_SIZE);
    tlb_end();
    if (found > TLB_FLUSH_PAGES_MAX) {
        for (unsigned i = first; i < last; i++)
            pv_free(pv_remove(pmap, base + i * PAGE_SIZE, &l3[i]));
        return;
    }
    for (unsigned n = 0; n < found; n++)
        pv_free(pv_remove(pmap, base + at[n] * PAGE_SIZE, &l3[at[n]]));
}

/* The end of va's 2 MiB, or end. */
static vm_address_t l2_limit(vm_address_t va, vm_address_t end)
{
    vm_address_t limit = (va | (L2_SIZE - 1)) + 1;

    return MIN(limit, end);
}

void pmap_remove(pmap_t pmap, vm_address_t start, vm_address_t end)
{
    vm_address_t va = start;
    vm_address_t limit;
    uint64_t *l2;

    spin_lock(&pmap->lock);
    if (end - start == PAGE_SIZE) {
        uint64_t *pte = pmap_pte(pmap, va);

        if (pte != NULL && pte_read(pte) != 0)
            pv_free(remove_one(pmap, va, pte));
        spin_unlock(&pmap->lock);
        return;
    }
    for (; (l2 = pmap_next_l2(pmap, &va, end)) != NULL; va = limit) {
        vm_address_t base = va & ~(L2_SIZE - 1);

        limit = l2_limit(va, end);
        remove_l3(pmap, table_of(*l2), base, (va - base) / PAGE_SIZE, (limit - base) / PAGE_SIZE);
        if (limit - va == L2_SIZE) /* the table is empty now */
            pmap_l2_clear(pmap, l2, va);
    }
    spin_unlock(&pmap->lock);
}

/* ---- entering ---- */

/* The descriptor for a page, as prot and what is known of the page (its pv_lock is held) want
 * it. */
static uint64_t page_pte(vm_page_t page, vm_prot_t prot)
{
    uint64_t pte = page->phys | USER_COMMON | PTE_ATTR(MAIR_NORMAL) | PTE_INNER | PTE_SW_PV;

    page->pmap_flags |= PMAP_PAGE_REFERENCED;
    if (prot & VM_PROT_WRITE) {
        page->pmap_flags &= ~PMAP_PAGE_ICACHE;
        if (prot & PMAP_WRITTEN)
            page->pmap_flags |= PMAP_PAGE_MODIFIED;
        pte |= PTE_SW_WRITE;
        if (!(page->pmap_flags & PMAP_PAGE_MODIFIED))
            pte |= PTE_RDONLY;
    } else {
        pte |= PTE_RDONLY;
    }
    if (prot & VM_PROT_EXECUTE) {
        if (!(page->pmap_flags & PMAP_PAGE_ICACHE)) {
            icache_sync_page(page->phys);
            page->pmap_flags |= PMAP_PAGE_ICACHE;
        }
    } else {
        pte |= PTE_UXN;
    }
    return pte;
}

/* `wired` asks for nothing: this pmap drops no mapping unless told. */
kern_return_t pmap_enter(pmap_t pmap, vm_address_t va, vm_page_t page, vm_prot_t prot, bool wired)
{
    struct pv_entry *pv = NULL;
    uint64_t *l2;
    uint64_t *pte;
    uint64_t old;

    assert(va < VM_MAX_ADDRESS);
    spin_lock(&pmap->lock);
    l2 = pmap_l2_make(pmap, va);
    if (l2 == NULL)
        goto shortage;
    pte = &table_of(*l2)[table_index(va, L3_SHIFT)];
    old = pte_read(pte);
    if (old == 0) {
        pv = pv_alloc();
        if (pv == NULL)
            goto shortage;
    } else if ((old & PTE_ADDRESS) != page->phys || !(old & PTE_SW_PV) || !(old & PTE_VALID)) {
        pv = remove_one(pmap, va, pte); /* another page: its pv_entry serves again */
        if (pv == NULL)
            pv = pv_alloc();
        if (pv == NULL)
            goto shortage; /* the old mapping is lost, which is allowed: this is a cache */
    }
    if (*l2 & PTE_TABLE_LIMITS)
        pmap_push_down(pmap, l2, va);

    spin_lock(&page->pv_lock);
    old = pte_read(pte);
    if (old == 0 && pv == NULL) {
        /* pmap_page_protect has just taken away what was found above. */
        pv = pv_alloc();
        if (pv == NULL) {
            spin_unlock(&page->pv_lock);
            goto shortage;
        }
    }
    pte_write(pte, page_pte(page, prot));
    if (old == 0) {
        pv->pmap = pmap;
        pv->va = va;
        pv->next = page->pv_list;
        page->pv_list = pv;
        __atomic_fetch_add(&pmap->resident, 1, __ATOMIC_RELAXED);
        spin_unlock(&page->pv_lock);
        dsb(ishst); /* for our own table walks; there is no old entry to forget */
    } else {
        /* Same page, other rights: no break-before-make is needed for those (D5.10.1). */
        spin_unlock(&page->pv_lock);
        tlb_begin();
        tlb_flush_page(pmap, va);
        tlb_end();
    }
    spin_unlock(&pmap->lock);
    return KERN_SUCCESS;

shortage:
    spin_unlock(&pmap->lock);
    return KERN_RESOURCE_SHORTAGE;
}

kern_return_t pmap_enter_device(pmap_t pmap, vm_address_t va, phys_addr_t phys, vm_prot_t prot)
{
    /* RAM outside the page allocator (the boot archive, the device tree) is ordinary memory. */
    bool ram = boot_info.ram_start <= phys && phys < boot_info.ram_end;
    uint64_t new = phys | USER_COMMON | PTE_INNER | PTE_ATTR(MAIR_DEVICE) | PTE_UXN;
    uint64_t *l2;
    uint64_t *pte;

    if (ram) {
        new = phys | USER_COMMON | PTE_INNER | PTE_ATTR(MAIR_NORMAL);
        if (prot & VM_PROT_EXECUTE)
            icache_sync_page(phys);
        else
            new |= PTE_UXN;
    }
    new |= prot & VM_PROT_WRITE ? PTE_SW_WRITE : PTE_RDONLY;
    spin_lock(&pmap->lock);
    l2 = pmap_l2_make(pmap, va);
    if (l2 == NULL) {
        spin_unlock(&pmap->lock);
        return KERN_RESOURCE_SHORTAGE;
    }
    pte = &table_of(*l2)[table_index(va, L3_SHIFT)];
    if (pte_read(pte) != 0)
        pv_free(remove_one(pmap, va, pte));
    if (*l2 & PTE_TABLE_LIMITS)
        pmap_push_down(pmap, l2, va);
    pte_write(pte, new);
    __atomic_fetch_add(&pmap->resident, 1, __ATOMIC_RELAXED);
    dsb(ishst);
    spin_unlock(&pmap->lock);
    return KERN_SUCCESS;
}

/* ---- taking rights away ---- */

/* The pages [first, last) of one L3 table; returns how many lost something that a TLB may know. */
static unsigned protect_l3(uint64_t *l3, unsigned first, unsigned last, uint64_t clear,
                           uint64_t set)
{
    unsigned changed = 0;

    for (unsigned i = first; i < last; i++) {
        uint64_t old = pte_read(&l3[i]);

        if (!(old & PTE_VALID) || (!(old & clear) && !(~old & set)))
            continue;
        old = pte_update(&l3[i], clear, set);
        if ((old & PTE_VALID) && (~old & set))
            changed++;
    }
    return changed;
}

void pmap_protect(pmap_t pmap, vm_address_t start, vm_address_t end, vm_prot_t prot)
{
    uint64_t clear = prot & VM_PROT_WRITE ? 0 : PTE_SW_WRITE;
    uint64_t set = (prot & VM_PROT_WRITE ? 0 : PTE_RDONLY) | (prot & VM_PROT_EXECUTE ? 0 : PTE_UXN);
    uint64_t limits = (prot & VM_PROT_WRITE ? 0 : PTE_TABLE_RDONLY) |
                      (prot & VM_PROT_EXECUTE ? 0 : PTE_TABLE_UXN);
    unsigned changed = 0;
    vm_address_t va = start;
    vm_address_t limit;
    uint64_t *l2;

    if (!(prot & (VM_PROT_READ | VM_PROT_EXECUTE))) {
        pmap_remove(pmap, start, end);
        return;
    }
    if (set == 0)
        return;
    spin_lock(&pmap->lock);
    for (; (l2 = pmap_next_l2(pmap, &va, end)) != NULL; va = limit) {
        vm_address_t base = va & ~(L2_SIZE - 1);

        limit = l2_limit(va, end);
        if (limit - va == L2_SIZE) {
            if (~*l2 & limits) {
                pte_write(l2, *l2 | limits);
                changed += TABLE_ENTRIES;
            }
        } else {
            changed += protect_l3(table_of(*l2), (va - base) / PAGE_SIZE,
                                  (limit - base) / PAGE_SIZE, clear, set);
        }
    }
    if (changed > 0) {
        tlb_begin();
        if (changed <= TLB_FLUSH_PAGES_MAX && end - start <= TLB_FLUSH_PAGES_MAX * PAGE_SIZE) {
            for (va = start; va < end; va += PAGE_SIZE)
                tlb_flush_page(pmap, va);
        } else {
            tlb_flush_asid(pmap);
        }
        tlb_end();
    }
    spin_unlock(&pmap->lock);
}

/* ---- asking ---- */

phys_addr_t pmap_extract(pmap_t pmap, vm_address_t va)
{
    uint64_t *pte;
    uint64_t value = 0;

    spin_lock(&pmap->lock);
    pte = pmap_pte(pmap, va);
    if (pte != NULL)
        value = pte_read(pte);
    spin_unlock(&pmap->lock);
    return value & PTE_VALID ? (value & PTE_ADDRESS) | (va & PAGE_MASK) : 0;
}

bool pmap_fault(pmap_t pmap, vm_address_t va, vm_prot_t access)
{
    uint64_t *l2;
    uint64_t *pte;
    uint64_t old;
    uint64_t new;
    vm_page_t page;
    bool served = false;

    spin_lock(&pmap->lock);
    l2 = pmap_l2(pmap, va);
    if (l2 == NULL || *l2 == 0)
        goto out;
    pte = &table_of(*l2)[table_index(va, L3_SHIFT)];
    old = pte_read(pte);
    if (!(old & PTE_VALID))
        goto out;
    if ((access & VM_PROT_WRITE) && (!(old & PTE_SW_WRITE) || (*l2 & PTE_TABLE_RDONLY)))
        goto out;
    if ((access & VM_PROT_EXECUTE) && ((old & PTE_UXN) || (*l2 & PTE_TABLE_UXN)))
        goto out;

    page = old & PTE_SW_PV ? vm_page_of_phys(old & PTE_ADDRESS) : NULL;
    if (page != NULL)
        spin_lock(&page->pv_lock);
    old = pte_read(pte);
    if (old & PTE_VALID) { /* pmap_page_protect may have been faster */
        new = old | PTE_AF;
        if (access & VM_PROT_WRITE)
            new &= ~PTE_RDONLY;
        if ((access & VM_PROT_WRITE) && !(old & PTE_SW_WRITE))
            new = old; /* or taken write away: vm_fault will see */
        else
            served = true;
        if (served && page != NULL) {
            page->pmap_flags |= PMAP_PAGE_REFERENCED;
            if (access & VM_PROT_WRITE)
                page->pmap_flags = (page->pmap_flags | PMAP_PAGE_MODIFIED) & ~PMAP_PAGE_ICACHE;
        }
        if (new != old)
            pte_write(pte, new);
    }
    if (page != NULL)
        spin_unlock(&page->pv_lock);
    if (served) {
        /* Also if nothing changed: then the TLB was behind. Other CPUs' may be, and come here, too. */
        dsb(nshst);
        tlb_flush_page_here(pmap, va);
        dsb(nsh);
        isb();
    }
out:
    spin_unlock(&pmap->lock);
    return served;
}
