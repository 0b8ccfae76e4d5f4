/*
 * A thousand runs of sh -c 'ls | wc' leave the machine as it was: free pages, ports, tasks, messages.
 * Boot argument leak.runs=N: another number of them.
 */
#include "posix_test.h"
#include "quiet_test.h"

#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/vm_map.h>

TEST_LIMIT(600);

#define RUNS       1000
#define WARM_UP    20
#define SETTLE     6  /* seconds: the file server's first write-back, which makes it a port, is over */
#define SLACK      64 /* pages: caches and zones that have grown to what they need */

static char output[1024];

/* How many receive rights each task has: to see who keeps what it should not. */
static void report_holders(const char *when)
{
    mach_port_t *tasks;
    mach_msg_type_number_t count;

    if (host_tasks(test_host_priv(), &tasks, &count) != KERN_SUCCESS)
        return;
    for (unsigned i = 0; i < count; i++) {
        ipc_info_name_t *names;
        mach_msg_type_number_t name_count;
        char name[32] = "";
        int receive = 0;

        if (tasks[i] == MACH_PORT_NULL)
            continue;
        task_get_name(tasks[i], name);
        if (mach_port_space_info(tasks[i], &names, &name_count) == KERN_SUCCESS) {
            for (unsigned n = 0; n < name_count; n++)
                receive += (names[n].iin_type & MACH_PORT_TYPE_RECEIVE) != 0;
            vm_deallocate(mach_task_self(), (vm_address_t)names, name_count * sizeof *names);
            test_report("# %s: %s has %u names, receives on %d ports", when, name, name_count, receive);
        }
        mach_port_deallocate(mach_task_self(), tasks[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)tasks, count * sizeof *tasks);
}

TEST(a_thousand_pipelines_leave_nothing)
{
    struct host_counters before, after;
    char argument[16];
    int runs = RUNS;

    if (test_boot_arg("leak.runs", argument, sizeof argument) > 0)
        runs = atoi(argument);
    for (int i = 0; i < WARM_UP; i++)
        REQUIRE_EQ(shell("ls | wc", output, sizeof output), 0);
    sleep(SETTLE);
    report_holders("before");
    quiet_counters(&before);
    for (int i = 0; i < runs; i++) {
        REQUIRE_EQ(shell("ls | wc", output, sizeof output), 0);
        REQUIRE_TRUE(output[0] != '\0');
    }
    quiet_counters(&after);
    if (after.ports != before.ports || after.tasks != before.tasks || after.threads != before.threads
        || after.kmsgs != before.kmsgs || after.spaces != before.spaces
        || after.vm_maps != before.vm_maps || after.semaphores != before.semaphores
        || after.free_pages + SLACK < before.free_pages) {
        report_holders("after");
        FAIL("after %d runs: free pages %u -> %u, ports %u -> %u, tasks %u -> %u, threads %u -> %u, "
             "kmsgs %u -> %u, objects %u -> %u, map entries %u -> %u, anonymous pages %u -> %u, "
             "zone pages %u -> %u", runs, before.free_pages, after.free_pages, before.ports,
             after.ports, before.tasks, after.tasks, before.threads, after.threads, before.kmsgs,
             after.kmsgs, before.vm_objects, after.vm_objects, before.vm_map_entries,
             after.vm_map_entries, before.anonymous_pages, after.anonymous_pages, before.zone_pages,
             after.zone_pages);
    }
}

TEST(files_made_and_removed_leave_nothing)
{
    struct host_counters before, after;

    for (int round = 0; round < 2; round++) {
        quiet_counters(&before);
        for (int i = 0; i < 100; i++) {
            REQUIRE_EQ(make_file("leak", "some text"), 0);
            REQUIRE_EQ(unlink("leak"), 0);
        }
        quiet_counters(&after);
    }
    EXPECT_EQ(after.ports, before.ports);
    EXPECT_EQ(after.kmsgs, before.kmsgs);
    EXPECT_EQ(after.vm_maps, before.vm_maps); /* pages may be fewer: the file server keeps blocks */
}

POSIX_TEST_MAIN
