/* mv: renames files; between file systems, copies and removes. [POSIX XCU mv] */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: mv [-fi] file... target\n"
    "Renames a file to the target, or moves files into the target, a directory.\n"
    "  -f  does not ask (this is so without -i)\n"
    "  -i  asks before it overwrites\n";

static bool ask;

static bool remove_it(const char *path, const struct stat *st, enum walk_step step)
{
    if (step != WALK_ENTER && (step == WALK_LEAVE ? rmdir : unlink)(path) < 0)
        complain(path);
    return true;
}

static bool move(const char *from, const char *to)
{
    static const struct copy_how how = {.recursive = true, .preserve = true};
    struct stat st, there;

    if (lstat(from, &st) < 0) {
        complain(from);
        return false;
    }
    if (lstat(to, &there) == 0) {
        if (there.st_ino == st.st_ino && there.st_dev == st.st_dev) {
            complain_of(from, "is the same file");
            return false;
        }
        if (ask && !confirm("overwrite", to))
            return true;
    }
    if (rename(from, to) == 0)
        return true;
    if (errno != EXDEV) {
        complain(errno == EISDIR || errno == ENOTDIR || errno == ENOTEMPTY || errno == EEXIST
                     ? to
                     : from);
        return false;
    }
    if (!copy_path(from, to, &how))
        return false;
    walk(from, WALK_PHYSICAL, remove_it);
    return true;
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "fi")) != -1) {
        if (option == '?')
            util_usage();
        ask = option == 'i';
    }
    each_target(argc - optind, argv + optind, move);
    return util_end();
}
