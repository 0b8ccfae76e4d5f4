/*
 * Message tracing: what host_trace_read (mach/host_priv.defs) gives out. Booted with `trace=N` the
 * kernel keeps, for each CPU, the last N things of these kinds that happened there.
 */
#ifndef _MACH_TRACE_H_
#define _MACH_TRACE_H_

#include <stdint.h>

#define TRACE_SEND    1 /* a message is sent (it may wait for room). object: its port, value: its id */
#define TRACE_RECEIVE 2 /* a thread got a message out of the queue, or past it. Likewise */
#define TRACE_SWITCH  3 /* the CPU goes to another thread. object: that thread, value: 0 */

struct trace_record {
    uint64_t time;   /* CNTVCT */
    uint64_t thread; /* that was running. Threads and ports are told apart, no more: by address */
    uint64_t object;
    int32_t value;
    uint32_t kind;   /* TRACE_* */
};

#define TRACE_READ_MAX 48 /* records in one answer of host_trace_read */

#endif
