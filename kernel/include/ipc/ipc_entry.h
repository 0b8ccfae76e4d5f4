/*
 * An entry of a space: what one name denotes. Read ipc_space.h before.
 *
 * All of this wants the space's lock.
 */
#ifndef _IPC_IPC_ENTRY_H_
#define _IPC_IPC_ENTRY_H_

#include <ipc/ipc_space.h>
#include <kern/debug.h>

struct ipc_pset;

struct ipc_entry {
    union {
        void *object;               /* NULL for a dead name */
        ipc_port_t port;
        struct ipc_pset *pset;
        struct ipc_entry *prev_free;
    };
    union {
        struct ipc_entry *hash_next;
        struct ipc_entry *next_free;
    };
    uint32_t bits;                  /* generation, type, user references: IE_BITS_* */
    uint32_t index : 24;            /* its own */
    uint32_t leaf_used : 8;         /* from here on of a leaf's first entry alone */
    uint32_t request;               /* a slot of port->dnrequests, or 0 */
    uint32_t leaf_generation : 8;   /* that its entries began with */
    uint32_t leaf_listed : 1;       /* in the list of empty leaves */
    uint32_t leaf_next_empty : 17;  /* number of the next in that list, or 0 */
};

#define IE_BITS_UREFS      0x0000ffffU
#define IE_BITS_TYPE       0x001f0000U /* MACH_PORT_TYPE_*; none: the entry is free */
#define IE_BITS_GEN        0xff000000U
#define IE_BITS_GEN_SHIFT  24
#define IE_BITS_GEN_ONE    (1U << IE_BITS_GEN_SHIFT)

#define IPC_LEAF_SHIFT   7
#define IPC_LEAF_ENTRIES (1U << IPC_LEAF_SHIFT)
#define IPC_MID_SHIFT    9
#define IPC_MID_LEAVES   (1U << IPC_MID_SHIFT)
#define IPC_ROOT_MIDS    256U
#define IPC_INDEX_MAX    0xffffffU /* never used: MACH_PORT_NAME_DEAD is in it */

static inline mach_port_name_t ipc_entry_name(const struct ipc_entry *entry)
{
    return MACH_PORT_MAKE((uint32_t)entry->index, entry->bits >> IE_BITS_GEN_SHIFT);
}

static inline mach_port_urefs_t ipc_entry_urefs(const struct ipc_entry *entry)
{
    return entry->bits & IE_BITS_UREFS;
}

/* Gives it another type and user references. */
static inline void ipc_entry_set(struct ipc_entry *entry, mach_port_type_t type,
                                 mach_port_urefs_t urefs)
{
    entry->bits = (entry->bits & IE_BITS_GEN) | type | urefs;
}

/* The entry of an index, in use or not; NULL if its leaf does not exist. */
static inline struct ipc_entry *ipc_entry_at(ipc_space_t space, uint32_t index)
{
    uint32_t number = index >> IPC_LEAF_SHIFT;
    struct ipc_entry **mid, *leaf;

    if (__builtin_expect(number == 0, 1))
        return space->first + index;
    if (space->root == NULL || (mid = space->root[number >> IPC_MID_SHIFT]) == NULL)
        return NULL;
    leaf = mid[number % IPC_MID_LEAVES];
    if (leaf == NULL || ((uintptr_t)leaf & 1))
        return NULL;
    return leaf + index % IPC_LEAF_ENTRIES;
}

/* The entry a name denotes, or NULL. Space active. */
static inline struct ipc_entry *ipc_entry_lookup(ipc_space_t space, mach_port_name_t name)
{
    struct ipc_entry *entry = ipc_entry_at(space, MACH_PORT_INDEX(name));

    if (entry == NULL || entry->bits >> IE_BITS_GEN_SHIFT != MACH_PORT_GEN(name)
        || !(entry->bits & IE_BITS_TYPE))
        return NULL;
    return entry;
}

/* Makes the table more free entries. KERN_RESOURCE_SHORTAGE, KERN_NO_SPACE. */
kern_return_t ipc_entry_grow(ipc_space_t space);

/* A free entry, now the caller's to fill in: bits has nothing but the generation, request is 0.
 * KERN_RESOURCE_SHORTAGE: also if the task may have no more names. */
