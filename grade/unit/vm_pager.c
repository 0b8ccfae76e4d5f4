/*
 * The kernel's side of the external pager protocol, against pagers that behave and pagers that do
 * not; page-out; and the shadow chains of nested forks. Scripted, one case after the other; each
 * ends with nothing left over.
 */
#include "vm_fake.h"

#include <mach/memory_object_control_server.h>
#include <mach/vm_map_server.h>
#include <stdlib.h>

/* The page-out thread's own functions are static: this program includes the file, and is linked
 * without its object. */
#include "../../kernel/vm/vm_pageout.c"

#define SIZE (32 * PAGE_SIZE)

static ipc_port_t pager, control;
static uint8_t store[SIZE]; /* what the pager keeps */
static int requests, returns, returned_pages, unlocks, terminated;
static enum {
    GOOD, READ_ONLY, SILENT, DIES, ERRORS, EMPTY, WRONG_OFFSET, DESTROYS, NEVER_READY, SHORT
} mood;
static bool precious;
static bool keep_returned; /* does not deallocate what came back */
static vm_map_copy_t kept_data;

/* A page, the short way. The one who waits for it runs on when we are done. */
static bool supply_page(memory_object_control_t object, vm_offset_t offset, const void *data,
                        vm_prot_t lock_value)
{
    thread_t waiter = NULL;
    bool done;

    spin_lock(&object->lock);
    done = memory_object_supply_page(object, offset, data, lock_value, false, &waiter);
    spin_unlock(&object->lock);
    CHECK(waiter == (done && fake_after_request == NULL ? current_thread() : NULL));
    return done;
}

