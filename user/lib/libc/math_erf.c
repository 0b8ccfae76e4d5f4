/*
 * erf and erfc: below 2 the series of erf, whose terms are all positive; above, erfc's continued
 * fraction. Read math_dd.h before.
 */
#include "math_dd.h"

#define SERIES_MAX  2.0
#define UNDERFLOW   27.3 /* erfc of more is 0 */
#define FRACTION    150  /* partial fractions, enough at SERIES_MAX */

/* e^(-x^2) in two parts, times 2^*exponent. */
static struct dd bell(double x, int *exponent)
{
    struct dd square = two_product(x, x);

    return __exp_dd((struct dd){-square.hi, -square.lo}, exponent);
}

/* erf(x) = 2/sqrt(pi) e^(-x^2) (x + 2x^3/3 + 4x^5/15 + ...) for x from 0 to SERIES_MAX. */
static struct dd series(double x)
{
    const struct dd two_over_root_pi = {0x1.20dd750429b6dp+0, 0x1.1ae3a914fed80p-56};
    struct dd square = two_product(x, x);
    struct dd term = {x, 0};
    struct dd sum = term;
    struct dd e;
    int n;

    for (int k = 1; term.hi > sum.hi * 0x1p-70; k++) {
        term = dd_divide(dd_multiply(term, (struct dd){2 * square.hi, 2 * square.lo}),
                         (struct dd){2 * k + 1, 0});
        sum = dd_add(sum, term);
    }
    e = dd_multiply(dd_multiply(bell(x, &n), sum), two_over_root_pi);
    return (struct dd){e.hi * power_of_two(n), e.lo * power_of_two(n)};
}

/* erfc(x) = e^(-x^2)/sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))) for greater x. */
static double fraction(double x)
{
    const struct dd one_over_root_pi = {0x1.20dd750429b6dp-1, 0x1.1ae3a914fed80p-57};
    struct dd f = {x, 0};
    int n;

    for (int k = FRACTION; k > 0; k--)
        f = dd_add(dd_divide((struct dd){k / 2.0, 0}, f), (struct dd){x, 0});
    f = dd_divide(dd_multiply(bell(x, &n), one_over_root_pi), f);
    return __scale_dd(f, n);
}

double erf(double x)
{
    double a = __builtin_fabs(x);

    if (x != x || x == 0)
        return x;
    if (a < 0x1p-400)
        return x * 0x1.20dd750429b6dp+0;
    if (a < SERIES_MAX)
        return __builtin_copysign(series(a).hi, x);
    return __builtin_copysign(a > 6 ? 1 - power_of_two(-60) : 1 - fraction(a), x);
}

double erfc(double x)
{
    double a = __builtin_fabs(x);
    struct dd e;

    if (x != x)
        return x;
    if (a < 0x1p-60)
        return 1 - x;
    if (a < SERIES_MAX) {
        e = series(a);
        if (x > 0)
            e = (struct dd){-e.hi, -e.lo};
        return dd_add((struct dd){1, 0}, e).hi;
    }
    if (x < 0)
        return a > 6 ? 2 - power_of_two(-60) : 2 - fraction(a);
    return a > UNDERFLOW ? __scale_dd((struct dd){1, 0}, -2000) : fraction(a);
}

float erff(float x) { return (float)erf(x); }
float erfcf(float x) { return (float)erfc(x); }
