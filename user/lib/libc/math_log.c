/*
 * log, log2, log10, log1p. x = 2^k * m; m * c is close to 1 for a c of few bits from a table, so
 * log(x) is k * log(2) - log(c) + log(1 + r) with r = m * c - 1, which two doubles hold exactly;
 * log(1 + r) is a series. Near 1 c is 1, so nothing cancels. Read math_dd.h before.
 */
#include "math_dd.h"

#define INDEX_BITS 7
#define FIRST_UP   53 /* from here on m is nearer to 2: half of it is taken, and k + 1 */

static const struct {
    double c;
    double hi; /* -log(c), a multiple of 2^-42, so that its sum with k * log(2) is exact */
    double lo;
} table[1 << INDEX_BITS] = {
    {0x1.0000000000000p+0, 0x0.0p+0, 0x0.0p+0},
    {0x1.fa00000000000p-1, 0x1.82448a3880000p-7, 0x1.4554412c584e0p-44},
    {0x1.f600000000000p-1, 0x1.432a925980000p-6, 0x1.98139928637fep-47},
    {0x1.f200000000000p-1, 0x1.c63d2ec150000p-6, -0x1.5439ce030a687p-44},
    {0x1.ef00000000000p-1, 0x1.149e3e4008000p-5, -0x1.2b98a9a4168fdp-44},
    {0x1.eb00000000000p-1, 0x1.5715c4c040000p-5, -0x1.8888ddfc47628p-44},
    {0x1.e700000000000p-1, 0x1.9a187b5740000p-5, -0x1.0c22e4ec4d90dp-44},
    {0x1.e400000000000p-1, 0x1.ccb73cddd8000p-5, 0x1.965c36e09f5fep-44},
    {0x1.e000000000000p-1, 0x1.08598b59e4000p-4, -0x1.7e5dd7009902cp-46},
    {0x1.dd00000000000p-1, 0x1.2207b5c784000p-4, 0x1.49d8cfc10c7bfp-44},
    {0x1.d900000000000p-1, 0x1.4485e03dbc000p-4, 0x1.fad46e8d26ab7p-44},
    {0x1.d600000000000p-1, 0x1.5e95a4d978000p-4, 0x1.1cb7ce1d17171p-44},
    {0x1.d200000000000p-1, 0x1.8197e2f410000p-4, -0x1.c0fe460d20041p-44},
    {0x1.cf00000000000p-1, 0x1.9c0c32d4d4000p-4, -0x1.ab7c09e838668p-44},
    {0x1.cc00000000000p-1, 0x1.b6ac88dad4000p-4, 0x1.b1bdff50225c7p-44},
    {0x1.c900000000000p-1, 0x1.d179788218000p-4, 0x1.36433b5efbeedp-44},
    {0x1.c600000000000p-1, 0x1.ec739830a0000p-4, 0x1.11fcba80cdd10p-44},
    {0x1.c200000000000p-1, 0x1.08598b59e4000p-3, -0x1.7e5dd7009902cp-45},
    {0x1.bf00000000000p-1, 0x1.160c8024b2000p-3, 0x1.ec2d2a9009e3dp-45},
    {0x1.bc00000000000p-1, 0x1.23d712a49c000p-3, 0x1.00d238fd3df5cp-46},
    {0x1.b900000000000p-1, 0x1.31b994d3a4000p-3, 0x1.f098ee3a50810p-44},
    {0x1.b600000000000p-1, 0x1.3fb45a5992000p-3, 0x1.19713c0cae559p-44},
    {0x1.b300000000000p-1, 0x1.4dc7b897bc000p-3, 0x1.c79b60ae1ff0fp-47},
    {0x1.b100000000000p-1, 0x1.5737cc9018000p-3, 0x1.9baa7a6b887f6p-44},
    {0x1.ae00000000000p-1, 0x1.6574ebe8c2000p-3, -0x1.98c1d34f0f462p-44},
    {0x1.ab00000000000p-1, 0x1.73cb9074fe000p-3, -0x1.d66a90d0005a6p-44},
    {0x1.a800000000000p-1, 0x1.823c16551a000p-3, 0x1.e0ddb9a631e83p-46},
    {0x1.a500000000000p-1, 0x1.90c6db9fcc000p-3, -0x1.935f57718d7cap-46},
    {0x1.a300000000000p-1, 0x1.9a8778deba000p-3, 0x1.470fa3efec390p-44},
    {0x1.a000000000000p-1, 0x1.a93ed3c8ae000p-3, -0x1.8724350562169p-45},
    {0x1.9d00000000000p-1, 0x1.b811730b82000p-3, 0x1.e90683b9cd768p-46},
    {0x1.9b00000000000p-1, 0x1.c2028ab180000p-3, -0x1.92e0ee55c7ac6p-45},
    {0x1.9800000000000p-1, 0x1.d1037f2656000p-3, -0x1.84a7e75b6f6e4p-47},
    {0x1.9600000000000p-1, 0x1.db13db0d48000p-3, 0x1.2806a847527e6p-44},
    {0x1.9300000000000p-1, 0x1.ea4449f04a000p-3, 0x1.5e91663732a36p-44},
    {0x1.9100000000000p-1, 0x1.f474b134e0000p-3, -0x1.bae49f1df7b5ep-44},
    {0x1.8e00000000000p-1, 0x1.01eae5626c000p-2, 0x1.a43dcfade85aep-44},
    {0x1.8c00000000000p-1, 0x1.07138604d6000p-2, -0x1.e76324e912b17p-44},
    {0x1.8a00000000000p-1, 0x1.0c42d67616000p-2, 0x1.7188b163ceae9p-45},
    {0x1.8700000000000p-1, 0x1.14167ef367000p-2, 0x1.e0c07824daaf5p-44},
    {0x1.8500000000000p-1, 0x1.1956d3b9bc000p-2, 0x1.7d2f73ad1aa14p-45},
    {0x1.8300000000000p-1, 0x1.1e9e16788a000p-2, -0x1.82eaed3c8b65ep-44},
    {0x1.8000000000000p-1, 0x1.269621134e000p-2, -0x1.1b61f10522625p-44},
    {0x1.7e00000000000p-1, 0x1.2bef07cdc9000p-2, 0x1.a9cfa4a5004f4p-45},
    {0x1.7c00000000000p-1, 0x1.314f1e1d36000p-2, -0x1.8e27ad3213cb8p-45},
    {0x1.7a00000000000p-1, 0x1.36b6776be1000p-2, 0x1.16ecdb0f177c8p-46},
    {0x1.7800000000000p-1, 0x1.3c25277333000p-2, 0x1.83b54b606bd5cp-46},
    {0x1.7500000000000p-1, 0x1.44591e053a000p-2, -0x1.6e95892923d88p-47},
    {0x1.7300000000000p-1, 0x1.49da7f3bcc000p-2, 0x1.07b334daf4b9ap-44},
    {0x1.7100000000000p-1, 0x1.4f637ebbaa000p-2, -0x1.fc158cb3124b9p-44},
    {0x1.6f00000000000p-1, 0x1.54f431b7be000p-2, 0x1.a8954c0910952p-46},
    {0x1.6d00000000000p-1, 0x1.5a8cadbbee000p-2, -0x1.7c79b0af7ecf8p-48},
    {0x1.6b00000000000p-1, 0x1.602d08af09000p-2, 0x1.ebe9176df3f65p-46},
    {0x1.6900000000000p+0, -0x1.5ff3070a79000p-2, -0x1.e9e439f105039p-45},
    {0x1.6700000000000p+0, -0x1.5a42ab0f4d000p-2, 0x1.e63af2df7ba69p-50},
    {0x1.6500000000000p+0, -0x1.548a2c3add000p-2, -0x1.3167e63081cf7p-45},
    {0x1.6300000000000p+0, -0x1.4ec9732600000p-2, -0x1.34d7aaf04d104p-45},
    {0x1.6180000000000p+0, -0x1.4a7373ced0000p-2, 0x1.9a234ebf35449p-44},
    {0x1.5f80000000000p+0, -0x1.44a41b463c000p-2, -0x1.1ee28f37cf612p-44},
    {0x1.5d80000000000p+0, -0x1.3ecc460ef6000p-2, 0x1.6028627c1300fp-47},
    {0x1.5b80000000000p+0, -0x1.38ebdb38ed000p-2, -0x1.90582e67d4ca0p-45},
    {0x1.5a00000000000p+0, -0x1.347dd9a988000p-2, 0x1.5594dd4c58092p-45},
    {0x1.5800000000000p+0, -0x1.2e8e2bae12000p-2, 0x1.67b1e99b72bd8p-45},
    {0x1.5600000000000p+0, -0x1.2895a13de8000p-2, -0x1.a8d7ad24c13f0p-44},
    {0x1.5480000000000p+0, -0x1.241558bfd1000p-2, -0x1.00fff3228fcadp-44},
    {0x1.5280000000000p+0, -0x1.1e0d0c3371000p-2, -0x1.af8f2a9b0d4a0p-44},
    {0x1.5100000000000p+0, -0x1.1980d2dd42000p-2, -0x1.b7b3a7a361c9ap-45},
    {0x1.4f00000000000p+0, -0x1.136870293b000p-2, 0x1.d3e8499d67123p-44},
    {0x1.4d80000000000p+0, -0x1.0ed005f658000p-2, 0x1.2dc75285aa803p-45},
    {0x1.4c00000000000p+0, -0x1.0a324e2739000p-2, -0x1.c6bee7ef4030ep-47},
    {0x1.4a00000000000p+0, -0x1.0402594b4d000p-2, -0x1.036b89ef42d7fp-48},
    {0x1.4880000000000p+0, -0x1.feb0233e60000p-3, -0x1.f316e32d5e8c7p-45},
    {0x1.4700000000000p+0, -0x1.f550a564b8000p-3, 0x1.323e3a09202fep-45},
    {0x1.4500000000000p+0, -0x1.e8c0252aa6000p-3, 0x1.6805b80e8e6ffp-45},
    {0x1.4380000000000p+0, -0x1.df46c0c722000p-3, -0x1.a5e82b0b79039p-44},
    {0x1.4200000000000p+0, -0x1.d5c216b4fc000p-3, 0x1.1ba91bbca681bp-45},
    {0x1.4080000000000p+0, -0x1.cc320c0176000p-3, -0x1.409039a653794p-45},
    {0x1.3f00000000000p+0, -0x1.c2968558c2000p-3, 0x1.cfd73dee38a40p-45},
    {0x1.3d80000000000p+0, -0x1.b8ef670420000p-3, -0x1.87533321788e0p-44},
    {0x1.3c00000000000p+0, -0x1.af3c94e80c000p-3, 0x1.a4e633fcd9066p-52},
    {0x1.3a80000000000p+0, -0x1.a57df28244000p-3, -0x1.b99c8ca1d9abbp-44},
    {0x1.3900000000000p+0, -0x1.9bb362e7e0000p-3, 0x1.1f2a8a1ce0ffcp-45},
    {0x1.3780000000000p+0, -0x1.91dcc8c340000p-3, -0x1.7bc6abddeff46p-44},
    {0x1.3600000000000p+0, -0x1.87fa06520c000p-3, -0x1.22120401202fcp-44},
    {0x1.3480000000000p+0, -0x1.7e0afd630c000p-3, -0x1.39e7c1d8f1034p-46},
    {0x1.3300000000000p+0, -0x1.740f8f5404000p-3, 0x1.0b66c99018aa1p-44},
    {0x1.3180000000000p+0, -0x1.6a079d0f7a000p-3, -0x1.5a3f8448d14f5p-44},
    {0x1.3000000000000p+0, -0x1.5ff3070a7a000p-3, 0x1.8586f183bebf2p-44},
    {0x1.2e80000000000p+0, -0x1.55d1ad4232000p-3, -0x1.add94dda647e8p-44},
    {0x1.2d80000000000p+0, -0x1.4f099f4a24000p-3, 0x1.e9bf2fafeaf27p-44},
    {0x1.2c00000000000p+0, -0x1.44d2b6ccb8000p-3, 0x1.70cc16135783cp-46},
    {0x1.2a80000000000p+0, -0x1.3a8eb2d31a000p-3, -0x1.bafb77d5d503ep-46},
    {0x1.2900000000000p+0, -0x1.303d718e48000p-3, 0x1.680b5ce3ecb05p-50},
    {0x1.2800000000000p+0, -0x1.29552f8200000p-3, 0x1.5b967f4471dfcp-44},
    {0x1.2680000000000p+0, -0x1.1eed90e2dc000p-3, -0x1.615637097648fp-46},
    {0x1.2500000000000p+0, -0x1.1478584674000p-3, -0x1.563451027c750p-46},
    {0x1.2400000000000p+0, -0x1.0d77e7cd08000p-3, -0x1.cb2cd2ee2f482p-44},
    {0x1.2280000000000p+0, -0x1.02ebb42bf4000p-3, 0x1.5a8fa5ce00e5dp-46},
    {0x1.2180000000000p+0, -0x1.f7b79fec38000p-4, 0x1.10987e897ed01p-47},
    {0x1.2000000000000p+0, -0x1.e27076e2b0000p-4, 0x1.a342c2af0003cp-45},
    {0x1.1f00000000000p+0, -0x1.d4313d66cc000p-4, 0x1.9454379135713p-45},
    {0x1.1d80000000000p+0, -0x1.beba818148000p-4, 0x1.89b78b6df1f57p-44},
    {0x1.1c80000000000p+0, -0x1.b05b49bee4000p-4, -0x1.ff22c18f84a5ep-47},
    {0x1.1b00000000000p+0, -0x1.9ab4246204000p-4, 0x1.8a64826787061p-45},
    {0x1.1a00000000000p+0, -0x1.8c345d6318000p-4, -0x1.b20f5acb42a66p-44},
    {0x1.1880000000000p+0, -0x1.765bf23a6c000p-4, 0x1.ecbc035c4256ap-48},
    {0x1.1780000000000p+0, -0x1.67bb0726ec000p-4, -0x1.f724b69ef5912p-49},
    {0x1.1680000000000p+0, -0x1.590cafdf00000p-4, -0x1.c284f5722abaap-44},
    {0x1.1500000000000p+0, -0x1.42edcbea64000p-4, -0x1.bc0eeea7c9acdp-46},
    {0x1.1400000000000p+0, -0x1.341d7961bc000p-4, -0x1.1d09299837610p-44},
    {0x1.1300000000000p+0, -0x1.253f62f0a0000p-4, -0x1.416f8fb69a701p-44},
    {0x1.1180000000000p+0, -0x1.0ed839b554000p-4, 0x1.901f46d48abb4p-44},
    {0x1.1080000000000p+0, -0x1.ffae9119b8000p-5, -0x1.303374262c554p-45},
    {0x1.0f80000000000p+0, -0x1.e19070c278000p-5, 0x1.fea4664629e86p-45},
    {0x1.0e80000000000p+0, -0x1.c355dd0920000p-5, -0x1.f2ccc9abf8388p-45},
    {0x1.0d00000000000p+0, -0x1.95c830ec90000p-5, 0x1.c148297c5feb8p-45},
    {0x1.0c00000000000p+0, -0x1.77458f6330000p-5, 0x1.181dce586af09p-44},
    {0x1.0b00000000000p+0, -0x1.58a5bafc90000p-5, 0x1.b2b739570ad39p-45},
    {0x1.0a00000000000p+0, -0x1.39e87b9fe8000p-5, -0x1.eafd480ad9015p-44},
    {0x1.0900000000000p+0, -0x1.1b0d989240000p-5, 0x1.3401e9ae889bbp-44},
    {0x1.0780000000000p+0, -0x1.d91a66c540000p-6, -0x1.e61f1658cfb9ap-45},
    {0x1.0680000000000p+0, -0x1.9ace7551d0000p-6, 0x1.d75d97ec7c410p-45},
    {0x1.0580000000000p+0, -0x1.5c45a51b90000p-6, 0x1.63bb6216d87d8p-45},
    {0x1.0480000000000p+0, -0x1.1d7f7eb9f0000p-6, 0x1.4193a83fcc7a6p-46},
    {0x1.0380000000000p+0, -0x1.bcf712c740000p-7, -0x1.c25e097bd9771p-46},
    {0x1.0280000000000p+0, -0x1.3e7295d260000p-7, 0x1.609c1ff29a114p-45},
    {0x1.0180000000000p+0, -0x1.7ee11ebd80000p-8, -0x1.749d3c2d23a07p-47},
    {0x1.0000000000000p+0, 0x0.0p+0, 0x0.0p+0},
};

