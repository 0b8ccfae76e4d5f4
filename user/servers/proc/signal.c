/*
 * Signals, by their default actions: end, stop, continue, nothing; or ignored. (Handlers are for
 * later:
 * the process's exception port is already ours, which is how they will run.)
 */
#include "proc.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/exc_server.h>
#include <mach/mach_port.h>
#include <mach/thread_act.h>
#include <mach/traps.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <stdio.h>

#define SIGNALS 64

static boolean_t is_ignored(const struct process *p, int signal)
{
    return signal != SIGKILL && signal != SIGSTOP && (p->ignored >> (signal - 1) & 1);
}

void process_signal(struct process *p, int signal)
{
    if (p->ending || signal == 0)
        return;
    if (signal == SIGCONT) {
        process_continue(p);
        return;
    }
    if (is_ignored(p, signal))
        return;
    switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
        return;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        process_stop(p, signal);
        return;
    default:
        process_end(p, signal, -1);
    }
}

/* ---- kill ---- */

struct targets {
    struct process *sender;
    int pid;                 /* as kill has it */
    struct process **list;   /* process_end changes the table: gather first */
    int count, room;
};

static void gather(struct process *p, void *arg)
{
    struct targets *t = arg;
    boolean_t hit = t->pid > 0    ? p->pid == t->pid
                    : t->pid == 0 ? t->sender != NULL && p->pgid == t->sender->pgid
                    : t->pid == -1 ? p->pid > 1 && p != t->sender
                                   : p->pgid == -t->pid;

    if (!hit || p->ending)
        return;
    if (t->count < t->room)
        t->list[t->count] = p;
    t->count++;
}

/* Sends signal to those pid names; the number of them. The sender itself comes last. */
static int signal_all(struct process *sender, int pid, int signal)
{
    static struct process *found[1024];
    struct targets t = {sender, pid, found, 0, sizeof(found) / sizeof(found[0])};
    int total = 0;

    do { /* more than fit: again, as the first batch is gone or stopped */
        t.count = 0;
        process_each(gather, &t);
        if (total == 0)
            total = t.count;
        for (int i = 0; i < t.count && i < t.room; i++)
            if (found[i] != sender)
                process_signal(found[i], signal);
        for (int i = 0; i < t.count && i < t.room; i++)
            if (found[i] == sender)
                process_signal(sender, signal);
    } while (t.count > t.room && signal == SIGKILL);
    return total;
}

kern_return_t S_proc_kill(mach_port_t proc, int pid, int signal)
{
    struct process *p = process_caller(proc), *target;

    if (p == NULL)
        return unix_err(ESRCH);
    if (signal < 0 || signal > SIGNALS)
        return unix_err(EINVAL);
    if (pid > 0 && (target = process_find(pid)) != NULL && target->ending)
        return KERN_SUCCESS; /* POSIX: it exists until it is waited for */
    return signal_all(p, pid, signal) > 0 ? KERN_SUCCESS : unix_err(ESRCH);
}

kern_return_t S_proc_signal_group(mach_port_t server, int pgid, int signal)
{
    if (pgid > 1 && signal > 0 && signal <= SIGNALS)
        signal_all(NULL, -pgid, signal);
    return KERN_SUCCESS;
}

kern_return_t S_proc_sigignore(mach_port_t proc, uint64_t keep, uint64_t add, uint64_t *old_mask)
{
    struct process *p = process_caller(proc);

    if (p == NULL)
        return unix_err(ESRCH);
    *old_mask = p->ignored;
    p->ignored = (p->ignored & keep) | add;
    return KERN_SUCCESS;
}

/* ---- exceptions: the kernel tells of a fault ---- */

/* Asks the kernel, by a trap that takes no memory, which may be what the exception is about: a thread does
 * not wait for this semaphore; for anything else KERN_INVALID_ARGUMENT comes first. */
static boolean_t is_thread(mach_port_t port)
{
    return port != MACH_PORT_NULL && semaphore_signal_thread(idle_semaphore, port) == KERN_FAILURE;
}

static int signal_of(int exception, int64_t code)
{
    switch (exception) {
    case EXC_BAD_ACCESS:
        return code == KERN_MEMORY_ERROR || code == KERN_MEMORY_FAILURE ? SIGBUS : SIGSEGV;
    case EXC_BAD_INSTRUCTION:
        return SIGILL;
    case EXC_ARITHMETIC:
        return SIGFPE;
    case EXC_BREAKPOINT:
        return SIGTRAP;
    case EXC_SYSCALL:
        return SIGSYS;
    default:
        return SIGABRT;
    }
}

kern_return_t catch_exception_raise(mach_port_t port, mach_port_t thread, mach_port_t task,
                                    exception_type_t exception, const int64_t *code,
                                    mach_msg_type_number_t codeCnt)
{
    struct process *p = process_of_task(task);
    int64_t code0 = codeCnt > 0 ? code[0] : 0, code1 = codeCnt > 1 ? code[1] : 0;
    int signal = signal_of(exception, code0);
    arm_thread_state64_t state;
    mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;

    if (port != exception_port || p == NULL || !is_thread(thread))
        return KERN_FAILURE; /* somebody's forgery; the stub releases the rights */
    if (thread_suspend(thread) != KERN_SUCCESS ||
        thread_get_state(thread, ARM_THREAD_STATE64, (thread_state_t)&state, &count) !=
            KERN_SUCCESS)
        state.pc = 0;
    printf("%s (pid %d): signal %d: exception %d, code %#llx, address %#llx, pc %#llx\n", p->name,
           p->pid, signal, exception, (unsigned long long)code0, (unsigned long long)code1,
           (unsigned long long)state.pc);
    process_end(p, signal, -1);
    mach_port_deallocate(mach_task_self(), thread);
    mach_port_deallocate(mach_task_self(), task);
    return KERN_SUCCESS;
}

/* We ask for EXCEPTION_DEFAULT only; the other forms are somebody's forgery. */
kern_return_t catch_exception_raise_state(mach_port_t port, exception_type_t exception,
                                          const int64_t *code, mach_msg_type_number_t codeCnt, int *flavor,
                                          const natural_t *old_state,
                                          mach_msg_type_number_t old_stateCnt,
                                          thread_state_t new_state,
                                          mach_msg_type_number_t *new_stateCnt)
{
    return KERN_FAILURE;
}

kern_return_t catch_exception_raise_state_identity(
    mach_port_t port, mach_port_t thread, mach_port_t task, exception_type_t exception,
    const int64_t *code,
    mach_msg_type_number_t codeCnt, int *flavor, const natural_t *old_state,
    mach_msg_type_number_t old_stateCnt, thread_state_t new_state,
    mach_msg_type_number_t *new_stateCnt)
{
    return KERN_FAILURE;
}
