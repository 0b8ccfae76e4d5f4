/*
 * What libm's files share: numbers of twice a double's precision, as the unevaluated sum of two
 * doubles, and the bits of a double. Each function is computed so that its error before the last
 * rounding is a small part of a unit in the last place; the tests (grade/unit/libc_math.c) say what
 * comes of it. No function sets errno: math_errhandling is MATH_ERREXCEPT.
 */
#ifndef _MATH_DD_H_
#define _MATH_DD_H_

#include <math.h>
#include <stdint.h>

#define MANTISSA_BITS 52
#define EXPONENT_MASK 0x7ff
#define BIAS          1023

struct dd {
    double hi;
    double lo;
};

static inline uint64_t bits_of(double x)
{
    uint64_t bits;

    __builtin_memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double x;

    __builtin_memcpy(&x, &bits, sizeof(x));
    return x;
}

/* The exponent as it is stored, BIAS added. */
static inline int exponent_of(double x)
{
    return (int)(bits_of(x) >> MANTISSA_BITS) & EXPONENT_MASK;
}

/* 2^n, for n that a normal number's exponent may be. */
static inline double power_of_two(int n)
{
    return double_of((uint64_t)(n + BIAS) << MANTISSA_BITS);
}

/* a + b exactly [Dekker 1971; Knuth]. fast_sum: |a| >= |b|, or a is 0. */
static inline struct dd fast_sum(double a, double b)
{
    double s = a + b;

    return (struct dd){s, b - (s - a)};
}

static inline struct dd two_sum(double a, double b)
{
    double s = a + b;
    double t = s - a;

    return (struct dd){s, (a - (s - t)) + (b - t)};
}

/* a * b exactly. */
static inline struct dd two_product(double a, double b)
{
    double p = a * b;

    return (struct dd){p, __builtin_fma(a, b, -p)};
}

/* To about 2^-104 of the result; dd_add if there is no cancellation. */
static inline struct dd dd_add(struct dd a, struct dd b)
{
    struct dd s = two_sum(a.hi, b.hi);

    return fast_sum(s.hi, s.lo + a.lo + b.lo);
}

static inline struct dd dd_multiply(struct dd a, struct dd b)
{
    struct dd p = two_product(a.hi, b.hi);

    return fast_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline struct dd dd_divide(struct dd a, struct dd b)
{
    double q = a.hi / b.hi;
    double rest = __builtin_fma(-q, b.hi, a.hi) + (a.lo - q * b.lo);

    return fast_sum(q, rest / b.hi);
}

/* a > 0 */
static inline struct dd dd_sqrt(struct dd a)
{
    double r = __builtin_sqrt(a.hi);
    double rest = __builtin_fma(-r, r, a.hi) + a.lo;

    return fast_sum(r, rest / (2 * r));
}

/* e^(x.hi + x.lo) = value * 2^*exponent, value from 1 to 2; |x.hi| below 1000. (math_exp.c) */
struct dd __exp_dd(struct dd x, int *exponent);
/* log(x.hi + x.lo); x.hi positive, normal and finite, x.lo below a unit of its last place. (math_log.c) */
struct dd __log_dd(struct dd x);
/* x * 2^n, rounded once; also if it is subnormal. Infinite, or 0, if it does not fit. (math_exp.c) */
double __scale_dd(struct dd x, int n);
/* The angle of (x, y), as atan2; neither is NaN or infinite, not both 0. (math_atan.c) */
double __angle_dd(struct dd y, struct dd x);

/* Raise exceptions by computing: division by zero, invalid; the volatile keeps the compiler from it. */
static inline double divide_by_zero(double sign)
{
    volatile double zero = 0;

    return sign / zero;
}

static inline double invalid(void)
{
    volatile double zero = 0;

    return zero / zero;
}

#endif
