/*
 * Inside the pmap: shared by pmap.c (one address space), pmap_table.c (its tables), pv.c (one page
 * in all of them), asid.c, and kstack.c.
 *
 *      TTBR0 -> L0 (512 GiB an entry) -> L1 (1 GiB) -> L2 (2 MiB) -> L3 (4 KiB) -> page
 *
 * Each table is a page of 512 descriptors of 8 bytes. User pmaps use no blocks.
 *
 * WHO MAY CHANGE A PTE
 *   - from 0 to a mapping, and all table descriptors: pmap->lock;
 *   - back to 0: the page's pv_lock, together with taking its pv_entry off the page's list;
 *   - bits of a mapping: either lock, by compare-and-swap (pte_update), since the holder of the
 *     other may do so at the same moment; or both.
 * So the operations on a page in all pmaps need no pmap's lock, which would be against the lock
 * order: as long as a page's list names (pmap, va) and its pv_lock is held, that PTE is not 0, and
 * so its tables cannot go away.
 *
 * TAKING A MAPPING AWAY has three steps: clear VALID (the address stays in the dead descriptor),
 * TLBI, then, under the pv_lock, zero it and take the pv_entry away. Whoever finds a page's list
 * empty can be sure that no TLB knows the page. A dead descriptor is skipped by nobody who removes:
 * two may remove the same one, and the one that zeroes it has removed it.
 */
#ifndef _AARCH64_PMAP_INTERNAL_H_
#define _AARCH64_PMAP_INTERNAL_H_

#include "asm_offsets.h"
#include "regs.h"
#include <vm/pmap.h>

struct pmap {
    uint64_t asid;      /* generation << 16 | ASID: asid.c. These two FIRST: assembly knows */
    uint64_t ttbr0;     /* what TTBR0_EL1 is with it: changed before asid */
    spinlock_t lock;
    uint32_t resident;  /* atomic: pages mapped */
    bool pinned;        /* they stay in memory */
    uint64_t *l0;       /* fixed */
    struct queue tables; /* the pages of all its tables, by memq */
    struct ledger *ledger; /* fixed; pays for the tables, NULL: nobody does */
};

/* A mapping of a page: in the page's list, under its pv_lock. */
struct pv_entry {
    struct pv_entry *next;
    struct pmap *pmap;
    vm_address_t va;
};

#define ASID_MASK ((1UL << ASID_BITS) - 1)

static inline unsigned table_index(vm_address_t va, unsigned shift)
{
    return va >> shift & (TABLE_ENTRIES - 1);
}

static inline uint64_t *table_of(uint64_t descriptor)
{
    return phys_to_virt(descriptor & PTE_ADDRESS);
}

static inline uint64_t pte_read(const uint64_t *pte)
{
    return __atomic_load_n(pte, __ATOMIC_RELAXED);
}

/* Release: what is in the page (zeroes, a program's text) is there before the mapping. */
static inline void pte_write(uint64_t *pte, uint64_t value)
{
    __atomic_store_n(pte, value, __ATOMIC_RELEASE);
}

