/*
 * More address spaces than there are ASIDs (256: aarch64/asid.c), all alive and all running: each
 * looks again and again whether its memory is its own. A TLB entry of another space under the same
 * number would show. Read mach_child.h before.
 */
#include "mach_child.h"

TEST_LIMIT(120);

#define SPACES 300
#define ROUNDS 8 /* each space is left and come back to so often, at least */

struct shared {
    volatile uint64_t rounds[SPACES];
    volatile uint64_t bad, stop;
};
static struct shared *shared;
static struct child spaces[SPACES];
static volatile uint64_t own[4 * PAGE_SIZE / sizeof(uint64_t)] __attribute__((aligned(4096)));

static void look_at_memory(uint64_t number)
{
    const unsigned step = PAGE_SIZE / sizeof(uint64_t);

    for (unsigned page = 0; page < 4; page++)
        own[page * step] = number * 4 + page;
    while (!shared->stop) {
        for (unsigned page = 0; page < 4; page++)
            if (own[page * step] != number * 4 + page)
                shared->bad = number + 1;
        shared->rounds[number]++;
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
    }
}

TEST(more_spaces_than_asids_keep_their_memory_apart)
{
    vm_size_t size = round_page(sizeof(*shared));
    vm_address_t region = 0;
    unsigned slow = 0;

    REQUIRE_KR(vm_allocate(SELF, &region, size, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, region, size, VM_INHERIT_SHARE), KERN_SUCCESS);
    shared = (struct shared *)region;
    for (unsigned i = 0; i < SPACES; i++) {
        REQUIRE_KR(child_make(&spaces[i]), KERN_SUCCESS);
        REQUIRE_KR(child_run(&spaces[i], look_at_memory, i), KERN_SUCCESS);
    }
    for (int tries = 0; tries < 2000; tries++) {
        for (slow = 0; slow < SPACES && shared->rounds[slow] >= ROUNDS; slow++)
            continue;
        if (slow == SPACES || shared->bad != 0)
            break;
        sleep_ms(10);
    }
    EXPECT_EQ(shared->bad, 0);
    EXPECT_EQ(slow, SPACES); /* the first that did not get so far */
    shared->stop = 1;
    for (unsigned i = 0; i < SPACES; i++)
        child_end(&spaces[i]);
    vm_deallocate(SELF, region, size);
}

TEST_MAIN
