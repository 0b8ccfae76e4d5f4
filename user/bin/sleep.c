/* sleep SECONDS: does nothing for so long; a fraction (0.1) is understood. [POSIX XCU sleep] */
#include <ctype.h>
#include <stdlib.h>
#include <time.h>
#include <util.h>

static const char usage[] =
    "usage: sleep seconds\n"
    "Does nothing for so long; a fraction (0.1) is understood.\n";

int main(int argc, char **argv)
{
    struct timespec t = {0, 0};
    char *end;

    util_begin(argv, usage);
    if (argc == 2 && (isdigit((unsigned char)argv[1][0]) || argv[1][0] == '.')) {
        t.tv_sec = strtol(argv[1], &end, 10);
        if (*end == '.')
            for (long unit = 100000000; isdigit((unsigned char)*++end); unit /= 10)
                t.tv_nsec += unit * (*end - '0');
        if (*end == '\0')
            return nanosleep(&t, NULL) < 0;
    }
    util_usage();
}
