/* What looks at, or changes, a number's parts: sign, exponent, the next one. Read math_dd.h before. */
#include "math_dd.h"

#include <limits.h>

double fabs(double x) { return __builtin_fabs(x); }
float fabsf(float x) { return __builtin_fabsf(x); }
double copysign(double x, double y) { return __builtin_copysign(x, y); }
float copysignf(float x, float y) { return __builtin_copysignf(x, y); }
double nan(const char *tag) { return tag != (void *)0 ? NAN : 0; }
float nanf(const char *tag) { return tag != (void *)0 ? NAN : 0; }

double ldexp(double x, int n)
{
    /* At most three steps; the first two are exact, as they keep away from where numbers end. */
    if (n > 0) {
        for (int i = 0; i < 2 && n > BIAS; i++, n -= BIAS)
            x *= power_of_two(BIAS);
        return x * power_of_two(n > BIAS ? BIAS : n);
    }
    if (n < 1 - BIAS) { /* only the last step may round, from a normal number to a subnormal one */
        const int step = BIAS - 1 - MANTISSA_BITS - 1;

        for (int i = 0; i < 2 && n < -step - MANTISSA_BITS; i++, n += step)
            x *= power_of_two(-step);
        if (n < 1 - BIAS)
            n = 1 - BIAS;
    }
    return x * power_of_two(n);
}

double scalbn(double x, int n) { return ldexp(x, n); }

double scalbln(double x, long n)
{
    return ldexp(x, n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int)n);
}

double frexp(double x, int *exponent)
{
    int e = exponent_of(x);

    *exponent = 0;
    if (x == 0 || e == EXPONENT_MASK)
        return x;
    if (e == 0) {
        x *= 0x1p54;
        *exponent = -54;
        e = exponent_of(x);
    }
    *exponent += e - (BIAS - 1);
    return double_of((bits_of(x) & ~((uint64_t)EXPONENT_MASK << MANTISSA_BITS))
                     | (uint64_t)(BIAS - 1) << MANTISSA_BITS);
}

int ilogb(double x)
{
    int e;

    if (x == 0 || x != x)
        return (void)invalid(), x == 0 ? FP_ILOGB0 : FP_ILOGBNAN;
    if (exponent_of(x) == EXPONENT_MASK)
        return (void)invalid(), INT_MAX;
    frexp(x, &e);
    return e - 1;
}

double logb(double x)
{
    if (x == 0)
        return divide_by_zero(-1);
    return exponent_of(x) == EXPONENT_MASK ? x * x : ilogb(x);
}

double nextafter(double x, double y)
{
    uint64_t bits = bits_of(x);

    if (x != x || y != y)
        return x + y;
    if (x == y)
        return y;
    if (x == 0)
        return __builtin_copysign(double_of(1), y);
    return double_of((x < y) == (x > 0) ? bits + 1 : bits - 1);
}

float nextafterf(float x, float y)
{
    uint32_t bits;

    if (x != x || y != y)
        return x + y;
    if (x == y)
        return y;
    __builtin_memcpy(&bits, &x, sizeof(bits));
    bits = x == 0 ? 1 | (uint32_t)(y < 0) << 31 : (x < y) == (x > 0) ? bits + 1 : bits - 1;
    __builtin_memcpy(&x, &bits, sizeof(bits));
    return x;
}

double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
double fdim(double x, double y) { return x != x || y != y ? x + y : x > y ? x - y : 0; }

/* A NaN is no number, so the other is the greater, and the smaller. */
double fmax(double x, double y)
{
    if (x != x || y != y)
        return x != x ? y : x;
    return x > y || (x == y && !(bits_of(x) >> 63)) ? x : y;
}

double fmin(double x, double y)
{
    if (x != x || y != y)
        return x != x ? y : x;
    return x < y || (x == y && bits_of(x) >> 63) ? x : y;
}

float fmaf(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
float fdimf(float x, float y) { return (float)fdim(x, y); }
float fmaxf(float x, float y) { return (float)fmax(x, y); }
float fminf(float x, float y) { return (float)fmin(x, y); }
float ldexpf(float x, int n) { return (float)ldexp(x, n); }
float scalbnf(float x, int n) { return (float)ldexp(x, n); }
float scalblnf(float x, long n) { return (float)scalbln(x, n); }
float frexpf(float x, int *exponent) { return (float)frexp(x, exponent); }
float logbf(float x) { return (float)logb(x); }
int ilogbf(float x) { return ilogb(x); }
