/*
 * The thread control block: what TPIDR_EL0 points to in every thread of a program linked with libc.
 */
#ifndef _MACH_TCB_H_
#define _MACH_TCB_H_

#include <mach/port.h>

struct mach_tcb {
    struct mach_tcb *self;
    mach_port_name_t reply_port; /* cached by mig_get_reply_port; MACH_PORT_NULL: none yet */
    mach_port_name_t thread_port; /* cached by mach_thread_self users; MACH_PORT_NULL: none yet */
    int err;                     /* errno */
    void *stack;                 /* of a thread that libmach made: lowest address, and bytes */
    unsigned long stack_size;
    void *(*start)(void *);
    void *arg;
    void *result;
};

static inline struct mach_tcb *mach_tcb(void)
{
    struct mach_tcb *tcb;

    __asm__("mrs %0, tpidr_el0" : "=r"(tcb)); /* not volatile: fixed for a thread */
    return tcb;
}

#endif
