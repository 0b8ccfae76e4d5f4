/* scandir, and readdir_r. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int readdir_r(DIR *restrict dir, struct dirent *restrict entry, struct dirent **restrict result)
{
    int error = errno;
    struct dirent *next;
    int failed;

    errno = 0;
    next = readdir(dir);
    failed = errno;
    errno = error;
    *result = NULL;
    if (next != NULL) {
        memcpy(entry, next, sizeof(*entry));
        *result = entry;
    }
    return next != NULL ? 0 : failed;
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcoll((*a)->d_name, (*b)->d_name);
}

/* Adds a copy of entry to the list. -1: no memory. */
static int add(struct dirent ***list, size_t *count, const struct dirent *entry)
{
    size_t size = offsetof(struct dirent, d_name) + strlen(entry->d_name) + 1;
    struct dirent *copy = malloc(size);

    if (copy == NULL)
        return -1;
    if ((*count & (*count - 1)) == 0) { /* a power of two is full */
        struct dirent **more = realloc(*list, (*count > 0 ? *count * 2 : 1) * sizeof(**list));

        if (more == NULL) {
            free(copy);
            return -1;
        }
        *list = more;
    }
    memcpy(copy, entry, size);
    (*list)[(*count)++] = copy;
    return 0;
}

int scandir(const char *path, struct dirent ***result, int (*select)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    DIR *dir = opendir(path);
    struct dirent **list = NULL;
    struct dirent *entry;
    size_t count = 0;
    int error;

    if (dir == NULL)
        return -1;
    for (error = 0; error == 0;) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            error = errno;
            break;
        }
        if ((select == NULL || select(entry)) && add(&list, &count, entry) < 0)
            error = errno;
    }
    closedir(dir);
    if (error != 0) {
        while (count > 0)
            free(list[--count]);
        free(list);
        errno = error;
        return -1;
    }
    if (compare != NULL && count > 1)
        qsort(list, count, sizeof(*list), (int (*)(const void *, const void *))compare);
    *result = list;
    return (int)count;
}
