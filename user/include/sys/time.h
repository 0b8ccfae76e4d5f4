/* struct timeval, and interval timers. */
#ifndef _SYS_TIME_H_
#define _SYS_TIME_H_

#include <sys/types.h>

struct timeval {
    time_t tv_sec;
    suseconds_t tv_usec;
};

struct itimerval {
    struct timeval it_interval;
    struct timeval it_value;
};

#define ITIMER_REAL    0 /* SIGALRM */
#define ITIMER_VIRTUAL 1 /* SIGVTALRM: time the process uses, in user mode */
#define ITIMER_PROF    2 /* SIGPROF: and in the kernel */

int gettimeofday(struct timeval *restrict time, void *restrict zone);
int setitimer(int which, const struct itimerval *restrict new, struct itimerval *restrict old);
int getitimer(int which, struct itimerval *old);

#endif
