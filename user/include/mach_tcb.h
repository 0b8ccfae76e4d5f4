/*
 * The thread control block: what TPIDR_EL0 points to in every thread of a program linked with libc.
 */
#ifndef _MACH_TCB_H_
#define _MACH_TCB_H_

#include <mach/port.h>
#include <stdint.h>

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
    /* Signals (user/lib/libc/sigdeliver.c) */
    uint64_t sig_blocked;        /* bit n-1 for signal n; a new thread has its maker's */
    struct signal_frame *sig_frames; /* handlers under way, the latest first */
    mach_port_name_t waits_on;   /* the call that waits for an answer of this port may be interrupted */
    uint8_t interrupted;         /* by a handler: it ends with EINTR */
    uint8_t never_restarts;      /* also if the handler has SA_RESTART */
    mach_port_name_t sig_reply_port; /* handlers' own, kept from one time to the next */
    uint32_t sig_handled;        /* handlers run so far */
    void *sig_stack;             /* sigaltstack's; sig_stack_size 0: none */
    unsigned long sig_stack_size;
};

static inline struct mach_tcb *mach_tcb(void)
{
    struct mach_tcb *tcb;

    __asm__("mrs %0, tpidr_el0" : "=r"(tcb)); /* not volatile: fixed for a thread */
    return tcb;
}

#endif
