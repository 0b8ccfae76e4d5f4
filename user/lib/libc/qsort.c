/*
 * qsort: quicksort by median of three, insertion sort for what is short, and heapsort for what
 * quicksort does badly, so that no input takes more than n log n. And bsearch.
 */
#include <stdlib.h>
#include <string.h>

#define SHORT 12 /* elements; below, insertion sort is faster */

typedef int compare_t(const void *, const void *);

static void swap(char *a, char *b, size_t size)
{
    char block[64];

    while (size > 0) {
        size_t piece = size < sizeof(block) ? size : sizeof(block);

        memcpy(block, a, piece);
        memmove(a, b, piece); /* a and b may be the same */
        memcpy(b, block, piece);
        a += piece;
        b += piece;
        size -= piece;
    }
}

static void insertion_sort(char *base, size_t count, size_t size, compare_t *compare)
{
    for (size_t i = 1; i < count; i++)
        for (char *p = base + i * size; p > base && compare(p - size, p) > 0; p -= size)
            swap(p - size, p, size);
}

static void sift_down(char *base, size_t root, size_t count, size_t size, compare_t *compare)
{
    size_t child;

    for (; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        swap(base + root * size, base + child * size, size);
    }
}

static void heap_sort(char *base, size_t count, size_t size, compare_t *compare)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(base, i, count, size, compare);
    for (size_t n = count; n-- > 1;) {
        swap(base, base + n * size, size);
        sift_down(base, 0, n, size, compare);
    }
}

/* Puts the median of first, middle and last at the front. */
static void choose_pivot(char *base, size_t count, size_t size, compare_t *compare)
{
    char *middle = base + count / 2 * size;
    char *last = base + (count - 1) * size;

    if (compare(middle, last) > 0)
        swap(middle, last, size); /* middle <= last */
    if (compare(base, last) > 0)
        swap(base, last, size);   /* last is the greatest */
    else if (compare(base, middle) < 0)
        swap(base, middle, size); /* the first was the least */
}

/* Sorts base[0] to its place and returns that: nothing before it is greater, nothing behind it
 * less. */
static size_t partition(char *base, size_t count, size_t size, compare_t *compare)
{
    size_t low = 0;
    size_t high = count;

    for (;;) {
        while (++low < count && compare(base + low * size, base) < 0)
            ;
        while (compare(base + --high * size, base) > 0)
            ;
        if (low >= high)
            break;
        swap(base + low * size, base + high * size, size);
    }
    swap(base, base + high * size, size);
    return high;
}

static void quick_sort(char *base, size_t count, size_t size, compare_t *compare, int depth)
{
    while (count > SHORT) {
        size_t pivot;

        if (depth-- == 0) {
            heap_sort(base, count, size, compare);
            return;
        }
        choose_pivot(base, count, size, compare);
        pivot = partition(base, count, size, compare);
        /* The shorter side by recursion, so that it is never deep. */
        if (pivot < count - pivot - 1) {
            quick_sort(base, pivot, size, compare, depth);
            base += (pivot + 1) * size;
            count -= pivot + 1;
        } else {
            quick_sort(base + (pivot + 1) * size, count - pivot - 1, size, compare, depth);
            count = pivot;
        }
    }
    insertion_sort(base, count, size, compare);
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    int depth = 0;

    for (size_t n = count; n > 0; n /= 2)
        depth += 2;
    if (size > 0)
        quick_sort(base, count, size, compare, depth);
}

void *bsearch(const void *key, const void *base, size_t count, size_t size,
              int (*compare)(const void *, const void *))
{
    const char *from = base;

    while (count > 0) {
        const char *middle = from + count / 2 * size;
        int order = compare(key, middle);

        if (order == 0)
            return (void *)middle;
        if (order > 0) {
            from = middle + size;
            count -= count / 2 + 1;
        } else {
            count /= 2;
        }
    }
    return NULL;
}
