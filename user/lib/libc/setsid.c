/* A new session, and how it gets a terminal. */
#include "posix.h"

#include <errno.h>
#include <servers/proc.h>
#include <servers/tty.h>
#include <unistd.h>

static int wants_terminal;

pid_t setsid(void)
{
    int sid;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_setsid(__proc_port, &sid);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    wants_terminal = 1;
    return sid;
}

/* (In a child, which leads no session, the terminal says no.) */
void __opened(mach_port_t port)
{
    if (wants_terminal && tty_control(port, 1) == KERN_SUCCESS)
        wants_terminal = 0;
}
