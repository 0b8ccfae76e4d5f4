/*
 * A signal arrives. Read sigentry.S before, and docs/15-processes.md.
 *
 * The thread was anywhere: in the middle of an RPC, too, whose reply may come at any time. So what
 * runs here uses another reply port, and the thread's own is back when it goes on: a receive that was
 * interrupted begins anew there, and misses nothing. If the call is to end instead (a handler without
 * SA_RESTART), the server is told to answer now (interrupt.defs), and its answer is waited for as
 * before: it says what was done.
 */
#include "siginternal.h"

#include <mach/mach_port.h>
#include <mach/thread_status.h>
#include <servers/interrupt.h>
#include <servers/proc.h>
#include <stddef.h>

_Static_assert(offsetof(ucontext_t, uc_mcontext.regs) == 56
                   && offsetof(ucontext_t, uc_mcontext.sp) == 304
                   && offsetof(ucontext_t, uc_mcontext.pc) == 312
                   && offsetof(ucontext_t, uc_mcontext.pstate) == 320
                   && offsetof(ucontext_t, uc_mcontext.vregs) == 336
                   && offsetof(ucontext_t, uc_mcontext.fpsr) == 848 && sizeof(ucontext_t) == 864,
               "sigentry.S");
_Static_assert(sizeof(arm_thread_state64_t) == 34 * sizeof(uint64_t), "mcontext_t: regs to pstate");

#define SVC_MACH 0xd4001001 /* svc #0x80: the instruction before the pc of a thread that was in a trap */

/* One for each time that handlers run, on the stack. */
struct signal_frame {
    struct signal_frame *previous;
    uint64_t sp;             /* of what was interrupted */
    unsigned generation;     /* mach_fork_generation: of another one the names are the parent's */
    mach_port_t reply_port;
    mach_port_t waits_on;
    uint8_t interrupted;
    uint8_t never_restarts;
    int error;
};

void __signal_deliver(ucontext_t *context, uint32_t cookie);
void __signal_deliver_info(ucontext_t *context, const sig_info_t *info);
void __signal_on_stack(void (*handler)(int, siginfo_t *, void *), int signal, siginfo_t *info,
                       ucontext_t *context, void *sp);

siginfo_t __signal_info(const sig_info_t *info)
{
    return (siginfo_t){
        .si_signo = info->signo,
        .si_code = info->code,
        .si_pid = info->pid,
        .si_uid = info->uid,
        .si_status = info->status,
        .si_addr = (void *)info->address,
        .si_value.sival_ptr = (void *)info->value,
    };
}

/* ---- the frame ---- */

static void enter(struct signal_frame *frame, uint64_t sp)
{
    struct mach_tcb *tcb = mach_tcb();

    *frame = (struct signal_frame){
        .previous = tcb->sig_frames,
        .sp = sp,
        .generation = mach_fork_generation,
        .reply_port = tcb->reply_port,
        .waits_on = tcb->waits_on,
        .interrupted = tcb->interrupted,
        .never_restarts = tcb->never_restarts,
        .error = tcb->err,
    };
    tcb->reply_port = tcb->sig_reply_port;
    tcb->sig_reply_port = MACH_PORT_NULL;
    tcb->waits_on = MACH_PORT_NULL;
    tcb->interrupted = tcb->never_restarts = 0;
    tcb->sig_frames = frame;
}

/* Keeps a port for the next time, one of them. An RPC, and so before the thread's own reply port is back,
 * to which an answer may be on its way. */
static void keep_port(struct mach_tcb *tcb)
{
    mach_port_t other = tcb->sig_reply_port;

    tcb->sig_reply_port = MACH_PORT_NULL;
    if (other != MACH_PORT_NULL)
        mach_port_mod_refs(mach_task_self(), other, MACH_PORT_RIGHT_RECEIVE, -1);
    other = tcb->reply_port;
    tcb->reply_port = MACH_PORT_NULL;
    tcb->sig_reply_port = other;
}

static void leave(struct signal_frame *frame)
{
    struct mach_tcb *tcb = mach_tcb();

    keep_port(tcb);
    tcb->reply_port = frame->generation == mach_fork_generation ? frame->reply_port : MACH_PORT_NULL;
    tcb->waits_on = frame->waits_on;
    tcb->interrupted = frame->interrupted;
    tcb->never_restarts = frame->never_restarts;
    tcb->err = frame->error;
    tcb->sig_frames = frame->previous;
}

/*
 * longjmp to a stack pointer: the handlers below it never return. What they interrupted is given up;
 * if that was an RPC, its answer finds no port.
 */
