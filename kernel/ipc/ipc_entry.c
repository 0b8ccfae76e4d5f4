/*
 * The name table of a space: a radix tree of entries, its free list, and the port -> name hash.
 *
 * Read ipc/ipc_entry.h before. index = root slot (8 bits) | mid slot (9) | entry of the leaf (7).
 *
 * A leaf is one page of entries. When all of them are free it can be given back; the slot that
 * pointed to it then keeps the generation that the entries of the next leaf there must begin with,
 * so that a name from before stays stale. Such a slot is told from a pointer by its lowest bit.
 * Empty leaves are only listed by ipc_entry_free, and freed when the space is unlocked: so whoever
 * holds the lock can have an entry back that he freed, without needing memory (ipc_right_undo).
 */
#include <ipc/ipc_entry.h>
#include <kern/ledger.h>

#define LEAF_SIZE (IPC_LEAF_ENTRIES * sizeof(struct ipc_entry))
#define MID_SIZE  (IPC_MID_LEAVES * sizeof(struct ipc_entry *))
#define ROOT_SIZE (IPC_ROOT_MIDS * sizeof(struct ipc_entry **))
static_assert(LEAF_SIZE == PAGE_SIZE, "a leaf is a page");

#define LEAF_COUNT    (IPC_ROOT_MIDS * IPC_MID_LEAVES)
#define HASH_SIZE_MIN 16
/* Free entries that a space keeps: with less, a name made and freed in turn would make and free a
 * leaf. */
#define KEEP_FREE     IPC_LEAF_ENTRIES

/* A slot without a leaf: the generation to begin with. */
static struct ipc_entry *slot_absent(uint8_t generation)
{
    return (struct ipc_entry *)((uintptr_t)generation << 1 | 1);
}

static bool slot_present(struct ipc_entry *slot)
{
    return slot != NULL && !((uintptr_t)slot & 1);
}

/* The slot of a leaf, NULL if the upper levels do not reach there. */
static struct ipc_entry **leaf_slot(ipc_space_t space, uint32_t leaf)
{
    struct ipc_entry **mid;

    if (leaf == 0)
        return &space->first;
    if (space->root == NULL || (mid = space->root[leaf >> IPC_MID_SHIFT]) == NULL)
        return NULL;
    return &mid[leaf % IPC_MID_LEAVES];
}

static struct ipc_entry *leaf_of(struct ipc_entry *entry)
{
    return entry - entry->index % IPC_LEAF_ENTRIES;
}

/* Index 0 and the last one are had by choosing their names only, or never. */
static bool on_free_list(uint32_t index)
{
    return index != 0 && index != IPC_INDEX_MAX;
}

static void free_list_insert(ipc_space_t space, struct ipc_entry *entry)
{
    if (!on_free_list(entry->index))
        return;
    entry->prev_free = NULL;
    entry->next_free = space->free;
    if (space->free != NULL)
        space->free->prev_free = entry;
    space->free = entry;
    space->free_count++;
}

static void free_list_remove(ipc_space_t space, struct ipc_entry *entry)
{
    if (!on_free_list(entry->index))
        return;
    if (entry->prev_free != NULL)
        entry->prev_free->next_free = entry->next_free;
    else
        space->free = entry->next_free;
    if (entry->next_free != NULL)
        entry->next_free->prev_free = entry->prev_free;
    space->free_count--;
}

/* A new leaf, zero: all its entries go to the head of the list of free ones. */
static void leaf_fill(ipc_space_t space, struct ipc_entry *leaf, uint32_t index, uint8_t generation)
{
    struct ipc_entry *first = leaf + !on_free_list(index);
    struct ipc_entry *last = leaf + IPC_LEAF_ENTRIES - 1;

    for (struct ipc_entry *entry = leaf; entry <= last; entry++) {
        entry->prev_free = entry - 1;
        entry->next_free = entry + 1;
        entry->bits = (uint32_t)generation << IE_BITS_GEN_SHIFT;
        entry->index = index++;
    }
    leaf->leaf_generation = generation;
    last -= !on_free_list(last->index);
    first->prev_free = NULL;
    last->next_free = space->free;
    if (space->free != NULL)
        space->free->prev_free = last;
    space->free = first;
    space->free_count += last - first + 1;
}

