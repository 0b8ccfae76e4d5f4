/* ps: the processes. [POSIX XCU ps: -A, -o and -p; columns are the system's own] */
#include <mach/mach.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <proc_info.h>
#include <servers/proc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: ps [-Aef] [-o column,...] [-p pid,...]\n"
    "Lists the processes, all of them.\n"
    "  -A -e -f       as ever\n"
    "  -p pid,...     only these\n"
    "  -o column,...  only these columns, a = behind one for no title:\n"
    "                 pid ppid pgid sid state (R S T Z), thr threads, vsz rss KiB, time ms, comm\n";

static const struct column {
    const char *name, *title;
    int width;
} columns[] = {
    {"pid", "PID", 5},  {"ppid", "PPID", 5}, {"pgid", "PGID", 5}, {"sid", "SID", 5},
    {"state", "S", 1},  {"thr", "THR", 3},   {"vsz", "VIRT(K)", 8}, {"rss", "RES(K)", 7},
    {"time", "TIME(ms)", 10}, {"comm", "NAME", 0},
};
#define COLUMNS COUNT_OF(columns)

static const struct column *shown[2 * COLUMNS];
static bool titled[2 * COLUMNS];
static size_t shown_count;

static void add_columns(char *list)
{
    char *word;

    while ((word = strsep(&list, ", ")) != NULL) {
        size_t length = strcspn(word, "="), i = 0;

        while (i < COLUMNS &&
               !(strlen(columns[i].name) == length && strncmp(columns[i].name, word, length) == 0))
            i++;
        if (i == COLUMNS || shown_count == COUNT_OF(shown))
            die_of(word, i == COLUMNS ? "there is no such column" : "is one column too many");
        titled[shown_count] = word[length] == '\0';
        shown[shown_count++] = &columns[i];
    }
}

static void show_process(const proc_info_t *p)
{
    for (size_t i = 0; i < shown_count; i++) {
        const struct column *c = shown[i];
        const long values[COLUMNS] = {
            p->pid, p->ppid, p->pgid, p->sid, 0, p->threads, p->virtual_size / 1024,
            p->resident_size / 1024, (p->user_usec + p->system_usec) / 1000,
        };

        if (i > 0)
            putchar(' ');
        if (strcmp(c->name, "comm") == 0)
            printf("%.*s", (int)sizeof(p->name), p->name);
        else if (strcmp(c->name, "state") == 0)
            putchar((char)p->state);
        else
            printf("%*ld", c->width, values[c - columns]);
    }
    putchar('\n');
}

static void show_titles(void)
{
    bool any = false;

    for (size_t i = 0; i < shown_count; i++)
        any |= titled[i];
    for (size_t i = 0; i < shown_count && any; i++)
        printf("%s%*s", i > 0 ? " " : "", shown[i]->width, titled[i] ? shown[i]->title : "");
    if (any)
        putchar('\n');
}

static int by_pid(const void *a, const void *b)
{
    return ((const proc_info_t *)a)->pid - ((const proc_info_t *)b)->pid;
}

static bool is_wanted(const char *pids, int pid)
{
    for (const char *p = pids; p != NULL && *p != '\0'; p += *p != '\0') {
        if (strtol(p, NULL, 10) == pid)
            return true;
        p += strcspn(p, ", ");
    }
    return pids == NULL;
}

int main(int argc, char **argv)
{
    const char *pids = NULL;
    proc_info_array_t list;
    mach_msg_type_number_t count;
    kern_return_t kr;
    bool any = false;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "Aefo:p:")) != -1) {
        switch (option) {
        case 'o': add_columns(optarg); break;
        case 'p': pids = optarg; break;
        case '?': util_usage();
        }
    }
    if (optind < argc)
        util_usage();
    if (shown_count == 0)
        add_columns((char[]){"pid,ppid,pgid,state,thr,vsz,rss,time,comm"});
    kr = proc_list(getproc(), &list, &count);
    if (kr != KERN_SUCCESS)
        die_of("processes", mach_error_string(kr));
    qsort(list, count, sizeof(*list), by_pid);
    show_titles();
    for (mach_msg_type_number_t i = 0; i < count; i++)
        if (is_wanted(pids, list[i].pid)) {
            show_process(&list[i]);
            any = true;
        }
    vm_deallocate(mach_task_self(), (vm_address_t)list, count * sizeof(*list));
    if (!any)
        util_status = 1;
    return util_end();
}
