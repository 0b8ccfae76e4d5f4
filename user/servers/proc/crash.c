/*
 * The end of a process that a fault has ended, or a signal like it: those that dump core elsewhere. Read
 * proc.h first.
 *
 * One line goes to the console at once. The rest of the report takes looking into the process's memory, which
 * may belong to a pager that does not answer, and into a file. So another thread does that (report.c), with
 * rights of its own, while the task is suspended; it sends a message when it is done, and then the process
 * ends. If it takes too long the process ends all the same; and while the thread is busy, others end with the
 * one line. RLIMIT_CORE 0 says that the line is enough.
 */
#include "proc.h"

#include <cthreads.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/semaphore.h>
#include <mach/task.h>
#include <mach/traps.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define DONE_ID     0x646f6e65   /* "done", of the message; nobody else has a right to the port */
#define REPORT_TIME 5000000000ULL /* ns that a process waits for its report */

static const struct port_class crash_class = {.name = "crash"};
static struct port_object done_port;
static semaphore_t wanted;        /* the reporter's: there is a report to be made */
static boolean_t has_reporter;
static struct report report;      /* the reporter's while busy */
static boolean_t busy;
static int ended_by;              /* the signal of the process reported on */
static struct timer patience;

void program_forget(struct process *p)
{
    if (p->program_file != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), p->program_file);
    p->program_file = MACH_PORT_NULL;
}

void program_inherit(struct process *child, const struct process *parent)
{
    strcpy(child->program, parent->program);
    child->arguments = parent->arguments;
    if (child->arguments != NULL)
        child->arguments->refs++;
    if (parent->program_file != MACH_PORT_NULL
        && mach_port_mod_refs(mach_task_self(), parent->program_file, MACH_PORT_RIGHT_SEND, 1)
            == KERN_SUCCESS)
        child->program_file = parent->program_file;
}

/* The second thread. */
static void *reporter(void *arg)
{
    mach_msg_header_t done = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
        .msgh_size = sizeof(done),
        .msgh_remote_port = done_port.port,
        .msgh_id = DONE_ID,
    };

    for (;;) {
        if (semaphore_wait(wanted) != KERN_SUCCESS)
            continue;
        report_print(&report);
        mach_msg(&done, MACH_SEND_MSG, sizeof(done), 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
                 MACH_PORT_NULL);
    }
    return NULL;
}

static boolean_t start_reporter(void)
{
    if (has_reporter)
        return TRUE;
    if (done_port.port == MACH_PORT_NULL) {
        if (ports_create(&done_port, &crash_class) != KERN_SUCCESS)
            return FALSE;
        mach_port_insert_right(mach_task_self(), done_port.port, done_port.port, MACH_MSG_TYPE_MAKE_SEND);
    }
    if (wanted == MACH_PORT_NULL
        && semaphore_create(mach_task_self(), &wanted, SYNC_POLICY_FIFO, 0) != KERN_SUCCESS)
        return FALSE;
    has_reporter = mach_thread_create(reporter, NULL, NULL) == KERN_SUCCESS;
    return has_reporter;
}

/* Another reference to a send right, or MACH_PORT_NULL. */
static mach_port_t another(mach_port_t right)
{
    if (right == MACH_PORT_NULL
        || mach_port_mod_refs(mach_task_self(), right, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    return right;
}

/* Ends the one who waits for its report. */
static void finish(void)
{
    struct process *p = process_find(report.pid);

    if (p != NULL && p->reported)
        process_end(p, ended_by, -1);
}

static void out_of_patience(struct timer *timer)
{
    (void)timer;
    finish();
}

boolean_t crash_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    if (in->msgh_id != DONE_ID || in->msgh_local_port != done_port.port)
        return FALSE;
    busy = FALSE;
    timer_set(&patience, 0);
    finish();
    out->msgh_remote_port = MACH_PORT_NULL;
    ((mig_reply_error_t *)out)->RetCode = MIG_NO_REPLY;
    return TRUE;
}

/* Has the process wait for a report. FALSE: there will be none. */
static boolean_t begin(struct process *p, const sig_info_t *info, const arm_thread_state64_t *state)
{
    if (busy || p->limits[RLIMIT_CORE].soft == 0 || !start_reporter()
        || task_suspend(p->task) != KERN_SUCCESS)
        return FALSE;
    busy = p->reported = TRUE;
    ended_by = info->signo;
    report = (struct report){
        .task = another(p->task),
        .root = another(get_root()),
        .file = another(p->program_file),
        .pid = p->pid,
        .has_state = state != NULL,
    };
    strcpy(report.program, p->program);
    if (state != NULL)
        report.state = *state;
    patience.expired = out_of_patience;
    timer_set(&patience, timer_now() + REPORT_TIME);
    semaphore_signal(wanted);
    return TRUE;
}

void crash(struct process *p, const sig_info_t *info, const arm_thread_state64_t *state)
{
    boolean_t brief = p->limits[RLIMIT_CORE].soft == 0;

    if (p->ending || p->reported)
        return;
    if (info->trap != 0)
        printf("%s (pid %d): signal %d: exception %d, code %d, address %#llx, pc %#llx\n", p->name,
               p->pid, info->signo, info->trap, info->code, (unsigned long long)info->address,
               state != NULL ? (unsigned long long)state->pc : 0);
    else if (!brief)
        printf("%s (pid %d): signal %d (%s) of process %d\n", p->name, p->pid, info->signo,
               strsignal(info->signo), info->pid);
    if (!begin(p, info, state))
        process_end(p, info->signo, -1);
}
