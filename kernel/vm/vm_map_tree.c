/*
 * The entries of a map, kept twice: in a list by address, and in a treap: a binary search tree by
 * address that is a heap by random priority, and therefore balanced whatever the order of
 * insertions. Each node knows the free space (gap) just below its entry and the largest gap in its
 * subtree, so both "which entry holds this address" and "where are n free bytes" take O(log n)
 * steps. All functions: the map is locked. Read vm/vm_map.h first.
 */
#include "vm_internal.h"

vm_map_entry_t vm_map_entry_next(vm_map_t map, vm_map_entry_t entry)
{
    return entry->link.next == &map->entries
               ? NULL : queue_entry(entry->link.next, struct vm_map_entry, link);
}

vm_map_entry_t vm_map_entry_prev(vm_map_t map, vm_map_entry_t entry)
{
    struct queue *prev = entry != NULL ? entry->link.prev : map->entries.prev;

    return prev == &map->entries ? NULL : queue_entry(prev, struct vm_map_entry, link);
}

static void refresh(vm_map_entry_t node)
{
    vm_size_t largest = node->gap;

    if (node->left != NULL)
        largest = MAX(largest, node->left->max_gap);
    if (node->right != NULL)
        largest = MAX(largest, node->right->max_gap);
    node->max_gap = largest;
}

/* A gap or a child of node has changed, and the gap of `also` (above it, or NULL): so may the max_gaps from
 * here up, until one does not. */
static void refresh_up(vm_map_entry_t node, vm_map_entry_t also)
{
    for (; node != NULL; node = node->parent) {
        vm_size_t before = node->max_gap;

        refresh(node);
        if (node == also)
            also = NULL;
        if (node->max_gap == before && also == NULL)
            break;
    }
}

static vm_size_t gap_below(vm_map_t map, vm_map_entry_t entry)
{
    vm_map_entry_t prev = vm_map_entry_prev(map, entry);

    return entry->start - (prev != NULL ? prev->end : 0);
}

/* Sets the entry's gap from its neighbour's end, and all max_gaps that depend on it. */
static void set_gap(vm_map_t map, vm_map_entry_t entry)
{
    entry->gap = gap_below(map, entry);
    refresh_up(entry, NULL);
}

/* The pointer that points to node. */
static vm_map_entry_t *link_to(vm_map_t map, vm_map_entry_t node)
{
    if (node->parent == NULL)
        return &map->root;
    return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

/* Node takes its parent's place, the parent becomes its child. */
static void rotate_up(vm_map_t map, vm_map_entry_t node)
{
    vm_map_entry_t parent = node->parent;
    vm_map_entry_t inner; /* the subtree between them changes sides */

    *link_to(map, parent) = node;
    node->parent = parent->parent;
    if (parent->left == node) {
        inner = node->right;
        node->right = parent;
        parent->left = inner;
    } else {
        inner = node->left;
        node->left = parent;
        parent->right = inner;
    }
    parent->parent = node;
    if (inner != NULL)
        inner->parent = parent;
    refresh(parent);
    refresh(node);
}

/* xorshift32 (Marsaglia, 2003): never 0 if the seed was not. */
static uint32_t next_random(vm_map_t map)
{
    map->seed ^= map->seed << 13;
    map->seed ^= map->seed >> 17;
    map->seed ^= map->seed << 5;
    return map->seed;
}

vm_map_entry_t vm_map_entry_at_or_above(vm_map_t map, vm_address_t address)
{
    vm_map_entry_t node = map->root;
    vm_map_entry_t best = NULL;

    while (node != NULL) {
        if (node->end > address) {
            best = node;
            if (node->start <= address)
                break;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

/* The entry becomes a leaf between its neighbours. One of the two is above the other in the tree, and the
 * lower one has nothing on the side of the other. */
void vm_map_entry_link(vm_map_t map, vm_map_entry_t entry, vm_map_entry_t next)
{
    vm_map_entry_t prev;

    enqueue_tail(next != NULL ? &next->link : &map->entries, &entry->link);
    prev = vm_map_entry_prev(map, entry);
    entry->left = entry->right = NULL;
    if (next != NULL && next->left == NULL) {
        entry->parent = next;
        next->left = entry;
    } else {
        entry->parent = prev;
        *(prev != NULL ? &prev->right : &map->root) = entry;
    }
    entry->tree_priority = next_random(map);
    entry->max_gap = 0;
    entry->gap = entry->start - (prev != NULL ? prev->end : 0);
    if (next != NULL)
        next->gap = next->start - entry->end;
    refresh_up(entry, next); /* (which is somewhere above: the entry has nothing to its right) */
    while (entry->parent != NULL && entry->parent->tree_priority < entry->tree_priority)
        rotate_up(map, entry);
    map->hint = entry; /* it is likely to be touched next */
    map->entry_count++;
    ledger_charge_always(map->ledger, sizeof(*entry)); /* (who made the entry asked before) */
    map->size += entry->end - entry->start;
}

void vm_map_entry_unlink(vm_map_t map, vm_map_entry_t entry)
{
    vm_map_entry_t next = vm_map_entry_next(map, entry);
    vm_map_entry_t child, parent;

    while (entry->left != NULL && entry->right != NULL)
        rotate_up(map, entry->left->tree_priority > entry->right->tree_priority ? entry->left
                                                                                : entry->right);
    child = entry->left != NULL ? entry->left : entry->right;
    parent = entry->parent;
    *link_to(map, entry) = child;
    if (child != NULL)
        child->parent = parent;
    queue_remove(&entry->link);
    if (next != NULL)
        next->gap = gap_below(map, next);
    if (entry->right != NULL) /* then next is below it, else above */
        refresh_up(next, parent);
    else
        refresh_up(parent, next);
    if (map->hint == entry)
        map->hint = NULL;
    map->entry_count--;
    ledger_credit(map->ledger, sizeof(*entry));
    map->size -= entry->end - entry->start;
}

void vm_map_entry_resize(vm_map_t map, vm_map_entry_t entry, vm_address_t start, vm_address_t end)
{
    vm_map_entry_t next = vm_map_entry_next(map, entry);

    map->size += (end - start) - (entry->end - entry->start);
    entry->start = start;
    entry->end = end;
    set_gap(map, entry);
    if (next != NULL)
        set_gap(map, next);
}

/* The first entry after this one, in address order, with a gap of at least size below it. */
static vm_map_entry_t next_with_gap(vm_map_entry_t node, vm_size_t size)
{
    vm_map_entry_t subtree = node->right;

    while (subtree == NULL || subtree->max_gap < size) {
        /* Nothing to the right: up to the first ancestor whose left side we come from. */
        while (node->parent != NULL && node->parent->right == node)
            node = node->parent;
        node = node->parent;
        if (node == NULL || node->gap >= size)
            return node;
        subtree = node->right;
    }
    for (node = subtree;;) {
        if (node->left != NULL && node->left->max_gap >= size)
            node = node->left;
        else if (node->gap >= size)
            return node;
        else
            node = node->right;
    }
}

bool vm_map_find_space(vm_map_t map, vm_address_t from, vm_size_t size, vm_address_t limit,
                       vm_address_t *address, vm_map_entry_t *next)
{
    *next = vm_map_entry_at_or_above(map, from);
    if (*next != NULL && ((*next)->start < from || (*next)->start - from < size)) {
        *next = next_with_gap(*next, size);
        from = *next != NULL ? (*next)->start - (*next)->gap : vm_map_entry_prev(map, NULL)->end;
    }
    *address = from;
    return from <= limit && limit - from >= size;
}
