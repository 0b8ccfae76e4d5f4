/*
 * The vm code against a model of what it should do: random steps on a few address spaces (map,
 * unmap, protect, inherit, share, copy, send, fork, wire, read, write), every result and every byte
 * compared, the structures checked, and nothing left at the end.
 *
 * Meanwhile pages are thrown out of memory at random, and a default pager keeps them: that must
 * not be seen.
 *
 * usage: vm_model SEED STEPS
 *
 * The model of an address space is an array of pages, each with its rights and a cell of bytes;
 * shared pages point to one cell, and a copy is a copy at once.
 */
#include "vm_store.h"

#include <mach/vm_map_server.h>
#include <stdlib.h>

/* evict() is static: this program includes the file, and is linked without its object. */
#include "../../kernel/vm/vm_pageout.c"

#define PAGES   96  /* of each space that the steps play on, from WINDOW on */
#define SPACES  6
#define PROBES  8   /* bytes of a page that are used: one in each eighth, at a place of its own */
#define PIECES  4   /* copies in transit at a time */

struct cell {
    int refs;
    uint8_t bytes[PROBES];
};
struct model_page {
    struct cell *cell; /* NULL: nothing is mapped here */
    uint8_t cur, max, inherit;
    int wired;
};
static struct model_page model[SPACES][PAGES];
static vm_map_t maps[SPACES];

static struct piece {
    vm_map_copy_t copy;
    vm_size_t pages;
    uint8_t bytes[PAGES][PROBES];
} pieces[PIECES];

static vm_address_t address(int page)
{
    return WINDOW + page * PAGE_SIZE;
}

/* ---- the steps: page-out ---- */

/* Some pages of the space go out of memory, if they can; perhaps their neighbours with them. */
static void step_evict(int s)
{
    for (int i = 0; i < PAGES; i++) {
        struct fake_pte *pte = fake_lookup(maps[s]->pmap, address(i));

        if (pte != NULL && fake_random(2)) { /* for goes_along() */
            pte->page->reference = false;
            pmap_clear_reference(pte->page);
        }
    }
    for (int n = 0; n < 16; n++) {
        struct fake_pte *pte = fake_lookup(maps[s]->pmap, address(fake_random(PAGES)));
        vm_object_t object = pte != NULL ? pte->page->object : NULL;

        if (object == NULL || fake_sent_count > 100)
            continue;
        spin_lock(&object->lock);
        evict(object, pte->page);
    }
}

static void step_pager(int s)
{
    pager_work();
}

/* Where in a page probe i lies. */
static vm_offset_t probe_at(int i)
{
    return i * (PAGE_SIZE / PROBES) + (i * 37) % 200;
}

static struct cell *new_cell(const uint8_t *bytes)
{
    struct cell *cell = calloc(1, sizeof(*cell));

    cell->refs = 1;
    if (bytes != NULL)
        memcpy(cell->bytes, bytes, PROBES);
    return cell;
}

static void drop(struct model_page *page)
{
    if (page->cell != NULL && --page->cell->refs == 0)
        free(page->cell);
    *page = (struct model_page){0};
}

/* ---- what the calls should return ---- */

static kern_return_t expect(int space, int first, int count, vm_prot_t prot, bool of_max)
{
    for (int i = first; i < first + count; i++) {
        struct model_page *page = &model[space][i];

        if (page->cell == NULL)
            return KERN_INVALID_ADDRESS;
        if (prot & ~(of_max ? page->max : page->cur))
            return KERN_PROTECTION_FAILURE;
    }
    return KERN_SUCCESS;
}

/* With failures injected, a shortage is as good as what was expected: nothing may have changed. */
static bool as_expected(kern_return_t kr, kern_return_t expected)
{
    if (kr == KERN_RESOURCE_SHORTAGE && fake_failures != 0)
        return false;
    if (kr != expected)
        printf("got %d, expected %d\n", kr, expected);
    CHECK(kr == expected);
    return kr == KERN_SUCCESS;
}

static void pick(int *first, int *count)
{
    *first = fake_random(PAGES);
    *count = 1 + fake_random(fake_random(4) == 0 ? PAGES : 12);
    *count = MIN(*count, PAGES - *first);
}

