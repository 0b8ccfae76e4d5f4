/* Absolute values and divisions. */
#include <inttypes.h>
#include <stdlib.h>

int abs(int value) { return value < 0 ? -value : value; }
long labs(long value) { return value < 0 ? -value : value; }
long long llabs(long long value) { return value < 0 ? -value : value; }

div_t div(int number, int by)
{
    return (div_t){number / by, number % by};
}

ldiv_t ldiv(long number, long by)
{
    return (ldiv_t){number / by, number % by};
}

lldiv_t lldiv(long long number, long long by)
{
    return (lldiv_t){number / by, number % by};
}

intmax_t imaxabs(intmax_t value) { return value < 0 ? -value : value; }

imaxdiv_t imaxdiv(intmax_t number, intmax_t by)
{
    return (imaxdiv_t){number / by, number % by};
}
