/*
 * sin, cos, tan. x = n * pi/2 + r, |r| at most pi/4, r in two doubles; of r, series. Read math_dd.h before.
 */
#include "math_dd.h"

#define QUARTERS_MAX 0x1p20 /* n up to here has few enough bits for the quick way */

/* pi/2: two parts of 33 bits, whose products with n are exact, and the rest. */
static const double part_1 = 0x1.921fb54400000p+0;
static const double part_2 = 0x1.0b4611a600000p-34;
static const double part_3 = 0x1.3198a2e037073p-69;

static const uint64_t two_over_pi[20] = { /* its bits from 2^-1 on: as many as the largest double needs */
    0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
    0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484,
    0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d, 0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d,
};

/* 64 bits of 2/pi from bit `at` on; before the first are zeros. */
static uint64_t bits_at(int at)
{
    int word = at >> 6;
    int bit = at & 63;

    if (at < 0)
        return at <= -64 ? 0 : two_over_pi[0] >> -at;
    return bit == 0 ? two_over_pi[word] : two_over_pi[word] << bit | two_over_pi[word + 1] >> (64 - bit);
}

/*
 * For all x that are not 0, by Payne and Hanek [1983]. x is m * 2^e, m an integer. Of x * 2/pi only
 * the rest by 4 matters, so the bits of 2/pi that make multiples of 4 are left out; 256 bits from
 * there are enough, since no double is nearer to a multiple of pi/2 than 2^-62.
 */
static int reduce_exactly(double x, struct dd *r)
{
    const struct dd half_pi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};
    int e = exponent_of(x) - BIAS - MANTISSA_BITS;
    uint64_t m = (bits_of(x) & ((1ULL << MANTISSA_BITS) - 1)) | 1ULL << MANTISSA_BITS;
    uint64_t word[4]; /* most significant first: 2 bits before the point */
    unsigned __int128 carry = 0;
    int quadrant;
    int negative;
    int zeros = 0;
    double scale;
    struct dd fraction;

    for (int i = 3; i >= 0; i--) {
        carry += (unsigned __int128)bits_at(e - 2 + 64 * i) * m;
        word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    quadrant = (int)(word[0] >> 62);
    negative = word[0] >> 61 & 1; /* 1/2 or more: from the next quadrant downwards */
    quadrant += negative;
    for (int i = 0; i < 4; i++) {
        word[i] = word[i] << 2 | (i < 3 ? word[i + 1] >> 62 : 0);
        word[i] = negative ? ~word[i] : word[i];
    }
    while (zeros < 128 && !(word[0] >> 63)) {
        for (int i = 0; i < 3; i++)
            word[i] = word[i] << 1 | word[i + 1] >> 63;
        word[3] <<= 1;
        zeros++;
    }
    /* Of the 128 bits on top: 53 for the first double, the next 53 for the second. */
    scale = power_of_two(-zeros);
    fraction.hi = (double)(word[0] >> 11) * 0x1p-53 * scale;
    fraction.lo = (double)((word[0] & 0x7ff) << 42 | word[1] >> 22) * 0x1p-106 * scale;
    *r = dd_multiply(fast_sum(fraction.hi, fraction.lo), half_pi);
    if (negative ^ (x < 0))
        *r = (struct dd){-r->hi, -r->lo};
    return x < 0 ? -quadrant : quadrant;
}

/* x finite. Returns n modulo 4, in its low bits. */
static int reduce(double x, struct dd *r)
{
    double n = __builtin_rint(x * 0x1.45f306dc9c883p-1);
    struct dd difference;

    if (n == 0) {
        *r = (struct dd){x, 0};
        return 0;
    }
    if (__builtin_fabs(n) > QUARTERS_MAX)
        return reduce_exactly(x, r);
    difference = two_sum(x - n * part_1, -n * part_2);
    if (__builtin_fabs(difference.hi) < 0x1p-30) /* too few digits are left */
        return reduce_exactly(x, r);
    *r = fast_sum(difference.hi, difference.lo - n * part_3);
    return (int)n;
}

