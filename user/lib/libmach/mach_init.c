/*
 * What libmach knows of its own task and thread: the first thread's control block, the task's
 * port, the bootstrap port. Read mach_tcb.h before.
 */
#include <mach/mach.h>
#include <mach/task.h>

mach_port_t mach_task_self_;
unsigned mach_fork_generation;
boolean_t mach_multithreaded;

static struct mach_tcb first_tcb;
static mach_port_t bootstrap;
static unsigned bootstrap_generation = ~0U;

void mach_set_tcb(struct mach_tcb *tcb)
{
    tcb->self = tcb;
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(tcb) : "memory");
}

void mach_init(void)
{
    mach_set_tcb(&first_tcb);
    if (mach_task_self_ == MACH_PORT_NULL)
        mach_task_self_ = mach_task_self_trap();
}

void mach_init_bootstrap(mach_port_t port)
{
    bootstrap = port;
    bootstrap_generation = mach_fork_generation;
}

mach_port_t mach_bootstrap_port_cached(void)
{
    return bootstrap_generation == mach_fork_generation ? bootstrap : MACH_PORT_NULL;
}

/* A child has its memory from the parent, and its names from nobody but fork. */
void mach_init_child(struct mach_tcb *tcb)
{
    mach_set_tcb(tcb);
    tcb->reply_port = MACH_PORT_NULL;
    tcb->sig_reply_port = MACH_PORT_NULL;
    tcb->thread_port = MACH_PORT_NULL;
    mach_task_self_ = mach_task_self_trap();
    mach_fork_generation++;
}

mach_port_t mach_thread_self_cached(void)
{
    struct mach_tcb *tcb = mach_tcb();

    if (tcb->thread_port == MACH_PORT_NULL)
        tcb->thread_port = mach_thread_self();
    return tcb->thread_port;
}

mach_port_t *mach_bootstrap_port(void)
{
    if (bootstrap_generation != mach_fork_generation) {
        if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap)
            != KERN_SUCCESS)
            bootstrap = MACH_PORT_NULL;
        else
            bootstrap_generation = mach_fork_generation;
    }
    return &bootstrap;
}
