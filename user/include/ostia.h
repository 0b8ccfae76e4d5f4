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

/* The value of `key` ("test=") in the boot arguments, malloc'ed; NULL: it is not there. */
char *boot_arg(const char *key);

/*
 * Mounting (docs/fs.md): paths over the directory at path go on at `root`, a port of fs.defs, of which the
 * caller keeps its right. what: said by mount(1). 0, or -1 with errno: EPERM, EBUSY, ENOTDIR, ...
 */
int mount_port(const char *path, mach_port_t root, const char *what);
/* The same for the root directory of a file server, given its service's port: ".." leads out of it. */
int mount_server(const char *path, mach_port_t server, const char *what);
/* What was mounted on path is gone from there; what is open stays so. */
int unmount_port(const char *path);

#endif
