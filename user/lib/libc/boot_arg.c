/* boot_arg (ostia.h): what the kernel was started with. */
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <ostia.h>
#include <string.h>

char *boot_arg(const char *key)
{
    static char arguments[2048]; /* mach_host.defs */
    size_t length = strlen(key);

    if (arguments[0] == '\0' && host_get_boot_info(mach_host_self(), arguments) != KERN_SUCCESS)
        return NULL;
    for (const char *at = arguments; *at != '\0'; at += strcspn(at, " ")) {
        at += strspn(at, " ");
        if (strncmp(at, key, length) == 0)
            return strndup(at + length, strcspn(at + length, " "));
    }
    return NULL;
}