/* Handles one message. False: there is none. */
static bool pager_work(void)
{
    struct fake_message m;
    memory_object_control_t object;
    vm_map_copy_t data;

    if (fake_sent_count == 0)
        return false;
    m = fake_sent[0];
    memmove(fake_sent, fake_sent + 1, --fake_sent_count * sizeof(m));
    if (m.id == TERMINATE) {
        terminated++;
        ipc_port_release_send(m.control);
        return true;
    }
    if (m.id == LOCKED || m.id == SUPPLIED || m.id == CHANGED)
        return true;
    control = m.control;
    object = convert_port_to_memory_control(control);
    switch (m.id) {
    case INIT:
        if (mood == NEVER_READY || object == NULL) /* NULL: ended before we got to it */
            break;
        CHECK(memory_object_ready(object, TRUE, MEMORY_OBJECT_COPY_DELAY) == KERN_SUCCESS);
        break;
    case REQUEST:
        requests++;
        CHECK(object != NULL && m.length > 0 && m.offset + m.length <= SIZE);
        switch (mood) {
        case GOOD:
        case READ_ONLY:
            CHECK(vm_map_copyin_kernel(store + m.offset, m.length, &data) == KERN_SUCCESS);
            CHECK(memory_object_data_supply(object, m.offset, data, m.length,
                                            mood == READ_ONLY ? VM_PROT_WRITE : VM_PROT_NONE,
                                            precious, fake_port(), MACH_MSG_TYPE_PORT_SEND_ONCE)
                  == KERN_SUCCESS);
            break;
        case SHORT:
            CHECK(!supply_page(object, m.offset, fake_half_page, VM_PROT_NONE));
            CHECK(!supply_page(object, m.offset + 1, store, VM_PROT_NONE));
            CHECK(!supply_page(object, ~PAGE_MASK, store, VM_PROT_NONE));
            CHECK(!supply_page(object, m.offset, store, ~VM_PROT_ALL));
            CHECK(!supply_page(object, (m.offset + SIZE / 2) % SIZE, store, VM_PROT_NONE)); /* not asked */
            for (vm_offset_t at = m.length; at > 0; at -= PAGE_SIZE) { /* who waits, waits for the first */
                vm_offset_t offset = m.offset + at - PAGE_SIZE;

                if (at > PAGE_SIZE) {
                    CHECK(vm_map_copyin_kernel(store + offset, PAGE_SIZE, &data) == KERN_SUCCESS);
                    CHECK(memory_object_data_supply(object, offset, data, PAGE_SIZE, VM_PROT_WRITE,
                                                    precious, NULL, 0) == KERN_SUCCESS);
                } else {
                    CHECK(supply_page(object, offset, store + offset, VM_PROT_WRITE));
                }
                CHECK(!supply_page(object, offset, store, VM_PROT_NONE)); /* once is enough */
            }
            break;
        case DIES:
            fake_port_die(pager);
            memory_object_pager_died(object);
            break;
        case ERRORS:
            CHECK(memory_object_data_error(object, m.offset, m.length, 77) == KERN_SUCCESS);
            break;
        case EMPTY:
            CHECK(memory_object_data_unavailable(object, 0, ~PAGE_MASK) == KERN_SUCCESS);
            break;
        case WRONG_OFFSET: /* nobody asked for that page; then silence */
            CHECK(vm_map_copyin_kernel(store, PAGE_SIZE, &data) == KERN_SUCCESS);
            CHECK(memory_object_data_supply(object, 1UL << 40, data, PAGE_SIZE, 0, FALSE, NULL, 0)
                  == KERN_SUCCESS);
            CHECK(vm_map_copyin_kernel(store, 100, &data) == KERN_SUCCESS);
            CHECK(memory_object_data_supply(object, 0, data, 100, 0, FALSE, NULL, 0)
                  != KERN_SUCCESS);
            CHECK(memory_object_data_supply(object, 7, data, PAGE_SIZE, 0, FALSE, NULL, 0)
                  != KERN_SUCCESS);
            CHECK(memory_object_data_supply(object, ~PAGE_MASK, data, 2 * PAGE_SIZE, 0, FALSE, NULL,
                                            0) != KERN_SUCCESS);
            vm_map_copy_discard(data);
            break;
        case DESTROYS:
            CHECK(memory_object_destroy(object, 88) == KERN_SUCCESS);
            break;
        default:
            break;
        }
        break;
    case UNLOCK:
        unlocks++;
        CHECK(m.access == VM_PROT_WRITE);
        CHECK(memory_object_lock_request(object, m.offset, m.length, MEMORY_OBJECT_RETURN_NONE,
                                         FALSE, VM_PROT_NONE, NULL, 0) == KERN_SUCCESS);
        break;
    case RETURN:
        returns++;
        returned_pages += m.length / PAGE_SIZE;
        CHECK(m.offset + m.length <= SIZE);
        CHECK(vm_map_copy_read(m.data, 0, store + m.offset, m.length) == KERN_SUCCESS);
        if (keep_returned)
            kept_data = m.data;
        else
            vm_map_copy_discard(m.data);
        break;
    default:
        CHECK(false);
    }
    vm_object_deallocate(object);
    ipc_port_release_send(m.control);
    return true;
}

static vm_map_t map;
static vm_address_t base;

static kern_return_t begin(int how, boolean_t copy)
{
    ipc_port_t right;
    kern_return_t kr;

    mood = how;
    requests = returns = returned_pages = unlocks = terminated = 0;
    precious = keep_returned = false;
    pager = fake_port();
    right = ipc_port_make_send(pager);
    for (int i = 0; i < (int)SIZE; i++)
        store[i] = i / PAGE_SIZE + i % 7;
    map = vm_map_create(NULL);
    base = 0;
    kr = vm_map(map, &base, SIZE, 0, TRUE, right, 0, copy, VM_PROT_DEFAULT, VM_PROT_ALL,
                VM_INHERIT_SHARE);
    if (kr != KERN_SUCCESS)
        ipc_port_release_send(right);
    return kr;
}

static void drain(void)
{
    while (pager_work())
        ;
}

