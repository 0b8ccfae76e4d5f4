/* rm [-rf] FILE...: removes files; -r: directories and what is in them. [POSIX XCU rm] */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int recursive, force;

static int complain(const char *path)
{
    if (force && errno == ENOENT)
        return 0;
    fprintf(stderr, "rm: %s: %s\n", path, strerror(errno));
    return 1;
}

static int remove_tree(const char *path);

/* Removing while reading could skip entries: each pass begins anew until nothing is left. */
static int empty(const char *path)
{
    int status = 0, found;

    do {
        DIR *dir = opendir(path);
        struct dirent *entry;

        if (dir == NULL)
            return complain(path);
        found = 0;
        while (status == 0 && (entry = readdir(dir)) != NULL) {
            size_t size = strlen(path) + strlen(entry->d_name) + 2;
            char *full;

            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            full = malloc(size);
            if (full == NULL) {
                closedir(dir);
                return complain(path);
            }
            snprintf(full, size, "%s/%s", path, entry->d_name);
            status = remove_tree(full);
            free(full);
            found = 1;
        }
        closedir(dir);
    } while (found && status == 0);
    return status;
}

static int remove_tree(const char *path)
{
    struct stat st;
    int status;

    if (lstat(path, &st) < 0)
        return complain(path);
    if (!S_ISDIR(st.st_mode))
        return unlink(path) < 0 ? complain(path) : 0;
    if (!recursive) {
        errno = EISDIR;
        return complain(path);
    }
    status = empty(path);
    if (status == 0 && rmdir(path) < 0)
        status = complain(path);
    return status;
}

int main(int argc, char **argv)
{
    int option, status = 0;

    while ((option = getopt(argc, argv, "rRf")) != -1) {
        if (option == 'f')
            force = 1;
        else if (option != '?')
            recursive = 1;
        else
            return 2;
    }
    if (optind == argc && !force) {
        fprintf(stderr, "usage: rm [-rf] file...\n");
        return 2;
    }
    for (int i = optind; i < argc; i++)
        status |= remove_tree(argv[i]);
    return status;
}