static int free_space(void)
{
    for (int i = 0; i < SPACES; i++)
        if (maps[i] == NULL)
            return i;
    return -1;
}

/* ---- steps ---- */

static void step_allocate(int s)
{
    int first, count;
    vm_address_t va;
    kern_return_t kr, expected = KERN_SUCCESS;

    pick(&first, &count);
    for (int i = first; i < first + count; i++)
        if (model[s][i].cell != NULL)
            expected = KERN_NO_SPACE;
    va = address(first);
    kr = vm_allocate(maps[s], &va, count * PAGE_SIZE, FALSE);
    if (!as_expected(kr, expected))
        return;
    for (int i = first; i < first + count; i++)
        model[s][i] = (struct model_page){new_cell(NULL), VM_PROT_DEFAULT, VM_PROT_ALL,
                                          VM_INHERIT_DEFAULT, 0};
}

static void step_deallocate(int s)
{
    int first, count;

    pick(&first, &count);
    if (as_expected(vm_deallocate(maps[s], address(first), count * PAGE_SIZE), KERN_SUCCESS))
        for (int i = first; i < first + count; i++)
            drop(&model[s][i]);
}

static void step_protect(int s)
{
    static const vm_prot_t some[] = {0, 1, 3, 3, 3, 5, 7, 2, 4};
    vm_prot_t prot = some[fake_random(9)];
    bool set_max = fake_random(12) == 0;
    int first, count;
    kern_return_t expected;

    pick(&first, &count);
    if (set_max && fake_random(2))
        prot = VM_PROT_ALL;
    expected = expect(s, first, count, prot, true);
    if (!set_max && (prot & 6) == 6)
        expected = KERN_PROTECTION_FAILURE;
    if (!as_expected(vm_protect(maps[s], address(first), count * PAGE_SIZE, set_max, prot),
                     expected))
        return;
    for (int i = first; i < first + count; i++) {
        if (set_max)
            model[s][i].max = prot;
        model[s][i].cur = set_max ? model[s][i].cur & prot : prot;
    }
}

static void step_inherit(int s)
{
    int inherit = fake_random(3);
    int first, count;

    pick(&first, &count);
    if (as_expected(vm_inherit(maps[s], address(first), count * PAGE_SIZE, inherit),
                    expect(s, first, count, 0, false)))
        for (int i = first; i < first + count; i++)
            model[s][i].inherit = inherit;
}

static void step_write(int s)
{
    int page = fake_random(PAGES), probe = fake_random(PROBES);
    uint8_t byte = fake_random(256);
    kern_return_t kr = fake_write(maps[s], address(page) + probe_at(probe), byte);

    if (as_expected(kr, expect(s, page, 1, VM_PROT_WRITE, false)))
        model[s][page].cell->bytes[probe] = byte;
}

static void step_read(int s)
{
    int page = fake_random(PAGES), probe = fake_random(PROBES);
    uint8_t byte;
    kern_return_t kr = fake_read(maps[s], address(page) + probe_at(probe), &byte);

    if (as_expected(kr, expect(s, page, 1, VM_PROT_READ, false)))
        CHECK(byte == model[s][page].cell->bytes[probe]);
}

static void step_fork(int s)
{
    int child = free_space();

    if (child < 0)
        return;
    maps[child] = vm_map_fork(maps[s], NULL);
    CHECK(maps[child] != NULL || fake_failures != 0);
    if (maps[child] == NULL)
        return;
    for (int i = 0; i < PAGES; i++) {
        struct model_page *page = &model[s][i];

        if (page->cell == NULL || page->inherit == VM_INHERIT_NONE)
            continue;
        model[child][i] = *page;
        model[child][i].wired = 0;
        if (page->inherit == VM_INHERIT_SHARE)
            page->cell->refs++;
        else
            model[child][i].cell = new_cell(page->cell->bytes);
    }
}

static void destroy(int s)
{
    vm_map_deallocate(maps[s]);
    maps[s] = NULL;
    for (int i = 0; i < PAGES; i++)
        drop(&model[s][i]);
}

static void step_exit(int s)
{
    int others = 0;

    for (int i = 0; i < SPACES; i++)
        others += maps[i] != NULL && i != s;
    if (others != 0)
        destroy(s);
}

