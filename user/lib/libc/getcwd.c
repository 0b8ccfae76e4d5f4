/*
 * getcwd: nobody keeps the current directory's name, so it is found by climbing to the root and
 * looking, in each parent, for the entry that is the directory we came from.
 */
#include "posix.h"

#include <errno.h>
#include <limits.h>
#include <mach/mach_port.h>
#include <server_types.h>
#include <servers/fs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 4096 /* fs.defs: dirents_t */

/* Puts the name that inode `ino` has in the directory at path (from the current one) before `at`,
 * with a slash; returns the new start, or NULL with errno. */
static char *prepend_name(const char *path, const io_stat_t *child, char *start, char *at)
{
    char entries[ENTRIES_MAX] __attribute__((aligned(8)));
    mach_port_t dir;
    mach_msg_type_name_t how;
    uint64_t cookie = 0;
    char *result = NULL;
    kern_return_t kr = fs_open(__cwd_port, path, 0, 0, &dir, &how);

    errno = ENOENT; /* nobody's child: it was removed */
    while (kr == KERN_SUCCESS) {
        mach_msg_type_number_t size = sizeof(entries);

        kr = fs_readdir(dir, cookie, entries, &size);
        if (kr != KERN_SUCCESS || size == 0)
            break;
        for (uint32_t i = 0; i < size;) {
            const io_dirent_t *e = (const io_dirent_t *)(entries + i);

            if (e->d_ino == child->st_ino && strcmp(e->d_name, ".") != 0
                && strcmp(e->d_name, "..") != 0) {
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
    else
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
    size_t depth = 0;

    *at = '\0';
    if (fs_stat(__cwd_port, ".", 1, &here) != KERN_SUCCESS) {
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
        if (fs_stat(__cwd_port, up, 1, &parent) != KERN_SUCCESS) {
            errno = ENOENT;
            return NULL;
        }
        if (parent.st_ino == here.st_ino && parent.st_dev == here.st_dev)
            break; /* the root is its own parent */
        at = prepend_name(up, &here, path, at);
        if (at == NULL)
            return NULL;
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
