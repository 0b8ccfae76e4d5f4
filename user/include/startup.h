/*
 * What a program finds when it starts, beside argv, envp and the ELF auxiliary vector: a record at
 * the address AT_OSTIA_STARTUP gives. exec() of the old program fills it, the proc server copies
 * it to the new stack; port names stay valid, as exec keeps the task and its port space.
 */
#ifndef _STARTUP_H_
#define _STARTUP_H_

#include <mach/port.h>
#include <stdint.h>

#define AT_OSTIA_STARTUP 0x6f73 /* auxv type: pointer to struct startup, 0 or absent: none */
#define STARTUP_MAGIC    0x4f535431 /* "OST1" */

/* Entries of fds[] that are no descriptors: other rights the old program had, to be used or given
 * up. */
#define STARTUP_RELEASE   (-1) /* of no use to the new program: it deallocates one reference */
#define STARTUP_TASK      (-2) /* the task's own port, as mach_task_self() */
#define STARTUP_THREAD    (-3) /* the thread's own port */
#define STARTUP_BOOTSTRAP (-4)

#define STARTUP_OWN 0x100 /* in fd_flags: no other process has the open file description */

struct startup_fd {
    int32_t fd;
    mach_port_name_t port;
    uint32_t flags;   /* O_* access mode and status flags */
    uint32_t fd_flags; /* FD_CLOEXEC: the new program closes it at once */
};

struct startup {
    uint32_t magic;
    uint32_t size;              /* bytes, with all fds */
    mach_port_name_t proc;      /* own proc port */
    mach_port_name_t root;      /* root directory */
    mach_port_name_t cwd;
    mach_port_name_t old_reply; /* reply port of the old program: destroy it */
    uint32_t umask;
    uint32_t fd_count;
    uint32_t fd_limit;          /* descriptors are below it; 0: as many as libc has */
    mach_port_name_t old_sig_reply; /* and of its signal handlers */
    uint64_t blocked;           /* signals, bit n-1 for signal n */
    uint64_t ignored;
    struct startup_fd fds[];
};

#endif
