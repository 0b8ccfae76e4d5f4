/* realpath: an absolute name without links, "." and "..". */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    char path[PATH_MAX]; /* resolved: absolute, no slash at its end but in "/" */
    char rest[PATH_MAX]; /* still to be followed from there */
    int links;
};

static int fail(int error)
{
    errno = error;
    return -1;
}

/* The path is a link now: back to its directory, and its target before what is left. */
static int follow(struct walk *w, char *slash)
{
    char target[PATH_MAX];
    ssize_t size = readlink(w->path, target, sizeof(target) - 1);

    if (size < 0)
        return -1;
    if (++w->links > SYMLOOP_MAX)
        return fail(ELOOP);
    target[size] = '\0';
    slash[slash == w->path] = '\0';
    if (target[0] == '/')
        strcpy(w->path, "/");
    if (strlcat(target, "/", PATH_MAX) >= PATH_MAX
        || strlcat(target, w->rest, PATH_MAX) >= PATH_MAX)
        return fail(ENAMETOOLONG);
    strcpy(w->rest, target);
    return 0;
}

/* One part of the rest, which is not empty. */
static int step(struct walk *w)
{
    size_t length = strlen(w->path);
    size_t part = strcspn(w->rest, "/");
    char name[PATH_MAX];
    char *slash;
    struct stat st;

    memcpy(name, w->rest, part);
    name[part] = '\0';
    memmove(w->rest, w->rest + part, strlen(w->rest + part) + 1);
    memmove(w->rest, w->rest + strspn(w->rest, "/"), strlen(w->rest + strspn(w->rest, "/")) + 1);
    if (part == 0 || strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0) {
        slash = strrchr(w->path, '/');
        slash[slash == w->path] = '\0';
        return 0;
    }
    if (length + part + 2 > PATH_MAX)
        return fail(ENAMETOOLONG);
    slash = w->path + (length > 1 ? length : 0);
    *slash = '/';
    strcpy(slash + 1, name);
    if (lstat(w->path, &st) < 0)
        return -1;
    if (S_ISLNK(st.st_mode))
        return follow(w, slash);
    return *w->rest != '\0' && !S_ISDIR(st.st_mode) ? fail(ENOTDIR) : 0;
}

char *realpath(const char *restrict path, char *restrict resolved)
{
    struct walk w = {.path = "/"};

    if (*path == '\0') {
        errno = ENOENT;
        return NULL;
    }
    if (strlcpy(w.rest, path, sizeof(w.rest)) >= sizeof(w.rest)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    if (*path != '/' && getcwd(w.path, sizeof(w.path)) == NULL)
        return NULL;
    while (*w.rest != '\0')
        if (step(&w) < 0)
            return NULL;
    return resolved != NULL ? strcpy(resolved, w.path) : strdup(w.path);
}
