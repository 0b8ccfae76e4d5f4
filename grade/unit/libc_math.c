/*
 * libm, compared with the host's in long double, which is much more exact than ours has to be: the
 * error of each function in units of the last place, over its whole range and where it is hard; and
 * the special values, for which the host's double functions are the measure.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <float.h>
#include <math.h>

struct mach_tcb {
    struct mach_tcb *self;
    unsigned reply_port;
    unsigned thread_port;
    int err;
    void *stack;
} host_tcb;

#define ONE(name) double ours_##name(double); float ours_##name##f(float);
#define TWO(name) double ours_##name(double, double); float ours_##name##f(float, float);
ONE(sin) ONE(cos) ONE(tan) ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(tanh) ONE(asinh) ONE(acosh)
ONE(atanh) ONE(exp) ONE(exp2) ONE(expm1) ONE(log) ONE(log2) ONE(log10) ONE(log1p) ONE(sqrt) ONE(cbrt) ONE(erf)
ONE(erfc) ONE(tgamma) ONE(lgamma) ONE(floor) ONE(ceil) ONE(trunc) ONE(round) ONE(rint) ONE(logb)
TWO(atan2) TWO(pow) TWO(hypot) TWO(fmod) TWO(remainder) TWO(nextafter) TWO(fmax) TWO(fmin) TWO(fdim)
double ours_ldexp(double, int);
double ours_frexp(double, int *);
double ours_modf(double, double *);
double ours_remquo(double, double, int *);
int ours_ilogb(double);
long ours_lround(double);
float ours_nextafterf(float, float);

/* |actual - exact| in units of the last place of the exact value. */
static double error_of(double actual, long double exact)
{
    double rounded = (double)exact;
    double ulp;

    if (isnan(actual) || isnan(rounded) || isinf(rounded) || isinf(actual))
        return (isnan(actual) && isnan(rounded)) || actual == rounded ? 0 : 1e9;
    ulp = nextafter(fabs(rounded), INFINITY) - fabs(rounded);
    if (isinf(ulp))
        ulp = fabs(rounded) - nextafter(fabs(rounded), 0);
    return (double)(fabsl((long double)actual - exact) / ulp);
}

static double random_in(double low, double high)
{
    return low + (high - low) * ((double)(random64() >> 11) * 0x1p-53);
}

/* Any finite double, exponents alike. */
static double random_double(void)
{
    union {
        uint64_t bits;
        double x;
    } u;

    do
        u.bits = random64();
    while (!isfinite(u.x));
    return u.x;
}

static const double specials[] = {
    0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 10, 1000, 1e15, 1e16, 1e300, -1e300, INFINITY, -INFINITY, NAN,
    DBL_MIN, -DBL_MIN, 5e-324, -5e-324, DBL_MAX, -DBL_MAX, 709.78, 709.79, 710, -745.1, -745.2, -746,
        1023, 1024,
    -1074, -1075, 0x1p53, 0x1p52, 0x1.8p52, 1.5, 2.5, -1.5, -2.5, 0.49999999999999994, M_PI, M_PI_2, M_PI_4,
    1e-8, 1e-20, 1e-310, 0x1.6ac5b262ca1ffp+849, 6381956970095103.0 * 0x1p797, 22.0, 355.0, 171.6, 171.7,
        -0.1,
};
#define SPECIALS (sizeof(specials) / sizeof(*specials))

struct one {
    const char *name;
    double (*ours)(double);
    double (*host)(double);
    long double (*exact)(long double);
    double low, high; /* where to look, besides everywhere */
    double bound;
};

#define ROW(name, low, high, bound) {#name, ours_##name, name, name##l, low, high, bound}
static const struct one ones[] = {
    ROW(sin, -100, 100, 0.75), ROW(cos, -100, 100, 0.75), ROW(tan, -100, 100, 0.9), ROW(asin, -1, 1, 0.75),
    ROW(acos, -1, 1, 0.75), ROW(atan, -5, 5, 0.75), ROW(sinh, -10, 10, 0.9), ROW(cosh, -10, 10, 0.9),
    ROW(tanh, -3, 3, 0.9), ROW(asinh, -10, 10, 0.9), ROW(acosh, 1, 10, 0.9), ROW(atanh, -1, 1, 0.9),
    ROW(exp, -746, 710, 0.75), ROW(exp2, -1075, 1024, 0.75), ROW(expm1, -5, 5, 0.9), ROW(log, 0, 3, 0.75),
    ROW(log2, 0, 3, 0.75), ROW(log10, 0, 3, 0.75), ROW(log1p, -1, 2, 0.75), ROW(sqrt, 0, 10, 0.5),
    ROW(cbrt, -10, 10, 1.0), ROW(erf, -6, 6, 1.0), ROW(erfc, -6, 27, 1.5), ROW(tgamma, -20, 171, 3.0),
    ROW(floor, -10, 10, 0), ROW(ceil, -10, 10, 0), ROW(trunc, -10, 10, 0), ROW(round, -10, 10, 0),
    ROW(rint, -10, 10, 0), ROW(logb, 0, 10, 0),
};

static void check_one(const struct one *f, double x, double *worst, double *where)
{
    double error = error_of(f->ours(x), f->exact(x));

    if (error > *worst) {
        *worst = error;
        *where = x;
    }
}

