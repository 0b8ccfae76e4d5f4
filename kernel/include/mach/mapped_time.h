/*
 * The time of day, in a page that host_map_time (mach/mach_host.defs) maps read-only:
 *
 *     time of day = boot + ns since the counter CNTVCT was 0
 *
 * It is one aligned word, which changes when somebody sets the time: read it each time, in one access. The
 * page is the same in all tasks; a task made by fork inherits the mapping.
 */
#ifndef _MACH_MAPPED_TIME_H_
#define _MACH_MAPPED_TIME_H_

#include <stdint.h>

struct mapped_time {
    int64_t boot; /* ns since 1970-01-01 00:00 UTC; 0 until host_set_time: boot is the epoch then */
};

#endif
