/* mkdir: makes directories. [POSIX XCU mkdir] */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: mkdir [-p] [-m mode] directory...\n"
    "Makes directories.\n"
    "  -p       those above it as well; one that is there already is no error\n"
    "  -m mode  its permissions, as chmod takes them\n";

static const char *mode_text;

static void make(const char *path, bool may_exist)
{
    mode_t mask = umask(0), mode = S_IFDIR | 0777;
    struct stat st;

    umask(mask);
    if (mkdir(path, 0777) < 0) {
        int error = errno;

        if (may_exist && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return;
        errno = error;
        complain(path);
        return;
    }
    if (mode_text != NULL && parse_mode(mode_text, &mode, mask) && chmod(path, mode & 07777) < 0)
        complain(path);
}

/* The directories above. Those that are missing are made so that one can go on in them. false after a
 * complaint. */
static bool make_parents(char *path)
{
    mode_t mask = umask(0);
    bool good = true;

    umask(mask & ~(mode_t)(S_IWUSR | S_IXUSR));
    for (char *slash = strchr(path + 1, '/'); slash != NULL && good;
         slash = strchr(slash + 1, '/')) {
        if (slash[1] == '\0' || slash[1] == '/')
            continue;
        *slash = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST) {
            complain(path);
            good = false;
        }
        *slash = '/';
    }
    umask(mask);
    return good;
}

int main(int argc, char **argv)
{
    mode_t mode = S_IFDIR;
    bool parents = false;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "pm:")) != -1) {
        switch (option) {
        case 'p': parents = true; break;
        case 'm':
            mode_text = optarg;
            if (!parse_mode(mode_text, &mode, 0))
                die_of(mode_text, "is no mode");
            break;
        default: util_usage();
        }
    }
    if (optind == argc)
        util_usage();
    for (int i = optind; i < argc; i++)
        if (!parents || *argv[i] == '\0' || make_parents(argv[i]))
            make(argv[i], parents);
    return util_end();
}
