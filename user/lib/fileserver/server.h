/*
 * server.h: what all file servers have in common, around a core that keeps the files. Read
 * docs/14-files.md before.
 *
 *     open.c      open file descriptions: ports that are files being read or written
 *     io.c        io.defs: what can be done with an open file
 *     access.c    who may do what
 *     path.c      paths to inodes
 *     fsops.c     fs.defs: what can be done with names
 *     mount.c     what is mounted where, and ways out of this server
 *     pager.c     contents of files as memory objects
 *     device.c    device nodes, which are /dev's to open
 *     clock.c     the time of day
 *     aside.c     requests that wait for the disk, while others are served
 *     serve.c     the service port, and messages from there on
 *
 * A server has its core in its own folder, user/servers/file or tmpfs, and these are compiled with it: the
 * core's fs.h says what an inode is, and what can be done with names, files and the volume.
 *
 * One thread serves all requests, one after the other, in the core's name: see the file server's fs.h on
 * threads.
 */
#ifndef _FILE_SERVER_H_
#define _FILE_SERVER_H_

#include <mach/mach_types.h>
#include <ports.h>
#include <server_types.h>

#include "fs.h" /* the server's own */

extern struct fs *volume; /* main.c has it. NULL: nothing could be mounted, and nothing is ever open */

/* An errno as a routine returns it; 0 is KERN_SUCCESS. FS_STALLED: it is put aside, so this must be the last
 * thing the routine does. */
kern_return_t reply_code(int err);

/* ---- open.c ---- */

/*
 * Where ".." leads from the root for who came here over a mount: a directory of another server's. Shared by
 * the open files that were reached from there. Of `parent` nothing is known, and it is never sent to:
 * clients are told to go on there.
 */
struct above {
    uint32_t refs;
    mach_port_t parent; /* a send right, or dead */
};

/* An open file description. Its port is handed out; it lives while somebody holds a send right. */
struct open_file {
    struct port_object object;
    struct inode *ip;  /* a reference */
    uint64_t offset;   /* of the next io_read or io_write */
    uint32_t flags;    /* O_ACCMODE, O_APPEND and O_PATH bits */
    bool away;         /* the client has the offset (io_window) */
    struct above *above; /* a reference; NULL: ".." of the root is the root */
};

/* Opens ip, whose reference is consumed also on failure, as reached from `above` (or NULL); the reply makes
 * *port, a send right. ENOMEM. */
int open_new(struct inode *ip, uint32_t flags, struct above *above, mach_port_t *port);

/* The same for one that all have who open it: *kept, which is made at the first time, and stays. ip keeps its
 * reference. */
int open_kept(struct open_file **kept, struct inode *ip, uint32_t flags, mach_port_t *port);

/* The open file behind the port a request came to, with a reference for ports_deref; NULL: none. */
struct open_file *open_get(mach_port_t port);
/* The same without a reference, while nothing is done that could drop one. */
struct open_file *open_find(mach_port_t port);

static inline bool is_root(const struct inode *ip)
{
    return ip->ino == inode_root(ip);
}

/* ---- access.c: of the client whose request is being served ---- */

#define SUPERUSER   0U
#define MODE_SETUID 04000U /* POSIX's values, as in an inode's mode */
#define MODE_SETGID 02000U
#define MODE_STICKY 01000U
#define ACCESS_R 4U
#define ACCESS_W 2U
#define ACCESS_X 1U

uint32_t client_uid(void);
uint32_t client_gid(void);

/* Is it allowed all of ACCESS_*, by the permissions of its class? */
bool access_may(const struct inode *ip, uint32_t want);
bool access_is_owner(const struct inode *ip);

/* May it make a name in dp; remove ip's name there? 0, EACCES, EPERM. */
int access_change_names(const struct inode *dp);
int access_remove(const struct inode *dp, const struct inode *ip);

/* May it set mode and owner so? Times are the caller's to decide. What must go with it is added to *a.
 * EPERM. */
int access_attributes(const struct inode *ip, struct attr *a);

/* Mode and group of something new in dp. */
uint32_t access_new_mode(const struct inode *dp, uint32_t mode);
uint32_t access_new_gid(const struct inode *dp);

/* ---- path.c ---- */

/* Where a path leads. */
struct place {
    struct inode *dir;   /* the directory of the last name; a reference */
    struct inode *ip;    /* what is there, with a reference; NULL: nothing */
    char name[OSTIAFS_NAME_MAX + 1]; /* the last name */
    size_t len;          /* of it. 0: the path has none (it is "/", or ends in "." or "..") */
    struct above *above; /* of where the path began; a reference, or NULL */
    bool slash;          /* the path ended in '/': it should be a directory (checked unless
                          * FOLLOW_NEVER, for then errors differ) */
};

/* Where a path leads out of this server. */
struct crossing {
    mach_port_t port; /* not the caller's; MACH_PORT_NULL: the client's root */
    uint32_t on;      /* as fs_open has it; 0: the rest is not one of the client's path */
    char rest[sizeof(path_t)];
};

/*
 * Follows `path` from `from` (or from the root if it is absolute). Symbolic links on the way are
 * followed, one at the end as `follow` says. With 0, place->dir is set and place->ip is what is
 * there or NULL: that the last name is missing is no error here. Release with place_done. ENOENT,
 * ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EIO. FS_EREMOTE: *crossing, unless it is NULL, says where to.
 */
