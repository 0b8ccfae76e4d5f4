/*
 * nftw. A directory's names are read before they are visited, so that one descriptor is open at a time,
 * however deep the tree.
 */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ancestor { /* a directory that the walk is in: a link back to one would not end */
    const struct ancestor *above;
    dev_t dev;
    ino_t ino;
};

struct walk {
    int (*visit)(const char *, const struct stat *, int, struct FTW *);
    int (*visit_simply)(const char *, const struct stat *, int);
    int flags;
    dev_t dev;
    char path[PATH_MAX];
};

static int step(struct walk *walk, size_t length, int level, const struct ancestor *above);

static int call(struct walk *walk, const struct stat *st, int type, size_t length, int level)
{
    struct FTW where = {.level = level};
    size_t base = length;

    while (base > 0 && walk->path[base - 1] != '/')
        base--;
    where.base = (int)(base < length ? base : 0);
    if (walk->visit_simply != NULL)
        return walk->visit_simply(walk->path, st, type == FTW_SLN ? FTW_NS : type);
    return walk->visit(walk->path, st, type, &where);
}

/* What path is: FTW_*, and its stat. -1: an error that ends the walk. */
static int classify(struct walk *walk, struct stat *st)
{
    int phys = walk->flags & FTW_PHYS;

    memset(st, 0, sizeof(*st));
    if ((phys ? lstat(walk->path, st) : stat(walk->path, st)) == 0)
        return S_ISDIR(st->st_mode) ? FTW_D : S_ISLNK(st->st_mode) ? FTW_SL : FTW_F;
    if (!phys && errno == ENOENT && lstat(walk->path, st) == 0)
        return FTW_SLN;
    return errno == EACCES ? FTW_NS : -1;
}

/* What is in the directory. */
static int enter(struct walk *walk, size_t length, int level, const struct ancestor *here)
{
    struct dirent **list;
    int count = scandir(walk->path, &list, NULL, NULL);
    int result = 0;

    if (count < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        const char *name = list[i]->d_name;
        size_t name_length = strlen(name);
        size_t at = length + (length > 0 && walk->path[length - 1] != '/');

        if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            if (at + name_length >= sizeof(walk->path)) {
                errno = ENAMETOOLONG;
                result = -1;
            } else {
                walk->path[length] = '/';
                memcpy(walk->path + at, name, name_length + 1);
                result = step(walk, at + name_length, level + 1, here);
                walk->path[length] = '\0';
            }
        }
        free(list[i]);
    }
    free(list);
    return result;
}

static int step(struct walk *walk, size_t length, int level, const struct ancestor *above)
{
    struct stat st;
    int type = classify(walk, &st);
    struct ancestor here = {above, st.st_dev, st.st_ino};
    int result = 0;

    if (type < 0)
        return -1;
    if (level == 0)
        walk->dev = st.st_dev;
    if (walk->flags & FTW_MOUNT && st.st_dev != walk->dev)
        return 0;
    if (type != FTW_D)
        return call(walk, &st, type, length, level);
    for (const struct ancestor *a = above; a != NULL; a = a->above)
        if (a->dev == st.st_dev && a->ino == st.st_ino)
            return 0;
    if (access(walk->path, R_OK) < 0)
        return call(walk, &st, FTW_DNR, length, level);
    if (!(walk->flags & FTW_DEPTH))
        result = call(walk, &st, FTW_D, length, level);
    if (result == 0)
        result = enter(walk, length, level, &here);
    if (result == 0 && walk->flags & FTW_DEPTH)
        result = call(walk, &st, FTW_DP, length, level);
    return result;
}

static int start(struct walk *walk, const char *path)
{
    if (strlcpy(walk->path, path, sizeof(walk->path)) >= sizeof(walk->path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return step(walk, strlen(path), 0, NULL);
}

int nftw(const char *path, int (*visit)(const char *, const struct stat *, int, struct FTW *), int fds,
         int flags)
{
    struct walk walk = {.visit = visit, .flags = flags};

    if (fds < 1 || flags & FTW_CHDIR) { /* the paths are good where the walk began */
        errno = EINVAL;
        return -1;
    }
    return start(&walk, path);
}

int ftw(const char *path, int (*visit)(const char *, const struct stat *, int), int fds)
{
    struct walk walk = {.visit_simply = visit};

    if (fds < 1) {
        errno = EINVAL;
        return -1;
    }
    return start(&walk, path);
}