static void end(void)
{
    fake_check(&map, map != NULL, NULL, 0);
    vm_map_deallocate(map);
    map = NULL;
    drain();
    while (memory_object_cache_trim())
        drain();
    drain();
    CHECK(terminated == (pager->active ? 1 : 0));
    ip_release(pager);
    CHECK(vm_object_total() == 0 && vm_map_entry_total() == 0 && vm_map_total() == 0);
    CHECK(fake_allocated == 0 && fake_ports == 0 && vm_counts.external == 0);
    CHECK(vm_laundry_count == 0 && vm_counts.anonymous == 0);
}

static uint8_t get(vm_address_t va)
{
    uint8_t byte;

    CHECK(fake_read(map, va, &byte) == KERN_SUCCESS);
    return byte;
}

/* Reads pages [from, to) and compares them with the store. */
static void read_pages(int from, int to)
{
    for (int i = from; i < to; i++)
        CHECK(get(base + i * PAGE_SIZE + 11) == store[i * PAGE_SIZE + 11]);
}

static void test_good(void)
{
    CHECK(begin(GOOD, FALSE) == KERN_SUCCESS);
    read_pages(0, 32);
    CHECK(requests < 12); /* read ahead: not one by one */
    CHECK(vm_counts.external == 32);
    CHECK(fake_write(map, base + 5 * PAGE_SIZE, 99) == KERN_SUCCESS);
    CHECK(fake_write(map, base + 6 * PAGE_SIZE, 98) == KERN_SUCCESS);
    CHECK(vm_msync(map, base, SIZE, VM_SYNC_SYNCHRONOUS) == KERN_SUCCESS);
    CHECK(returns == 1 && returned_pages == 2);
    CHECK(store[5 * PAGE_SIZE] == 99 && store[6 * PAGE_SIZE] == 98);
    CHECK(vm_msync(map, base, SIZE, VM_SYNC_SYNCHRONOUS) == KERN_SUCCESS && returns == 1);
    CHECK(fake_write(map, base + 5 * PAGE_SIZE, 97) == KERN_SUCCESS); /* found dirty again */
    end();
    CHECK(returns == 2 && store[5 * PAGE_SIZE] == 97);
}

/* One page a request: downwards nobody reads ahead. */
static void read_downwards(int pages)
{
    for (int i = pages - 1; i >= 0; i--)
        read_pages(i, i + 1);
}

/* Requests that a thread waits for, and answers of one page, go the short way. */
static void test_short_way(void)
{
    fake_handed = fake_woken = 0;
    fake_pager_waits = true;
    CHECK(begin(SHORT, FALSE) == KERN_SUCCESS);
    read_downwards(16);
    CHECK(requests == 16 && fake_handed == 16 && fake_woken == 0);
    read_pages(16, 32); /* (and clusters) */
    CHECK(unlocks == 0);
    CHECK(fake_write(map, base + PAGE_SIZE, 70) == KERN_SUCCESS && unlocks == 1);
    end();
    CHECK(store[PAGE_SIZE] == 70);
    fake_pager_waits = false;
}

static void answer_at_once(void)
{
    CHECK(pager_work());
}

/* The answer is there before the faulting thread waits: the pager's own is only woken. */
static void test_early_answer(void)
{
    fake_handed = fake_woken = 0;
    fake_pager_waits = true;
    fake_after_request = answer_at_once;
    CHECK(begin(SHORT, FALSE) == KERN_SUCCESS);
    read_downwards(4);
    CHECK(requests == 4 && fake_handed == 0 && fake_woken == 4);
    fake_after_request = NULL;
    fake_pager_waits = false;
    end();
}

static void unmap_at_once(void)
{
    fake_after_request = NULL;
    CHECK(vm_deallocate(map, base, SIZE) == KERN_SUCCESS);
}

/* Nobody but the fault knows the object any more: it does not wait with the last reference. */
static void test_unmapped_before_the_wait(void)
{
    uint8_t byte;

    fake_handed = fake_woken = 0;
    fake_pager_waits = true;
    CHECK(begin(SILENT, FALSE) == KERN_SUCCESS);
    fake_after_request = unmap_at_once;
    CHECK(fake_read(map, base, &byte) == KERN_INVALID_ADDRESS);
    CHECK(fake_handed == 0 && fake_woken == 1);
    fake_pager_waits = false;
    end();
}

