/*
 * What the files of vm/ tell one another and nobody else. Read vm/vm_map.h, vm_object.h, vm_page.h
 * first.
 */
#ifndef _VM_INTERNAL_H_
#define _VM_INTERNAL_H_

#include <ipc/ipc_kmsg.h>
#include <kern/debug.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/ledger.h>
#include <mig_kernel.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

/* Work on many pages lets go of its locks after this many. */
#define VM_BATCH 64

#define vm_count(counter) __atomic_fetch_add(&vm_counts.counter, 1, __ATOMIC_RELAXED)

/* ---- vm_page.c ---- */
/* The kernel wrote to a page in an object through the linear map: forget that instructions were
 * synced. The object is locked. */
void vm_page_written(vm_page_t page);
/* The page at the head of a queue, which goes to its tail. *locked_object: its object, locked;
 * NULL: that is in use. NULL: the queue is empty. */
vm_page_t vm_page_oldest(uint8_t queue, vm_object_t *locked_object);

/* ---- vm_object.c ---- */
/* A new object's fields; all but the lock's class are 0. NULL: out of memory. */
vm_object_t vm_object_new(vm_size_t size);
/* Frees the structure of an object without pages. */
void vm_object_free(vm_object_t object);
/* Frees all pages of a dead object. No locks held. */
void vm_object_free_pages(vm_object_t object);
/* Frees the pages of [start, end) of an anonymous object nobody else sees. No locks held; or, for less
 * than VM_BATCH pages, the map's. */
void vm_object_page_remove(vm_object_t object, vm_offset_t start, vm_offset_t end);
/* The resident page at the lowest offset in [start, end), or NULL. Object locked. */
vm_page_t vm_object_next_page(vm_object_t object, vm_offset_t start, vm_offset_t end);
/* Sleeps on the object's event; the object and `map` (may be NULL) are locked, and unlocked. */
wait_result_t vm_object_wait(vm_object_t object, bool interruptible, uint64_t deadline);
void vm_object_wakeup(vm_object_t object);
/* Frees a page that nobody can get at any more. Object locked. */
void vm_object_discard_page(vm_page_t page);
/* Has the object a page there, in memory or in the swap space? Locked. */
bool vm_object_has(vm_object_t object, vm_offset_t offset);
/* A page of one object becomes a page of another, at offset; both are locked. Dirty from now on. */
void vm_object_move_page(vm_page_t page, vm_object_t to, vm_offset_t offset);

/* ---- vm_shadow.c ---- */
/* `below`, which is locked, begins or ends to be the shadow of `above`; the pointer and the reference are
 * the caller's to change. */
static inline void vm_object_link_shadow(vm_object_t above, vm_object_t below)
{
    below->shadow_count++;
    below->shadowers ^= (uintptr_t)above;
}

static inline void vm_object_unlink_shadow(vm_object_t above, vm_object_t below)
{
    below->shadow_count--;
    below->shadowers ^= (uintptr_t)above;
}

/* Shortens the chain under object, without changing what it shows: takes over or steps around
 * objects that it alone needs, or of which it needs nothing. Object locked. */
void vm_object_collapse(vm_object_t object);
/* How many objects are below? And are all of them anonymous, and it? Object locked. */
uint32_t vm_object_depth(vm_object_t object, bool *anonymous);
/* Are there more than there should be? */
bool vm_object_is_deep(vm_object_t object);
/* Makes them fewer, by copying pages up. The caller has a reference; no locks; may block, and gives up when
 * memory is gone or the thread is to end. */
void vm_object_bound_chain(vm_object_t object);
/* Gives up a reference to an object that is needed only by the one that shadows it then: what that hides
 * goes. It is locked, with refs 2 and shadow_count 1, and gets unlocked. The result is for
 * vm_object_deallocate, if not NULL. May block. */
vm_object_t vm_object_leave(vm_object_t object);

/* ---- vm_snapshot.c: no locks are held, and all may block; but vm_object_promise does not, and a map may be
 * locked ---- */
/* An anonymous object for a private mapping, with what [offset, offset + size) of a pager's shows now. It
 * shadows that if the pager has nothing somewhere: who looks there, and behind it, asks then. The reference
 * to from is consumed. Fails as vm_fault does. */
