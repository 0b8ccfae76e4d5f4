/* How many there are of what the kernel counts, once all that dies is dead. */
#ifndef QUIET_TEST_H
#define QUIET_TEST_H

#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <string.h>
#include <unistd.h>

static inline void counters(struct host_counters *c)
{
    mach_msg_type_number_t count = HOST_OSTIA_COUNTERS_COUNT;
    mach_port_t host = mach_host_self();

    memset(c, 0, sizeof *c);
    host_info(host, HOST_OSTIA_COUNTERS, (host_info_t)c, &count);
    mach_port_deallocate(mach_task_self(), host);
}

/* What is counted once all that dies is dead: the same twice, some time apart. */
static inline void quiet_counters(struct host_counters *c)
{
    struct host_counters last;

    counters(&last);
    for (int quiet = 0, tries = 0; quiet < 5 && tries < 200; tries++) {
        usleep(20000);
        counters(c);
        quiet = memcmp(c, &last, sizeof last) == 0 ? quiet + 1 : 0;
        last = *c;
    }
}

#endif
