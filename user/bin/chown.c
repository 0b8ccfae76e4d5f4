/* chown: changes files' owner and group. [POSIX XCU chown] */
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: chown [-R] owner[:group] file...\n"
    "Changes the owner of files, by name or number, and the group; :group changes that alone.\n"
    "  -R  directories with all that is in them\n";

static uid_t uid = (uid_t)-1; /* left as it is */
static gid_t gid = (gid_t)-1;

static bool change(const char *path, const struct stat *st, enum walk_step step)
{
    if (step != WALK_LEAVE && !S_ISLNK(st->st_mode)
        && chown(path, uid, gid) < 0)
        complain(path);
    return true;
}

int main(int argc, char **argv)
{
    bool recursive = false;
    const char *owner, *group;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "R")) != -1) {
        if (option == '?')
            util_usage();
        recursive = true;
    }
    if (argc - optind < 2)
        util_usage();
    owner = argv[optind++];
    group = strchr(owner, ':');
    if (group != NULL) {
        if (!group_number(group + 1, &gid))
            die_of(group + 1, "there is no such group");
        owner = must(strndup(owner, group - owner));
    }
    if (*owner != '\0' && !user_number(owner, &uid))
        die_of(owner, "there is no such user");
    for (int i = optind; i < argc; i++) {
        struct stat st;

        if (recursive)
            walk(argv[i], WALK_PHYSICAL, change);
        else if (stat(argv[i], &st) < 0)
            complain(argv[i]);
        else
            change(argv[i], &st, WALK_FILE);
    }
    return util_end();
}
