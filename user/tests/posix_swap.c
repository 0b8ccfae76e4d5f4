/*
 * More memory than there is: page-out to the default pager, and what comes back.
 */
#include "posix_test.h"

#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <time.h>

TEST_LIMIT(120);
TEST_MEMORY(64);

#define MIB  (1UL << 20)
#define SIZE (88 * MIB) /* what 64 MiB cannot hold; boot argument swap.mib= for another */
#define STEP 512        /* a word is written in so many bytes */

static char *memory;
static size_t size;

static uint64_t value(size_t offset, uint64_t round)
{
    return (offset + round * 0x1234567) * 0x9e3779b97f4a7c15UL;
}

static void fill(char *at, size_t length, uint64_t round)
{
    for (size_t o = 0; o < length; o += STEP)
        *(uint64_t *)(at + o) = value(o, round);
}

/* The offset of the first wrong word, or length. */
static size_t check(const char *at, size_t length, uint64_t round)
{
    for (size_t o = 0; o < length; o += STEP)
        if (*(const uint64_t *)(at + o) != value(o, round))
            return o;
    return length;
}

static char *get(size_t length)
{
    vm_address_t at = 0;

    return vm_allocate(mach_task_self(), &at, length, TRUE) == KERN_SUCCESS ? (char *)at : NULL;
}

static uint64_t swap_used(void)
{
    mach_port_t host = mach_host_self();
    vm_statistics_data_t s = {0};

    host_vm_statistics(host, &s);
    mach_port_deallocate(mach_task_self(), host);
    return s.swap_count != 0 ? s.swap_used : ~0UL;
}

/* All of it comes back as it was written, also when it is written again. */
TEST(twice_written_and_read)
{
    char text[16];

    size = test_boot_arg("swap.mib", text, sizeof(text)) > 0 ? strtoul(text, NULL, 10) * MIB : SIZE;
    REQUIRE_EQ(swap_used(), 0);
    memory = get(size);
    REQUIRE_TRUE(memory != NULL);
    for (uint64_t round = 0; round < 2; round++) {
        fill(memory, size, round);
        EXPECT_EQ(check(memory, size, round), size);
    }
    EXPECT_TRUE(swap_used() >= (size - 64 * MIB) / PAGE_SIZE);
}

static int change_and_check(void)
{
    size_t part = size / 8;

    if (check(memory, part, 1) != part)
        return 1;
    fill(memory, part, 7);
    return check(memory, part, 7) == part ? 0 : 2;
}

/* A child has a copy of what is swapped out, too; what it writes is its own. */
TEST(a_fork_copies_what_is_swapped_out)
{
    EXPECT_EQ(run_child(change_and_check), 0);
    EXPECT_EQ(check(memory, size / 8, 1), size / 8);
}

/* While one program asks for more memory than there is, others get on. */
TEST(a_shell_answers_meanwhile)
{
    char output[64];
    pid_t pid = fork();

    REQUIRE_TRUE(pid >= 0);
    if (pid == 0)
        for (;;)
            check(memory, size, 1);
    for (int i = 0; i < 3; i++) {
        time_t begin = time(NULL);

        EXPECT_EQ(shell("echo a | cat", output, sizeof(output)), 0);
        EXPECT_STREQ(output, "a\n");
        EXPECT_TRUE(time(NULL) - begin <= 10);
    }
    kill(pid, SIGKILL);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

/* Swap space is given back with the memory it stood for. */
TEST(swap_space_is_given_back)
{
    EXPECT_EQ(vm_deallocate(mach_task_self(), (vm_address_t)memory, size), KERN_SUCCESS);
    EXPECT_TRUE(swap_used() < 16 * MIB / PAGE_SIZE); /* others' pages, which nobody has asked for since */
}

POSIX_TEST_MAIN
