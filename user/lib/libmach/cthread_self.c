/* Which thread this is. By itself, so that a program without threads links little of them. */
#include "cthread.h"

static struct cthread first_thread;

cthread_t mach_thread_current(void)
{
    struct mach_tcb *tcb = mach_tcb();

    /* The first thread's control block is libmach's, and no part of a struct cthread. */
    return tcb->stack != NULL ? (cthread_t)tcb : &first_thread;
}
