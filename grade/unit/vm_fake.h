/*
 * What the kernel's vm code finds around it when it runs as a program on the host: page tables,
 * zones, locks, waiting and ports, each as simple as can be, and each checking how it is used.
 */
#ifndef UNIT_VM_FAKE_H
#define UNIT_VM_FAKE_H

#include "../../kernel/vm/vm_internal.h"

#include <ipc/ipc_port.h>
#include <ipc/ipc_space.h>
#include <mach/memory_object_user.h>

#define RAM_PAGES  16384
#define WINDOW     ((vm_address_t)0x10000000) /* the test's addresses: the default place */
#define WINDOW_PAGES 512

#define CHECK(e) ((e) ? (void)0 : fake_fail(__FILE__, __LINE__, #e))
void fake_fail(const char *file, int line, const char *what) __attribute__((noreturn));

void fake_init(void);
/* The next random number below n (seeded by fake_seed). */
uint32_t fake_random(uint32_t n);
extern uint32_t fake_seed;
/* One allocation in so many fails; 0: none. */
extern uint32_t fake_failures;
/* Bytes and objects given out by kalloc, zones and ports. */
extern long fake_allocated, fake_ports;
/* Called when the current thread would sleep: do what it waits for. False: nothing is left to do.
 * */
extern bool (*fake_other_work)(void);
extern bool fake_interrupt; /* the next sleep is interrupted */
/* Called, if not NULL, as another CPU may run: a data_return is about to be sent. */
extern void (*fake_before_return)(void);
/* The same: a data_request has been sent. */
extern void (*fake_after_request)(void);
/* A thread of the pager's waits for requests; how often it got one and the CPU, or was only woken. */
extern bool fake_pager_waits;
extern int fake_handed, fake_woken;
/* A user's address from which only half a page can be read at once. */
extern const void *const fake_half_page;

/* What the kernel sent to pagers, in order; the test's pager takes it from here. */
enum fake_message_id { INIT, TERMINATE, REQUEST, RETURN, UNLOCK, LOCKED, SUPPLIED, CHANGED };
struct fake_message {
    enum fake_message_id id;
    ipc_port_t pager, control; /* a send right to control */
    vm_offset_t offset;
    vm_size_t length;
    vm_prot_t access;
    vm_map_copy_t data;
    bool dirty, kept;
    kern_return_t result;
};
extern struct fake_message fake_sent[256];
extern int fake_sent_count;
ipc_port_t fake_port(void);
void fake_port_die(ipc_port_t port);

struct fake_pte {
    vm_page_t page;
    uint8_t prot;
    bool wired;
};
struct pmap {
    struct pmap *next; /* all there are */
    int refs;
    struct fake_pte pte[WINDOW_PAGES];
};
/* The mapping of va, or NULL. */
struct fake_pte *fake_lookup(pmap_t pmap, vm_address_t va);

/* A byte as the task of this map would read or write it: through the page tables, faulting. */
kern_return_t fake_read(vm_map_t map, vm_address_t va, uint8_t *byte);
kern_return_t fake_write(vm_map_t map, vm_address_t va, uint8_t byte);

/* Everything the maps (n of them), and copies in `loose`, hold is consistent: trees, counts of
 * references, page tables. Stops the program if not. */
void fake_check(vm_map_t *maps, int n, struct queue **loose, int loose_count);

#endif
