/* Stands in for the kernel's machine/thread.h when kernel/kern/panic.c is tried as a program here. */
#ifndef _MACHINE_THREAD_H_
#define _MACHINE_THREAD_H_

#include <mach/mach_types.h>

struct machine_thread {
    struct cpu *cpu;
};

struct trapframe {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t cpsr;
};

#endif
