/* pipe: the pipe server makes it; both ends are open files like any other. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_port.h>
#include <servers/pipe.h>
#include <unistd.h>

int pipe(int fds[2])
{
    mach_port_t service = __pipe_service();
    mach_port_t reader;
    mach_port_t writer;
    kern_return_t kr;

    if (service == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = pipe_create(service, &reader, &writer);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    fds[0] = __fd_install(reader, O_RDONLY, 0, FALSE, 0);
    fds[1] = fds[0] >= 0 ? __fd_install(writer, O_WRONLY, 0, FALSE, 0) : -1;
    if (fds[0] < 0)
        mach_port_deallocate(mach_task_self(), writer);
    else if (fds[1] < 0)
        close(fds[0]);
    return fds[1] >= 0 ? 0 : -1;
}
