/* uname: the system's name. */
#include "posix.h"

#include <mach/mach_host.h>
#include <string.h>
#include <sys/utsname.h>

#define RELEASE "1.0"

int uname(struct utsname *name)
{
    kernel_version_t kernel;
    kern_return_t kr = host_kernel_version(mach_host_self(), kernel);

    if (kr != KERN_SUCCESS)
        return __error(kr);
    memset(name, 0, sizeof(*name));
    strcpy(name->sysname, "Ostia");
    strcpy(name->nodename, "ostia");
    strcpy(name->machine, "aarch64");
    strlcpy(name->version, kernel, sizeof(name->version));
    strcpy(name->release, RELEASE);
    return 0;
}
