/* df: how full file systems are. [POSIX XCU df, always in the form of -P] */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <ostia.h>
#include <servers/fs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: df [-ikP] [file...]\n"
    "Tells how much room there is on the file systems that the files are on, or on that of / and those of\n"
    "directories in it; in blocks of 512 bytes.\n"
    "  -k  in blocks of 1024 bytes; -i: how many inodes; -P: in POSIX's form, as ever\n";

static bool inodes, kib;

/* The directory that the file's file system begins with, malloc'ed; NULL with errno. */
static char *top_of(const char *file)
{
    char *path = realpath(file, NULL), *slash;
    struct stat here, above;

    if (path == NULL || stat(path, &here) < 0)
        return NULL;
    while (path[1] != '\0') {
        char *end = strrchr(path, '/');
        char last = end == path ? path[1] : '/';

        slash = end == path ? path + 1 : end;
        *slash = '\0';
        if (stat(path, &above) < 0 || above.st_dev != here.st_dev) {
            *slash = last;
            return path;
        }
    }
    return path;
}

static void show(const char *file)
{
    char *top = top_of(file);
    int fd = top != NULL ? open(top, O_RDONLY) : -1;
    mach_port_t port = fd >= 0 ? getdport(fd) : MACH_PORT_NULL;
    uint32_t block_size;
    uint64_t blocks, blocks_free, files, files_free, total, left, used;
    unsigned long unit = kib ? 1024 : 512;
    struct stat st;
    kern_return_t kr;

    if (port == MACH_PORT_NULL || fstat(fd, &st) < 0) {
        complain(file);
        return;
    }
    kr = fs_statfs(port, &block_size, &blocks, &blocks_free, &files, &files_free);
    mach_port_deallocate(mach_task_self(), port);
    close(fd);
    if (kr != KERN_SUCCESS) {
        complain_of(file, "its server does not tell");
        return;
    }
    total = inodes ? files : blocks * block_size / unit;
    left = inodes ? files_free : blocks_free * block_size / unit;
    used = total - left;
    printf("dev%-8lu %12lu %10lu %10lu %7lu%% %s\n", (unsigned long)st.st_dev, (unsigned long)total,
           (unsigned long)used, (unsigned long)left,
           (unsigned long)(total > 0 ? (used * 100 + total - 1) / total : 0), top);
    free(top);
}

int main(int argc, char **argv)
{
    struct stat root, st;
    char **names;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "ikP")) != -1) {
        if (option == '?')
            util_usage();
        inodes |= option == 'i';
        kib |= option == 'k';
    }
    printf("Filesystem  %11s       Used  Available Capacity Mounted on\n",
           inodes ? "Inodes" : kib ? "1024-blocks" : "512-blocks");
    for (int i = optind; i < argc; i++)
        show(argv[i]);
    if (optind < argc)
        return util_end();
    show("/");
    names = names_in("/");
    if (names == NULL || stat("/", &root) < 0)
        die("/");
    for (char **name = names; *name != NULL; name++) {
        char *path = join_path("/", *name);

        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_dev != root.st_dev)
            show(path);
        free(path);
    }
    free_names(names);
    return util_end();
}
