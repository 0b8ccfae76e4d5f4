/*
 * More memory than there is: page-out to the default pager, and what comes back.
 */
#include "posix_test.h"

#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <time.h>

TEST_LIMIT(300);
TEST_MEMORY(64);

#define MIB  (1UL << 20)
#define SIZE (88 * MIB) /* what 64 MiB cannot hold; boot argument swap.mib= for another */
#define STEP 512        /* a word is written in so many bytes */
#define ANSWER_MAX 10   /* seconds */

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

static int write_and_read_twice(void)
{
    char *at = get(size);

    for (uint64_t round = 0; at != NULL && round < 2; round++) {
        fill(at, size, round);
        if (check(at, size, round) != size)
            return 1;
    }
    return at != NULL ? 0 : 2;
}

/* A shell runs two programs: that takes the file, the process, the pipe and the bootstrap server. */
static time_t shell_takes(void)
{
    time_t begin = time(NULL);
    char output[64];

    EXPECT_EQ(shell("echo a | cat", output, sizeof(output)), 0);
    EXPECT_STREQ(output, "a\n");
    return time(NULL) - begin;
}

/* One program writes more memory than there is, and all of it comes back, twice; a shell answers
 * meanwhile. */
TEST(twice_written_and_read_while_a_shell_answers)
{
    int status, answers = 0;
    char text[16];
    pid_t pid;

    size = test_boot_arg("swap.mib", text, sizeof(text)) > 0 ? strtoul(text, NULL, 10) * MIB : SIZE;
    REQUIRE_EQ(swap_used(), 0);
    pid = fork();
    REQUIRE_TRUE(pid >= 0);
    if (pid == 0)
        _exit(write_and_read_twice());
    while (waitpid(pid, &status, WNOHANG) == 0) {
        EXPECT_TRUE(shell_takes() <= ANSWER_MAX || !test_time_is_counted());
        answers++;
    }
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(answers >= 2);
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
    size = SIZE;
    memory = get(size);
    REQUIRE_TRUE(memory != NULL);
    fill(memory, size, 1);
    EXPECT_TRUE(swap_used() >= (size - 64 * MIB) / PAGE_SIZE);
    EXPECT_EQ(run_child(change_and_check), 0);
    EXPECT_EQ(check(memory, size / 8, 1), size / 8);
}

/* Swap space is given back with the memory it stood for. */
TEST(swap_space_is_given_back)
{
    if (memory == NULL) { /* run alone */
        size = SIZE;
        memory = get(size);
        REQUIRE_TRUE(memory != NULL);
        fill(memory, size, 0);
        REQUIRE_TRUE(swap_used() > 0);
    }
    EXPECT_EQ(vm_deallocate(mach_task_self(), (vm_address_t)memory, size), KERN_SUCCESS);
    /* What is left is others' pages, which nobody has asked for since. */
    EXPECT_TRUE(swap_used() < 16 * MIB / PAGE_SIZE);
    EXPECT_TRUE(shell_takes() <= ANSWER_MAX || !test_time_is_counted());        /* they are there */
}

POSIX_TEST_MAIN
