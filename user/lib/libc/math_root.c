/* sqrt, which the processor has; cbrt and hypot. Read math_dd.h before. */
#include "math_dd.h"

double sqrt(double x)
{
    return __builtin_sqrt(x);
}

float sqrtf(float x)
{
    return __builtin_sqrtf(x);
}

/* A first guess from the exponent, Newton's steps, and the last one with the exact cube. */
double cbrt(double x)
{
    double a = __builtin_fabs(x);
    double scale = 1;
    double y;
    struct dd cube;

    if (x != x || x == 0 || a == HUGE_VAL)
        return x;
    if (exponent_of(a) == 0) {
        a *= 0x1p54;
        scale = 0x1p-18;
    } else if (a > 0x1p1000) { /* its root's cube may not fit */
        a *= 0x1p-54;
        scale = 0x1p18;
    }
    y = double_of(bits_of(a) / 3 + (uint64_t)BIAS * 2 / 3 * (1ULL << MANTISSA_BITS));
    for (int i = 0; i < 5; i++)
        y -= (y - a / (y * y)) / 3;
    cube = dd_multiply(two_product(y, y), (struct dd){y, 0});
    y -= ((cube.hi - a) + cube.lo) / (3 * y * y);
    return __builtin_copysign(y * scale, x);
}

float cbrtf(float x)
{
    return (float)cbrt(x);
}

double hypot(double x, double y)
{
    double scale = 1;
    double swap;

    x = __builtin_fabs(x);
    y = __builtin_fabs(y);
    if (x == HUGE_VAL || y == HUGE_VAL)
        return HUGE_VAL;
    if (x != x || y != y)
        return x + y;
    if (x < y) {
        swap = x;
        x = y;
        y = swap;
    }
    if (y == 0 || exponent_of(x) - exponent_of(y) > 60)
        return x + y;
    if (x > 0x1p500) {
        scale = 0x1p600;
    } else if (y < 0x1p-450) {
        scale = 0x1p-600;
    }
    x /= scale;
    y /= scale;
    return dd_sqrt(dd_add(two_product(x, x), two_product(y, y))).hi * scale;
}

float hypotf(float x, float y)
{
    return (float)hypot(x, y);
}
