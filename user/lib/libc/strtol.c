/* Numbers from strings. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

/* The magnitude of the number at s, its sign in *negative, its end in *end (s if there is none).
 * One that does not fit is ULONG_MAX, with *overflow. */
static unsigned long parse(const char *s, const char **end, int base, int *negative, int *overflow)
{
    const char *p = s;
    unsigned long value = 0;
    int any = 0;

    *negative = 0;
    *overflow = 0;
    *end = s;
    if (base < 0 || base == 1 || base > 36) {
        errno = EINVAL;
        return 0;
    }
    while (isspace((unsigned char)*p))
        p++;
    if (*p == '+' || *p == '-')
        *negative = *p++ == '-';
    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 0x20) == 'x'
        && isxdigit((unsigned char)p[2])) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    for (;; p++) {
        int c = (unsigned char)*p;
        int digit = isdigit(c) ? c - '0' : isalpha(c) ? (c | 0x20) - 'a' + 10 : 36;

        if (digit >= base)
            break;
        any = 1;
        if (__builtin_mul_overflow(value, (unsigned long)base, &value)
            || __builtin_add_overflow(value, (unsigned long)digit, &value))
            *overflow = 1;
    }
    if (any)
        *end = p;
    return *overflow ? ULONG_MAX : value;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
    const char *stop;
    int negative;
    int overflow;
    unsigned long value = parse(s, &stop, base, &negative, &overflow);

    if (end != NULL)
        *end = (char *)stop;
    if (overflow) {
        errno = ERANGE;
        return ULONG_MAX;
    }
    return negative ? -value : value;
}

long strtol(const char *restrict s, char **restrict end, int base)
{
    const char *stop;
    int negative;
    int overflow;
    unsigned long value = parse(s, &stop, base, &negative, &overflow);

    if (end != NULL)
        *end = (char *)stop;
    if (value > (unsigned long)LONG_MAX + negative) {
        errno = ERANGE;
        return negative ? LONG_MIN : LONG_MAX;
    }
    return negative ? (long)-value : (long)value;
}

long long strtoll(const char *restrict s, char **restrict end, int base)
{
    return strtol(s, end, base);
}

unsigned long long strtoull(const char *restrict s, char **restrict end, int base)
{
    return strtoul(s, end, base);
}

int atoi(const char *s)
{
    return (int)strtol(s, NULL, 10);
}

long atol(const char *s)
{
    return strtol(s, NULL, 10);
}

long long atoll(const char *s)
{
    return strtol(s, NULL, 10);
}

intmax_t strtoimax(const char *restrict s, char **restrict end, int base)
{
    return strtol(s, end, base);
}

uintmax_t strtoumax(const char *restrict s, char **restrict end, int base)
{
    return strtoul(s, end, base);
}
