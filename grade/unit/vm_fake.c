/* See vm_fake.h. */
#include "vm_fake.h"

#include <machine/cpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

uint32_t fake_seed = 1;
uint32_t fake_failures;
long fake_allocated, fake_ports;
bool (*fake_other_work)(void);
bool fake_interrupt;
void (*fake_before_return)(void);
void (*fake_after_request)(void);
bool fake_pager_waits;
int fake_handed, fake_woken;

static struct task the_task;
static struct thread the_thread = {.task = &the_task};
static struct thread pager_thread; /* its wake-up is owned by who has been given it */
static bool pager_waking;
static pmap_t pmaps;
pmap_t kernel_pmap;
struct boot_info boot_info;
struct ipc_space ipc_space_kernel_data;

void fake_fail(const char *file, int line, const char *what)
{
    printf("%s:%d: not so: %s (seed %u)\n", file, line, what, fake_seed);
    fflush(NULL);
    abort();
}

void panic(const char *format, ...)
{
    va_list ap;
    char text[400];

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    printf("panic: %s\n", text);
    fflush(NULL);
    abort();
}

uint32_t fake_random(uint32_t n)
{
    static uint64_t state;

    if (state == 0)
        state = fake_seed;
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (uint32_t)(state >> 33) % n;
}

static bool fails(void)
{
    return fake_failures != 0 && fake_random(fake_failures) == 0;
}

/* ---- locks: order and balance are checked ---- */

static spinlock_t *held[16];
static int held_count;

void spin_lock_init(spinlock_t *lock, enum lock_class class)
{
    *lock = (spinlock_t){.class = class};
}

static void take(spinlock_t *lock)
{
    CHECK(!lock->locked && lock->class != 0);
    lock->locked = 1;
    held[held_count++] = lock;
    CHECK(held_count < 16);
}

void spin_lock(spinlock_t *lock)
{
    for (int i = 0; i < held_count; i++)
        CHECK(held[i]->class < lock->class);
    take(lock);
}

void spin_lock_second(spinlock_t *lock)
{
    for (int i = 0; i < held_count; i++)
        CHECK(held[i]->class <= lock->class);
    take(lock);
}

bool spin_try_lock(spinlock_t *lock)
{
    if (lock->locked)
        return false;
    take(lock);
    return true;
}

void spin_unlock(spinlock_t *lock)
{
    CHECK(lock->locked);
    lock->locked = 0;
    for (int i = held_count; i-- > 0;) {
        if (held[i] == lock) {
            held[i] = held[--held_count];
            return;
        }
    }
    CHECK(false);
}

/* ---- threads, waiting ---- */

static const void *awaited;

struct thread *current_thread(void)
{
    return &the_thread;
}

uint64_t machine_time(void)
{
    return 12345;
}

uint64_t deadline_after_ms(uint32_t ms)
{
    return ms;
}

bool preempt_point(void)
{
    CHECK(held_count == 0);
    return true;
}

void event_assert_wait(const void *event, bool interruptible, uint64_t deadline)
{
    CHECK(awaited == NULL);
    awaited = event;
}

void event_wakeup(const void *event)
{
    if (awaited == event)
        awaited = NULL;
}

/* The current thread, which is the only one that waits for events. */
thread_t event_dequeue(const void *event)
{
    if (awaited != event)
        return NULL;
    awaited = NULL;
    return &the_thread;
}

static void woken(thread_t thread)
{
    CHECK(thread == &pager_thread && pager_waking);
    pager_waking = false;
}

void thread_go(thread_t thread, wait_result_t result)
{
    woken(thread);
    fake_woken++;
}

wait_result_t thread_block_handoff(thread_t next)
{
    woken(next);
    fake_handed++;
    return thread_block();
}

wait_result_t thread_block(void)
{
    CHECK(held_count == 0 && !pager_waking);
    while (awaited != NULL) {
        if (fake_interrupt || fake_other_work == NULL || !fake_other_work()) {
            awaited = NULL;
            return fake_interrupt ? THREAD_INTERRUPTED : THREAD_TIMED_OUT;
        }
    }
    return THREAD_AWAKENED;
}

