/*
 * tgamma and lgamma: Stirling's series for arguments of 16 and more, to which smaller ones are
 * brought by gamma(x) = gamma(x + 1) / x; below 1/2 the reflection. lgamma is exact to its last
 * places but near 1 and 2 and its zeros below 0, where the error is one of 1's last places. Read
 * math_dd.h before.
 */
#include "math_dd.h"

#define STIRLING 16
#define LIMIT    171.6243769563027 /* gamma of more is infinite */

int signgam;

static const struct dd pi = {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
static const struct dd half_log_2_pi = {0x1.d67f1c864beb5p-1, -0x1.65b5a1b7ff5dfp-55};

/* log gamma(x), x at least STIRLING: (x - 1/2) log x - x + log(2 pi)/2 + 1/12x - 1/360x^3 + ... */
static struct dd stirling(struct dd x)
{
    double z = 1 / (x.hi * x.hi);
    struct dd sum = dd_multiply(__log_dd(x), dd_add(x, (struct dd){-0.5, 0}));
    struct dd series = dd_divide((struct dd){1, 0}, dd_multiply((struct dd){12, 0}, x));

    series.lo -= z / x.hi * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z * (1.0 / 1188
        - z * (691.0 / 360360 - z * (1.0 / 156 - z * (3617.0 / 122400)))))));
    sum = dd_add(sum, (struct dd){-x.hi, -x.lo});
    return dd_add(dd_add(sum, half_log_2_pi), series);
}

/* The product x (x + 1) ... until the factor would be STIRLING, to which x goes. */
static struct dd ascend(struct dd *x)
{
    struct dd product = {1, 0};

    while (x->hi < STIRLING) {
        product = dd_multiply(product, *x);
        *x = dd_add(*x, (struct dd){1, 0});
    }
    return product;
}

/* gamma(x) for x from 1/2 to LIMIT. */
static struct dd positive(struct dd x, int *exponent)
{
    struct dd up = x;
    struct dd product = ascend(&up);

    return dd_divide(__exp_dd(stirling(up), exponent), product);
}

/* sin(pi x), by the nearest integer, so that it is exact where it is small. */
static double sine_of_pi(double x)
{
    double whole = __builtin_rint(x);
    double s = sin(pi.hi * (x - whole));

    return (int64_t)whole & 1 ? -s : s;
}

double tgamma(double x)
{
    struct dd g;
    int n;

    if (x != x || x == HUGE_VAL)
        return x;
    if (x == 0)
        return divide_by_zero(__builtin_copysign(1, x));
    if (x < 0 && x == __builtin_floor(x))
        return invalid();
    if (x > LIMIT + 1)
        return __scale_dd((struct dd){1, 0}, 2000);
    if (x >= 0.5) {
        g = positive((struct dd){x, 0}, &n);
        return __scale_dd(fast_sum(g.hi, g.lo), n);
    }
    if (x < -200)
        return __builtin_copysign(__scale_dd((struct dd){1, 0}, -2000), sine_of_pi(x));
    if (x > -0x1p-60 && x < 0x1p-60)
        return 1 / x;
    g = positive(two_sum(1, -x), &n); /* gamma(x) gamma(1 - x) = pi / sin(pi x) */
    g = dd_divide(pi, dd_multiply(g, (struct dd){sine_of_pi(x), 0}));
    return __scale_dd(g, -n);
}

double lgamma(double x)
{
    struct dd up = {x, 0};
    struct dd product;

    signgam = 1;
    if (x != x || __builtin_fabs(x) == HUGE_VAL)
        return x * x;
    if (x <= 0 && x == __builtin_floor(x))
        return divide_by_zero(1);
    if (x < 0.5) {
        double s = sine_of_pi(x);

        double g;

        if (x > -0x1p-60 && x < 0x1p-60) {
            signgam = x < 0 ? -1 : 1;
            return -log(__builtin_fabs(x));
        }
        g = lgamma(1 - x);
        signgam = s < 0 ? -1 : 1;
        return log(pi.hi / __builtin_fabs(s)) - g;
    }
    if (x == 1 || x == 2)
        return 0;
    if (x > 0x1p60)
        return x * (log(x) - 1);
    product = ascend(&up);
    product = __log_dd(product);
    return dd_add(stirling(up), (struct dd){-product.hi, -product.lo}).hi;
}

float tgammaf(float x) { return (float)tgamma(x); }
float lgammaf(float x) { return (float)lgamma(x); }
