/* What Ostia's own programs ask of libc beyond POSIX. */
#ifndef _OSTIA_H_
#define _OSTIA_H_

#include <mach/port.h>

/* The calling process's port with the proc server (servers/proc.h), MACH_PORT_NULL: it is no
 * process. The Hurd's name for it. No reference for the caller. */
mach_port_t getproc(void);

#endif
