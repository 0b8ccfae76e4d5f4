/* process.c: the texts about a process. Read devproc.h, and the end of proc.defs, before. */
#include "devproc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <servers/proc.h>
#include <string.h>

#define USEC_PER_MSEC 1000

static int errno_of(kern_return_t kr)
{
    if (kr == KERN_SUCCESS)
        return 0;
    if (!is_unix_err(kr))
        return EIO;
    return err_get_code(kr) == EPERM ? EACCES : err_get_code(kr);
}

int text_status(int pid, FILE *out)
{
    proc_info_t p;
    proc_ids_t ids;
    int err = errno_of(proc_status(proc_server, pid, &p, ids));

    if (err != 0)
        return err;
    fprintf(out, "Name:\t%.*s\nState:\t%c\nPid:\t%d\nPPid:\t%d\nPgrp:\t%d\nSession:\t%d\n",
            (int)sizeof p.name, p.name, (char)p.state, p.pid, p.ppid, p.pgid, p.sid);
    fprintf(out, "Uid:\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\nThreads:\t%u\n", ids[PROC_RUID], ids[PROC_EUID],
            ids[PROC_SUID], ids[PROC_RGID], ids[PROC_EGID], ids[PROC_SGID], p.threads);
    fprintf(out, "VmSize:\t%lu kB\nVmRSS:\t%lu kB\nUserTime:\t%lu ms\nSystemTime:\t%lu ms\n",
            p.virtual_size / 1024, p.resident_size / 1024, p.user_usec / USEC_PER_MSEC,
            p.system_usec / USEC_PER_MSEC);
    return 0;
}

/* The task of a process, a send right, if the client might have it. EACCES, ESRCH. */
static int task_of(int pid, task_t *task)
{
    return errno_of(proc_look_into(proc_server, host_priv, pid, client_uid(), client_gid(), task));
}

/* What it was started with, and the file it runs. */
static int program_of(int pid, char *program, char *arguments, mach_msg_type_number_t *size)
{
    return errno_of(proc_program(proc_server, host_priv, pid, client_uid(), client_gid(), program, arguments,
                                 size));
}

int text_cmdline(int pid, FILE *out)
{
    path_t program;
    proc_arguments_t arguments;
    mach_msg_type_number_t size = sizeof arguments;
    int err = program_of(pid, program, arguments, &size);

    if (err == 0)
        fwrite(arguments, 1, size, out);
    return err;
}

int text_exe(int pid, FILE *out)
{
    path_t program;
    proc_arguments_t arguments;
    mach_msg_type_number_t size = sizeof arguments;
    int err = program_of(pid, program, arguments, &size);

    if (err == 0 && program[0] == '\0')
        err = ENOENT; /* it was named from another directory, or by a long path */
    if (err == 0)
        fputs(program, out);
    return err;
}

/* A line a region: addresses, protection and s (a child shares it) or p, offset in the object, the object. */
int text_maps(int pid, FILE *out)
{
    vm_region_info_data_t info;
    vm_address_t address = 0;
    vm_size_t size;
    task_t task;
    int err = task_of(pid, &task);

    if (err != 0)
        return err;
    while (vm_region(task, &address, &size, &info) == KERN_SUCCESS) {
        fprintf(out, "%08lx-%08lx %c%c%c%c %08lx %s\n", address, address + size,
                info.protection & VM_PROT_READ ? 'r' : '-', info.protection & VM_PROT_WRITE ? 'w' : '-',
                info.protection & VM_PROT_EXECUTE ? 'x' : '-',
                info.inheritance == VM_INHERIT_SHARE ? 's' : 'p', info.offset,
                info.object_id == 0 ? "untouched" : info.external_pager ? "pager" : "anonymous");
        address += size;
    }
    mach_port_deallocate(mach_task_self(), task);
    return 0;
}

/* A line a name: rights, user references, the port's number, and messages in the queue. */
int text_ports(int pid, FILE *out)
{
    static const char *const rights[] = {"send", "receive", "once", "set", "dead"};
    ipc_info_name_array_t info;
    mach_msg_type_number_t count;
    kern_return_t kr;
    task_t task;
    int err = task_of(pid, &task);

    if (err != 0)
        return err;
    kr = mach_port_space_info(task, &info, &count);
    mach_port_deallocate(mach_task_self(), task);
    if (kr != KERN_SUCCESS)
        return kr == KERN_RESOURCE_SHORTAGE ? ENOMEM : ESRCH;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        const ipc_info_name_t *n = &info[i];

        fprintf(out, "%x", n->iin_name);
        for (int right = 0; right < MACH_PORT_RIGHT_NUMBER; right++)
            if (n->iin_type & MACH_PORT_TYPE(right))
                fprintf(out, " %s", rights[right]);
        fprintf(out, " refs %u port %x queue %u/%u\n", n->iin_urefs, n->iin_object, n->iin_msgcount,
                n->iin_qlimit);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)info, count * sizeof *info);
    return 0;
}
