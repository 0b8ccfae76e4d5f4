/*
 * The tools that show memory: free, vmstat, vmmap. What they print is compared with what the kernel says, and
 * with what this program does.
 */
#include "posix_test.h"
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/task.h>
#include <mach/vm_map.h>

TEST_LIMIT(60);

#define TEXT   8192
#define COLUMNS 12

static char output[TEXT];

/* The numbers of a line; how many there are, at most max. */
static int numbers(const char *line, unsigned long *value, int max)
{
    int count = 0;
    char *end;

    while (count < max && *line != '\n' && *line != '\0') {
        value[count] = strtoul(line, &end, 10);
        if (end == line) {
            line++;
            continue;
        }
        line = end;
        count++;
    }
    return count;
}

/* The n-th line of the output, from 0. */
static const char *line(int n)
{
    const char *at = output;

    while (n-- > 0 && (at = strchr(at, '\n')) != NULL)
        at++;
    return at != NULL ? at : "";
}

static struct vm_statistics statistics(void)
{
    struct vm_statistics stats = {0};

    EXPECT_KR(host_vm_statistics(mach_host_self(), &stats), KERN_SUCCESS);
    return stats;
}

TEST(free_adds_up)
{
    unsigned long pages[6], kib[6];
    struct vm_statistics stats = statistics();

    EXPECT_EQ(shell("free -p", output, sizeof output), 0);
    REQUIRE_EQ(numbers(line(1), pages, 6), 6);
    EXPECT_EQ(pages[0], stats.total_count);
    EXPECT_EQ(pages[1] + pages[2], pages[0]);
    EXPECT_TRUE(pages[2] <= stats.free_count + 64 && pages[2] + 2048 >= stats.free_count);
    EXPECT_EQ(pages[3] + pages[4] + pages[5], pages[1]);
    EXPECT_TRUE(pages[3] > 100 && pages[3] < 10000 && pages[4] > 0 && pages[5] > 0);
    EXPECT_EQ(shell("free", output, sizeof output), 0);
    REQUIRE_EQ(numbers(line(1), kib, 6), 6);
    EXPECT_EQ(kib[0], pages[0] * 4);
    if (stats.swap_count == 0)
        SKIP("there is no default pager");
    REQUIRE_EQ(numbers(line(2), kib, 3), 3);
    EXPECT_EQ(kib[0], stats.swap_count * 4);
    EXPECT_EQ(kib[1] + kib[2], kib[0]);
}

TEST(free_sees_memory_that_is_used)
{
    enum { PAGES = 2000 };
    unsigned long before[6], after[6];
    vm_address_t a = 0;

    EXPECT_EQ(shell("free -p", output, sizeof output), 0);
    REQUIRE_EQ(numbers(line(1), before, 6), 6);
    REQUIRE_KR(vm_allocate(mach_task_self(), &a, PAGES * PAGE_SIZE, TRUE), KERN_SUCCESS);
    memset((void *)a, 1, PAGES * PAGE_SIZE);
    EXPECT_EQ(shell("free -p", output, sizeof output), 0);
    REQUIRE_EQ(numbers(line(1), after, 6), 6);
    EXPECT_TRUE(after[4] >= before[4] + PAGES - 200 && after[4] <= before[4] + PAGES + 200);
    EXPECT_TRUE(after[2] + PAGES <= before[2] + 200);
    vm_deallocate(mach_task_self(), a, PAGES * PAGE_SIZE);
}

TEST(vmstat_tells_what_happened_since_boot)
{
    unsigned long value[COLUMNS];
    struct vm_statistics stats = statistics();

    EXPECT_EQ(shell("vmstat", output, sizeof output), 0);
    REQUIRE_EQ(numbers(line(1), value, COLUMNS), COLUMNS);
    EXPECT_TRUE(value[0] + value[1] + value[2] + value[3] <= stats.total_count + 64);
    EXPECT_TRUE(value[4] >= stats.faults && value[5] >= stats.zero_fill_count);
    EXPECT_TRUE(value[6] >= stats.cow_faults && value[7] >= stats.pageins);
    EXPECT_TRUE(value[10] >= stats.lookups && value[11] >= stats.hits);
    EXPECT_TRUE(value[11] > 0); /* /bin/sh was in memory already */
}

/* In a child, for as long as it lives: a page of zeros and its end, again and again. */
static void touch_memory(void)
{
    for (;;) {
        vm_address_t a = 0;

        if (vm_allocate(mach_task_self(), &a, PAGE_SIZE, TRUE) == KERN_SUCCESS) {
            *(volatile char *)a = 1;
            vm_deallocate(mach_task_self(), a, PAGE_SIZE);
        }
        usleep(1000);
    }
}

TEST(vmstat_tells_what_happens)
{
    unsigned long first[COLUMNS], second[COLUMNS];
    pid_t child = fork();
    int status;

    if (child == 0)
        touch_memory();
    EXPECT_EQ(shell("vmstat 1 2", output, sizeof output), 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    REQUIRE_EQ(numbers(line(1), first, COLUMNS), COLUMNS);
    REQUIRE_EQ(numbers(line(2), second, COLUMNS), COLUMNS);
    EXPECT_STREQ(line(3), ""); /* as often as was asked */
    EXPECT_TRUE(second[5] >= 100 && second[5] <= 1100); /* zero fills within that second */
    EXPECT_TRUE(second[4] >= second[5] && second[4] < first[4]);
}

TEST(vmmap_lists_every_region)
{
    char command[32];
    struct vm_region_info info;
    vm_address_t at = 0;
    vm_size_t size, total = 0;
    int regions = 0;
    const char *summary;

    snprintf(command, sizeof command, "vmmap %d", getpid());
    EXPECT_EQ(shell(command, output, sizeof output), 0);
    for (; vm_region(mach_task_self(), &at, &size, &info) == KERN_SUCCESS; at += size) {
        char start[24];

        regions++;
        total += size;
        snprintf(start, sizeof start, "%16lx ", at);
        EXPECT_TRUE(strstr(output, start) != NULL);
    }
    summary = line(regions + 1);
    EXPECT_EQ(strtoul(summary, NULL, 10), total / 1024);
    EXPECT_TRUE(strstr(line(regions + 2), "of the kernel's memory") != NULL);
    EXPECT_TRUE(strstr(line(regions + 3), "faults") != NULL);
}

TEST(each_tool_explains_itself)
{
    static const char *const tools[] = {"free", "vmstat", "vmmap"};

    for (int i = 0; i < 3; i++) {
        char command[32], start[32];

        snprintf(start, sizeof start, "usage: %s ", tools[i]);
        snprintf(command, sizeof command, "%s --help", tools[i]);
        EXPECT_EQ(shell(command, output, sizeof output), 0);
        EXPECT_TRUE(strncmp(output, start, strlen(start)) == 0);
        snprintf(command, sizeof command, "%s -x y z q", tools[i]);
        EXPECT_EQ(WEXITSTATUS(shell(command, output, sizeof output)), 2);
        EXPECT_TRUE(strncmp(output, start, strlen(start)) == 0);
    }
}

POSIX_TEST_MAIN
