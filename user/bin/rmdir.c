/* rmdir: removes empty directories. [POSIX XCU rmdir] */
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: rmdir [-p] directory...\n"
    "Removes empty directories.\n"
    "  -p  and those above it that the operand names: a/b is a/b, then a\n";

int main(int argc, char **argv)
{
    bool parents = false;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "p")) != -1) {
        if (option == '?')
            util_usage();
        parents = true;
    }
    if (optind == argc)
        util_usage();
    for (int i = optind; i < argc; i++) {
        char *path = argv[i], *slash;

        for (;;) {
            if (rmdir(path) < 0) {
                complain(path);
                break;
            }
            while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
                path[strlen(path) - 1] = '\0';
            slash = strrchr(path, '/');
            if (!parents || slash == NULL || slash == path)
                break;
            *slash = '\0';
        }
    }
    return util_end();
}
