/* The 48-bit generators: x' = a x + c mod 2^48. The constants are POSIX's. [POSIX.1-2017, drand48] */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MULTIPLIER 0x5deece66dULL
#define INCREMENT  0xb
#define SEED_LOW   0x330e /* of srand48 */
#define MASK       ((1ULL << 48) - 1)

static unsigned short own[3];
static unsigned short old[3];
static uint64_t multiplier = MULTIPLIER;
static uint16_t increment = INCREMENT;

static uint64_t step(unsigned short x[3])
{
    uint64_t value = (uint64_t)x[2] << 32 | (uint64_t)x[1] << 16 | x[0];

    value = (value * multiplier + increment) & MASK;
    x[0] = (unsigned short)value;
    x[1] = (unsigned short)(value >> 16);
    x[2] = (unsigned short)(value >> 32);
    return value;
}

double erand48(unsigned short seed[3]) { return (double)step(seed) / (double)(1ULL << 48); }
double drand48(void) { return erand48(own); }
long nrand48(unsigned short seed[3]) { return (long)(step(seed) >> 17); }
long lrand48(void) { return nrand48(own); }
long jrand48(unsigned short seed[3]) { return (int32_t)(step(seed) >> 16); }
long mrand48(void) { return jrand48(own); }

unsigned short *seed48(unsigned short seed[3])
{
    memcpy(old, own, sizeof(own));
    memcpy(own, seed, sizeof(own));
    multiplier = MULTIPLIER;
    increment = INCREMENT;
    return old;
}

void srand48(long seed)
{
    seed48((unsigned short[]){SEED_LOW, (unsigned short)seed, (unsigned short)(seed >> 16)});
}

void lcong48(unsigned short parameters[7])
{
    memcpy(own, parameters, sizeof(own));
    multiplier = (uint64_t)parameters[5] << 32 | (uint64_t)parameters[4] << 16 | parameters[3];
    increment = parameters[6];
}
