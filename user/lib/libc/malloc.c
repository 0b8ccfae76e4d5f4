/*
 * malloc: boundary tags and segregated free lists over regions from vm_allocate.
 *
 *   region  +------+--------------------+-------------+------------------+-----+
 *           | head | block              | block       | block (free)     | end |
 *           +------+--------------------+-------------+------------------+-----+
 *
 *   block   +------+-----------------------------+     size is that of the whole block, a multiple
 *   in use  | size | the caller's                |     of 16. Bit 0: it is in use. Bit 1: the one
 *           +------+-----------------------------+     before it is. Bit 2: it is a region's first.
 *   block   +------+------+------+--------+------+
 *   free    | size | next | prev |        | size |     the size again at the end, where the block
 *           +------+------+------+--------+------+     behind it finds it
 *
 * A block's head is 8 bytes below a multiple of 16, so what the caller gets is aligned to 16.
 * Neighbours that are free are always merged. Each free block is in the list of its size class; a
 * bitmap says which lists are not empty. A region that is free as a whole goes back, but one.
 * Large blocks get a region of their own.
 */
#include "fork_lock.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/vm_map.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define IN_USE      1UL
#define PREV_IN_USE 2UL
#define FIRST       4UL
#define FLAGS       15UL
#define ALIGN       16UL
#define BLOCK_MIN   32UL /* a free block's size, two links, size */
#define EXACT       64   /* classes of one size each: 16 * class */
#define CLASSES     (EXACT + 48)
#define REGION      (64UL * 1024)
#define LARGE       (128UL * 1024) /* from here on a region for one block alone */

struct block {
    size_t size; /* and flags */
    struct block *next;
    struct block *prev;
};

struct region {
    size_t size;
    uint64_t pad; /* so that the first block's head is 8 below a multiple of 16 */
    uint64_t pad2;
};

static struct block *lists[CLASSES];
static uint64_t bitmap[(CLASSES + 63) / 64];
static struct region *spare; /* a region without blocks in use, kept */
static mutex_t lock = MUTEX_INITIALIZER;

static size_t size_of(const struct block *b)
{
    return b->size & ~FLAGS;
}

static struct block *behind(struct block *b)
{
    return (struct block *)((char *)b + size_of(b));
}

static struct block *block_of(void *p)
{
    return (struct block *)((char *)p - sizeof(size_t));
}

static void *memory_of(struct block *b)
{
    return (char *)b + sizeof(size_t);
}

/* Exact classes first; then two a power of two. */
static int class_of(size_t size)
{
    int log;
    int class;

    if (size / ALIGN < EXACT)
        return size / ALIGN;
    log = 63 - __builtin_clzl(size); /* >= 10 */
    class = EXACT + (log - 10) * 2 + (size >> (log - 1) & 1);
    return class < CLASSES ? class : CLASSES - 1;
}

static void insert(struct block *b)
{
    int class = class_of(size_of(b));

    b->prev = NULL;
    b->next = lists[class];
    if (b->next != NULL)
        b->next->prev = b;
    lists[class] = b;
    bitmap[class / 64] |= 1UL << (class % 64);
}

static void unlink_block(struct block *b)
{
    int class = class_of(size_of(b));

    if (b->next != NULL)
        b->next->prev = b->prev;
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        lists[class] = b->next;
    if (lists[class] == NULL)
        bitmap[class / 64] &= ~(1UL << (class % 64));
}

/* Makes size bytes at b a free block: heads, tail, list. What is before it is in use. first:
 * FIRST, or 0. */
static void make_free(struct block *b, size_t size, size_t first)
{
    b->size = size | PREV_IN_USE | first;
    *(size_t *)((char *)b + size - sizeof(size_t)) = size;
    behind(b)->size &= ~PREV_IN_USE;
    insert(b);
}

/* A free block of at least size bytes, off its list; NULL. */
static struct block *find(size_t size)
{
    int class = class_of(size);

