/*
 * fsops.c: the routines of fs.defs: what can be done with names. Read fs.defs, path.c and names.c
 * before; access.c says who may.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <stddef.h>
#include <string.h>

#include <servers/fs_server.h>

#define PERMISSIONS 07777U
#define DIRENTS_MAX 4096U /* bytes in one fs_readdir, see fs.defs */
#define KEPT_FLAGS  ((uint32_t)(O_ACCMODE | O_APPEND | O_PATH)) /* of open, that matter afterwards */

/* The open directory a request came to, with a reference for ports_deref; 0, EBADF, ENOTDIR. */
static int directory(mach_port_t dir, struct open_file **f)
{
    *f = open_get(dir);
    if (*f == NULL)
        return EBADF;
    if (inode_type((*f)->ip) == OSTIAFS_S_IFDIR)
        return 0;
    ports_deref(*f);
    return ENOTDIR;
}

/* Follows a path from the port a request came to. */
static int walk(mach_port_t dir, const char *path, enum follow follow, struct place *place,
                struct crossing *crossing)
{
    struct open_file *f = open_find(dir);

    if (f == NULL)
        return EBADF;
    return inode_type(f->ip) == OSTIAFS_S_IFDIR ? path_walk(f, path, follow, place, crossing) : ENOTDIR;
}

static int lookup(mach_port_t dir, const char *path, enum follow follow, struct inode **ip)
{
    struct open_file *f = open_find(dir);

    if (f == NULL)
        return EBADF;
    return inode_type(f->ip) == OSTIAFS_S_IFDIR ? path_lookup(f, path, follow, ip) : ENOTDIR;
}

/* Makes something, of the client's, that is not there yet. */
static int create_at(struct place *place, uint32_t mode, uint32_t rdev, struct inode **ip)
{
    int err = access_change_names(place->dir);

    if (err != 0)
        return err;
    return name_create(place->dir, place->name, place->len, access_new_mode(place->dir, mode),
                       client_uid(), access_new_gid(place->dir), rdev >> 8, rdev & 0xff, ip);
}

/* Opens what is there, or makes it. *ip gets a reference, and so does *above. */
static int open_or_create(mach_port_t dir, const char *path, uint32_t flags, uint32_t mode,
                          struct inode **ip, struct above **above, bool *made, struct crossing *crossing)
{
    bool create = flags & O_CREAT && !(flags & O_PATH);
    bool exclusive = create && (flags & O_EXCL);
    struct place place;
    enum follow follow = exclusive ? FOLLOW_NEVER : flags & O_NOFOLLOW ? FOLLOW_SLASH : FOLLOW;
    int err = walk(dir, path, follow, &place, crossing);

    if (err != 0)
        return err;
    if (place.ip != NULL && exclusive)
        err = EEXIST;
    else if (place.ip != NULL)
        *ip = inode_ref(place.ip);
    else if (!create)
        err = ENOENT;
    else if (place.slash)
        err = EISDIR;
    else
        err = create_at(&place, OSTIAFS_S_IFREG | (mode & PERMISSIONS), 0, ip);
    *made = err == 0 && place.ip == NULL;
    *above = err == 0 ? above_ref(place.above) : NULL;
    place_done(&place);
    return err;
}

/* What the flags want to do with it. */
static uint32_t wanted(uint32_t flags)
{
    switch (flags & O_ACCMODE) {
    case O_RDONLY:
        return flags & O_TRUNC ? ACCESS_R | ACCESS_W : ACCESS_R;
    case O_WRONLY:
        return ACCESS_W;
    default:
        return ACCESS_R | ACCESS_W;
    }
}

/* May it be opened so? And O_TRUNC. */
static int check_open(struct inode *ip, uint32_t flags, bool made)
{
    bool write = (flags & O_ACCMODE) != O_RDONLY;
    int err = 0;

    if ((flags & O_ACCMODE) == O_ACCMODE)
        return EINVAL;
    if (flags & O_PATH) { /* a directory to look names up from, or anything to ask and set attributes */
        if (!(flags & O_DIRECTORY))
            return 0;
        if (inode_type(ip) != OSTIAFS_S_IFDIR)
            return ENOTDIR;
        return access_may(ip, ACCESS_X) ? 0 : EACCES;
    }
    /* Who has made it may open it, whatever the mode says [POSIX open]. */
    if (!made && inode_type(ip) != OSTIAFS_S_IFLNK && !access_may(ip, wanted(flags)))
        return EACCES;
    switch (inode_type(ip)) {
    case OSTIAFS_S_IFLNK:
        return ELOOP; /* only with O_NOFOLLOW */
    case OSTIAFS_S_IFDIR:
        return write || (flags & O_CREAT) ? EISDIR : 0;
    case OSTIAFS_S_IFREG:
        break;
    case OSTIAFS_S_IFCHR:
    case OSTIAFS_S_IFBLK:
        return flags & O_DIRECTORY ? ENOTDIR : 0;
    default:
        return ENXIO; /* named pipes and sockets have no server */
    }
    if (flags & O_DIRECTORY)
        return ENOTDIR;
    if (write && ip->fs->readonly)
        return EROFS;
    if (write && (flags & O_TRUNC) && ip->d->size > 0) {
        uint64_t size = ip->d->size;

        err = file_truncate(ip, 0);
        if (err == 0)
            pager_cut(ip, size);
    }
    return err;
}

