/* system.c: the texts about the machine and the system: what the kernel and the file server tell anybody. */
#include "devproc.h"

#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <string.h>
#include <time.h>

#define NSEC_PER_CSEC 10000000L

static host_t host(void)
{
    static host_t port;

    if (port == MACH_PORT_NULL)
        port = mach_host_self();
    return port;
}

/* Leads to the directory of who asks; for a task that is no process, nowhere. */
int text_self(int pid, FILE *out)
{
    uint32_t client = credentials_pid(ports_sender());

    if (client == 0)
        return ENOENT;
    fprintf(out, "%u", client);
    return 0;
}

int text_cpuinfo(int pid, FILE *out)
{
    host_basic_info_data_t info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

    if (host_info(host(), HOST_BASIC_INFO, (host_info_t)&info, &count) != KERN_SUCCESS)
        return EIO;
    for (int i = 0; i < info.avail_cpus; i++)
        fprintf(out, "processor\t: %d\narchitecture\t: aarch64\n\n", i);
    return 0;
}

static int statistics(struct vm_statistics *stats, struct host_counters *counters)
{
    mach_msg_type_number_t count = HOST_OSTIA_COUNTERS_COUNT;
    kern_return_t kr = host_vm_statistics(host(), stats);

    if (kr == KERN_SUCCESS)
        kr = host_info(host(), HOST_OSTIA_COUNTERS, (host_info_t)counters, &count);
    return kr == KERN_SUCCESS ? 0 : EIO;
}

int text_meminfo(int pid, FILE *out)
{
    struct vm_statistics stats;
    struct host_counters counters;
    int err = statistics(&stats, &counters);

    if (err == 0) {
        const struct {
            const char *name;
            uint64_t pages;
        } lines[] = {
            {"MemTotal", stats.total_count},     {"MemFree", stats.free_count},
            {"Cached", counters.pager_pages},    {"Active", stats.active_count},
            {"Inactive", stats.inactive_count},  {"Unevictable", stats.wire_count},
            {"AnonPages", counters.anonymous_pages}, {"SwapTotal", stats.swap_count},
            {"SwapFree", stats.swap_count - stats.swap_used},
        };

        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
            fprintf(out, "%s:\t%lu kB\n", lines[i].name, lines[i].pages * (PAGE_SIZE / 1024));
    }
    return err;
}

int text_vmstat(int pid, FILE *out)
{
    struct vm_statistics stats;
    struct host_counters counters;
    int err = statistics(&stats, &counters);

    if (err == 0) {
        fprintf(out, "faults %lu\nzero_fills %lu\ncow_faults %lu\nreactivations %lu\npageins %lu\n"
                     "pageouts %lu\n",
                stats.faults, stats.zero_fill_count, stats.cow_faults, stats.reactivations, stats.pageins,
                stats.pageouts);
        fprintf(out, "tasks %u\nthreads %u\nports %u\nport_sets %u\nmessages %u\nobjects %u\nmaps %u\n",
                counters.tasks, counters.threads, counters.ports, counters.port_sets, counters.kmsgs,
                counters.vm_objects, counters.vm_maps);
    }
    return err;
}

/* Those on directories of the file server. (Others are known to whom they were mounted at, whom this server
 * asks nothing: mount(1) goes there.) */
int text_mounts(int pid, FILE *out)
{
    mach_port_t server;
    path_t path;
    service_name_t what;
    uint32_t uid;
    kern_return_t kr = bootstrap_look_up(bootstrap_port, SERVICE_FILE, &server);

    if (kr != KERN_SUCCESS)
        return ENODEV;
    fprintf(out, "%s /\n", SERVICE_FILE);
    for (uint32_t i = 0; (kr = fs_mounts(server, i, path, what, &uid)) == KERN_SUCCESS; i++)
        fprintf(out, "%s %s\n", what, path);
    mach_port_deallocate(mach_task_self(), server);
    return kr == unix_err(ENOENT) ? 0 : EIO;
}

int text_uptime(int pid, FILE *out)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    fprintf(out, "%ld.%02ld\n", (long)t.tv_sec, t.tv_nsec / NSEC_PER_CSEC);
    return 0;
}

int text_version(int pid, FILE *out)
{
    kernel_version_t version;

    if (host_kernel_version(host(), version) != KERN_SUCCESS)
        return EIO;
    fprintf(out, "%s\n", version);
    return 0;
}