    /* In its own class blocks may be too small, unless it is an exact one; in those above none
     * is. */
    for (struct block *b = lists[class]; b != NULL; b = b->next) {
        if (size_of(b) >= size) {
            unlink_block(b);
            return b;
        }
    }
    for (int word = (class + 1) / 64; word < (int)(sizeof(bitmap) / sizeof(*bitmap)); word++) {
        uint64_t bits = bitmap[word];

        if (word == (class + 1) / 64)
            bits &= ~0UL << ((class + 1) % 64);
        if (bits != 0) {
            struct block *b = lists[word * 64 + __builtin_ctzl(bits)];

            unlink_block(b);
            return b;
        }
    }
    return NULL;
}

/* A new region with one free block (not on a list), which can hold size bytes. NULL: no memory. */
static struct block *new_region(size_t size)
{
    vm_address_t memory = 0;
    size_t total = sizeof(struct region) + size + sizeof(size_t);
    struct region *region = spare;
    struct block *b;

    total = total < REGION ? REGION : round_page(total);
    if (region != NULL && total <= region->size) {
        spare = NULL;
        total = region->size;
    } else {
        if (vm_allocate(mach_task_self(), &memory, total, TRUE) != KERN_SUCCESS)
            return NULL;
        region = (struct region *)memory;
        region->size = total;
    }
    b = (struct block *)(region + 1);
    b->size = (total - sizeof(*region) - sizeof(size_t)) & ~FLAGS;
    b->size |= PREV_IN_USE | FIRST;
    behind(b)->size = IN_USE; /* the end: a block of size 0 */
    return b;
}

/* Block b, free and off its list, is to be used for size bytes: the rest of it stays free. */
static void take(struct block *b, size_t size)
{
    size_t rest = size_of(b) - size;

    if (rest >= BLOCK_MIN) {
        b->size = size | (b->size & (PREV_IN_USE | FIRST)) | IN_USE;
        make_free(behind(b), rest, 0);
    } else {
        b->size |= IN_USE;
        behind(b)->size |= PREV_IN_USE;
    }
}

/* The block size for what a caller asks; 0: too much. */
static size_t block_size(size_t size)
{
    if (size > PTRDIFF_MAX - REGION)
        return 0;
    size = (size + sizeof(size_t) + ALIGN - 1) & ~(ALIGN - 1);
    return size < BLOCK_MIN ? BLOCK_MIN : size;
}

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    size_t need = block_size(size);
    struct block *b;

    if (need == 0)
        return no_memory();
    mutex_lock(&lock);
    b = need < LARGE ? find(need) : NULL;
    if (b == NULL)
        b = new_region(need);
    if (b != NULL)
        take(b, need);
    mutex_unlock(&lock);
    return b != NULL ? memory_of(b) : no_memory();
}

static void bad_pointer(const char *what)
{
    debug_print(what, strlen(what));
    abort();
}

/* Is b (free, off its list) all of its region? Then that is given back, or kept as the spare
 * one. */
static int release_region(struct block *b)
{
    struct region *region = (struct region *)b - 1;

    if (!(b->size & FIRST) || size_of(behind(b)) != 0)
        return 0;
    if (spare == NULL && region->size == REGION)
        spare = region;
    else
        vm_deallocate(mach_task_self(), (vm_address_t)region, region->size);
    return 1;
}

static void free_locked(struct block *b)
{
    size_t size = size_of(b);
    struct block *next = behind(b);

    if (!(next->size & IN_USE)) {
        unlink_block(next);
        size += size_of(next);
    }
    if (!(b->size & PREV_IN_USE)) {
        size_t before = *(size_t *)((char *)b - sizeof(size_t));

        b = (struct block *)((char *)b - before);
        unlink_block(b);
        size += before;
    }
    b->size = size | PREV_IN_USE | (b->size & FIRST); /* two free neighbours had been merged */
    if (!release_region(b))
        make_free(b, size, b->size & FIRST);
}

