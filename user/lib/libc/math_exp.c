/*
 * exp, exp2, expm1. e^x = 2^k * 2^(j/32) * e^r, with |r| at most log(2)/64: 2^(j/32) is in a table, e^r a
 * polynomial. Read math_dd.h before.
 */
#include "math_dd.h"

#define STEPS 32 /* of the table, a power of two */

static const struct dd powers[STEPS] = { /* 2^(j/32) */
    {0x1.0000000000000p+0, 0x0.0p+0}, {0x1.059b0d3158574p+0, 0x1.d73e2a475b465p-55},
    {0x1.0b5586cf9890fp+0, 0x1.8a62e4adc610bp-54}, {0x1.11301d0125b51p+0, -0x1.6c51039449b3ap-54},
    {0x1.172b83c7d517bp+0, -0x1.19041b9d78a76p-55}, {0x1.1d4873168b9aap+0, 0x1.e016e00a2643cp-54},
    {0x1.2387a6e756238p+0, 0x1.9b07eb6c70573p-54}, {0x1.29e9df51fdee1p+0, 0x1.612e8afad1255p-55},
    {0x1.306fe0a31b715p+0, 0x1.6f46ad23182e4p-55}, {0x1.371a7373aa9cbp+0, -0x1.63aeabf42eae2p-54},
    {0x1.3dea64c123422p+0, 0x1.ada0911f09ebcp-55}, {0x1.44e086061892dp+0, 0x1.89b7a04ef80d0p-59},
    {0x1.4bfdad5362a27p+0, 0x1.d4397afec42e2p-56}, {0x1.5342b569d4f82p+0, -0x1.07abe1db13cadp-55},
    {0x1.5ab07dd485429p+0, 0x1.6324c054647adp-54}, {0x1.6247eb03a5585p+0, -0x1.383c17e40b497p-54},
    {0x1.6a09e667f3bcdp+0, -0x1.bdd3413b26456p-54}, {0x1.71f75e8ec5f74p+0, -0x1.16e4786887a99p-55},
    {0x1.7a11473eb0187p+0, -0x1.41577ee04992fp-55}, {0x1.82589994cce13p+0, -0x1.d4c1dd41532d8p-54},
    {0x1.8ace5422aa0dbp+0, 0x1.6e9f156864b27p-54}, {0x1.93737b0cdc5e5p+0, -0x1.75fc781b57ebcp-57},
    {0x1.9c49182a3f090p+0, 0x1.c7c46b071f2bep-56}, {0x1.a5503b23e255dp+0, -0x1.d2f6edb8d41e1p-54},
    {0x1.ae89f995ad3adp+0, 0x1.7a1cd345dcc81p-54}, {0x1.b7f76f2fb5e47p+0, -0x1.5584f7e54ac3bp-56},
    {0x1.c199bdd85529cp+0, 0x1.11065895048ddp-55}, {0x1.cb720dcef9069p+0, 0x1.503cbd1e949dbp-56},
    {0x1.d5818dcfba487p+0, 0x1.2ed02d75b3707p-55}, {0x1.dfc97337b9b5fp+0, -0x1.1a5cd4f184b5cp-54},
    {0x1.ea4afa2a490dap+0, -0x1.e9c23179c2893p-54}, {0x1.f50765b6e4540p+0, 0x1.9d3e12dd8a18bp-54},
};

/* log(2)/32: the first part has so few bits that its product with k, of 16 bits, is exact. */
static const double step_hi = 0x1.62e42fefa0000p-6;
static const double step_lo = 0x1.cf79abc9e3b3ap-45;

struct dd __exp_dd(struct dd x, int *exponent)
{
    double k = __builtin_rint(x.hi * (1 / (step_hi + step_lo)));
    int n = (int)k;
    struct dd r = two_sum(x.hi - k * step_hi, -k * step_lo); /* the difference is exact */
    double low = r.lo + x.lo;
    struct dd square = two_product(r.hi, r.hi);
    struct dd sum = fast_sum(1, r.hi);
    struct dd more = two_sum(sum.hi, 0.5 * square.hi);
    double rest; /* r^3/6 + ... + r^8/8! */

