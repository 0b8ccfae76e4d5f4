/* chmod: changes files' permissions. [POSIX XCU chmod] */
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: chmod [-R] mode file...\n"
    "Changes the permissions of files.\n"
    "  mode  octal digits, or clauses as u+x,go=r: who (ugoa), + - or =, what (rwxXst, or ugo's)\n"
    "  -R    directories with all that is in them\n";

static const char *mode_text;
static mode_t mask;

static bool change(const char *path, const struct stat *st, enum walk_step step)
{
    mode_t mode = st->st_mode;

    if (S_ISLNK(mode) || step == WALK_LEAVE)
        return true;
    parse_mode(mode_text, &mode, mask);
    if (chmod(path, mode & 07777) < 0)
        complain(path);
    return true;
}

int main(int argc, char **argv)
{
    bool recursive = false;
    mode_t mode = 0;

    util_begin(argv, usage);
    /* By hand: -x is a mode. */
    argv++;
    if (*argv != NULL && strcmp(*argv, "-R") == 0) {
        recursive = true;
        argv++;
    }
    if (*argv != NULL && strcmp(*argv, "--") == 0)
        argv++;
    if (argv[0] == NULL || argv[1] == NULL)
        util_usage();
    mode_text = *argv++;
    if (!parse_mode(mode_text, &mode, 0))
        die_of(mode_text, "is no mode");
    mask = umask(0);
    umask(mask);
    for (; *argv != NULL; argv++) {
        struct stat st;

        if (recursive)
            walk(*argv, WALK_PHYSICAL, change);
        else if (stat(*argv, &st) < 0)
            complain(*argv);
        else
            change(*argv, &st, WALK_FILE);
    }
    return util_end();
}
