/* What the system is like. */
#include "posix.h"

#include <errno.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <unistd.h>

static long processors(void)
{
    host_basic_info_data_t info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
    mach_port_t host = mach_host_self();
    kern_return_t kr = host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count);

    mach_port_deallocate(mach_task_self(), host);
    return kr == KERN_SUCCESS ? info.avail_cpus : __error(kr);
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return PAGE_SIZE;
    case _SC_CLK_TCK:
        return 100;
    case _SC_OPEN_MAX:
        return 65536;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return processors();
    default:
        return __fail(EINVAL);
    }
}

int getpagesize(void)
{
    return PAGE_SIZE;
}
