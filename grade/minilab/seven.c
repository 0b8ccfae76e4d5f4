/* seven N: prints seven times N. The solution of lab mini's second exercise. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    long product = argc > 1 ? 7 * strtol(argv[1], NULL, 10) : 0;

    printf("%ld\n", product);
    return argc == 2 ? 0 : 1;
}
