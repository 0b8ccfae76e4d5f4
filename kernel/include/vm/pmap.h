/*
 * pmap: a task's page tables. All that vm knows of the CPU. The page table is a CACHE of what map and
 * objects say: any mapping may be dropped and will be faulted in again (wired ones excepted).
 *
 * Implemented in aarch64/pmap.c: 4 levels of 4 KiB tables, ASIDs with generations, TLBI broadcast,
 * break-before-make. Locks: LOCK_PMAP, LOCK_PV inside.
 */
#ifndef _VM_PMAP_H_
#define _VM_PMAP_H_

#include <mach/kern_return.h>
#include <mach/vm_prot.h>
#include <mach/vm_types.h>
#include <vm/vm_page.h>

struct ledger;
struct pmap;
typedef struct pmap *pmap_t;

extern pmap_t kernel_pmap; /* TTBR1 */

/* vm_page.pmap_flags; the allocator clears them when a page is released. */
#define PMAP_PAGE_MODIFIED   1 /* was, or is, mapped writable and written */
#define PMAP_PAGE_REFERENCED 2
#define PMAP_PAGE_ICACHE     4 /* the instruction stream sees what is in it */

/* May be or'ed into pmap_enter's prot together with WRITE: the page is about to be written, so let it
 * count as modified now. Without it the first write takes a short fault of its own to find that out. */
#define PMAP_WRITTEN 0x10

/* Tables that one pmap_enter makes at most. */
#define PMAP_TABLES_MAX 3

/* An empty address space; ledger pays for its tables. NULL: out of memory, or of what the ledger allows. */
pmap_t pmap_create(struct ledger *ledger);
/* Its mappings have been removed: frees the tables. No CPU and no thread uses it. */
void pmap_destroy(pmap_t pmap);

/* Maps page at va. prot: never WRITE and EXECUTE together (the caller checked). wired: the mapping stays
 * until removed. Replaces what was there. Does the instruction-cache maintenance when prot has EXECUTE
 * and the page was not cleaned since. KERN_RESOURCE_SHORTAGE: no memory for tables (retry after
 * vm_page_wait), or the ledger allows no more. The page's object is locked, or the page busy. */
kern_return_t pmap_enter(pmap_t pmap, vm_address_t va, vm_page_t page, vm_prot_t prot, bool wired);
/* Device memory (nGnRE), or normal memory that has no struct vm_page. */
kern_return_t pmap_enter_device(pmap_t pmap, vm_address_t va, phys_addr_t phys, vm_prot_t prot);
void pmap_remove(pmap_t pmap, vm_address_t start, vm_address_t end);
/* Takes rights away from what is mapped in the range; never adds any. Cheap for large ranges: meant to
 * be used by fork (a hierarchical read-only bit, or whole tables). */
void pmap_protect(pmap_t pmap, vm_address_t start, vm_address_t end, vm_prot_t prot);
/* Physical address mapped at va, or 0. */
phys_addr_t pmap_extract(pmap_t pmap, vm_address_t va);
uint32_t pmap_resident_count(pmap_t pmap);

/* ---- on all mappings of a page ---- */
/* prot NONE: removes them all; READ: takes write away. */
void pmap_page_protect(vm_page_t page, vm_prot_t prot);
/* Modified / referenced since the last clear (software bits: no hardware flags on Armv8.0). */
bool pmap_is_modified(vm_page_t page);
void pmap_clear_modify(vm_page_t page);
bool pmap_is_referenced(vm_page_t page);
/* Page-out clears many: only pmap_flush_references makes sure that the next use of them is noticed. It
 * alone calls these three. */
void pmap_clear_reference(vm_page_t page);
void pmap_flush_references(void);
/* pmap_page_protect with NONE, which costs little if the page was not used since its reference was
 * cleared. */
void pmap_page_evict(vm_page_t page);

#define KVA_PAGES_MAX 32
/* `count` pages (KVA_PAGES_MAX at most) mapped one behind the other, for the kernel; contents undefined.
 * NULL: out of memory. Never blocks. */
void *kva_alloc(uint32_t count);
/* Gives such memory back; false: address is not of kva_alloc. */
bool kva_free(void *address);

/* Its pages stay in memory once they are mapped: page-out asks pmap_is_pinned. */
void pmap_pin(pmap_t pmap, bool pinned);
bool pmap_is_pinned(vm_page_t page);

/* The contents of a frame, through the linear map; the page is busy or in no object. */
void pmap_zero_page(vm_page_t page);
void pmap_copy_page(vm_page_t from, vm_page_t to);
/* Makes [va, va+size) of this pmap, as mapped, visible to the instruction stream. */
void pmap_sync_icache(pmap_t pmap, vm_address_t va, vm_size_t size);

/* A fault that only this cache caused (first write, first access, a stale TLB entry): puts it right and
 * returns true. False: ask vm_fault. Trap code calls it first. */
bool pmap_fault(pmap_t pmap, vm_address_t va, vm_prot_t access);

/* The switch: loads pmap (NULL: none) into TTBR0 of this CPU if it is not there. */
void pmap_activate(pmap_t pmap);
void pmap_init(void);

#endif
