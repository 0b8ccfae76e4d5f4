/*
 * An address space: sorted entries over a pmap. Each entry says: this range shows that object from
 * that offset on, with this protection.
 */
#ifndef _VM_VM_MAP_H_
#define _VM_VM_MAP_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <mach/mach_types.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>

struct vm_map_entry {
    struct queue link;               /* in address order */
    struct vm_map_entry *left;       /* and in a balanced tree: vm_map_tree.c */
    struct vm_map_entry *right;
    struct vm_map_entry *parent;
    vm_size_t gap;                   /* free bytes between the entry before and start */
    vm_size_t max_gap;               /* the largest gap in this subtree */
    vm_address_t start;              /* page aligned */
    vm_address_t end;                /* exclusive */
    vm_object_t object;              /* NULL: not touched yet, zero-fill; holds a reference */
    vm_offset_t offset;              /* of start, in object */
    uint32_t tree_priority;
    uint16_t wired_count;
    uint8_t protection;
    uint8_t max_protection;
    uint8_t inheritance;
    bool needs_copy;                 /* shadow the object before the first write */
    bool shared;                     /* another entry may show the same pages for writing */
    bool in_transition;              /* being wired: must not go away; event = the map */
    bool leaving;                    /* being removed: never joined to a neighbour */
};
typedef struct vm_map_entry *vm_map_entry_t;

struct vm_map {
    pmap_t pmap;                     /* FIRST: assembly knows its offset */
    spinlock_t lock;
    uint32_t refs;                   /* atomic */
    struct ledger *ledger;           /* pays for all this; NULL: nobody does */
    struct queue entries;
    struct vm_map_entry *root;
    vm_map_entry_t hint;             /* last one found */
    uint32_t entry_count;
    uint32_t seed;                   /* of the tree's priorities */
    bool transition_wanted;          /* someone waits for an entry in transition */
    bool ended;                      /* its task is dead: nothing comes in any more */
    vm_address_t min, max;
    vm_size_t size;                  /* bytes mapped */
    vm_size_t wired_size;
};

/*
 * Memory in transit: out-of-line data of a message. A list of entries (copy-on-write) of page
 * granularity with the byte offset and size of the data inside, or, when small, the bytes
 * themselves.
 */
struct vm_map_copy {
    vm_size_t size;                  /* bytes of data */
    vm_offset_t offset;              /* of the data in its first page */
    struct queue entries;            /* struct vm_map_entry, from 0 on; empty: bytes in data */
    uint8_t *data;                   /* size bytes: behind the structure, if the page has room for both */
};
#define VM_MAP_COPY_NULL ((vm_map_copy_t)0)
#define VM_MAP_COPY_SMALL (2 * PAGE_SIZE) /* up to this much is copied by value */

/* An empty map over a new pmap; one reference; NULL: out of memory, or of what the ledger allows. */
vm_map_t vm_map_create(struct ledger *ledger);
void vm_map_reference(vm_map_t map);
/* The last reference removes everything. May block. No locks held. */
void vm_map_deallocate(vm_map_t map);
/* Removes everything now (task termination). */
void vm_map_terminate(vm_map_t map);
/* A child's map, each entry as its inheritance says. NULL: as vm_map_create, nothing changed. */
vm_map_t vm_map_fork(vm_map_t parent, struct ledger *ledger);

/* Whether size bytes more may be mapped, by the limit of the map's task. */
bool vm_map_may_grow(vm_map_t map, vm_size_t size);

/* Puts object (its reference consumed on success; NULL: zero-fill) in the map: vm_map of
 * vm_map.defs. Addresses, size and offset are page aligned; hostile values are refused. needs_copy:
 * changes stay private. KERN_INVALID_ARGUMENT, KERN_NO_SPACE, KERN_PROTECTION_FAILURE,
 * KERN_RESOURCE_SHORTAGE. */
kern_return_t vm_map_enter(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask,
                           bool anywhere, vm_object_t object, vm_offset_t offset, bool needs_copy,
                           vm_prot_t cur, vm_prot_t max, vm_inherit_t inheritance);
/* Unmaps [start, end) (page aligned); holes are no error. KERN_RESOURCE_SHORTAGE (nothing changed):
 * no memory to split an entry. May block; no locks. */
kern_return_t vm_map_remove(vm_map_t map, vm_address_t start, vm_address_t end);

/* The object that shows at va, with a reference, and where in it va is; made if there is none, and no copy
 * is left to be made by the next write. KERN_INVALID_ADDRESS: nothing readable is there;
 * KERN_RESOURCE_SHORTAGE. No locks. */
kern_return_t vm_map_object_at(vm_map_t map, vm_address_t va, vm_object_t *object,
                               vm_offset_t *offset);

/* ---- out-of-line memory ---- */
/* Takes [src, src+len) of the map into a copy (src_destroy: moves it out of the map). Reads must be
 * permitted: KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE. Any alignment. May block. */
kern_return_t vm_map_copyin(vm_map_t map, vm_address_t src, vm_size_t len, bool src_destroy,
                            vm_map_copy_t *copy);
/* Puts a copy into the map at a place of its own; *dst is the address of its first byte. Consumes
 * copy on success. A NULL copy gives address 0. */
kern_return_t vm_map_copyout(vm_map_t map, vm_address_t *dst, vm_map_copy_t copy);
/* Writes the copy over existing memory at dst, any alignment. Consumes copy on success. */
kern_return_t vm_map_copy_overwrite(vm_map_t map, vm_address_t dst, vm_map_copy_t copy);
void vm_map_copy_discard(vm_map_copy_t copy);
/* What the copy takes of the kernel's memory; the pages it shows are not in that. */
vm_size_t vm_map_copy_cost(vm_map_copy_t copy);
/* A copy made of bytes in kernel memory (any size); and its bytes into kernel memory. The second
 * may block on a pager, and fails like a fault. */
kern_return_t vm_map_copyin_kernel(const void *data, vm_size_t size, vm_map_copy_t *copy);
kern_return_t vm_map_copy_read(vm_map_copy_t copy, vm_offset_t offset, void *buf, vm_size_t size);

/* ---- faults ---- */
/* Makes `prot` access to the page at va possible. KERN_SUCCESS; KERN_INVALID_ADDRESS,
 * KERN_PROTECTION_FAILURE; KERN_MEMORY_ERROR / _FAILURE (pager); KERN_ABORTED (interrupted: the
 * thread is being aborted); KERN_RESOURCE_SHORTAGE (memory and swap are gone). May block; no
 * locks. */
kern_return_t vm_fault(vm_map_t map, vm_address_t va, vm_prot_t prot, bool interruptible);
/* Bytes between a map's memory, faulted in as needed, and the kernel's. Fails like vm_fault, part
 * of it done. May block; no locks. */
kern_return_t vm_map_read_bytes(vm_map_t map, vm_address_t va, void *buf, vm_size_t size);
kern_return_t vm_map_write_bytes(vm_map_t map, vm_address_t va, const void *buf, vm_size_t size);
/* Faults in and wires, or (prot NONE) unwires, [start, end) (page aligned). All or nothing. */
kern_return_t vm_map_wire(vm_map_t map, vm_address_t start, vm_address_t end, vm_prot_t prot);

/* Pages of anonymous memory it has, in memory and in the swap space, snapshots of what it has mapped
 * included; shared ones count for each. */
uint64_t vm_map_claim(vm_map_t map);

void vm_map_init(void);
/* How many there are, of all tasks together: for leak checks. */
uint32_t vm_map_total(void);
uint32_t vm_map_entry_total(void);
/* The page-out thread (vm_pageout.c). */
void vm_pageout_init(void);

#endif
