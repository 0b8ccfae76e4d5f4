/* What Ostia's own programs ask of libc beyond POSIX. The names are the Hurd's. */
#ifndef _OSTIA_H_
#define _OSTIA_H_

#include <mach/port.h>

/* The calling process's port with the proc server (servers/proc.h), MACH_PORT_NULL: it is no
 * process. No reference for the caller. */
mach_port_t getproc(void);

/* The port behind a descriptor, with a user reference for the caller; MACH_PORT_NULL with errno. */
mach_port_t getdport(int fd);

/* A descriptor for port, with O_RDONLY, O_WRONLY or O_RDWR as flags. The caller's user reference is
 * consumed, also on failure: -1 with EMFILE or ENOMEM. */
int openport(mach_port_t port, int flags);

#endif