    rest = square.hi * r.hi * (0x1.5555555555555p-3 + r.hi * (0x1.5555555555555p-5
        + r.hi * (0x1.1111111111111p-7 + r.hi * (0x1.6c16c16c16c17p-10
        + r.hi * (0x1.a01a01a01a01ap-13 + r.hi * 0x1.a01a01a01a01ap-16)))));
    rest += sum.lo + more.lo + low * (1 + r.hi) + 0.5 * square.lo;
    *exponent = n >> 5;
    return dd_multiply(powers[n & (STEPS - 1)], fast_sum(more.hi, rest));
}

double __scale_dd(struct dd x, int n)
{
    struct dd sum;
    double scale;

    if (x.hi < 0)
        return -__scale_dd((struct dd){-x.hi, -x.lo}, n);
    if (n > BIAS) /* it may just fit, or be infinite */
        return n > 2 * BIAS ? HUGE_VAL : x.hi * power_of_two(BIAS) * power_of_two(n - BIAS);
    if (n > -BIAS)
        return x.hi * power_of_two(n);
    if (n < -1100)
        return power_of_two(1 - BIAS) * power_of_two(1 - BIAS); /* 0, and says that it underflows */
    /* Subnormal: the last place is that of 1 when 1 stands for the least normal number. */
    scale = power_of_two(n + BIAS - 1);
    sum = two_sum(1, x.hi * scale);
    return (sum.hi + (sum.lo + x.lo * scale) - 1) * power_of_two(1 - BIAS);
}

static double exp_of(struct dd x)
{
    int n;
    struct dd e;

    if (x.hi > 800)
        return __scale_dd((struct dd){1, 0}, 2000);
    if (x.hi < -800)
        return __scale_dd((struct dd){1, 0}, -2000);
    e = __exp_dd(x, &n);
    return __scale_dd(e, n);
}

double exp(double x)
{
    return x != x ? x : exp_of((struct dd){x, 0});
}

float expf(float x)
{
    return (float)exp(x);
}

double exp2(double x)
{
    const struct dd log_2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
    double whole = __builtin_rint(x);
    struct dd e;
    int n;

    if (x != x)
        return x;
    if (x > 2000 || x < -2000)
        return __scale_dd((struct dd){1, 0}, x > 0 ? 2000 : -2000);
    e = __exp_dd(dd_multiply(log_2, (struct dd){x - whole, 0}), &n);
    return __scale_dd(e, n + (int)whole);
}

float exp2f(float x)
{
    return (float)exp2(x);
}

double expm1(double x)
{
    struct dd e;
    int n;

    if (x != x || x == 0)
        return x;
    if (__builtin_fabs(x) < 0.25) { /* the series; its first two terms exactly */
        struct dd square = two_product(x, x);
        struct dd sum = fast_sum(x, 0.5 * square.hi);
        double rest = 0x1.ae7f3e733b81fp-41;
        static const double inverse[] = {0x1.93974a8c07c9dp-37, 0x1.6124613a86d09p-33,
            0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22, 0x1.71de3a556c734p-19,
            0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10, 0x1.1111111111111p-7,
            0x1.5555555555555p-5, 0x1.5555555555555p-3};

        for (unsigned i = 0; i < sizeof(inverse) / sizeof(*inverse); i++)
            rest = inverse[i] + x * rest;
        return sum.hi + (sum.lo + 0.5 * square.lo + square.hi * x * rest);
    }
    if (x > 40)
        return exp(x);
    if (x < -40)
        return -1 + power_of_two(-60);
    e = __exp_dd((struct dd){x, 0}, &n);
    e = dd_add((struct dd){e.hi * power_of_two(n), e.lo * power_of_two(n)}, (struct dd){-1, 0});
    return e.hi;
}

float expm1f(float x)
{
    return (float)expm1(x);
}