int path_walk(const struct open_file *from, const char *path, enum follow follow, struct place *place,
              struct crossing *crossing);
void place_done(struct place *place);

/* The same to something that exists: *ip with a reference. */
int path_lookup(const struct open_file *from, const char *path, enum follow follow, struct inode **ip);

/* ---- fsops.c ---- */

/* Opens a root directory; the reply makes *root. ENODEV, ENOMEM. */
int open_root(uint32_t ino, uint32_t flags, struct above *above, mach_port_t *root);

/* ---- mount.c ---- */

/* What is mounted on a directory whose `mounted` is not NULL. */
mach_port_t mount_root(const struct inode *ip);

/* For `parent`, a send right, which is consumed also on failure; one reference. NULL: no memory. */
struct above *above_new(mach_port_t parent);
void above_free(struct above *above);

static inline struct above *above_ref(struct above *above) /* NULL: nothing */
{
    if (above != NULL)
        above->refs++;
    return above;
}

static inline void above_put(struct above *above)
{
    if (above != NULL && --above->refs == 0)
        above_free(above);
}

/* ---- io.c ---- */
void stat_fill(const struct inode *ip, io_stat_t *stat);

/* ---- pager.c ---- */

/* What a memory object of a file is for: to be mapped by who may write the file, or by who may not, or to be
 * read through (io_window). */
enum pager_kind { PAGER_WRITE, PAGER_READ, PAGER_WINDOW, PAGER_KINDS };

/* A memory object of a file: the reply makes the send right. */
int pager_port(struct inode *ip, enum pager_kind kind, mach_port_t *port);

/* Is there any? */
bool pager_is_there(const struct inode *ip);

/* Before that: what was changed there through a mapping goes to the file first. FS_STALLED: it is on its way,
 * and the request is to be put aside. ENOMEM. */
int pager_settle(struct inode *ip, uint64_t offset, uint64_t len);

/* Bytes of the file were written: mapped pages in the range are dropped. */
void pager_changed(struct inode *ip, uint64_t offset, uint64_t len);

/* The file was cut off; its size was old_size. Mapped pages after its end are dropped, and who reads through
 * the window finds it gone. */
void pager_cut(struct inode *ip, uint64_t old_size);

/* The file has lost its last name: the kernel need not keep its pages once nobody maps them. */
void pager_unnamed(struct inode *ip);

/* Asks the kernel for the pages of the file that were changed through a mapping. They arrive
 * later. */
void pager_collect(struct inode *ip);

boolean_t pager_server(mach_msg_header_t *in, mach_msg_header_t *out);

/* ---- device.c, and in its place made.c ---- */

/* Opens a device node: the port, and how the reply gives it to the client, or where that goes on (fs_open's
 * `on`). ENXIO: no such device. */
int device_open(struct inode *ip, mach_port_t *port, mach_msg_type_name_t *how, uint32_t *on);

/* ---- clock.c ---- */

/* The time of day, for fs.h. */
void clock_now(int64_t *seconds, uint32_t *nanoseconds);

/* ---- aside.c ---- */

/* What is to be begun again when a block has arrived; in front of what that takes. */
struct aside {
    struct aside *next;
    unsigned tries; /* how often it was begun again already */
    void (*resume)(struct aside *a); /* begins again, and frees it */
};

extern mach_msg_header_t *aside_served; /* the client's request; NULL: it is the kernel's */

/* Before a client's request is served: it may be put aside. */
static inline void aside_begin(mach_msg_header_t *in)
{
    if (volume != NULL) {
        aside_served = in;
        volume_may_stall(volume, true);
    }
}

/* Puts the request that is being served aside, since the core has said FS_STALLED. MIG_NO_REPLY: the
 * routine's result, which must have undone all it did. */
kern_return_t aside_request(void);

/* Around what the kernel asks for. In between the core may say FS_STALLED; then it is begun again by
 * `resume`, after aside_put. */
void aside_begin_pages(void);
void aside_end_pages(void);
void aside_put(struct aside *a, void (*resume)(struct aside *a));

/* For who makes a request wait: can the one being served be put aside? How often was it already? */
bool aside_ready(void);
unsigned aside_tries(void);
/* It is to wait in this list, and not in the core's (volume_waiting), when the result is FS_STALLED. */
void aside_wait_at(void **waiting);
/* Those that were put in a list are to begin again. */
void aside_resume(void *waiting);

/* ---- serve.c ---- */

/* Takes the service's port, which gives out the tree with that root; a send right to it in *to_self if that
 * is not NULL. false, after a line that says so by the server's name: it cannot. */
bool serve_begin(const char *server, const char *service, uint32_t root, mach_port_t *to_self);
/* The root of the tree that a port of this server is about. */
uint32_t serve_root(mach_port_t port);
/* Mounts a root on a directory below the root of the system's file server. Not before serve_begin.
 * false: there is no file system to mount it on; after a line, if that is the reason for something else. */
bool serve_mount(const char *server, uint32_t root, const char *directory);
/* Until the end of the world. `more` may be NULL: what else comes, messages up to `largest`. */
_Noreturn void serve(mig_demux_t more, mach_msg_size_t largest);

#endif
