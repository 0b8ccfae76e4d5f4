/*
 * Clearing, copying, and the instruction cache: what is done to whole pages through the linear map.
 *
 * Data caches are coherent, between CPUs and with table walks; only the instruction side has to be
 * told of new code (B2.4.4): clean the data to the point of unification, then invalidate. All of
 * the instruction cache is invalidated, since the page is known here by another address than its
 * user's, which a virtually indexed cache would not find.
 */
#include "pmap_internal.h"
#include <kern/debug.h>

#define CTR_DMINLINE(ctr) (4UL << (((ctr) >> 16) & 0xf)) /* bytes of the smallest data cache line */
#define CTR_IDC (1UL << 28) /* no cleaning needed */
#define CTR_DIC (1UL << 29) /* no invalidation needed */
#define DCZID_DZP (1UL << 4) /* DC ZVA is prohibited */
#define DCZID_BLOCK(dczid) (4UL << ((dczid) & 0xf)) /* bytes it clears */

static void clean(uint64_t start, uint64_t end)
{
    uint64_t ctr = read_sysreg(ctr_el0);
    uint64_t line = CTR_DMINLINE(ctr);

    if (ctr & CTR_IDC)
        return;
    for (start &= ~(line - 1); start < end; start += line)
        __asm__ volatile("dc cvau, %0" ::"r"(start) : "memory");
}

static void invalidate_instructions(void)
{
    dsb(ish);
    if (!(read_sysreg(ctr_el0) & CTR_DIC)) {
        __asm__ volatile("ic ialluis" ::: "memory");
        dsb(ish);
    }
    isb();
}

void icache_sync_page(phys_addr_t phys)
{
    clean(phys + KERNBASE, phys + KERNBASE + PAGE_SIZE);
    invalidate_instructions();
}

void pmap_sync_icache(pmap_t pmap, vm_address_t va, vm_size_t size)
{
    vm_address_t end = va + size;

    while (va < end) {
        vm_size_t chunk = MIN(PAGE_SIZE - (va & PAGE_MASK), end - va);
        phys_addr_t phys = pmap_extract(pmap, va);

        if (phys != 0)
            clean(phys + KERNBASE, phys + KERNBASE + chunk);
        va += chunk;
    }
    invalidate_instructions();
}

void pmap_zero_page(vm_page_t page)
{
    uint64_t dczid = read_sysreg(dczid_el0);
    uint64_t step = DCZID_BLOCK(dczid);
    char *at = vm_page_address(page);
    char *end = at + PAGE_SIZE;

    page->pmap_flags &= ~PMAP_PAGE_ICACHE;
    if ((dczid & DCZID_DZP) || step > PAGE_SIZE / 32) {
        memset(at, 0, PAGE_SIZE);
        return;
    }
    while (at < end)
        __asm__ volatile(".rept 32\n dc zva, %0\n add %0, %0, %1\n .endr"
                         : "+r"(at) : "r"(step) : "memory");
}

void pmap_copy_page(vm_page_t from, vm_page_t to)
{
    to->pmap_flags &= ~PMAP_PAGE_ICACHE;
    memcpy(vm_page_address(to), vm_page_address(from), PAGE_SIZE);
}