static void test_cached(void)
{
    vm_address_t again = 0;

    CHECK(begin(GOOD, FALSE) == KERN_SUCCESS);
    read_pages(0, 4);
    CHECK(vm_deallocate(map, base, SIZE) == KERN_SUCCESS);
    drain();
    CHECK(terminated == 0 && vm_counts.external >= 4);
    requests = 0;
    CHECK(vm_map(map, &again, SIZE, 0, TRUE, ipc_port_make_send(pager), 0, FALSE, VM_PROT_READ,
                 VM_PROT_READ, VM_INHERIT_SHARE) == KERN_SUCCESS);
    base = again;
    read_pages(0, 4);
    CHECK(requests == 0);
    end();
}

static void test_private(void)
{
    vm_map_t child;
    vm_map_copy_t copy;
    uint8_t byte;

    CHECK(begin(GOOD, TRUE) == KERN_SUCCESS);
    CHECK(vm_inherit(map, base, SIZE, VM_INHERIT_COPY) == KERN_SUCCESS);
    CHECK(fake_write(map, base, 50) == KERN_SUCCESS);
    child = vm_map_fork(map, NULL);
    CHECK(fake_write(map, base, 51) == KERN_SUCCESS);
    CHECK(fake_read(child, base, &byte) == KERN_SUCCESS && byte == 50);
    CHECK(fake_write(child, base + PAGE_SIZE, 52) == KERN_SUCCESS);
    CHECK(get(base + PAGE_SIZE) == store[PAGE_SIZE]);
    CHECK(vm_map_copyin(map, base, SIZE, FALSE, &copy) == KERN_SUCCESS);
    vm_map_deallocate(child);
    CHECK(vm_map_copy_read(copy, 0, &byte, 1) == KERN_SUCCESS && byte == 51);
    vm_map_copy_discard(copy);
    end();
    CHECK(returns == 0 && store[0] == 0);
}

/* A copy of memory that others can write through the object is made at once. */
static void test_shared_copy(void)
{
    vm_map_copy_t copy;
    uint8_t byte;

    CHECK(begin(GOOD, FALSE) == KERN_SUCCESS);
    CHECK(vm_map_copyin(map, base, SIZE, FALSE, &copy) == KERN_SUCCESS);
    CHECK(fake_write(map, base, 60) == KERN_SUCCESS);
    CHECK(vm_map_copy_read(copy, 0, &byte, 1) == KERN_SUCCESS && byte == store[0]);
    vm_map_copy_discard(copy);
    end();
}

static void test_locks(void)
{
    memory_object_control_t object;

    CHECK(begin(READ_ONLY, FALSE) == KERN_SUCCESS);
    read_pages(0, 3);
    CHECK(unlocks == 0);
    CHECK(fake_write(map, base + PAGE_SIZE, 70) == KERN_SUCCESS && unlocks == 1);
    fake_check(&map, 1, NULL, 0);
    object = convert_port_to_memory_control(control);
    CHECK(memory_object_lock_request(object, 0, SIZE, MEMORY_OBJECT_RETURN_DIRTY, TRUE,
                                     VM_PROT_NO_CHANGE, fake_port(), MACH_MSG_TYPE_PORT_SEND_ONCE)
          == KERN_SUCCESS);
    vm_object_deallocate(object);
    CHECK(vm_counts.external == 0);
    drain();
    CHECK(store[PAGE_SIZE] == 70 && returned_pages == 1);
    end();
}

static void test_precious(void)
{
    CHECK(begin(GOOD, FALSE) == KERN_SUCCESS);
    precious = true;
    read_pages(0, 1);
    end();
    CHECK(returned_pages == 1);
}

