/*
 * Memory and swap space are gone: the task that has most pays, and the system goes on.
 */
#include "posix_test.h"

#include <mach/mach.h>
#include <mach/vm_map.h>

TEST_LIMIT(120);
TEST_MEMORY(64);
TEST_ARGS("swap=2048"); /* pages */

#define CHUNK (1UL << 20)

static int eat_all(void)
{
    for (;;) {
        vm_address_t at = 0;

        if (vm_allocate(mach_task_self(), &at, CHUNK, TRUE) != KERN_SUCCESS)
            return 3; /* the address space is larger than that */
        for (size_t o = 0; o < CHUNK; o += PAGE_SIZE)
            *(volatile char *)(at + o) = 1;
    }
}

/* Who takes all there is gets an exception, which ends it, and nobody else does. */
TEST(who_takes_all_pays)
{
    char output[64];
    int status;

    for (int i = 0; i < 3; i++) {
        status = run_child(eat_all);
        EXPECT_TRUE(WIFSIGNALED(status));
        EXPECT_EQ(shell("echo a | cat", output, sizeof(output)), 0);
        EXPECT_STREQ(output, "a\n");
    }
}

/* It need not be the one that touches the last page: that one gets it, the large one pays. */
TEST(a_small_task_does_not_pay_for_a_large_one)
{
    int ready[2], status;
    pid_t large, small;
    char byte;

    REQUIRE_EQ(pipe(ready), 0);
    large = fork();
    if (large == 0) { /* takes nearly all, and sleeps */
        for (int i = 0; i < 44; i++) {
            vm_address_t at = 0;

            vm_allocate(mach_task_self(), &at, CHUNK, TRUE);
            for (size_t o = 0; o < CHUNK; o += PAGE_SIZE)
                *(volatile char *)(at + o) = 1;
        }
        write(ready[1], "r", 1);
        for (;;)
            sleep(100);
    }
    REQUIRE_EQ(read(ready[0], &byte, 1), 1);
    small = fork();
    if (small == 0) {
        for (int i = 0; i < 30; i++) {
            vm_address_t at = 0;

            vm_allocate(mach_task_self(), &at, CHUNK, TRUE);
            for (size_t o = 0; o < CHUNK; o += PAGE_SIZE)
                *(volatile char *)(at + o) = 1;
        }
        _exit(0);
    }
    EXPECT_EQ(waitpid(small, &status, 0), small);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(waitpid(large, &status, 0), large);
    EXPECT_TRUE(WIFSIGNALED(status));
    close(ready[0]);
    close(ready[1]);
}

POSIX_TEST_MAIN
