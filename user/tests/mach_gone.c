/*
 * Mach by example, 36: memory is gone, and there is no swap space. A page fault cannot be served: the task
 * that has most gets an exception, and the one that faulted waits for what that makes free. Read
 * kern/memory_gone.c beside it.
 */
#include "mach_exc.h"

#include <mach/mach_host.h>

TEST_MEMORY(64);
TEST_LIMIT(60);

#define ROUNDS 4

/* Shared with the children. */
static struct shares {
    volatile uint64_t go;      /* the round to be done */
    volatile uint64_t done;    /* the round that is */
    vm_address_t region;
    vm_size_t size;
} *shares;

enum { LARGE, SMALL };

/* A child: an exception to begin with, so that its handler has touched what it will need when memory is
 * gone; then in each round it touches all its memory, which is not there then. */
static void touch(uint64_t who)
{
    struct shares *mine = &shares[who];

    *(volatile char *)BAD_ADDRESS = 1;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        while (mine->go != round)
            sleep_ms(1);
        for (vm_size_t at = 0; at < mine->size; at += PAGE_SIZE)
            *(volatile char *)(mine->region + at) = 1;
        mine->done = round;
    }
    for (;;)
        sleep_ms(1000);
}

/* Gives up the memory of a child; it may touch it again. */
static void give_back(const struct child *child, unsigned who)
{
    vm_address_t at = shares[who].region;

    EXPECT_KR(vm_deallocate(child->task, at, shares[who].size), KERN_SUCCESS);
    EXPECT_KR(vm_allocate(child->task, &at, shares[who].size, FALSE), KERN_SUCCESS);
}

static struct child large, small;
static volatile uint64_t helped; /* exceptions answered */

static kern_return_t help_large(void)
{
    give_back(&large, LARGE);
    helped++;
    return KERN_SUCCESS;
}

/* The exception that each begins with. */
static kern_return_t help_both(void)
{
    vm_address_t at = BAD_ADDRESS;

    give_back(&large, LARGE);
    give_back(&small, SMALL);
    helped++;
    return vm_allocate(caught.task, &at, PAGE_SIZE, FALSE);
}

/* In a thread, until the port is destroyed. It needs no memory once it runs: else who has most would wait
 * for its handler, and that for memory. */
static void *serve(void *arg)
{
    mach_msg_server(exc_server, exc_server_max_request, (mach_port_t)(uintptr_t)arg, 0);
    return NULL;
}

static void begin(struct child *child, unsigned who, vm_size_t size, mach_port_t port)
{
    shares[who].size = round_page(size);
    REQUIRE_KR(child_make_watched(child, port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT), KERN_SUCCESS);
    REQUIRE_KR(vm_allocate(child->task, &shares[who].region, shares[who].size, TRUE), KERN_SUCCESS);
}

/* Whoever touches the last page, the task that has most is asked; when its handler has helped it is asked
 * again the next time, and never terminated. [memory_gone.c] */
TEST(who_has_most_is_asked_each_time)
{
    mach_port_t port = new_port_send(), host = mach_host_self();
    vm_address_t page = 0;
    struct vm_statistics s;
    cthread_t handler;

    REQUIRE_KR(vm_allocate(SELF, &page, PAGE_SIZE, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, page, PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    shares = (struct shares *)page;
    *(volatile char *)page = 0;
    REQUIRE_KR(host_vm_statistics(host, &s), KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    begin(&large, LARGE, (vm_size_t)s.free_count * PAGE_SIZE / 8 * 5, port);
    begin(&small, SMALL, (vm_size_t)s.free_count * PAGE_SIZE / 8 * 4, port);
    handler = cthread_fork(serve, (void *)(uintptr_t)port);
    on_exception = help_both;
    helped = 0;
    REQUIRE_KR(child_run(&large, touch, LARGE), KERN_SUCCESS);
    REQUIRE_TRUE(wait_for_value(&helped, 1));
    REQUIRE_KR(child_run(&small, touch, SMALL), KERN_SUCCESS);
    REQUIRE_TRUE(wait_for_value(&helped, 2));
    on_exception = help_large;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        shares[LARGE].go = round;
        REQUIRE_TRUE(wait_for_value(&shares[LARGE].done, round));
        shares[SMALL].go = round;
        REQUIRE_TRUE(wait_for_value(&helped, 2 + round));
        EXPECT_EQ(caught.task, large.task);
        EXPECT_EQ(caught.type, EXC_BAD_ACCESS);
        EXPECT_EQ(caught.code[0], KERN_RESOURCE_SHORTAGE);
        REQUIRE_TRUE(wait_for_value(&shares[SMALL].done, round));
        give_back(&small, SMALL);
    }
    child_end(&large);
    child_end(&small);
    mach_port_destroy(SELF, port);
    cthread_join(handler);
    REQUIRE_KR(vm_deallocate(SELF, page, PAGE_SIZE), KERN_SUCCESS);
}

TEST_MAIN
