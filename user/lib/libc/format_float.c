/*
 * %f, %e, %g, %a: exact. A double is m * 2^e, and has a finite decimal expansion, of at most 309
 * digits before and 1074 behind the point; all of them are made, by long arithmetic in base 10^9,
 * and then rounded half to even at the place asked for. Slow and right. Read format.h before.
 */
#include "format.h"

#include <stdint.h>
#include <string.h>

#define BASE        1000000000U /* 10^9 fits in 32 bits */
#define BASE_DIGITS 9
#define MANTISSA    52 /* bits of a double's stored mantissa [IEEE 754] */
#define BIAS        1023
#define INT_LIMBS   35  /* 10^315 > 2^1024 */
#define FRAC_LIMBS  120 /* 1080 digits >= 1074 */
#define FRAC_WORDS  35  /* 1120 bits >= 1074 + what the shift needs */

struct decimal {
    char digit[(INT_LIMBS + FRAC_LIMBS) * BASE_DIGITS + 1]; /* one in front, for a carry */
    int count;
    int point; /* digits before the decimal point, by position in digit[] */
};

static void put_limb(struct decimal *d, uint32_t limb)
{
    for (int i = BASE_DIGITS - 1; i >= 0; i--, limb /= 10)
        d->digit[d->count + i] = '0' + limb % 10;
    d->count += BASE_DIGITS;
}

/* The digits of mantissa << shift. */
static void expand_integer(struct decimal *d, uint64_t mantissa, int shift)
{
    uint32_t limb[INT_LIMBS] = {0}; /* least significant first */
    int n = 0;

    for (; mantissa != 0; mantissa /= BASE)
        limb[n++] = mantissa % BASE;
    for (; shift > 0; shift -= 29) { /* 29: a limb times 2^29 and a carry fit in 64 bits */
        int step = shift < 29 ? shift : 29;
        uint64_t carry = 0;

        for (int i = 0; i < n; i++) {
            carry += (uint64_t)limb[i] << step;
            limb[i] = carry % BASE;
            carry /= BASE;
        }
        if (carry != 0)
            limb[n++] = carry;
    }
    while (n > 0)
        put_limb(d, limb[--n]);
}

/* The digits of fraction / 2^bits, fraction < 2^bits. */
static void expand_fraction(struct decimal *d, uint64_t fraction, int bits)
{
    uint32_t word[FRAC_WORDS] = {0}; /* a binary fraction, most significant word first */
    int words = (bits + 31) / 32;
    int lift = words * 32 - bits; /* so that the point lies at a word's edge */
    unsigned __int128 low = (unsigned __int128)fraction << lift;

    for (int i = words - 1; i >= 0 && low != 0; i--, low >>= 32)
        word[i] = (uint32_t)low;
    while (words > 0) {
        uint64_t carry = 0;

        for (int i = words - 1; i >= 0; i--) {
            carry += (uint64_t)word[i] * BASE;
            word[i] = (uint32_t)carry;
            carry >>= 32;
        }
        put_limb(d, carry);
        while (words > 0 && word[words - 1] == 0)
            words--;
    }
}

static void expand(struct decimal *d, uint64_t mantissa, int exponent)
{
    d->digit[0] = '0';
    d->count = 1;
    if (exponent >= 0) {
        expand_integer(d, mantissa, exponent);
        d->point = d->count;
        return;
    }
    if (-exponent < 64)
        expand_integer(d, mantissa >> -exponent, 0);
    d->point = d->count;
    expand_fraction(d, -exponent < 64 ? mantissa & ((1ULL << -exponent) - 1) : mantissa, -exponent);
}

/* Rounds to the first `keep` digits, half to even; there are exactly that many then. */
static void round_digits(struct decimal *d, int keep)
{
    bool up = false;

    if (keep < d->count) {
        char next = keep >= 0 ? d->digit[keep] : '0';
        bool rest = false;

        for (int i = keep < 0 ? 0 : keep + 1; i < d->count; i++)
            rest |= d->digit[i] != '0';
        up = next > '5' || (next == '5' && (rest || (keep > 0 && (d->digit[keep - 1] & 1))));
        d->count = keep < 0 ? 0 : keep;
    }
    for (int i = keep - 1; up && i >= 0; i--) {
        up = d->digit[i] == '9';
        d->digit[i] = up ? '0' : d->digit[i] + 1;
    }
}

