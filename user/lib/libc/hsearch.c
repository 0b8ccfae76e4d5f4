/* hsearch: one hash table, of as many entries as memory allows; lists at each place. */
#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct item {
    ENTRY entry;
    struct item *next;
};

static struct item **table;
static size_t size; /* a power of two */

int hcreate(size_t count)
{
    if (table != NULL) {
        errno = EINVAL;
        return 0;
    }
    size = 16;
    while (size < count && size < (SIZE_MAX >> 5))
        size *= 2;
    table = calloc(size, sizeof(*table));
    return table != NULL;
}

void hdestroy(void)
{
    for (size_t i = 0; table != NULL && i < size; i++)
        while (table[i] != NULL) {
            struct item *item = table[i];

            table[i] = item->next;
            free(item);
        }
    free(table);
    table = NULL;
}

ENTRY *hsearch(ENTRY entry, ACTION action)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    struct item **link;
    struct item *item;

    if (table == NULL) {
        errno = EINVAL;
        return NULL;
    }
    for (const char *p = entry.key; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619;
    for (link = &table[hash & (size - 1)]; *link != NULL; link = &(*link)->next)
        if (strcmp((*link)->entry.key, entry.key) == 0)
            return &(*link)->entry;
    if (action == FIND) {
        errno = ESRCH;
        return NULL;
    }
    item = malloc(sizeof(*item));
    if (item == NULL)
        return NULL;
    *item = (struct item){entry, NULL};
    *link = item;
    return &item->entry;
}