kern_return_t S_fs_open(mach_port_t dir, const char *path, uint32_t flags, uint32_t mode,
                        mach_port_t *file, mach_msg_type_name_t *how, uint32_t *on)
{
    static struct crossing crossing; /* large; one thread serves */
    struct inode *ip;
    struct above *above;
    bool made;
    int err = open_or_create(dir, path, flags, mode, &ip, &above, &made, &crossing);

    *on = 0;
    if (err == FS_EREMOTE && crossing.on != 0) {
        *file = crossing.port;
        *how = MACH_MSG_TYPE_COPY_SEND;
        *on = crossing.on;
        return KERN_SUCCESS;
    }
    if (err != 0)
        return reply_code(err);
    err = check_open(ip, flags, made);
    if (err != 0) {
        inode_put(ip);
    } else if (!(flags & O_PATH) &&
               (inode_type(ip) == OSTIAFS_S_IFCHR || inode_type(ip) == OSTIAFS_S_IFBLK)) {
        err = device_open(ip, file, how, on);
        inode_put(ip);
    } else {
        err = open_new(ip, flags & KEPT_FLAGS, above, file);
        *how = MACH_MSG_TYPE_MAKE_SEND;
    }
    above_put(above);
    return reply_code(err);
}

kern_return_t S_fs_stat(mach_port_t dir, const char *path, boolean_t follow, io_stat_t *stat)
{
    struct inode *ip;
    int err = lookup(dir, path, follow ? FOLLOW : FOLLOW_SLASH, &ip);

    if (err != 0)
        return reply_code(err);
    stat_fill(ip, stat);
    inode_put(ip);
    return KERN_SUCCESS;
}

/* Makes something that is not there yet. */
static int make(mach_port_t dir, const char *path, uint32_t mode, uint32_t rdev)
{
    struct place place;
    int err = walk(dir, path, FOLLOW_NEVER, &place, NULL);

    if (err != 0)
        return err;
    if (place.ip != NULL)
        err = EEXIST;
    else if (place.slash && (mode & OSTIAFS_S_IFMT) != OSTIAFS_S_IFDIR)
        err = ENOENT;
    else
        err = create_at(&place, mode, rdev, NULL);
    place_done(&place);
    return err;
}

kern_return_t S_fs_mkdir(mach_port_t dir, const char *path, uint32_t mode)
{
    return reply_code(make(dir, path, OSTIAFS_S_IFDIR | (mode & PERMISSIONS), 0));
}

