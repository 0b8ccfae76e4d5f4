/*
 * Large address spaces and long lines of descent: what grows is the whole, never the single step. Time is
 * guest time, and what it says counts with -icount alone.
 */
#define ZONE_SLACK (1024 * 1024) /* of 10,000 entries and 1,000 tasks some pages stay with their zones */
#include "mach_memory.h"
#include <stdio.h>

TEST_LIMIT(120); /* without icount guest time is the host's, and a million calls take what it gives */

TEST_MEMORY(256);

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
 * as all live. [vm_shadow.c] */
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

#define LARGE_LINE   60
#define LARGE        512 /* pages */
#define LARGE_WRITES 200 /* pages: more than the kernel looks at with locks held */

static char many_bytes[LARGE_WRITES * PAGE_SIZE] __attribute__((aligned(4096)));

/* Where generation g writes. */
static vm_offset_t place_of(int g)
{
    return g * 37 % (LARGE - LARGE_WRITES) * PAGE_SIZE;
}

/* Ten generations write much; the time they take. */
static uint64_t ten_large_generations(int first, vm_address_t a)
{
    uint64_t begun = ticks();

    for (int g = first; g < first + 10; g++) {
        memset(many_bytes, g, sizeof many_bytes);
        if (vm_write(line[g], a + place_of(g), (vm_offset_t)many_bytes, sizeof many_bytes) != KERN_SUCCESS
            || task_create(line[g], TRUE, &line[g + 1]) != KERN_SUCCESS)
            return 0;
    }
    return ticks() - begun;
}

/* The same holds for generations each of which writes to hundreds of pages: the chain of objects stays
 * short, and all see what is theirs. [vm_shadow.c] */
TEST(chains_of_large_objects_are_bounded)
{
    vm_address_t a = fresh(LARGE * PAGE_SIZE);
    uint32_t deepest = 0, before;
    uint64_t early, late = 0;
    int wrong = 0;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, -1, LARGE * PAGE_SIZE);
    memset(many_bytes, -1, sizeof many_bytes);
    before = anonymous_pages();
    REQUIRE_KR(task_create(SELF, TRUE, &line[0]), KERN_SUCCESS);
    early = ten_large_generations(0, a);
    REQUIRE_TRUE(early != 0);
    for (int g = 10; g < LARGE_LINE; g += 10) {
        uint64_t took = ten_large_generations(g, a);

        REQUIRE_TRUE(took != 0);
        late = took;
    }
    printf("the last ten of %d generations took %lu.%02lu times as long as the first ten\n", LARGE_LINE,
           late / early, late * 100 / early % 100);
    EXPECT_SHORTER(late, 2 * early);
    for (int g = 0; g < LARGE_LINE; g++) {
        vm_size_t size;
        uint32_t depth = region_of(line[g], a, &size).shadow_depth;

        deepest = depth > deepest ? depth : deepest;
        wrong += seen_by(line[g], a + place_of(g)) != (char)g;
        wrong += g > 0 && seen_by(line[g - 1], a + place_of(g) + (LARGE_WRITES - 1) * PAGE_SIZE)
                              == (char)g;
    }
    printf("at most %u objects deep; %u pages for %u that were written\n", deepest,
           anonymous_pages() - before, LARGE_LINE * LARGE_WRITES);
    EXPECT_TRUE(deepest <= 14);
    EXPECT_EQ(wrong, 0);
    for (int g = 0; g <= LARGE_LINE; g++) {
        task_terminate(line[g]);
        mach_port_deallocate(SELF, line[g]);
    }
    release(a, LARGE * PAGE_SIZE);
}

#define BRANCHES 4
#define BRANCH   24 /* generations */

struct branch {
    cthread_t thread;
    int number;
    vm_address_t address;
    task_t task[BRANCH + 1];
    int wrong;
};

static char branch_byte(int number, int g)
{
    return (char)(1 + number * BRANCH + g);
}

/* In a thread: descendants of one task, who write while those of other branches do. */
static void *grow(void *arg)
{
    struct branch *branch = arg;
    vm_address_t a = branch->address;

    for (int g = 0; g < BRANCH; g++) {
        for (int i = 0; i < LARGE_WRITES; i++)
            branch->wrong += set_byte_of(branch->task[g], a + place_of(g + branch->number) + i * PAGE_SIZE,
                                         branch_byte(branch->number, g)) != KERN_SUCCESS;
        branch->wrong += task_create(branch->task[g], TRUE, &branch->task[g + 1]) != KERN_SUCCESS;
        if (g % 3 == 2) { /* in the middle of the chain */
            task_terminate(branch->task[g - 1]);
            mach_port_deallocate(SELF, branch->task[g - 1]);
            branch->task[g - 1] = MACH_PORT_NULL;
        }
    }
    for (int g = 0; g < BRANCH; g++) {
        if (branch->task[g] == MACH_PORT_NULL)
            continue;
        for (int i = 0; i < LARGE_WRITES; i += 10)
            branch->wrong += seen_by(branch->task[g], a + place_of(g + branch->number) + i * PAGE_SIZE)
                             != branch_byte(branch->number, g);
    }
    return NULL;
}

/* Several processors shorten what chains have in common at the same time. [vm_shadow.c] */
TEST(branches_of_a_family_do_not_disturb_each_other)
{
    static struct branch branches[BRANCHES];
    vm_address_t a = fresh(LARGE * PAGE_SIZE);
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 'a', LARGE * PAGE_SIZE);
    for (int i = 0; i < BRANCHES; i++) {
        branches[i] = (struct branch){.number = i, .address = a};
        REQUIRE_KR(task_create(i < 2 ? SELF : branches[i - 2].task[0], TRUE, &branches[i].task[0]),
                   KERN_SUCCESS);
    }
    for (int i = 0; i < BRANCHES; i++)
        REQUIRE_TRUE((branches[i].thread = cthread_fork(grow, &branches[i])) != NULL);
    for (int i = 0; i < BRANCHES; i++) {
        cthread_join(branches[i].thread);
        EXPECT_EQ(branches[i].wrong, 0);
        EXPECT_TRUE(region_of(branches[i].task[BRANCH], a, &size).shadow_depth <= 16);
    }
    for (int i = 0; i < BRANCHES; i++) {
        for (int g = 0; g <= BRANCH; g++) {
            if (branches[i].task[g] == MACH_PORT_NULL)
                continue;
            task_terminate(branches[i].task[g]);
            mach_port_deallocate(SELF, branches[i].task[g]);
        }
    }
    release(a, LARGE * PAGE_SIZE);
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