kern_return_t vm_object_copy(vm_object_t from, vm_offset_t offset, vm_size_t size, vm_object_t *result);
/* May a pager's object be copied lazily? Then nobody writes to it before vm_object_end_promise, to be called
 * when the entry with needs_copy is there. */
bool vm_object_promise(vm_object_t object);
void vm_object_end_promise(vm_object_t object);
/* A pager's object is to be mapped for writing, size bytes of it into map: lazy copies keep what they show.
 * What is copied for that counts in the map's size from then on. Fails as vm_fault does. */
kern_return_t vm_object_make_writable(vm_object_t object, vm_map_t map, vm_size_t size);
/* What was copied for the lazy copies of an object, if anything, is given up. */
void vm_snapshot_drop(vm_object_t snapshot);

/* ---- vm_swap.c: anonymous pages that are not in memory. Objects named are locked. ---- */
extern vm_object_t vm_swap_object; /* the default pager's; NULL: there is none (yet) */
/* The page's slot, or 0. It may be in memory, too: the slot is up to date if it is clean. */
uint32_t vm_swap_slot(vm_object_t object, vm_offset_t offset);
/* The page has this slot from now on, and no other. False: out of memory. */
bool vm_swap_set(vm_object_t object, vm_offset_t offset, uint32_t slot);
/* Its slot, if it has one, is given up. */
void vm_swap_forget(vm_object_t object, vm_offset_t offset);
void vm_swap_forget_range(vm_object_t object, vm_offset_t start, vm_offset_t end);
/* The lowest page of [start, end) that has a slot; end: none has. */
vm_offset_t vm_swap_next(vm_object_t object, vm_offset_t start, vm_offset_t end);
/* Has `above` a page of its own for each of object, its shadow, that has a slot? */
bool vm_swap_covers(vm_object_t above, vm_object_t object);
/* The slots of object's pages become those of `above`, which shadows it, or are given up where it
 * has its own or cannot see them. False: out of memory, some are left. */
bool vm_swap_move_up(vm_object_t above, vm_object_t object);
/* Up to `want` free slots in a row, of which there are *count from the result on; 0: there are none.
 * The swap object is locked. For the page-out thread. */
uint32_t vm_swap_alloc(uint32_t want, uint32_t *count);
void vm_swap_release(uint32_t slot);
/* Is there a default pager, with room? */
bool vm_swap_available(void);
void vm_swap_init(void);

/* ---- vm_map_tree.c: the map is locked ---- */
/* Puts the entry, whose start and end are set, before `next`, the first one above it (NULL: it is last). */
void vm_map_entry_link(vm_map_t map, vm_map_entry_t entry, vm_map_entry_t next);
void vm_map_entry_unlink(vm_map_t map, vm_map_entry_t entry);
/* Moves an entry's borders; its neighbours must not be reached. */
void vm_map_entry_resize(vm_map_t map, vm_map_entry_t entry, vm_address_t start, vm_address_t end);
/* The entry that holds address, or the first one above; NULL: none. */
vm_map_entry_t vm_map_entry_at_or_above(vm_map_t map, vm_address_t address);
/* The entry after this one, or NULL. */
vm_map_entry_t vm_map_entry_next(vm_map_t map, vm_map_entry_t entry);
/* The entry before this one (NULL: the last of all), or NULL. */
vm_map_entry_t vm_map_entry_prev(vm_map_t map, vm_map_entry_t entry);
/* The lowest address >= from where size bytes are free, below limit, and the first entry above that, or NULL;
 * false: there is none. */
bool vm_map_find_space(vm_map_t map, vm_address_t from, vm_size_t size, vm_address_t limit,
                       vm_address_t *address, vm_map_entry_t *next);

/* ---- vm_map.c ---- */
vm_map_entry_t vm_map_entry_alloc(void);
void vm_map_entry_free(vm_map_entry_t entry);
/* The entry that holds address, or NULL. Map locked. */
vm_map_entry_t vm_map_lookup(vm_map_t map, vm_address_t address);
/* Cuts the entry in two at `at`, inside it; returns the upper part. NULL: out of memory. Map
 * locked. */