static void expect_fault(int how, kern_return_t expected)
{
    uint8_t byte;

    CHECK(begin(how, FALSE) == KERN_SUCCESS);
    CHECK(fake_read(map, base + PAGE_SIZE, &byte) == expected);
    CHECK(fake_read(map, base + PAGE_SIZE, &byte) == expected);
    end();
}

static void test_hostile(void)
{
    vm_address_t va = 0;

    expect_fault(SILENT, KERN_MEMORY_ERROR);
    expect_fault(WRONG_OFFSET, KERN_MEMORY_ERROR);
    expect_fault(DIES, KERN_MEMORY_FAILURE);
    expect_fault(ERRORS, 77);
    expect_fault(DESTROYS, 88);
    CHECK(begin(EMPTY, FALSE) == KERN_SUCCESS);
    CHECK(get(base) == 0 && requests == 1);
    end();
    CHECK(begin(NEVER_READY, FALSE) == KERN_MEMORY_ERROR);
    end();
    fake_interrupt = true;
    CHECK(begin(GOOD, FALSE) == KERN_ABORTED);
    fake_interrupt = false;
    end();
    /* A kernel's port, and a dead one, are no pagers. */
    map = vm_map_create(NULL);
    pager = ipc_port_alloc_kernel(IKOT_TASK, NULL);
    CHECK(vm_map(map, &va, SIZE, 0, TRUE, pager, 0, FALSE, 1, 1, 0) == KERN_INVALID_ARGUMENT);
    fake_port_die(pager);
    CHECK(vm_map(map, &va, SIZE, 0, TRUE, pager, 0, FALSE, 1, 1, 0) == KERN_INVALID_ARGUMENT);
    CHECK(vm_map(map, &va, SIZE, 0, TRUE, IP_DEAD, 0, FALSE, 1, 1, 0) == KERN_INVALID_ARGUMENT);
    ip_release(pager);
    vm_map_deallocate(map);
}

/* A pager that keeps what it got back: synchronous msync gives up in time. */
static void test_keeper(void)
{
    CHECK(begin(GOOD, FALSE) == KERN_SUCCESS);
    keep_returned = true;
    CHECK(fake_write(map, base, 80) == KERN_SUCCESS);
    CHECK(vm_msync(map, base, SIZE, VM_SYNC_SYNCHRONOUS) == KERN_MEMORY_ERROR);
    CHECK(vm_laundry_count == 1);
    vm_map_copy_discard(kept_data);
    end();
}

/* Another CPU wants a page back that has left, and is not sent yet: it does not get the pager's old one. */
static void want_it_back(void)
{
    int asked = requests + fake_sent_count;
    uint8_t byte;

    fake_before_return = NULL;
    fake_interrupt = true; /* it waits: let it give up */
    CHECK(fake_read(map, base + PAGE_SIZE, &byte) == KERN_ABORTED);
    fake_interrupt = false;
    CHECK(requests + fake_sent_count == asked);
}

static void test_return_before_request(void)
{
    CHECK(begin(GOOD, FALSE) == KERN_SUCCESS);
    CHECK(fake_write(map, base + PAGE_SIZE, 81) == KERN_SUCCESS);
    fake_before_return = want_it_back;
    CHECK(vm_msync(map, base, SIZE, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE) == KERN_SUCCESS);
    CHECK(fake_before_return == NULL && get(base + PAGE_SIZE) == 81);
    end();
}

/* Takes pages until there is none for the current task. */
static void take_all(vm_page_t (*grab)(void), vm_page_t *hoard)
{
    vm_page_t page;

    while ((page = grab()) != NULL) {
        page->hash_next = *hoard;
        *hoard = page;
    }
}

/* Programs stop at twice the reserve, the kernel at the reserve. Who page-out waits for does not stop before
 * the last page, and does not wait then. */
