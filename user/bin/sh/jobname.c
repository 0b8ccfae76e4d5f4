/*
 * Which job is meant, and what is said of it. Read job.h first. XCU 3.204, jobs.
 */
#include "job.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static struct job *latest(const struct job *but)
{
    struct job *best = NULL;

    for (struct job *job = jobs; job != NULL; job = job->next) {
        bool better = best == NULL || (job_state(job) == JOB_STOPPED) > (job_state(best) == JOB_STOPPED)
                      || ((job_state(job) == JOB_STOPPED) == (job_state(best) == JOB_STOPPED)
                          && job->used > best->used);

        if (job != but && job->background && better)
            best = job;
    }
    return best;
}

struct job *job_current(void)
{
    return latest(NULL);
}

struct job *job_previous(void)
{
    return latest(job_current());
}

struct job *job_find(const char *spec)
{
    bool inside = spec[0] == '%' && spec[1] == '?';

    if (spec[0] != '%') {
        pid_t pid = (pid_t)atoi(spec);

        for (struct job *job = jobs; job != NULL; job = job->next)
            for (int i = 0; i < job->count; i++)
                if (job->processes[i].pid == pid)
                    return job;
        return NULL;
    }
    spec += 1 + inside;
    if (!inside && (*spec == '\0' || strcmp(spec, "%") == 0 || strcmp(spec, "+") == 0))
        return job_current();
    if (!inside && strcmp(spec, "-") == 0)
        return job_previous();
    for (struct job *job = jobs; job != NULL; job = job->next) {
        if (!job->background)
            continue;
        if (!inside && isdigit((unsigned char)*spec) ? job->number == atoi(spec)
            : inside ? strstr(job->text, spec) != NULL
                     : strncmp(job->text, spec, strlen(spec)) == 0)
            return job;
    }
    return NULL;
}

/* ---- printing ---- */

const char *job_describe(const struct job *job)
{
    int status = job->count > 0 ? job->processes[job->count - 1].status : 0;

    switch (job_state(job)) {
    case JOB_RUNNING:
        return "Running";
    case JOB_STOPPED:
        for (int i = 0; i < job->count; i++)
            if (job->processes[i].state == JOB_STOPPED)
                status = job->processes[i].status;
        return WSTOPSIG(status) == SIGTSTP ? "Stopped"
                                           : temp_print("Stopped (SIG%s)", signal_name(WSTOPSIG(status)));
    default:
        if (WIFSIGNALED(status))
            return strsignal(WTERMSIG(status));
        return WEXITSTATUS(status) == 0 ? "Done" : temp_print("Done(%d)", WEXITSTATUS(status));
    }
}

void job_print(FILE *to, const struct job *job, bool ports, bool only_group)
{
    char mark = job == job_current() ? '+' : job == job_previous() ? '-' : ' ';
    struct text who = {0};

    if (only_group) {
        fprintf(to, "%d\n", (int)(job->group != 0 ? job->group : job->processes[0].pid));
        return;
    }
    for (int i = 0; ports && i < job->count; i++) {
        const struct job_process *p = &job->processes[i];
        const char *one = p->task != 0 ? temp_print("%d (task port 0x%x) ", (int)p->pid, p->task)
                                       : temp_print("%d ", (int)p->pid);

        text_append(&who, one, strlen(one));
    }
    fprintf(to, "[%d] %c %s%-20s %s\n", job->number, mark, text_string(&who),
            job_describe(job), job->text);
}
