/*
 * What can be asked about processes: ps, ports, vmmap. Read proc.h first.
 */
#include "proc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <servers/proc_server.h>
#include <string.h>

struct listing {
    proc_info_t *list;
    size_t count, room;
};

static void count_one(struct process *p, void *arg)
{
    (*(size_t *)arg)++;
}

static uint64_t microseconds(time_value_t t)
{
    return (uint64_t)t.seconds * 1000000 + t.microseconds;
}

static void tell(const struct process *p, proc_info_t *out)
{
    task_basic_info_data_t info;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    memset(out, 0, sizeof(*out));
    out->pid = p->pid;
    out->ppid = p->parent != NULL ? p->parent->pid : 0;
    out->pgid = p->pgid;
    out->sid = p->sid;
    out->state = p->ending ? 'Z' : p->stopped ? 'T' : 'S';
    strlcpy(out->name, p->name, sizeof(out->name));
    if (p->ending ||
        task_info(p->task, TASK_BASIC_INFO, (task_info_t)&info, &count) != KERN_SUCCESS)
        return;
    out->threads = (uint32_t)info.thread_count;
    out->virtual_size = info.virtual_size;
    out->resident_size = info.resident_size;
    out->user_usec = microseconds(info.user_time);
    out->system_usec = microseconds(info.system_time);
}

static void list_one(struct process *p, void *arg)
{
    struct listing *listing = arg;

    if (listing->count < listing->room)
        tell(p, &listing->list[listing->count++]);
}

/* The reply moves the memory to the caller (its type says dealloc). */
kern_return_t S_proc_list(mach_port_t proc, proc_info_array_t *list,
                          mach_msg_type_number_t *listCnt)
{
    struct listing listing = {NULL, 0, 0};
    vm_address_t address = 0;

    if (process_caller(proc) == NULL && !is_service(proc))
        return unix_err(ESRCH);
    process_each(count_one, &listing.room);
    if (vm_allocate(mach_task_self(), &address, listing.room * sizeof(proc_info_t), TRUE) !=
        KERN_SUCCESS)
        return unix_err(ENOMEM);
    listing.list = (proc_info_t *)address;
    process_each(list_one, &listing);
    *list = listing.list;
    *listCnt = (mach_msg_type_number_t)listing.count;
    return KERN_SUCCESS;
}

/* The process pid, if one with these effective ids may have its task. ESRCH, EPERM. */
static kern_return_t owned(int pid, uint32_t uid, uint32_t gid, struct process **p)
{
    *p = process_find(pid);
    if (*p == NULL || (*p)->ending)
        return unix_err(ESRCH);
    return cred_may_own(uid, gid, *p) ? KERN_SUCCESS : unix_err(EPERM);
}

/* The reply moves a right to it. */
static kern_return_t give_task(const struct process *p, mach_port_t *task)
{
    if (mach_port_mod_refs(mach_task_self(), p->task, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS)
        return unix_err(ESRCH);
    *task = p->task;
    return KERN_SUCCESS;
}

kern_return_t S_proc_get_task(mach_port_t proc, int pid, mach_port_t *task)
{
    struct process *caller = process_caller(proc), *p;
    kern_return_t kr = caller == NULL ? unix_err(ESRCH)
                                      : owned(pid, caller->cred.euid, caller->cred.egid, &p);

    return kr == KERN_SUCCESS ? give_task(p, task) : kr;
}

kern_return_t S_proc_status(mach_port_t server, int pid, proc_info_t *info, proc_ids_t ids)
{
    const struct process *p = process_find(pid);

    if (p == NULL)
        return unix_err(ESRCH);
    tell(p, info);
    cred_ids(p, ids);
    return KERN_SUCCESS;
}

/* As `owned`, for who shows the privileged host port: its right is one more of the name that we have. */
static kern_return_t owned_for(mach_port_t priv, int pid, uint32_t uid, uint32_t gid, struct process **p)
{
    return priv == host_priv ? owned(pid, uid, gid, p) : unix_err(EPERM);
}

kern_return_t S_proc_look_into(mach_port_t server, mach_port_t priv, int pid, uint32_t uid, uint32_t gid,
                               mach_port_t *task)
{
    struct process *p;
    kern_return_t kr = owned_for(priv, pid, uid, gid, &p);

    if (kr == KERN_SUCCESS)
        kr = give_task(p, task);
    if (kr == KERN_SUCCESS)
        mach_port_deallocate(mach_task_self(), priv);
    return kr;
}

kern_return_t S_proc_program(mach_port_t server, mach_port_t priv, int pid, uint32_t uid, uint32_t gid,
                             char *program, char *arguments, mach_msg_type_number_t *argumentsCnt)
{
    struct process *p;
    kern_return_t kr = owned_for(priv, pid, uid, gid, &p);

    if (kr != KERN_SUCCESS)
        return kr;
    strlcpy(program, p->program, sizeof(path_t));
    *argumentsCnt = p->arguments != NULL ? p->arguments->size : 0;
    if (*argumentsCnt > 0)
        memcpy(arguments, p->arguments->bytes, *argumentsCnt);
    mach_port_deallocate(mach_task_self(), priv);
    return KERN_SUCCESS;
}

kern_return_t S_proc_set_name(mach_port_t proc, const char *name)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    process_name(p, name);
    return KERN_SUCCESS;
}
