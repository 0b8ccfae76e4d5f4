/*
 * ports [PID]: the port names of a process: rights, user references, and the queues of those it
 * receives from. What a task can do, it can do through these.
 */
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <servers/proc.h>
#include <stdio.h>
#include <stdlib.h>
#include <util.h>

static const char usage[] =
    "usage: ports [pid]\n"
    "Lists the port names of a process (ports's own): rights, user references, and what is behind them.\n"
    "  RIGHTS  send, receive, once, set, dead; (dn): it is to be told when the port dies\n"
    "  PORT    the same number for the same port, in every process\n"
    "  QUEUE   of a port it receives from: messages waiting / at most; of others, the kernel object\n";

/* By the kernel's numbers of kernel objects (ipc_info_name_t.iin_kotype). */
static const char *const kernel_objects[] = {
    "", "task", "thread", "host", "host (privileged)", "semaphore", "clock", "device",
    "memory control",
};
#define KERNEL_OBJECTS (sizeof(kernel_objects) / sizeof(kernel_objects[0]))

static void print_rights(mach_port_type_t type)
{
    static const char *const names[] = {"send", "receive", "once", "set", "dead"};
    char text[40];
    int at = 0;

    for (int right = 0; right < MACH_PORT_RIGHT_NUMBER; right++)
        if (type & MACH_PORT_TYPE(right))
            at += snprintf(text + at, sizeof(text) - at, "%s%s", at > 0 ? "," : "", names[right]);
    if (type & MACH_PORT_TYPE_DNREQUEST)
        snprintf(text + at, sizeof(text) - at, " (dn)");
    printf("%-18s", text);
}

int main(int argc, char **argv)
{
    task_t task = mach_task_self();
    ipc_info_name_array_t info;
    mach_msg_type_number_t count;
    kern_return_t kr;

    util_begin(argv, usage);
    if (argc > 2 || (argc == 2 && atoi(argv[1]) <= 0))
        util_usage();
    kr = argc == 2 ? proc_get_task(getproc(), atoi(argv[1]), &task) : KERN_SUCCESS;
    if (kr == KERN_SUCCESS)
        kr = mach_port_space_info(task, &info, &count);
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "ports: %s: %s\n", argc == 2 ? argv[1] : "self", mach_error_string(kr));
        return 1;
    }
    printf("    NAME RIGHTS             REFS   PORT  QUEUE OBJECT\n");
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        const ipc_info_name_t *n = &info[i];

        printf("%8x ", n->iin_name);
        print_rights(n->iin_type);
        printf(" %4u %6x", n->iin_urefs, n->iin_object);
        if (n->iin_type & MACH_PORT_TYPE_RECEIVE)
            printf(" %2u/%-3u%s", n->iin_msgcount, n->iin_qlimit,
                   n->iin_srights > 0 ? " has senders" : "");
        else
            printf("        %s", n->iin_kotype < KERNEL_OBJECTS ? kernel_objects[n->iin_kotype]
                                                               : "kernel object");
        putchar('\n');
    }
    vm_deallocate(mach_task_self(), (vm_address_t)info, count * sizeof(*info));
    return 0;
}
