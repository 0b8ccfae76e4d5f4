/*
 * mount.c: what is mounted on directories of this server. Read "Mounting" in docs/fs.md before, and path.c.
 *
 * A mount is a port: paths over its directory go on there. The directory's inode is kept as long, and
 * knows it (`mounted`). Nothing is ever sent to the port; when it dies the kernel says so, and the mount is
 * gone.
 */
#include "server.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <stdlib.h>
#include <string.h>

#include <servers/fs_server.h>

struct mount {
    struct mount *next;
    struct inode *ip;    /* the directory; a reference */
    mach_port_t root;    /* a user reference of a send right; several mounts may have one name */
    uint32_t uid;        /* who mounted it */
    service_name_t what;
};

static struct mount *mounts; /* the newest first */

mach_port_t mount_root(const struct inode *ip)
{
    return ((const struct mount *)ip->mounted)->root;
}

struct above *above_new(mach_port_t parent)
{
    struct above *above = malloc(sizeof *above);

    if (above == NULL)
        mach_port_deallocate(mach_task_self(), parent);
    else
        *above = (struct above){.refs = 1, .parent = parent};
    return above;
}

void above_free(struct above *above)
{
    mach_port_deallocate(mach_task_self(), above->parent); /* a right, or what became of it */
    free(above);
}

/* ---- the death of what is mounted ---- */

static bool is_mounted(mach_port_t root)
{
    for (const struct mount *m = mounts; m != NULL; m = m->next)
        if (m->root == root)
            return true;
    return false;
}

static void forget(struct mount **at)
{
    struct mount *m = *at;

    *at = m->next;
    m->ip->mounted = NULL;
    inode_put(m->ip);
    mach_port_deallocate(mach_task_self(), m->root);
    free(m);
}

static void root_died(void *object, mach_port_name_t name)
{
    (void)object;
    for (struct mount **at = &mounts; *at != NULL;)
        if ((*at)->root == name)
            forget(at);
        else
            at = &(*at)->next;
    mach_port_deallocate(mach_task_self(), name); /* the notification's reference */
}

static const struct port_class deaths_class = {.name = "mounts", .dead_name = root_died};
static struct port_object deaths; /* where the kernel tells of them */

/* Asks the kernel to tell when root dies, or (with `port` MACH_PORT_NULL) not to. */
static kern_return_t watch(mach_port_t root, mach_port_t port)
{
    mach_port_t previous = MACH_PORT_NULL;
    kern_return_t kr = mach_port_request_notification(mach_task_self(), root, MACH_NOTIFY_DEAD_NAME, 0, port,
                                                      MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);

    if (kr == KERN_SUCCESS && previous != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), previous);
    return kr;
}

/* ---- fs.defs ---- */

/* On success the right to root is consumed. */
static int add(struct inode *ip, mach_port_t root, const char *what)
{
    struct mount *m;

    if (root == MACH_PORT_NULL || root == MACH_PORT_DEAD)
        return EINVAL;
    if (inode_type(ip) != OSTIAFS_S_IFDIR)
        return ENOTDIR;
    if (ip->d->nlink == 0)
        return ENOENT; /* removed while open: no path leads there */
    if (!access_is_owner(ip))
        return EPERM;
    if (is_root(ip) || ip->mounted != NULL)
        return EBUSY;
    if (deaths.port == MACH_PORT_NULL && ports_create(&deaths, &deaths_class) != KERN_SUCCESS)
        return ENOMEM;
    m = calloc(1, sizeof *m);
    if (m == NULL)
        return ENOMEM;
    if (!is_mounted(root) && watch(root, deaths.port) != KERN_SUCCESS) {
        free(m);
        return EINVAL; /* it has died meanwhile */
    }
    m->ip = inode_ref(ip);
    m->root = root;
    m->uid = client_uid();
    strlcpy(m->what, what, sizeof m->what);
    m->next = mounts;
    mounts = m;
    ip->mounted = m;
    return 0;
}

