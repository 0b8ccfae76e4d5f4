/*
 * The trace: what happened on each CPU, for who looks from outside. Read mach/trace.h before.
 */
#ifndef _KERN_TRACE_H_
#define _KERN_TRACE_H_

#include <mach/trace.h>
#include <stdbool.h>

extern uint32_t trace_size; /* records a CPU; a power of two, or 0: tracing is off */

/* Reads the boot argument trace=N and makes the rings. Once, before vm_page_init. */
void trace_init(void);
/* Notes that it happened now, on this CPU, to the current thread. Tracing is on. Any context; takes
 * no lock and does not block: locks of any class may be held. */
void trace_record(uint32_t kind, const void *object, int32_t value);

/* The same, whether tracing is on or not: one load when it is off. */
static inline void trace(uint32_t kind, const void *object, int32_t value)
{
    if (__builtin_expect(trace_size != 0, 0))
        trace_record(kind, object, value);
}

#endif
