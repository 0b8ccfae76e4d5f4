/* Stands in for the kernel's machine/cpu.h when kernel/ipc is tested on the host: see ipc_host.c. */
#ifndef _MACHINE_CPU_H_
#define _MACHINE_CPU_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread;
struct cpu;

extern struct thread *host_thread;
#define current_thread() host_thread
#define current_cpu()    (*(struct cpu **)host_thread)

int copyin(const void *user, void *kernel, size_t size);
int copyout(const void *kernel, void *user, size_t size);

#endif
