/* rm: removes names, and directories with all that is in them. [POSIX XCU rm] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: rm [-firR] file...\n"
    "Removes files.\n"
    "  -r -R  directories, too, with all that is in them\n"
    "  -f     what is not there is no error; never asks\n"
    "  -i     asks before each\n";

static bool recursive, force, ask;

static bool remove_step(const char *path, const struct stat *st, enum walk_step step)
{
    if (ask && !confirm(step == WALK_ENTER ? "look into" : "remove", path))
        return false;
    if (step != WALK_ENTER && (step == WALK_LEAVE ? rmdir : unlink)(path) < 0
        && !(force && errno == ENOENT))
        complain(path);
    return true;
}

static void remove_operand(const char *path)
{
    char *name = last_component(path);
    struct stat st;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "/") == 0) {
        complain_of(path, "is never removed");
    } else if (lstat(path, &st) < 0) {
        if (!force || (errno != ENOENT && errno != ENOTDIR))
            complain(path);
    } else if (S_ISDIR(st.st_mode) && !recursive) {
        complain_of(path, strerror(EISDIR));
    } else {
        walk(path, WALK_PHYSICAL, remove_step);
    }
    free(name);
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "firR")) != -1) {
        if (option == '?')
            util_usage();
        if (option == 'r' || option == 'R') {
            recursive = true;
        } else { /* the later of -f and -i counts */
            force = option == 'f';
            ask = option == 'i';
        }
    }
    if (optind == argc && !force)
        util_usage();
    for (int i = optind; i < argc; i++)
        remove_operand(argv[i]);
    return util_end();
}