vm_map_entry_t vm_map_clip(vm_map_t map, vm_map_entry_t entry, vm_address_t at);
/* Cuts the entries at both ends of [start, end), so that operations on whole entries stay inside.
 * On KERN_RESOURCE_SHORTAGE nothing has changed. Map locked. */
kern_return_t vm_map_clip_range(vm_map_t map, vm_address_t start, vm_address_t end);
/* Joins the entry with its neighbours where they continue it; returns the result. Map locked. */
vm_map_entry_t vm_map_simplify(vm_map_t map, vm_map_entry_t entry);
void vm_map_simplify_range(vm_map_t map, vm_address_t start, vm_address_t end);
/* Checks that [start, end) has no holes and that every entry allows `prot` (a cap is checked
 * instead if of_max). KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE. Map locked. */
kern_return_t vm_map_check(vm_map_t map, vm_address_t start, vm_address_t end, vm_prot_t prot,
                           bool of_max);
/* An object for an entry that has none yet. KERN_RESOURCE_SHORTAGE. Map locked. */
kern_return_t vm_map_entry_make_object(vm_map_entry_t entry);
/* Ends needs_copy: the entry may be written to. KERN_RESOURCE_SHORTAGE. Map locked. */
kern_return_t vm_map_entry_shadow(vm_map_entry_t entry);
/* Sets needs_copy, and counts it. Map locked. */
void vm_map_entry_freeze(vm_map_entry_t entry);
/* Gives back what an entry, in no map any more, refers to, and the entry. No locks held. */
void vm_map_entry_dispose(vm_map_entry_t entry);
void vm_map_unwire_pages(vm_map_entry_t entry, vm_address_t start, vm_address_t end);
/* Finds (anywhere) or checks the place for size bytes: *address; *next: the first entry above, or NULL.
 * KERN_NO_SPACE, ... Map locked. */
kern_return_t vm_map_place(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask,
                           bool anywhere, vm_map_entry_t *next);

/* ---- vm_map_copy.c ---- */
enum vm_copy_mode {
    VM_COPY_READ,  /* for a message: the range must be readable */
    VM_COPY_REMAP, /* a copy with the source's protections */
    VM_SHARE       /* the same pages */
};
/* One new entry that shows, as mode says, the memory of map from start on, up to end or less (its
 * size tells; its start and end are those in map). May block; no locks. */
kern_return_t vm_map_copy_step(vm_map_t map, vm_address_t start, vm_address_t end,
                               enum vm_copy_mode mode, vm_map_entry_t *copy);
/* All of [start, end), as entries numbered from 0 on. All or nothing. */
kern_return_t vm_map_copy_range(vm_map_t map, vm_address_t start, vm_address_t end,
                                enum vm_copy_mode mode, struct queue *entries);
void vm_map_entries_discard(struct queue *entries);
/* Puts such entries into map, at one place. On success the queue is empty. */
kern_return_t vm_map_insert_entries(vm_map_t map, vm_address_t *address, vm_size_t size,
                                    vm_address_t mask, bool anywhere, struct queue *entries);

/* ---- vm_fault.c ---- */
/* vm_map_read_bytes from an object that one holds a reference to; lazy: what lazy copies of it show. *refused
 * (may be NULL), on failure: the code is the pager's. */
kern_return_t vm_object_read_bytes(vm_object_t object, bool lazy, vm_offset_t offset, void *buf,
                                   vm_size_t size, bool *refused);
/* The object, which the caller has a reference to, gets a page of its own at offset, which shows what is
 * seen there from below, if anything. May block; no locks. Fails as vm_fault does. */
kern_return_t vm_object_own_page(vm_object_t object, vm_offset_t offset);
/* Copies the page at va to the frame `to`; *present false: nothing but zeros was ever there. */
kern_return_t vm_map_copy_page(vm_map_t map, vm_address_t va, vm_page_t to, bool *present);
/* Faults in the page at va, in the entry's own object, and wires it there. */
kern_return_t vm_fault_wire(vm_map_t map, vm_address_t va, vm_prot_t prot);

