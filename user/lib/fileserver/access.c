/*
 * access.c: who may do what, by the owners and permissions of files. Read credentials.h before.
 *
 * A request says in its trailer for whom its sender acts: the proc server gave the task that token, and
 * a client cannot choose it. So nothing is asked of anybody. What an open file may be used for was
 * decided when it was opened, and the right to its port can be handed on; all else is decided anew with
 * each request, for who sends it.
 */
#include "server.h"

#include <credentials.h>
#include <errno.h>

uint32_t client_uid(void)
{
    return credentials_uid(ports_sender());
}

uint32_t client_gid(void)
{
    return credentials_gid(ports_sender());
}

bool access_may(const struct inode *ip, uint32_t want)
{
    security_token_t client = ports_sender();
    uint32_t uid = credentials_uid(client);
    uint32_t mode = ip->d->mode;

    if (uid == SUPERUSER)
        return true;
    if (uid == ip->d->uid)
        mode >>= 6;
    else if (credentials_gid(client) == ip->d->gid)
        mode >>= 3;
    return (mode & want) == want;
}

bool access_is_owner(const struct inode *ip)
{
    uint32_t uid = client_uid();

    return uid == SUPERUSER || uid == ip->d->uid;
}

int access_change_names(const struct inode *dp)
{
    return access_may(dp, ACCESS_W | ACCESS_X) ? 0 : EACCES;
}

int access_remove(const struct inode *dp, const struct inode *ip)
{
    int err = access_change_names(dp);

    /* In a sticky directory one removes what one owns [POSIX S_ISVTX]. */
    if (err == 0 && (dp->d->mode & MODE_STICKY) && !access_is_owner(ip) && !access_is_owner(dp))
        err = EPERM;
    return err;
}

/* May the client give a file this group? One's own only. (Of supplementary groups nothing is known here.) */
static bool is_member(uint32_t gid)
{
    return client_uid() == SUPERUSER || client_gid() == gid;
}

int access_attributes(const struct inode *ip, struct attr *a)
{
    bool owner = access_is_owner(ip);

    if ((a->which & (ATTR_MODE | ATTR_UID | ATTR_GID)) && !owner)
        return EPERM;
    if (client_uid() == SUPERUSER)
        return 0;
    if ((a->which & ATTR_UID) && a->uid != ip->d->uid)
        return EPERM;
    if ((a->which & ATTR_GID) && a->gid != ip->d->gid && !is_member(a->gid))
        return EPERM;
    if ((a->which & ATTR_MODE) && !is_member(ip->d->gid))
        a->mode &= ~MODE_SETGID;
    /* A file that changes hands acts for nobody any more. */
    if ((a->which & (ATTR_UID | ATTR_GID)) && inode_type(ip) == OSTIAFS_S_IFREG &&
        (ip->d->mode & (MODE_SETUID | MODE_SETGID))) {
        a->mode = ip->d->mode & ~(MODE_SETUID | MODE_SETGID);
        a->which |= ATTR_MODE;
    }
    return 0;
}

uint32_t access_new_mode(const struct inode *dp, uint32_t mode)
{
    if ((dp->d->mode & MODE_SETGID) && (mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFDIR)
        return mode | MODE_SETGID;
    return mode;
}

uint32_t access_new_gid(const struct inode *dp)
{
    return dp->d->mode & MODE_SETGID ? dp->d->gid : client_gid();
}
