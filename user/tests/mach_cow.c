/*
 * Memory between tasks: another's, inherited (shared, copied, or not), copied on write, and sent in
 * messages.
 */
#include "mach_child.h"

/* Fresh zero-filled memory; 0: none. */
static vm_address_t fresh(vm_size_t size)
{
    vm_address_t address = 0;

    return vm_allocate(SELF, &address, size, TRUE) == KERN_SUCCESS ? address : 0;
}

static boolean_t is_filled(const char *at, char value, vm_size_t size)
{
    for (vm_size_t i = 0; i < size; i++)
        if (at[i] != value)
            return FALSE;
    return TRUE;
}

TEST(another_tasks_memory)
{
    struct child child;
    vm_address_t a = 0, b = 0;
    vm_prot_t cur, max;
    uint64_t word;
    struct vm_region_info info;
    vm_size_t size;

    REQUIRE_KR(task_create(SELF, FALSE, &child.task), KERN_SUCCESS);
    child.thread = MACH_PORT_NULL;
    EXPECT_KR(vm_region(child.task, &a, &size, &info), KERN_NO_SPACE); /* empty */
    REQUIRE_KR(vm_allocate(child.task, &a, 4 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    EXPECT_KR(poke(child.task, (uint64_t *)a, 0x1234), KERN_SUCCESS);
    EXPECT_KR(peek(child.task, (uint64_t *)a, &word), KERN_SUCCESS);
    EXPECT_EQ(word, 0x1234);
    EXPECT_KR(peek(child.task, (uint64_t *)0x400000, &word), KERN_INVALID_ADDRESS);
    REQUIRE_KR(vm_remap(SELF, &b, 4 * PAGE_SIZE, 0, TRUE, child.task, a, FALSE, &cur, &max,
                        VM_INHERIT_COPY), KERN_SUCCESS);
    EXPECT_EQ(*(volatile uint64_t *)b, 0x1234);
    *(volatile uint64_t *)(b + PAGE_SIZE) = 0x5678;
    EXPECT_KR(peek(child.task, (uint64_t *)(a + PAGE_SIZE), &word), KERN_SUCCESS);
    EXPECT_EQ(word, 0x5678);
    child_end(&child);
    EXPECT_EQ(*(volatile uint64_t *)b, 0x1234); /* the memory outlives the task */
    EXPECT_KR(vm_deallocate(SELF, b, 4 * PAGE_SIZE), KERN_SUCCESS);
}

TEST(no_memory_of_a_dead_task)
{
    mach_port_t host = mach_host_self();
    struct child child;
    vm_address_t a = 0;

    REQUIRE_KR(task_create(SELF, FALSE, &child.task), KERN_SUCCESS);
    REQUIRE_KR(task_terminate(child.task), KERN_SUCCESS);
    EXPECT_TRUE(vm_allocate(child.task, &a, PAGE_SIZE, TRUE) != KERN_SUCCESS);
    EXPECT_TRUE(vm_allocate(MACH_PORT_NULL, &a, PAGE_SIZE, TRUE) != KERN_SUCCESS);
    EXPECT_TRUE(vm_allocate(host, &a, PAGE_SIZE, TRUE) != KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
    mach_port_deallocate(SELF, child.task);
}

TEST(inheritance_share_copy_none)
{
    vm_address_t a = fresh(3 * PAGE_SIZE);
    volatile uint64_t *shared = (uint64_t *)a, *copied = (uint64_t *)(a + PAGE_SIZE),
                      *private = (uint64_t *)(a + 2 * PAGE_SIZE);
    struct child child;
    uint64_t word;

    REQUIRE_TRUE(a != 0);
    *shared = *copied = *private = 1;
    REQUIRE_KR(vm_inherit(SELF, (vm_address_t)shared, PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, (vm_address_t)private, PAGE_SIZE, VM_INHERIT_NONE), KERN_SUCCESS);
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    *shared = *copied = 2;
    EXPECT_KR(peek(child.task, shared, &word), KERN_SUCCESS);
    EXPECT_EQ(word, 2);
    EXPECT_KR(peek(child.task, copied, &word), KERN_SUCCESS);
    EXPECT_EQ(word, 1);
    EXPECT_KR(peek(child.task, private, &word), KERN_INVALID_ADDRESS);
    EXPECT_KR(poke(child.task, shared, 3), KERN_SUCCESS);
    EXPECT_KR(poke(child.task, copied, 3), KERN_SUCCESS);
    EXPECT_EQ(*shared, 3);
    EXPECT_EQ(*copied, 2);
    child_end(&child);
    EXPECT_EQ(*shared, 3);
    EXPECT_KR(vm_deallocate(SELF, a, 3 * PAGE_SIZE), KERN_SUCCESS);
}

/* ---- copy on write ---- */

#define COW_PAGES 32
static volatile uint64_t *cow_area;

/* The child: adds one to each page, and tells by `done` being 1, or 2: it saw something else than 7. */
static volatile uint64_t done;

static void write_all(uint64_t expected)
{
    uint64_t result = 1;

    for (int i = 0; i < COW_PAGES; i++) {
        if (cow_area[i * 512] != expected)
            result = 2;
        cow_area[i * 512] += 1;
    }
    done = result;
    for (;;)
        sleep_ms(1000);
}

TEST(copy_on_write_both_ways)
{
    struct child child;
    uint64_t word;

    cow_area = (uint64_t *)fresh(COW_PAGES * PAGE_SIZE);
    REQUIRE_TRUE(cow_area != NULL);
    for (int i = 0; i < COW_PAGES; i++)
        cow_area[i * 512] = 7;
    done = 0;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    for (int i = 0; i < COW_PAGES; i += 2)
        cow_area[i * 512] = 100; /* the parent's writes first, for half of the pages */
    REQUIRE_KR(child_run(&child, write_all, 7), KERN_SUCCESS);
    EXPECT_TRUE(wait_for_peek(child.task, &done, 1));
    for (int i = 0; i < COW_PAGES; i++) {
        EXPECT_EQ(cow_area[i * 512], i % 2 == 0 ? 100 : 7);
        EXPECT_KR(peek(child.task, &cow_area[i * 512], &word), KERN_SUCCESS);
        EXPECT_EQ(word, 8);
    }
    child_end(&child);
    for (int i = 0; i < COW_PAGES; i++)
        EXPECT_EQ(cow_area[i * 512], i % 2 == 0 ? 100 : 7);
    EXPECT_KR(vm_deallocate(SELF, (vm_address_t)cow_area, COW_PAGES * PAGE_SIZE), KERN_SUCCESS);
}

TEST(repeated_forks_do_not_grow_the_chain)
{
    struct host_counters before, after;
    vm_address_t a = fresh(16 * PAGE_SIZE), at = a;
    struct vm_region_info info;
    struct child child;
    vm_size_t size;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 'f', 16 * PAGE_SIZE);
    counters(&before);
    for (int i = 0; i < 100; i++) {
        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        ((volatile char *)a)[(i % 16) * PAGE_SIZE] = 'g';
        child_end(&child);
    }
    REQUIRE_KR(vm_region(SELF, &at, &size, &info), KERN_SUCCESS);
    EXPECT_TRUE(info.shadow_depth < 10);
    for (int i = 0; i < 16; i++)
        EXPECT_EQ(((char *)a)[i * PAGE_SIZE], 'g');
    EXPECT_TRUE(is_filled((char *)a + 1, 'f', PAGE_SIZE - 1));
    for (int tries = 0; tries < 100; tries++) {
        counters(&after);
        if (after.tasks == before.tasks && after.vm_maps == before.vm_maps)
            break;
        sleep_ms(10);
    }
    EXPECT_TRUE(after.anonymous_pages <= before.anonymous_pages + 24);
    EXPECT_KR(vm_deallocate(SELF, a, 16 * PAGE_SIZE), KERN_SUCCESS);
}

/* A chain of tasks, each the child of the one before; before child g is made, page g of its parent is
 * written. So child g sees the pages up to g, and the one that was written to itself after. */
TEST(grandchildren_see_their_own_time)
{
    enum { GENERATIONS = 6 };
    static volatile uint64_t words[GENERATIONS * 512] __attribute__((aligned(4096)));
    struct child child[GENERATIONS];
    task_t parent = SELF;
    uint64_t word;

    memset((void *)words, 0, sizeof words);
    for (int g = 0; g < GENERATIONS; g++) {
        REQUIRE_KR(poke(parent, &words[g * 512], 100 + g), KERN_SUCCESS);
        child[g].thread = MACH_PORT_NULL;
        REQUIRE_KR(task_create(parent, TRUE, &child[g].task), KERN_SUCCESS);
        parent = child[g].task;
    }
    for (int g = 0; g < GENERATIONS; g++)
        for (int page = 0; page < GENERATIONS; page++) {
            EXPECT_KR(peek(child[g].task, &words[page * 512], &word), KERN_SUCCESS);
            EXPECT_EQ(word, page <= g + 1 ? 100 + page : 0);
        }
    for (int g = 0; g < GENERATIONS; g += 2) /* in an order that leaves gaps in the middle */
        child_end(&child[g]);
    for (int page = 0; page < GENERATIONS; page++) {
        EXPECT_KR(peek(child[5].task, &words[page * 512], &word), KERN_SUCCESS);
        EXPECT_EQ(word, 100 + page);
    }
    for (int g = 1; g < GENERATIONS; g += 2)
        child_end(&child[g]);
}

/* ---- out-of-line memory ---- */

static mach_msg_return_t send_memory(mach_port_t to, vm_address_t address, uint32_t size,
                                     boolean_t deallocate)
{
    struct ool m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to},
        .body = {.msgh_descriptor_count = 1},
        .memory = {.address = address, .size = size, .deallocate = (uint8_t)deallocate,
                   .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR},
    };

    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, OOL_SIZE, 0, MACH_PORT_NULL, 0,
                    MACH_PORT_NULL);
}

TEST(memory_in_a_message_is_a_snapshot)
{
    mach_port_t port = new_port_send();
    vm_address_t a = fresh(64 * PAGE_SIZE);
    struct ool m;

    REQUIRE_TRUE(a != 0);
    memset((void *)a, 'm', 64 * PAGE_SIZE);
    REQUIRE_KR(send_memory(port, a, 64 * PAGE_SIZE, FALSE), MACH_MSG_SUCCESS);
    memset((void *)a, 'n', 64 * PAGE_SIZE);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 0,
                        MACH_PORT_NULL), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.memory.size, 64 * PAGE_SIZE);
    EXPECT_TRUE(is_filled((char *)m.memory.address, 'm', 64 * PAGE_SIZE));
    EXPECT_KR(vm_deallocate(SELF, m.memory.address, m.memory.size), KERN_SUCCESS);
    REQUIRE_KR(send_memory(port, a, 64 * PAGE_SIZE, TRUE), MACH_MSG_SUCCESS); /* moved */
    EXPECT_KR(vm_protect(SELF, a, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_INVALID_ADDRESS);
    mach_port_destroy(SELF, port); /* the message, and what it held, goes with the port */
}

TEST_MAIN
