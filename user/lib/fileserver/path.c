/*
 * path.c: from a path to an inode. Read struct place in server.h before.
 *
 * The walk goes name by name. A symbolic link on the way puts its target in front of what is left
 * of the path, in a buffer, and the walk goes on; a count ends circles.
 *
 * Where something is mounted the walk ends: what was mounted is another server's, which could keep this one
 * waiting for ever. So the client is told where to go on, and with what rest of the path (struct crossing).
 */
#include "server.h"

#include <errno.h>
#include <string.h>

#define LINKS_MAX 40 /* followed in one path, before ELOOP */
#define PATH_ROOM sizeof(path_t)

/* What is left of the path: in the request, or after a link in a text of the walk's own. */
struct walk {
    const char *at;
    unsigned links;
    char text[PATH_ROOM];
};

void place_done(struct place *place)
{
    inode_put(place->ip);
    inode_put(place->dir);
    above_put(place->above);
    place->ip = NULL;
    place->dir = NULL;
    place->above = NULL;
}

/* Puts the target of a link in front of what is left. */
static int splice(struct walk *w, struct inode *link)
{
    char target[PATH_ROOM];
    size_t len = sizeof target;
    size_t rest = strlen(w->at);
    int err;

    if (++w->links > LINKS_MAX)
        return ELOOP;
    err = name_readlink(link, target, &len);
    if (err != 0)
        return err;
    if (len + 1 + rest + 1 > sizeof w->text)
        return ENAMETOOLONG;
    memmove(w->text + len + (rest > 0), w->at, rest + 1);
    memcpy(w->text, target, len);
    if (rest > 0)
        w->text[len] = '/';
    w->at = w->text;
    return 0;
}

static const char *skip_slashes(const char *at)
{
    while (*at == '/')
        at++;
    return at;
}

/* Takes the next name from the path into place: its text, and whether slashes follow. */
static int next_name(struct walk *w, struct place *place)
{
    const char *at = w->at;
    size_t len;

    while (*at != '/' && *at != '\0')
        at++;
    len = (size_t)(at - w->at);
    if (len > OSTIAFS_NAME_MAX)
        return ENAMETOOLONG;
    memcpy(place->name, w->at, len);
    place->name[len] = '\0';
    place->len = len;
    place->slash = *at == '/';
    w->at = skip_slashes(at);
    return 0;
}

/* The walk continues at the root if what is left begins with a slash. */
static int start_over(struct walk *w, struct place *place)
{
    struct inode *root;
    int err;

    if (w->at[0] != '/')
        return 0;
    w->at = skip_slashes(w->at);
    if (place->dir->ino == inode_root(place->dir))
        return 0;
    err = inode_get(volume, inode_root(place->dir), &root);
    if (err != 0)
        return err;
    inode_put(place->dir);
    place->dir = root;
    return 0;
}

/* The path goes on elsewhere, with what is left of it. */
static int leave(struct crossing *crossing, mach_port_t port, const struct walk *w, const char *path)
{
    const char *rest = w->at;

    if (crossing != NULL) {
        crossing->port = port;
        crossing->on = w->links == 0 ? (uint32_t)(rest - path) + FS_ON_REST : 0;
        strlcpy(crossing->rest, *rest != '\0' ? rest : ".", sizeof crossing->rest);
    }
    return FS_EREMOTE;
}

static bool is_dotdot(const struct place *place)
{
    return place->len == 2 && place->name[0] == '.' && place->name[1] == '.';
}

int path_walk(const struct open_file *from, const char *path, enum follow follow, struct place *place,
              struct crossing *crossing)
{
    const bool anywhere = client_uid() == SUPERUSER;
    struct walk w; /* its text is set when there is some */
    int err;

    if (path[0] == '\0')
        return ENOENT;
    w.at = path;
    w.links = 0;
    place->dir = inode_ref(from->ip);
    place->above = above_ref(from->above);
    place->ip = NULL;
    place->len = 0;
    err = start_over(&w, place);
    if (err == 0 && w.at[0] == '\0') { /* "/" */
        place->ip = inode_ref(place->dir);
        place->slash = true;
        return 0;
    }
    while (err == 0) {
        bool last;

        err = next_name(&w, place);
        if (err != 0)
            break;
        last = w.at[0] == '\0';
        if (!anywhere && inode_type(place->dir) == OSTIAFS_S_IFDIR &&
            !access_may(place->dir, ACCESS_X))
            err = EACCES;
        else if (from->above != NULL && is_root(place->dir) && is_dotdot(place))
            err = leave(crossing, from->above->parent, &w, path);
        else
            err = name_lookup(place->dir, place->name, place->len, &place->ip);
        if (err == ENOENT && last)
            return 0; /* place->ip is NULL */
        if (err != 0)
            break;
        if (inode_type(place->ip) == OSTIAFS_S_IFLNK &&
            (!last || follow == FOLLOW || (place->slash && follow == FOLLOW_SLASH))) {
            bool slash = place->slash;

            if (last && slash) /* what it leads to must be a directory, too */
                w.at = "/";
            err = splice(&w, place->ip);
            inode_put(place->ip);
            place->ip = NULL;
            if (err == 0 && from->above != NULL && w.at[0] == '/')
                err = leave(crossing, MACH_PORT_NULL, &w, path);
            if (err == 0)
                err = start_over(&w, place);
            if (err == 0 && w.at[0] == '\0') { /* the target was "/" */
                place->ip = inode_ref(place->dir);
                place->len = 0;
                return 0;
            }
            continue;
        }
        /* (Not over ".": who is there already has gone below the mount.) */
        if (place->ip->mounted != NULL && place->ip != place->dir && (!last || follow != FOLLOW_NEVER)) {
            err = leave(crossing, mount_root(place->ip), &w, path);
            break;
        }
        if (last) {
            if (follow == FOLLOW_NEVER || !place->slash ||
                inode_type(place->ip) == OSTIAFS_S_IFDIR)
                return 0;
            err = ENOTDIR;
            break;
        }
        inode_put(place->dir);
        place->dir = place->ip;
        place->ip = NULL;
    }
    place_done(place);
    return err;
}

int path_lookup(const struct open_file *from, const char *path, enum follow follow, struct inode **ip)
{
    struct place place;
    int err = path_walk(from, path, follow, &place, NULL);

    if (err != 0)
        return err;
    if (place.ip == NULL)
        err = ENOENT;
    *ip = place.ip; /* with its reference */
    inode_put(place.dir);
    above_put(place.above);
    return err;
}
