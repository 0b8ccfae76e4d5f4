/*
 * atan, atan2, asin, acos: all are the angle of a point. The quotient's angle is one from a table, of
 * i/16, and the small rest's, which is a series. Read math_dd.h before.
 */
#include "math_dd.h"

static const struct dd table[17] = { /* atan(i/16) */
    {0x0.0p+0, 0x0.0p+0}, {0x1.ff55bb72cfdeap-5, -0x1.c934d86d23f1dp-60},
    {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59}, {0x1.7b97b4bce5b02p-3, 0x1.347b0b4f881cap-58},
    {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57}, {0x1.362773707ebccp-2, -0x1.963a544b672d8p-57},
    {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56}, {0x1.a64eec3cc23fdp-2, -0x1.24dec1b50b7ffp-56},
    {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56}, {0x1.0657e94db30d0p-1, -0x1.d5b495f6349e6p-56},
    {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58}, {0x1.345f01cce37bbp-1, 0x1.1021137c71102p-55},
    {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56}, {0x1.5d58987169b18p-1, 0x1.0028e4bc5e7cap-57},
    {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56}, {0x1.819d0b7158a4dp-1, -0x1.bf76229d3b917p-56},
    {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
};

static const struct dd pi = {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
static const struct dd half_pi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

/* atan(q), q from 0 to 1. */
static struct dd small_angle(struct dd q)
{
    static const double inverse[] = {-0x1.af286bca1af28p-5, 0x1.e1e1e1e1e1e1ep-5, -0x1.1111111111111p-4,
        0x1.3b13b13b13b14p-4, -0x1.745d1745d1746p-4, 0x1.c71c71c71c71cp-4, -0x1.2492492492492p-3,
        0x1.999999999999ap-3};
    int i = q.hi < 0.09375 ? 0 : (int)(q.hi * 16 + 0.5);
    double c = i / 16.0;
    struct dd t = q;
    struct dd cube;
    double z;
    double sum = inverse[0];

    if (i > 0) { /* (q - c) / (1 + q c) */
        struct dd above = two_sum(q.hi, -c);
        struct dd below = dd_add((struct dd){1, 0}, (struct dd){q.hi * c, q.lo * c + __builtin_fma(q.hi,
            c, -(q.hi * c))});

        above.lo += q.lo;
        t = dd_divide(above, below);
    }
    z = t.hi * t.hi;
    for (unsigned k = 1; k < sizeof(inverse) / sizeof(*inverse); k++)
        sum = inverse[k] + z * sum;
    cube = dd_multiply(dd_multiply(two_product(t.hi, t.hi), (struct dd){t.hi, 0}),
                       (struct dd){-0x1.5555555555555p-2, -0x1.5555555555555p-56});
    cube.lo += sum * z * z * t.hi - z * t.lo;
    return dd_add(table[i], dd_add(t, cube));
}

double __angle_dd(struct dd y, struct dd x)
{
    int negative = y.hi < 0 || (y.hi == 0 && bits_of(y.hi) >> 63);
    int left = x.hi < 0 || (x.hi == 0 && bits_of(x.hi) >> 63);
    struct dd angle;

    if (negative)
        y = (struct dd){-y.hi, -y.lo};
    if (left)
        x = (struct dd){-x.hi, -x.lo};
    if (y.hi > x.hi) {
        angle = small_angle(dd_divide(x, y));
        angle = dd_add(half_pi, (struct dd){-angle.hi, -angle.lo});
    } else {
        angle = small_angle(dd_divide(y, x));
    }
    if (left)
        angle = dd_add(pi, (struct dd){-angle.hi, -angle.lo});
    return negative ? -angle.hi : angle.hi;
}

/* The four corners at infinity, and 0. [C11, F.10.1.4] */
static double special(double y, double x)
{
    double a;

    if (x != x || y != y)
        return x + y;
    if (__builtin_fabs(y) == HUGE_VAL)
        a = __builtin_fabs(x) == HUGE_VAL ? (x > 0 ? pi.hi / 4 : 0x1.2d97c7f3321d2p+1) : half_pi.hi;
    else
        a = __builtin_copysign(1, x) > 0 ? 0 : pi.hi;
    return __builtin_copysign(a, y);
}

double atan2(double y, double x)
{
    int ey = exponent_of(y);
    int ex = exponent_of(x);

    if (ey == EXPONENT_MASK || ex == EXPONENT_MASK || y == 0)
        return special(y, x);
    if (x == 0)
        return __builtin_copysign(half_pi.hi, y);
    if (ey - ex > 120)
        return __builtin_copysign(half_pi.hi, y);
    if (ex - ey > 120) /* the quotient is the angle, and may underflow */
        return x > 0 ? y / x : __builtin_copysign(pi.hi, y);
    if (ex > BIAS + 500 || ey > BIAS + 500) { /* so that nothing overflows on the way */
        x *= 0x1p-200;
        y *= 0x1p-200;
    } else if (ex < BIAS - 500 || ey < BIAS - 500) {
        x *= 0x1p600;
        y *= 0x1p600;
    }
    return __angle_dd((struct dd){y, 0}, (struct dd){x, 0});
}

double atan(double x)
{
    if (x != x || x == 0 || __builtin_fabs(x) < 0x1p-30)
        return x != x || x == 0 ? x : x - x * (x * x) / 3;
    return atan2(x, 1);
}

/* sqrt(1 - x^2), |x| < 1. */
static struct dd other_side(double x)
{
    struct dd square = two_product(x, x);

    return dd_sqrt(dd_add((struct dd){1, 0}, (struct dd){-square.hi, -square.lo}));
}

double asin(double x)
{
    double a = __builtin_fabs(x);

    if (a != a || a > 1)
        return a != a ? x : invalid();
    if (a == 1)
        return __builtin_copysign(half_pi.hi, x);
    if (a < 0x1p-30)
        return a == 0 ? x : x + x * (x * x) / 6;
    return __angle_dd((struct dd){x, 0}, other_side(x));
}

double acos(double x)
{
    if (x != x || __builtin_fabs(x) > 1)
        return x != x ? x : invalid();
    if (__builtin_fabs(x) == 1)
        return x > 0 ? 0 : pi.hi;
    return __angle_dd(other_side(x), (struct dd){x, 0});
}

float atanf(float x)
{
    return (float)atan(x);
}

float atan2f(float y, float x)
{
    return (float)atan2(y, x);
}

float asinf(float x)
{
    return (float)asin(x);
}

float acosf(float x)
{
    return (float)acos(x);
}