/* Makes a leaf that does not exist. */
static kern_return_t leaf_create(ipc_space_t space, uint32_t number)
{
    struct ipc_entry **slot = leaf_slot(space, number);
    struct ipc_entry *leaf;

    if (slot == NULL) {
        struct ipc_entry ***mid;

        if (space->root == NULL && (space->root = ledger_kalloc(space->ledger, ROOT_SIZE)) == NULL)
            return KERN_RESOURCE_SHORTAGE;
        mid = &space->root[number >> IPC_MID_SHIFT];
        if (*mid == NULL && (*mid = ledger_kalloc(space->ledger, MID_SIZE)) == NULL)
            return KERN_RESOURCE_SHORTAGE;
        slot = leaf_slot(space, number);
    }
    leaf = ledger_kalloc(space->ledger, LEAF_SIZE);
    if (leaf == NULL)
        return KERN_RESOURCE_SHORTAGE;
    leaf_fill(space, leaf, number << IPC_LEAF_SHIFT, (uintptr_t)*slot >> 1);
    *slot = leaf;
    return KERN_SUCCESS;
}

/*
 * Frees a leaf without entries in use: they leave the free list, and the slot is told (slot_absent) the
 * generation that the next leaf there must begin with, so that none of the names from before denotes
 * anything again: that the leaf began with, and the most that any of its entries has gone on from there.
 * leaf_hint is lowered if need be. Space locked.
 */
static void leaf_free(ipc_space_t space, struct ipc_entry **slot)
{
    struct ipc_entry *leaf = *slot;
    uint32_t number = leaf->index >> IPC_LEAF_SHIFT;
    uint8_t used = 0; /* generations that any of the entries went through */

    for (uint32_t i = 0; i < IPC_LEAF_ENTRIES; i++) {
        uint8_t steps = (leaf[i].bits >> IE_BITS_GEN_SHIFT) - leaf->leaf_generation;

        used = MAX(used, steps);
        free_list_remove(space, &leaf[i]);
    }
    *slot = slot_absent(leaf->leaf_generation + used);
    space->leaf_hint = MIN(space->leaf_hint, number);
    ledger_kfree(space->ledger, leaf, LEAF_SIZE);
}

/*
 * Takes every leaf off the list of empty ones, and frees it if it is still empty and at least KEEP_FREE
 * free entries are left without it. Space locked.
 */
void ipc_entry_trim(ipc_space_t space)
{
    while (space->empty_leaf != 0) {
        struct ipc_entry **slot = leaf_slot(space, space->empty_leaf);
        struct ipc_entry *leaf = *slot;

        space->empty_leaf = leaf->leaf_next_empty;
        leaf->leaf_listed = false;
        if (leaf->leaf_used == 0 && space->free_count >= KEEP_FREE + IPC_LEAF_ENTRIES)
            leaf_free(space, slot);
    }
}

kern_return_t ipc_entry_grow(ipc_space_t space)
{
    uint32_t leaf = space->leaf_hint;

    for (;; leaf++) {
        struct ipc_entry **slot;

        if (leaf == LEAF_COUNT)
            return KERN_NO_SPACE;
        slot = leaf_slot(space, leaf);
        if (slot == NULL || !slot_present(*slot))
            break;
    }
    space->leaf_hint = leaf;
    return leaf_create(space, leaf);
}

/*
 * Space locked and active. On success *entryp is in use (counted in its leaf and the space, not in the
 * list of free ones), with the generation of `name`, no type, no object, no request; the table has grown
 * to hold it. Null, and any name of the last index, KERN_INVALID_VALUE. If the entry is in use:
 * KERN_NAME_EXISTS under that name, KERN_NO_SPACE under another generation. KERN_RESOURCE_SHORTAGE.
 * (A space's spare entry, if it has one, is not in the list of free ones: ipc_entry_unspare puts it there.)
 */
kern_return_t ipc_entry_alloc_name(ipc_space_t space, mach_port_name_t name,
                                   struct ipc_entry **entryp)
{
    uint32_t index = MACH_PORT_INDEX(name);
    struct ipc_entry *entry;
    kern_return_t kr;

    if (name == MACH_PORT_NAME_NULL || index == IPC_INDEX_MAX)
        return KERN_INVALID_VALUE;
    ipc_entry_unspare(space);
    entry = ipc_entry_at(space, index);
    if (entry == NULL) {
        kr = leaf_create(space, index >> IPC_LEAF_SHIFT);
        if (kr != KERN_SUCCESS)
            return kr;
        entry = ipc_entry_at(space, index);
    }
    if (entry->bits & IE_BITS_TYPE)
        return ipc_entry_name(entry) == name ? KERN_NAME_EXISTS : KERN_NO_SPACE;
    free_list_remove(space, entry);
    entry->object = NULL;
    entry->bits = MACH_PORT_GEN(name) << IE_BITS_GEN_SHIFT;
    entry->request = 0;
    leaf_of(entry)->leaf_used++;
    space->entry_count++;
    *entryp = entry;
    return KERN_SUCCESS;
}