static char digit_at(const struct decimal *d, int i)
{
    return i < d->count ? d->digit[i] : '0';
}

static int first_nonzero(const struct decimal *d)
{
    for (int i = 0; i < d->count; i++)
        if (d->digit[i] != '0')
            return i;
    return -1;
}

/* What is being put together: at most the digits of a number, then zeros that are only counted. */
struct output {
    char text[sizeof(((struct decimal *)0)->digit) + 16];
    size_t size;
};

static void add(struct output *o, char c)
{
    o->text[o->size++] = c;
}

static void add_exponent(struct output *o, char letter, int exponent, int least)
{
    char digits[5];
    int n = 0;

    add(o, letter);
    add(o, exponent < 0 ? '-' : '+');
    if (exponent < 0)
        exponent = -exponent;
    for (; exponent != 0 || n < least; exponent /= 10)
        digits[n++] = '0' + exponent % 10;
    while (n > 0)
        add(o, digits[--n]);
}

/*
 * A precision may be greater than all the digits there can be: the zeros behind them are put
 * between `head` and `tail` (the exponent).
 */
static void put_number(struct sink *sink, const struct conversion *c, const char *prefix,
                       size_t prefix_size, const struct output *head, int zeros,
                       const struct output *tail)
{
    struct conversion inner = *c;
    size_t size = prefix_size + head->size + zeros + tail->size;
    size_t pad = (size_t)c->width > size ? c->width - size : 0;

    inner.width = c->left ? 0 : (int)(pad + prefix_size + head->size);
    inner.left = false;
    __format_padded(sink, &inner, prefix, prefix_size, head->text, head->size, c->zero && !c->left);
    inner.width = zeros;
    __format_padded(sink, &inner, "", 0, "", 0, true);
    inner.width = (int)(c->left ? pad + tail->size : tail->size);
    inner.left = true;
    __format_padded(sink, &inner, "", 0, tail->text, tail->size, false);
}

static int limit(int digits, int most)
{
    return digits < most ? digits : most;
}

#define MOST ((int)sizeof(((struct decimal *)0)->digit))

static void format_fixed(struct sink *sink, const struct conversion *c, const char *prefix,
                         size_t prefix_size, struct decimal *d, int precision, bool strip)
{
    struct output head = {.size = 0};
    struct output tail = {.size = 0};
    int shown = limit(precision, MOST - d->point);
    int first;

    round_digits(d, d->point + shown);
    first = first_nonzero(d);
    if (first < 0 || first >= d->point)
        first = d->point - 1; /* at least one digit before the point */
    while (strip && shown > 0 && digit_at(d, d->point + shown - 1) == '0')
        shown--;
    if (strip)
        precision = shown;
    for (int i = first; i < d->point; i++)
        add(&head, digit_at(d, i));
    if (precision > 0 || c->alternate)
        add(&head, '.');
    for (int i = 0; i < shown; i++)
        add(&head, digit_at(d, d->point + i));
    put_number(sink, c, prefix, prefix_size, &head, precision - shown, &tail);
}

/* d is rounded already, its first digit (of precision + 1) at `first`. */
static void format_exponential(struct sink *sink, const struct conversion *c, const char *prefix,
                               size_t prefix_size, const struct decimal *d, int first,
                               int precision, bool strip, char letter)
{
    struct output head = {.size = 0};
    struct output tail = {.size = 0};
    int shown = limit(precision, MOST - first - 1);

    while (strip && shown > 0 && digit_at(d, first + shown) == '0')
        shown--;
    if (strip)
        precision = shown;
    add(&head, digit_at(d, first));
    if (precision > 0 || c->alternate)
        add(&head, '.');
    for (int i = 1; i <= shown; i++)
        add(&head, digit_at(d, first + i));
    add_exponent(&tail, letter, first_nonzero(d) < 0 ? 0 : d->point - 1 - first, 2);
    put_number(sink, c, prefix, prefix_size, &head, precision - shown, &tail);
}

