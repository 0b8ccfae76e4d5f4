/* What the host tests of libc share: checks that say what was expected. */
#ifndef UNIT_H
#define UNIT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition) \
    ((condition) ? (void)0 \
                 : (void)(failures++, printf("%s:%d: expected %s\n", __FILE__, __LINE__, #condition)))
#define CHECK_EQ(actual, expected) \
    do { \
        long long a_ = (long long)(actual), e_ = (long long)(expected); \
        if (a_ != e_) { \
            failures++; \
            printf("%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #actual, a_, e_); \
        } \
    } while (0)

static inline uint64_t random64(void)
{
    static uint64_t s = 88172645463325252ULL; /* xorshift64, Marsaglia */

    s ^= s << 13;
    s ^= s >> 7;
    return s ^= s << 17;
}

#define UNIT_END \
    (printf(failures == 0 ? "ok\n" : "%d failures\n", failures), failures != 0)

#endif
