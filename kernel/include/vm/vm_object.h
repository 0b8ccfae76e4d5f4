/*
 * A memory object as the kernel sees it: a container of pages, backed by a pager or anonymous,
 * perhaps shadowing another (its pages are then the differences).
 *
 * Copies are lazy and symmetric: a copy is one more reference to the same object, and both the
 * original entry and the copy promise not to write to it (needs_copy). Whoever writes first gets a
 * new object that shadows the old one. cow_refs counts the promises: the last one left, with no
 * shadow on the object, may take its word back and write in place.
 */
#ifndef _VM_VM_OBJECT_H_
#define _VM_VM_OBJECT_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <mach/mach_types.h>
#include <vm/vm_page.h>

struct vm_object {
    spinlock_t lock;
    uint32_t refs;               /* map entries, shadows, control port in use, ... */
    struct queue pages;          /* struct vm_page.memq */
    uint32_t resident_count;
    uint32_t cow_refs;           /* of refs: entries with needs_copy */
    vm_size_t size;              /* bytes; pages at and beyond are never asked for */
    struct vm_object *shadow;    /* where to look for pages missing here; holds a reference */
    vm_offset_t shadow_offset;   /* offset of our byte 0 in shadow */
    uint32_t shadow_count;       /* objects that shadow this one */
    kern_return_t error;         /* what faults get once pager_dead */
    uintptr_t shadowers;         /* addresses of those, XORed: if there is one, it is this */
    /* ---- anonymous: vm_swap.c ---- */
    union {
        struct queue chunks;     /* struct swap_chunk */
        struct queue pager_link; /* with a pager: in the table pager port -> object: LOCK_VM_PAGER */
    };
    uint32_t swapped;            /* pages that have a slot of the swap space */
    /* ---- with a pager ---- */
    memory_object_copy_strategy_t copy_strategy;
    struct ipc_port *pager;      /* fixed: send right to the memory_object, or NULL: anonymous */
    struct ipc_port *control;    /* fixed: our port that the pager calls (kernel receive right) */
    struct queue cache_link;     /* in a list of unused objects, cached or ending: LOCK_VM_PAGER */
    uint32_t requests;           /* pages asked for and not supplied; bounded */
    uint32_t returning;          /* data_returns being sent: nothing is asked for before they are */
    vm_offset_t next_request;    /* where a sequential reader will ask next */
    uint32_t cluster;            /* pages to ask for then */
    uint32_t laundry_pages;      /* atomic: returned, the pager has yet to write them; + 1 (vm_object_free) */
    struct vm_object *laundry_of; /* laundry: the object its pages were returned from; or NULL */
    struct ledger *payer;        /* laundry: who asked for the return, and pays LAUNDRY_COST; or NULL.
                                    A snapshot: who wanted to write, and pays for it */
    struct vm_object *copy;      /* what it showed before it was writable, for lazy copies; or NULL */
    union {
        uint64_t deadline;       /* ending: for the pager to let go of something */
        phys_addr_t device_phys; /* device */
    };
    bool ready : 1;              /* memory_object_ready came; event = the object */
    bool may_cache : 1;
    bool alive : 1;              /* false: being terminated */
    bool internal : 1;           /* made by the kernel (anonymous) */
    bool pager_dead : 1;         /* every fault gives error */
    bool wanted : 1;             /* someone waits on the object's event */
    bool writable : 1;           /* was once mapped so that a task may write to it directly */
    bool swap_laundry : 1;       /* laundry of the default pager */
    bool wired : 1;              /* pages of it are, or were, wired: it is copied physically */
    bool ending : 1;             /* unused, and its pager has to write first: memory_object_end.c */
    bool reused : 1;             /* mapped again meanwhile */
    bool merging : 1;            /* pages are copied up from it: none may come in (vm_shadow.c) */
    bool device : 1;             /* no pages: shows memory from device_phys on */
    bool normal : 1;             /* device: that is RAM (read-only, cacheable), not registers */
    uint16_t depth;              /* of the chain below, at most (vm_object_is_deep) */
};
typedef struct vm_object *vm_object_t;

/* Anonymous, zero-filled; one reference; NULL: out of memory. */
vm_object_t vm_object_allocate(vm_size_t size);
void vm_object_reference(vm_object_t object);
/* May send memory_object_terminate; no locks held. NULL allowed. */
void vm_object_deallocate(vm_object_t object);
/* The object for a pager's port (one for one), made and initialised (memory_object_init sent) if
 * need be, with a reference. Blocks, interruptibly, until the pager is ready. The right to pager
 * stays the caller's. KERN_INVALID_ARGUMENT: no port, dead, or the kernel's own; KERN_MEMORY_ERROR:
 * not ready in time; KERN_MEMORY_FAILURE: the pager died; KERN_ABORTED; KERN_RESOURCE_SHORTAGE. */
kern_return_t vm_object_enter(mach_port_t pager, vm_size_t size, vm_object_t *object);
/* Physical range (page aligned) as an object, for device_map and the boot archive: registers, or
 * RAM (then normal cacheable memory, which should be mapped read-only, and copied like any other).
 * Nothing is freed with it. One reference; NULL: out of memory. */
vm_object_t vm_object_allocate_device(phys_addr_t phys, vm_size_t size);
memory_object_control_t convert_port_to_memory_control(mach_port_t port);
/* memory_object_data_supply of one page of the current task's memory, without a reply. Object locked.
 * *waiter: who waited for it first, his wake-up the caller's; or NULL. False, and nothing has changed: nobody
 * asked for the page, the arguments are wrong, or the memory cannot be read at once. */
bool memory_object_supply_page(vm_object_t object, vm_offset_t offset, const void *data,
                               vm_prot_t lock_value, bool precious, thread_t *waiter);
/* The control port has no senders, or the pager's port died: see memory_object.c. */
void memory_object_no_senders(vm_object_t object);
/* Told by the ipc layer through a kernel-held dead-name watch: see ipc_port.h. */
void memory_object_pager_died(vm_object_t object);
void vm_object_init(void);
uint32_t vm_object_total(void);

#endif
