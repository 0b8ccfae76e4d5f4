/* random: the generator of rand.c, its state in memory that the caller may provide and exchange. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MIN 8 /* bytes, POSIX's least */

static uint64_t own_state = 1;
static char *state = (char *)&own_state;

long random(void)
{
    uint64_t s;

    memcpy(&s, state, sizeof(s)); /* it need not be aligned */
    s = s * 6364136223846793005ULL + 1442695040888963407ULL;
    memcpy(state, &s, sizeof(s));
    return (long)(s >> 33);
}

void srandom(unsigned seed)
{
    uint64_t s = seed;

    memcpy(state, &s, sizeof(s));
}

char *setstate(char *new_state)
{
    char *old = state;

    state = new_state;
    return old;
}

char *initstate(unsigned seed, char *new_state, size_t size)
{
    char *old;

    if (size < STATE_MIN) {
        errno = EINVAL;
        return NULL;
    }
    old = setstate(new_state);
    srandom(seed);
    return old;
}
