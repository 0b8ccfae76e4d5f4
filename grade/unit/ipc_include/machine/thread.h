/* Stands in for the kernel's machine/thread.h when kernel/ipc is tested on the host. */
#ifndef _MACHINE_THREAD_H_
#define _MACHINE_THREAD_H_

#include <mach/mach_types.h>

struct machine_thread {
    struct cpu *cpu;
};

#endif
