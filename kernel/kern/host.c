/*
 * The host: mach_host.defs, what anyone may ask of the machine, and the host's ports. Read
 * kern/host.h first; host_priv.c has what only the privileged may do.
 */
#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_port.h>
#include <ipc/ipc_space.h>
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/traps.h>
#include <kern/zone.h>
#include <mach/mach_host_server.h>
#include <mach/vm_map_server.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

struct host realhost;

const char kernel_version[] = "Ostia Mach kernel (AArch64)";

static kern_return_t basic_info(host_info_t out, mach_msg_type_number_t *count)
{
    struct host_basic_info info = {
        .max_cpus = boot_info.cpus,
        .avail_cpus = cpu_count,
        .memory_size = boot_info.ram_end - boot_info.ram_start,
    };

    if (*count < HOST_BASIC_INFO_COUNT)
        return KERN_INVALID_ARGUMENT;
    memcpy(out, &info, sizeof(info));
    *count = HOST_BASIC_INFO_COUNT;
    return KERN_SUCCESS;
}

/* Pages in objects, by kind. Unlocked: exact when the system is quiet; and objects come from a
 * zone, so that one which is being freed may be looked at (zone.h). */
static void count_object_pages(uint32_t *anonymous, uint32_t *pager)
{
    for (phys_addr_t phys = boot_info.ram_start; phys < boot_info.ram_end; phys += PAGE_SIZE) {
        vm_page_t page = vm_page_of_phys(phys);
        struct vm_object *object = page != NULL ? page->object : NULL;

        if (object != NULL)
            *(object->pager != NULL ? pager : anonymous) += 1;
        if ((phys & (1024 * PAGE_SIZE - 1)) == 0)
            preempt_point();
    }
}

static kern_return_t counters(host_info_t out, mach_msg_type_number_t *count)
{
    struct host_counters info = {
        .tasks = task_total(),
        .threads = thread_total(),
        .ports = ipc_port_total(),
        .port_sets = ipc_pset_total(),
        .kmsgs = ipc_kmsg_total(),
        .vm_objects = vm_object_total(),
        .vm_maps = vm_map_total(),
        .vm_map_entries = vm_map_entry_total(),
        .free_pages = vm_counts.free,
        .wired_pages = vm_counts.wired,
        .semaphores = semaphore_total(),
        .spaces = ipc_space_total(),
        .ledgers = ledger_total(),
    };

    if (*count < HOST_OSTIA_COUNTERS_COUNT)
        return KERN_INVALID_ARGUMENT;
    count_object_pages(&info.anonymous_pages, &info.pager_pages);
    zone_totals(&info.zone_pages, &info.zone_bytes_used);
    memcpy(out, &info, sizeof(info));
    *count = HOST_OSTIA_COUNTERS_COUNT;
    return KERN_SUCCESS;
}

kern_return_t host_info(host_t host, int flavor, host_info_t info, mach_msg_type_number_t *count)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    switch (flavor) {
    case HOST_BASIC_INFO:
        return basic_info(info, count);
    case HOST_OSTIA_COUNTERS:
        return counters(info, count);
    default:
        return KERN_INVALID_ARGUMENT;
    }
}

kern_return_t host_kernel_version(host_t host, char *version)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    strlcpy(version, kernel_version, sizeof(kernel_version));
    return KERN_SUCCESS;
}

kern_return_t host_page_size(host_t host, vm_size_t *page_size)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    *page_size = PAGE_SIZE;
    return KERN_SUCCESS;
}

kern_return_t host_get_time(host_t host, time_value64_t *now)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    time_from_machine(machine_time(), now);
    return KERN_SUCCESS;
}

kern_return_t host_vm_statistics(host_t host, vm_statistics_data_t *stats)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    *stats = (vm_statistics_data_t){
        .pagesize = PAGE_SIZE,
        .total_count = vm_counts.total,
        .free_count = vm_counts.free,
        .active_count = vm_counts.active,
        .inactive_count = vm_counts.inactive,
        .wire_count = vm_counts.wired,
        .zero_fill_count = vm_counts.zero_fills,
        .reactivations = vm_counts.reactivations,
        .pageins = vm_counts.pageins,
        .pageouts = vm_counts.pageouts,
        .faults = vm_counts.faults,
        .cow_faults = vm_counts.cow_faults,
        .lookups = vm_counts.lookups,
        .hits = vm_counts.hits,
        .swap_count = vm_counts.swap_total,
        .swap_used = vm_counts.swap_used,
    };
    return KERN_SUCCESS;
}

kern_return_t vm_statistics(vm_map_t map, vm_statistics_data_t *stats)
{
    return map != NULL ? host_vm_statistics(&realhost, stats) : KERN_INVALID_ARGUMENT;
}

kern_return_t host_get_clock_service(host_t host, int clock_id, clock_serv_t *clock)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    *clock = clock_lookup(clock_id);
    return *clock == NULL ? KERN_INVALID_VALUE : KERN_SUCCESS;
}

/* The grading nonce is not among them: grade_init took it out. */
kern_return_t host_get_boot_info(host_t host, char *out)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    strlcpy(out, boot_info.bootargs, sizeof(boot_info.bootargs));
    return KERN_SUCCESS;
}

kern_return_t host_console_log(host_t host, uint64_t *next, char *text, mach_msg_type_number_t *count)
{
    if (host == NULL)
        return KERN_INVALID_HOST;
    *count = console_history(next, text, *count);
    return KERN_SUCCESS;
}

/* ---- the trap that needs no server ---- */

/*
 * Prints `length` bytes at the user address `text` on the early console, in pieces, each of which is copied
 * here first. Between pieces others may run (preempt_point): length is the program's to choose.
 * KERN_SUCCESS; KERN_INVALID_ADDRESS: what lies before may have been printed; KERN_ABORTED: the thread is to
 * end. May block on a page fault; no locks held.
 */
kern_return_t debug_print_trap(vm_address_t text, vm_size_t length)
{
    char buffer[256]; /* a piece at a time, each unbroken */

    while (length > 0) {
        vm_size_t piece = MIN(length, sizeof(buffer) - 1);

        if (copyin((const void *)text, buffer, piece) != 0)
            return KERN_INVALID_ADDRESS;
        buffer[piece] = '\0';
        printf("%s", buffer);
        text += piece;
        length -= piece;
        if (!preempt_point())
            return KERN_ABORTED;
    }
    return KERN_SUCCESS;
}

/* ---- ports: the host is never freed, so there is nothing to count ---- */

host_t convert_port_to_host(mach_port_t port)
{
    host_t host = ipc_port_kobject(port, IKOT_HOST, NULL);

    return host != NULL ? host : convert_port_to_host_priv(port);
}

host_priv_t convert_port_to_host_priv(mach_port_t port)
{
    return ipc_port_kobject(port, IKOT_HOST_PRIV, NULL);
}

void host_init(void)
{
    realhost.self = ipc_port_alloc_kernel(IKOT_HOST, &realhost);
    realhost.priv_self = ipc_port_alloc_kernel(IKOT_HOST_PRIV, &realhost);
    if (realhost.self == NULL || realhost.priv_self == NULL)
        panic("host_init: no memory for the host's ports");
}
