/* pow: e^(y * log x), with so many digits that the last is right. Read math_dd.h before. */
#include "math_dd.h"

/* 0: y is no integer. 1: an odd one. 2: an even one. */
static int parity(double y)
{
    double a = __builtin_fabs(y);

    if (a >= 0x1p53)
        return 2;
    if (a != __builtin_floor(a))
        return 0;
    return (int64_t)a & 1 ? 1 : 2;
}

/* x or y is 0, infinite or NaN. [C11, F.10.4.4] */
static double special(double x, double y)
{
    int odd = parity(y) == 1;
    double a = __builtin_fabs(x);
    double result;

    if (x != x || y != y)
        return x + y;
    if (__builtin_fabs(y) == HUGE_VAL) {
        if (a == 1)
            return 1;
        return (a > 1) == (y > 0) ? HUGE_VAL : 0;
    }
    if (a == 0 && y < 0)
        return divide_by_zero(odd ? __builtin_copysign(1, x) : 1);
    result = (a == 0) == (y > 0) ? 0 : HUGE_VAL;
    return odd ? __builtin_copysign(result, x) : result;
}

double pow(double x, double y)
{
    double a = __builtin_fabs(x);
    double sign = 1;
    struct dd product;
    struct dd e;
    int shift = 0;
    int n;

    if (y == 0 || x == 1)
        return 1;
    if (exponent_of(y) == EXPONENT_MASK || exponent_of(x) == EXPONENT_MASK || x == 0)
        return special(x, y);
    if (x < 0) {
        int kind = parity(y);

        if (kind == 0)
            return invalid();
        sign = kind == 1 ? -1 : 1;
    }
    if (exponent_of(a) == 0) {
        a *= power_of_two(54);
        shift = -54;
    }
    product = __log_dd((struct dd){a, 0});
    if (shift != 0)
        product = dd_add(product, (struct dd){shift * 0x1.62e42fefa4000p-1, shift * -0x1.8432a1b0e2634p-43});
    if (__builtin_fabs(y) > 0x1p70) /* the product would not fit; x is not 1 */
        y = __builtin_copysign(0x1p70, y);
    product = dd_multiply(product, (struct dd){y, 0});
    if (__builtin_fabs(product.hi) > 800)
        return sign * __scale_dd((struct dd){1, 0}, product.hi > 0 ? 2000 : -2000);
    e = __exp_dd(product, &n);
    return sign * __scale_dd(e, n);
}

float powf(float x, float y)
{
    return (float)pow(x, y);
}
