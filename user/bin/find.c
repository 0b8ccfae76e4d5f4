/*
 * find [PATH...] [-name PATTERN] [-type f|d|l]: PATH (default: .) and all below it, a path a line; a
 * directory comes before what is in it. With -name those whose last component matches the shell pattern, with
 * -type those that are files, directories or symbolic links; with both, those that pass both.
 * Symbolic links are not followed. [POSIX XCU find]
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *name_pattern; /* NULL: any */
static mode_t type_wanted;       /* of S_IFMT; 0: any */

static int complain(const char *path)
{
    fprintf(stderr, "find: %s: %s\n", path, strerror(errno));
    return 1;
}

/* Does the last component of path match? Slashes at the end count for nothing; "/" is its own name. */
static int name_matches(const char *path)
{
    size_t end = strlen(path), begin;
    char *name;
    int matches;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
        ;
    if (begin == end && begin > 0)
        begin--;
    name = strndup(path + begin, end - begin);
    if (name == NULL)
        return -1;
    matches = fnmatch(name_pattern, name, 0) == 0;
    free(name);
    return matches;
}

static int visit(const char *path);

/* What is in the directory. 0, or 1 after messages. */
static int visit_entries(const char *path)
{
    size_t length = strlen(path);
    const char *slash = length > 0 && path[length - 1] == '/' ? "" : "/";
    DIR *dir = opendir(path);
    struct dirent *entry;
    int status = 0;

    if (dir == NULL)
        return complain(path);
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        char *full;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (asprintf(&full, "%s%s%s", path, slash, entry->d_name) < 0) {
            errno = ENOMEM;
            break;
        }
        status |= visit(full);
        free(full);
    }
    if (errno != 0)
        status = complain(path);
    closedir(dir);
    return status;
}

/* The file and, if it is a directory, all below it. 0, or 1 after messages. */
static int visit(const char *path)
{
    struct stat st;
    int matches = 1;

    if (lstat(path, &st) < 0)
        return complain(path);
    if (name_pattern != NULL && (matches = name_matches(path)) < 0)
        return complain(path);
    if (matches && (type_wanted == 0 || (st.st_mode & S_IFMT) == type_wanted))
        puts(path);
    return S_ISDIR(st.st_mode) ? visit_entries(path) : 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: find [path...] [-name pattern] [-type f|d|l]\n");
    return 2;
}

/* The arguments behind the paths. 0, or -1. */
static int parse_conditions(char **argv)
{
    for (; argv[0] != NULL; argv += 2) {
        if (argv[1] == NULL)
            return -1;
        if (strcmp(argv[0], "-name") == 0)
            name_pattern = argv[1];
        else if (strcmp(argv[0], "-type") != 0 || strlen(argv[1]) != 1)
            return -1;
        else if (argv[1][0] == 'f')
            type_wanted = S_IFREG;
        else if (argv[1][0] == 'd')
            type_wanted = S_IFDIR;
        else if (argv[1][0] == 'l')
            type_wanted = S_IFLNK;
        else
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int paths = 0, status = 0;

    while (argv[1 + paths] != NULL && argv[1 + paths][0] != '-')
        paths++;
    if (parse_conditions(argv + 1 + paths) < 0)
        return usage();
    if (paths == 0)
        status = visit(".");
    for (int i = 1; i <= paths; i++)
        status |= visit(argv[i]);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "find: standard output: %s\n", strerror(errno));
        status = 1;
    }
    return status;
}
