/* Giving up the processor. */
#ifndef _SCHED_H_
#define _SCHED_H_

#include <time.h>

int sched_yield(void);

#endif
