/*
 * What the files about signals share. Read sigdeliver.c before.
 */
#ifndef _SIGINTERNAL_H_
#define _SIGINTERNAL_H_

#include "posix.h"

#include <signal.h>
#include <signal_types.h>

#define SIG_BIT(signal) (1ULL << ((signal) - 1))
#define UNBLOCKABLE     (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))

extern struct sigaction __signal_actions[NSIG]; /* (sigaction.c) */

static inline int __signal_is_valid(int signal)
{
    return signal > 0 && signal < NSIG;
}

/* Tells the proc server what __signals says, with the entry. 0, or -1 with errno. (sigaction.c) */
int __signal_configure(void);
/* The same, if it does not know the entry yet. */
int __signal_register(void);
/* Gives the signal its default action. */
void __signal_reset(int signal);
/* As sigprocmask with SIG_SETMASK. (sigmask.c) */
void __signal_set_mask(uint64_t mask);
/* Delivers the signal here and now. (sigentry.S) */
void __signal_call(const sig_info_t *info);
siginfo_t __signal_info(const sig_info_t *info);

#endif
