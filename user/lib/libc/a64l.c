/* a64l and l64a: numbers of 32 bits in digits of 6, least significant first. [POSIX.1-2017, a64l] */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

long a64l(const char *s)
{
    uint32_t value = 0;

    for (int i = 0; i < 6 && s[i] != '\0'; i++) {
        const char *digit = strchr(digits, s[i]);

        if (digit == NULL)
            break;
        value |= (uint32_t)(digit - digits) << (6 * i);
    }
    return (int32_t)value;
}

char *l64a(long value)
{
    static char text[7];
    uint32_t v = (uint32_t)value;
    int i = 0;

    for (; v != 0; v >>= 6)
        text[i++] = digits[v & 63];
    text[i] = '\0';
    return text;
}
