/* The thread control block, for stubs compiled on the host: one thread, one block. */
#ifndef _MACH_TCB_H_
#define _MACH_TCB_H_

#include <mach/port.h>

struct mach_tcb {
    mach_port_name_t reply_port;
    unsigned char interrupted; /* by a signal's handler: never here */
};
extern struct mach_tcb host_tcb;

static inline struct mach_tcb *mach_tcb(void)
{
    return &host_tcb;
}

#endif
