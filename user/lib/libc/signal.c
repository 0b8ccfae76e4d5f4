/* Sending signals. The proc server finds those that are meant. */
#include "siginternal.h"

#include <servers/proc.h>
#include <unistd.h>

static int send(pid_t pid, int signal, int code, uint64_t value)
{
    kern_return_t kr;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ESRCH);
    kr = proc_kill(__proc_port, pid, signal, code, value);
    return kr == KERN_SUCCESS ? 0 : __error(kr);
}

int kill(pid_t pid, int signal)
{
    return send(pid, signal, SI_USER, 0);
}

int killpg(pid_t pgid, int signal)
{
    return pgid > 1 ? kill(-pgid, signal) : __fail(ESRCH);
}

int sigqueue(pid_t pid, int signal, union sigval value)
{
    return pid > 0 ? send(pid, signal, SI_QUEUE, (uint64_t)value.sival_ptr) : __fail(ESRCH);
}

/* To the calling thread: a handler runs here. What does not run one is done to the whole process. */
int raise(int signal)
{
    if (__signal_is_valid(signal) && (__signals.caught & SIG_BIT(signal))
        && !(mach_tcb()->sig_blocked & SIG_BIT(signal))) {
        sig_info_t info = {.signo = signal, .code = SI_TKILL, .pid = getpid(), .uid = getuid()};

        __signal_call(&info);
        return 0;
    }
    return kill(getpid(), signal);
}
