/* Pseudo-random numbers: a 64-bit linear congruential generator, its high bits (Knuth's MMIX
 * constants). */
#include <stdint.h>
#include <stdlib.h>

static uint64_t state = 1;

static int next(uint64_t *s)
{
    *s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
    return *s >> 33;
}

int rand(void)
{
    return next(&state);
}

void srand(unsigned seed)
{
    state = seed;
}

int rand_r(unsigned *seed)
{
    uint64_t s = *seed;
    int value = next(&s);

    *seed = s >> 32;
    return value;
}
