/* ps: all processes. [POSIX XCU ps, with its -A output] */
#include <mach/mach.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <proc_info.h>
#include <servers/proc.h>
#include <stdio.h>
#include <stdlib.h>

static int by_pid(const void *a, const void *b)
{
    return ((const proc_info_t *)a)->pid - ((const proc_info_t *)b)->pid;
}

int main(void)
{
    proc_info_array_t list;
    mach_msg_type_number_t count;
    kern_return_t kr = proc_list(getproc(), &list, &count);

    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "ps: %s\n", mach_error_string(kr));
        return 1;
    }
    qsort(list, count, sizeof(*list), by_pid);
    printf("  PID  PPID  PGID S THR  VIRT(K)  RES(K)   TIME(ms) NAME\n");
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        const proc_info_t *p = &list[i];

        printf("%5d %5d %5d %c %3u %8lu %7lu %10lu %s\n", p->pid, p->ppid, p->pgid, (char)p->state,
               p->threads, (unsigned long)p->virtual_size / 1024,
               (unsigned long)p->resident_size / 1024,
               (unsigned long)(p->user_usec + p->system_usec) / 1000, p->name);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)list, count * sizeof(*list));
    return 0;
}
