/*
 * Signals as the proc server and libc tell one another of them (proc.defs). Numbers, codes and sets
 * are those of signal.h.
 */
#ifndef _SIGNAL_TYPES_H_
#define _SIGNAL_TYPES_H_

#include <stdint.h>

/* What siginfo_t is made of. 40 bytes. */
typedef struct sig_info {
    int32_t signo;
    int32_t code;    /* SI_*, SEGV_*, CLD_* ... */
    int32_t pid;     /* sender, or child */
    uint32_t uid;
    int32_t status;  /* SIGCHLD */
    int32_t trap;    /* a fault: Mach's exception number */
    uint64_t address; /* a fault: where */
    uint64_t value;  /* sigqueue's */
} sig_info_t;
_Static_assert(sizeof(sig_info_t) == 40, "sig_info_t is 40 bytes on the wire");

/* The registers of a thread that the server changed to send it to its entry. */
typedef struct sig_context {
    uint64_t x0, sp, pc, cpsr;
} sig_context_t;

/* proc_sigconfig's flags */
#define SIG_NO_CHILD_STOP 1 /* no SIGCHLD when a child stops or goes on */
#define SIG_NO_CHILD_WAIT 2 /* children leave nothing to wait for */
#define SIG_TTIN_BLOCKED  4 /* the terminal need not send SIGTTIN, or SIGTTOU */
#define SIG_TTOU_BLOCKED  8

#endif
