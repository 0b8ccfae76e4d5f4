/*
 * Large address spaces and long lines of descent: what grows is the whole, never the single step. Time is
 * guest time, and what it says counts with -icount alone.
 */
#define ZONE_SLACK (1024 * 1024) /* of 10,000 entries and 1,000 tasks some pages stay with their zones */
#include "mach_memory.h"

TEST(baseline_is_taken)
{
    take_baseline();
}

static uint64_t ticks(void)
{
    uint64_t now;

    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(now));
    return now;
}

/* The least time of ten tries: a hundred questions about regions of [start, start + size), here and there. */
static uint64_t look_up_time(vm_address_t start, vm_size_t size)
{
    uint64_t least = ~0UL;

    for (int try = 0; try < 10; try++) {
        uint64_t begun = ticks(), took;

        for (uint64_t i = 0; i < 100; i++)
            region_size(start + trunc_page(i * 2654435761 % size));
        took = ticks() - begun;
        least = took < least ? took : least;
    }
    return least;
}

/* The same for memory of two pages, for which there is no room between these regions. */
static uint64_t allocate_time(void)
{
    uint64_t least = ~0UL;

    for (int try = 0; try < 10; try++) {
        uint64_t begun = ticks(), took;

        for (int i = 0; i < 10; i++) {
            vm_address_t a = 0;

            if (vm_allocate(SELF, &a, 2 * PAGE_SIZE, TRUE) != KERN_SUCCESS)
                return 0;
            vm_deallocate(SELF, a, 2 * PAGE_SIZE);
        }
        took = ticks() - begun;
        least = took < least ? took : least;
    }
    return least;
}

/* Of `pages` pages every other one is given up. */
static vm_address_t comb(int pages)
{
    vm_address_t a = fresh(pages * PAGE_SIZE);

    for (int i = 1; a != 0 && i < pages; i += 2)
        if (vm_deallocate(SELF, a + i * PAGE_SIZE, PAGE_SIZE) != KERN_SUCCESS)
            return 0;
    return a;
}

/* With 10,000 regions one is found, and a place for another, in little more time than with ten: the map
 * is searched by halves. [vm_map_tree.c] */
TEST(ten_thousand_regions_are_searched_by_halves)
{
    enum { FEW = 20, MANY = 20000 };
    uint64_t look[2], place[2];
    vm_address_t a = comb(FEW), b;

    REQUIRE_TRUE(a != 0);
    look[0] = look_up_time(a, FEW * PAGE_SIZE);
    place[0] = allocate_time();
    release(a, FEW * PAGE_SIZE);
    b = comb(MANY);
    REQUIRE_TRUE(b != 0);
    look[1] = look_up_time(b, MANY * PAGE_SIZE);
    place[1] = allocate_time();
    release(b, MANY * PAGE_SIZE);
    EXPECT_TRUE(place[0] != 0 && place[1] != 0);
    EXPECT_SHORTER(look[1], 4 * look[0]);
    EXPECT_SHORTER(place[1], 4 * place[0]);
}

#define GENERATIONS 1000
#define MEMORY      64 /* pages */

static task_t line[GENERATIONS + 1];

/* The time that ten generations take, each of which writes to two pages, and then is copied. */
static uint64_t ten_generations(int first, vm_address_t a)
{
    uint64_t begun = ticks();

    for (int g = first; g < first + 10; g++) {
        if (set_byte_of(line[g], a + g * 7 % MEMORY * PAGE_SIZE, (char)g) != KERN_SUCCESS
            || set_byte_of(line[g], a + (g * 7 + 3) % MEMORY * PAGE_SIZE, (char)g) != KERN_SUCCESS
            || task_create(line[g], TRUE, &line[g + 1]) != KERN_SUCCESS)
            return 0;
    }
    return ticks() - begun;
}

/* Of a thousand generations, each a copy of the one before, the last cost no more than the tenth did, as long
 * as all live. [vm_object.c] */
TEST(the_thousandth_nested_copy_costs_what_the_tenth_does)
{
    vm_address_t a = fresh(MEMORY * PAGE_SIZE);
    uint64_t early, late = 0;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 'a', MEMORY * PAGE_SIZE);
    REQUIRE_KR(task_create(SELF, TRUE, &line[0]), KERN_SUCCESS);
    REQUIRE_TRUE(ten_generations(0, a) != 0);
    early = ten_generations(10, a);
    REQUIRE_TRUE(early != 0);
    for (int g = 20; g < GENERATIONS; g += 10) {
        late = ten_generations(g, a);
        REQUIRE_TRUE(late != 0);
    }
    EXPECT_SHORTER(late, 2 * early);
    EXPECT_EQ(seen_by(line[GENERATIONS], a + (GENERATIONS - 1) * 7 % MEMORY * PAGE_SIZE),
              (char)(GENERATIONS - 1));
    EXPECT_EQ(BYTE(a), 'a');
    for (int g = 0; g <= GENERATIONS; g++) {
        task_terminate(line[g]);
        mach_port_deallocate(SELF, line[g]);
    }
    release(a, MEMORY * PAGE_SIZE);
}

/* A protection flipped a million times leaves the map as it was. [vm_map.c] */
TEST(a_million_flips_do_not_grow_the_map)
{
    vm_address_t a = fresh(8 * PAGE_SIZE);
    uint32_t before = map_entries();
    int wrong = 0;

    REQUIRE_TRUE(a != 0);
    for (int i = 0; i < 1000000; i++)
        wrong += vm_protect(SELF, a + 3 * PAGE_SIZE, PAGE_SIZE, FALSE,
                            i % 2 ? VM_PROT_DEFAULT : VM_PROT_READ) != KERN_SUCCESS;
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(map_entries(), before);
    release(a, 8 * PAGE_SIZE);
}

TEST_MAIN
