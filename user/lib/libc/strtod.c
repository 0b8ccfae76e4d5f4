/*
 * strtod: exact. The text is D * 10^e; as a fraction of two long integers it is divided bit by bit, and what
 * is left says how to round, half to even. Numbers of few digits need no long integers. Long double, which
 * has 113 bits here, is read as a double.
 */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS 800 /* more make no difference, but whether they are 0: 767 decide any double */
#define WORDS  170 /* of 32 bits: 10^1145, shifted by 64 and more */
#define EXPONENT_LIMIT 100000 /* of ten: beyond all numbers, and far from overflow */

struct format {
    int bits; /* of the mantissa, the hidden one included */
    int min;  /* least exponent of a normal number 1.x * 2^min */
    int max;
};

static const struct format double_format = {DBL_MANT_DIG, DBL_MIN_EXP - 1, DBL_MAX_EXP - 1};
static const struct format float_format = {FLT_MANT_DIG, FLT_MIN_EXP - 1, FLT_MAX_EXP - 1};

struct number {
    uint32_t word[WORDS]; /* least significant first */
    int count;
};

static void multiply(struct number *n, uint32_t by, uint32_t plus)
{
    uint64_t carry = plus;

    for (int i = 0; i < n->count; i++) {
        carry += (uint64_t)n->word[i] * by;
        n->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        n->word[n->count++] = (uint32_t)carry;
}

static void multiply_by_ten(struct number *n, int power)
{
    for (; power >= 9; power -= 9)
        multiply(n, 1000000000, 0);
    for (; power > 0; power--)
        multiply(n, 10, 0);
}

static void shift_left(struct number *n, int bits)
{
    int words = bits / 32;

    multiply(n, 1U << bits % 32, 0);
    if (n->count == 0 || words == 0)
        return;
    memmove(n->word + words, n->word, (size_t)n->count * sizeof(*n->word));
    memset(n->word, 0, (size_t)words * sizeof(*n->word));
    n->count += words;
}

static int bit_length(const struct number *n)
{
    return n->count == 0 ? 0 : n->count * 32 - __builtin_clz(n->word[n->count - 1]);
}

static int compare(const struct number *a, const struct number *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

/* a -= b, which is not greater. */
static void subtract(struct number *a, const struct number *b)
{
    int64_t borrow = 0;

    for (int i = 0; i < a->count; i++) {
        borrow += (int64_t)a->word[i] - (i < b->count ? b->word[i] : 0);
        a->word[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (a->count > 0 && a->word[a->count - 1] == 0)
        a->count--;
}

/*
 * mantissa * 2^exponent, rounded; mantissa has its highest bit set, and `more` says that the true value is a
 * little greater.
 */
static double assemble(const struct format *f, uint64_t mantissa, int exponent, bool more)
{
    int top = exponent + 63; /* the value is 1.x * 2^top */
    int drop = 64 - f->bits;
    uint64_t kept;
    uint64_t half;
    uint64_t rest;

    if (top < f->min)
        drop += f->min - top;
    if (top > f->max) {
        errno = ERANGE;
        return HUGE_VAL;
    }
    if (drop > 64) {
        errno = ERANGE;
        return 0;
    }
    kept = drop == 64 ? 0 : mantissa >> drop;
    half = 1ULL << (drop - 1);
    rest = drop == 64 ? mantissa : mantissa & ((half << 1) - 1);
    if (rest > half || (rest == half && (more || kept & 1)))
        kept++;
    if (top < f->min && (rest != 0 || more))
        errno = ERANGE; /* a subnormal number that is not exact */
    if (top == f->max && kept >> f->bits) {
        errno = ERANGE;
        return HUGE_VAL;
    }
    /* Both steps are exact: at most 53 bits, then a power of two down to which they reach. */
    return __builtin_ldexp((double)kept, exponent + drop);
}

/* The fraction above / below. */
static double divide(const struct format *f, struct number *above, struct number *below)
{
    int exponent = bit_length(above) - bit_length(below);
    uint64_t quotient = 0;

    if (exponent > 0)
        shift_left(below, exponent);
    else
        shift_left(above, -exponent);
    if (compare(above, below) < 0) { /* now below <= above < 2 * below */
        multiply(above, 2, 0);
        exponent--;
    }
    for (int i = 0; i < 64; i++) {
        quotient <<= 1;
        if (compare(above, below) >= 0) {
            subtract(above, below);
            quotient |= 1;
        }
        multiply(above, 2, 0);
    }
    return assemble(f, quotient, exponent - 63, above->count > 0);
}

static double exact_power_of_ten(int power)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    return powers[power];
}

/* digits (count of them, the first not 0) * 10^exponent; `more`: and further digits that are not all 0. */
static double from_decimal(const struct format *f, const char *digits, int count, int exponent, bool more)
{
    struct number above = {.count = 0};
    struct number below = {.word = {1}, .count = 1};

    if (count == 0)
        return 0;
    if (count + exponent > 400) { /* greater than 10^399 */
        errno = ERANGE;
        return HUGE_VAL;
    }
    if (count + exponent < -400) {
        errno = ERANGE;
        return 0;
    }
    if (count <= 15 && f == &double_format && exponent >= -22 && exponent <= 22) {
        double value = 0;

        for (int i = 0; i < count; i++)
            value = value * 10 + (digits[i] - '0');
        return exponent < 0 ? value / exact_power_of_ten(-exponent) : value * exact_power_of_ten(exponent);
    }
    for (int i = 0; i < count; i++) {
        multiply(&above, 10, (uint32_t)(digits[i] - '0'));
    }
    if (more) { /* between these digits and the next: one digit more tells */
        multiply(&above, 10, 1);
        exponent--;
    }
    multiply_by_ten(exponent > 0 ? &above : &below, exponent > 0 ? exponent : -exponent);
    return divide(f, &above, &below);
}

/* The exponent behind e or p at *s, if there is one: then *s moves behind it. */
static int parse_exponent(const char **s, char letter)
{
    const char *p = *s;
    bool negative;
    int value = 0;

    if ((*p | 0x20) != letter)
        return 0;
    p++;
    negative = *p == '-';
    p += *p == '-' || *p == '+';
    if (!isdigit((unsigned char)*p))
        return 0;
    for (; isdigit((unsigned char)*p); p++)
        if (value < EXPONENT_LIMIT)
            value = value * 10 + (*p - '0');
    *s = p;
    return negative ? -value : value;
}

static double parse_decimal(const struct format *f, const char **s)
{
    char digits[DIGITS];
    const char *p = *s;
    int count = 0;
    long exponent = 0;
    bool point = false;
    bool any = false;
    bool more = false;

    for (;; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)*p))
            break;
        any = true;
        exponent -= point;
        if (count == 0 && *p == '0')
            continue;
        if (count < DIGITS) {
            digits[count++] = *p;
        } else {
            more |= *p != '0';
            exponent++;
        }
    }
    if (!any)
        return 0;
    exponent += parse_exponent(&p, 'e');
    *s = p;
    while (count > 0 && !more && digits[count - 1] == '0') {
        count--;
        exponent++;
    }
    if (exponent > EXPONENT_LIMIT || exponent < -EXPONENT_LIMIT)
        exponent = exponent < 0 ? -EXPONENT_LIMIT : EXPONENT_LIMIT;
    return from_decimal(f, digits, count, (int)exponent, more);
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Behind "0x". */
static double parse_hex(const struct format *f, const char **s)
{
    const char *p = *s;
    uint64_t mantissa = 0;
    long exponent = 0;
    bool point = false;
    bool more = false;

    for (;; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (!isxdigit((unsigned char)*p))
            break;
        exponent -= point ? 4 : 0;
        if (mantissa >> 60 == 0) {
            mantissa = mantissa << 4 | (uint64_t)hex_digit(*p);
        } else {
            more |= *p != '0';
            exponent += 4;
        }
    }
    exponent += parse_exponent(&p, 'p');
    *s = p;
    if (mantissa == 0)
        return 0;
    exponent -= __builtin_clzll(mantissa);
    mantissa <<= __builtin_clzll(mantissa);
    if (exponent > EXPONENT_LIMIT || exponent < -EXPONENT_LIMIT)
        exponent = exponent < 0 ? -EXPONENT_LIMIT : EXPONENT_LIMIT;
    return assemble(f, mantissa, (int)exponent, more);
}

static double parse_nan(const char **s)
{
    const char *p = *s + 3;

    if (*p == '(') {
        do
            p++;
        while (isalnum((unsigned char)*p) || *p == '_');
        *s += *p == ')' ? p + 1 - *s : 3;
    } else {
        *s = p;
    }
    return NAN;
}

static double parse(const struct format *f, const char *s, char **end)
{
    const char *p = s;
    const char *start;
    bool negative;
    double value;

    while (isspace((unsigned char)*p))
        p++;
    negative = *p == '-';
    p += *p == '-' || *p == '+';
    start = p;
    if (strncasecmp(p, "inf", 3) == 0) {
        p += strncasecmp(p, "infinity", 8) == 0 ? 8 : 3;
        value = INFINITY;
    } else if (strncasecmp(p, "nan", 3) == 0) {
        value = parse_nan(&p);
    } else if (p[0] == '0' && (p[1] | 0x20) == 'x'
               && (isxdigit((unsigned char)p[2]) || (p[2] == '.' && isxdigit((unsigned char)p[3])))) {
        p += 2;
        value = parse_hex(f, &p);
    } else {
        value = parse_decimal(f, &p);
    }
    if (end != NULL)
        *end = (char *)(p == start ? s : p);
    return negative ? -value : value;
}

double strtod(const char *restrict s, char **restrict end)
{
    return parse(&double_format, s, end);
}

float strtof(const char *restrict s, char **restrict end)
{
    return (float)parse(&float_format, s, end);
}

long double strtold(const char *restrict s, char **restrict end)
{
    return strtod(s, end);
}

double atof(const char *s)
{
    return strtod(s, NULL);
}
