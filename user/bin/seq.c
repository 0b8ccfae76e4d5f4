/* seq: numbers in a row. (GNU's, as far as decimal fractions go.) */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

static const char usage[] =
    "usage: seq [-w] [-s text] [first [step]] last\n"
    "Prints the numbers from first (1) to last, step (1) by step, a line each.\n"
    "  -w       all as wide as the widest, with zeros\n"
    "  -s text  that between them instead of newlines\n";

#define DIGITS_MAX 9 /* behind the point: then all numbers up to 9 * 10^9 are exact */

/* A number as a whole one: times 10^digits, and how many digits it has behind the point. */
static long long parse(const char *text, int *digits)
{
    const char *p = text + (*text == '-' || *text == '+');
    long long value = 0;
    bool point = false, any = false;

    for (*digits = 0; *p != '\0'; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)*p) || (point && ++*digits > DIGITS_MAX) ||
            __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value))
            die_of(text, "is no number, or one too long");
        any = true;
    }
    if (!any)
        die_of(text, "is no number");
    return *text == '-' ? -value : value;
}

static int show(char *to, size_t size, long long value, int digits, int width)
{
    unsigned long long unit = 1, positive = value < 0 ? -(unsigned long long)value
                                                      : (unsigned long long)value;

    for (int i = 0; i < digits; i++)
        unit *= 10;
    if (digits == 0)
        return snprintf(to, size, "%0*lld", width, value);
    return snprintf(to, size, "%s%0*llu.%0*llu", value < 0 ? "-" : "",
                    width > digits + 1 + (value < 0) ? width - digits - 1 - (value < 0) : 1,
                    positive / unit, digits, positive % unit);
}

int main(int argc, char **argv)
{
    const char *separator = "\n";
    long long value[3] = {1, 1, 0}; /* first, step, last */
    int digits[3] = {0, 0, 0}, scale, shown, width = 0, count;
    bool wide = false, first = true;
    char text[64];

    util_begin(argv, usage);
    for (argv++; *argv != NULL && **argv == '-' && isalpha((unsigned char)argv[0][1]); argv++) {
        if (strcmp(*argv, "-w") == 0)
            wide = true;
        else if (strcmp(*argv, "-s") == 0 && argv[1] != NULL)
            separator = *++argv;
        else
            util_usage();
    }
    if (*argv != NULL && strcmp(*argv, "--") == 0)
        argv++;
    for (count = 0; argv[count] != NULL; count++)
        ;
    if (count < 1 || count > 3)
        util_usage();
    for (int i = 0; i < count; i++) {
        int which = i == count - 1 ? 2 : i;

        value[which] = parse(argv[i], &digits[which]);
    }
    if (value[1] == 0)
        die_of(argv[1], "a step must not be 0");
    shown = digits[0] > digits[1] ? digits[0] : digits[1];
    scale = shown > digits[2] ? shown : digits[2];
    for (int i = 0; i < 3; i++)
        for (int d = digits[i]; d < scale; d++)
            if (__builtin_mul_overflow(value[i], 10, &value[i]))
                die_of(argv[0], "is too long a number");
    for (; scale > shown; scale--) /* of the last only: it ends the row before */
        for (int i = 0; i < 3; i++)
            value[i] = value[i] / 10 - (value[i] % 10 < 0 && value[1] > 0);
    for (int i = 0; wide && i < 3; i += 2) {
        int length = show(text, sizeof(text), value[i], shown, 0);

        width = length > width ? length : width;
    }
    for (long long at = value[0]; value[1] > 0 ? at <= value[2] : at >= value[2];) {
        show(text, sizeof(text), at, shown, width);
        printf("%s%s", first ? "" : separator, text);
        first = false;
        if (__builtin_add_overflow(at, value[1], &at))
            break;
    }
    if (!first)
        putchar('\n');
    return util_end();
}