void free(void *p)
{
    struct block *b;

    if (p == NULL)
        return;
    b = block_of(p);
    if ((uintptr_t)p % ALIGN != 0 || !(b->size & IN_USE) || size_of(b) < BLOCK_MIN
        || !(behind(b)->size & PREV_IN_USE))
        bad_pointer("free: not a pointer of malloc's, or freed before, or overrun\n");
    mutex_lock(&lock);
    free_locked(b);
    mutex_unlock(&lock);
}

void *calloc(size_t count, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(count, size, &total))
        return no_memory();
    p = malloc(total);
    /* A block of a region of its own is fresh from the kernel: zeros. */
    if (p != NULL && block_size(total) < LARGE)
        memset(p, 0, total);
    return p;
}

/* Tries to make block b need bytes long where it is. */
static int resize_in_place(struct block *b, size_t need)
{
    struct block *next = behind(b);
    size_t have = size_of(b);

    if (have < need && !(next->size & IN_USE) && have + size_of(next) >= need) {
        unlink_block(next);
        have += size_of(next);
        b->size += size_of(next);
        behind(b)->size |= PREV_IN_USE;
    }
    if (have < need)
        return 0;
    if (have - need >= BLOCK_MIN) { /* the end of it is freed as a block of its own */
        struct block *rest;

        b->size = need | (b->size & (PREV_IN_USE | IN_USE | FIRST));
        rest = behind(b);
        rest->size = (have - need) | PREV_IN_USE | IN_USE;
        behind(rest)->size |= PREV_IN_USE;
        free_locked(rest);
    }
    return 1;
}

void *realloc(void *p, size_t size)
{
    size_t need = block_size(size);
    struct block *b;
    size_t have;
    void *new;
    int done;

    if (p == NULL)
        return malloc(size);
    if (need == 0)
        return no_memory();
    b = block_of(p);
    mutex_lock(&lock);
    done = resize_in_place(b, need);
    mutex_unlock(&lock);
    if (done)
        return p;
    new = malloc(size);
    if (new == NULL)
        return NULL;
    have = size_of(b) - sizeof(size_t);
    memcpy(new, p, have < size ? have : size);
    free(p);
    return new;
}

void *reallocarray(void *p, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return no_memory();
    return realloc(p, total);
}

/*
 * A block that is long enough to hold an aligned one, whose front is then freed: at least BLOCK_MIN
 * bytes, or none.
 */
void *aligned_alloc(size_t alignment, size_t size)
{
    uintptr_t at;
    uintptr_t aligned;
    struct block *front;
    struct block *b;
    void *p;

    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= ALIGN)
        return malloc(size);
    if (size > PTRDIFF_MAX - REGION || alignment > PTRDIFF_MAX - REGION - size)
        return no_memory();
    p = malloc(size + alignment + BLOCK_MIN);
    if (p == NULL)
        return NULL;
    at = (uintptr_t)p;
    aligned = (at + alignment - 1) & ~(alignment - 1);
    if (aligned == at)
        return p;
    if (aligned - at < BLOCK_MIN)
        aligned += alignment;
    mutex_lock(&lock);
    front = block_of(p);
    b = block_of((void *)aligned);
    b->size = (size_of(front) - (aligned - at)) | PREV_IN_USE | IN_USE;
    front->size = (aligned - at) | (front->size & (PREV_IN_USE | IN_USE | FIRST));
    free_locked(front);
    mutex_unlock(&lock);
    return (void *)aligned;
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
    int error = errno;
    int result = 0;
    void *new;

    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    new = aligned_alloc(alignment, size);
    if (new != NULL)
        *p = new;
    else
        result = ENOMEM;
    errno = error;
    return result;
}

void __fork_malloc(enum fork_stage stage)
{
    fork_lock(&lock, stage);
}
