/* top: the processes, those that use the processor most first, anew every few seconds. */
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <proc_info.h>
#include <servers/proc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: top [-b] [-d seconds] [-n count]\n"
    "Shows the processes, those first that used the processor most lately. Key q: ends.\n"
    "  -b          as lines, one screen behind the other; so it is, too, where there is no terminal\n"
    "  -d seconds  how often, every 2 if not said\n"
    "  -n count    how often in all\n";

#define SECONDS     2
#define SECONDS_MAX 3600
#define USEC        1000000L

/* A process now, and how much it ran since the time before. */
struct row {
    proc_info_t info;
    uint64_t ran; /* usec */
};

static struct row *rows;
static size_t row_count;

static uint64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec * USEC + now.tv_nsec / 1000);
}

static int most_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->ran != y->ran)
        return x->ran < y->ran ? 1 : -1;
    return x->info.pid - y->info.pid;
}

/* What a process had used the time before; 0: it was not there. */
static uint64_t used_before(const struct row *old, size_t count, const proc_info_t *info)
{
    for (size_t i = 0; i < count; i++)
        if (old[i].info.pid == info->pid)
            return old[i].info.user_usec + old[i].info.system_usec;
    return 0;
}

static void take_rows(void)
{
    struct row *old = rows;
    size_t old_count = row_count;
    proc_info_array_t list;
    mach_msg_type_number_t count;
    kern_return_t kr = proc_list(getproc(), &list, &count);

    if (kr != KERN_SUCCESS)
        die_of("processes", mach_error_string(kr));
    rows = must(malloc((count + 1) * sizeof(*rows)));
    for (row_count = 0; row_count < count; row_count++) {
        const proc_info_t *p = &list[row_count];
        uint64_t used = p->user_usec + p->system_usec, before = used_before(old, old_count, p);

        rows[row_count] = (struct row){*p, used > before ? used - before : 0};
    }
    free(old);
    vm_deallocate(mach_task_self(), (vm_address_t)list, count * sizeof(*list));
    qsort(rows, row_count, sizeof(*rows), most_first);
}

/* Prints one line, on the screen or as it is. */
static void put_line(bool screen, int *y, const char *text, bool reverse)
{
    if (!screen) {
        puts(text);
    } else if (*y < screen_rows) {
        screen_row((*y)++, text, reverse);
    }
}

static void show(bool screen, uint64_t passed)
{
    struct vm_statistics stats = {0};
    unsigned long kib = PAGE_SIZE / 1024;
    char text[160];
    int y = 0;
    uint64_t up = now_usec() / USEC;

    host_vm_statistics(mach_host_self(), &stats);
    snprintf(
        text, sizeof(text),
        "%zu processes   up %lu:%02lu:%02lu   memory %lu KiB, %lu free   swap %lu KiB, %lu used",
        row_count, (unsigned long)up / 3600, (unsigned long)up / 60 % 60, (unsigned long)up % 60,
        stats.total_count * kib, stats.free_count * kib, stats.swap_count * kib,
        stats.swap_used * kib);
    put_line(screen, &y, text, false);
    put_line(screen, &y, "  PID  PPID S THR  VIRT(K)  RES(K)  CPU%   TIME(ms) NAME", true);
    for (size_t i = 0; i < row_count; i++) {
        const proc_info_t *p = &rows[i].info;
        unsigned long tenths = passed > 0 ? rows[i].ran * 1000 / passed : 0;

        snprintf(text, sizeof(text), "%5d %5d %c %3u %8lu %7lu %3lu.%lu %10lu %.*s", p->pid,
                 p->ppid, (char)p->state, p->threads, (unsigned long)p->virtual_size / 1024,
                 (unsigned long)p->resident_size / 1024, tenths / 10, tenths % 10,
                 (unsigned long)(p->user_usec + p->system_usec) / 1000, (int)sizeof(p->name),
                 p->name);
        put_line(screen, &y, text, false);
    }
    while (screen && y < screen_rows)
        put_line(screen, &y, "", false);
    if (!screen)
        fflush(stdout);
}

int main(int argc, char **argv)
{
    long seconds = SECONDS, count = 0;
    bool screen = true;
    uint64_t before = 0;
    int option, key;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "bd:n:")) != -1) {
        switch (option) {
        case 'b': screen = false; break;
        case 'd':
            seconds = number_of(optarg, 1, SECONDS_MAX, "a number of seconds, 1 to 3600");
            break;
        case 'n': count = number_of(optarg, 1, INT32_MAX, "how often"); break;
        default: util_usage();
        }
    }
    if (optind < argc)
        util_usage();
    screen = screen && isatty(STDOUT_FILENO) && screen_begin() == 0;
    for (long turn = 1;; turn++) {
        uint64_t now = now_usec();

        take_rows();
        show(screen, now - before);
        before = now;
        if (turn == count)
            break;
        if (!screen) {
            sleep((unsigned)seconds);
            puts("");
            continue;
        }
        key = screen_key((int)seconds * 10);
        if (key == 'q' || key == CTRL_KEY('C') || key == KEY_GONE)
            break;
    }
    if (screen)
        screen_end();
    return util_end();
}
