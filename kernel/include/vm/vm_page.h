/*
 * Physical pages. One struct vm_page per page frame of RAM that the kernel manages, in one array by
 * frame number. A page is free, wired/kernel (no object), or belongs to an object at an offset.
 */
#ifndef _VM_VM_PAGE_H_
#define _VM_VM_PAGE_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <mach/vm_prot.h>
#include <mach/vm_types.h>

typedef uint64_t phys_addr_t;

struct vm_object;
struct pv_entry;

struct vm_page {
    struct queue pageq;        /* free list, active or inactive: LOCK_VM_PAGE */
    struct queue memq;         /* in object->pages: the object's lock; of a page table: pmap's */
    struct vm_page *hash_next; /* LOCK_VM_HASH */
    struct vm_object *object;  /* the object's lock; NULL: free or the kernel's */
    vm_offset_t offset;        /* in the object */
    phys_addr_t phys;          /* fixed */
    struct pv_entry *pv_list;  /* mappings; guarded by pv_lock */
    spinlock_t pv_lock;        /* LOCK_PV */
    uint16_t wire_count;       /* object's lock */
    uint8_t queue;             /* which pageq: VM_PAGE_* , LOCK_VM_PAGE */
    uint8_t pmap_flags;        /* PMAP_PAGE_* of pmap.h: LOCK_PV; 0 in a page just grabbed */
    /* object's lock: */
    bool busy : 1;             /* being filled or paged: nobody else may touch; event = the page */
    bool wanted : 1;           /* someone waits for the event */
    bool absent : 1;           /* asked of the pager, not there yet */
    bool error : 1;            /* the pager said it cannot */
    bool dirty : 1;            /* with pmap_is_modified: differs from the pager's copy */
    bool precious : 1;
    bool reference : 1;
    uint8_t page_lock;         /* accesses (VM_PROT_*) the pager forbids */
    uint8_t unlock_request;    /* of these, those we asked it to allow again */
};
typedef struct vm_page *vm_page_t;

#define VM_PAGE_FREE     0
#define VM_PAGE_NOQUEUE  1
#define VM_PAGE_ACTIVE   2
#define VM_PAGE_INACTIVE 3

/* ---- frames ---- */
/* A page frame from the free list, contents undefined, in no object; NULL when none is free (below
 * the reserve only for privileged callers, see vm_pageout). Never blocks. The second form is for
 * pages of user tasks: it leaves twice the reserve for the kernel's own. */
vm_page_t vm_page_grab(void);
vm_page_t vm_page_grab_user(void);
void vm_page_release(vm_page_t page);
/* count contiguous frames, aligned to `align` bytes (power of two); NULL if there is no such
 * run. */
vm_page_t vm_page_grab_contiguous(uint32_t count, vm_size_t align);
vm_page_t vm_page_of_phys(phys_addr_t phys); /* NULL: not RAM that is managed */
/* May the current thread use the reserve? The page-out thread may, and tasks it depends on. */
bool vm_page_privileged(void);
/* Blocks until pages are free again (no locks held). False: interrupted, or page-out cannot free
 * any more: give up. */
bool vm_page_wait(bool interruptible);
/* Is there so much that who waits for memory may go on? */
bool vm_memory_is_enough(void);

/* ---- pages in objects: the object's lock is held ---- */
vm_page_t vm_page_lookup(struct vm_object *object, vm_offset_t offset);
void vm_page_insert(vm_page_t page, struct vm_object *object, vm_offset_t offset);
void vm_page_remove(vm_page_t page);
/* Removes it from object and queues, and releases the frame. No mappings may be left. */
void vm_page_free(vm_page_t page);
void vm_page_activate(vm_page_t page);
void vm_page_deactivate(vm_page_t page);
void vm_page_wire(vm_page_t page);
void vm_page_unwire(vm_page_t page);
/* Ends busy, and wakes who waited. */
void vm_page_wakeup_done(vm_page_t page);

/* The linear map: every managed frame is mapped at phys + KERNBASE. */
#ifndef KERNBASE /* tests on the host have their own */
#define KERNBASE 0xffff000000000000UL
#endif
#define phys_to_virt(phys) ((void *)((phys_addr_t)(phys) + KERNBASE))
#define virt_to_phys(virt) ((phys_addr_t)(virt) - KERNBASE)
#define vm_page_address(page) phys_to_virt((page)->phys)

/* At boot: gives [start, end) to the page allocator, less what is reserved. Called for each RAM
 * range by machine_init; vm_page_init then builds the array and the hash. */
void vm_page_init(void);
extern struct vm_page_counts {
    uint32_t total, free, active, inactive, wired, free_reserved; /* total = the next four */
    uint32_t swap_total, swap_used; /* slots: vm_swap.c */
    uint32_t anonymous, external; /* pages in objects without and with a pager: atomic */
    uint64_t zero_fills, faults, cow_faults, pageins, pageouts, reactivations, lookups, hits;
} vm_counts; /* LOCK_VM_PAGE, or atomic for the 64-bit ones */

#endif
