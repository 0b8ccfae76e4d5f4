/* umount: takes mounts away. Read mount.c before. */
#include <ostia.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: umount directory...\n"
    "Takes away what is mounted on directories. What is open there stays open.\n";

int main(int argc, char **argv)
{
    util_begin(argv, usage);
    if (getopt(argc, argv, "") != -1 || optind == argc)
        util_usage();
    for (int i = optind; i < argc; i++)
        if (unmount_port(argv[i]) < 0)
            complain(argv[i]);
    return util_end();
}
