/*
 * machine/cpu.h for kernel code that runs as a program on the host: the same declarations, with the
 * two that are AArch64 instructions turned into functions (grade/unit/vm_fake.c).
 */
#ifndef UNIT_MACHINE_CPU_H
#define UNIT_MACHINE_CPU_H

#define current_thread arm_current_thread
#define machine_time   arm_machine_time
#include_next <machine/cpu.h>
#undef current_thread
#undef machine_time
struct thread *current_thread(void);
uint64_t machine_time(void);

#endif
