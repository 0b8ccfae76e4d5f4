/* id: who one is. [POSIX XCU id] */
#include <grp.h>
#include <pwd.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: id [user]\n"
    "       id -u [-nr] [user]\n"
    "       id -g [-nr] [user]\n"
    "       id -G [-n] [user]\n"
    "Prints the user's and group's number and name.\n"
    "  -u -g -G  only the user; the group; all groups\n"
    "  -n        the name instead of the number; -r: the real one, not the effective one\n";

static void show(const char *prefix, uint32_t id, const char *name)
{
    printf("%s%u(%s)", prefix, (unsigned)id, name);
}

int main(int argc, char **argv)
{
    char what = '\0';
    bool name = false, real = false;
    uid_t uid, euid;
    gid_t gid, egid;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "ugGnr")) != -1) {
        switch (option) {
        case 'u':
        case 'g':
        case 'G': what = (char)option; break;
        case 'n': name = true; break;
        case 'r': real = true; break;
        default: util_usage();
        }
    }
    if (argc - optind > 1 || (what == '\0' && (name || real)))
        util_usage();
    if (optind < argc) {
        struct passwd *user = getpwnam(argv[optind]);

        if (user == NULL)
            die_of(argv[optind], "there is no such user");
        uid = euid = user->pw_uid;
        gid = egid = user->pw_gid;
    } else {
        uid = getuid();
        euid = geteuid();
        gid = getgid();
        egid = getegid();
    }
    if (what == 'u' || what == 'g' || what == 'G') {
        uint32_t id = what == 'u' ? (real ? uid : euid) : real ? gid : egid;

        if (name)
            puts(what == 'u' ? user_name(id) : group_name(id));
        else
            printf("%u\n", (unsigned)id);
        return util_end();
    }
    show("uid=", uid, user_name(uid));
    show(" gid=", gid, group_name(gid));
    if (euid != uid)
        show(" euid=", euid, user_name(euid));
    if (egid != gid)
        show(" egid=", egid, group_name(egid));
    show(" groups=", egid, group_name(egid));
    putchar('\n');
    return util_end();
}
