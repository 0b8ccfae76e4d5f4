/* Our printf against the host's: every conversion with every flag, and many random numbers. */
#include "unit.h"

#include <limits.h>
#include <math.h>

struct mach_tcb {
    struct mach_tcb *self;
    unsigned reply_port;
    unsigned thread_port;
    int err;
    void *stack;
} host_tcb;

int ours_snprintf(char *s, size_t size, const char *format, ...);
int ours_asprintf(char **s, const char *format, ...);

void *ours_malloc(size_t size)
{
    return malloc(size);
}

static char a[8192];
static char b[8192];

#define COMPARE(format, ...) \
    do { \
        int n = ours_snprintf(a, sizeof(a), format, ##__VA_ARGS__); \
        int m = snprintf(b, sizeof(b), format, ##__VA_ARGS__); \
        if (n != m || strcmp(a, b) != 0) { \
            failures++; \
            printf("line %d: \"%s\": \"%.200s\" (%d), expected \"%.200s\" (%d)\n", __LINE__, \
                   format, a, n, b, m); \
        } \
    } while (0)

static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-#", "0#", "+0", "- ", "+#0", "-+#"};
static const char *const sizes[] = {"", "1", "7", "20", ".", ".0", ".1", ".5", "9.3", "3.9", "25.17"};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void integers(void)
{
    static const long values[] = {0, 1, -1, 7, 8, 9, 42, -42, 255, 65536, INT_MAX, INT_MIN, LONG_MAX,
                                  LONG_MIN, 0x123456789abcdefL};
    static const char *const lengths[] = {"", "l", "ll", "h", "hh", "z", "j", "t"};
    char format[32];

    for (size_t f = 0; f < COUNT(flags); f++)
        for (size_t s = 0; s < COUNT(sizes); s++)
            for (size_t l = 0; l < COUNT(lengths); l++)
                for (const char *c = "diuxXo"; *c != '\0'; c++)
                    for (size_t v = 0; v < COUNT(values); v++) {
                        snprintf(format, sizeof(format), "<%%%s%s%s%c>", flags[f], sizes[s],
                                 lengths[l], *c);
                        if (strchr("ljzt", lengths[l][0]) != NULL && lengths[l][0] != '\0')
                            COMPARE(format, values[v]);
                        else
                            COMPARE(format, (int)values[v]);
                    }
}

static void floats(double value)
{
    char format[32];
    int carries;

    snprintf(format, sizeof(format), "%.17g", fabs(value));
    carries = format[0] == '9';

    for (size_t f = 0; f < COUNT(flags); f++)
        for (size_t s = 0; s < COUNT(sizes); s++)
            for (const char *c = "feEgGaA"; *c != '\0'; c++) {
                /* glibc before 2.37 loses the zeros of %#g when rounding carries to a new digit. */
                if ((*c | 0x20) == 'g' && strchr(flags[f], '#') != NULL && carries)
                    continue;
                snprintf(format, sizeof(format), "<%%%s%s%c>", flags[f], sizes[s], *c);
                COMPARE(format, value);
            }
}

static double random_double(void)
{
    uint64_t bits = random64();
    double d;

    memcpy(&d, &bits, sizeof(d));
    return d;
}

static void random_floats(void)
{
    for (int i = 0; i < 3000; i++) {
        double d = random_double();
        double small = (double)(int64_t)random64() / (double)(1ULL << (random64() % 63));

        int e = (int)(random64() % 40);
        int f = (int)(random64() % 20);
        double halves = (double)(random64() % 1000) / 2; /* ties */

        if (isnan(d))
            continue;
        COMPARE("%.17g %.*e %.*f %a", d, e, d, f, d, d);
        COMPARE("%g %.3f %.0f %.*g %.1a", small, small, small, f, small, small);
        COMPARE("%.0f %.1f %.2f", halves, halves / 2, halves / 4);
    }
}

int main(void)
{
    static const double values[] = {0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, 9.5, 9.9999999, 99999.95,
                                    999999.5, 1e5, 1e6, 123456.0, 1e-4, 9.9999e-5, 1e15, 1e21, 1e100,
                                    1.7976931348623157e308, 2.2250738585072014e-308, 5e-324, 0.1,
                                    3.14159265358979, 1.0 / 3, INFINITY, -INFINITY, NAN};
    char small[4];
    char *made;

    integers();
    for (size_t i = 0; i < COUNT(values); i++)
        floats(values[i]);
    random_floats();
    COMPARE("%.1500f|%1600.1200e|%-1700g|", 5e-324, 1.7e308, 2.5);
    COMPARE("%Lf", (long double)1.25);
    COMPARE("%s|%10s|%-10s|%.2s|%*.*s|%c|%5c|%-5c|%%", "abc", "abc", "abc", "abc", 8, 2, "abc", 'x',
            'y', 'z');
    COMPARE("%.3s", "abcdef");
    COMPARE("%*d|%-*d|%*d|%.*d", 5, 42, 5, 42, -5, 42, -1, 42);
    COMPARE("%p", (void *)0x1234abcd);
    COMPARE("plain");
    COMPARE("%s", "");
    CHECK_EQ(ours_snprintf(small, sizeof(small), "%d", 123456), 6);
    CHECK(strcmp(small, "123") == 0);
    CHECK_EQ(ours_snprintf(NULL, 0, "%s", "hello"), 5);
    CHECK_EQ(ours_snprintf(small, sizeof(small), "%s", (char *)NULL), 6);
    CHECK_EQ(ours_asprintf(&made, "%d-%s", 7, "x"), 3);
    CHECK(strcmp(made, "7-x") == 0);
    free(made);
    return UNIT_END;
}
