/* ln: a second name for a file, or a symbolic link to it. [POSIX XCU ln] */
#include <errno.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: ln [-sfn] file... target\n"
    "Makes the target a name for the file, or makes names for files in the target, a directory.\n"
    "  -s  symbolic links: the file as given is what they hold; it need not be there\n"
    "  -f  removes what has the name before\n"
    "  -n  a target that is a link to a directory is replaced, as any other file\n";

static bool symbolic, force;

static bool make(const char *file, const char *name)
{
    struct stat there, st;

    if (force && lstat(name, &there) == 0) {
        if (!symbolic && lstat(file, &st) < 0) { /* nothing is removed for nothing */
            complain(file);
            return false;
        }
        if (!symbolic && st.st_ino == there.st_ino && st.st_dev == there.st_dev) {
            complain_of(file, "is the same file");
            return false;
        }
        unlink(name);
    }
    if ((symbolic ? symlink(file, name) : link(file, name)) == 0)
        return true;
    complain(errno == ENOENT && !symbolic && lstat(file, &st) < 0 ? file : name);
    return false;
}

int main(int argc, char **argv)
{
    int option;
    bool replace_link = false;
    struct stat st;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "sfn")) != -1) {
        switch (option) {
        case 's': symbolic = true; break;
        case 'f': force = true; break;
        case 'n': replace_link = true; break;
        default: util_usage();
        }
    }
    if (replace_link && argc - optind == 2 && lstat(argv[optind + 1], &st) == 0 &&
        S_ISLNK(st.st_mode)) {
        if (!make(argv[optind], argv[optind + 1]))
            util_status = util_failure;
        return util_end();
    }
    each_target(argc - optind, argv + optind, make);
    return util_end();
}