kern_return_t S_fs_mknod(mach_port_t dir, const char *path, uint32_t mode, uint32_t rdev)
{
    if ((mode & OSTIAFS_S_IFMT) == 0)
        mode |= OSTIAFS_S_IFREG;
    if ((mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFDIR)
        return unix_err(EINVAL);
    if (((mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFCHR || (mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFBLK) &&
        client_uid() != SUPERUSER)
        return unix_err(EPERM); /* who makes devices has all of them */
    return reply_code(make(dir, path, mode, rdev));
}

/* Lets go of what loses its name, unless there are mapped pages of it: else it would have to become an
 * orphan, only because we look at it. */
static void let_go(struct place *place)
{
    if (place->ip != NULL && !pager_is_there(place->ip)) {
        inode_put(place->ip);
        place->ip = NULL;
    }
}

static int unlink_at(struct place *place, bool remove_dir)
{
    int err = access_remove(place->dir, place->ip);

    if (err != 0)
        return err;
    let_go(place);
    err = name_unlink(place->dir, place->name, place->len, remove_dir);
    if (err == 0 && place->ip != NULL)
        pager_unnamed(place->ip);
    return err;
}

kern_return_t S_fs_unlink(mach_port_t dir, const char *path, boolean_t remove_dir)
{
    struct place place;
    int err = walk(dir, path, FOLLOW_NEVER, &place, NULL);

    if (err != 0)
        return reply_code(err);
    if (place.ip == NULL)
        err = ENOENT;
    else if (place.len == 0)
        err = EBUSY; /* the root */
    else if (place.ip->mounted != NULL)
        err = EBUSY;
    else if (place.slash && inode_type(place.ip) != OSTIAFS_S_IFDIR)
        err = ENOTDIR;
    else
        err = unlink_at(&place, remove_dir);
    place_done(&place);
    return reply_code(err);
}

/*
 * Follows a second path from a port that came in the message. The stub releases that right if the
 * routine fails; done_with_port is for success.
 */
static int walk_second(mach_port_t new_dir, const char *path, struct place *place)
{
    int err = walk(new_dir, path, FOLLOW_NEVER, place, NULL);

    return err == EBADF ? EXDEV : err; /* a port, but not of this server's */
}

static void done_with_port(mach_port_t port)
{
    if (port != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), port);
}

kern_return_t S_fs_link(mach_port_t dir, const char *path, mach_port_t new_dir,
                        const char *new_path, boolean_t follow)
{
    struct inode *ip;
    struct place to;
    int err = lookup(dir, path, follow ? FOLLOW : FOLLOW_SLASH, &ip);

    if (err != 0)
        return reply_code(err);
    err = walk_second(new_dir, new_path, &to);
    if (err == 0) {
        if (to.ip != NULL)
            err = EEXIST;
        else if (to.slash)
            err = ENOENT;
        else
            err = access_change_names(to.dir);
        if (err == 0)
            err = name_link(to.dir, to.name, to.len, ip);
        place_done(&to);
    }
    inode_put(ip);
    if (err == 0)
        done_with_port(new_dir);
    return reply_code(err);
}

static int rename_to(struct place *from, struct place *to)
{
    int err = access_remove(from->dir, from->ip);

    if (err == 0)
        err = to->ip != NULL ? access_remove(to->dir, to->ip) : access_change_names(to->dir);
    /* A directory that moves has a new "..", which is a change of it. */
    if (err == 0 && from->dir != to->dir && inode_type(from->ip) == OSTIAFS_S_IFDIR &&
        !access_may(from->ip, ACCESS_W))
        err = EACCES;
    if (err != 0)
        return err;
    let_go(to);
    err = name_rename(from->dir, from->name, from->len, to->dir, to->name, to->len);
    if (err == 0 && to->ip != NULL)
        pager_unnamed(to->ip);
    return err;
}

kern_return_t S_fs_rename(mach_port_t dir, const char *path, mach_port_t new_dir,
                          const char *new_path)
{
    struct place from;
    struct place to;
    int err = walk(dir, path, FOLLOW_NEVER, &from, NULL);

    if (err != 0)
        return reply_code(err);
    err = walk_second(new_dir, new_path, &to);
    if (err == 0) {
        if (from.ip == NULL)
            err = ENOENT;
        else if (from.len == 0 || to.len == 0)
            err = EBUSY; /* the root */
        else if (from.ip->mounted != NULL || (to.ip != NULL && to.ip->mounted != NULL))
            err = EBUSY;
        else if ((from.slash || to.slash) && inode_type(from.ip) != OSTIAFS_S_IFDIR)
            err = ENOTDIR;
        else
            err = rename_to(&from, &to);
        place_done(&to);
    }
    place_done(&from);
    if (err == 0)
        done_with_port(new_dir);
    return reply_code(err);
}

kern_return_t S_fs_symlink(mach_port_t dir, const char *target, const char *path)
{
    struct place place;
    int err = walk(dir, path, FOLLOW_NEVER, &place, NULL);

    if (err != 0)
        return reply_code(err);
    if (place.ip != NULL)
        err = EEXIST;
    else if (place.slash)
        err = ENOENT;
    else
        err = access_change_names(place.dir);
    if (err == 0)
        err = name_symlink(place.dir, place.name, place.len, target, strlen(target), client_uid(),
                           access_new_gid(place.dir));
    place_done(&place);
    return reply_code(err);
}

kern_return_t S_fs_readlink(mach_port_t dir, const char *path, char *target)
{
    size_t len = sizeof(path_t) - 1;
    struct inode *ip;
    int err = lookup(dir, path, FOLLOW_SLASH, &ip);

    if (err != 0)
        return reply_code(err);
    err = name_readlink(ip, target, &len);
    if (err == 0)
        target[len] = '\0';
    inode_put(ip);
    return reply_code(err);
}

/* The same as directory, if it was opened for reading. */
static int directory_to_read(mach_port_t dir, struct inode **dp)
{
    struct open_file *f;
    int err = directory(dir, &f);

    if (err != 0)
        return err;
    if (f->flags & O_PATH)
        err = EBADF;
    else
        *dp = inode_ref(f->ip);
    ports_deref(f);
    return err;
}

/* Where fs_readdir's entries go. */
struct packer {
    char *data;
    size_t used;
    size_t room;
    bool full; /* an entry did not fit */
};

static bool pack(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type,
                 uint64_t next_position)
{
    struct packer *p = arg;
    size_t size = (offsetof(io_dirent_t, d_name) + len + 1 + 7) & ~(size_t)7;
    io_dirent_t *e = (io_dirent_t *)(p->data + p->used);

    p->full = size > p->room - p->used;
    if (p->full)
        return false;
    memset(e, 0, size);
    e->d_ino = ino;
    e->d_off = next_position;
    e->d_reclen = (uint16_t)size;
    e->d_type = type;
    e->d_namlen = (uint8_t)len;
    memcpy(e->d_name, name, len);
    p->used += size;
    return true;
}

kern_return_t S_fs_readdir(mach_port_t dir, uint64_t cookie, char *entries,
                           mach_msg_type_number_t *count)
{
    static uint64_t aligned[DIRENTS_MAX / 8]; /* the message's bytes need not be 8-aligned */
    struct packer p = {
        .data = (char *)aligned,
        .room = *count < sizeof aligned ? *count : sizeof aligned,
    };
    struct inode *dp;
    int err = directory_to_read(dir, &dp);

    *count = 0;
    if (err != 0)
        return reply_code(err);
    err = dir_read(dp, &cookie, pack, &p);
    inode_put(dp);
    if (err == 0 && p.used == 0 && p.full)
        err = EINVAL; /* the client has room for not even one */
    memcpy(entries, aligned, p.used);
    *count = (mach_msg_type_number_t)p.used;
    return reply_code(p.used > 0 ? 0 : err);
}

kern_return_t S_fs_sync(mach_port_t dir)
{
    (void)dir; /* any port of this server will do */
    return volume == NULL ? unix_err(ENODEV) : reply_code(volume_sync(volume));
}

kern_return_t S_fs_statfs(mach_port_t dir, uint32_t *block_size, uint64_t *blocks,
                          uint64_t *blocks_free, uint64_t *inodes, uint64_t *inodes_free)
{
    struct open_file *f = open_get(dir);

    if (f == NULL)
        return unix_err(EBADF);
    ports_deref(f);
    *block_size = OSTIAFS_BLOCK_SIZE;
    volume_counts(volume, blocks, blocks_free, inodes, inodes_free);
    return KERN_SUCCESS;
}

kern_return_t S_fs_is_open(mach_port_t dir, mach_port_t file)
{
    struct open_file *f = open_get(file);

    (void)dir;
    if (f == NULL)
        return unix_err(EXDEV);
    ports_deref(f);
    done_with_port(file);
    return KERN_SUCCESS;
}

int open_root(uint32_t ino, uint32_t flags, struct above *above, mach_port_t *root)
{
    struct inode *ip;
    int err = volume == NULL ? ENODEV : inode_get(volume, ino, &ip);

    return err == 0 ? open_new(ip, flags, above, root) : err;
}

kern_return_t S_fs_root(mach_port_t server, mach_port_t *root)
{
    return reply_code(open_root(serve_root(server), O_RDONLY, NULL, root));
}

kern_return_t S_fs_root_in(mach_port_t server, mach_port_t parent, mach_port_t *root)
{
    struct above *above;
    int err;

    if (parent == MACH_PORT_NULL || parent == MACH_PORT_DEAD)
        return unix_err(EINVAL);
    /* The stub releases the right on failure; so does above_put, and this is one reference for both. */
    if (mach_port_mod_refs(mach_task_self(), parent, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS)
        return unix_err(EINVAL);
    above = above_new(parent);
    err = above == NULL ? ENOMEM : open_root(serve_root(server), O_PATH, above, root);
    above_put(above);
    if (err == 0)
        done_with_port(parent);
    return reply_code(err);
}

kern_return_t S_fs_cross(mach_port_t dir, const char *path, int follow, mach_port_t *port,
                         mach_msg_type_name_t *how, char *rest)
{
    static struct crossing crossing; /* large; one thread serves */
    struct open_file *f;
    struct place place;
    int err = follow < FOLLOW_NEVER || follow > FOLLOW ? EINVAL : directory(dir, &f);

    if (err != 0)
        return reply_code(err);
    err = path_walk(f, path, (enum follow)follow, &place, &crossing);
    ports_deref(f);
    *port = MACH_PORT_NULL;
    *how = MACH_MSG_TYPE_COPY_SEND;
    rest[0] = '\0';
    if (err == 0)
        place_done(&place);
    if (err != FS_EREMOTE)
        return reply_code(err);
    *port = crossing.port;
    strlcpy(rest, crossing.rest, sizeof(path_t));
    return KERN_SUCCESS;
}
