/*
 * The report of a process that a fault has ended. Read proc.h first.
 */
#include "proc.h"

#include <stdio.h>

void crash_report(const struct process *p, const sig_info_t *info, const arm_thread_state64_t *state)
{
    printf("%s (pid %d): signal %d: exception %d, code %d, address %#llx, pc %#llx\n", p->name,
           p->pid, info->signo, info->trap, info->code, (unsigned long long)info->address,
           state != NULL ? (unsigned long long)state->pc : 0);
}
