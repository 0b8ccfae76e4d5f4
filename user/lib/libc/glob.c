/* glob: a pattern's parts, directory by directory. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct search {
    glob_t *result;
    int flags;
    int (*error)(const char *path, int error);
};

static int add(struct search *g, const char *path, int is_directory)
{
    glob_t *r = g->result;
    size_t used = r->gl_offs + r->gl_pathc;
    char **list = realloc(r->gl_pathv, (used + 2) * sizeof(*list));
    size_t length = strlen(path);
    char *copy;

    if (list == NULL)
        return GLOB_NOSPACE;
    r->gl_pathv = list;
    list[used] = NULL;
    copy = malloc(length + 2);
    if (copy == NULL)
        return GLOB_NOSPACE;
    strcpy(copy, path);
    if (is_directory && g->flags & GLOB_MARK)
        strcpy(copy + length, "/");
    list[used] = copy;
    list[used + 1] = NULL;
    r->gl_pathc++;
    return 0;
}

static int has_magic(const char *part, size_t length, int flags)
{
    for (size_t i = 0; i < length; i++) {
        if (part[i] == '*' || part[i] == '?' || (part[i] == '\\' && !(flags & GLOB_NOESCAPE)))
            return 1;
        if (part[i] == '[' && memchr(part + i, ']', length - i) != NULL) /* alone it is a character */
            return 1;
    }
    return 0;
}

static int expand(struct search *g, char *path, size_t length, const char *rest);

/* path (length bytes) with name added is a prefix of the rest's matches. */
static int descend(struct search *g, char *path, size_t length, const char *name,
                   size_t name_length, const char *rest)
{
    if (length + name_length + 2 > PATH_MAX)
        return 0; /* no file has such a name */
    memcpy(path + length, name, name_length);
    path[length + name_length] = '\0';
    return expand(g, path, length + name_length, rest);
}

static int match_entries(struct search *g, char *path, size_t length, const char *part,
                         const char *rest)
{
    DIR *dir = opendir(length > 0 ? path : ".");
    struct dirent *e;
    int result = 0;

    if (dir == NULL) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        if ((g->error != NULL && g->error(path, errno)) || g->flags & GLOB_ERR)
            return GLOB_ABORTED;
        return 0;
    }
    while (result == 0 && (e = readdir(dir)) != NULL)
        if (fnmatch(part, e->d_name,
                    FNM_PERIOD | (g->flags & GLOB_NOESCAPE ? FNM_NOESCAPE : 0)) == 0)
            result = descend(g, path, length, e->d_name, strlen(e->d_name), rest);
    closedir(dir);
    return result;
}

/* path (length bytes; empty, or a prefix that exists) and the pattern's rest. */
static int expand(struct search *g, char *path, size_t length, const char *rest)
{
    char part[NAME_MAX + 1];
    size_t part_length;
    struct stat st;

    path[length] = '\0';
    if (*rest == '\0') {
        if (lstat(path, &st) < 0)
            return 0;
        return add(g, path, S_ISDIR(st.st_mode));
    }
    if (*rest == '/') {
        if (length > 0 && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
            return 0;
        return descend(g, path, length, "/", 1, rest + strspn(rest, "/"));
    }
    part_length = strcspn(rest, "/");
    if (!has_magic(rest, part_length, g->flags))
        return descend(g, path, length, rest, part_length, rest + part_length);
    if (part_length > NAME_MAX)
        return 0;
    memcpy(part, rest, part_length);
    part[part_length] = '\0';
    return match_entries(g, path, length, part, rest + part_length);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int glob(const char *restrict pattern, int flags, int (*error)(const char *path, int error),
         glob_t *restrict result)
{
    struct search g = {result, flags, error};
    char path[PATH_MAX + 2];
    size_t before;
    int code;

    if (!(flags & GLOB_DOOFFS))
        result->gl_offs = 0;
    if (!(flags & GLOB_APPEND)) {
        result->gl_pathc = 0;
        result->gl_pathv = calloc(result->gl_offs + 1, sizeof(char *));
        if (result->gl_pathv == NULL)
            return GLOB_NOSPACE;
    }
    before = result->gl_pathc;
    code = *pattern != '\0' ? expand(&g, path, 0, pattern) : 0;
    if (code != 0)
        return code;
    if (result->gl_pathc == before)
        return flags & GLOB_NOCHECK ? add(&g, pattern, 0) : GLOB_NOMATCH;
    if (!(flags & GLOB_NOSORT))
        qsort(result->gl_pathv + result->gl_offs + before, result->gl_pathc - before,
              sizeof(char *), compare);
    return 0;
}

void globfree(glob_t *result)
{
    for (size_t i = 0; i < result->gl_pathc; i++)
        free(result->gl_pathv[result->gl_offs + i]);
    free(result->gl_pathv);
    result->gl_pathv = NULL;
    result->gl_pathc = 0;
}
