/* Arrays searched from their beginning, and doubly linked lists. */
#include <search.h>
#include <string.h>

void *lfind(const void *key, const void *base, size_t *count, size_t size,
            int (*compare)(const void *, const void *))
{
    const char *p = base;

    for (size_t i = 0; i < *count; i++, p += size)
        if (compare(key, p) == 0)
            return (void *)p;
    return NULL;
}

void *lsearch(const void *key, void *base, size_t *count, size_t size,
              int (*compare)(const void *, const void *))
{
    void *found = lfind(key, base, count, size, compare);

    return found != NULL ? found : memcpy((char *)base + (*count)++ * size, key, size);
}

struct element { /* what the caller's begin with */
    struct element *next;
    struct element *previous;
};

void insque(void *element, void *before)
{
    struct element *e = element;
    struct element *b = before;

    e->previous = b;
    e->next = b != NULL ? b->next : NULL;
    if (b != NULL)
        b->next = e;
    if (e->next != NULL)
        e->next->previous = e;
}

void remque(void *element)
{
    struct element *e = element;

    if (e->next != NULL)
        e->next->previous = e->previous;
    if (e->previous != NULL)
        e->previous->next = e->next;
}
