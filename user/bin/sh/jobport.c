/*
 * The ports of jobs' tasks. Read job.h first.
 *
 * Each process of a job in the background (or stopped) is known by its task port, not only by its
 * number: a number may be somebody else's later, a right may not. With the right comes the kernel's
 * promise of a notification when the task dies; all of them arrive at one port of the shell's, and are
 * read before each prompt. A child of the shell's has none of these names.
 */
#include "job.h"

#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <ostia.h>
#include <servers/proc.h>

typedef struct {
    mach_msg_header_t header;
    mach_port_name_t name;
    char trailer[MAX_TRAILER_SIZE];
} dead_name_message_t;

static mach_port_t deaths; /* a receive right; the kernel alone sends to it */

static bool open_deaths(void)
{
    if (deaths == MACH_PORT_NULL)
        job_deaths_open = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &deaths)
                          == KERN_SUCCESS;
    return job_deaths_open;
}

static void take_port(struct job_process *process)
{
    mach_port_t previous;
    task_t task;

    if (proc_get_task(getproc(), process->pid, &task) != KERN_SUCCESS)
        return; /* it has ended: waitpid will tell */
    if (mach_port_request_notification(mach_task_self(), task, MACH_NOTIFY_DEAD_NAME, 0, deaths,
                                       MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous) != KERN_SUCCESS) {
        mach_port_deallocate(mach_task_self(), task);
        return;
    }
    process->task = task;
}

void job_ports(struct job *job)
{
    if (!options[OPT_MONITOR] || !open_deaths())
        return;
    for (int i = 0; i < job->count; i++)
        if (job->processes[i].state != JOB_DONE && job->processes[i].task == MACH_PORT_NULL)
            take_port(&job->processes[i]);
}

void job_ports_drop(struct job_process *process)
{
    if (process->task != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), process->task);
    process->task = MACH_PORT_NULL;
}

void job_ports_forget(void)
{
    job_deaths_open = false;
    deaths = MACH_PORT_NULL;
}

void job_ports_release(void)
{
    for (struct job *job = jobs; job != NULL; job = job->next)
        for (int i = 0; i < job->count; i++)
            job_ports_drop(&job->processes[i]);
    if (deaths != MACH_PORT_NULL)
        mach_port_mod_refs(mach_task_self(), deaths, MACH_PORT_RIGHT_RECEIVE, -1);
    deaths = MACH_PORT_NULL;
}

static void mark_died(mach_port_name_t task)
{
    for (struct job *job = jobs; job != NULL; job = job->next)
        for (int i = 0; i < job->count; i++)
            if (job->processes[i].task == task)
                job->processes[i].died = true;
}

void job_deaths(void)
{
    dead_name_message_t message;

    while (deaths != MACH_PORT_NULL
           && mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(message), deaths,
                       0, MACH_PORT_NULL) == MACH_MSG_SUCCESS) {
        if (message.header.msgh_id != MACH_NOTIFY_DEAD_NAME)
            continue;
        mark_died(message.name);
        mach_port_deallocate(mach_task_self(), message.name); /* the notification's reference */
    }
}