/* sin(r), its second part not rounded away. */
static struct dd sine(struct dd r)
{
    static const double inverse[] = {-0x1.2f49b46814157p-57, 0x1.952c77030ad4ap-49,
        -0x1.ae7f3e733b81fp-41, 0x1.6124613a86d09p-33, -0x1.ae64567f544e4p-26, 0x1.71de3a556c734p-19,
        -0x1.a01a01a01a01ap-13, 0x1.1111111111111p-7};
    double z = r.hi * r.hi;
    double sum = inverse[0];
    struct dd cube = dd_multiply(two_product(r.hi, r.hi), (struct dd){r.hi, 0});
    struct dd third = dd_multiply(cube, (struct dd){-0x1.5555555555555p-3, -0x1.5555555555555p-57});

    for (unsigned i = 1; i < sizeof(inverse) / sizeof(*inverse); i++)
        sum = inverse[i] + z * sum;
    third.lo += sum * z * cube.hi + r.lo * (1 - 0.5 * z);
    return dd_add((struct dd){r.hi, 0}, fast_sum(third.hi, third.lo));
}

static struct dd cosine(struct dd r)
{
    static const double inverse[] = {-0x1.6827863b97d97p-53, 0x1.ae7f3e733b81fp-45,
        -0x1.93974a8c07c9dp-37, 0x1.1eed8eff8d898p-29, -0x1.27e4fb7789f5cp-22, 0x1.a01a01a01a01ap-16,
        -0x1.6c16c16c16c17p-10, 0x1.5555555555555p-5};
    struct dd z = two_product(r.hi, r.hi);
    struct dd sum = fast_sum(1, -0.5 * z.hi);
    double rest = inverse[0];

    for (unsigned i = 1; i < sizeof(inverse) / sizeof(*inverse); i++)
        rest = inverse[i] + z.hi * rest;
    return fast_sum(sum.hi, sum.lo - 0.5 * z.lo + rest * z.hi * z.hi - r.hi * r.lo);
}

static int is_ordinary(double x, double *result)
{
    if (exponent_of(x) != EXPONENT_MASK)
        return 1;
    *result = x != x ? x : invalid();
    return 0;
}

double sin(double x)
{
    struct dd r;
    double s;
    int n;

    if (x == 0 || !is_ordinary(x, &s))
        return x == 0 ? x : s;
    n = reduce(x, &r);
    s = n & 1 ? cosine(r).hi : sine(r).hi;
    return n & 2 ? -s : s;
}

double cos(double x)
{
    struct dd r;
    double c;
    int n;

    if (!is_ordinary(x, &c))
        return c;
    n = reduce(x, &r) + 1; /* the sine of a quarter more */
    c = n & 1 ? cosine(r).hi : sine(r).hi;
    return n & 2 ? -c : c;
}

double tan(double x)
{
    struct dd r;
    struct dd s;
    struct dd c;
    double t;
    int n;

    if (x == 0 || !is_ordinary(x, &t))
        return x == 0 ? x : t;
    n = reduce(x, &r);
    if (__builtin_fabs(r.hi) < 0x1p-500 && !(n & 1))
        return r.hi; /* dividing would lose digits that underflow */
    s = sine(r);
    c = cosine(r);
    return n & 1 ? -dd_divide(c, s).hi : dd_divide(s, c).hi;
}

float sinf(float x)
{
    return (float)sin(x);
}

float cosf(float x)
{
    return (float)cos(x);
}

float tanf(float x)
{
    return (float)tan(x);
}

/* What the compiler makes of a sine and a cosine of the same angle. */
void sincos(double x, double *s, double *c)
{
    *s = sin(x);
    *c = cos(x);
}

void sincosf(float x, float *s, float *c)
{
    *s = sinf(x);
    *c = cosf(x);
}
