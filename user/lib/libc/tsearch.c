/*
 * tsearch: a treap, which is a search tree by its keys and, by numbers drawn by lot, a heap; so it is
 * balanced, whatever the order of insertions.
 */
#include <search.h>
#include <stdint.h>
#include <stdlib.h>

struct node {
    const void *key; /* first: what tsearch returns points to it */
    struct node *child[2];
    uint32_t lot; /* not less than its children's */
};

typedef int compare_t(const void *, const void *);

static uint32_t draw(void)
{
    static uint32_t state = 2463534242U; /* xorshift32 [Marsaglia 2003] */

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Divides a tree into what is less than key, and greater. key is not in it. */
static void split(struct node *tree, const void *key, compare_t *compare, struct node **less,
                  struct node **greater)
{
    while (tree != NULL) {
        if (compare(key, tree->key) < 0) {
            *greater = tree;
            greater = &tree->child[0];
            tree = tree->child[0];
        } else {
            *less = tree;
            less = &tree->child[1];
            tree = tree->child[1];
        }
    }
    *less = NULL;
    *greater = NULL;
}

/* The link to the node with that key, or to where it would be; *parent: above. */
static struct node **find(const void *key, void *const *root, compare_t *compare, struct node **parent)
{
    struct node **link = (struct node **)root;

    *parent = NULL;
    while (*link != NULL) {
        int order = compare(key, (*link)->key);

        if (order == 0)
            break;
        *parent = *link;
        link = &(*link)->child[order > 0];
    }
    return link;
}

void *tfind(const void *key, void *const *root, compare_t *compare)
{
    struct node *parent;

    return root != NULL ? *find(key, root, compare, &parent) : NULL;
}

void *tsearch(const void *key, void **root, compare_t *compare)
{
    struct node **link = (struct node **)root;
    struct node *node;

    if (root == NULL)
        return NULL;
    node = tfind(key, root, compare);
    if (node != NULL)
        return node;
    node = malloc(sizeof(*node));
    if (node == NULL)
        return NULL;
    node->key = key;
    node->lot = draw();
    while (*link != NULL && (*link)->lot >= node->lot)
        link = &(*link)->child[compare(key, (*link)->key) > 0];
    split(*link, key, compare, &node->child[0], &node->child[1]);
    *link = node;
    return node;
}

/* Returns the parent; of the root's deletion something that is not NULL, as POSIX wants it. */
void *tdelete(const void *restrict key, void **restrict root, compare_t *compare)
{
    struct node *parent;
    struct node **link = root != NULL ? find(key, root, compare, &parent) : NULL;
    struct node *node;
    struct node *less;
    struct node *greater;

    if (link == NULL || *link == NULL)
        return NULL;
    node = *link;
    less = node->child[0];
    greater = node->child[1];
    while (less != NULL && greater != NULL) { /* the two become one, from above */
        int side = less->lot < greater->lot;

        *link = side ? greater : less;
        link = &(*link)->child[!side];
        if (side)
            greater = greater->child[0];
        else
            less = less->child[1];
    }
    *link = less != NULL ? less : greater;
    free(node);
    return parent != NULL ? (void *)parent : (void *)root;
}

static void walk(const struct node *node, void (*action)(const void *, VISIT, int), int level)
{
    if (node->child[0] == NULL && node->child[1] == NULL) {
        action(node, leaf, level);
        return;
    }
    action(node, preorder, level);
    if (node->child[0] != NULL)
        walk(node->child[0], action, level + 1);
    action(node, postorder, level);
    if (node->child[1] != NULL)
        walk(node->child[1], action, level + 1);
    action(node, endorder, level);
}

void twalk(const void *root, void (*action)(const void *node, VISIT visit, int level))
{
    if (root != NULL && action != NULL)
        walk(root, action, 0);
}