void ipc_entry_unspare(ipc_space_t space)
{
    struct ipc_entry *entry = space->spare;

    if (entry == NULL)
        return;
    space->spare = NULL;
    entry->bits -= IE_BITS_GEN_ONE; /* it has its new generation already */
    ipc_entry_free(space, entry);
}

void ipc_entry_free(ipc_space_t space, struct ipc_entry *entry)
{
    struct ipc_entry *leaf = leaf_of(entry);

    entry->bits = (entry->bits & IE_BITS_GEN) + IE_BITS_GEN_ONE;
    entry->object = NULL;
    entry->request = 0;
    free_list_insert(space, entry);
    space->entry_count--;
    if (--leaf->leaf_used == 0 && leaf->index != 0 && !leaf->leaf_listed) {
        leaf->leaf_listed = true;
        leaf->leaf_next_empty = space->empty_leaf;
        space->empty_leaf = leaf->index >> IPC_LEAF_SHIFT;
    }
}

/* Space locked. Skips what has no leaf without looking at each index: the tree has 16 million. */
struct ipc_entry *ipc_entry_next(ipc_space_t space, uint32_t *index)
{
    uint32_t i = *index;

    while (i < IPC_INDEX_MAX) {
        struct ipc_entry **slot = leaf_slot(space, i >> IPC_LEAF_SHIFT);

        if (slot == NULL) { /* no leaf below that root slot */
            i = (i | (IPC_LEAF_ENTRIES * IPC_MID_LEAVES - 1)) + 1;
            continue;
        }
        if (slot_present(*slot)) {
            do {
                struct ipc_entry *entry = *slot + i % IPC_LEAF_ENTRIES;

                if (entry->bits & IE_BITS_TYPE) {
                    *index = i;
                    return entry;
                }
            } while (++i % IPC_LEAF_ENTRIES != 0);
        } else {
            i = (i | (IPC_LEAF_ENTRIES - 1)) + 1;
        }
    }
    return NULL;
}

/* ---- port -> entry --------------------------------------------------------------------------- */

/*
 * Twice the buckets, with every entry where hash_bucket now says; the old array is freed. If there is no
 * memory for them nothing changes, and the chains stay longer. Space locked.
 */
void ipc_hash_grow(ipc_space_t space)
{
    uint32_t old_size = space->hash_size;
    struct ipc_entry **old = space->hash;
    struct ipc_entry **new = ledger_kalloc(space->ledger, 2 * old_size * sizeof(*new));

    if (new == NULL)
        return;
    space->hash = new;
    space->hash_size = 2 * old_size;
    for (uint32_t i = 0; i < old_size; i++) {
        struct ipc_entry *entry = old[i];

        while (entry != NULL) {
            struct ipc_entry *next = entry->hash_next;
            struct ipc_entry **bucket = ipc_hash_bucket(space, entry->port);

            entry->hash_next = *bucket;
            *bucket = entry;
            entry = next;
        }
    }
    ledger_kfree(space->ledger, old, old_size * sizeof(*old));
}

/* ---- the whole table ------------------------------------------------------------------------- */

kern_return_t ipc_entry_table_init(ipc_space_t space)
{
    space->hash_size = HASH_SIZE_MIN;
    space->hash = ledger_kalloc(space->ledger, HASH_SIZE_MIN * sizeof(*space->hash));
    if (space->hash == NULL)
        return KERN_RESOURCE_SHORTAGE;
    if (leaf_create(space, 0) != KERN_SUCCESS) {
        ledger_kfree(space->ledger, space->hash, HASH_SIZE_MIN * sizeof(*space->hash));
        return KERN_RESOURCE_SHORTAGE;
    }
    return KERN_SUCCESS;
}

void ipc_entry_table_destroy(ipc_space_t space)
{
    ipc_entry_unspare(space);
    assert(space->entry_count == 0 && space->hash_count == 0);
    for (uint32_t i = 0; space->root != NULL && i < IPC_ROOT_MIDS; i++) {
        if (space->root[i] == NULL)
            continue;
        for (uint32_t j = 0; j < IPC_MID_LEAVES; j++)
            if (slot_present(space->root[i][j]))
                ledger_kfree(space->ledger, space->root[i][j], LEAF_SIZE);
        ledger_kfree(space->ledger, space->root[i], MID_SIZE);
    }
    if (space->root != NULL)
        ledger_kfree(space->ledger, space->root, ROOT_SIZE);
    ledger_kfree(space->ledger, space->first, LEAF_SIZE);
    ledger_kfree(space->ledger, space->hash, space->hash_size * sizeof(*space->hash));
    space->root = NULL;
    space->first = NULL;
    space->hash = NULL;
    space->free = NULL;
    space->free_count = 0;
    space->empty_leaf = 0;
}
