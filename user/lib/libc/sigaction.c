/*
 * What a program does about signals: a table in its memory. The proc server is told only what it needs
 * (struct signal_state): which are ignored, which have handlers, and where signals come in.
 */
#include "siginternal.h"

#include <servers/proc.h>
#include <unistd.h>

struct sigaction __signal_actions[NSIG];

void __signal_entry(void); /* sigentry.S */

int __signal_configure(void)
{
    uint64_t pending;
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_sigconfig(__proc_port, __signals.entry, __signals.ignored, __signals.caught,
                        __signals.wanted, __signals.onstack, __signals.flags, &pending);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    __signals.pending |= pending;
    return 0;
}

int __signal_register(void)
{
    if (__signals.entry != 0)
        return 0;
    __signals.entry = (uint64_t)__signal_entry;
    if (__signal_configure() == 0)
        return 0;
    __signals.entry = 0;
    return -1;
}

static uint64_t with(uint64_t set, uint64_t bit, int in)
{
    return in ? set | bit : set & ~bit;
}

/* Puts an action in its place. 0, or -1 with errno, and nothing has changed. */
static int set(int signal, const struct sigaction *action)
{
    const uint64_t bit = SIG_BIT(signal);
    const int handled = action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
    const struct sigaction old_action = __signal_actions[signal];
    struct signal_state old = __signals;

    __signal_actions[signal] = *action; /* before one can come */
    __signals.ignored = with(old.ignored, bit, action->sa_handler == SIG_IGN);
    __signals.caught = with(old.caught, bit, handled);
    __signals.onstack = with(old.onstack, bit, handled && (action->sa_flags & SA_ONSTACK));
    if (handled)
        __signals.entry = (uint64_t)__signal_entry;
    if (signal == SIGCHLD) {
        __signals.flags &= ~(SIG_NO_CHILD_STOP | SIG_NO_CHILD_WAIT);
        if (action->sa_flags & SA_NOCLDSTOP)
            __signals.flags |= SIG_NO_CHILD_STOP;
        if (action->sa_flags & SA_NOCLDWAIT)
            __signals.flags |= SIG_NO_CHILD_WAIT;
    }
    if ((__signals.ignored != old.ignored || __signals.caught != old.caught
         || __signals.onstack != old.onstack || __signals.flags != old.flags)
        && __signal_configure() < 0) {
        __signals = old;
        __signal_actions[signal] = old_action;
        return -1;
    }
    return 0;
}

int sigaction(int signal, const struct sigaction *restrict action,
              struct sigaction *restrict old)
{
    struct sigaction was;
    uint64_t blocked;
    int result = 0;

    if (!__signal_is_valid(signal)
        || (action != NULL && (signal == SIGKILL || signal == SIGSTOP)))
        return __fail(EINVAL);
    blocked = __signals_hold();
    was = __signal_actions[signal];
    if (__signals.ignored & SIG_BIT(signal)) /* it may have been so from the start */
        was.sa_handler = SIG_IGN;
    if (action != NULL)
        result = set(signal, action);
    __signals_release(blocked);
    if (result == 0 && old != NULL)
        *old = was;
    return result;
}

void __signal_reset(int signal)
{
    struct sigaction action = __signal_actions[signal];

    action.sa_handler = SIG_DFL;
    set(signal, &action);
}

sighandler_t signal(int signal, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction old;

    return sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

int siginterrupt(int signal, int flag)
{
    struct sigaction action;

    if (sigaction(signal, NULL, &action) < 0)
        return -1;
    action.sa_flags = flag ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return sigaction(signal, &action, NULL);
}

int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
    struct mach_tcb *tcb = mach_tcb();
    uint64_t sp = (uint64_t)__builtin_frame_address(0);
    uint64_t base = (uint64_t)tcb->sig_stack;
    int on_it = tcb->sig_stack_size != 0 && sp - base < tcb->sig_stack_size;
    size_t size = 0;
    kern_return_t kr;

    if (old != NULL)
        *old = (stack_t){.ss_sp = tcb->sig_stack, .ss_size = tcb->sig_stack_size,
                         .ss_flags = tcb->sig_stack_size == 0 ? SS_DISABLE
                                     : on_it                  ? SS_ONSTACK
                                                              : 0};
    if (stack == NULL)
        return 0;
    if (on_it)
        return __fail(EPERM);
    if (stack->ss_flags & ~SS_DISABLE)
        return __fail(EINVAL);
    if (!(stack->ss_flags & SS_DISABLE)) {
        if (stack->ss_size < MINSIGSTKSZ)
            return __fail(ENOMEM);
        size = stack->ss_size;
    }
    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    kr = proc_sigaltstack(__proc_port, (uint64_t)stack->ss_sp, size);
    if (kr != KERN_SUCCESS)
        return __error(kr);
    tcb->sig_stack = stack->ss_sp;
    tcb->sig_stack_size = size;
    return 0;
}
