/* getproc (ostia.h): the process's own port, for programs that ask the proc server more than POSIX
 * does. */
#include "posix.h"

#include <ostia.h>

mach_port_t getproc(void)
{
    return __proc_port;
}
