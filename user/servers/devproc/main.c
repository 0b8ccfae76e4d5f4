/*
 * devproc: the trees /dev and /proc. Read docs/fs.md, and fs.h of user/lib/fileserver/made, before.
 *
 * Two servers in one task, since a task costs the kernel 55 KB, and the start of one as much time as
 * a tenth of what the whole system needs to come up. What they share is this file, which asks the one or the
 * other by a file's number.
 */
#include "devproc.h"

#include <errno.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

struct fs *volume;

static bool in_dev(uint32_t ino)
{
    return (ino & DEV_TREE) != 0;
}

uint32_t made_root(uint32_t ino)
{
    return in_dev(ino) ? DEV_ROOT : PROC_ROOT;
}

int made_attributes(uint32_t ino, struct ostiafs_inode *d)
{
    d->nlink = 1;
    return in_dev(ino) ? dev_attributes(ino, d) : proc_attributes(ino, d);
}

int made_lookup(uint32_t directory, const char *name, size_t len, uint32_t *ino)
{
    return in_dev(directory) ? dev_lookup(directory, name, len, ino) : proc_lookup(directory, name, len, ino);
}

int made_names(uint32_t directory, uint64_t from, made_each_t each, void *arg)
{
    return in_dev(directory) ? dev_names(directory, from, each, arg) : proc_names(directory, from, each, arg);
}

int made_text(uint32_t ino, FILE *out)
{
    return in_dev(ino) ? dev_text(ino, out) : proc_text(ino, out);
}

int made_change(uint32_t ino, const struct ostiafs_inode *d)
{
    return in_dev(ino) ? dev_change(ino, d) : EPERM;
}

int main(void)
{
    static struct fs fs = {.readonly = true};

    volume = &fs;
    if (!proc_begin() || !dev_begin() || !serve_begin("devproc", SERVICE_DEVFS, DEV_ROOT, NULL) ||
        !serve_begin("devproc", SERVICE_PROCFS, PROC_ROOT, NULL))
        return 1;
    serve_mount(SERVICE_DEVFS, DEV_ROOT, "/dev");
    serve_mount(SERVICE_PROCFS, PROC_ROOT, "/proc");
    serve(NULL, 0);
}
