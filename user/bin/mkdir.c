/* mkdir [-p] [-m MODE] DIRECTORY...: makes directories; -p: their parents too. [POSIX XCU mkdir] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t mode = 0777;

static int make(const char *path)
{
    if (mkdir(path, mode) == 0)
        return 0;
    fprintf(stderr, "mkdir: %s: %s\n", path, strerror(errno));
    return 1;
}

/* Every directory on the way, those that exist left alone. */
static int make_all(char *path)
{
    struct stat st;

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST) {
            fprintf(stderr, "mkdir: %s: %s\n", path, strerror(errno));
            return 1;
        }
        *slash = '/';
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return make(path);
}

int main(int argc, char **argv)
{
    int option, parents = 0, status = 0;

    while ((option = getopt(argc, argv, "pm:")) != -1) {
        if (option == 'p')
            parents = 1;
        else if (option == 'm')
            mode = (mode_t)strtol(optarg, NULL, 8);
        else
            optind = argc;
    }
    if (optind == argc) {
        fprintf(stderr, "usage: mkdir [-p] [-m mode] directory...\n");
        return 2;
    }
    for (int i = optind; i < argc; i++)
        status |= parents ? make_all(argv[i]) : make(argv[i]);
    return status;
}
