/*
 * Per-CPU data. Only its own CPU touches it, with interrupts masked (always, in the kernel), except
 * the fields that say otherwise.
 */
#ifndef _KERN_CPU_H_
#define _KERN_CPU_H_

#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/runq.h>
#include <stdint.h>

#define MAX_CPUS 8 /* what GICv2 can address */

struct cpu {
    struct thread *current;     /* also in TPIDR_EL1, see machine/cpu.h */
    uint32_t number;            /* 0.. */
    uint32_t mpidr;             /* MPIDR_EL1 affinity */
    struct thread *idle_thread;
    struct thread *fp_owner;    /* whose FP registers are loaded, or NULL */
    struct pmap *pmap;          /* the one in TTBR0, or NULL */
    uint64_t asid_generation;   /* its TLB knows only ASIDs of this and later ones: asid.c */
    struct ipc_kmsg *kmsg_cache; /* the message freed last is likely the one needed next; */
    struct ipc_kmsg *kmsg_large; /* one of IKM_LARGE_SIZE */
    volatile bool idle;         /* in WFI: read by others to choose where to wake a thread */
    struct runq runq;           /* has its own lock: others put threads in, and steal */
    void *stack_cache;          /* machine: */
    uint64_t interrupts;        /* taken */
    uint64_t jitter;            /* state of the generator of seeded timer intervals; 0: off */
    struct ipc_kmsg *kmsg_second; /* as kmsg_cache, while that is in a queue */
    bool answered;              /* a thread in runq has been sent an answer: kern/switch.h */
#ifdef DEBUG
    const struct spinlock *held[16]; /* locks held, in order of taking */
    uint32_t held_count;
#endif
};

extern struct cpu cpus[MAX_CPUS];
extern uint32_t cpu_count; /* started CPUs */

#include <machine/cpu.h>   /* current_thread(), current_cpu() */

#endif
