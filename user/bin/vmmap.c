/*
 * vmmap [PID]: the address space of a process, region by region: protection (and the most it may
 * get), what a child inherits, copy-on-write, pages in memory, and what is behind it; and what all of it
 * comes to. What each column means is in docs/memory.md.
 */
#include <mach/mach.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <servers/proc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

static const char usage[] =
    "usage: vmmap [pid]\n"
    "Lists the regions of a process's memory (vmmap's own), and what they come to.\n"
    "  PROT MAX   what may be done with it: r, w, x; and what that may become\n"
    "  INHERIT    what a child gets: the same (share), its own (copy), nothing\n"
    "  RES        pages of its object that are in memory\n"
    "  SHADOWS    objects below, whose pages show where this one has none\n";

/* What the kernel counts of the task. */
static void print_account(task_t task)
{
    struct task_basic_info basic;
    struct task_events_info events;
    struct task_limits_info limits;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    if (task_info(task, TASK_BASIC_INFO, (task_info_t)&basic, &count) == KERN_SUCCESS)
        printf("%lu KiB of them in its page tables; ", basic.resident_size / 1024);
    count = TASK_LIMITS_INFO_COUNT;
    if (task_info(task, TASK_LIMITS_INFO, (task_info_t)&limits, &count) == KERN_SUCCESS) {
        printf("%lu KiB of the kernel's memory\n", limits.used.kernel_memory / 1024);
        if (limits.limit.virtual_memory != ~0UL)
            printf("%lu KiB may be mapped\n", limits.limit.virtual_memory / 1024);
    }
    count = TASK_EVENTS_INFO_COUNT;
    if (task_info(task, TASK_EVENTS_INFO, (task_info_t)&events, &count) == KERN_SUCCESS)
        printf("%u faults, %u copied on write, %u asked of pagers\n", events.faults,
               events.cow_faults, events.pageins);
}

static void print_protection(vm_prot_t prot)
{
    putchar(prot & VM_PROT_READ ? 'r' : '-');
    putchar(prot & VM_PROT_WRITE ? 'w' : '-');
    putchar(prot & VM_PROT_EXECUTE ? 'x' : '-');
}

int main(int argc, char **argv)
{
    static const char *const inheritances[] = {"share", "copy", "none"};
    task_t task = mach_task_self();
    vm_address_t address = 0;
    vm_region_info_data_t info;
    vm_size_t size, total = 0;
    unsigned long resident = 0;
    kern_return_t kr = KERN_SUCCESS;

    util_begin(argv, usage);
    if (argc > 2 || (argc == 2 && atoi(argv[1]) <= 0))
        util_usage();
    if (argc == 2)
        kr = proc_get_task(getproc(), atoi(argv[1]), &task);
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "vmmap: %s: %s\n", argv[1], mach_error_string(kr));
        return 1;
    }
    printf("           START              END PROT MAX INHERIT  PAGES  RES SHADOWS OBJECT\n");
    while ((kr = vm_region(task, &address, &size, &info)) == KERN_SUCCESS) {
        printf("%16lx %16lx ", (unsigned long)address, (unsigned long)(address + size));
        print_protection(info.protection);
        putchar(' ');
        print_protection(info.max_protection);
        printf(" %-6s %7lu %4u %7u %s%s%s%s\n",
               info.inheritance >= 0 && info.inheritance < 3 ? inheritances[info.inheritance] : "?",
               (unsigned long)(size / PAGE_SIZE), info.resident_pages, info.shadow_depth,
               info.object_id == 0 ? "untouched" : info.external_pager ? "pager" : "anonymous",
               info.shared ? ", shared" : "", info.needs_copy ? ", copy-on-write" : "",
               info.wired_count > 0 ? ", wired" : "");
        total += size;
        resident += info.resident_pages;
        address += size;
    }
    printf("%lu KiB mapped, %lu KiB in memory\n", (unsigned long)total / 1024,
           resident * (unsigned long)PAGE_SIZE / 1024);
    print_account(task);
    return kr == KERN_NO_SPACE ? 0 : 1; /* no more regions */
}
