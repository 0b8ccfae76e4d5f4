/* What libc's functions about used time share. */
#ifndef RUSAGE_H
#define RUSAGE_H

#include <stdint.h>
#include <sys/resource.h>

#define NSEC_PER_SEC  1000000000UL
#define NSEC_PER_USEC 1000

static inline struct rusage rusage_of(uint64_t user, uint64_t system)
{
    return (struct rusage){
        .ru_utime = {user / NSEC_PER_SEC, user % NSEC_PER_SEC / NSEC_PER_USEC},
        .ru_stime = {system / NSEC_PER_SEC, system % NSEC_PER_SEC / NSEC_PER_USEC},
    };
}

#endif
