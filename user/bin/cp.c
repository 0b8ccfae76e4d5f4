/* cp: copies files and trees; how is in user/lib/util/copy.c. [POSIX XCU cp] */
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: cp [-firpRP] file... target\n"
    "Copies a file to the target, or files into the target, a directory.\n"
    "  -r -R  directories, with all that is in them\n"
    "  -p     owner, mode and times as well\n"
    "  -f     removes a target that cannot be written\n"
    "  -i     asks before it overwrites\n"
    "  -P     symbolic links as links; without -r, what they lead to is copied\n";

static struct copy_how how = {.follow = true};

static bool copy(const char *from, const char *to)
{
    return copy_path(from, to, &how);
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "firpRP")) != -1) {
        switch (option) {
        case 'f': how.force = true; break;
        case 'i': how.ask = true; break;
        case 'p': how.preserve = true; break;
        case 'P': how.follow = false; break;
        case 'r':
        case 'R':
            how.recursive = true;
            how.follow = false;
            break;
        default: util_usage();
        }
    }
    each_target(argc - optind, argv + optind, copy);
    return util_end();
}
