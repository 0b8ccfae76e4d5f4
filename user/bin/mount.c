/* mount: gives a directory to another file server, or says which are. Read "Mounting" in docs/fs.md. */
#include <fcntl.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <ostia.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: mount [source directory]\n"
    "Says what is mounted, or mounts on a directory of yours what paths over it are to find.\n"
    "  source  the name of a service that serves files; with a / in it, another directory\n";

/* A file server whose mounts are being listed, and those that it was reached by. */
struct place {
    const struct place *from;
    dev_t dev;
};

static bool has_been_seen(const struct place *place, dev_t dev)
{
    for (; place != NULL; place = place->from)
        if (place->dev == dev)
            return true;
    return false;
}

/* Lists the mounts on directories of the file server of top, and those of the servers mounted there. */
static void list(const char *top, const struct place *from)
{
    int fd = open(top, O_RDONLY | O_DIRECTORY);
    mach_port_t port = fd >= 0 ? getdport(fd) : MACH_PORT_NULL;
    struct place here = {.from = from};
    path_t path;
    service_name_t what;
    uint32_t uid;
    struct stat st;

    if (port == MACH_PORT_NULL || fstat(fd, &st) < 0) {
        complain(top);
        return;
    }
    close(fd);
    here.dev = st.st_dev;
    for (uint32_t i = 0; !has_been_seen(from, here.dev); i++) {
        char *mounted;

        if (fs_mounts(port, i, path, what, &uid) != KERN_SUCCESS)
            break;
        mounted = must(join_path(top, path + 1));
        printf("%s on %s", what, mounted);
        printf(uid == 0 ? "\n" : " (by %s)\n", user_name(uid));
        if (stat(mounted, &st) < 0)
            complain(mounted);
        else if (st.st_dev != here.dev)
            list(mounted, &here);
        free(mounted);
    }
    mach_port_deallocate(mach_task_self(), port);
}

static int mount_directory(const char *directory, const char *source)
{
    int fd = open(source, O_RDONLY | O_DIRECTORY);
    mach_port_t port = fd >= 0 ? getdport(fd) : MACH_PORT_NULL;
    int result;

    if (port == MACH_PORT_NULL)
        die(source);
    close(fd);
    result = mount_port(directory, port, source);
    mach_port_deallocate(mach_task_self(), port);
    return result;
}

static int mount_service(const char *directory, const char *source)
{
    mach_port_t server;
    int result;

    if (bootstrap_look_up(bootstrap_port, source, &server) != KERN_SUCCESS)
        die_of(source, "no such service");
    result = mount_server(directory, server, source);
    mach_port_deallocate(mach_task_self(), server);
    return result;
}

int main(int argc, char **argv)
{
    const char *source, *directory;

    util_begin(argv, usage);
    if (getopt(argc, argv, "") != -1 || (argc != optind && argc != optind + 2))
        util_usage();
    if (argc == optind) {
        printf("%s on /\n", SERVICE_FILE);
        list("/", NULL);
        return util_end();
    }
    source = argv[optind];
    directory = argv[optind + 1];
    if ((strchr(source, '/') != NULL ? mount_directory : mount_service)(directory, source) < 0)
        complain(directory);
    return util_end();
}