wait_result_t thread_sleep_until(uint64_t deadline)
{
    CHECK(held_count == 0);
    return THREAD_TIMED_OUT;
}

thread_t kernel_thread(const char *name, void (*entry)(void *), void *arg, int priority)
{
    return NULL;
}

/* ---- memory of the kernel's own ---- */

struct zone {
    size_t size;
    uint32_t count;
};

zone_t zone_create(const char *name, size_t size)
{
    zone_t zone = calloc(1, sizeof(*zone));

    zone->size = size;
    return zone;
}

void *zalloc(zone_t zone)
{
    void *object = fails() ? NULL : malloc(zone->size);

    zone->count += object != NULL;
    return object;
}

void *zalloc_zeroed(zone_t zone)
{
    void *object = zalloc(zone);

    return object != NULL ? memset(object, 0, zone->size) : NULL;
}

void zfree(zone_t zone, void *object)
{
    zone->count--;
    free(object);
}

uint32_t zone_count(zone_t zone)
{
    return zone->count;
}

void *kalloc(size_t size)
{
    void *memory = fails() ? NULL : malloc(size);

    if (memory != NULL)
        fake_allocated += size;
    return memory;
}

void *kalloc_zeroed(size_t size)
{
    void *memory = kalloc(size);

    return memory == NULL ? NULL : memset(memory, 0, size);
}

void kfree(void *address, size_t size)
{
    fake_allocated -= size;
    free(address);
}

void *boot_alloc(size_t size, size_t align)
{
    return calloc(1, size);
}

bool boot_arg(const char *key, char *buf, size_t size)
{
    return false;
}

uint64_t boot_number(const char *key)
{
    return 0;
}

