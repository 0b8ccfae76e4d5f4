/*
 * made.c: the core of a file server whose files are made when somebody looks. Read fs.h beside this file
 * before. It takes the place of names.c and pager.c, too: no name changes, and there is nothing to map, since
 * a text belongs to who reads it (ENODEV: libc then reads by messages).
 */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POSITION_DOTDOT 1 /* dir_read's: "." is 0, and the server's names come from 2 on */
#define POSITION_NAMES  2

/* ---- inodes ---- */

static bool is_shared(const struct inode *ip)
{
    return inode_type(ip) != OSTIAFS_S_IFREG && inode_type(ip) != OSTIAFS_S_IFLNK;
}

int inode_get(struct fs *fs, uint32_t ino, struct inode **out)
{
    struct inode *ip = fs->shared;
    int err;

    while (ip != NULL && ip->ino != ino)
        ip = ip->next;
    if (ip != NULL) { /* if it is still there */
        err = made_attributes(ino, ip->d);
        if (err == 0)
            *out = inode_ref(ip);
        return err;
    }
    ip = calloc(1, sizeof *ip);
    if (ip == NULL)
        return ENOMEM;
    ip->fs = fs;
    ip->ino = ino;
    ip->refs = 1;
    ip->d = &ip->attributes;
    err = made_attributes(ino, ip->d);
    if (err != 0) {
        free(ip);
        return err;
    }
    if (is_shared(ip)) {
        ip->next = fs->shared;
        fs->shared = ip;
    }
    *out = ip;
    return 0;
}

struct inode *inode_ref(struct inode *ip)
{
    ip->refs++;
    return ip;
}

void inode_put(struct inode *ip)
{
    struct inode **at;

    if (ip == NULL || --ip->refs > 0)
        return;
    if (is_shared(ip)) {
        at = &ip->fs->shared;
        while (*at != ip)
            at = &(*at)->next;
        *at = ip->next;
    }
    free(ip->text);
    free(ip);
}

/* ---- contents ---- */

/* Has the text made, in place of an older one. */
static int make_text(struct inode *ip)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    int err = out == NULL ? ENOMEM : made_text(ip->ino, out);

    if (out != NULL && fclose(out) != 0 && err == 0)
        err = ENOMEM;
    if (err != 0) {
        free(text);
        return err;
    }
    free(ip->text);
    ip->text = text;
    ip->length = length;
    return 0;
}

/* Who reads from the beginning gets it as it is now. */
int file_read(struct inode *ip, uint64_t offset, void *data, size_t *len)
{
    size_t left;
    int err;

    if (is_shared(ip))
        return made_read(ip, data, len);
    err = offset == 0 || ip->text == NULL ? make_text(ip) : 0;

    if (err != 0)
        return err;
    left = offset < ip->length ? ip->length - offset : 0;
    if (*len > left)
        *len = left;
    if (*len > 0)
        memcpy(data, ip->text + offset, *len);
    return 0;
}

int file_write(struct inode *ip, uint64_t offset, const void *data, size_t *len)
{
    return is_shared(ip) ? made_write(ip, data, len) : EROFS;
}

int file_truncate(struct inode *ip, uint64_t size)
{
    return EROFS;
}

int pager_port(struct inode *ip, enum pager_kind kind, mach_port_t *port)
{
    return ENODEV;
}

bool pager_is_there(const struct inode *ip)
{
    return false;
}

int pager_settle(struct inode *ip, uint64_t offset, uint64_t len)
{
    return 0;
}

void pager_changed(struct inode *ip, uint64_t offset, uint64_t len)
{
}

void pager_cut(struct inode *ip, uint64_t old_size)
{
}

void pager_unnamed(struct inode *ip)
{
}

void pager_collect(struct inode *ip)
{
}

boolean_t pager_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    return FALSE;
}

int device_open(struct inode *ip, mach_port_t *port, mach_msg_type_name_t *how, uint32_t *on)
{
    *on = 0;
    return made_open(ip, port, how);
}

/* ---- names ---- */

struct reader {
    dir_emit_t emit;
    void *arg;
    uint64_t *position; /* behind what was taken */
    bool full;
};

static bool take(struct reader *r, const char *name, uint32_t ino, uint8_t type, uint64_t next)
{
    r->full = !r->emit(r->arg, name, strlen(name), ino, type, next);
    if (!r->full)
        *r->position = next;
    return !r->full;
}

static bool take_name(void *arg, const char *name, uint32_t ino, uint8_t type, uint64_t next)
{
    return take(arg, name, ino, type, POSITION_NAMES + next);
}

int dir_read(struct inode *dp, uint64_t *position, dir_emit_t emit, void *arg)
{
    struct reader r = {.emit = emit, .arg = arg, .position = position};
    uint32_t up;
    int err = made_lookup(dp->ino, "..", 2, &up);

    if (err == 0 && *position == 0)
        take(&r, ".", dp->ino, OSTIAFS_S_IFDIR >> 12, POSITION_DOTDOT);
    if (err == 0 && !r.full && *position == POSITION_DOTDOT)
        take(&r, "..", up, OSTIAFS_S_IFDIR >> 12, POSITION_NAMES);
    if (err == 0 && !r.full)
        err = made_names(dp->ino, *position - POSITION_NAMES, take_name, &r);
    return err;
}

int name_lookup(struct inode *dp, const char *name, size_t len, struct inode **out)
{
    uint32_t ino;
    int err;

    if (inode_type(dp) != OSTIAFS_S_IFDIR)
        return ENOTDIR;
    if (len == 1 && name[0] == '.') {
        *out = inode_ref(dp);
        return 0;
    }
    err = made_lookup(dp->ino, name, len, &ino);
    return err != 0 ? err : inode_get(dp->fs, ino, out);
}

int name_readlink(struct inode *ip, char *target, size_t *len)
{
    return inode_type(ip) == OSTIAFS_S_IFLNK ? file_read(ip, 0, target, len) : EINVAL;
}

int name_setattr(struct inode *ip, const struct attr *a)
{
    struct ostiafs_inode d = *ip->d;
    int err;

    if (a->which & ATTR_MODE)
        d.mode = (uint16_t)((d.mode & OSTIAFS_S_IFMT) | (a->mode & 07777U));
    if (a->which & ATTR_UID)
        d.uid = a->uid;
    if (a->which & ATTR_GID)
        d.gid = a->gid;
    if (a->which & ATTR_ATIME) {
        d.atime = a->atime;
        d.atime_nsec = a->atime_nsec;
    }
    if (a->which & ATTR_MTIME) {
        d.mtime = a->mtime;
        d.mtime_nsec = a->mtime_nsec;
    }
    clock_now(&d.ctime, &d.ctime_nsec);
    err = made_change(ip->ino, &d);
    if (err == 0)
        *ip->d = d;
    return err;
}

int name_create(struct inode *dp, const char *name, size_t len, uint32_t mode, uint32_t uid, uint32_t gid,
                uint32_t rdev_major, uint32_t rdev_minor, struct inode **out)
{
    return EROFS;
}

int name_symlink(struct inode *dp, const char *name, size_t len, const char *target, size_t target_len,
                 uint32_t uid, uint32_t gid)
{
    return EROFS;
}

int name_link(struct inode *dp, const char *name, size_t len, struct inode *ip)
{
    return EROFS;
}

int name_unlink(struct inode *dp, const char *name, size_t len, bool directory)
{
    return EROFS;
}

int name_rename(struct inode *from, const char *name, size_t len, struct inode *to, const char *new_name,
                size_t new_len)
{
    return EROFS;
}
