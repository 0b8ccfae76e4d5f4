/*
 * getcwd: nobody keeps the current directory's name, so it is found by climbing to the root and
 * looking, in each parent, for the entry that is the directory we came from.
 */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mach/mach_port.h>
#include <server_types.h>
#include <servers/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 4096 /* fs.defs: dirents_t */

/* What is looked for: the name of `child` in the directory at path (from the current one). */
struct search {
    const char *path;
    const io_stat_t *child;
    int mounted; /* another file system's root: the entry has the number of the directory below it */
};

/* Is this the entry? */
static int is_child(const struct search *s, const io_dirent_t *e)
{
    char name[PATH_MAX];
    io_stat_t stat;

    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
        return 0;
    if (!s->mounted)
        return e->d_ino == s->child->st_ino;
    if ((size_t)snprintf(name, sizeof(name), "%s/%.*s", s->path, e->d_namlen, e->d_name) >= sizeof(name))
        return 0;
    return __path_stat(AT_FDCWD, name, 0, &stat) == KERN_SUCCESS && stat.st_ino == s->child->st_ino
           && stat.st_dev == s->child->st_dev;
}

/* Puts the child's name before `at`, with a slash; returns the new start, or NULL with errno. */
static char *prepend_name(const struct search *s, char *start, char *at)
{
    char entries[ENTRIES_MAX] __attribute__((aligned(8)));
    mach_port_t dir = __path_open(AT_FDCWD, s->path, 0, 0);
    uint64_t cookie = 0;
    char *result = NULL;
    kern_return_t kr = KERN_SUCCESS;

    if (dir == MACH_PORT_NULL)
        return NULL;
    errno = ENOENT; /* nobody's child: it was removed */
    while (kr == KERN_SUCCESS) {
        mach_msg_type_number_t size = sizeof(entries);

        kr = fs_readdir(dir, cookie, entries, &size);
        if (kr != KERN_SUCCESS || size == 0)
            break;
        for (uint32_t i = 0; i < size;) {
            const io_dirent_t *e = (const io_dirent_t *)(entries + i);

            if (!__dirent_ok(e, size - i)) {
                kr = unix_err(EIO);
                break;
            }
            if (is_child(s, e)) {
                if ((size_t)(at - start) < (size_t)e->d_namlen + 1) {
                    errno = ERANGE;
                } else {
                    result = at - e->d_namlen;
                    memcpy(result, e->d_name, e->d_namlen);
                    *--result = '/';
                }
                mach_port_deallocate(mach_task_self(), dir);
                return result;
            }
            cookie = e->d_off;
            i += e->d_reclen;
        }
    }
    if (kr != KERN_SUCCESS)
        __fs_error(kr);
    mach_port_deallocate(mach_task_self(), dir);
    return NULL;
}

char *getcwd(char *buffer, size_t size)
{
    char path[PATH_MAX];   /* what is found, from its end */
    char up[PATH_MAX] = "."; /* ".", "..", "../..", ... */
    char *at = path + sizeof(path) - 1;
    io_stat_t here;
    io_stat_t parent;
    struct search search;
    char *name;
    size_t depth = 0;

    *at = '\0';
    if (__path_stat(AT_FDCWD, ".", 1, &here) != KERN_SUCCESS) {
        errno = ENOENT;
        return NULL;
    }
    for (;; here = parent) {
        if (depth + 4 > sizeof(up)) {
            errno = ENAMETOOLONG;
            return NULL;
        }
        strcpy(up + depth, depth == 0 ? ".." : "/..");
        depth = strlen(up);
        if (__path_stat(AT_FDCWD, up, 1, &parent) != KERN_SUCCESS) {
            errno = ENOENT;
            return NULL;
        }
        if (parent.st_ino == here.st_ino && parent.st_dev == here.st_dev)
            break; /* the root is its own parent */
        search = (struct search){up, &here, parent.st_dev != here.st_dev};
        name = prepend_name(&search, path, at);
        if (name == NULL && errno == ENOENT && !search.mounted) {
            search.mounted = 1; /* a part of the same file system */
            name = prepend_name(&search, path, at);
        }
        if (name == NULL)
            return NULL;
        at = name;
    }
    if (*at == '\0')
        *--at = '/';
    if (buffer == NULL)
        return strdup(at);
    if (size < strlen(at) + 1) {
        errno = size == 0 ? EINVAL : ERANGE;
        return NULL;
    }
    return strcpy(buffer, at);
}
