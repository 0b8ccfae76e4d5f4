/*
 * Exceptions: the kernel tells of a fault, and it becomes a signal. Read proc.h and deliver.c first.
 *
 * The message brings the thread's registers, and the answer takes them back: a thread whose signal
 * has a handler is sent to the program's entry by that alone. Else the process ends, and the console
 * is told why.
 */
#include "proc.h"

#include <mach/exc_server.h>
#include <mach/mach_port.h>
#include <mach/semaphore.h>
#include <mach/traps.h>
#include <signal.h>
#include <string.h>

/* Asks the kernel, by a trap that takes no memory, which may be what the exception is about: a thread does
 * not wait for this semaphore; for anything else KERN_INVALID_ARGUMENT comes first. */
static boolean_t is_thread(mach_port_t port)
{
    return port != MACH_PORT_NULL && semaphore_signal_thread(idle_semaphore, port) == KERN_FAILURE;
}

/* A bad access is of memory that cannot be had, of an address that cannot be used so, or of one that has
 * nothing, or not for this. */
static sig_info_t bad_access(int64_t code, int64_t address)
{
    sig_info_t info = {.signo = SIGSEGV, .code = SEGV_MAPERR, .address = (uint64_t)address};

    switch (code) {
    case KERN_PROTECTION_FAILURE:
        info.code = SEGV_ACCERR;
        break;
    case KERN_MEMORY_ERROR:
    case KERN_MEMORY_FAILURE:
        info.signo = SIGBUS;
        info.code = BUS_ADRERR;
        break;
    case EXC_ARM_ALIGN:
        info.signo = SIGBUS;
        info.code = BUS_ADRALN;
        break;
    }
    return info;
}

static sig_info_t signal_for(int exception, int64_t code, int64_t subcode, uint64_t pc)
{
    sig_info_t info = {.signo = SIGABRT, .code = SI_KERNEL, .address = pc};

    switch (exception) {
    case EXC_BAD_ACCESS:
        info = bad_access(code, subcode);
        break;
    case EXC_BAD_INSTRUCTION:
        info.signo = SIGILL;
        info.code = ILL_ILLOPC;
        break;
    case EXC_ARITHMETIC:
        info.signo = SIGFPE;
        info.code = FPE_FLTINV;
        break;
    case EXC_BREAKPOINT:
        info.signo = SIGTRAP;
        info.code = code == EXC_ARM_SINGLESTEP ? TRAP_TRACE : TRAP_BRKPT;
        break;
    case EXC_SYSCALL:
        info.signo = SIGSYS;
        break;
    }
    info.trap = exception;
    return info;
}

/* What becomes of the exception. If the process goes on, the thread does with the registers in state. */
static void handle(struct process *p, mach_port_t thread, const sig_info_t *info,
                        arm_thread_state64_t *state)
{
    struct errand *errand = errand_of(p, thread);

    /* It was sent away from this very fault, which nobody waits for any more: it will fault again. */
    if (errand != NULL && errand->context.pc == state->pc && errand->context.sp == state->sp)
        return;
    if (errand == NULL && p->signals.entry != 0 && !p->signals.not_ready
        && (p->signals.caught & SIG_BIT(info->signo)) && errand_new(p, thread, state, info))
        return;
    crash(p, info, state);
}

kern_return_t catch_exception_raise_state_identity(
    mach_port_t port, mach_port_t thread, mach_port_t task, exception_type_t exception,
    const int64_t *code, mach_msg_type_number_t codeCnt, int *flavor, const natural_t *old_state,
    mach_msg_type_number_t old_stateCnt, thread_state_t new_state,
    mach_msg_type_number_t *new_stateCnt)
{
    struct process *p = process_of_task(task);
    arm_thread_state64_t state;
    sig_info_t info;

    if (port != exception_port || p == NULL || !is_thread(thread) || codeCnt < EXCEPTION_CODE_MAX
        || *flavor != ARM_THREAD_STATE64 || old_stateCnt != ARM_THREAD_STATE64_COUNT)
        return KERN_FAILURE; /* somebody's forgery; the stub releases the rights */
    memcpy(&state, old_state, sizeof(state));
    info = signal_for(exception, code[0], code[1], state.pc);
    if (!p->ending && !p->reported)
        handle(p, thread, &info, &state);
    memcpy(new_state, &state, sizeof(state));
    *new_stateCnt = ARM_THREAD_STATE64_COUNT;
    mach_port_deallocate(mach_task_self(), thread);
    mach_port_deallocate(mach_task_self(), task);
    return KERN_SUCCESS;
}

/* We ask for EXCEPTION_STATE_IDENTITY only; the other forms are somebody's forgery. */
kern_return_t catch_exception_raise(mach_port_t port, mach_port_t thread, mach_port_t task,
                                    exception_type_t exception, const int64_t *code,
                                    mach_msg_type_number_t codeCnt)
{
    return KERN_FAILURE;
}

kern_return_t catch_exception_raise_state(mach_port_t port, exception_type_t exception,
                                          const int64_t *code, mach_msg_type_number_t codeCnt,
                                          int *flavor, const natural_t *old_state,
                                          mach_msg_type_number_t old_stateCnt,
                                          thread_state_t new_state,
                                          mach_msg_type_number_t *new_stateCnt)
{
    return KERN_FAILURE;
}
