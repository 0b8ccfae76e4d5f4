/* The hyperbolic functions and their inverses, by exponentials and logarithms. Read math_dd.h before. */
#include "math_dd.h"

static const struct dd one = {1, 0};

static struct dd negative(struct dd a)
{
    return (struct dd){-a.hi, -a.lo};
}

/* e^x of an x from 0 to 40. */
static struct dd exponential(double x)
{
    int n;
    struct dd e = __exp_dd((struct dd){x, 0}, &n);

    return (struct dd){e.hi * power_of_two(n), e.lo * power_of_two(n)};
}

/* e^x / 2 of a greater x. */
static double half_exponential(double x)
{
    int n;
    struct dd e;

    if (x > 800)
        return __scale_dd(one, 2000);
    e = __exp_dd((struct dd){x, 0}, &n);
    return __scale_dd(e, n - 1);
}

/* sinh(x) for small x, in two parts: its series. */
static struct dd small_sinh(double x)
{
    double z = x * x;
    double rest = 0;
    struct dd sum = {x, 0};
    struct dd cube = dd_multiply(two_product(x, x), (struct dd){x, 0});

    for (int k = 19; k > 3; k -= 2)
        rest = (1 + rest) * z / (k * (k - 1));
    cube = dd_divide(cube, (struct dd){6, 0});
    cube.lo += cube.hi * rest;
    return dd_add(sum, fast_sum(cube.hi, cube.lo));
}

double sinh(double x)
{
    double a = __builtin_fabs(x);
    struct dd e;

    if (x != x || x == 0 || a == HUGE_VAL)
        return x;
    if (a < 0.5)
        return a < 0x1p-300 ? x : small_sinh(x).hi;
    if (a > 40)
        return __builtin_copysign(half_exponential(a), x);
    e = exponential(a);
    return __builtin_copysign(dd_add(e, negative(dd_divide(one, e))).hi / 2, x);
}

double cosh(double x)
{
    double a = __builtin_fabs(x);
    struct dd e;

    if (x != x || a == HUGE_VAL)
        return a;
    if (a > 40)
        return half_exponential(a);
    e = exponential(a);
    return dd_add(e, dd_divide(one, e)).hi / 2;
}

double tanh(double x)
{
    double a = __builtin_fabs(x);
    struct dd e;

    if (x != x || x == 0 || a < 0x1p-300)
        return x;
    if (a > 20)
        return __builtin_copysign(1 - power_of_two(-60), x);
    if (a < 0.5) { /* sinh / cosh, cosh = sqrt(1 + sinh^2) */
        struct dd s = small_sinh(x);

        return dd_divide(s, dd_sqrt(dd_add(one, dd_multiply(s, s)))).hi;
    }
    e = exponential(2 * a);
    return __builtin_copysign(dd_divide(dd_add(e, negative(one)), dd_add(e, one)).hi, x);
}

/* log(2 x) */
static double log_of_double(double x)
{
    return dd_add(__log_dd((struct dd){x, 0}), (struct dd){0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}).hi;
}

double asinh(double x)
{
    double a = __builtin_fabs(x);
    struct dd s;

    if (x != x || x == 0 || a == HUGE_VAL)
        return x;
    if (a < 0x1p-9) { /* the series; else the sum with 1 would cost digits */
        double z = a * a;

        return x - x * z * (1.0 / 6 - z * (3.0 / 40 - z * (15.0 / 336 - z * (105.0 / 3456))));
    }
    if (a > 0x1p60)
        return __builtin_copysign(log_of_double(a), x);
    s = dd_sqrt(dd_add(two_product(a, a), one));
    return __builtin_copysign(__log_dd(dd_add(s, (struct dd){a, 0})).hi, x);
}

double acosh(double x)
{
    struct dd s;

    if (x != x || x == HUGE_VAL)
        return x;
    if (x < 1)
        return invalid();
    if (x == 1)
        return 0;
    if (x > 0x1p60)
        return log_of_double(x);
    /* sqrt(x^2 - 1), by the difference, which is exact where it is small. */
    s = dd_sqrt(dd_multiply(two_sum(x, -1), two_sum(x, 1)));
    return __log_dd(dd_add((struct dd){x, 0}, s)).hi;
}

double atanh(double x)
{
    double a = __builtin_fabs(x);

    if (x != x || x == 0)
        return x;
    if (a > 1)
        return invalid();
    if (a == 1)
        return divide_by_zero(x);
    if (a < 0x1p-9) {
        double z = a * a;

        return x + x * z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9))));
    }
    return __builtin_copysign(__log_dd(dd_divide(two_sum(1, a), two_sum(1, -a))).hi / 2, x);
}

float sinhf(float x) { return (float)sinh(x); }
float coshf(float x) { return (float)cosh(x); }
float tanhf(float x) { return (float)tanh(x); }
float asinhf(float x) { return (float)asinh(x); }
float acoshf(float x) { return (float)acosh(x); }
float atanhf(float x) { return (float)atanh(x); }