static const double log_2_hi = 0x1.62e42fefa4000p-1; /* its product with k is exact */
static const double log_2_lo = -0x1.8432a1b0e2634p-43;

struct dd __log_dd(struct dd x)
{
    int k = exponent_of(x.hi) - BIAS;
    int i = (int)(bits_of(x.hi) >> (MANTISSA_BITS - INDEX_BITS)) & ((1 << INDEX_BITS) - 1);
    double scale;
    struct dd product;
    struct dd r;
    struct dd square;
    struct dd sum;
    struct dd more;
    double rest;

    k += i >= FIRST_UP;
    scale = k > 1000 ? power_of_two(-1000) * power_of_two(1000 - k) : power_of_two(-k); /* exact */
    product = two_product(x.hi * scale, table[i].c);
    r = two_sum(product.hi - 1, product.lo + x.lo * scale * table[i].c);
    square = two_product(r.hi, r.hi);
    sum = two_sum(k * log_2_hi + table[i].hi, r.hi);
    more = two_sum(sum.hi, -0.5 * square.hi);
    rest = square.hi * r.hi * (0x1.5555555555555p-2 + r.hi * (-0.25 + r.hi * (0.2
        + r.hi * (-0x1.5555555555555p-3
        + r.hi * (0x1.2492492492492p-3 + r.hi * (-0.125 + r.hi * (0x1.c71c71c71c71cp-4 - r.hi * 0.1)))))));
    rest += sum.lo + more.lo + (k * log_2_lo + table[i].lo) + r.lo - r.hi * r.lo - 0.5 * square.lo;
    return fast_sum(more.hi, rest);
}