void fake_init(void)
{
    boot_info.ram_start = 0x40000000;
    boot_info.ram_end = boot_info.ram_start + RAM_PAGES * PAGE_SIZE;
    CHECK(mmap(phys_to_virt(boot_info.ram_start), RAM_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
          == phys_to_virt(boot_info.ram_start));
    vm_page_init();
    vm_object_init();
    vm_map_init();
    vm_pageout_init();
}

/* ---- page tables: one flat array ---- */

pmap_t pmap_create(struct ledger *ledger)
{
    pmap_t pmap = fails() ? NULL : calloc(1, sizeof(*pmap));

    if (pmap == NULL)
        return NULL;
    pmap->refs = 1;
    pmap->next = pmaps;
    pmaps = pmap;
    return pmap;
}

static void set_pte(struct fake_pte *pte, vm_page_t page, vm_prot_t prot, bool wired)
{
    if (pte->page != NULL)
        pte->page->pv_list = (void *)((uintptr_t)pte->page->pv_list - 1);
    if (page != NULL) {
        CHECK(page->queue != VM_PAGE_FREE);
        page->pv_list = (void *)((uintptr_t)page->pv_list + 1);
    }
    *pte = (struct fake_pte){page, prot & VM_PROT_ALL, wired};
}

struct fake_pte *fake_lookup(pmap_t pmap, vm_address_t va)
{
    uint64_t index = (va - WINDOW) >> PAGE_SHIFT;

    if (va < WINDOW || index >= WINDOW_PAGES || pmap->pte[index].page == NULL)
        return NULL;
    return &pmap->pte[index];
}

void pmap_destroy(pmap_t pmap)
{
    pmap_t *link = &pmaps;

    pmap_remove(pmap, WINDOW, WINDOW + WINDOW_PAGES * PAGE_SIZE);
    while (*link != pmap)
        link = &(*link)->next;
    *link = pmap->next;
    free(pmap);
}

kern_return_t pmap_enter(pmap_t pmap, vm_address_t va, vm_page_t page, vm_prot_t prot, bool wired)
{
    uint64_t index = (va - WINDOW) >> PAGE_SHIFT;

    CHECK(page->object == NULL || page->object->lock.locked || page->busy);
    CHECK(index < WINDOW_PAGES && page_aligned(va));
    CHECK((prot & 6) != 6);
    if (fails())
        return KERN_RESOURCE_SHORTAGE;
    set_pte(&pmap->pte[index], page, prot, wired);
    if (prot & PMAP_WRITTEN)
        page->pmap_flags |= PMAP_PAGE_MODIFIED;
    page->pmap_flags |= PMAP_PAGE_REFERENCED;
    return KERN_SUCCESS;
}

kern_return_t pmap_enter_device(pmap_t pmap, vm_address_t va, phys_addr_t phys, vm_prot_t prot)
{
    return KERN_SUCCESS;
}

uint32_t pmap_resident_count(pmap_t pmap)
{
    return UINT32_MAX; /* not counted here: as many as there may be */
}

void pmap_remove(pmap_t pmap, vm_address_t start, vm_address_t end)
{
    for (uint64_t i = 0; i < WINDOW_PAGES; i++)
        if (WINDOW + i * PAGE_SIZE >= start && WINDOW + i * PAGE_SIZE < end)
            set_pte(&pmap->pte[i], NULL, 0, false);
}

void pmap_protect(pmap_t pmap, vm_address_t start, vm_address_t end, vm_prot_t prot)
{
    for (uint64_t i = 0; i < WINDOW_PAGES; i++) {
        struct fake_pte *pte = &pmap->pte[i];

        if (WINDOW + i * PAGE_SIZE < start || WINDOW + i * PAGE_SIZE >= end || pte->page == NULL)
            continue;
        pte->prot &= prot;
        if (pte->prot == 0)
            set_pte(pte, NULL, 0, false);
    }
}

void pmap_page_protect(vm_page_t page, vm_prot_t prot)
{
    for (pmap_t pmap = pmaps; pmap != NULL; pmap = pmap->next)
        for (uint64_t i = 0; i < WINDOW_PAGES; i++)
            if (pmap->pte[i].page == page) {
                if (prot == VM_PROT_NONE)
                    set_pte(&pmap->pte[i], NULL, 0, false);
                else
                    pmap->pte[i].prot &= ~VM_PROT_WRITE;
            }
}

void pmap_page_evict(vm_page_t page)
{
    pmap_page_protect(page, VM_PROT_NONE);
}

void pmap_flush_references(void) {}

bool pmap_is_pinned(vm_page_t page)
{
    return false;
}

bool pmap_is_modified(vm_page_t page)
{
    return page->pmap_flags & PMAP_PAGE_MODIFIED;
}

void pmap_clear_modify(vm_page_t page)
{
    page->pmap_flags &= ~PMAP_PAGE_MODIFIED;
}

bool pmap_is_referenced(vm_page_t page)
{
    return page->pmap_flags & PMAP_PAGE_REFERENCED;
}

void pmap_clear_reference(vm_page_t page)
{
    page->pmap_flags &= ~PMAP_PAGE_REFERENCED;
}

void pmap_zero_page(vm_page_t page)
{
    memset(vm_page_address(page), 0, PAGE_SIZE);
}

void pmap_copy_page(vm_page_t from, vm_page_t to)
{
    memcpy(vm_page_address(to), vm_page_address(from), PAGE_SIZE);
}

void pmap_sync_icache(pmap_t pmap, vm_address_t va, vm_size_t size)
{
}

int copyin(const void *user, void *kernel, size_t size)
{
    return KERN_INVALID_ADDRESS; /* always the slow way */
}

kern_return_t fake_read(vm_map_t map, vm_address_t va, uint8_t *byte)
{
    for (;;) {
        struct fake_pte *pte = fake_lookup(map->pmap, va);
        kern_return_t kr;

        if (pte != NULL && (pte->prot & VM_PROT_READ)) {
            *byte = *((uint8_t *)vm_page_address(pte->page) + (va & PAGE_MASK));
            return KERN_SUCCESS;
        }
        kr = vm_fault(map, va, VM_PROT_READ, true);
        if (kr != KERN_SUCCESS)
            return kr;
    }
}

kern_return_t fake_write(vm_map_t map, vm_address_t va, uint8_t byte)
{
    for (;;) {
        struct fake_pte *pte = fake_lookup(map->pmap, va);
        kern_return_t kr;

        if (pte != NULL && (pte->prot & VM_PROT_WRITE)) {
            pte->page->pmap_flags |= PMAP_PAGE_MODIFIED;
            *((uint8_t *)vm_page_address(pte->page) + (va & PAGE_MASK)) = byte;
            return KERN_SUCCESS;
        }
        kr = vm_fault(map, va, VM_PROT_WRITE, true);
        if (kr != KERN_SUCCESS)
            return kr;
    }
}

/* ---- ports ---- */

static ipc_port_t new_port(void)
{
    ipc_port_t port = fails() ? NULL : calloc(1, sizeof(*port));

    if (port == NULL)
        return NULL;
    spin_lock_init(&port->lock, LOCK_IPC_PORT);
    port->refs = 1;
    port->active = true;
    fake_ports++;
    return port;
}

void ip_release(ipc_port_t port)
{
    CHECK(port->refs > 0);
    if (--port->refs == 0) {
        fake_ports--;
        free(port);
    }
}

ipc_port_t ipc_port_make_send(ipc_port_t port)
{
    port->srights++;
    port->refs++;
    return port;
}

ipc_port_t ipc_port_copy_send(ipc_port_t port)
{
    return port->active ? ipc_port_make_send(port) : IP_DEAD;
}

void ipc_port_release_send(ipc_port_t port)
{
    CHECK(held_count == 0);
    if (!IP_VALID(port))
        return;
    CHECK(port->srights > 0);
    port->srights--;
    ip_release(port);
}

void ipc_port_release_sonce(ipc_port_t port)
{
    if (IP_VALID(port))
        ip_release(port);
}

ipc_port_t ipc_port_alloc_kernel(enum ipc_kobject_type type, void *kobject)
{
    ipc_port_t port = new_port();

    if (port != NULL) {
        port->kotype = type;
        port->kobject = kobject;
        port->receiver = ipc_space_kernel;
    }
    return port;
}

void ipc_port_dealloc_kernel(ipc_port_t port)
{
    CHECK(held_count == 0);
    port->active = false;
    ip_release(port);
}

void *ipc_port_kobject(ipc_port_t port, enum ipc_kobject_type type, void (*take_ref)(void *))
{
    void *kobject = NULL;

    spin_lock(&port->lock);
    if (port->active && port->kotype == type) {
        kobject = port->kobject;
        if (take_ref != NULL)
            take_ref(kobject);
    }
    spin_unlock(&port->lock);
    return kobject;
}

kern_return_t ipc_port_watch(ipc_port_t port, enum ipc_kobject_type type, void *kobject)
{
    return fails() ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
}

void ipc_port_unwatch(ipc_port_t port)
{
}

ipc_port_t fake_port(void)
{
    return new_port();
}

void fake_port_die(ipc_port_t port)
{
    port->active = false;
}

/* ---- messages to pagers ---- */

struct fake_message fake_sent[256];
int fake_sent_count;

static kern_return_t sent(ipc_port_t port, struct fake_message message)
{
    CHECK(held_count == 0);
    if (!port->active)
        return MACH_SEND_INVALID_DEST;
    CHECK(fake_sent_count < 256);
    message.pager = port;
    if (message.control != NULL && message.id != TERMINATE) /* that one moves its right */
        ipc_port_make_send(message.control);
    fake_sent[fake_sent_count++] = message;
    return KERN_SUCCESS;
}

kern_return_t memory_object_init(mach_port_t pager, mach_port_t control, vm_size_t page_size)
{
    return sent(pager, (struct fake_message){.id = INIT, .control = control});
}

kern_return_t memory_object_terminate(mach_port_t pager, mach_port_t control)
{
    return sent(pager, (struct fake_message){.id = TERMINATE, .control = control});
}

kern_return_t mach_msg_ask_pager(ipc_port_t pager, ipc_port_t control, vm_offset_t offset, vm_size_t length,
                                 vm_prot_t access, struct ledger *payer, thread_t *receiver)
{
    kern_return_t kr = sent(pager, (struct fake_message){.id = REQUEST, .control = control,
                                                         .offset = offset, .length = length,
                                                         .access = access});

    pager_waking = fake_pager_waits && kr == KERN_SUCCESS;
    *receiver = pager_waking ? &pager_thread : NULL;
    if (fake_after_request != NULL)
        fake_after_request();
    return kr;
}

/* A user's address, from which half a page can be read at once. */
static const char half_page[1];
const void *const fake_half_page = half_page;

size_t copy_wide(void *to, const void *from, size_t size)
{
    if (from == fake_half_page) {
        memset(to, 0xff, size / 2);
        return size / 2;
    }
    memcpy(to, from, size);
    return 0;
}

kern_return_t memory_object_data_return(mach_port_t pager, mach_port_t control, vm_offset_t offset,
                                        vm_map_copy_t data, mach_msg_type_number_t count,
                                        boolean_t dirty, boolean_t kernel_copy)
{
    if (fake_before_return != NULL)
        fake_before_return();
    return sent(pager, (struct fake_message){.id = RETURN, .control = control, .offset = offset,
                                             .length = count, .data = data, .dirty = dirty,
                                             .kept = kernel_copy});
}

kern_return_t memory_object_data_unlock(mach_port_t pager, mach_port_t control, vm_offset_t offset,
                                        vm_size_t length, vm_prot_t access)
{
    return sent(pager, (struct fake_message){.id = UNLOCK, .control = control, .offset = offset,
                                             .length = length, .access = access});
}

static kern_return_t answered(mach_port_t reply, struct fake_message message)
{
    kern_return_t kr = sent(reply, message);

    if (kr == KERN_SUCCESS)
        ip_release(reply);
    return kr;
}

kern_return_t memory_object_lock_completed(mach_port_t reply, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length)
{
    return answered(reply, (struct fake_message){.id = LOCKED, .offset = offset, .length = length});
}

kern_return_t memory_object_supply_completed(mach_port_t reply, mach_port_t control,
                                             vm_offset_t offset, vm_size_t length,
                                             kern_return_t result, vm_offset_t error_offset)
{
    return answered(reply, (struct fake_message){.id = SUPPLIED, .offset = offset, .length = length,
                                                 .result = result});
}

kern_return_t memory_object_change_completed(mach_port_t reply, boolean_t may_cache,
                                             int copy_strategy)
{
    return answered(reply, (struct fake_message){.id = CHANGED});
}

/* ---- consistency ---- */

#define MAX_OBJECTS 20000
struct tally {
    vm_object_t object;
    uint32_t refs, cow_refs, shadows;
    uintptr_t shadowers;
};
static struct tally tallies[MAX_OBJECTS];
static int tally_count;

static struct tally *tally(vm_object_t object)
{
    for (int i = 0; i < tally_count; i++)
        if (tallies[i].object == object)
            return &tallies[i];
    CHECK(tally_count < MAX_OBJECTS);
    tallies[tally_count] = (struct tally){.object = object};
    return &tallies[tally_count++];
}

static void tally_entry(vm_map_entry_t entry)
{
    if (entry->object == NULL) {
        CHECK(!entry->needs_copy);
        return;
    }
    CHECK(entry->offset + (entry->end - entry->start) <= entry->object->size
          || entry->object->device);
    tally(entry->object)->refs++;
    tally(entry->object)->cow_refs += entry->needs_copy;
}

static vm_size_t check_tree(vm_map_entry_t node, vm_map_entry_t parent)
{
    vm_size_t largest;

    if (node == NULL)
        return 0;
    CHECK(node->parent == parent);
    CHECK(parent == NULL || parent->tree_priority >= node->tree_priority);
    CHECK(node->left == NULL || node->left->end <= node->start);
    CHECK(node->right == NULL || node->right->start >= node->end);
    largest = MAX(node->gap, MAX(check_tree(node->left, node), check_tree(node->right, node)));
    CHECK(node->max_gap == largest);
    return largest;
}

static void check_map(vm_map_t map)
{
    vm_address_t end = 0;
    vm_size_t size = 0, wired = 0;
    uint32_t count = 0;
    vm_map_entry_t entry;

    check_tree(map->root, NULL);
    queue_for_each(entry, &map->entries, struct vm_map_entry, link) {
        CHECK(entry->start >= end && entry->end > entry->start);
        CHECK(entry->gap == entry->start - end);
        CHECK(!entry->in_transition);
        end = entry->end;
        size += entry->end - entry->start;
        wired += entry->wired_count != 0 ? entry->end - entry->start : 0;
        count++;
        CHECK(vm_map_lookup(map, entry->start) == entry);
        tally_entry(entry);
        if (entry->wired_count == 0 || entry->object == NULL || entry->object->device)
            continue;
        CHECK(!entry->needs_copy);
        for (vm_address_t va = entry->start; va < entry->end; va += PAGE_SIZE) {
            vm_page_t page = vm_page_lookup(entry->object, entry->offset + (va - entry->start));

            CHECK(page != NULL && page->wire_count != 0);
        }
    }
    CHECK(count == map->entry_count && size == map->size && wired == map->wired_size);
    /* Every translation shows what the map and the objects say, with no more rights. */
    for (uint64_t i = 0; i < WINDOW_PAGES; i++) {
        struct fake_pte *pte = &map->pmap->pte[i];
        vm_address_t va = WINDOW + i * PAGE_SIZE;
        vm_object_t object;
        vm_offset_t offset;
        vm_page_t page = NULL;

        if (pte->page == NULL)
            continue;
        entry = vm_map_lookup(map, va);
        CHECK(entry != NULL && (pte->prot & ~entry->protection) == 0);
        object = entry->object;
        offset = entry->offset + (va - entry->start);
        while (object != NULL && (page = vm_page_lookup(object, offset)) == NULL) {
            CHECK(vm_swap_slot(object, offset) == 0); /* or the page in the swap space is hidden */
            offset += object->shadow_offset;
            object = object->shadow;
        }
        CHECK(page == pte->page);
        CHECK(!(pte->prot & VM_PROT_WRITE) || (object == entry->object && !entry->needs_copy));
        CHECK(!(pte->prot & page->page_lock));
    }
}

void fake_check(vm_map_t *maps, int n, struct queue **loose, int loose_count)
{
    vm_map_entry_t entry;
    uint32_t pages = 0, swapped = 0;

    CHECK(held_count == 0 && awaited == NULL);
    tally_count = 0;
    for (int i = 0; i < n; i++)
        if (maps[i] != NULL)
            check_map(maps[i]);
    for (int i = 0; i < loose_count; i++)
        queue_for_each(entry, loose[i], struct vm_map_entry, link)
            tally_entry(entry);
    for (int i = 0; i < tally_count; i++) { /* grows meanwhile */
        vm_object_t object = tallies[i].object;
        vm_page_t page;

        if (object->shadow != NULL) {
            struct tally *below = tally(object->shadow);

            below->refs++;
            below->shadows++;
            below->shadowers ^= (uintptr_t)object;
        }
        queue_for_each(page, &object->pages, struct vm_page, memq) {
            CHECK(page->object == object && vm_page_lookup(object, page->offset) == page);
            CHECK(page->queue != VM_PAGE_FREE);
            pages++;
        }
    }
    for (int i = 0; i < tally_count; i++) {
        vm_object_t object = tallies[i].object;

        CHECK(object->refs == tallies[i].refs && object->cow_refs == tallies[i].cow_refs);
        CHECK(object->shadow_count == tallies[i].shadows);
        CHECK(object->shadowers == tallies[i].shadowers);
        CHECK(!object->merging);
        swapped += object->swapped;
    }
    CHECK(vm_counts.free + vm_counts.wired + vm_counts.active + vm_counts.inactive
          == vm_counts.total);
    CHECK(pages <= vm_counts.anonymous + vm_counts.external);
    CHECK(swapped == vm_counts.swap_used);
}
