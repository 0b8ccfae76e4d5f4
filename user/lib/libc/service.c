/* Ports of services, looked up once a process. */
#include "posix.h"

#include <server_types.h>
#include <servers/bootstrap.h>

static mach_port_t pipe_service;
/* mach_fork_generation at the look-up: of another one it is a name of the parent. */
static unsigned generation;

mach_port_t __pipe_service_cached(void)
{
    return generation == mach_fork_generation ? pipe_service : MACH_PORT_NULL;
}

mach_port_t __pipe_service(void)
{
    if (__pipe_service_cached() == MACH_PORT_NULL) {
        if (bootstrap_look_up(bootstrap_port, SERVICE_PIPE, &pipe_service) != KERN_SUCCESS)
            pipe_service = MACH_PORT_NULL;
        generation = mach_fork_generation;
    }
    return pipe_service;
}