/* Changes bits of a valid descriptor; returns what it was, 0 if not valid. */
static inline uint64_t pte_update(uint64_t *pte, uint64_t clear, uint64_t set)
{
    uint64_t old = pte_read(pte);

    do {
        if (!(old & PTE_VALID))
            return 0;
    } while (!__atomic_compare_exchange_n(pte, &old, (old & ~clear) | set, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return old;
}

/* ---- TLB invalidation, on all CPUs (D5.10.2). The descriptor was written, tlb_begin() makes that
 * visible to table walks, and tlb_end() waits until no CPU uses the old one. ---- */
static inline void tlb_begin(void)
{
    dsb(ishst);
}
static inline void tlb_end(void)
{
    dsb(ish);
    isb();
}
/* ASID and page number in the form that TLBI wants. The ASID may change at any time; see asid.c why
 * the old one will do. */
static inline uint64_t tlb_operand(const struct pmap *pmap, vm_address_t va)
{
    return __atomic_load_n(&pmap->asid, __ATOMIC_RELAXED) << TTBR_ASID_SHIFT | va >> L3_SHIFT;
}
static inline void tlb_flush_page(const struct pmap *pmap, vm_address_t va)
{
    __asm__ volatile("tlbi vale1is, %0" ::"r"(tlb_operand(pmap, va)) : "memory");
}
/* On this CPU alone: for rights that were added. */
static inline void tlb_flush_page_here(const struct pmap *pmap, vm_address_t va)
{
    __asm__ volatile("tlbi vale1, %0" ::"r"(tlb_operand(pmap, va)) : "memory");
}
/* Also forgets the table descriptors on the way to va. */
static inline void tlb_flush_walk(const struct pmap *pmap, vm_address_t va)
{
    __asm__ volatile("tlbi vae1is, %0" ::"r"(tlb_operand(pmap, va)) : "memory");
}
static inline void tlb_flush_asid(const struct pmap *pmap)
{
    __asm__ volatile("tlbi aside1is, %0" ::"r"(tlb_operand(pmap, 0)) : "memory");
}
static inline void tlb_flush_everything(void)
{
    __asm__ volatile("tlbi vmalle1is" ::: "memory");
}
static inline void tlb_flush_kernel_page(vm_address_t va)
{
    __asm__ volatile("tlbi vaale1is, %0" ::"r"(va >> L3_SHIFT) : "memory");
}

/* ---- pmap_table.c: with pmap->lock, except where it says otherwise ---- */
#define L2_SIZE (1UL << L2_SHIFT)
#define PTE_TABLE_LIMITS (PTE_TABLE_RDONLY | PTE_TABLE_UXN)
/* A cleared page for a table; NULL: out of memory. */
uint64_t *pmap_table_alloc(struct pmap *pmap);
/* Frees all of them. No CPU may walk them any more, nor hold the lock. */
void pmap_free_tables(struct pmap *pmap);
/* Frees the L3 table, without pages, that the descriptor for va points to. */
void pmap_l2_clear(struct pmap *pmap, uint64_t *l2, vm_address_t va);
/* The L2 descriptor for va, or NULL. */
uint64_t *pmap_l2(const struct pmap *pmap, vm_address_t va);
/* The same, and its L3 table, made if need be; NULL: out of memory. */
uint64_t *pmap_l2_make(struct pmap *pmap, vm_address_t va);
/* The L2 descriptor in use for *va, or for the next higher address below end that has one, to
 * which *va is moved; NULL: there is none. What has no tables is passed over in the largest
 * steps. */
uint64_t *pmap_next_l2(struct pmap *pmap, vm_address_t *va, vm_address_t end);
/* What the L2 descriptor forbids for all 512 pages is written into their own descriptors, and
 * the L2 descriptor relieved. Nothing changes for the CPUs, until a page's rights grow. */
void pmap_push_down(struct pmap *pmap, uint64_t *l2, vm_address_t va);
/* The L3 descriptor for va, or NULL where there are no tables. pmap->lock, or see above. */
uint64_t *pmap_pte(const struct pmap *pmap, vm_address_t va);
/* The same, making tables; NULL: out of memory. */
uint64_t *pmap_pte_make(struct pmap *pmap, vm_address_t va);

/* ---- pv.c ---- */
void pv_init(void);
struct pv_entry *pv_alloc(void);
void pv_free(struct pv_entry *pv);
/* Zeroes the (dead) descriptor and takes the mapping off the list; NULL if another did so
 * before. */
struct pv_entry *pv_remove(struct pmap *pmap, vm_address_t va, uint64_t *pte);

/* ---- asid.c ---- */
void asid_init(void);

/* ---- cache.c ---- */
void icache_sync_page(phys_addr_t phys);

#endif
