/* Who a process acts for: users and groups. The proc server keeps them. */
#include "posix.h"

#include <servers/proc.h>
#include <string.h>
#include <unistd.h>

#define KEEP (~0U)

/* A program that is no process is the system, and acts for root. */
static uint32_t get(int which)
{
    proc_ids_t ids;

    if (__proc_port == MACH_PORT_NULL || proc_credentials(__proc_port, ids) != KERN_SUCCESS)
        return 0;
    return ids[which];
}

uid_t getuid(void)
{
    return get(PROC_RUID);
}

uid_t geteuid(void)
{
    return get(PROC_EUID);
}

gid_t getgid(void)
{
    return get(PROC_RGID);
}

gid_t getegid(void)
{
    return get(PROC_EGID);
}

int getresuid(uid_t *ruid, uid_t *euid, uid_t *suid)
{
    proc_ids_t ids;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_credentials(__proc_port, ids);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    *ruid = ids[PROC_RUID];
    *euid = ids[PROC_EUID];
    *suid = ids[PROC_SUID];
    return 0;
}

int getresgid(gid_t *rgid, gid_t *egid, gid_t *sgid)
{
    proc_ids_t ids;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_credentials(__proc_port, ids);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    *rgid = ids[PROC_RGID];
    *egid = ids[PROC_EGID];
    *sgid = ids[PROC_SGID];
    return 0;
}

int setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_setresuid(__proc_port, ruid, euid, suid);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_setresgid(__proc_port, rgid, egid, sgid);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

/* POSIX: root gives up all three; others only act for another of theirs. */
int setuid(uid_t uid)
{
    if (uid == KEEP)
        return __fail(EINVAL);
    return geteuid() == 0 ? setresuid(uid, uid, uid) : setresuid(KEEP, uid, KEEP);
}

int setgid(gid_t gid)
{
    if (gid == KEEP)
        return __fail(EINVAL);
    return geteuid() == 0 ? setresgid(gid, gid, gid) : setresgid(KEEP, gid, KEEP);
}

int seteuid(uid_t uid)
{
    return uid != KEEP ? setresuid(KEEP, uid, KEEP) : __fail(EINVAL);
}

int setegid(gid_t gid)
{
    return gid != KEEP ? setresgid(KEEP, gid, KEEP) : __fail(EINVAL);
}

/* The saved one follows the effective one if the real one is set, or the effective one to what is not the
 * real one. */
int setreuid(uid_t ruid, uid_t euid)
{
    uid_t now = euid != KEEP ? euid : geteuid();
    int saves = ruid != KEEP || (euid != KEEP && euid != getuid());

    return setresuid(ruid, euid, saves ? now : KEEP);
}

int setregid(gid_t rgid, gid_t egid)
{
    gid_t now = egid != KEEP ? egid : getegid();
    int saves = rgid != KEEP || (egid != KEEP && egid != getgid());

    return setresgid(rgid, egid, saves ? now : KEEP);
}

int getgroups(int size, gid_t *list)
{
    gid_t groups[PROC_GROUPS_MAX];
    mach_msg_type_number_t count;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return 0;
    kr = proc_groups(__proc_port, getpid(), groups, &count);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    if (size == 0)
        return count;
    if (size < (int)count)
        return __fail(EINVAL);
    memcpy(list, groups, count * sizeof(*list));
    return count;
}

int setgroups(size_t size, const gid_t *list)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    if (size > PROC_GROUPS_MAX)
        return __fail(EINVAL);
    kr = proc_setgroups(__proc_port, (gid_t *)list, size);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}
