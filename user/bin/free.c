/*
 * free [-p]: the machine's memory, in KiB, or (-p) in pages: how much there is, who has it, and how much of
 * the processes' memory is where. What each figure means is in docs/memory.md.
 */
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <stdio.h>
#include <string.h>
#include <util.h>

static const char usage[] =
    "usage: free [-p]\n"
    "Tells how the machine's memory is used, in KiB; -p: in pages.\n"
    "  kernel     what the kernel uses itself, page tables included\n"
    "  anonymous  of programs: data, heap and stack, in memory\n"
    "  swap       where anonymous pages go when memory is short, if there is a default pager\n"
    "  cached     of files and other memory objects, in memory\n";

int main(int argc, char **argv)
{
    struct vm_statistics stats;
    struct host_counters counters;
    mach_msg_type_number_t count = HOST_OSTIA_COUNTERS_COUNT;
    host_t host = mach_host_self();
    unsigned long unit = PAGE_SIZE / 1024, used;
    kern_return_t kr;

    util_begin(argv, usage);
    if (argc == 2 && strcmp(argv[1], "-p") == 0) {
        unit = 1;
    } else if (argc > 1)
        util_usage();
    kr = host_vm_statistics(host, &stats);
    if (kr == KERN_SUCCESS)
        kr = host_info(host, HOST_OSTIA_COUNTERS, (host_info_t)&counters, &count);
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "free: %s\n", mach_error_string(kr));
        return 1;
    }
    used = stats.total_count - stats.free_count;
    printf("            total       used       free     kernel  anonymous     cached\n");
    printf("memory %10lu %10lu %10lu %10lu %10lu %10lu\n", stats.total_count * unit, used * unit,
           stats.free_count * unit, (used - counters.anonymous_pages - counters.pager_pages) * unit,
           counters.anonymous_pages * unit, counters.pager_pages * unit);
    if (stats.swap_count != 0)
        printf("swap   %10lu %10lu %10lu\n", stats.swap_count * unit, stats.swap_used * unit,
               (stats.swap_count - stats.swap_used) * unit);
    return 0;
}