kern_return_t S_fs_mount(mach_port_t dir, const char *path, mach_port_t root, const char *what)
{
    struct open_file *f = open_get(dir);
    struct inode *ip;
    int err;

    if (f == NULL)
        return unix_err(EBADF);
    err = path_lookup(f, path, FOLLOW, &ip);
    ports_deref(f);
    if (err != 0)
        return reply_code(err);
    err = add(ip, root, what);
    inode_put(ip);
    return reply_code(err);
}

kern_return_t S_fs_unmount(mach_port_t dir, const char *path)
{
    struct open_file *f = open_get(dir);
    struct place place;
    struct mount *m;
    int err;

    if (f == NULL)
        return unix_err(EBADF);
    err = path_walk(f, path, FOLLOW_NEVER, &place, NULL);
    ports_deref(f);
    if (err != 0)
        return reply_code(err);
    m = place.ip != NULL ? place.ip->mounted : NULL;
    if (place.ip == NULL)
        err = ENOENT;
    else if (m == NULL)
        err = EINVAL;
    else if (!access_is_owner(place.ip) && client_uid() != m->uid)
        err = EPERM;
    if (err == 0) {
        struct mount **at = &mounts;
        mach_port_t root = m->root;
        bool dead = mach_port_mod_refs(mach_task_self(), root, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS;

        while (*at != m)
            at = &(*at)->next;
        forget(at);
        if (!dead) {
            if (!is_mounted(root))
                (void)watch(root, MACH_PORT_NULL);
            mach_port_deallocate(mach_task_self(), root);
        }
    }
    place_done(&place);
    return reply_code(err);
}

/* Finds the name of `ip` in its parent, for path_of. */
struct search {
    uint32_t ino;
    char *at; /* the path, from its end; the name and a slash go before */
    size_t room;
    int err;  /* ENOENT until it is found */
};

static bool match(void *arg, const char *name, size_t len, uint32_t ino, uint8_t type, uint64_t next)
{
    struct search *s = arg;

    (void)type, (void)next;
    if (ino != s->ino || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))))
        return true;
    s->err = len + 1 > s->room ? ENAMETOOLONG : 0;
    if (s->err == 0) {
        s->at -= len + 1;
        s->room -= len + 1;
        s->at[0] = '/';
        memcpy(s->at + 1, name, len);
    }
    return false;
}

/* The path of a directory from the root: nobody keeps it, and those above may have been renamed. EACCES: the
 * client may not search all of those, and so could not know it. */
static int path_of(struct inode *ip, char *path)
{
    char text[sizeof(path_t)];
    struct search s = {.at = text + sizeof text - 1, .room = sizeof text - 1};
    int err = 0;

    *s.at = '\0';
    inode_ref(ip);
    while (err == 0 && !is_root(ip)) {
        struct inode *up;
        uint64_t position = 0;

        err = name_lookup(ip, "..", 2, &up);
        if (err != 0)
            break;
        s.ino = ip->ino;
        s.err = ENOENT;
        err = access_may(up, ACCESS_X) ? dir_read(up, &position, match, &s) : EACCES;
        if (err == 0)
            err = s.err;
        inode_put(ip);
        ip = up;
    }
    inode_put(ip);
    if (err == 0)
        strlcpy(path, s.at, sizeof(path_t));
    return err;
}

kern_return_t S_fs_mounts(mach_port_t dir, uint32_t index, char *path, char *what, uint32_t *uid)
{
    int err = ENOENT;

    (void)dir; /* any port of this server will do */
    for (const struct mount *m = mounts; m != NULL; m = m->next) {
        err = path_of(m->ip, path);
        if (err == 0 && index-- == 0) {
            strlcpy(what, m->what, sizeof m->what);
            *uid = m->uid;
            return KERN_SUCCESS;
        }
        if (err != 0 && err != EACCES)
            break;
        err = ENOENT;
    }
    return reply_code(err);
}