/* vm_remap from one space to another (or the same), shared or copied, at a fixed place. */
static void step_remap(int s)
{
    int to = fake_random(SPACES), first, count, place;
    bool copy = fake_random(2);
    kern_return_t kr, expected;
    vm_prot_t cur, max;
    vm_address_t va;

    if (maps[to] == NULL)
        return;
    pick(&first, &count);
    place = fake_random(PAGES - count + 1);
    expected = expect(s, first, count, 0, false);
    for (int i = place; i < place + count; i++)
        if (model[to][i].cell != NULL && expected == KERN_SUCCESS)
            expected = KERN_NO_SPACE;
    va = address(place);
    kr = vm_remap(maps[to], &va, count * PAGE_SIZE, 0, FALSE, maps[s], address(first), copy, &cur,
                  &max, VM_INHERIT_DEFAULT);
    if (!as_expected(kr, expected))
        return;
    for (int i = 0; i < count; i++) {
        struct model_page *from = &model[s][first + i], *into = &model[to][place + i];

        *into = *from;
        into->wired = 0;
        into->inherit = VM_INHERIT_DEFAULT;
        if (copy)
            into->cell = new_cell(from->cell->bytes);
        else
            from->cell->refs++;
    }
}

/* Memory into a message. */
static void step_copyin(int s)
{
    struct piece *piece = &pieces[fake_random(PIECES)];
    bool move = fake_random(3) == 0;
    int first, count;

    if (piece->copy != NULL)
        return;
    pick(&first, &count);
    if (!as_expected(vm_map_copyin(maps[s], address(first), count * PAGE_SIZE, move, &piece->copy),
                     expect(s, first, count, VM_PROT_READ, false)))
        return;
    piece->pages = count;
    for (int i = 0; i < count; i++) {
        memcpy(piece->bytes[i], model[s][first + i].cell->bytes, PROBES);
        if (move)
            drop(&model[s][first + i]);
    }
}

/* Memory out of a message: to a new place, over what is there, or away; or looked at. */
static void step_copyout(int s)
{
    struct piece *piece = &pieces[fake_random(PIECES)];
    int first;
    vm_address_t va;

    if (piece->copy == NULL)
        return;
    switch (fake_random(4)) {
    case 0: {
        uint8_t page[PAGE_SIZE];

        for (vm_size_t i = 0; i < piece->pages; i++) {
            if (!as_expected(vm_map_copy_read(piece->copy, i * PAGE_SIZE, page, PAGE_SIZE), 0))
                return;
            for (int p = 0; p < PROBES; p++)
                CHECK(page[probe_at(p)] == piece->bytes[i][p]);
        }
        return;
    }
    case 1: {
        kern_return_t kr;
        uint32_t failures = fake_failures;

        first = fake_random(PAGES - piece->pages + 1);
        fake_failures = 0; /* overwriting can stop in the middle */
        kr = vm_map_copy_overwrite(maps[s], address(first), piece->copy);
        fake_failures = failures;
        if (!as_expected(kr, expect(s, first, piece->pages, VM_PROT_WRITE, false)))
            return;
        /* Shared cells may be there twice: the last wins, as it does in memory. */
        for (vm_size_t i = 0; i < piece->pages; i++)
            memcpy(model[s][first + i].cell->bytes, piece->bytes[i], PROBES);
        break;
    }
    case 2:
        if (!as_expected(vm_map_copyout(maps[s], &va, piece->copy), KERN_SUCCESS))
            return;
        first = (va - WINDOW) / PAGE_SIZE;
        for (vm_size_t i = 0; i < piece->pages; i++) {
            uint32_t failures = fake_failures;

            if (first + i < PAGES) {
                CHECK(model[s][first + i].cell == NULL);
                model[s][first + i] = (struct model_page){
                    new_cell(piece->bytes[i]), VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT, 0};
                continue;
            }
            /* Beyond the playing field: look at it, and take it away. */
            fake_failures = 0;
            for (int p = 0; p < PROBES; p++) {
                uint8_t byte;

                CHECK(fake_read(maps[s], va + i * PAGE_SIZE + probe_at(p), &byte) == KERN_SUCCESS);
                CHECK(byte == piece->bytes[i][p]);
            }
            CHECK(vm_deallocate(maps[s], va + i * PAGE_SIZE, PAGE_SIZE) == KERN_SUCCESS);
            fake_failures = failures;
        }
        break;
    default:
        vm_map_copy_discard(piece->copy);
        break;
    }
    piece->copy = NULL;
}