/* Whether x has an ordinary logarithm; else *result is what a logarithm of it is. */
static int is_ordinary(double x, double *result)
{
    if (x != x || x == HUGE_VAL)
        *result = x;
    else if (x == 0)
        *result = divide_by_zero(-1);
    else if (x < 0)
        *result = invalid();
    else
        return 1;
    return 0;
}

/* log(x) of any positive x, in two parts. */
static struct dd log_of(double x)
{
    if (exponent_of(x) != 0)
        return __log_dd((struct dd){x, 0});
    return dd_add(__log_dd((struct dd){x * power_of_two(54), 0}),
                  (struct dd){-54 * log_2_hi, -54 * log_2_lo});
}

double log(double x)
{
    double result;

    return is_ordinary(x, &result) ? log_of(x).hi : result;
}

float logf(float x)
{
    return (float)log(x);
}

double log2(double x)
{
    const struct dd inverse = {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56}; /* 1 / log(2) */
    double result;

    return is_ordinary(x, &result) ? dd_multiply(log_of(x), inverse).hi : result;
}

float log2f(float x)
{
    return (float)log2(x);
}

double log10(double x)
{
    const struct dd inverse = {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57}; /* 1 / log(10) */
    double result;

    return is_ordinary(x, &result) ? dd_multiply(log_of(x), inverse).hi : result;
}

float log10f(float x)
{
    return (float)log10(x);
}

double log1p(double x)
{
    double result;

    if (x != x || x == HUGE_VAL || __builtin_fabs(x) < power_of_two(-54))
        return x; /* so small that x^2/2 is nothing beside it */
    if (x <= -1)
        return is_ordinary(x == -1 ? 0 : -1, &result), result;
    return __log_dd(two_sum(1, x)).hi;
}

float log1pf(float x)
{
    return (float)log1p(x);
}
