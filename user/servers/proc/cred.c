/*
 * Credentials: who a process acts for. They are kept here, and its task's messages carry them in
 * a token (credentials.h) that only a holder of the privileged host port can set: so any server
 * can believe the trailer of a message, and asks nobody. Read proc.h first.
 */
#include "proc.h"

#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/host_priv.h>
#include <servers/proc_server.h>
#include <string.h>

boolean_t cred_is_root(const struct process *p)
{
    return p->cred.euid == 0;
}

kern_return_t cred_apply(const struct process *p)
{
    return task_set_security_token(host_priv, p->task,
                                   credentials_token((uint32_t)p->pid, (uint32_t)p->pgid,
                                                     p->cred.euid, p->cred.egid));
}

boolean_t cred_may_control(const struct process *p, const struct process *target)
{
    return cred_is_root(p) || p->cred.euid == target->cred.ruid
        || p->cred.euid == target->cred.suid || p->cred.ruid == target->cred.ruid
        || p->cred.ruid == target->cred.suid;
}

/* It has no id that they do not act for already. (Supplementary groups open no file here.) */
boolean_t cred_may_own(uint32_t uid, uint32_t gid, const struct process *target)
{
    const struct credentials *other = &target->cred;

    return uid == 0
        || (uid == other->ruid && uid == other->euid && uid == other->suid
            && gid == other->rgid && gid == other->egid && gid == other->sgid);
}

/* Can id be set in place of one of three by a process that may not choose? ID_KEEP always can. */
static boolean_t is_one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
    return id == ID_KEEP || id == a || id == b || id == c;
}

static uint32_t keep_or(uint32_t id, uint32_t old)
{
    return id == ID_KEEP ? old : id;
}

static boolean_t is_id(uint32_t id)
{
    return id == ID_KEEP || id <= CREDENTIAL_ID_MAX;
}

/* Puts cred in the place of p's, or nothing happens. */
static kern_return_t change(struct process *p, const struct credentials *cred)
{
    struct credentials old = p->cred;

    p->cred = *cred;
    if (cred_apply(p) == KERN_SUCCESS)
        return KERN_SUCCESS;
    p->cred = old;
    return unix_err(ESRCH); /* its task has died */
}

kern_return_t S_proc_setresuid(mach_port_t proc, uint32_t ruid, uint32_t euid, uint32_t suid)
{
    struct process *p = process_caller(proc);
    struct credentials cred;

    if (p == NULL)
        return unix_err(ESRCH);
    if (!is_id(ruid) || !is_id(euid) || !is_id(suid))
        return unix_err(EINVAL);
    cred = p->cred;
    if (!cred_is_root(p)
        && (!is_one_of(ruid, cred.ruid, cred.euid, cred.suid)
            || !is_one_of(euid, cred.ruid, cred.euid, cred.suid)
            || !is_one_of(suid, cred.ruid, cred.euid, cred.suid)))
        return unix_err(EPERM);
    cred.ruid = keep_or(ruid, cred.ruid);
    cred.euid = keep_or(euid, cred.euid);
    cred.suid = keep_or(suid, cred.suid);
    return change(p, &cred);
}

kern_return_t S_proc_setresgid(mach_port_t proc, uint32_t rgid, uint32_t egid, uint32_t sgid)
{
    struct process *p = process_caller(proc);
    struct credentials cred;

    if (p == NULL)
        return unix_err(ESRCH);
    if (!is_id(rgid) || !is_id(egid) || !is_id(sgid))
        return unix_err(EINVAL);
    cred = p->cred;
    if (!cred_is_root(p)
        && (!is_one_of(rgid, cred.rgid, cred.egid, cred.sgid)
            || !is_one_of(egid, cred.rgid, cred.egid, cred.sgid)
            || !is_one_of(sgid, cred.rgid, cred.egid, cred.sgid)))
        return unix_err(EPERM);
    cred.rgid = keep_or(rgid, cred.rgid);
    cred.egid = keep_or(egid, cred.egid);
    cred.sgid = keep_or(sgid, cred.sgid);
    return change(p, &cred);
}

void cred_ids(const struct process *p, proc_ids_t ids)
{
    ids[PROC_RUID] = p->cred.ruid;
    ids[PROC_EUID] = p->cred.euid;
    ids[PROC_SUID] = p->cred.suid;
    ids[PROC_RGID] = p->cred.rgid;
    ids[PROC_EGID] = p->cred.egid;
    ids[PROC_SGID] = p->cred.sgid;
}

kern_return_t S_proc_credentials(mach_port_t proc, proc_ids_t ids)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    cred_ids(p, ids);
    return KERN_SUCCESS;
}

kern_return_t S_proc_setgroups(mach_port_t proc, uint32_t *groups,
                               mach_msg_type_number_t groupsCnt)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    if (!cred_is_root(p))
        return unix_err(EPERM);
    for (mach_msg_type_number_t i = 0; i < groupsCnt; i++)
        if (groups[i] > CREDENTIAL_ID_MAX)
            return unix_err(EINVAL);
    memcpy(p->cred.groups, groups, groupsCnt * sizeof(*groups));
    p->cred.group_count = groupsCnt;
    return KERN_SUCCESS;
}

/* No secret: a file server asks on its way to a decision, on the service port. */
kern_return_t S_proc_groups(mach_port_t server, int pid, uint32_t *groups,
                            mach_msg_type_number_t *groupsCnt)
{
    struct process *p = process_find(pid);

    if (p == NULL)
        return unix_err(ESRCH);
    memcpy(groups, p->cred.groups, p->cred.group_count * sizeof(*groups));
    *groupsCnt = p->cred.group_count;
    return KERN_SUCCESS;
}
