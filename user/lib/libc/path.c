/*
 * Paths: the one place that knows that they may cross mounts. Read posix.h and "Mounting" in docs/fs.md
 * before.
 */
#include "posix.h"

#include <fcntl.h>
#include <mach/mach_port.h>
#include <servers/fs.h>
#include <stdio.h>
#include <string.h>

int __path_begin(struct path *p, int fd, const char *path)
{
    struct fd *f;

    p->rest = path;
    p->crossed = 0;
    if (*path == '/') {
        p->port = __root_port;
    } else if (*path == '\0') {
        p->port = MACH_PORT_NULL;
    } else if (fd == AT_FDCWD) {
        p->port = __cwd_port;
    } else {
        f = __fd_get(fd);
        if (f == NULL)
            return 0;
        p->port = f->port;
    }
    if (p->port == MACH_PORT_NULL) /* or the program is no process, and has no root */
        errno = ENOENT;
    return p->port != MACH_PORT_NULL;
}

/* The path goes on at port, whose right is the path's then (null: at our root), with what is in p->rest. */
static kern_return_t move(struct path *p, mach_port_t port)
{
    kern_return_t kr = KERN_SUCCESS;

    if (p->crossed++ > 0)
        mach_port_deallocate(mach_task_self(), p->port);
    if (port == MACH_PORT_NULL) { /* from our root, of which the path then has a reference, too */
        port = __root_port;
        kr = mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, 1);
        if (kr != KERN_SUCCESS)
            p->crossed = 0; /* it is the process's alone */
    }
    p->port = port;
    return kr;
}

/* Moves on over one mount, if there is one: *stays tells. ELOOP; and what fs_cross says. */
static kern_return_t step(struct path *p, enum follow follow, int *stays)
{
    char rest[PATH_MAX];
    mach_port_t port;
    mach_msg_type_name_t how;
    kern_return_t kr;

    if (p->crossed >= SYMLOOP_MAX)
        return unix_err(ELOOP);
    kr = fs_cross(p->port, p->rest, follow, &port, &how, rest);
    if (kr != KERN_SUCCESS)
        return kr;
    *stays = rest[0] == '\0';
    if (*stays)
        return KERN_SUCCESS;
    strcpy(p->text, rest);
    p->rest = p->text;
    return move(p, port);
}

static void finish(struct path *p)
{
    if (p->crossed > 0)
        mach_port_deallocate(mach_task_self(), p->port);
    p->crossed = 0;
}

int __path_cross(struct path *p, kern_return_t *kr, enum follow follow)
{
    int stays; /* then the mount has gone meanwhile; and the call is made again */

    if (*kr == unix_err(FS_EREMOTE)) {
        *kr = step(p, follow, &stays);
        if (*kr == KERN_SUCCESS)
            return 1;
    }
    finish(p);
    return 0;
}

/* As far as it goes. Did it go anywhere? (What is wrong with it the call itself will say.) */
static int go_on(struct path *p, enum follow follow)
{
    unsigned before = p->crossed;
    int stays = 0;

    while (!stays && step(p, follow, &stays) == KERN_SUCCESS)
        ;
    return p->crossed != before;
}

int __path_again_two(struct path *from, enum follow follow, struct path *to, kern_return_t *kr)
{
    int moved = 0;

    /* A server knows of one path that it leaves; that the other one comes back it cannot know. */
    if (*kr == unix_err(FS_EREMOTE) || *kr == unix_err(EXDEV))
        moved = go_on(from, follow) | go_on(to, FOLLOW_NEVER);
    if (moved)
        return 1;
    if (*kr == unix_err(FS_EREMOTE))
        *kr = unix_err(ELOOP);
    finish(from);
    finish(to);
    return 0;
}

static enum follow follow_of(int flags)
{
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) && !(flags & O_PATH))
        return FOLLOW_NEVER;
    return flags & O_NOFOLLOW ? FOLLOW_SLASH : FOLLOW;
}

/* fs_open did not open it, but says where to go on. */
static kern_return_t open_on(struct path *p, mach_port_t port, uint32_t on)
{
    if (p->crossed < SYMLOOP_MAX && !(on & FS_ON_DEVICE) && on - FS_ON_REST <= strlen(p->rest)) {
        p->rest += on - FS_ON_REST;
        if (*p->rest == '\0')
            p->rest = ".";
        return move(p, port);
    }
    if (port != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), port);
    if (p->crossed >= SYMLOOP_MAX)
        return unix_err(ELOOP);
    snprintf(p->text, sizeof(p->text), "/dev/%s/%u:%u", on & FS_ON_BLOCK ? "block" : "char", on >> 8 & 0xff,
             on & 0xff);
    p->rest = p->text;
    return move(p, MACH_PORT_NULL);
}

mach_port_t __path_open(int fd, const char *path, int flags, mode_t mode)
{
    struct path p;
    mach_port_t port;
    mach_msg_type_name_t how;
    uint32_t on;
    kern_return_t kr;

    if (!__path_begin(&p, fd, path))
        return MACH_PORT_NULL;
    do {
        on = 0;
        kr = fs_open(p.port, p.rest, flags, mode, &port, &how, &on);
        if (kr == KERN_SUCCESS && on != 0)
            kr = open_on(&p, port, on);
    } while ((kr == KERN_SUCCESS && on != 0) ||
             (__path_left(&p, kr) && __path_cross(&p, &kr, follow_of(flags))));
    if (kr == KERN_SUCCESS)
        return port;
    __fs_error(kr);
    return MACH_PORT_NULL;
}

kern_return_t __path_stat(int fd, const char *path, int follow, io_stat_t *stat)
{
    struct path p;
    kern_return_t kr;

    if (!__path_begin(&p, fd, path))
        return unix_err(errno);
    do
        kr = fs_stat(p.port, p.rest, follow, stat);
    while (__path_again(&p, &kr, follow ? FOLLOW : FOLLOW_SLASH));
    return kr;
}
