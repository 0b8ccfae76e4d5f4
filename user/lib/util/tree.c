/* Paths, directories, and walking over a tree of them. Read util.h before. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

char *join_path(const char *dir, const char *name)
{
    size_t length = strlen(dir);
    char *path;

    if (asprintf(&path, "%s%s%s", dir, length > 0 && dir[length - 1] == '/' ? "" : "/", name) < 0)
        must(NULL);
    return path;
}

char *last_component(const char *path)
{
    size_t end = strlen(path), begin;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
        ;
    return must(begin == end ? strndup(path, end) : strndup(path + begin, end - begin));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **names_in(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char **names = NULL;
    size_t count = 0, room = 0;
    int error;

    if (dir == NULL)
        return NULL;
    do {
        if (count == room) {
            room = room > 0 ? 2 * room : 64;
            names = must(realloc(names, room * sizeof(*names)));
        }
        names[count] = NULL;
        errno = 0;
        entry = readdir(dir);
        if (entry != NULL && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = must(strdup(entry->d_name));
    } while (entry != NULL);
    error = errno;
    closedir(dir);
    if (error != 0) {
        free_names(names);
        errno = error;
        return NULL;
    }
    qsort(names, count, sizeof(*names), by_name);
    return names;
}

void free_names(char **names)
{
    for (char **name = names; *name != NULL; name++)
        free(*name);
    free(names);
}

/* A directory on the way down, to notice one that links lead to again. */
struct above {
    const struct above *next;
    dev_t dev;
    ino_t ino;
};

static void walk_below(const char *path, enum walk_links links, walk_visit *visit,
                       const struct above *above)
{
    struct stat st;
    struct above here = {.next = above};
    char **names;

    if ((links == WALK_PHYSICAL ? lstat : stat)(path, &st) < 0
        && (links == WALK_PHYSICAL || lstat(path, &st) < 0)) { /* a link to nothing is a file */
        complain(path);
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        visit(path, &st, WALK_FILE);
        return;
    }
    here.dev = st.st_dev;
    here.ino = st.st_ino;
    for (; above != NULL; above = above->next)
        if (above->dev == here.dev && above->ino == here.ino) {
            complain_of(path, "leads back to a directory above it");
            return;
        }
    if (!visit(path, &st, WALK_ENTER))
        return;
    names = names_in(path);
    if (names == NULL)
        complain(path);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        char *full = join_path(path, *name);

        walk_below(full, links == WALK_LOGICAL ? links : WALK_PHYSICAL, visit, &here);
        free(full);
    }
    if (names != NULL)
        free_names(names);
    visit(path, &st, WALK_LEAVE);
}

void walk(const char *path, enum walk_links links, walk_visit *visit)
{
    walk_below(path, links, visit, NULL);
}
