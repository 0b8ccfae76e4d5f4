/*
 * fork: a task that inherits memory, copy-on-write, and is given the same port names for the
 * descriptors. Nothing of it is in the kernel.
 *
 *   1. task_create copies the address space as it is at that moment: this stack frame, too;
 *   2. each port the POSIX part of libc holds is inserted under its own name, so that the tables
 *      the child has inherited are right;
 *   3. the proc server makes the task a process, and its port takes the name of the parent's;
 *   4. a thread is started in the child that returns from this function a second time.
 *
 * Receive rights are not inherited: the child forgets its reply port, and other names only its
 * parent has.
 */
#include "fork_lock.h"
#include "posix.h"

#include <errno.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <servers/proc.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma weak mach_thread_count /* a program that makes no threads has it not */
void __times_wanted(void) __attribute__((weak)); /* nor this, if it never asks for times: resource.c */

struct frame { /* what the child finds on its stack */
    jmp_buf env;
    struct mach_tcb *tcb;
    uint64_t fpcr; /* of the thread, and not in a jmp_buf */
};

/* Where the child begins, below the frame of the fork() it returns from. */
static void begin_child(struct frame *frame)
{
    mach_init_child(frame->tcb);
    if (__signals.entry != 0) {
        __signals.pending = 0; /* they are the parent's */
        proc_sigready(__proc_port);
    }
    __asm__ volatile("msr fpcr, %0" : : "r"(frame->fpcr));
    longjmp(frame->env, 1);
}

static kern_return_t insert(task_t child, mach_port_t port)
{
    return mach_port_insert_right(child, port, port, MACH_MSG_TYPE_COPY_SEND);
}

/* Gives the child every port that descriptors and directories stand for, each name once. */
static kern_return_t copy_ports(task_t child)
{
    kern_return_t kr = insert(child, __root_port);

    if (kr == KERN_SUCCESS && __cwd_port != __root_port)
        kr = insert(child, __cwd_port);
    for (int i = 0; i < __fd_count && kr == KERN_SUCCESS; i++) {
        mach_port_t port = __fd_table[i].port;
        int first = 0;

        if (port == MACH_PORT_NULL || port == __root_port || port == __cwd_port)
            continue;
        while (__fd_table[first].port != port)
            first++;
        if (first == i)
            kr = insert(child, port);
    }
    return kr;
}

/* Steps 3 and 4. Returns the pid, or -1 with the error in *kr. */
static int make_process(task_t child, struct frame *frame, uint64_t sp, kern_return_t *kr)
{
    arm_thread_state64_t state = {
        .x[0] = (uint64_t)frame,
        .sp = sp,
        .pc = (uint64_t)begin_child,
    };
    mach_port_t proc;
    mach_port_t thread;
    uint32_t uid;
    int status;
    int pid;

    *kr = proc_fork(__proc_port, child, &pid, &proc);
    if (*kr != KERN_SUCCESS)
        return -1;
    *kr = mach_port_insert_right(child, __proc_port, proc, MACH_MSG_TYPE_MOVE_SEND);
    if (*kr != KERN_SUCCESS) {
        mach_port_deallocate(mach_task_self(), proc);
    } else {
        *kr = thread_create_running(child, ARM_THREAD_STATE64, (thread_state_t)&state,
                                    ARM_THREAD_STATE64_COUNT, &thread);
        if (*kr == KERN_SUCCESS) {
            mach_port_deallocate(mach_task_self(), thread);
            return pid;
        }
    }
    /* A process that never ran: it ends, and is waited for here so that nobody sees it. */
    task_terminate(child);
    proc_wait(__proc_port, pid, WEXITED, &pid, &status, &status, &uid);
    return -1;
}

/* What the parent does. The task made may be gone again when this returns -1: nothing is left of
 * it. */
static pid_t make_child(struct frame *frame, uint64_t sp)
{
    task_t child;
    pid_t pid = -1;
    kern_return_t kr = task_create(mach_task_self(), TRUE, &child);

    if (kr != KERN_SUCCESS)
        return __fail(kr == KERN_RESOURCE_SHORTAGE ? ENOMEM : EAGAIN);
    kr = copy_ports(child);
    if (kr == KERN_SUCCESS)
        pid = make_process(child, frame, sp, &kr);
    if (pid < 0)
        task_terminate(child);
    mach_port_deallocate(mach_task_self(), child);
    return pid >= 0 ? pid : __error(kr);
}

/* Where there are no other threads, none of them has a lock. */
static void around(enum fork_stage stage, boolean_t alone)
{
    if (__run_atfork != NULL)
        __run_atfork(stage);
    if (alone) {
        if (stage == FORK_BEFORE)
            __fd_share();
        return;
    }
    if (__fork_malloc != NULL)
        __fork_malloc(stage);
    __fork_fds(stage);
}

pid_t fork(void)
{
    struct frame frame;
    boolean_t alone;
    uint64_t blocked;
    uint64_t sp;
    pid_t pid;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS); /* a server is no process */
    __fd_share();
    if (__times_wanted != NULL)
        __times_wanted();
    alone = mach_thread_count == NULL || mach_thread_count() == 1;
    around(FORK_BEFORE, alone);
    blocked = __signals_hold(); /* in the child, until its names are its own */
    frame.tcb = mach_tcb();
    __asm__ volatile("mrs %0, fpcr" : "=r"(frame.fpcr));
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    pid = setjmp(frame.env) == 0 ? make_child(&frame, sp) : 0; /* 0: this is the child */
    around(pid == 0 ? FORK_IN_CHILD : FORK_IN_PARENT, alone);
    __signals_release(blocked);
    return pid;
}
