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
#define NEED   (256UL << 10) /* bytes; more than is free when memory is gone */

/* Shared with the children. */
static struct shares {
    volatile uint64_t go;      /* the round to be done */
    volatile uint64_t done;    /* the round that is */
    vm_address_t region;
    vm_size_t size;
} *shares;

enum { LARGE, SMALL };

/* A child: in each round it touches all its memory, which is not there then. */
static void touch(uint64_t who)
{
    struct shares *mine = &shares[who];

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

/* A child that begins with an exception, so that its handler has touched what it will need when memory is
 * gone. */
static void fault_and_touch(uint64_t who)
{
    *(volatile char *)BAD_ADDRESS = 1;
    touch(who);
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

/* Makes both children, each with so many eighths of what is free; the exceptions of both come to port. */
static void make_both(mach_port_t port, unsigned large_eighths, unsigned small_eighths)
{
    unsigned eighths[] = {large_eighths, small_eighths};
    struct child *children[] = {&large, &small};
    mach_port_t host = mach_host_self();
    vm_address_t page = 0;
    struct vm_statistics s;

    REQUIRE_KR(vm_allocate(SELF, &page, PAGE_SIZE, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, page, PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    shares = (struct shares *)page;
    *(volatile char *)page = 0;
    REQUIRE_KR(host_vm_statistics(host, &s), KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    for (unsigned who = LARGE; who <= SMALL; who++) {
        shares[who].size = round_page((vm_size_t)s.free_count * PAGE_SIZE / 8 * eighths[who]);
        REQUIRE_KR(child_make_watched(children[who], port, EXC_MASK(EXC_BAD_ACCESS), EXCEPTION_DEFAULT),
                   KERN_SUCCESS);
        REQUIRE_KR(vm_allocate(children[who]->task, &shares[who].region, shares[who].size, TRUE),
                   KERN_SUCCESS);
    }
}

static void end_both(void)
{
    child_end(&large);
    child_end(&small);
    REQUIRE_KR(vm_deallocate(SELF, (vm_address_t)shares, PAGE_SIZE), KERN_SUCCESS);
}

/* Whoever touches the last page, the task that has most is asked; when its handler has helped it is asked
 * again the next time, and never terminated. [memory_gone.c] */
TEST(who_has_most_is_asked_each_time)
{
    mach_port_t port = new_port_send();
    cthread_t handler;

    make_both(port, 5, 4);
    handler = cthread_fork(serve, (void *)(uintptr_t)port);
    on_exception = help_both;
    helped = 0;
    REQUIRE_KR(child_run(&large, fault_and_touch, LARGE), KERN_SUCCESS);
    REQUIRE_TRUE(wait_for_value(&helped, 1));
    REQUIRE_KR(child_run(&small, fault_and_touch, SMALL), KERN_SUCCESS);
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
    end_both();
    mach_port_destroy(SELF, port);
    cthread_join(handler);
}

static volatile uint64_t asked; /* messages that the silent handler has */

/* In a thread, until the port is destroyed: a handler that keeps the first two messages, and answers none. */
static void *keep_silent(void *arg)
{
    static union {
        mach_msg_header_t header;
        char room[512];
    } kept[2];

    while (mach_msg(&kept[asked % 2].header, MACH_RCV_MSG, 0, sizeof(kept[0]), (mach_port_t)(uintptr_t)arg,
                    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
        asked++;
    for (unsigned i = 0; i < 2 && i < asked; i++)
        mach_msg_destroy(&kept[i].header);
    return NULL;
}

/* Whose handler is silent is asked again when others need memory, once, and is terminated when that has not
 * helped: an aborted wait for the handler is no answer. [memory_gone.c] */
TEST(whose_handler_is_silent_ends)
{
    mach_port_t port = new_port_send();
    vm_address_t at = 0;
    cthread_t handler;

    asked = 0;
    make_both(port, 7, 2);
    handler = cthread_fork(keep_silent, (void *)(uintptr_t)port);
    REQUIRE_KR(vm_allocate(SELF, &at, NEED, TRUE), KERN_SUCCESS);
    REQUIRE_KR(child_run(&small, touch, SMALL), KERN_SUCCESS);
    shares[SMALL].go = 1;
    REQUIRE_TRUE(wait_for_value(&shares[SMALL].done, 1));
    REQUIRE_KR(child_run(&large, touch, LARGE), KERN_SUCCESS);
    shares[LARGE].go = 1;
    REQUIRE_TRUE(wait_for_value(&asked, 1));
    for (vm_size_t o = 0; o < NEED; o += PAGE_SIZE)
        *(volatile char *)(at + o) = 1;
    EXPECT_EQ(asked, 2);
    EXPECT_TRUE(type_of(large.task) & MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(shares[LARGE].done, 0);
    REQUIRE_KR(vm_deallocate(SELF, at, NEED), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
    cthread_join(handler);
    end_both();
}

TEST_MAIN
