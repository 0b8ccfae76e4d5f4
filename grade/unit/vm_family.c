/*
 * Families: tasks that are copies of copies, all of which live and write, or end, in any order. Chains
 * of shadows must stay short and show to each what is his, while pages are thrown out of memory at random.
 *
 * usage: vm_family SEED STEPS
 */
#include "vm_store.h"

#include <mach/vm_map_server.h>

/* Included, and so linked without their objects: evict() is static, and chains are bounded all the time. */
#include "../../kernel/vm/vm_pageout.c"
#define CHAIN_MAX 3
#include "../../kernel/vm/vm_shadow.c"

#define PAGES   200 /* of each member */
#define MEMBERS 30

static vm_map_t maps[MEMBERS];
static uint8_t content[MEMBERS][PAGES]; /* the first byte of each page */
static int newest;

static vm_address_t address(int page)
{
    return WINDOW + page * PAGE_SIZE;
}

static void step_write(int s)
{
    int first = fake_random(PAGES), count = fake_random(4) != 0 ? 3 : fake_random(PAGES - first);

    for (int i = first; i < PAGES && i <= first + count; i++) {
        content[s][i] = fake_random(256);
        CHECK(fake_write(maps[s], address(i), content[s][i]) == KERN_SUCCESS);
    }
}

static void step_fork(int s)
{
    int child = fake_random(MEMBERS);

    if (fake_random(3) != 0 && maps[newest] != NULL)
        s = newest; /* a long line */
    if (maps[child] != NULL)
        return;
    maps[child] = vm_map_fork(maps[s], NULL);
    CHECK(maps[child] != NULL);
    memcpy(content[child], content[s], PAGES);
    newest = child;
}

static void step_end(int s)
{
    int others = 0;

    for (int i = 0; i < MEMBERS; i++)
        others += i != s && maps[i] != NULL;
    if (others == 0)
        return;
    vm_map_deallocate(maps[s]);
    maps[s] = NULL;
}

static void step_evict(int s)
{
    for (int n = 0; n < 32; n++) {
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

static void compare(int s)
{
    uint8_t byte;

    for (int i = 0; i < PAGES; i++)
        CHECK(fake_read(maps[s], address(i), &byte) == KERN_SUCCESS && byte == content[s][i]);
}

static uint32_t depth(int s)
{
    vm_address_t at = WINDOW;
    vm_region_info_data_t info;
    vm_size_t size;

    CHECK(vm_region(maps[s], &at, &size, &info) == KERN_SUCCESS);
    return info.shadow_depth;
}

int main(int argc, char **argv)
{
    static void (*const steps[])(int) = {step_write, step_write, step_write, step_fork, step_fork, step_end,
                                         step_evict, step_pager, step_pager};
    int count = argc > 2 ? atoi(argv[2]) : 20000;
    uint32_t free_pages, deepest = 0;
    vm_address_t at = WINDOW;

    fake_seed = argc > 1 ? atoi(argv[1]) : 1;
    fake_init();
    begin_store();
    free_pages = vm_counts.free;
    maps[0] = vm_map_create(NULL);
    CHECK(vm_allocate(maps[0], &at, PAGES * PAGE_SIZE, FALSE) == KERN_SUCCESS);
    for (int n = 0; n < count; n++) {
        int s = fake_random(MEMBERS);

        if (maps[s] == NULL)
            continue;
        steps[fake_random(sizeof(steps) / sizeof(steps[0]))](s);
        if (maps[s] != NULL)
            deepest = MAX(deepest, depth(s));
        if (n % 16 == 0)
            fake_check(maps, MEMBERS, NULL, 0);
        if (n % 64 == 0 && maps[s] != NULL)
            compare(s);
    }
    for (int s = 0; s < MEMBERS; s++) {
        if (maps[s] == NULL)
            continue;
        compare(s);
        vm_map_deallocate(maps[s]);
    }
    while (pager_work())
        continue;
    vm_object_free_pages(vm_swap_object); /* pages read ahead */
    CHECK(vm_object_total() == 1 && vm_map_total() == 0);
    CHECK(vm_counts.free == free_pages && vm_counts.anonymous == 0 && vm_counts.swap_used == 0);
    CHECK(deepest >= CHAIN_MAX && deepest <= CHAIN_MAX + 1);
    printf("ok\n");
    return 0;
}