/* Rounds to precision + 1 significant digits; returns where the first is. */
static int round_significant(struct decimal *d, int precision)
{
    int first = first_nonzero(d);

    if (first < 0)
        return d->point - 1; /* zero */
    round_digits(d, first + 1 + limit(precision, MOST - first - 1));
    return first_nonzero(d); /* one to the left if all were nines */
}

static void format_hex(struct sink *sink, const struct conversion *c, char *prefix,
                       size_t prefix_size, uint64_t mantissa, int exponent)
{
    const char *letters = c->letter == 'A' ? "0123456789ABCDEF" : "0123456789abcdef";
    struct output head = {.size = 0};
    struct output tail = {.size = 0};
    int digits = MANTISSA / 4;
    int precision = c->precision;

    if (mantissa == 0)
        exponent = 0;
    else
        exponent += MANTISSA;
    if (precision >= 0 && precision < digits) { /* round half to even at that digit */
        int drop = (digits - precision) * 4;
        uint64_t half = 1ULL << (drop - 1);
        uint64_t rest = mantissa & ((half << 1) - 1);

        mantissa >>= drop;
        mantissa += rest > half || (rest == half && (mantissa & 1));
        digits = precision;
    }
    while (precision < 0 && digits > 0 && (mantissa & 0xf) == 0) {
        mantissa >>= 4;
        digits--;
    }
    if (precision < 0)
        precision = digits;
    prefix[prefix_size++] = '0';
    prefix[prefix_size++] = c->letter == 'A' ? 'X' : 'x';
    add(&head, '0' + (char)(mantissa >> (digits * 4)));
    if (precision > 0 || c->alternate)
        add(&head, '.');
    for (int i = digits - 1; i >= 0; i--)
        add(&head, letters[mantissa >> (i * 4) & 0xf]);
    add_exponent(&tail, c->letter == 'A' ? 'P' : 'p', exponent, 1);
    put_number(sink, c, prefix, prefix_size, &head, precision - digits, &tail);
}

void __format_float(struct sink *sink, const struct conversion *c, double value)
{
    bool capital = c->letter >= 'A' && c->letter <= 'Z';
    char kind = c->letter | 0x20;
    uint64_t bits;
    uint64_t mantissa;
    int exponent;
    char prefix[4];
    size_t prefix_size = 0;
    int precision = c->precision < 0 ? 6 : c->precision;
    struct decimal d;
    int first;

    memcpy(&bits, &value, sizeof(bits));
    mantissa = bits & ((1ULL << MANTISSA) - 1);
    exponent = bits >> MANTISSA & 0x7ff;
    if (bits >> 63)
        prefix[prefix_size++] = '-';
    else if (c->plus)
        prefix[prefix_size++] = '+';
    else if (c->space)
        prefix[prefix_size++] = ' ';
    if (exponent == 0x7ff) {
        const char *word = mantissa != 0 ? (capital ? "NAN" : "nan") : (capital ? "INF" : "inf");

        __format_padded(sink, c, prefix, prefix_size, word, 3, false);
        return;
    }
    if (exponent == 0)
        exponent = 1; /* subnormal, or zero */
    else
        mantissa |= 1ULL << MANTISSA;
    exponent -= BIAS + MANTISSA;
    if (kind == 'a') {
        format_hex(sink, c, prefix, prefix_size, mantissa, exponent);
        return;
    }
    expand(&d, mantissa, exponent);
    if (kind == 'f') {
        format_fixed(sink, c, prefix, prefix_size, &d, precision, false);
        return;
    }
    if (kind == 'g' && precision > 0)
        precision--; /* counts all digits, not those behind the point */
    first = round_significant(&d, precision);
    if (kind == 'g') {
        int x = first_nonzero(&d) < 0 ? 0 : d.point - 1 - first;

        if (x >= -4 && x <= precision) {
            format_fixed(sink, c, prefix, prefix_size, &d, precision - x, !c->alternate);
            return;
        }
    }
    format_exponential(sink, c, prefix, prefix_size, &d, first, precision,
                       kind == 'g' && !c->alternate, capital ? 'E' : 'e');
}