void __signal_unwind(uint64_t sp)
{
    struct mach_tcb *tcb = mach_tcb();
    uint64_t stack = (uint64_t)tcb->sig_stack;
    struct signal_frame *frame;

    while ((frame = tcb->sig_frames) != NULL && sp >= frame->sp
           && (sp - stack >= tcb->sig_stack_size || frame->sp - stack < tcb->sig_stack_size)) {
        tcb->sig_frames = frame->previous;
        tcb->waits_on = MACH_PORT_NULL;
        tcb->interrupted = tcb->never_restarts = 0;
        if (frame->reply_port != MACH_PORT_NULL && frame->generation == mach_fork_generation)
            mach_port_mod_refs(mach_task_self(), frame->reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
    }
}

/* ---- one signal ---- */

static void *stack_for(const struct sigaction *action)
{
    struct mach_tcb *tcb = mach_tcb();
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    uint64_t base = (uint64_t)tcb->sig_stack;

    if (!(action->sa_flags & SA_ONSTACK) || tcb->sig_stack_size == 0
        || here - base < tcb->sig_stack_size)
        return NULL;
    return (void *)((base + tcb->sig_stack_size) & ~15UL);
}

/* Does what is to be done about it. The flags of its handler, or -1: it has none. */
static int deliver_one(ucontext_t *context, const sig_info_t *info)
{
    struct mach_tcb *tcb = mach_tcb();
    const int signal = info->signo;
    struct sigaction action = __signal_actions[signal];
    siginfo_t siginfo = __signal_info(info);
    void *stack;

    if (tcb->sig_blocked & SIG_BIT(signal)) {
        /* It came to this thread alone. A fault cannot wait; the other kind can. */
        if (info->trap != 0)
            proc_sigdefault(__proc_port, *info);
        else
            kill(info->pid, signal);
        return -1;
    }
    if (!(__signals.caught & SIG_BIT(signal))) {
        if (!(__signals.ignored & SIG_BIT(signal)))
            proc_sigdefault(__proc_port, *info); /* comes back if it stopped, and goes on */
        return -1;
    }
    if (action.sa_flags & SA_RESETHAND)
        __signal_reset(signal);
    context->uc_sigmask = tcb->sig_blocked;
    context->uc_stack = (stack_t){.ss_sp = tcb->sig_stack, .ss_size = tcb->sig_stack_size};
    context->uc_mcontext.fault_address = info->trap != 0 ? info->address : 0;
    tcb->sig_blocked |= action.sa_mask & ~UNBLOCKABLE;
    if (!(action.sa_flags & SA_NODEFER))
        tcb->sig_blocked |= SIG_BIT(signal);
    tcb->sig_handled++;
    stack = stack_for(&action);
    if (stack != NULL)
        __signal_on_stack(action.sa_sigaction, signal, &siginfo, context, stack);
    else
        action.sa_sigaction(signal, &siginfo, context);
    tcb->sig_blocked = context->uc_sigmask & ~UNBLOCKABLE;
    return action.sa_flags;
}

/* Takes the first that is not blocked, of a thread that was sent here (cookie), or came by itself (0). */
static int take(uint32_t cookie, sig_info_t *info, sig_context_t *registers)
{
    uint64_t pending;

    __signals.pending = 0; /* before: what comes meanwhile is told then */
    if (proc_sigtake(__proc_port, cookie, mach_tcb()->sig_blocked, 0, info, registers, &pending)
        != KERN_SUCCESS)
        return -1;
    __signals.pending |= pending;
    return 0;
}

/* Delivers info (or nothing, if its signo is 0) and all others that can be. Are calls to be ended? */
static int deliver_all(ucontext_t *context, sig_info_t *info, int never_restarts)
{
    sig_context_t none;
    int ends = 0;

    for (;;) {
        if (info->signo != 0) {
            int flags = deliver_one(context, info);

            ends |= flags != -1 && (never_restarts || !(flags & SA_RESTART));
        }
        if ((__signals.pending & ~mach_tcb()->sig_blocked) == 0
            || take(0, info, &none) < 0 || info->signo == 0)
            return ends;
    }
}

/* ---- the entries ---- */

/* Was it in the trap of a message, which was interrupted so? */
static int was_in(const mcontext_t *m, mach_msg_return_t code)
{
    return (mach_msg_return_t)m->regs[0] == code && *(const uint32_t *)(m->pc - 4) == SVC_MACH;
}

void __signal_deliver(ucontext_t *context, uint32_t cookie)
{
    mcontext_t *m = &context->uc_mcontext;
    struct signal_frame frame;
    sig_context_t registers;
    sig_info_t info;

    enter(&frame, (uint64_t)(context + 1));
    if (take(cookie, &info, &registers) < 0)
        for (;;)
            __builtin_trap(); /* where it came from cannot be known any more */
    m->regs[0] = registers.x0;
    m->sp = frame.sp = registers.sp;
    m->pc = registers.pc;
    m->pstate = registers.cpsr;
    if (deliver_all(context, &info, frame.never_restarts) && frame.waits_on != MACH_PORT_NULL) {
        if (was_in(m, MACH_RCV_INTERRUPTED)) {
            frame.interrupted = 1;
            interrupt_operation(frame.waits_on);
        } else if (was_in(m, MACH_SEND_INTERRUPTED)) {
            frame.interrupted = 1; /* so it is not sent again (mig_rpc_failed) */
        }
    }
    leave(&frame);
}

void __signal_deliver_info(ucontext_t *context, const sig_info_t *info)
{
    struct signal_frame frame;
    sig_info_t first = *info;

    enter(&frame, context->uc_mcontext.sp);
    deliver_all(context, &first, 0);
    leave(&frame);
}

void __signal_take_pending(void)
{
    sig_info_t info;
    sig_context_t none;
    const int error = errno;

    while ((__signals.pending & ~mach_tcb()->sig_blocked) != 0 && take(0, &info, &none) == 0
           && info.signo != 0)
        __signal_call(&info);
    errno = error;
}
