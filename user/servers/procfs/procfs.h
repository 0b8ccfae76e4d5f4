/*
 * procfs.h: what the parts of the server of /proc share. Read fs.h of user/lib/fileserver/made before.
 *
 *     main.c      which files there are, and whose
 *     process.c   the texts about a process
 *     system.c    the texts about the machine and the system
 */
#ifndef PROCFS_H
#define PROCFS_H

#include "server.h"

#include <mach/mach.h>
#include <proc_info.h>
#include <stdio.h>

extern host_priv_t host_priv;   /* shown to the proc server */
extern mach_port_t proc_server; /* its service */

/* Writes a text, of process `pid` if it is about one. 0, or an errno. */
typedef int (*text_t)(int pid, FILE *out);

/* process.c. Those about what is in a process are for who might have its task: EACCES. */
int text_status(int pid, FILE *out);
int text_cmdline(int pid, FILE *out);
int text_exe(int pid, FILE *out);
int text_maps(int pid, FILE *out);
int text_ports(int pid, FILE *out);

/* system.c */
int text_self(int pid, FILE *out);
int text_cpuinfo(int pid, FILE *out);
int text_meminfo(int pid, FILE *out);
int text_mounts(int pid, FILE *out);
int text_uptime(int pid, FILE *out);
int text_version(int pid, FILE *out);
int text_vmstat(int pid, FILE *out);

#endif
