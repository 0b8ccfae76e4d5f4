/* Stands in for user/include/mach_tcb.h where libc's files are tested on the host: one thread. */
#ifndef _MACH_TCB_H_
#define _MACH_TCB_H_

struct mach_tcb {
    struct mach_tcb *self;
    unsigned reply_port;
    unsigned thread_port;
    int err;
    void *stack;
};
extern struct mach_tcb host_tcb;

static inline struct mach_tcb *mach_tcb(void)
{
    return &host_tcb;
}

#endif