static inline kern_return_t ipc_entry_alloc(ipc_space_t space, struct ipc_entry **entryp)
{
    struct ipc_entry *entry = space->spare;
    kern_return_t kr;

    if (entry != NULL) {
        space->spare = NULL;
        *entryp = entry;
        return KERN_SUCCESS;
    }
    entry = space->free;
    if (__builtin_expect(space->entry_count >= space->entry_limit, 0))
        return KERN_RESOURCE_SHORTAGE;
    if (__builtin_expect(entry == NULL, 0)) {
        if ((kr = ipc_entry_grow(space)) != KERN_SUCCESS)
            return kr;
        entry = space->free;
    }
    space->free = entry->next_free;
    if (space->free != NULL)
        space->free->prev_free = NULL;
    space->free_count--;
    space->entry_count++;
    entry[-(int)(entry->index % IPC_LEAF_ENTRIES)].leaf_used++;
    entry->request = 0;
    *entryp = entry;
    return KERN_SUCCESS;
}

/* The entry of a chosen name, made as above, but over the limit, too: for a name that takes the place of
 * another. KERN_NAME_EXISTS; KERN_NO_SPACE: its slot is in use under another generation;
 * KERN_INVALID_VALUE: null, dead; KERN_RESOURCE_SHORTAGE. */
kern_return_t ipc_entry_alloc_name(ipc_space_t space, mach_port_name_t name,
                                   struct ipc_entry **entryp);
/* The entry, out of the hash, is free; its name becomes stale. */
void ipc_entry_free(ipc_space_t space, struct ipc_entry *entry);
/* The entry that the space keeps as its spare one, if there is one, is free like the others. */
void ipc_entry_unspare(ipc_space_t space);
/* The same as ipc_entry_alloc_name for one more name. */
static inline kern_return_t ipc_entry_alloc_new_name(ipc_space_t space, mach_port_name_t name,
                                                     struct ipc_entry **entryp)
{
    kern_return_t kr = ipc_entry_alloc_name(space, name, entryp);

    if (kr != KERN_SUCCESS || space->entry_count <= space->entry_limit)
        return kr;
    ipc_entry_free(space, *entryp);
    return KERN_RESOURCE_SHORTAGE;
}
/* The first entry in use at or after *index, which is set to its index; NULL: there is none. */
struct ipc_entry *ipc_entry_next(ipc_space_t space, uint32_t *index);

/* ---- port -> entry ---- */
#define IPC_HASH_LOAD_MAX 2 /* entries a bucket */

void ipc_hash_grow(ipc_space_t space);

static inline struct ipc_entry **ipc_hash_bucket(ipc_space_t space, const void *port)
{
    uint32_t bits = (uintptr_t)port >> 4; /* zone elements are 16-aligned */

    /* 2^32 / golden ratio: spreads them over the upper bits */
    return &space->hash[((uint64_t)bits * 0x9e3779b9U >> 24) & (space->hash_size - 1)];
}

static inline struct ipc_entry *ipc_hash_find(ipc_space_t space, ipc_port_t port)
{
    struct ipc_entry *entry = *ipc_hash_bucket(space, port);

    while (entry != NULL && entry->port != port)
        entry = entry->hash_next;
    return entry;
}

static inline void ipc_hash_insert(ipc_space_t space, struct ipc_entry *entry)
{
    struct ipc_entry **bucket;

    if (__builtin_expect(++space->hash_count > IPC_HASH_LOAD_MAX * space->hash_size, 0))
        ipc_hash_grow(space);
    bucket = ipc_hash_bucket(space, entry->port);
    entry->hash_next = *bucket;
    *bucket = entry;
}

static inline void ipc_hash_remove(ipc_space_t space, struct ipc_entry *entry)
{
    struct ipc_entry **link = ipc_hash_bucket(space, entry->port);

    while (*link != entry) {
        assert(*link != NULL);
        link = &(*link)->hash_next;
    }
    *link = entry->hash_next;
    space->hash_count--;
}

kern_return_t ipc_entry_table_init(ipc_space_t space);
/* Frees the table of a dead space, whose entries have all been released. */
void ipc_entry_table_destroy(ipc_space_t space);
/* Gives back leaves that became empty (but keeps some room). */
void ipc_entry_trim(ipc_space_t space);

static inline void is_lock(ipc_space_t space)
{
    spin_lock(&space->lock);
}

static inline void is_unlock(ipc_space_t space)
{
    if (__builtin_expect(space->empty_leaf != 0, 0))
        ipc_entry_trim(space);
    spin_unlock(&space->lock);
}

#endif
