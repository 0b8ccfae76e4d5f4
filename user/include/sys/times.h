/* Processor time in ticks, sysconf(_SC_CLK_TCK) a second. (sys/resource.h has it finer.) */
#ifndef _SYS_TIMES_H_
#define _SYS_TIMES_H_

#include <sys/types.h>

struct tms {
    clock_t tms_utime;
    clock_t tms_stime;
    clock_t tms_cutime; /* of children that were waited for, and theirs */
    clock_t tms_cstime;
};

/* The ticks since boot. */
clock_t times(struct tms *times);

#endif
