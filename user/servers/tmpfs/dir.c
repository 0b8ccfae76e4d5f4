/*
 * dir.c: directories in memory. Read struct dir in fs.h before.
 *
 * An entry keeps its place in the array as long as it is there, so a position in the directory is an index,
 * and who reads while others add and remove names meets every name that stays exactly once. Freed places
 * are used again; the arrays only grow, until the last name goes.
 */
#include "fs.h"
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 8U /* a power of two */
#define NO_SLOT     UINT32_MAX
#define FIRST_NAME  2  /* position of slot 0: "." and ".." are before */

struct entry {
    struct entry *hash_next;
    uint32_t hash;
    uint32_t ino;
    uint32_t slot;
    uint8_t type;
    uint8_t len;
    char name[];
};

/* FNV-1a. */
static uint32_t hash_of(const char *name, size_t len)
{
    uint32_t hash = 0x811c9dc5U;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)name[i]) * 0x01000193U;
    return hash;
}

static struct entry **bucket_of(struct dir *dir, uint32_t hash)
{
    return &dir->bucket[hash & (dir->slots - 1)];
}

static struct entry *find(struct inode *dp, const char *name, size_t len)
{
    uint32_t hash = hash_of(name, len);
    struct entry *e = dp->dir.slots != 0 ? *bucket_of(&dp->dir, hash) : NULL;

    while (e != NULL && (e->hash != hash || e->len != len || memcmp(e->name, name, len) != 0))
        e = e->hash_next;
    return e;
}

static bool is_free(uintptr_t slot)
{
    return slot & 1;
}

/* The size that stat tells: no directory is empty, for there are "." and "..". */
static void set_size(struct inode *dp)
{
    dp->d->size = (dp->dir.count + FIRST_NAME) * sizeof(struct entry);
}

int dir_init(struct inode *dp, uint32_t parent)
{
    dp->dir = (struct dir){.free = NO_SLOT, .parent = parent};
    set_size(dp);
    return 0;
}

void dir_free(struct inode *dp)
{
    free(dp->dir.slot);
    free(dp->dir.bucket);
    dir_init(dp, dp->dir.parent);
}

/* Twice as many slots and buckets. */
static int grow(struct dir *dir)
{
    uint32_t slots = dir->slots != 0 ? dir->slots * 2 : SLOTS_FIRST;
    struct entry **bucket = slots != 0 ? calloc(slots, sizeof *bucket) : NULL;
    uintptr_t *slot = bucket != NULL ? realloc(dir->slot, slots * sizeof *slot) : NULL;

    if (slot == NULL) {
        free(bucket);
        return ENOMEM;
    }
    free(dir->bucket);
    dir->slot = slot;
    dir->bucket = bucket;
    dir->slots = slots;
    for (uint32_t i = 0; i < dir->used; i++) {
        struct entry *e = (struct entry *)slot[i];

        if (is_free(slot[i]))
            continue;
        e->hash_next = *bucket_of(dir, e->hash);
        *bucket_of(dir, e->hash) = e;
    }
    return 0;
}

static void changed(struct inode *dp)
{
    set_size(dp);
    inode_touch(dp, TIME_M | TIME_C);
}

int dir_lookup(struct inode *dp, const char *name, size_t len, uint32_t *ino)
{
    struct entry *e = find(dp, name, len);

    if (e == NULL)
        return ENOENT;
    *ino = e->ino;
    return 0;
}

int dir_insert(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type)
{
    struct dir *dir = &dp->dir;
    struct entry *e;

    if (find(dp, name, len) != NULL)
        return EEXIST;
    if (dp->fs->names >= dp->fs->names_max)
        return ENOSPC;
    if (dir->free == NO_SLOT && dir->used == dir->slots && grow(dir) != 0)
        return ENOMEM;
    e = malloc(sizeof *e + len);
    if (e == NULL)
        return ENOMEM;
    *e = (struct entry){.hash = hash_of(name, len), .ino = ino, .type = type, .len = (uint8_t)len};
    memcpy(e->name, name, len);
    if (dir->free != NO_SLOT) {
        e->slot = dir->free;
        dir->free = (uint32_t)(dir->slot[e->slot] >> 1);
    } else {
        e->slot = dir->used++;
    }
    dir->slot[e->slot] = (uintptr_t)e;
    e->hash_next = *bucket_of(dir, e->hash);
    *bucket_of(dir, e->hash) = e;
    dir->count++;
    dp->fs->names++;
    changed(dp);
    return 0;
}

int dir_remove(struct inode *dp, const char *name, size_t len)
{
    struct dir *dir = &dp->dir;
    struct entry *e = find(dp, name, len);
    struct entry **p;

    if (e == NULL)
        return ENOENT;
    p = bucket_of(dir, e->hash);
    while (*p != e)
        p = &(*p)->hash_next;
    *p = e->hash_next;
    dir->slot[e->slot] = (uintptr_t)dir->free << 1 | 1;
    dir->free = e->slot;
    free(e);
    dp->fs->names--;
    if (--dir->count == 0)
        dir_free(dp);
    changed(dp);
    return 0;
}

int dir_replace(struct inode *dp, const char *name, size_t len, uint32_t ino, uint8_t type)
{
    struct entry *e = find(dp, name, len);

    if (e == NULL)
        return ENOENT;
    e->ino = ino;
    e->type = type;
    changed(dp);
    return 0;
}

int dir_parent(struct inode *dp, uint32_t *ino)
{
    *ino = dp->dir.parent;
    return 0;
}

int dir_set_parent(struct inode *dp, uint32_t ino)
{
    dp->dir.parent = ino;
    return 0;
}

int dir_is_empty(struct inode *dp, bool *empty)
{
    *empty = dp->dir.count == 0;
    return 0;
}

int dir_read(struct inode *dp, uint64_t *position, dir_emit_t emit, void *arg)
{
    const uint8_t type = OSTIAFS_S_IFDIR >> 12;
    struct dir *dir = &dp->dir;

    if (*position == 0) {
        if (!emit(arg, ".", 1, dp->ino, type, 1))
            return 0;
        *position = 1;
    }
    if (*position == 1) {
        if (!emit(arg, "..", 2, dir->parent, type, FIRST_NAME))
            return 0;
        *position = FIRST_NAME;
    }
    for (; *position - FIRST_NAME < dir->used; ++*position) {
        uintptr_t slot = dir->slot[*position - FIRST_NAME];
        struct entry *e = (struct entry *)slot;

        if (!is_free(slot) && !emit(arg, e->name, e->len, e->ino, e->type, *position + 1))
            return 0;
    }
    return 0;
}
