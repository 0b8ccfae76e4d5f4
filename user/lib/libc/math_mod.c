/* Remainders, which are exact: by long division of the mantissas, bit by bit. Read math_dd.h before. */
#include "math_dd.h"

/* The mantissa as an integer, and the exponent of its last bit; x positive and finite. */
static uint64_t take_apart(double x, int *exponent)
{
    uint64_t mantissa = bits_of(x) & ((1ULL << MANTISSA_BITS) - 1);
    int e = exponent_of(x);

    if (e == 0) {
        int shift = __builtin_clzll(mantissa) - (63 - MANTISSA_BITS);

        *exponent = 1 - shift;
        return mantissa << shift;
    }
    *exponent = e;
    return mantissa | 1ULL << MANTISSA_BITS;
}

static double put_together(uint64_t mantissa, int exponent)
{
    int shift;

    if (mantissa == 0)
        return 0;
    shift = __builtin_clzll(mantissa) - (63 - MANTISSA_BITS);
    mantissa <<= shift;
    exponent -= shift;
    if (exponent <= 0)
        return double_of(mantissa >> (1 - exponent));
    return double_of((mantissa & ((1ULL << MANTISSA_BITS) - 1)) | (uint64_t)exponent << MANTISSA_BITS);
}

/* a modulo b, both positive and finite, and the low bits of the quotient. */
static double modulo(double a, double b, unsigned *quotient)
{
    int ea;
    int eb;
    uint64_t ma = take_apart(a, &ea);
    uint64_t mb = take_apart(b, &eb);

    *quotient = 0;
    if (a < b)
        return a;
    for (;; ea--, ma <<= 1) {
        *quotient <<= 1;
        if (ma >= mb) {
            ma -= mb;
            *quotient |= 1;
        }
        if (ea == eb)
            return put_together(ma, eb);
    }
}

static int is_ordinary(double x, double y, double *result)
{
    if (x != x || y != y)
        *result = x + y;
    else if (exponent_of(x) == EXPONENT_MASK || y == 0)
        *result = invalid();
    else if (x == 0 || exponent_of(y) == EXPONENT_MASK)
        *result = x;
    else
        return 1;
    return 0;
}

double fmod(double x, double y)
{
    double result;
    unsigned quotient;

    if (!is_ordinary(x, y, &result))
        return result;
    return __builtin_copysign(modulo(__builtin_fabs(x), __builtin_fabs(y), &quotient), x);
}

double remquo(double x, double y, int *quotient)
{
    double a = __builtin_fabs(x);
    double b = __builtin_fabs(y);
    unsigned q = 0;
    double r;

    *quotient = 0;
    if (!is_ordinary(x, y, &r))
        return r;
    r = modulo(a, b, &q);
    if (r > b - r || (r == b - r && q & 1)) { /* b - r is exact where it matters: r > b / 2 */
        r -= b;
        q++;
    }
    *quotient = (x < 0) != (y < 0) ? -(int)(q & 0x7fffffff) : (int)(q & 0x7fffffff);
    return x < 0 ? -r : r == 0 ? __builtin_copysign(0, x) : r;
}

double remainder(double x, double y)
{
    int quotient;

    return remquo(x, y, &quotient);
}

double modf(double x, double *whole)
{
    *whole = __builtin_trunc(x);
    return __builtin_copysign(exponent_of(x) == EXPONENT_MASK && x == x ? 0 : x - *whole, x);
}

float fmodf(float x, float y) { return (float)fmod(x, y); }
float remainderf(float x, float y) { return (float)remainder(x, y); }
float remquof(float x, float y, int *quotient) { return (float)remquo(x, y, quotient); }

float modff(float x, float *whole)
{
    double w;
    double rest = modf(x, &w);

    *whole = (float)w;
    return (float)rest;
}