/* ---- memory_object.c, memory_object_table.c, memory_object_return.c, memory_object_end.c ---- */
extern spinlock_t memory_object_lock; /* of the table pager -> object, and the cache: LOCK_VM_PAGER */
#define LAUNDRY_MAX 128 /* pages that pagers may have to write: of an object, and of all */
#define MEMORY_OBJECT_CLUSTER_MAX  16 /* pages in one message, at most */
#define MEMORY_OBJECT_REQUESTS_MAX 64 /* pages an object may have asked for and not got */

/* What a return takes of the kernel's memory beside its pages: one message of its payer's. */
#define LAUNDRY_COST (sizeof(struct ipc_kmsg) + sizeof(struct vm_object) + sizeof(struct vm_map_copy) \
                      + sizeof(struct vm_map_entry))

/* vm_object_enter without the wait for the pager. */
kern_return_t memory_object_open(mach_port_t pager, vm_size_t size, vm_object_t *object);
/* Nobody will answer any more: forgets what was asked for, and wakes who waits. Object locked. */
void memory_object_fail_requests(vm_object_t object);
/* Asks the pager for the absent page at offset and, reading ahead, those after it. Object locked
 * (the page is not there, the pager is ready), with `also` and `map` (may be NULL): all are
 * unlocked. KERN_SUCCESS: look again; there is a reference to the object for the caller, and *receiver is as
 * in mach_msg_ask_pager. */
kern_return_t memory_object_request(vm_object_t object, vm_offset_t offset, vm_prot_t access,
                                    vm_object_t also, vm_map_t map, thread_t *receiver);
/* Drops the last reference to an object with a pager: keeps it for later or terminates it. */
void memory_object_release(vm_object_t object);
/* Terminates one unused object; false: there is none. No locks held. */
bool memory_object_cache_trim(void);
/* Goes on with the end of one object whose pager has room again; false: there is none, or no memory for
 * that. For the page-out thread. */
bool memory_object_end_some(void);
bool memory_object_may_end(void); /* is there one? */
/* Nothing is to be had from its pager any more: all faults get error. */
void memory_object_give_up(vm_object_t object, kern_return_t error);
/* Writes pages of [start, end) back, drops them (flush), or locks them: memory_object_lock_request
 * without its reply. wait: until the pager has let go of the data, or its time is over. The current task pays
 * for what is sent until the pager has let go of it. KERN_RESOURCE_SHORTAGE: that would be too much, or
 * memory is gone; part of it may be done. */
kern_return_t memory_object_clean(vm_object_t object, vm_offset_t start, vm_offset_t end,
                                  memory_object_return_t should_return, bool flush,
                                  vm_prot_t lock_value, bool wait);
/* Sends dirty pages of an object home whose last reference the caller has. Never waits; false: there are
 * more, and the pager has as much as it may have, or memory is short. */
bool memory_object_return_all(vm_object_t object);
/* Sends a dirty page, with dirty ones that follow it, to the pager; they leave the object, which is
 * locked, and gets unlocked. The caller is the page-out thread. */
kern_return_t memory_object_page_out(vm_object_t object, vm_page_t page);
/* The same for an anonymous page, to the default pager; some that follow may go with it. */
bool memory_object_swap_out(vm_object_t object, vm_page_t page);
/* How long a pager may take, as a deadline from now. */
uint64_t memory_object_deadline(void);
void memory_object_init_tables(void);

/* ---- vm_pageout.c ---- */
/* vm_page_wait, telling why: KERN_SUCCESS (try again), KERN_ABORTED, KERN_RESOURCE_SHORTAGE. */
kern_return_t vm_memory_wait(bool interruptible);
/* Has the object's pager as many pages of it to write as it may have? */
static inline bool vm_laundry_is_full(vm_object_t object)
{
    return __atomic_load_n(&object->laundry_pages, __ATOMIC_ACQUIRE) > LAUNDRY_MAX;
}
/* Wakes the page-out thread: memory is low, or an object may end. Locks up to LOCK_PV may be held. */
void vm_pageout_poke(void);
/* Memory became free: wakes who waits for it. */
void vm_memory_freed(void);
extern uint32_t vm_memory_waiters; /* atomic */
extern uint32_t vm_laundry_count;  /* atomic: pages that pagers have yet to write */
extern uint32_t vm_swap_laundry;   /* atomic: the same of the default pager */

#endif
