/*
 * vmstat [SECONDS [COUNT]]: where the machine's pages are, and how often memory was faulted in, filled,
 * copied and paged: since boot, and then every so many seconds, for ever or COUNT times in all, since the
 * line before. What each figure means is in docs/memory.md.
 */
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

#define LINES_A_HEADER 20

static const char usage[] =
    "usage: vmstat [seconds [count]]\n"
    "Tells of virtual memory: since boot, then every so many seconds since the line before, count times.\n"
    "  free active inactive wired  pages: unused; used lately; may go; must stay\n"
    "  fault zero copy             faults; pages filled with zeros; pages copied on write\n"
    "  in out again                requests to pagers; pages returned; pages that were used in time\n"
    "  look hit                    memory objects mapped; those of them that were in memory\n";

static void print_header(void)
{
    printf(
        "    free   active inactive    wired    fault     zero     copy       in      out    again"
        "     look      hit\n");
}

/* The pages now, and the events since `before`. */
static void print_line(const struct vm_statistics *now, const struct vm_statistics *before)
{
    printf("%8lu %8lu %8lu %8lu", now->free_count, now->active_count, now->inactive_count,
           now->wire_count);
    printf(" %8lu %8lu %8lu %8lu %8lu %8lu %8lu %8lu\n", now->faults - before->faults,
           now->zero_fill_count - before->zero_fill_count, now->cow_faults - before->cow_faults,
           now->pageins - before->pageins, now->pageouts - before->pageouts,
           now->reactivations - before->reactivations, now->lookups - before->lookups,
           now->hits - before->hits);
    fflush(stdout);
}

/* A number above 0; else 0. */
static long number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    return *end == '\0' && value > 0 ? value : 0;
}

int main(int argc, char **argv)
{
    struct vm_statistics now, before;
    host_t host = mach_host_self();
    long seconds = argc > 1 ? number(argv[1]) : 0;
    long count = argc > 2 ? number(argv[2]) : 0;

    util_begin(argv, usage);
    if (argc > 3 || (argc > 1 && seconds == 0) || (argc > 2 && count == 0))
        util_usage();
    memset(&before, 0, sizeof(before));
    for (long line = 0;; line++) {
        kern_return_t kr = host_vm_statistics(host, &now);

        if (kr != KERN_SUCCESS) {
            fprintf(stderr, "vmstat: %s\n", mach_error_string(kr));
            return 1;
        }
        if (line % LINES_A_HEADER == 0)
            print_header();
        print_line(&now, &before);
        if (seconds == 0 || line + 1 == count)
            return 0;
        before = now;
        sleep((unsigned)seconds);
    }
}