static void step_wire(int s)
{
    struct host *host = (struct host *)16;
    vm_prot_t prot = fake_random(2) ? VM_PROT_READ : VM_PROT_NONE;
    int first, count;
    kern_return_t expected;

    pick(&first, &count);
    expected = expect(s, first, count, prot, false);
    for (int i = first; prot == 0 && i < first + count; i++)
        if (model[s][i].wired == 0 && expected == KERN_SUCCESS)
            expected = KERN_INVALID_ARGUMENT;
    if (as_expected(vm_wire(host, maps[s], address(first), count * PAGE_SIZE, prot), expected))
        for (int i = first; i < first + count; i++)
            model[s][i].wired += prot != 0 ? 1 : -1;
}

/* Every byte of every space. */
static void compare_all(void)
{
    uint32_t failures = fake_failures;

    fake_failures = 0;
    for (int s = 0; s < SPACES; s++) {
        for (int i = 0; maps[s] != NULL && i < PAGES; i++) {
            for (int p = 0; p < PROBES; p++) {
                uint8_t byte;
                kern_return_t kr = fake_read(maps[s], address(i) + probe_at(p), &byte);

                CHECK(kr == expect(s, i, 1, VM_PROT_READ, false));
                CHECK(kr != KERN_SUCCESS || byte == model[s][i].cell->bytes[p]);
            }
        }
    }
    fake_failures = failures;
}

static void check_structures(void)
{
    struct queue *loose[PIECES];
    int count = 0;

    for (int i = 0; i < PIECES; i++)
        if (pieces[i].copy != NULL)
            loose[count++] = &pieces[i].copy->entries;
    fake_check(maps, SPACES, loose, count);
}

int main(int argc, char **argv)
{
    static void (*const steps[])(int) = {
        step_allocate, step_allocate, step_deallocate, step_protect, step_protect, step_inherit,
        step_write, step_write, step_write, step_write, step_read, step_read, step_fork, step_exit,
        step_remap, step_copyin, step_copyout, step_copyout, step_wire, step_evict, step_evict,
        step_evict, step_pager, step_pager};
    int count = argc > 2 ? atoi(argv[2]) : 20000;
    uint32_t free_pages;
    long allocated;

    fake_seed = argc > 1 ? atoi(argv[1]) : 1;
    fake_init();
    begin_store();
    allocated = fake_allocated;
    free_pages = vm_counts.free;
    for (int n = 0; n < count; n++) {
        int s = fake_random(SPACES);

        fake_failures = (n / 1000) % 2 ? 12 : 0;
        if (maps[s] == NULL) {
            if (fake_random(10) == 0 || free_space() == 0)
                maps[s] = vm_map_create(NULL);
            continue;
        }
        steps[fake_random(sizeof(steps) / sizeof(steps[0]))](s);
        if (n % 16 == 0)
            check_structures();
        if (n % 500 == 0)
            compare_all();
    }
    fake_failures = 0;
    compare_all();
    for (int i = 0; i < PIECES; i++) {
        vm_map_copy_discard(pieces[i].copy);
        pieces[i].copy = NULL;
    }
    for (int s = 0; s < SPACES; s++)
        if (maps[s] != NULL)
            destroy(s);
    while (pager_work())
        ;
    vm_object_free_pages(vm_swap_object); /* pages read ahead */
    CHECK(vm_object_total() == 1 && vm_map_entry_total() == 0 && vm_map_total() == 0);
    CHECK(vm_counts.free == free_pages && vm_counts.anonymous == 0 && fake_allocated == allocated);
    CHECK(vm_counts.swap_used == 0 && vm_swap_laundry == 0);
    CHECK(vm_counts.pageouts > (uint64_t)count / 40 && vm_counts.pageins > (uint64_t)count / 200);
    printf("ok\n");
    return 0;
}
