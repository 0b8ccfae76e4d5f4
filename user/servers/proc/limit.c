/*
 * Resource limits, and the time that processes use. Read proc.h first.
 *
 * RLIMIT_AS is a limit of the task's ledger, and the kernel's business; RLIMIT_CPU is a timer;
 * RLIMIT_NPROC and RLIMIT_SIGPENDING are looked at here. RLIMIT_NOFILE libc asks for: descriptors are
 * its own. RLIMIT_CORE is crash.c's. The others are kept, and have no effect.
 */
#include "proc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/host_priv.h>
#include <mach/task.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define NSEC_PER_SEC 1000000000ULL
#define STACK_LIMIT  (8ULL << 20) /* what elf_stack reserves */
#define FILES_LIMIT  65536        /* libc's FD_MAX */

_Static_assert(LIMITS == RLIM_NLIMITS, "proc.h");

/* ---- time ---- */

static uint64_t nanoseconds(time_value_t t)
{
    return (uint64_t)t.seconds * NSEC_PER_SEC + (uint64_t)t.microseconds * 1000;
}

void limit_times(const struct process *p, uint64_t *user, uint64_t *system)
{
    task_basic_info_data_t info;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    *user = p->used_user;
    *system = p->used_system;
    if (!p->ending
        && task_info(p->task, TASK_BASIC_INFO, (task_info_t)&info, &count) == KERN_SUCCESS) {
        *user = nanoseconds(info.user_time);
        *system = nanoseconds(info.system_time);
    }
}

kern_return_t S_proc_times(mach_port_t proc, proc_times_t *times)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    p->times_asked = TRUE;
    limit_times(p, &times->user, &times->system);
    times->child_user = p->child_user;
    times->child_system = p->child_system;
    return KERN_SUCCESS;
}

kern_return_t S_proc_child_times(mach_port_t proc, int pid, proc_times_t *times)
{
    struct process *p = process_caller(proc), *child = process_find(pid);

    if (p == NULL)
        return unix_err(ESRCH);
    if (child == NULL || child->parent != p)
        return unix_err(ECHILD);
    limit_times(child, &times->user, &times->system);
    times->child_user = child->child_user;
    times->child_system = child->child_system;
    return KERN_SUCCESS;
}

/* ---- limits ---- */

static void cpu_expired(struct timer *timer);

/* Looks again when the task may have used as much as its limit; a second later if it has already. */
static void watch_cpu(struct process *p)
{
    uint64_t limit = p->limits[RLIMIT_CPU].soft, user, system, left = NSEC_PER_SEC;

    if (limit > UINT64_MAX / NSEC_PER_SEC / 2) { /* for ever */
        timer_set(&p->cpu_limit, 0);
        return;
    }
    limit_times(p, &user, &system);
    if (user + system < limit * NSEC_PER_SEC)
        left = limit * NSEC_PER_SEC - user - system;
    if (left < CPU_LOOK_NS)
        left = CPU_LOOK_NS;
    p->cpu_limit.expired = cpu_expired;
    timer_set(&p->cpu_limit, timer_now() + left);
}

static void cpu_expired(struct timer *timer)
{
    struct process *p = CONTAINER(timer, struct process, cpu_limit);
    sig_info_t info = {.signo = SIGXCPU, .code = SI_KERNEL};
    uint64_t user, system, used;

    limit_times(p, &user, &system);
    used = (user + system) / NSEC_PER_SEC;
    if (used >= p->limits[RLIMIT_CPU].hard)
        info.signo = SIGKILL;
    watch_cpu(p);
    if (used >= p->limits[RLIMIT_CPU].soft)
        signal_send(p, &info);
}

void limit_inherit(struct process *child, const struct process *parent)
{
    if (parent != NULL) {
        child->times_asked = parent->times_asked;
        memcpy(child->limits, parent->limits, sizeof(child->limits));
        if (child->limits[RLIMIT_CPU].soft != RLIM_INFINITY)
            watch_cpu(child);
        return;
    }
    memset(child->limits, 0xff, sizeof(child->limits)); /* RLIM_INFINITY */
    child->limits[RLIMIT_STACK].soft = STACK_LIMIT;
    child->limits[RLIMIT_NOFILE] = (proc_limit_t){FILES_LIMIT, FILES_LIMIT};
    child->limits[RLIMIT_SIGPENDING] = (proc_limit_t){SIGNALS_QUEUED_MAX, SIGNALS_QUEUED_MAX};
}

struct count_query {
    uint32_t uid;
    uint64_t count;
};

static void count_own(struct process *p, void *arg)
{
    struct count_query *query = arg;

    query->count += p->cred.ruid == query->uid;
}

boolean_t limit_allows_fork(const struct process *p)
{
    struct count_query query = {p->cred.ruid, 0};

    if (p->limits[RLIMIT_NPROC].soft == RLIM_INFINITY || cred_is_root(p))
        return TRUE;
    process_each(count_own, &query);
    return query.count < p->limits[RLIMIT_NPROC].soft;
}

/* Tells the kernel of a limit that it keeps. */
static kern_return_t apply(struct process *p, uint64_t address_space)
{
    task_limits_info_data_t info;
    mach_msg_type_number_t count = TASK_LIMITS_INFO_COUNT;
    kern_return_t kr = task_info(p->task, TASK_LIMITS_INFO, (task_info_t)&info, &count);

    info.limit.virtual_memory = address_space;
    return kr == KERN_SUCCESS ? task_set_limits(host_priv, p->task, info.limit) : kr;
}

kern_return_t S_proc_limit(mach_port_t proc, int which, boolean_t set, proc_limit_t limit,
                           proc_limit_t *old)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    if (which < 0 || which >= LIMITS || (set && limit.soft > limit.hard))
        return unix_err(EINVAL);
    *old = p->limits[which];
    if (!set)
        return KERN_SUCCESS;
    if (limit.hard > old->hard && !cred_is_root(p))
        return unix_err(EPERM);
    if (which == RLIMIT_NOFILE && limit.hard > FILES_LIMIT)
        limit.hard = FILES_LIMIT;
    if (which == RLIMIT_SIGPENDING && limit.hard > SIGNALS_QUEUED_MAX)
        limit.hard = SIGNALS_QUEUED_MAX;
    if (limit.soft > limit.hard)
        limit.soft = limit.hard;
    if (which == RLIMIT_AS && apply(p, limit.soft) != KERN_SUCCESS)
        return unix_err(ENOMEM);
    p->limits[which] = limit;
    if (which == RLIMIT_CPU)
        watch_cpu(p);
    return KERN_SUCCESS;
}