static void test_reserve(void)
{
    static struct thread another;
    vm_page_t hoard = NULL;

    pageout_thread = &another;
    take_all(vm_page_grab_user, &hoard);
    CHECK(vm_counts.free == 2 * vm_counts.free_reserved && vm_counts.free_reserved != 0);
    take_all(vm_page_grab, &hoard);
    CHECK(vm_counts.free == vm_counts.free_reserved);
    current_task()->vm_privileged = true;
    CHECK(vm_page_grab_contiguous(vm_counts.free + 1, PAGE_SIZE) == NULL);
    take_all(vm_page_grab_user, &hoard);
    CHECK(vm_counts.free == 0 && vm_memory_wait(false) == KERN_RESOURCE_SHORTAGE);
    current_task()->vm_privileged = false;
    pageout_thread = NULL;
    while (hoard != NULL) {
        vm_page_t page = hoard;

        hoard = page->hash_next;
        vm_page_release(page);
    }
}

static void test_pageout(void)
{
    vm_page_t hoard = NULL;

    CHECK(begin(GOOD, FALSE) == KERN_SUCCESS);
    read_pages(0, 32);
    for (int i = 0; i < 4; i++)
        CHECK(fake_write(map, base + i * PAGE_SIZE, 90 + i) == KERN_SUCCESS);
    while (vm_counts.free >= target()) { /* eat all memory */
        vm_page_t page = vm_page_grab_user();

        page->hash_next = hoard;
        hoard = page;
    }
    CHECK(vm_counts.free == target() - 1 && pageout_pass());
    CHECK(vm_counts.inactive > 1); /* others have begun to wait for their second chance */
    drain();
    while (vm_counts.free < target() + 30) {
        vm_page_t page = hoard;

        hoard = page->hash_next;
        vm_page_release(page);
    }
    /* All the way: everything of the pager's goes, what was written is home. */
    while (vm_counts.free >= target() - 40) {
        vm_page_t page = vm_page_grab_user();

        page->hash_next = hoard;
        hoard = page;
    }
    for (int i = 0; i < 6; i++) {
        pageout_pass();
        drain();
    }
    CHECK(vm_counts.external == 0 && returned_pages == 4);
    for (int i = 0; i < 4; i++)
        CHECK(store[i * PAGE_SIZE] == 90 + i);
    while (hoard != NULL) {
        vm_page_t page = hoard;

        hoard = page->hash_next;
        vm_page_release(page);
    }
    read_pages(0, 32); /* and comes back */
    end();
}

/* ---- chains ---- */

static uint32_t depth(vm_map_t m, vm_address_t va)
{
    vm_size_t size;
    vm_region_info_data_t info;

    CHECK(vm_region(m, &va, &size, &info) == KERN_SUCCESS);
    return info.shadow_depth;
}

/* A thousand generations, every one alive or (ends) only the last; each writes pages of its own. */
static void test_nested_forks(bool ends, int spread)
{
    enum { GENERATIONS = 1000, PAGES = 64 };
    static vm_map_t maps[GENERATIONS + 1];
    uint8_t content[PAGES] = {0};
    uint32_t deepest = 0;
    uint8_t byte;

    base = WINDOW;
    maps[0] = vm_map_create(NULL);
    CHECK(vm_allocate(maps[0], &base, PAGES * PAGE_SIZE, FALSE) == KERN_SUCCESS);
    for (int g = 0; g < GENERATIONS; g++) {
        for (int i = 0; i < 2; i++) {
            int page = (g * spread + i) % PAGES;

            content[page] = g + i;
            CHECK(fake_write(maps[g], base + page * PAGE_SIZE, content[page]) == KERN_SUCCESS);
        }
        maps[g + 1] = vm_map_fork(maps[g], NULL);
        CHECK(maps[g + 1] != NULL);
        if (ends) {
            vm_map_deallocate(maps[g]);
            maps[g] = NULL;
        }
        deepest = MAX(deepest, depth(maps[g + 1], base));
    }
    for (int i = 0; i < PAGES; i++)
        CHECK(fake_read(maps[GENERATIONS], base + i * PAGE_SIZE, &byte) == KERN_SUCCESS
              && byte == content[i]);
    printf("nested forks, %s, spread %d: deepest chain %u, %u pages\n",
           ends ? "parents end" : "all live", spread, deepest, vm_counts.anonymous);
    CHECK(deepest <= 16);
    for (int g = 0; g <= GENERATIONS; g++)
        vm_map_deallocate(maps[g]);
    CHECK(vm_object_total() == 0 && vm_counts.anonymous == 0);
}

