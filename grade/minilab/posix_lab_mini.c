/* Lab mini, exercise 2: the program seven multiplies its argument by seven. */
#include "posix_test.h"

/* Numbers that differ by the run's seed: none can be known before. */
static long number(long below)
{
    char seed[32];

    return test_boot_arg("seed", seed, sizeof seed) < 0 ? 3 : 1 + strtol(seed, NULL, 10) % below;
}

static void seven(long n)
{
    char command[64], output[128], expected[64];

    snprintf(command, sizeof command, "seven %ld", n);
    snprintf(expected, sizeof expected, "%ld\n", 7 * n);
    EXPECT_EQ(shell(command, output, sizeof output), 0);
    EXPECT_STREQ(output, expected);
}

TEST(small)
{
    seven(number(10));
}

TEST(large)
{
    seven(number(1000000));
}

POSIX_TEST_MAIN
