/* Mounting ports on names (ostia.h). */
#include "posix.h"

#include <fcntl.h>
#include <mach/mach_port.h>
#include <ostia.h>
#include <servers/fs.h>
#include <string.h>

static int result_of(kern_return_t kr)
{
    return kr == KERN_SUCCESS ? 0 : __fs_error(kr);
}

int mount_port(const char *path, mach_port_t root, const char *what)
{
    struct path p;
    kern_return_t kr;

    if (!__path_begin(&p, AT_FDCWD, path))
        return -1;
    do
        kr = fs_mount(p.port, p.rest, root, what);
    while (__path_again(&p, &kr, FOLLOW));
    return result_of(kr);
}

int mount_server(const char *path, mach_port_t server, const char *what)
{
    char up[PATH_MAX];
    mach_port_t parent;
    mach_port_t root;
    kern_return_t kr;
    int result;

    if (strlcpy(up, path, sizeof(up)) + sizeof("/..") > sizeof(up))
        return __fail(ENAMETOOLONG);
    parent = __path_open(AT_FDCWD, strcat(up, "/.."), O_PATH | O_DIRECTORY, 0);
    if (parent == MACH_PORT_NULL)
        return -1;
    kr = fs_root_in(server, parent, &root);
    mach_port_deallocate(mach_task_self(), parent);
    if (kr != KERN_SUCCESS)
        return __fs_error(kr);
    result = mount_port(path, root, what);
    mach_port_deallocate(mach_task_self(), root);
    return result;
}

int unmount_port(const char *path)
{
    struct path p;
    kern_return_t kr;

    if (!__path_begin(&p, AT_FDCWD, path))
        return -1;
    do
        kr = fs_unmount(p.port, p.rest);
    while (__path_again(&p, &kr, FOLLOW_NEVER));
    return result_of(kr);
}