/* One parent, a thousand children one after the other; both write. */
static void test_repeated_forks(void)
{
    vm_map_t child;
    uint32_t deepest = 0;

    base = WINDOW;
    map = vm_map_create(NULL);
    CHECK(vm_allocate(map, &base, 64 * PAGE_SIZE, FALSE) == KERN_SUCCESS);
    for (int i = 0; i < 64; i++)
        CHECK(fake_write(map, base + i * PAGE_SIZE, i) == KERN_SUCCESS);
    for (int n = 0; n < 1000; n++) {
        child = vm_map_fork(map, NULL);
        CHECK(fake_write(map, base + n % 64 * PAGE_SIZE, n) == KERN_SUCCESS);
        CHECK(fake_write(child, base + n % 7 * PAGE_SIZE, n) == KERN_SUCCESS);
        deepest = MAX(deepest, MAX(depth(map, base), depth(child, base)));
        fake_check((vm_map_t[]){map, child}, 2, NULL, 0);
        vm_map_deallocate(child);
    }
    CHECK(deepest <= 3 && vm_counts.anonymous <= 2 * 64 + 8);
    vm_map_deallocate(map);
    map = NULL;
}

/* Protections flipped leave no entries behind; a heap that grows is one entry. */
static void test_entries(void)
{
    vm_address_t va;

    base = WINDOW;
    map = vm_map_create(NULL);
    for (int i = 0; i < 256; i++) {
        va = base + i * PAGE_SIZE;
        CHECK(vm_allocate(map, &va, PAGE_SIZE, FALSE) == KERN_SUCCESS);
        CHECK(fake_write(map, va, i) == KERN_SUCCESS);
    }
    CHECK(map->entry_count == 1);
    for (int i = 0; i < 20000; i++) {
        va = base + fake_random(200) * PAGE_SIZE;
        CHECK(vm_protect(map, va, fake_random(40) * PAGE_SIZE + 1, FALSE, VM_PROT_READ) == 0);
        CHECK(vm_protect(map, base, 256 * PAGE_SIZE, FALSE, VM_PROT_DEFAULT) == 0);
    }
    CHECK(map->entry_count == 1);
    for (int i = 0; i < 256; i++) /* a message out of the middle, sent and gone: whole again */
        if (i % 50 == 10) {
            vm_map_copy_t copy;

            CHECK(vm_map_copyin(map, base + i * PAGE_SIZE, 8 * PAGE_SIZE, FALSE, &copy) == 0);
            vm_map_copy_discard(copy);
            CHECK(fake_write(map, base + i * PAGE_SIZE, 1) == KERN_SUCCESS);
        }
    CHECK(map->entry_count == 1 && vm_object_total() == 1);
    vm_map_deallocate(map);
    map = NULL;
}

int main(void)
{
    uint32_t free_pages;

    fake_init();
    free_pages = vm_counts.free;
    fake_other_work = pager_work;
    test_good();
    test_short_way();
    test_early_answer();
    test_unmapped_before_the_wait();
    test_cached();
    test_private();
    test_shared_copy();
    test_locks();
    test_precious();
    test_hostile();
    test_keeper();
    test_return_before_request();
    test_reserve();
    test_pageout();
    test_repeated_forks();
    test_entries();
    for (int spread = 0; spread < 4; spread++) {
        test_nested_forks(true, spread);
        if (spread < 2)
            test_nested_forks(false, spread);
    }
    CHECK(vm_counts.free == free_pages);
    printf("ok\n");
    return 0;
}
