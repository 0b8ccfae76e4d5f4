/*
 * The part of a switch that is the same in sched.c and ipc/mach_msg_fast.c. Read sched.h before.
 */
#ifndef _KERN_SWITCH_H_
#define _KERN_SWITCH_H_

#include <kern/cpu.h>
#include <kern/thread.h>

/* What a switch does before the stack is changed: next is the CPU's thread from here on. */
static inline __attribute__((always_inline)) void thread_switch_begin(struct thread *self,
                                                                      struct thread *next)
{
    struct cpu *cpu = self->machine.cpu;
    uint64_t now = machine_time_roughly();

    next->on_cpu = true;
    next->machine.cpu = cpu;
    self->system_time += now - self->time_stamp;
    next->time_stamp = now;
    cpu->current = next;
    /* Who sets next's AST_HALT and then finds it on no CPU relies on its seeing the AST later. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    /* Is somebody more important ready to run? Perhaps since a moment ago, from another CPU, who has compared
     * him with self (sched_request_preempt has the other fence). Then next goes to its border and no
     * further. */
    if (__builtin_expect(cpu->runq.count != 0, 0)) {
        /* (Or somebody as important, who has an answer, too: mach_msg_post.) */
        if (cpu->answered || runq_highest(&cpu->runq) > next->sched_priority)
            ast_set(next, AST_PREEMPT);
        cpu->answered = false;
    }
}

#endif
