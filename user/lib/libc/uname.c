/* uname and gethostname. */
#include "posix.h"

#include <errno.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define NODE "ostia"

int uname(struct utsname *name)
{
    mach_port_t host = mach_host_self();
    kernel_version_t version;
    kern_return_t kr = host_kernel_version(host, version);
    const char *number;

    mach_port_deallocate(mach_task_self(), host);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    strlcpy(name->sysname, "Ostia", sizeof(name->sysname));
    strlcpy(name->nodename, NODE, sizeof(name->nodename));
    strlcpy(name->version, version, sizeof(name->version));
    strlcpy(name->machine, "aarch64", sizeof(name->machine));
    number = strpbrk(version, "0123456789"); /* the kernel's text has its number first */
    strlcpy(name->release, number != NULL ? number : version, sizeof(name->release));
    name->release[strcspn(name->release, " :,")] = '\0';
    return 0;
}

int gethostname(char *name, size_t size)
{
    return strlcpy(name, NODE, size) < size ? 0 : __fail(ENAMETOOLONG);
}
