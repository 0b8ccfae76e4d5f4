/* getdport, openport (ostia.h): between descriptors and the port rights they stand for. */
#include "posix.h"

#include <mach/mach_port.h>
#include <ostia.h>

mach_port_t getdport(int fd)
{
    struct fd *f = __fd_get(fd);
    kern_return_t kr;

    if (f == NULL)
        return MACH_PORT_NULL;
    __window_end(f);
    f->own = FALSE; /* who knows who gets the right? */
    kr = mach_port_mod_refs(mach_task_self(), f->port, MACH_PORT_RIGHT_SEND, 1);
    if (kr == KERN_SUCCESS)
        return f->port;
    __error(kr);
    return MACH_PORT_NULL;
}

int openport(mach_port_t port, int flags)
{
    return __fd_install(port, (uint32_t)flags, 0, FALSE, 0);
}
