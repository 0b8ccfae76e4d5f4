/* env: the environment, or a program in another one. [POSIX XCU env] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: env [-i] [-u name]... [name=value]... [command [argument...]]\n"
    "Runs the command with these names set, or prints the environment it would have.\n"
    "  -i       from an empty environment\n"
    "  -u name  without that\n";

#define CANNOT_RUN 126
#define NOT_FOUND  127

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    util_failure = 125; /* what is not the command's own */
    while ((option = getopt(argc, argv, "iu:")) != -1) {
        if (option == 'i')
            clearenv();
        else if (option != 'u')
            util_usage();
        else if (unsetenv(optarg) < 0)
            die(optarg);
    }
    if (optind < argc && strcmp(argv[optind], "-") == 0) {
        clearenv();
        optind++;
    }
    for (; optind < argc && strchr(argv[optind], '=') != NULL; optind++)
        if (putenv(argv[optind]) < 0)
            die(argv[optind]);
    if (optind < argc) {
        execvp(argv[optind], argv + optind);
        util_failure = errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
        die(argv[optind]);
    }
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        puts(*variable);
    return util_end();
}
