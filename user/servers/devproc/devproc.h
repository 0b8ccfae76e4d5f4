/*
 * devproc.h: what the parts of the server of /dev and /proc share. Read fs.h of user/lib/fileserver/made
 * before.
 *
 *     main.c      start-up; whose a file is, by its number
 *     dev.c       /dev: devices are names for services
 *     proc.c      /proc: which files there are, and whose
 *     process.c   the texts about a process
 *     system.c    the texts about the machine and the system
 */
#ifndef DEVPROC_H
#define DEVPROC_H

#include "server.h"

#include <mach/mach.h>
#include <proc_info.h>
#include <stdio.h>

#define DEV_TREE  (1U << 31) /* in the numbers of /dev's files */
#define DEV_ROOT  (DEV_TREE | OSTIAFS_ROOT_INO)
#define PROC_ROOT OSTIAFS_ROOT_INO

/* ---- dev.c, proc.c: the made_* functions of fs.h, of each tree ---- */
bool dev_begin(void);
int dev_attributes(uint32_t ino, struct ostiafs_inode *d);
int dev_lookup(uint32_t directory, const char *name, size_t len, uint32_t *ino);
int dev_names(uint32_t directory, uint64_t from, made_each_t each, void *arg);
int dev_text(uint32_t ino, FILE *out);
int dev_change(uint32_t ino, const struct ostiafs_inode *d);

bool proc_begin(void);
int proc_attributes(uint32_t ino, struct ostiafs_inode *d);
int proc_lookup(uint32_t directory, const char *name, size_t len, uint32_t *ino);
int proc_names(uint32_t directory, uint64_t from, made_each_t each, void *arg);
int proc_text(uint32_t ino, FILE *out);

/* ---- texts ---- */

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
