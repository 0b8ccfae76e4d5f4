/*
 * Address space identifiers: 8 or 16 bits that mark a TLB entry as belonging to one pmap, so that a
 * switch need not flush the TLB. There are fewer of them than pmaps may exist, hence generations:
 *
 *   - a pmap's `asid` is (generation << 16 | ASID), good only while that generation is the current;
 *   - a pmap activated with an old one gets a new ASID; when none is left, a new generation begins,
 *     in which only the pmaps that CPUs have loaded at that moment keep theirs;
 *   - each CPU flushes its own TLB before it first activates a pmap in a new generation. Until then
 *     it has but the pmap loaded that kept its ASID.
 *
 * Two races, and why they are harmless:
 *   - A CPU activates a pmap while another begins a generation. It stores cpu->pmap first, then
 *     checks the generation; the other stores the generation first, then looks at every cpu->pmap
 *     (full barriers between). One of them sees the other's store: the pmap keeps its ASID, or the
 *     CPU comes to the slow path.
 *   - A CPU invalidates pages of a pmap, reading its old ASID, while another gives it a new one.
 *     The first has changed the descriptor before it read the ASID; the second writes the ASID, a
 *     barrier, and only then walks the tables: it finds the new descriptor.
 */
#include "board.h"
#include "pmap_internal.h"
#include <kern/debug.h>

#define ASID_KERNEL 0 /* TTBR0's while there is no pmap; never given out */

static spinlock_t asid_lock = SPINLOCK_INITIALIZER(LOCK_ASID);
uint64_t asid_generation = 1UL << ASID_BITS;    /* asid_lock to write, else atomic */
static uint64_t asid_count;                     /* 256 or 65536 */
static uint64_t used[(1UL << ASID_BITS) / 64];  /* in this generation: asid_lock */
static uint64_t next_word;                      /* where to look for a free one: asid_lock */

void asid_init(void)
{
    char text[4];

    asid_count = (read_sysreg(tcr_el1) & TCR_AS) ? 1UL << 16 : 1UL << 8;
    if (boot_arg("asids", text, sizeof(text)) && strcmp(text, "256") == 0)
        asid_count = 256; /* as on CPUs with 8 bits: for tests, generations come and go */
    used[0] = 1UL << ASID_KERNEL;
}

/* asid_lock is held. */
static void new_generation(void)
{
    uint64_t ended = asid_generation;

    __atomic_store_n(&asid_generation, asid_generation + (1UL << ASID_BITS), __ATOMIC_RELAXED);
    dmb(ish);
    memset(used, 0, asid_count / 8);
    used[0] = 1UL << ASID_KERNEL;
    next_word = 0;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        struct pmap *pmap = __atomic_load_n(&cpus[i].pmap, __ATOMIC_RELAXED);
        uint64_t asid;

        if (pmap == NULL)
            continue;
        if ((pmap->asid ^ ended) >> ASID_BITS != 0)
            continue; /* its CPU is about to get it a new one; the old number may be another's */
        asid = pmap->asid & ASID_MASK;
        used[asid / 64] |= 1UL << asid % 64;
        __atomic_store_n(&pmap->asid, asid_generation | asid, __ATOMIC_RELAXED);
    }
}

/* asid_lock is held. */
static uint64_t find_free(void)
{
    for (unsigned tries = 0; tries < 2; tries++) {
        for (; next_word < asid_count / 64; next_word++) {
            if (~used[next_word] != 0) {
                unsigned bit = __builtin_ctzl(~used[next_word]);

                used[next_word] |= 1UL << bit;
                return next_word * 64 + bit;
            }
        }
        new_generation();
    }
    panic("asid: %lu ASIDs, all kept by %u CPUs", asid_count, MAX_CPUS);
}

/* The pmap needs an ASID, or this CPU's TLB a flush. cpu->pmap is set already. */
static void activate_slow(struct cpu *cpu, struct pmap *pmap)
{
    /* Out of the old address space, so that nothing of it enters the TLB after the flush. */
    write_sysreg(ttbr0_el1, virt_to_phys(boot_empty) | (uint64_t)ASID_KERNEL << TTBR_ASID_SHIFT);
    isb();
    spin_lock(&asid_lock);
    if ((pmap->asid ^ asid_generation) >> ASID_BITS != 0) {
        uint64_t asid = find_free(); /* may begin a new generation */

        pmap->ttbr0 = virt_to_phys(pmap->l0) | asid << TTBR_ASID_SHIFT;
        __atomic_store_n(&pmap->asid, asid_generation | asid, __ATOMIC_RELEASE);
    }
    if (cpu->asid_generation != asid_generation) {
        cpu->asid_generation = asid_generation;
        __asm__ volatile("tlbi vmalle1" ::: "memory");
    }
    spin_unlock(&asid_lock);
    dsb(ish);
}

/* No user's. Keeping the ASID costs nothing: its TLB entries are of no use to a kernel thread, and are
 * invalidated as ever; but walks find an empty table that never goes away. */
static void activate_none(struct cpu *cpu)
{
    cpu->pmap = NULL;
    write_sysreg(ttbr0_el1,
                 virt_to_phys(boot_empty) | (read_sysreg(ttbr0_el1) & ~TTBR_BADDR_MASK));
    isb();
}

/* (machine_handoff, in handoff.S, does the same.) */
void pmap_activate(pmap_t pmap)
{
    struct cpu *cpu = current_cpu();
    uint64_t now;

    if (cpu->pmap == pmap)
        return;
    if (__builtin_expect(pmap == NULL, 0)) {
        activate_none(cpu);
        return;
    }
    __atomic_store_n(&cpu->pmap, pmap, __ATOMIC_RELAXED);
    dmb(ish);
    now = __atomic_load_n(&asid_generation, __ATOMIC_RELAXED);
    if (__builtin_expect((__atomic_load_n(&pmap->asid, __ATOMIC_ACQUIRE) ^ now) >> ASID_BITS != 0
                         || cpu->asid_generation != now, 0))
        activate_slow(cpu, pmap);
    write_sysreg(ttbr0_el1, pmap->ttbr0);
    isb();
}
