/*
 * names.h: what can be done with names, of every file server's core; its fs.h includes this, and says what an
 * inode is. Functions return 0 or a positive errno.
 */
#ifndef _FILESERVER_NAMES_H_
#define _FILESERVER_NAMES_H_

/* Where a function may fail because a block is not in memory yet: it has changed nothing, and is to be called
 * again later. No errno of POSIX's; it never leaves the server. */
#define FS_STALLED 512

/* ---- names.c: whole operations; each is one transaction ---- */

/* An inode, or none, with a reference, for one name. "." and ".." are understood. ENOENT,
 * ENOTDIR. */
int name_lookup(struct inode *dp, const char *name, size_t len, struct inode **out);

/* Makes a file, directory, device node, pipe or socket, by the type in `mode`. EEXIST, ENOSPC. */
int name_create(struct inode *dp, const char *name, size_t len, uint32_t mode, uint32_t uid,
                uint32_t gid, uint32_t rdev_major, uint32_t rdev_minor, struct inode **out);

int name_symlink(struct inode *dp, const char *name, size_t len, const char *target,
                 size_t target_len, uint32_t uid, uint32_t gid);

/* Copies a symbolic link's target, at most *len bytes of it; *len becomes the number. */
int name_readlink(struct inode *ip, char *target, size_t *len);

/* Gives ip another name. EPERM for a directory. */
int name_link(struct inode *dp, const char *name, size_t len, struct inode *ip);

/* Removes a name; `directory` says which kind is meant. EISDIR, ENOTDIR, ENOTEMPTY, EINVAL (".") */
int name_unlink(struct inode *dp, const char *name, size_t len, bool directory);

/* POSIX rename: at no time is the new name without a file if it had one. */
int name_rename(struct inode *from, const char *name, size_t len, struct inode *to,
                const char *new_name, size_t new_len);

/* Changes to permissions, owner and times. */
#define ATTR_MODE  1
#define ATTR_UID   2
#define ATTR_GID   4
#define ATTR_ATIME 8
#define ATTR_MTIME 16
struct attr {
    uint32_t which; /* ATTR_*: what to set */
    uint32_t mode;  /* permission bits */
    uint32_t uid;
    uint32_t gid;
    int64_t atime;
    int64_t mtime;
    uint32_t atime_nsec;
    uint32_t mtime_nsec;
};
int name_setattr(struct inode *ip, const struct attr *a);

#endif