static void all_ones(int report)
{
    for (size_t i = 0; i < sizeof(ones) / sizeof(*ones); i++) {
        const struct one *f = &ones[i];
        int gamma = f->host == tgamma;
        double worst = 0, where = 0;

        for (int n = 0; n < 60000; n++) {
            check_one(f, random_in(f->low, f->high), &worst, &where);
            check_one(f, random_in(f->low, f->high) * exp2(random_in(-60, 0)), &worst, &where);
            check_one(f, 1 + random_in(-1, 1) * exp2(random_in(-52, 0)), &worst, &where);
            if (!gamma)
                check_one(f, random_double(), &worst, &where);
        }
        for (int n = 1; n < 40000 && !gamma; n++) /* next to multiples of pi/2 */
            check_one(f, n * (n % 2 ? M_PI_2 : 1e6 * M_PI_2), &worst, &where);
        for (size_t n = 0; n < SPECIALS; n++) {
            double a = f->ours(specials[n]), e = f->host(specials[n]);

            /* (The host's cos of the double nearest to a multiple of pi/2 is wrong by 8 last places.) */
            if ((error_of(a, e) > 3 && error_of(a, f->exact(specials[n])) > 1) || (a == 0 && e == 0
                && signbit(a) != signbit(e))) {
                failures++;
                printf("%s(%a) is %a, the host's %a\n", f->name, specials[n], a, e);
            }
        }
        if (worst > f->bound || report)
            printf("%s: error %.3f of a last place at %a (%.17g)\n", f->name, worst, where, where);
        failures += worst > f->bound;
    }
}

struct two {
    const char *name;
    double (*ours)(double, double);
    double (*host)(double, double);
    long double (*exact)(long double, long double);
    double bound;
};
#define ROW2(name, bound) {#name, ours_##name, name, name##l, bound}
static const struct two twos[] = {
    ROW2(pow, 0.75), ROW2(atan2, 0.75), ROW2(hypot, 0.9), ROW2(fmod, 0), ROW2(remainder, 0), ROW2(fmax, 0),
    ROW2(fmin, 0), ROW2(fdim, 0.5),
};

static void all_twos(int report)
{
    for (size_t i = 0; i < sizeof(twos) / sizeof(*twos); i++) {
        const struct two *f = &twos[i];
        double worst = 0, at_x = 0, at_y = 0;

        for (int n = 0; n < 200000; n++) {
            double x = n % 2 ? random_in(-10, 10) : random_double();
            double y = n % 3 == 0 ? random_in(-50, 50) : n % 3 == 1 ? random_double() : (double)(n % 40 - 20);
            double error;

            if (f->host == pow && n % 4 == 0)
                x = 1 + random_in(-1, 1) * exp2(random_in(-52, 0)), y = random_in(-1,
                    1) * exp2(random_in(0, 60));
            if (f->host == pow)
                x = fabs(x);
            error = error_of(f->ours(x, y), f->exact(x, y));
            if (error > worst) {
                worst = error;
                at_x = x;
                at_y = y;
            }
        }
        for (size_t n = 0; n < SPECIALS; n++)
            for (size_t m = 0; m < SPECIALS; m++) {
                double x = specials[n], y = specials[m];
                double a = f->ours(x, y), e = f->host(x, y);
                int zeros = f->host == fmax || f->host == fmin || f->host == fdim; /* of either sign */

                if (error_of(a, e) > 3 || (a == 0 && e == 0 && !zeros && signbit(a) != signbit(e))) {
                    failures++;
                    printf("%s(%a, %a) is %a, the host's %a\n", f->name, x, y, a, e);
                }
            }
        if (worst > f->bound || report)
            printf("%s: error %.3f of a last place at %a, %a\n", f->name, worst, at_x, at_y);
        failures += worst > f->bound;
    }
}

static void others(void)
{
    for (int n = 0; n < 200000; n++) {
        double x = n < (int)SPECIALS ? specials[n] : random_double();
        double y = random_double();
        int e1 = 0, e2 = 0, q1, q2;
        double w1, w2;
        int k = (int)(random64() % 4500) - 2250;

        CHECK(error_of(ours_frexp(x, &e1), frexp(x, &e2)) == 0 && e1 == e2);
        CHECK(error_of(ours_ldexp(x, k), ldexp(x, k)) == 0);
        CHECK(error_of(ours_modf(x, &w1), modf(x, &w2)) == 0 && error_of(w1, w2) == 0);
        CHECK(error_of(ours_remquo(x, y, &q1), remquo(x, y, &q2)) == 0);
        CHECK(x == 0 || isnan(x) || isinf(x) || isinf(y) || (q1 & 7) == (q2 & 7) || (-q1 & 7) == (-q2 & 7));
        CHECK(error_of(ours_nextafter(x, y), nextafter(x, y)) == 0);
        CHECK(isnan(x) || isinf(x) || x == 0 || ours_ilogb(x) == ilogb(x));
        CHECK(error_of(ours_sinf((float)x), sinf((float)x)) == 0 || isfinite((float)x));
        if (fabs(x) < 1e18)
            CHECK_EQ(ours_lround(x), lround(x));
    }
    for (int n = 0; n < 20000; n++) { /* lgamma: of its own bound, as math_gamma.c says */
        double x = random_in(0, 100);

        CHECK(fabsl(ours_lgamma(x) - lgammal(x)) <= 4e-16L * fmaxl(1, fabsl(lgammal(x))));
    }
}

int main(int argc, char **argv)
{
    int report = argc > 1;

    (void)argv;
    all_ones(report);
    all_twos(report);
    others();
    return UNIT_END;
}
