/* ln [-sf] FILE NAME: a second name for a file; -s: a symbolic link. [POSIX XCU ln] */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int option, symbolic = 0, force = 0, result;
    const char *file, *name;
    char path[1024];
    struct stat st;

    while ((option = getopt(argc, argv, "sf")) != -1) {
        if (option == 's')
            symbolic = 1;
        else if (option == 'f')
            force = 1;
        else
            optind = argc;
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: ln [-sf] file name\n");
        return 2;
    }
    file = argv[optind];
    name = argv[optind + 1];
    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
        const char *slash = strrchr(file, '/');

        snprintf(path, sizeof(path), "%s/%s", name, slash != NULL ? slash + 1 : file);
        name = path;
    }
    if (force)
        unlink(name);
    result = symbolic ? symlink(file, name) : link(file, name);
    if (result < 0)
        fprintf(stderr, "ln: %s: %s\n", name, strerror(errno));
    return result < 0;
}
